/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/base/number.h"
#include "sidecar/config/alarm_entry.h"

enum { SECOND_US = 1000000, WORDS_BYTES = 4096 };

bool alarm_refuse(struct alarm_reading *reading, struct place place, const char *message)
{
    fault_add(reading->faults, FAULT_ERROR, place, SPAN(""), "%s", message);
    return true;
}

size_t alarm_said(const struct alarm_reading *reading)
{
    return faults_count(reading->faults, FAULT_ERROR);
}

static void refuse_key(struct alarm_reading *reading, const struct node *node,
                       const struct alarm_key *keys, size_t count)
{
    const char *names[ALARM_NAMES_MOST];
    char hint[ALARM_HINT_BYTES];
    for (size_t i = 0; i < count; i++)
        names[i] = keys[i].name;
    fault_add(reading->faults, FAULT_ERROR, node->key_place,
              nearest_hint(node->key, names, count, hint, sizeof hint),
              "unknown key '" SPAN_FORMAT "'", span_arg(span_first(node->key, ALARM_SHOWN_BYTES)));
}

/* Of an action: what is wrong with it is said without it. */
static bool may_be_secret(const struct alarm_key *key)
{
    static const char *const names[] = {"url", "headers", "run"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(key->name, names[i]) == 0)
            return true;
    return false;
}

static void refuse_value(struct alarm_reading *reading, const struct node *node,
                         const struct alarm_key *key)
{
    static const char *const kinds[] = {
        [NODE_SCALAR] = "nothing", [NODE_LIST] = "a list", [NODE_MAP] = "a map"};
    bool is_shown = node->kind == NODE_SCALAR && node->text.len > 0;
    if (is_shown && may_be_secret(key))
        fault_add(reading->faults, FAULT_ERROR, node->place, SPAN(""), "%s: expected %s", key->name,
                  key->expected);
    else if (is_shown)
        fault_add(reading->faults, FAULT_ERROR, node->place, SPAN(""),
                  "%s: found '" SPAN_FORMAT "', expected %s", key->name,
                  span_arg(span_first(node->text, ALARM_SHOWN_BYTES)), key->expected);
    else
        fault_add(reading->faults, FAULT_ERROR, node->place, SPAN(""), "%s: found %s, expected %s",
                  key->name, kinds[node->kind], key->expected);
}

void alarm_map_read(struct alarm_reading *reading, const struct node *map,
                    const struct alarm_key *keys, size_t count, void *to)
{
    if (map->kind != NODE_MAP) {
        alarm_refuse(reading, map->place, "expected a map, like { name: x }");
        return;
    }
    for (const struct node *n = map->first; n != NULL; n = n->next) {
        size_t i = 0;
        while (i < count && !span_is(n->key, span_text(keys[i].name)))
            i++;
        if (i == count)
            refuse_key(reading, n, keys, count);
        else if (!keys[i].read(reading, n, to))
            refuse_value(reading, n, &keys[i]);
    }
}

void *alarm_list_new(struct alarm_reading *reading, const struct node *node, size_t bytes)
{
    void *list = arena_alloc(reading->arena, (node->count + 1) * bytes);
    if (list == NULL)
        alarm_refuse(reading, node->place, "it does not fit into memory");
    return list;
}

struct alarm_places alarm_places_of(struct alarm_reading *reading, const struct node *map)
{
    struct alarm_places places = {.count = 0};
    struct alarm_place *list = alarm_list_new(reading, map, sizeof *list);
    for (const struct node *n = map->first; list != NULL && n != NULL; n = n->next)
        list[places.count++] = (struct alarm_place){n->key, n->key_place, n->place};
    places.list = list;
    return places;
}

/* ---- scalars ---- */

static bool is_text(const struct node *node)
{
    return node->kind == NODE_SCALAR && node->text.len > 0;
}

/* Where the text itself begins. */
struct place alarm_text_place(const struct node *node)
{
    struct place place = node->place;
    place.column += !node->plain;
    return place;
}

bool alarm_text_read(const struct node *node, struct span *to)
{
    *to = node->text;
    return is_text(node);
}

bool alarm_seconds_read(const struct node *node, uint64_t *seconds)
{
    if (node->kind != NODE_SCALAR || !duration_parse(node->text, seconds) ||
        *seconds % SECOND_US != 0 || *seconds / SECOND_US > INT32_MAX)
        return false;
    *seconds /= SECOND_US;
    return true;
}

bool alarm_count_read(const struct node *node, unsigned *count)
{
    uint64_t number;
    if (node->kind != NODE_SCALAR || !number_parse(node->text, &number) || number > INT32_MAX)
        return false;
    *count = (unsigned)number;
    return true;
}

/* The index of one of the words; the nearest one is named where it is none. */
bool alarm_word_read(struct alarm_reading *reading, const struct node *node,
                     const char *(*word)(unsigned), unsigned *index)
{
    const char *names[ALARM_NAMES_MOST];
    char hint[ALARM_HINT_BYTES];
    for (*index = 0; (names[*index] = word(*index)) != NULL; ++*index)
        if (node->kind == NODE_SCALAR && span_is(node->text, span_text(names[*index])))
            return true;
    if (node->kind != NODE_SCALAR)
        return false;
    struct buf all;
    buf_init(&all, WORDS_BYTES);
    for (unsigned i = 0; i < *index; i++)
        buf_format(&all, "%s%s", i == 0 ? "" : i + 1 < *index ? ", " : " or ", names[i]);
    fault_add(reading->faults, FAULT_ERROR, node->place,
              nearest_hint(node->text, names, *index, hint, sizeof hint),
              SPAN_FORMAT ": found '" SPAN_FORMAT "', expected " SPAN_FORMAT, span_arg(node->key),
              span_arg(span_first(node->text, ALARM_SHOWN_BYTES)), span_arg(buf_span(&all)));
    buf_fini(&all);
    *index = 0;
    return true;
}

/* "missing x10": the word, and how often it stands there. */
struct span alarm_repeated(struct span text, uint64_t *times)
{
    size_t at = span_find_last_byte(text, ' ');
    struct span behind = span_from(text, at + 1);
    *times = 1;
    if (at == SPAN_NONE || behind.len < 2 || behind.at[0] != 'x' ||
        !number_parse(span_from(behind, 1), times) || *times == 0 || *times > INT32_MAX)
        return text;
    return span_trim(span_first(text, at), " ");
}
