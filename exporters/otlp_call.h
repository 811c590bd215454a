/* SPDX-License-Identifier: Apache-2.0 */
/* One request of OTLP and what its answer means: protobuf over HTTP, or gRPC over HTTP/2. */
#ifndef SIDEGATE_EXPORTERS_OTLP_CALL_H
#define SIDEGATE_EXPORTERS_OTLP_CALL_H

#include "exporters/carrier.h"
#include "exporters/exporter.h"
#include "exporters/otlp_grpc.h"
#include "rules/base/buf.h"
#include "rules/base/span.h"

/* The largest: a batch with its envelope, framed, or compressed badly. */
enum { OTLP_BODY_BYTES = 3 * 1024 * 1024 };

/* What all requests of a channel have in common. */
struct otlp_way;

struct otlp_way *otlp_way_new(const struct channel_settings *to); /* copied */
void otlp_way_free(struct otlp_way *way);                         /* NULL allowed */

struct otlp_call {
    struct flight flight; /* first: what lands is its call */
    struct buf body, response;
    struct span sent;    /* the body, or what was lent as such */
    bool is_aimed;       /* libcurl knows the way */
    struct grpc_end end; /* gRPC's answer, as far as it stands in fields */
};

void otlp_call_init(struct otlp_call *call,
                    void (*on_done)(struct flight *flight, int result, uint64_t now_us));
void otlp_call_fini(struct otlp_call *call); /* it is not under way */
/* Makes the body of an Export...ServiceRequest; false: no memory. */
bool otlp_call_load(struct otlp_call *call, const struct otlp_way *way, struct span message);
/* Where the message is the body, it may be lent instead: until the answer. */
bool otlp_way_is_plain(const struct otlp_way *way);
void otlp_call_lend(struct otlp_call *call, struct span message);
/* What carrier_send() needs; the body and the way have to stay until the answer. */
void otlp_call_aim(struct otlp_call *call, const struct otlp_way *way);
/* The next one goes another way. */
void otlp_call_forget(struct otlp_call *call);

enum otlp_verdict {
    OTLP_TAKEN,
    OTLP_LATER,       /* it asks for patience */
    OTLP_UNREACHABLE, /* likewise, and nobody heard an answer */
    OTLP_TOO_LARGE,   /* less at once may do */
    OTLP_REFUSED,
    OTLP_UNSENDABLE, /* likewise, by our own side */
};
struct otlp_answer {
    enum otlp_verdict verdict;
    uint64_t rejected; /* OTLP_TAKEN: so many units of it were not */
    uint64_t pause_us; /* OTLP_LATER: for so long; 0: it does not say */
    bool is_doubtful;  /* OTLP_UNREACHABLE: the receiver may have it */
    bool is_cut_off;   /* OTLP_UNREACHABLE: the time was up before all of it had left */
    char why[256];     /* for the operator: printable, and none of the way's secrets */
};
/* `result`: a CURLcode. */
void otlp_call_answer(const struct otlp_call *call, const struct otlp_way *way, int result,
                      struct otlp_answer *answer);

#endif
