/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers and quantities as people write them. */
#include "rules/base/number.h"

static bool add_digit(uint64_t *number, unsigned base, unsigned digit)
{
    return !__builtin_mul_overflow(*number, base, number) &&
           !__builtin_add_overflow(*number, digit, number);
}

static bool parse_in_base(struct span text, int base, uint64_t *out)
{
    uint64_t number = 0;
    for (size_t i = 0; i < text.len; i++) {
        int digit = byte_hex(text.at[i]);
        if (digit < 0 || digit >= base || !add_digit(&number, (unsigned)base, (unsigned)digit))
            return false;
    }
    if (text.len == 0)
        return false;
    *out = number;
    return true;
}

bool number_parse(struct span text, uint64_t *out)
{
    return parse_in_base(text, 10, out);
}

bool number_parse_hex(struct span text, uint64_t *out)
{
    return parse_in_base(text, 16, out);
}

int64_t number_leading(struct span text)
{
    size_t i = 0;
    while (i < text.len && (text.at[i] == ' ' || (text.at[i] >= '\t' && text.at[i] <= '\r')))
        i++;
    bool negative = i < text.len && text.at[i] == '-';
    if (i < text.len && (text.at[i] == '-' || text.at[i] == '+'))
        i++;
    uint64_t number = 0;
    const uint64_t most = (uint64_t)INT64_MAX + (negative ? 1 : 0);
    for (; i < text.len && byte_is_digit(text.at[i]); i++) {
        if (!add_digit(&number, 10, (unsigned)(text.at[i] - '0')) || number > most) {
            number = most;
            break;
        }
    }
    if (!negative)
        return (int64_t)number;
    return number == most ? INT64_MIN : -(int64_t)number;
}

struct unit {
    struct span name;
    uint64_t size;
};

/* Largest first: the first that divides is the one to write. */
static const struct unit size_units[] = {
    {SPAN_INIT("GiB"), UINT64_C(1) << 30},
    {SPAN_INIT("MiB"), UINT64_C(1) << 20},
    {SPAN_INIT("KiB"), UINT64_C(1) << 10},
    {SPAN_INIT("B"), 1},
};
static const struct unit duration_units[] = {
    {SPAN_INIT("d"), UINT64_C(86400000000)}, {SPAN_INIT("h"), UINT64_C(3600000000)},
    {SPAN_INIT("m"), UINT64_C(60000000)},    {SPAN_INIT("s"), UINT64_C(1000000)},
    {SPAN_INIT("ms"), UINT64_C(1000)},       {SPAN_INIT("us"), 1},
};
enum {
    SIZE_UNITS = sizeof size_units / sizeof *size_units,
    DURATION_UNITS = sizeof duration_units / sizeof *duration_units,
};

static bool quantity_parse(struct span text, const struct unit *units, size_t count, uint64_t *out)
{
    size_t digits = 0;
    while (digits < text.len && byte_is_digit(text.at[digits]))
        digits++;
    uint64_t number;
    if (!number_parse(span_first(text, digits), &number))
        return false;
    struct span name = span_from(text, digits);
    if (name.len == 0) {
        *out = 0;
        return number == 0;
    }
    for (size_t i = 0; i < count; i++) {
        if (span_is(name, units[i].name))
            return !__builtin_mul_overflow(number, units[i].size, out);
    }
    return false;
}

bool size_parse(struct span text, uint64_t *bytes)
{
    return quantity_parse(text, size_units, SIZE_UNITS, bytes);
}

bool duration_parse(struct span text, uint64_t *microseconds)
{
    return quantity_parse(text, duration_units, DURATION_UNITS, microseconds);
}

static size_t digits_of(uint64_t number)
{
    size_t count = 1;
    for (; number >= 10000; number /= 10000)
        count += 4;
    return count + (number >= 10) + (number >= 100) + (number >= 1000);
}

static inline void pair_write(char *to, uint64_t number)
{
    static const char pairs[] = "00010203040506070809101112131415161718192021222324"
                                "25262728293031323334353637383940414243444546474849"
                                "50515253545556575859606162636465666768697071727374"
                                "75767778798081828384858687888990919293949596979899";
    memcpy(to, pairs + 2 * number, 2);
}

/* Two digits at a time, the last ones first: half the divisions. */
static size_t long_write(char *to, uint64_t number)
{
    size_t len = digits_of(number);
    char *at = to + len;
    for (; number >= 100; number /= 100) {
        at -= 2;
        pair_write(at, number % 100);
    }
    if (number >= 10)
        pair_write(at - 2, number);
    else
        at[-1] = (char)('0' + number);
    return len;
}

/* Most numbers have three digits at most. */
static size_t unsigned_write(char *to, uint64_t number)
{
    if (number >= 1000)
        return long_write(to, number);
    if (number >= 100) {
        *to = (char)('0' + number / 100);
        pair_write(to + 1, number % 100);
        return 3;
    }
    if (number >= 10) {
        pair_write(to, number);
        return 2;
    }
    *to = (char)('0' + number);
    return 1;
}

size_t number_write(char *to, int64_t number)
{
    if (number >= 0)
        return unsigned_write(to, (uint64_t)number);
    *to = '-';
    return 1 + unsigned_write(to + 1, -(uint64_t)number);
}

static size_t quantity_write(char *to, uint64_t number, const struct unit *units)
{
    if (number == 0) {
        *to = '0';
        return 1;
    }
    while (number % units->size != 0) /* ends: the last unit is one */
        units++;
    size_t len = unsigned_write(to, number / units->size);
    memcpy(to + len, units->name.at, units->name.len);
    return len + units->name.len;
}

size_t size_write(char *to, uint64_t bytes)
{
    return quantity_write(to, bytes, size_units);
}

size_t duration_write(char *to, uint64_t microseconds)
{
    return quantity_write(to, microseconds, duration_units);
}
