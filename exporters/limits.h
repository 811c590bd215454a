/* SPDX-License-Identifier: Apache-2.0 */
/* OpenTelemetry's limits of what a span or a log record says: what is beyond them is left out, and
 * counted in it. */
#ifndef SIDEGATE_EXPORTERS_LIMITS_H
#define SIDEGATE_EXPORTERS_LIMITS_H

#include <limits.h>
#include <stdbool.h>

struct attribute_limits {
    unsigned length; /* of a text, in characters; 0: any */
    unsigned most;   /* attributes */
};
struct span_limits {
    struct attribute_limits own, of_events;
    unsigned events, links;
};
#define NO_ATTRIBUTE_LIMITS           \
    {                                 \
        .length = 0, .most = UINT_MAX \
    }
#define NO_SPAN_LIMITS                                                                    \
    {                                                                                     \
        .own = NO_ATTRIBUTE_LIMITS, .of_events = NO_ATTRIBUTE_LIMITS, .events = UINT_MAX, \
        .links = UINT_MAX                                                                 \
    }

/* Of spans, and of log records. */
struct otlp_limits {
    bool are_given; /* false: there are none, whatever the others say */
    struct span_limits spans;
    struct attribute_limits logs;
};

#endif
