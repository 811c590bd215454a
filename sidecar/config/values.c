/* SPDX-License-Identifier: Apache-2.0 */
/* Types of options that are one scalar: words, numbers, sizes, times, texts. */
#include "sidecar/config/values.h"

#include <stdio.h>

#include "exporters/mask.h"
#include "rules/base/encode.h"
#include "rules/base/must.h"
#include "rules/base/number.h"
#include "rules/match/pattern.h"

enum { SHOWN_BYTES = 200 /* of what was found */, LIST_BYTES = 60 };

static enum value_result size_read(const struct value *value);
static enum value_result rate_read(const struct value *value);
static enum value_result duration_read(const struct value *value);

/* ---- what every type uses ---- */

void *value_at(const struct value *value)
{
    return (char *)value->base + value->option->at;
}

void *value_also(const struct value *value)
{
    return (char *)value->base + value->option->also;
}

static const void *field(const struct option *option, const void *base)
{
    return (const char *)base + option->at;
}

struct span value_keep(const struct value *value, struct span text)
{
    const char *kept = arena_string(value->reading->arena, text);
    return span_make(kept, kept != NULL ? text.len : 0);
}

/* Of an address without its password. */
static struct span without_user(struct span text, char *to, size_t size)
{
    size_t begin = span_find(text, SPAN("//")), at = SPAN_NONE;
    begin = begin == SPAN_NONE ? 0 : begin + SPAN("//").len;
    for (size_t i = begin; i < text.len; i++)
        at = text.at[i] == '@' ? i : at;
    if (at == SPAN_NONE || span_find_byte(span_from(span_first(text, at), begin), ':') == SPAN_NONE)
        return span_first(text, SHOWN_BYTES);
    struct span rest = span_first(span_from(text, at), SHOWN_BYTES / 2);
    int len =
        snprintf(to, size, SPAN_FORMAT "***" SPAN_FORMAT,
                 span_arg(span_first(text, begin < SHOWN_BYTES / 2 ? begin : 0)), span_arg(rest));
    return span_make(to, len > 0 ? (size_t)len : 0);
}

/* A secret may stand in what is refused, and faults come into logs. */
static struct span shown(struct span text, char *to, size_t size)
{
    char room[SHOWN_BYTES + 8];
    struct buf masked;
    buf_init(&masked, (size_t)SHOWN_BYTES * 8);
    text_mask_secrets(&masked, without_user(text, room, sizeof room));
    struct span kept = span_first(buf_span(&masked), size);
    if (kept.len > 0)
        memcpy(to, kept.at, kept.len);
    buf_fini(&masked);
    return span_make(to, kept.len);
}

enum value_result value_refuse(const struct value *value, const struct node *at, const char *hint,
                               const char *message)
{
    char room[SHOWN_BYTES + 8];
    struct span text = shown(at->text, room, sizeof room);
    if (at->kind == NODE_SCALAR)
        fault_add(value->reading->faults, FAULT_ERROR, at->place, span_text(hint),
                  "%s: '" SPAN_FORMAT "': %s", value->option->path, span_arg(text), message);
    else
        fault_add(value->reading->faults, FAULT_ERROR, at->place, span_text(hint), "%s: %s",
                  value->option->path, message);
    return VALUE_SAID;
}

static bool is_one_of(struct span text, const char *const *words)
{
    for (; *words != NULL; words++)
        if (span_is_nocase(text, span_text(*words)))
            return true;
    return false;
}

/* What other programs take for on and off. */
static const char *meant_by(struct span text)
{
    static const char *const ons[] = {"true", "yes", "enabled", "enable", "y", "1", NULL};
    static const char *const offs[] = {"false", "no", "disabled", "disable", "n", "0", NULL};
    return is_one_of(text, ons) ? "on" : is_one_of(text, offs) ? "off" : NULL;
}

/* The nearest word, or the units where another one stands behind the number. */
static struct span hint_of(const struct value *value, char *hint, size_t size)
{
    const struct option_type *type = value->option->type;
    struct span text = value->node->text;
    const char *meant = meant_by(text);
    uint64_t number;
    for (unsigned i = 0; meant != NULL && i < type->word_count; i++)
        if (span_is(span_text(meant), span_text(type->words[i])))
            return nearest_hint(span_text(meant), &meant, 1, hint, size);
    if (type->is_list && text.len <= LIST_BYTES && text.len > 0 &&
        span_find(text, SPAN("//")) == SPAN_NONE) {
        int len = snprintf(hint, size, "[" SPAN_FORMAT "]", span_arg(text));
        return span_make(hint, len > 0 ? (size_t)len : 0);
    }
    if (type->is_list)
        return SPAN("a list stands in [ ]");
    bool is_size = type->read == size_read || type->read == rate_read;
    bool begins = text.len > 0 && byte_is_digit(text.at[0]) && !number_parse(text, &number);
    if (begins && is_size && !size_parse(text, &number))
        return SPAN("the units are B, KiB, MiB and GiB");
    bool is_time = type->read == duration_read;
    if (begins && (is_size || is_time) && span_find_byte(text, '.') != SPAN_NONE)
        return SPAN("whole numbers alone, of a smaller unit");
    if (begins && is_time && !duration_parse(text, &number))
        return SPAN("the units are us, ms, s, m, h and d");
    if (text.len <= 1) /* any two single bytes are near */
        return span_make(hint, 0);
    return nearest_hint(text, type->words, type->word_count, hint, size);
}

void value_refuse_unfit(const struct value *value)
{
    static const char *const kinds[] = {
        [NODE_SCALAR] = "nothing", [NODE_LIST] = "a list", [NODE_MAP] = "a map"};
    const struct option_type *type = value->option->type;
    const struct node *node = value->node;
    char hint[128] = "";
    struct span near = span_make(hint, 0);
    if (node->kind == NODE_SCALAR && node->text.len > 0) {
        near = hint_of(value, hint, sizeof hint);
        char room[SHOWN_BYTES + 8];
        struct span text = shown(node->text, room, sizeof room);
        fault_add(value->reading->faults, FAULT_ERROR, node->place, near,
                  "%s: found '" SPAN_FORMAT "', expected %s", value->option->path, span_arg(text),
                  type->expected);
    } else {
        fault_add(value->reading->faults, FAULT_ERROR, node->place, near,
                  "%s: found %s, expected %s", value->option->path,
                  node->kind == NODE_LIST && node->count == 0 ? "an empty list" : kinds[node->kind],
                  type->expected);
    }
}

static bool is_plain_byte(char c)
{
    return byte_is_alpha(c) || byte_is_digit(c) || (c != '\0' && strchr("_./+=@%-", c) != NULL);
}

/* "${" would be read as a variable. */
void value_print_inside(struct buf *to, struct span text)
{
    for (;;) {
        size_t dollar = span_find(text, SPAN("${"));
        json_add_escaped(to, span_first(text, dollar));
        if (dollar == SPAN_NONE)
            return;
        buf_add(to, SPAN("$${"));
        text = span_from(text, dollar + 2);
    }
}

void value_print_text(struct buf *to, struct span text)
{
    bool plain = text.len > 0 && text.at[0] != '-' && text.at[0] != '%' && text.at[0] != '@' &&
                 text.at[0] != '=';
    for (size_t i = 0; i < text.len && plain; i++)
        plain = is_plain_byte(text.at[i]);
    if (plain) {
        buf_add(to, text);
        return;
    }
    buf_add_byte(to, '"');
    value_print_inside(to, text);
    buf_add_byte(to, '"');
}

/* ---- words ---- */

static enum value_result word_find(const struct value *value, unsigned *word)
{
    const struct option_type *type = value->option->type;
    for (unsigned i = 0; i < type->word_count; i++) {
        if (span_is(value->node->text, span_text(type->words[i]))) {
            *word = i;
            return VALUE_TAKEN;
        }
    }
    return VALUE_UNFIT;
}

/* An enum whose values are the words in their order. */
static enum value_result word_read(const struct value *value)
{
    unsigned word;
    enum value_result result = word_find(value, &word);
    if (result == VALUE_TAKEN)
        *(unsigned *)value_at(value) = word;
    return result;
}

static bool word_print(const struct option *option, const void *base, size_t i, struct buf *to)
{
    (void)i;
    unsigned word = *(const unsigned *)field(option, base);
    must(word < option->type->word_count);
    return buf_add(to, span_text(option->type->words[word]));
}

/* The same where silence is no word: the flag beside it says that it was given. */
static enum value_result given_word_read(const struct value *value)
{
    enum value_result result = word_read(value);
    if (result == VALUE_TAKEN)
        *(bool *)value_also(value) = true;
    return result;
}

static bool given_word_print(const struct option *option, const void *base, size_t i,
                             struct buf *to)
{
    const bool *given = (const void *)((const char *)base + option->also);
    return *given && word_print(option, base, i, to);
}

/* Two words, the first means false. */
static enum value_result flag_read(const struct value *value)
{
    unsigned word;
    enum value_result result = word_find(value, &word);
    if (result == VALUE_TAKEN)
        *(bool *)value_at(value) = word == 1;
    return result;
}

static bool flag_print(const struct option *option, const void *base, size_t i, struct buf *to)
{
    (void)i;
    const bool *flag = field(option, base);
    return buf_add(to, span_text(option->type->words[*flag ? 1 : 0]));
}

/* The only word there is: nothing to keep. */
static enum value_result only_read(const struct value *value)
{
    unsigned word;
    return word_find(value, &word);
}

static bool only_print(const struct option *option, const void *base, size_t i, struct buf *to)
{
    (void)base;
    (void)i;
    return buf_add(to, span_text(option->type->words[0]));
}

#define WORD_TYPE(type, title, sentence, how, ...)           \
    static const char *const type##_words[] = {__VA_ARGS__}; \
    const struct option_type type_##type = {                 \
        .name = title,                                       \
        .expected = sentence,                                \
        .read = how##_read,                                  \
        .print = how##_print,                                \
        .words = type##_words,                               \
        .word_count = (unsigned)(sizeof type##_words / sizeof *type##_words)}

_Static_assert(sizeof(enum rule_engine) == sizeof(unsigned), "word_read writes enums");

WORD_TYPE(version, "1", "1", only, "1");
WORD_TYPE(rate_algorithm, "sliding_window | token_bucket", "sliding_window or token_bucket",
          given_word, "sliding_window", "token_bucket");
WORD_TYPE(log_level, "error | warn | info | debug", "error, warn, info or debug", word, "error",
          "warn", "info", "debug");
WORD_TYPE(engine, "on | detection_only | off", "on, detection_only or off", word, "off",
          "detection_only", "on");
WORD_TYPE(engine_if_given, "on | detection_only | off", "on, detection_only or off", given_word,
          "off", "detection_only", "on");
WORD_TYPE(over_body, "reject | prefix | pass", "reject, prefix or pass", word, "reject", "prefix",
          "pass");
WORD_TYPE(authorizer_payload, "token | request | 1.0 | 2.0", "token, request, \"1.0\" or \"2.0\"",
          word, "token", "request", "1.0", "2.0");
WORD_TYPE(authorizer_form, "either | simple | policy", "either, simple or policy", word, "either",
          "simple", "policy");
WORD_TYPE(on_failure, "deny | allow", "deny or allow", word, "deny", "allow");
WORD_TYPE(audit_when, "relevant | always | off", "relevant, always or off", word, "off", "relevant",
          "always");
WORD_TYPE(audit_format, "json | native", "json or native", word, "json", "native");
WORD_TYPE(audit_type, "serial | concurrent", "serial or concurrent", word, "serial", "concurrent");
WORD_TYPE(execution_level, "off | error | info", "off, error or info", word, "off", "error",
          "info");
WORD_TYPE(sampled_of, "web_acls | all | off", "web_acls, all or off", word, "off", "web_acls",
          "all");
WORD_TYPE(waf_default, "keep | drop", "keep or drop", flag, "keep", "drop");
WORD_TYPE(waf_behavior, "drop | keep", "drop or keep", flag, "drop", "keep");
WORD_TYPE(waf_requirement, "meets_any | meets_all", "meets_any or meets_all", flag, "meets_any",
          "meets_all");
WORD_TYPE(sampler, "a sampler",
          "parentbased_always_on, always_on, always_off, parentbased_always_off, traceidratio, "
          "parentbased_traceidratio or xray",
          word, "parentbased_always_on", "always_on", "always_off", "parentbased_always_off",
          "traceidratio", "parentbased_traceidratio", "xray");
WORD_TYPE(trace_parents, "all | trusted_proxies | none", "all, trusted_proxies or none", word,
          "all", "trusted_proxies", "none");
WORD_TYPE(id_format, "w3c | xray", "w3c or xray", word, "w3c", "xray");
WORD_TYPE(compression, "gzip | none", "gzip or none", flag, "none", "gzip");
WORD_TYPE(export_protocol, "http/protobuf | grpc", "http/protobuf or grpc", word, "http/protobuf",
          "grpc");
WORD_TYPE(spool_fsync, "off | interval | always", "off, interval or always", word, "off",
          "interval", "always");
WORD_TYPE(exporter, "otlp | none", "otlp or none", flag, "none", "otlp");
WORD_TYPE(temporality, "cumulative | delta", "cumulative or delta", flag, "cumulative", "delta");
WORD_TYPE(histograms, "explicit | exponential", "explicit or exponential", flag, "explicit",
          "exponential");
WORD_TYPE(syslog_facility, "a facility", "kern, user, mail, daemon, auth, ... or local0 to local7",
          word, "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron",
          "authpriv", "ftp", "ntp", "security", "console", "solaris-cron", "local0", "local1",
          "local2", "local3", "local4", "local5", "local6", "local7");
WORD_TYPE(syslog_severity, "by_outcome | a severity",
          "by_outcome, emerg, alert, crit, err, warning, notice, info or debug", word, "emerg",
          "alert", "crit", "err", "warning", "notice", "info", "debug", "by_outcome");
WORD_TYPE(quota_period, "day | week | month", "day, week or month", word, "day", "week", "month");
WORD_TYPE(api_key_source, "header | authorizer", "header or authorizer", word, "header",
          "authorizer");
WORD_TYPE(api_key_wanted, "required | none", "required or none", flag, "none", "required");
WORD_TYPE(geo_unknown, "allow | block", "allow or block", flag, "allow", "block");
WORD_TYPE(on_off, "on | off", "on or off", flag, "off", "on");
WORD_TYPE(both_lengths, "refuse | reframe", "refuse or reframe", flag, "refuse", "reframe");
WORD_TYPE(underscore_names, "drop | pass", "drop or pass", flag, "drop", "pass");
WORD_TYPE(doubtful_paths, "refuse | pass", "refuse or pass", flag, "refuse", "pass");

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
    bool is_word = word_find(value, &word) == VALUE_TAKEN; /* "auto": 0 */
    if (!is_word && (!number_parse(value->node->text, &number) || !in_range(type, number)))
        return VALUE_UNFIT;
    *(unsigned *)value_at(value) = (unsigned)number;
    return VALUE_TAKEN;
}

static bool count_print(const struct option *option, const void *base, size_t i, struct buf *to)
{
    (void)i;
    unsigned number = *(const unsigned *)field(option, base);
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
    unsigned number = *(const unsigned *)field(option, base);
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
    bool is_word = word_find(value, &word) == VALUE_TAKEN;
    if (!is_word && (!size_parse(value->node->text, &bytes) || !in_range(type, bytes)))
        return VALUE_UNFIT;
    *(uint64_t *)value_at(value) = bytes;
    return VALUE_TAKEN;
}

static bool size_print(const struct option *option, const void *base, size_t i, struct buf *to)
{
    (void)i;
    uint64_t bytes = *(const uint64_t *)field(option, base);
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
    const uint64_t *rate = field(option, base);
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
    uint64_t us = *(const uint64_t *)field(option, base);
    if (us < option->type->least)
        return false;
    char text[32];
    return buf_add(to, span_make(text, duration_write(text, us)));
}

#define YEAR_US (UINT64_C(366) * 86400000000)

const struct option_type type_size = {.name = "size",
                                      .expected = "a size with a unit, like 128KiB (up to 1024GiB)",
                                      .read = size_read,
                                      .print = size_print,
                                      .least = 0,
                                      .most = UINT64_C(1) << 40};
const struct option_type type_head_size = {.name = "size",
                                           .expected = "a size with a unit, from 256B to 1MiB",
                                           .read = size_read,
                                           .print = size_print,
                                           .least = 256,
                                           .most = 1 << 20};
const struct option_type type_memory = {.name = "auto | size",
                                        .expected = "auto, or a size with a unit from 16MiB up",
                                        .read = size_read,
                                        .print = size_print,
                                        .words = auto_word,
                                        .word_count = 1,
                                        .least = 16 << 20,
                                        .most = UINT64_C(1) << 50};
const struct option_type type_spool_size = {.name = "size",
                                            .expected = "a size with a unit, from 4MiB to 1024GiB",
                                            .read = size_read,
                                            .print = size_print,
                                            .least = 4 << 20,
                                            .most = UINT64_C(1) << 40};
const struct option_type type_rotate_size = {.name = "off | size",
                                             .expected = "off, or a size with a unit from 4KiB up",
                                             .read = size_read,
                                             .print = size_print,
                                             .words = off_word,
                                             .word_count = 1,
                                             .least = 4 << 10,
                                             .most = UINT64_C(1) << 40};
const struct option_type type_sink_buffer = {.name = "size",
                                             .expected = "a size with a unit, from 8MiB to 4GiB",
                                             .read = size_read,
                                             .print = size_print,
                                             .least = 8 << 20,
                                             .most = UINT64_C(4) << 30};
const struct option_type type_rate = {.name = "size a second",
                                      .expected = "a size with a unit a second, like 240B/s",
                                      .read = rate_read,
                                      .print = rate_print};
const struct option_type type_duration = {
    .name = "time",
    .expected = "a time with a unit, like 10s or 500ms, above 0 and up to 366d",
    .read = duration_read,
    .print = duration_print,
    .least = 1,
    .most = YEAR_US};
const struct option_type type_spool_age = {.name = "time",
                                           .expected = "a time with a unit, from 1m to 366d",
                                           .read = duration_read,
                                           .print = duration_print,
                                           .least = 60000000,
                                           .most = YEAR_US};
const struct option_type type_push_interval = {.name = "time",
                                               .expected = "a time with a unit, from 1s to 366d",
                                               .read = duration_read,
                                               .print = duration_print,
                                               .least = 1000000,
                                               .most = YEAR_US};
const struct option_type type_duration_or_0 = {
    .name = "time",
    .expected = "a time with a unit, like 10s or 500ms, up to 366d, or 0",
    .read = duration_read,
    .print = duration_print,
    .least = 0,
    .most = YEAR_US};

/* ---- text ---- */

static enum value_result text_read(const struct value *value)
{
    if (value->node->text.len == 0)
        return VALUE_UNFIT;
    *(struct span *)value_at(value) = value_keep(value, value->node->text);
    return VALUE_TAKEN;
}

bool value_span_print(const struct option *option, const void *base, size_t i, struct buf *to)
{
    (void)i;
    const struct span *text = field(option, base);
    if (text->at == NULL)
        return false;
    value_print_text(to, *text);
    return true;
}

const struct option_type type_text = {
    .name = "text", .expected = "a text", .read = text_read, .print = value_span_print};

static enum value_result audit_parts_read(const struct value *value)
{
    struct span text = value->node->text;
    for (size_t i = 0; i < text.len; i++)
        if (span_find_byte(SPAN("ABCDEFGHIJKZ"), text.at[i]) == SPAN_NONE)
            return VALUE_UNFIT;
    return text_read(value);
}

const struct option_type type_audit_parts = {.name = "letters",
                                             .expected = "letters from A to K and Z, like ABHZ",
                                             .read = audit_parts_read,
                                             .print = value_span_print};

static enum value_result pattern_read(const struct value *value)
{
    size_t offset;
    char why[160];
    struct pattern *pattern =
        pattern_new(value->node->text, PATTERN_RULE, &offset, why, sizeof why);
    if (pattern == NULL)
        return value_refuse(value, value->node, "", why);
    pattern_free(pattern);
    return text_read(value);
}

const struct option_type type_pattern = {.name = "pattern",
                                         .expected = "a regular expression",
                                         .read = pattern_read,
                                         .print = value_span_print};
