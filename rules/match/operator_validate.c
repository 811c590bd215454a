/* SPDX-License-Identifier: Apache-2.0 */
/* Operators that match what is not as it should be. */
#include "rules/match/operator_rows.h"

#include "rules/base/encode.h"
#include "rules/base/number.h"

enum { BYTES = 32 };

static bool read_byte(struct span text, uint64_t *value)
{
    return number_parse(span_trim(text, " \t"), value) && *value <= 255;
}

/* "10", "32-126" */
static bool allow_range(struct span range, uint8_t *allowed)
{
    struct span last = range;
    struct span first = span_cut(&last, '-');
    uint64_t from, to;

    if (!read_byte(first, &from))
        return false;
    if (last.at == NULL)
        to = from;
    else if (!read_byte(last, &to) || to < from)
        return false;
    for (uint64_t i = from; i <= to; i++)
        allowed[i / 8] |= (uint8_t)(1U << i % 8);
    return true;
}

bool operator_compile_validate_byte_range(struct operator* op, struct operator_build *build)
{
    struct span rest = op->argument.text;
    uint8_t *allowed = arena_alloc(build->arena, BYTES);

    if (allowed == NULL)
        return operator_fault(build, 0, "the rules take more memory than they may");
    op->wanted = allowed;
    while (rest.len > 0) {
        struct span range = span_cut(&rest, ',');

        if (!allow_range(range, allowed))
            return operator_fault(build, (size_t)(range.at - op->argument.text.at),
                                  "no byte and no range of bytes from 0 to 255: " SPAN_FORMAT,
                                  span_arg(range));
    }
    return true;
}

enum operator_answer operator_run_validate_byte_range(const struct operator* op,
                                                      struct operator_run *run)
{
    for (size_t i = 0; i < run->value.len; i++) {
        unsigned byte = (unsigned char)run->value.at[i];

        if ((op->wanted[byte / 8] >> byte % 8 & 1) == 0)
            return OPERATOR_YES;
    }
    return OPERATOR_NO;
}

enum operator_answer operator_run_validate_url_encoding(const struct operator* op,
                                                        struct operator_run *run)
{
    struct span rest = run->value;

    (void)op;
    for (;;) {
        size_t at = span_find_byte(rest, '%');

        if (at == SPAN_NONE)
            return OPERATOR_NO;
        if (rest.len - at < 3 || byte_hex(rest.at[at + 1]) < 0 || byte_hex(rest.at[at + 2]) < 0)
            return OPERATOR_YES;
        rest = span_from(rest, at + 3);
    }
}

enum operator_answer operator_run_validate_utf8_encoding(const struct operator* op,
                                                         struct operator_run *run)
{
    (void)op;
    return operator_answer_of(!utf8_is_valid(run->value));
}
