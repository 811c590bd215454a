/* SPDX-License-Identifier: Apache-2.0 */
/* `{ preset: recommended }`: the alarms that AWS recommends for an API, in the place of the entry.
 * The one on too few requests is not among them: how many that are, only its owner knows. */
#include "sidecar/config/alarm_entry.h"
#include "sidecar/config/document.h"

#define WATCHED(name, metric, statistic, periods, comparison, threshold)    \
    "- { name: " name ", metric: " metric ", statistic: " statistic         \
    ", period: 60s, evaluation_periods: " periods ", threshold: " threshold \
    ", comparison_operator: " comparison ", treat_missing_data: notBreaching }\n"

static const struct {
    const char *name, *text;
} presets[] = {
    {"recommended",
     WATCHED("4XX rate", "4XXError", "Average", "5", "GreaterThanThreshold", "0.05")
         WATCHED("5XX rate", "5XXError", "Average", "3", "GreaterThanThreshold", "0.05")
             WATCHED("latency", "Latency", "p90", "5", "GreaterThanOrEqualToThreshold", "2500")
                 WATCHED("integration latency", "IntegrationLatency", "p90", "5",
                         "GreaterThanOrEqualToThreshold", "2000")},
};
enum { PRESETS = sizeof presets / sizeof *presets };

static const char *preset_text(struct alarm_reading *reading, const struct node *entry,
                               const struct node *preset)
{
    const char *names[PRESETS];
    char hint[ALARM_HINT_BYTES];
    for (size_t i = 0; i < PRESETS; i++) {
        if (entry->count == 1 && span_is(preset->text, span_text(presets[i].name)))
            return presets[i].text;
        names[i] = presets[i].name;
    }
    if (entry->count > 1)
        alarm_refuse(reading, entry->place, "`preset` stands alone in its entry");
    else
        fault_add(reading->faults, FAULT_ERROR, preset->place,
                  nearest_hint(preset->text, names, PRESETS, hint, sizeof hint),
                  "preset: found '" SPAN_FORMAT "', expected recommended",
                  span_arg(span_first(preset->text, ALARM_SHOWN_BYTES)));
    return NULL;
}

static void preset_add(struct alarm_reading *reading, struct node *to, const struct node *entry,
                       const char *text)
{
    const struct document document = {
        reading->arena, reading->faults, entry->place.file, ".", false, NULL, NULL};
    struct node *list = document_parse(&document, span_text(text));
    for (struct node *n = list != NULL ? list->first : NULL, *next; n != NULL; n = next) {
        next = n->next;
        n->next = NULL;
        n->place = n->key_place = entry->place;
        for (struct node *key = n->first; key != NULL; key = key->next)
            key->place = key->key_place = entry->place;
        tree_add(to, n);
    }
}

const struct node *alarm_presets_put_in(struct alarm_reading *reading, const struct node *list)
{
    struct node *to = arena_alloc(reading->arena, sizeof *to);
    if (to == NULL || list->kind != NODE_LIST)
        return list;
    *to = *list;
    to->first = to->last = NULL;
    to->count = 0;
    for (const struct node *n = list->first; n != NULL; n = n->next) {
        const struct node *preset = tree_find(n, SPAN("preset"));
        const char *text = preset != NULL ? preset_text(reading, n, preset) : NULL;
        struct node *copy = arena_alloc(reading->arena, sizeof *copy);
        if (text != NULL) {
            preset_add(reading, to, n, text);
        } else if (preset == NULL && copy != NULL) {
            *copy = *n;
            copy->next = NULL;
            tree_add(to, copy);
        }
    }
    return to;
}
