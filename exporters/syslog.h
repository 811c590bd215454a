/* SPDX-License-Identifier: Apache-2.0 */
/* Lines as messages of syslog, RFC 5424:
 *
 *   <134>1 2026-11-21T09:38:11.123456Z host sidegate 4711 access_log
 *          [sidegate@32473 request_id="..." trace_id="..." span_id="..."] LINE
 *
 * over UDP (RFC 5426) and Unix datagrams one each; over TCP, TLS (RFC 5425) and Unix streams with
 * their lengths before them (octet counting, RFC 6587 3.4.1). 32473 is the number that RFC 5612
 * sets aside for those who have none.
 *
 * Syslog knows no answer. What can be known: a message over a stream counts as sent once the other
 * side's machine has acknowledged its bytes. A connection that is reset may have cost what was not
 * read yet, so the last 1 to 2 MiB of it are sent again (resent); one that is closed in order has
 * cost nothing. Of a datagram over UDP nothing is known but that a port was closed. */
#ifndef SIDEGATE_EXPORTERS_SYSLOG_H
#define SIDEGATE_EXPORTERS_SYSLOG_H

#include "exporters/sender.h"

extern const struct sender_kind syslog_kind;

enum syslog_way { SYSLOG_UDP, SYSLOG_TCP, SYSLOG_TLS, SYSLOG_UNIX };
/* Where an address leads: "udp://host:514", "[::1]:601"; ports that are not given are 514, 601 and
 * 6514. False: it is none. */
struct syslog_address {
    enum syslog_way way;
    char host[256]; /* without brackets; of Unix sockets: the path */
    char port[6];
};
bool syslog_address_parse(struct span text, struct syslog_address *out);

/* One message. `sender`'s name and process are those of this machine. */
struct syslog_origin {
    const struct syslog_settings *settings;
    const char *host, *log;
    long process;
};
void syslog_message_add(struct buf *to, const struct syslog_origin *origin,
                        const struct entry *entry);

#endif
