/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of a usage file, each as it is and behind the checksum that it would have: what is believed
 * is written and read again as the same, and whatever is put back, quotas count on from there and
 * hand out rows that are believed again. */
#include "sidecar/state/usage_lines.c" /* for the checksum */

#include <stdlib.h>

#include "rules/base/must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { NOW_S = 1795219200, MOST = 64 };

static void must_be_same(const struct quota_row *a, const struct quota_row *b)
{
    must(span_is(a->plan, b->plan) && span_is(a->key, b->key) && a->period == b->period);
    must(a->begins == b->begins && a->used == b->used && a->granted == b->granted);
    must(a->day.day == b->day.day && a->day.used == b->day.used &&
         a->day.remaining == b->day.remaining);
}

static void must_come_back(void *to, const struct quota_row *row)
{
    struct buf line;
    struct quota_row again;
    (void)to;
    buf_init(&line, USAGE_LINE_MOST);
    usage_line_add(&line, row);
    must(line.len > 1 && line.at[line.len - 1] == '\n');
    must(usage_line_read(span_make(line.at, line.len - 1), &again));
    must_be_same(row, &again);
    buf_fini(&line);
}

static void try_row(struct quotas *quotas, const struct quota_row *row)
{
    struct quota_limit limit = {.limit = 1000, .offset = 5, .period = QUOTA_WEEK};
    struct quota_key key = {row->plan, row->key};
    struct quota_day day;
    must(row->plan.len > 0 && row->plan.len <= QUOTA_NAME_MOST && row->key.len <= QUOTA_NAME_MOST);
    must_come_back(NULL, row);
    quotas_restore(quotas, row);
    if (row->key.len == 0)
        return;
    struct quota_verdict verdict = quotas_ask(quotas, &key, &limit, NOW_S, true);
    must(!verdict.has_room || verdict.passes != verdict.is_over);
    if (verdict.has_room)
        must(quotas_days(quotas, &key, &limit, NOW_S / QUOTA_SECONDS_OF_DAY,
                         NOW_S / QUOTA_SECONDS_OF_DAY, &day));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span rest = span_make((const char *)data, size);
    struct quotas *quotas = quotas_new(MOST);
    struct buf line;
    struct quota_row row;
    buf_init(&line, size + 64);
    while (rest.len > 0) {
        struct span text = span_cut(&rest, '\n');
        if (usage_line_read(text, &row))
            try_row(quotas, &row);
        buf_clear(&line);
        buf_format(&line, "%016llx ", (unsigned long long)checksum(text));
        buf_add(&line, text);
        if (usage_line_read(buf_span(&line), &row))
            try_row(quotas, &row);
    }
    quotas_collect(quotas, true, must_come_back, NULL);
    buf_fini(&line);
    quotas_free(quotas);
    return 0;
}
