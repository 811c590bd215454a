/* SPDX-License-Identifier: Apache-2.0 */
/* Types of options that say which traces are seen, and how they come in and go out. */
#include "rules/base/map.h"
#include "rules/base/number.h"
#include "sidecar/config/private_file.h"
#include "sidecar/config/sampling_document.h"
#include "sidecar/config/values.h"
#include "sidecar/http/sampling.h"

/* ---- a set of words: [tracecontext, baggage] ---- */

enum { HINT_BYTES = 160 };

static enum value_result refuse_word(const struct value *value, const struct node *item)
{
    const struct option_type *type = value->option->type;
    char hint[HINT_BYTES];
    struct span near = nearest_hint(item->text, type->words, type->word_count, hint, sizeof hint);
    fault_add(value->reading->faults, FAULT_ERROR, item->place, near,
              "%s: found '" SPAN_FORMAT "', expected %s", value->option->path,
              span_arg(span_first(item->text, 200)), type->expected);
    return VALUE_SAID;
}

/* One text may hold several, as OTEL_PROPAGATORS and --set do. */
static bool add_words(const struct option_type *type, struct span rest, unsigned *set)
{
    while (rest.at != NULL) {
        struct span text = span_trim(span_cut(&rest, ','), " ");
        unsigned word = 0;
        while (word < type->word_count && !span_is(text, span_text(type->words[word])))
            word++;
        if (word == type->word_count)
            return false;
        *set |= 1U << word;
    }
    return true;
}

static enum value_result words_read(const struct value *value)
{
    unsigned set = 0;
    for (const struct node *item = value->node->first; item != NULL; item = item->next)
        if (item->kind != NODE_SCALAR || !add_words(value->option->type, item->text, &set))
            return refuse_word(value, item);
    if (set == 0)
        return VALUE_UNFIT;
    *(unsigned *)value_at(value) = set;
    return VALUE_TAKEN;
}

static bool words_print(const struct option *option, const void *base, size_t i, struct buf *to)
{
    unsigned set = *(const unsigned *)(const void *)((const char *)base + option->at);
    for (unsigned word = 0; word < option->type->word_count; word++)
        if ((set >> word & 1U) != 0 && i-- == 0)
            return buf_add(to, span_text(option->type->words[word]));
    return false;
}

#define COUNT(list) ((unsigned)(sizeof(list) / sizeof *(list)))

static const char *const propagator_words[] = {"tracecontext", "baggage", "b3",
                                               "b3multi",      "xray",    "none"};
const struct option_type type_propagators = {.name = "list of propagators",
                                             .expected =
                                                 "tracecontext, baggage, b3, b3multi, xray or none",
                                             .is_list = true,
                                             .one_will_do = true,
                                             .read = words_read,
                                             .print = words_print,
                                             .words = propagator_words,
                                             .word_count = COUNT(propagator_words)};

static const char *const exporter_words[] = {"otlp", "xray", "none"};
const struct option_type type_trace_exporters = {.name = "list of exporters",
                                                 .expected = "otlp, xray or none",
                                                 .is_list = true,
                                                 .one_will_do = true,
                                                 .read = words_read,
                                                 .print = words_print,
                                                 .words = exporter_words,
                                                 .word_count = COUNT(exporter_words)};

static const char *const signal_words[] = {"traces", "metrics", "logs"};
_Static_assert(OTLP_TRACES == 0 && OTLP_METRICS == 1 && OTLP_LOGS == 2, "in this order");
const struct option_type type_export_signals = {.name = "list of signals",
                                                .expected = "traces, metrics or logs",
                                                .is_list = true,
                                                .one_will_do = true,
                                                .read = words_read,
                                                .print = words_print,
                                                .words = signal_words,
                                                .word_count = COUNT(signal_words)};

static const char *const otlp_log_words[] = {"requests", "events", "none"};
const struct option_type type_otlp_logs = {.name = "list of records",
                                           .expected = "requests, events or none",
                                           .is_list = true,
                                           .one_will_do = true,
                                           .read = words_read,
                                           .print = words_print,
                                           .words = otlp_log_words,
                                           .word_count = COUNT(otlp_log_words)};

static const char *const always_words[] = {"blocked", "error", "slow", "none"};
const struct option_type type_trace_always = {.name = "list of reasons",
                                              .expected = "blocked, error, slow or none",
                                              .is_list = true,
                                              .one_will_do = true,
                                              .read = words_read,
                                              .print = words_print,
                                              .words = always_words,
                                              .word_count = COUNT(always_words)};

/* ---- a file of sampling rules ---- */

static enum value_result sampling_rules_read(const struct value *value)
{
    static const uint8_t key[16] = "rules of samples";
    struct span path = value_path(value, value->node);
    char why[160];
    struct buf text;
    buf_init(&text, SAMPLING_DOCUMENT_BYTES);
    enum value_result result = VALUE_TAKEN;
    if (value->node->text.len == 0) {
        result = VALUE_UNFIT;
    } else if (!private_file_read(path.at, &text, why, sizeof why)) {
        result = value_refuse(value, value->node, "", why);
    } else {
        const struct sampling_document document = {
            .arena = value->reading->arena, .faults = value->reading->faults, .file = path.at};
        const struct sampling_rules *rules = sampling_document_read(&document, buf_span(&text));
        *(struct span *)value_at(value) = path;
        *(struct sampling_file *)value_also(value) =
            (struct sampling_file){rules, siphash(key, buf_span(&text))};
        result = rules != NULL ? VALUE_TAKEN : VALUE_SAID;
    }
    buf_fini(&text);
    return result;
}

const struct option_type type_sampling_rules = {.name = "file",
                                                .expected = "the name of a file",
                                                .read = sampling_rules_read,
                                                .print = value_span_print};

/* ---- a ratio: 0.25 ---- */

enum { DECIMALS = 9 };

static enum value_result ratio_read(const struct value *value)
{
    struct span decimals = value->node->text, whole = span_cut(&decimals, '.');
    uint64_t number = 0, part = 0;
    if (!number_parse(whole, &number) || number > 1 || decimals.len > DECIMALS)
        return VALUE_UNFIT;
    for (size_t i = 0; i < DECIMALS; i++) {
        if (i < decimals.len && !byte_is_digit(decimals.at[i]))
            return VALUE_UNFIT;
        part = part * 10 + (i < decimals.len ? (uint64_t)(decimals.at[i] - '0') : 0);
    }
    if (number == 1 && part > 0)
        return VALUE_UNFIT;
    *(unsigned *)value_at(value) = (unsigned)(number * SAMPLING_WHOLE + part);
    return VALUE_TAKEN;
}

static bool ratio_print(const struct option *option, const void *base, size_t i, struct buf *to)
{
    unsigned ratio = *(const unsigned *)(const void *)((const char *)base + option->at);
    (void)i;
    if (ratio % SAMPLING_WHOLE == 0)
        return buf_format(to, "%u", ratio / SAMPLING_WHOLE);
    unsigned digits = DECIMALS;
    for (; ratio % 10 == 0; ratio /= 10)
        digits--;
    return buf_format(to, "0.%0*u", (int)digits, ratio);
}

const struct option_type type_ratio = {.name = "ratio",
                                       .expected = "a number from 0 to 1, like 0.25",
                                       .read = ratio_read,
                                       .print = ratio_print};
