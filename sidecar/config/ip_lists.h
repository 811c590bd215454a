/* SPDX-License-Identifier: Apache-2.0 */
/* The ip_sets of the settings, with what stands in their files: a part of a snapshot. */
#ifndef SIDEGATE_SIDECAR_CONFIG_IP_LISTS_H
#define SIDEGATE_SIDECAR_CONFIG_IP_LISTS_H

#include <stdint.h>

#include "rules/base/fault.h"
#include "sidecar/config/settings.h"

struct buf;
struct documents;
struct networks;
struct ip_lists;

/* Reads the files; sets that `before` (may be NULL) has from the same file are shared. NULL where
 * one cannot be read or has a line that is no entry: its place is among the faults. What was
 * fetched (`documents` may be NULL) is judged: where it is no list the last good one holds. */
struct ip_lists *ip_lists_new(const struct settings *settings, struct documents *documents,
                              const struct ip_lists *before, struct faults *faults);
/* `before`, of the same settings, with the files read again that have a refresh and have changed,
 * and with what was fetched since. Where one is broken its set stays as it was, and the faults say
 * so. */
struct ip_lists *ip_lists_renew(const struct settings *settings, const struct ip_lists *before,
                                struct faults *faults);
/* What documents call it: the url, and whom its server is believed by. */
void ip_list_source(const struct ip_set_settings *settings, struct buf *to);
/* As of tls_parts.h: changes where a file with a refresh may have, or where something was fetched;
 * how often to look at files, 0: never. */
uint64_t ip_lists_stamp(const struct settings *settings, const struct ip_lists *lists);
uint64_t ip_lists_refresh_us(const struct settings *settings);
void ip_lists_free(struct ip_lists *lists); /* NULL allowed */
/* One for each ip_set, in the order of the settings; sealed. */
const struct networks *const *ip_lists_sets(const struct ip_lists *lists);
/* Nothing was ever fetched for the set of this place. */
bool ip_lists_is_missing(const struct ip_lists *lists, size_t set);
/* Over everything that was read. */
uint64_t ip_lists_hash(const struct ip_lists *lists);

#endif
