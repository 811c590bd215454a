/* SPDX-License-Identifier: Apache-2.0 */
/* What other threads hand to the exporter's, for the channels of a signal: what is no record of an
 * exchange. Bounded: what there is no room for is counted as dropped (queue_full). */
#ifndef SIDEGATE_EXPORTERS_INBOX_H
#define SIDEGATE_EXPORTERS_INBOX_H

#include "exporters/channels.h"

struct inbox;

struct inbox *inbox_new(void);
void inbox_free(struct inbox *inbox); /* NULL allowed */
/* Any thread. */
void inbox_put(struct inbox *inbox, enum otlp_signal signal, struct span item, unsigned units);
/* The exporter's thread: all of it goes to the channels. */
void inbox_empty(struct inbox *inbox, struct channels *channels);

#endif
