/* SPDX-License-Identifier: Apache-2.0 */
/* How much of its usage plan each API key has used, by day, week or calendar month (UTC; a week
 * begins on Sunday). Exact over all threads; the clock is handed in, and what is past stays past: a
 * clock that jumps back counts on in the period that had begun, so that nobody gets a second quota.
 * A clock that had leapt ahead by more than a period and comes back to days that were counted
 * before, or that the plan was known on, is believed again: nobody waits for a year that never was.
 *
 * What is counted is days. A plan whose limit or period changes keeps what was used: it is the sum
 * of the days of the running period.
 *
 *   entry (plan, key): period that runs | used in it | granted | days [day, used, remaining] ...
 *
 * Bounded: `most` entries, each with its latest 93 days that saw requests. What is written to disk
 * are rows (quota_row), one for each day of an entry that changed. */
#ifndef SIDEGATE_SIDECAR_STATE_QUOTAS_H
#define SIDEGATE_SIDECAR_STATE_QUOTAS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rules/base/span.h"

struct quotas;

enum quota_period { QUOTA_DAY, QUOTA_WEEK, QUOTA_MONTH };

struct quota_limit {
    unsigned limit;  /* requests in a period; 0: they are counted, and none is too many */
    unsigned offset; /* taken from the limit in the first period that knew the plan */
    enum quota_period period;
};

/* Whose; names without blanks, 64 bytes at the most. */
struct quota_key {
    struct span plan, key;
};

enum { QUOTA_NAME_MOST = 64, QUOTA_DAYS_MOST = 93, QUOTA_SECONDS_OF_DAY = 86400 };

/* Days since 1970: the first of the period that has `day`, and of the next one. */
int64_t quota_period_begins(enum quota_period period, int64_t day);
int64_t quota_period_ends(enum quota_period period, int64_t day);
/* "2026-11-21", and back; false: no such day. */
enum { QUOTA_DATE_LENGTH = 10 };
void quota_date_write(char to[QUOTA_DATE_LENGTH], int64_t day);
bool quota_date_parse(struct span text, int64_t *day);

struct quotas *quotas_new(size_t most);
void quotas_free(struct quotas *quotas); /* NULL allowed */

/* From now on there is this plan; a second time nothing happens. */
void quotas_know(struct quotas *quotas, struct span plan, uint64_t now_s);

struct quota_verdict {
    bool passes;
    bool is_over;       /* the quota had been used up */
    bool has_room;      /* false: there was none for a new key; it was not counted */
    uint64_t remaining; /* of this period, after this request */
    uint64_t resets_s;  /* since 1970: when the next period begins */
    uint64_t window_s;  /* how long this one is */
};
/* Any thread. Who is refused is not counted, unless `enforces` is false: then nobody is. */
struct quota_verdict quotas_ask(struct quotas *quotas, const struct quota_key *key,
                                const struct quota_limit *limit, uint64_t now_s, bool enforces);

struct quota_day {
    int64_t day;
    uint64_t used, remaining;
};
/* Fills `to` for each of the days from `first` to `last`; a day without requests has what was left
 * before. Any thread. False: nothing is known of this key in this plan. */
bool quotas_days(struct quotas *quotas, const struct quota_key *key,
                 const struct quota_limit *limit, int64_t first, int64_t last,
                 struct quota_day *to);
/* From now on so much is left of the period that runs; of a plan with a limit. False: no room. */
bool quotas_grant(struct quotas *quotas, const struct quota_key *key,
                  const struct quota_limit *limit, uint64_t now_s, uint64_t remaining);
/* Each key that is known in the plan, under a lock: found() may copy, nothing else. */
void quotas_each(struct quotas *quotas, struct span plan, void (*found)(void *to, struct span key),
                 void *to);

/* What there is to keep: of an entry its state and one of its days; of a plan (key empty) the day
 * that it is known from. */
struct quota_row {
    struct span plan, key;
    enum quota_period period;
    int64_t begins;
    uint64_t used;
    int64_t granted;
    struct quota_day day;
};
/* Hands out all rows (or only those that changed since) under a lock: row() may copy, nothing else.
 */
void quotas_collect(struct quotas *quotas, bool all,
                    void (*row)(void *to, const struct quota_row *row), void *to);
/* Puts a row back; later ones go over earlier ones. It counts as unchanged. */
void quotas_restore(struct quotas *quotas, const struct quota_row *row);
/* What a row says was used besides what is counted here; once for each day. It counts as changed.
 */
void quotas_join(struct quotas *quotas, const struct quota_row *row);

#endif
