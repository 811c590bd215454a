/* SPDX-License-Identifier: Apache-2.0 */
/* Words that metrics and spans share, as OpenTelemetry's conventions have them. */
#ifndef SIDEGATE_EXPORTERS_WORDS_H
#define SIDEGATE_EXPORTERS_WORDS_H

#include "exporters/report.h"

/* The method where it is a known one, "_OTHER" where it is not: low cardinality whatever clients
 * send. Static text. */
struct span method_known(struct span method);
/* The same as a number, for tables; and its word. */
enum { METHODS_KNOWN = 11 };
size_t method_index(struct span method);
struct span method_at(size_t index); /* < METHODS_KNOWN */

/* What error.type says of a request we answered, or of an attempt at a server: the word where there
 * is one, else the status (written to `digits`) from `least` on, else empty. */
struct span error_type(struct span error, unsigned status, unsigned least, char digits[24]);

/* "pass", "block", "would_block"; empty: there are no rules. Static text. */
struct span waf_action_word(enum waf_action action);

/* The stage that runs the rules of a phase. */
struct span phase_stage(enum rule_phase phase);

/* "127.0.0.1:3000", "[::1]:3000", "unix:/path": the address without port and brackets. Port empty:
 * none. */
void address_split(struct span address, struct span *host, struct span *port);

#endif
