/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/state/usage_lines.h"

#include "rules/base/map.h"
#include "rules/base/number.h"

enum { SUM_DIGITS = 16, PERIODS = 3, DAY_MOST = 10000000 };

static const char *const periods[PERIODS] = {
    [QUOTA_DAY] = "day", [QUOTA_WEEK] = "week", [QUOTA_MONTH] = "month"};

/* Against accidents, and not against people: who may write the file may write what he wants. */
static uint64_t checksum(struct span text)
{
    static const uint8_t key[16] = "lines of usage..";
    return siphash(key, text);
}

void usage_line_add(struct buf *to, const struct quota_row *row)
{
    struct buf text;
    buf_init(&text, USAGE_LINE_MOST);
    if (row->key.len == 0)
        buf_format(&text, "p " SPAN_FORMAT " %lld", span_arg(row->plan), (long long)row->day.day);
    else
        buf_format(&text, "k " SPAN_FORMAT " " SPAN_FORMAT " %s %lld %llu %lld %lld %llu %llu",
                   span_arg(row->plan), span_arg(row->key), periods[row->period],
                   (long long)row->begins, (unsigned long long)row->used, (long long)row->granted,
                   (long long)row->day.day, (unsigned long long)row->day.used,
                   (unsigned long long)row->day.remaining);
    if (!buf_is_full(&text))
        buf_format(to, "%016llx " SPAN_FORMAT "\n", (unsigned long long)checksum(buf_span(&text)),
                   span_arg(buf_span(&text)));
    buf_fini(&text);
}

/* ---- reading ---- */

/* Visible bytes: nothing else is ever written as one. */
static bool read_name(struct span *rest, struct span *name)
{
    *name = span_cut(rest, ' ');
    for (size_t i = 0; i < name->len; i++)
        if (name->at[i] <= ' ' || name->at[i] > '~')
            return false;
    return name->len > 0 && name->len <= QUOTA_NAME_MOST;
}

static bool read_number(struct span *rest, uint64_t *number)
{
    return number_parse(span_cut(rest, ' '), number);
}

static bool read_signed(struct span *rest, int64_t *number)
{
    struct span text = span_cut(rest, ' ');
    bool minus = text.len > 0 && text.at[0] == '-';
    uint64_t parsed;
    if (!number_parse(span_from(text, minus), &parsed) || parsed > INT64_MAX / 2)
        return false;
    *number = minus ? -(int64_t)parsed : (int64_t)parsed;
    return true;
}

static bool read_day(struct span *rest, int64_t *day)
{
    return read_signed(rest, day) && *day >= -DAY_MOST && *day <= DAY_MOST;
}

static bool read_period(struct span *rest, enum quota_period *period)
{
    struct span word = span_cut(rest, ' ');
    for (unsigned i = 0; i < PERIODS; i++)
        if (span_is(word, span_text(periods[i]))) {
            *period = (enum quota_period)i;
            return true;
        }
    return false;
}

static bool read_key(struct span rest, struct quota_row *row)
{
    return read_name(&rest, &row->plan) && read_name(&rest, &row->key) &&
           read_period(&rest, &row->period) && read_day(&rest, &row->begins) &&
           read_number(&rest, &row->used) && read_signed(&rest, &row->granted) &&
           read_day(&rest, &row->day.day) && read_number(&rest, &row->day.used) &&
           read_number(&rest, &row->day.remaining) && rest.at == NULL &&
           row->used <= INT64_MAX / 2 && row->day.used <= INT64_MAX / 2;
}

static bool read_plan(struct span rest, struct quota_row *row)
{
    row->key = SPAN("");
    return read_name(&rest, &row->plan) && read_day(&rest, &row->day.day) && rest.at == NULL;
}

bool usage_line_read(struct span line, struct quota_row *row)
{
    uint64_t sum;
    struct span rest = line;
    struct span digits = span_cut(&rest, ' ');
    *row = (struct quota_row){.key = SPAN("")};
    if (digits.len != SUM_DIGITS || !number_parse_hex(digits, &sum) || rest.at == NULL ||
        sum != checksum(rest))
        return false;
    struct span kind = span_cut(&rest, ' ');
    if (rest.at == NULL)
        return false;
    if (span_is(kind, SPAN("k")))
        return read_key(rest, row);
    return span_is(kind, SPAN("p")) && read_plan(rest, row);
}
