/* SPDX-License-Identifier: Apache-2.0 */
/* Types of options that are one quantity: numbers, sizes, times. */
#include "rules/base/number.h"
#include "sidecar/config/values.h"

/* ---- numbers ---- */

static bool in_range(const struct option_type *type, uint64_t number)
{
    return number >= type->least && number <= type->most;
}

static enum value_result count_read(const struct value *value)
{
    const struct option_type *type = value->option->type;
    uint64_t number = 0;
    unsigned word;
    bool is_word = value_word(value, &word) == VALUE_TAKEN; /* "auto": 0 */
    if (!is_word && (!number_parse(value->node->text, &number) || !in_range(type, number)))
        return VALUE_UNFIT;
    *(unsigned *)value_at(value) = (unsigned)number;
    return VALUE_TAKEN;
}

static bool count_print(const struct option *option, const void *base, size_t i, struct buf *to)
{
    (void)i;
    unsigned number = *(const unsigned *)value_field(option, base);
    if (number == 0 && option->type->word_count > 0)
        return buf_add(to, span_text(option->type->words[0]));
    return buf_add_number(to, number);
}

/* 0 where it is not given. */
static enum value_result level_read(const struct value *value)
{
    uint64_t number;
    if (!number_parse(value->node->text, &number) || !in_range(value->option->type, number))
        return VALUE_UNFIT;
    *(unsigned *)value_at(value) = (unsigned)number;
    return VALUE_TAKEN;
}

static bool level_print(const struct option *option, const void *base, size_t i, struct buf *to)
{
    (void)i;
    unsigned number = *(const unsigned *)value_field(option, base);
    return number > 0 && buf_add_number(to, number);
}

static const char *const auto_word[] = {"auto"};

const struct option_type type_threads = {.name = "auto | number",
                                         .expected = "auto, or a number from 1 to 16",
                                         .read = count_read,
                                         .print = count_print,
                                         .words = auto_word,
                                         .word_count = 1,
                                         .least = 1,
                                         .most = 16};
const struct option_type type_count = {.name = "number",
                                       .expected = "a number from 1 to 1000000",
                                       .read = count_read,
                                       .print = count_print,
                                       .least = 1,
                                       .most = 1000000};
const struct option_type type_count_or_0 = {.name = "number",
                                            .expected = "a number from 0 to 1000000",
                                            .read = count_read,
                                            .print = count_print,
                                            .least = 0,
                                            .most = 1000000};
static const char *const off_word[] = {"off"};
const struct option_type type_count_or_off = {.name = "off | number",
                                              .expected = "off, or a number from 1 to 1000000",
                                              .read = count_read,
                                              .print = count_print,
                                              .words = off_word,
                                              .word_count = 1,
                                              .least = 1,
                                              .most = 1000000};
const struct option_type type_refusal_status = {.name = "status",
                                                .expected = "a status from 400 to 599",
                                                .read = count_read,
                                                .print = count_print,
                                                .least = 400,
                                                .most = 599};
const struct option_type type_paranoia = {.name = "1 to 4",
                                          .expected = "a number from 1 to 4",
                                          .read = level_read,
                                          .print = level_print,
                                          .least = 1,
                                          .most = 4};
const struct option_type type_threshold = {.name = "number",
                                           .expected = "a number from 1 to 1000000",
                                           .read = level_read,
                                           .print = level_print,
                                           .least = 1,
                                           .most = 1000000};

const struct option_type type_quantity = {.name = "number",
                                          .expected = "a number from 1 to 1000000000",
                                          .read = level_read,
                                          .print = level_print,
                                          .least = 1,
                                          .most = 1000000000};
const struct option_type type_max_keys = {.name = "number",
                                          .expected = "a number from 1 to 16777216",
                                          .read = level_read,
                                          .print = level_print,
                                          .least = 1,
                                          .most = 1 << 24};
const struct option_type type_prefix = {.name = "1 to 128",
                                        .expected = "a number of bits from 1 to 128",
                                        .read = level_read,
                                        .print = level_print,
                                        .least = 1,
                                        .most = 128};

/* ---- sizes and times ---- */

static enum value_result size_read(const struct value *value)
{
    const struct option_type *type = value->option->type;
    uint64_t bytes = 0;
    unsigned word;
    bool is_word = value_word(value, &word) == VALUE_TAKEN;
    if (!is_word && (!size_parse(value->node->text, &bytes) || !in_range(type, bytes)))
        return VALUE_UNFIT;
    *(uint64_t *)value_at(value) = bytes;
    return VALUE_TAKEN;
}

static bool size_print(const struct option *option, const void *base, size_t i, struct buf *to)
{
    (void)i;
    uint64_t bytes = *(const uint64_t *)value_field(option, base);
    if (bytes == 0 && option->type->word_count > 0)
        return buf_add(to, span_text(option->type->words[0]));
    char text[32];
    return buf_add(to, span_make(text, size_write(text, bytes)));
}

static enum value_result rate_read(const struct value *value)
{
    struct span text = value->node->text;
    if (span_ends(text, SPAN("/s")))
        text = span_first(text, text.len - 2);
    uint64_t *to = value_at(value);
    return size_parse(text, to) ? VALUE_TAKEN : VALUE_UNFIT;
}

static bool rate_print(const struct option *option, const void *base, size_t i, struct buf *to)
{
    size_print(option, base, i, to);
    const uint64_t *rate = value_field(option, base);
    return *rate == 0 || buf_add(to, SPAN("/s"));
}

static enum value_result duration_read(const struct value *value)
{
    uint64_t us;
    if (!duration_parse(value->node->text, &us) || !in_range(value->option->type, us))
        return VALUE_UNFIT;
    *(uint64_t *)value_at(value) = us;
    return VALUE_TAKEN;
}

/* 0 stands for a time that is not given; the types that may be 0 always print. */
static bool duration_print(const struct option *option, const void *base, size_t i, struct buf *to)
{
    (void)i;
    uint64_t us = *(const uint64_t *)value_field(option, base);
    if (us < option->type->least)
        return false;
    char text[32];
    return buf_add(to, span_make(text, duration_write(text, us)));
}

/* Of what may be a number with a unit. */
static struct span quantity_hint(struct span text, bool is_one, struct span units)
{
    uint64_t number;
    if (is_one || text.len == 0 || !byte_is_digit(text.at[0]) || number_parse(text, &number))
        return SPAN("");
    return span_find_byte(text, '.') != SPAN_NONE ? SPAN("whole numbers alone, of a smaller unit")
                                                  : units;
}

static struct span size_hint(struct span text)
{
    uint64_t bytes;
    return quantity_hint(text, size_parse(text, &bytes), SPAN("the units are B, KiB, MiB and GiB"));
}

static struct span duration_hint(struct span text)
{
    uint64_t us;
    return quantity_hint(text, duration_parse(text, &us),
                         SPAN("the units are us, ms, s, m, h and d"));
}

#define YEAR_US (UINT64_C(366) * 86400000000)

const struct option_type type_size = {.name = "size",
                                      .expected = "a size with a unit, like 128KiB (up to 1024GiB)",
                                      .read = size_read,
                                      .print = size_print,
                                      .hint = size_hint,
                                      .least = 0,
                                      .most = UINT64_C(1) << 40};
const struct option_type type_head_size = {.name = "size",
                                           .expected = "a size with a unit, from 256B to 1MiB",
                                           .read = size_read,
                                           .print = size_print,
                                           .hint = size_hint,
                                           .least = 256,
                                           .most = 1 << 20};
const struct option_type type_memory = {.name = "auto | size",
                                        .expected = "auto, or a size with a unit from 16MiB up",
                                        .read = size_read,
                                        .print = size_print,
                                        .hint = size_hint,
                                        .words = auto_word,
                                        .word_count = 1,
                                        .least = 16 << 20,
                                        .most = UINT64_C(1) << 50};
const struct option_type type_spool_size = {.name = "size",
                                            .expected = "a size with a unit, from 4MiB to 1024GiB",
                                            .read = size_read,
                                            .print = size_print,
                                            .hint = size_hint,
                                            .least = 4 << 20,
                                            .most = UINT64_C(1) << 40};
const struct option_type type_rotate_size = {.name = "off | size",
                                             .expected = "off, or a size with a unit from 4KiB up",
                                             .read = size_read,
                                             .print = size_print,
                                             .hint = size_hint,
                                             .words = off_word,
                                             .word_count = 1,
                                             .least = 4 << 10,
                                             .most = UINT64_C(1) << 40};
const struct option_type type_sink_buffer = {.name = "size",
                                             .expected = "a size with a unit, from 8MiB to 4GiB",
                                             .read = size_read,
                                             .print = size_print,
                                             .hint = size_hint,
                                             .least = 8 << 20,
                                             .most = UINT64_C(4) << 30};
const struct option_type type_rate = {.name = "size a second",
                                      .expected = "a size with a unit a second, like 240B/s",
                                      .read = rate_read,
                                      .print = rate_print,
                                      .hint = size_hint};
const struct option_type type_duration = {
    .name = "time",
    .expected = "a time with a unit, like 10s or 500ms, above 0 and up to 366d",
    .read = duration_read,
    .print = duration_print,
    .hint = duration_hint,
    .least = 1,
    .most = YEAR_US};
const struct option_type type_spool_age = {.name = "time",
                                           .expected = "a time with a unit, from 1m to 366d",
                                           .read = duration_read,
                                           .print = duration_print,
                                           .hint = duration_hint,
                                           .least = 60000000,
                                           .most = YEAR_US};
const struct option_type type_push_interval = {.name = "time",
                                               .expected = "a time with a unit, from 1s to 366d",
                                               .read = duration_read,
                                               .print = duration_print,
                                               .hint = duration_hint,
                                               .least = 1000000,
                                               .most = YEAR_US};
const struct option_type type_duration_or_0 = {
    .name = "time",
    .expected = "a time with a unit, like 10s or 500ms, up to 366d, or 0",
    .read = duration_read,
    .print = duration_print,
    .hint = duration_hint,
    .least = 0,
    .most = YEAR_US};
