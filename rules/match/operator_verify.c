/* SPDX-License-Identifier: Apache-2.0 */
/* Operators that check the check digits of numbers that a pattern finds. Each match is looked at,
 * from each place at which one begins, until one is right; that one is captured. */
#include "rules/match/operator_rows.h"

enum { MOST_DIGITS = 64 };

/* The digits among the bytes of a match, separators left out. */
struct digits {
    unsigned at[MOST_DIGITS];
    size_t count;
};

static struct digits digits_of(struct span match)
{
    struct digits digits = {.count = 0};

    for (size_t i = 0; i < match.len && digits.count < MOST_DIGITS; i++)
        if (byte_is_digit(match.at[i]))
            digits.at[digits.count++] = (unsigned)(match.at[i] - '0');
    return digits;
}

static enum operator_answer verify(const struct operator* op, struct operator_run *run,
                                   bool (*is_right)(const struct digits *))
{
    size_t start = 0;

    while (start < run->value.len) {
        struct captures found;
        struct digits digits;
        enum pattern_answer answer =
            pattern_match_from(op->pattern, run->value, start, run->scratch, &found);

        if (answer != PATTERN_YES)
            return answer == PATTERN_NO ? OPERATOR_NO : OPERATOR_LIMIT;
        digits = digits_of(found.at[0]);
        if (is_right(&digits)) {
            run->captures = found;
            return OPERATOR_YES;
        }
        start = (size_t)(found.at[0].at - run->value.at) + 1;
    }
    return OPERATOR_NO;
}

/* Luhn: every second digit from the right counts twice, by the sum of its digits. */
static bool is_credit_card(const struct digits *digits)
{
    static const unsigned twice[10] = {0, 2, 4, 6, 8, 1, 3, 5, 7, 9};
    unsigned sum = 0;

    for (size_t i = 0; i < digits->count; i++) {
        unsigned digit = digits->at[digits->count - 1 - i];

        sum += i % 2 == 1 ? twice[digit] : digit;
    }
    return digits->count > 0 && sum % 10 == 0;
}

/* Each digit is the one before plus `step`: 111..., 123... are examples, not numbers. */
static bool is_sequence(const struct digits *digits, unsigned step)
{
    for (size_t i = 1; i < digits->count; i++)
        if (digits->at[i] != digits->at[i - 1] + step)
            return false;
    return true;
}

static bool is_ssn(const struct digits *digits)
{
    const unsigned *d = digits->at;
    unsigned area, group, serial;

    if (digits->count != 9 || is_sequence(digits, 0) || is_sequence(digits, 1))
        return false;
    area = d[0] * 100 + d[1] * 10 + d[2];
    group = d[3] * 10 + d[4];
    serial = d[5] * 1000 + d[6] * 100 + d[7] * 10 + d[8];
    return area != 0 && area != 666 && area < 740 && group != 0 && serial != 0;
}

/* The check digit over the first `count` digits, whose weights fall to 2 from the left. */
static unsigned cpf_check_digit(const unsigned *digits, unsigned count)
{
    unsigned sum = 0;

    for (unsigned i = 0; i < count; i++)
        sum += digits[i] * (count + 1 - i);
    sum %= 11;
    return sum < 2 ? 0 : 11 - sum;
}

static bool is_cpf(const struct digits *digits)
{
    if (digits->count != 11 || is_sequence(digits, 0))
        return false;
    return digits->at[9] == cpf_check_digit(digits->at, 9) &&
           digits->at[10] == cpf_check_digit(digits->at, 10);
}

/* The fourth digit checks the others. */
static bool is_svnr(const struct digits *digits)
{
    static const unsigned weights[10] = {3, 7, 9, 0, 5, 8, 4, 2, 1, 6};
    unsigned sum = 0;

    if (digits->count != 10 || is_sequence(digits, 0) || is_sequence(digits, 1))
        return false;
    for (size_t i = 0; i < 10; i++)
        sum += digits->at[i] * weights[i];
    return sum % 11 == digits->at[3];
}

enum operator_answer operator_run_verify_cc(const struct operator* op, struct operator_run *run)
{
    return verify(op, run, is_credit_card);
}

enum operator_answer operator_run_verify_cpf(const struct operator* op, struct operator_run *run)
{
    return verify(op, run, is_cpf);
}

enum operator_answer operator_run_verify_ssn(const struct operator* op, struct operator_run *run)
{
    return verify(op, run, is_ssn);
}

enum operator_answer operator_run_verify_svnr(const struct operator* op, struct operator_run *run)
{
    return verify(op, run, is_svnr);
}
