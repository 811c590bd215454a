/* SPDX-License-Identifier: Apache-2.0 */
/* A connection for syslog: TCP, TLS or a Unix stream, made anew where it was lost. */
#ifndef SIDEGATE_EXPORTERS_SYSLOG_STREAM_H
#define SIDEGATE_EXPORTERS_SYSLOG_STREAM_H

#include "exporters/syslog.h"

struct syslog_stream;

/* Both are borrowed. */
struct syslog_stream *syslog_stream_new(const struct syslog_address *address,
                                        const struct syslog_settings *settings);
void syslog_stream_free(struct syslog_stream *stream); /* NULL allowed */

/* True: the other side's machine has all of these whole messages. False: `out` says why, and they
 * are to be sent again. Fills out->resent. */
bool syslog_stream_send(struct syslog_stream *stream, struct sender *sender, struct span messages,
                        unsigned count, struct delivery *out);

#endif
