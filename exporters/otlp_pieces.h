/* SPDX-License-Identifier: Apache-2.0 */
/* Batches cut where a receiver finds them too large: runs of the field that a signal's Scope
 * message has (spans, metrics, log_records), one field behind the other. */
#ifndef SIDEGATE_EXPORTERS_OTLP_PIECES_H
#define SIDEGATE_EXPORTERS_OTLP_PIECES_H

#include <stddef.h>
#include <stdint.h>

#include "exporters/otlp_signal.h"
#include "rules/base/span.h"

/* How many bytes of whole fields are about half of them; 0: there is one field only, or none. */
size_t otlp_half(struct span items);
/* What an account counts: spans, data points, log records. */
uint64_t otlp_units(enum otlp_signal signal, struct span items);

#endif
