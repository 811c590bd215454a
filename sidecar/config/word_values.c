/* SPDX-License-Identifier: Apache-2.0 */
/* Types of options that are a choice of words. */
#include "rules/base/must.h"
#include "sidecar/config/values.h"

enum value_result value_word(const struct value *value, unsigned *word)
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
    enum value_result result = value_word(value, &word);
    if (result == VALUE_TAKEN)
        *(unsigned *)value_at(value) = word;
    return result;
}

static bool word_print(const struct option *option, const void *base, size_t i, struct buf *to)
{
    (void)i;
    unsigned word = *(const unsigned *)value_field(option, base);
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
    enum value_result result = value_word(value, &word);
    if (result == VALUE_TAKEN)
        *(bool *)value_at(value) = word == 1;
    return result;
}

static bool flag_print(const struct option *option, const void *base, size_t i, struct buf *to)
{
    (void)i;
    const bool *flag = value_field(option, base);
    return buf_add(to, span_text(option->type->words[*flag ? 1 : 0]));
}

/* The only word there is: nothing to keep. */
static enum value_result only_read(const struct value *value)
{
    unsigned word;
    return value_word(value, &word);
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
