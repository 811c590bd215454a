/* SPDX-License-Identifier: Apache-2.0 */
/* The walk through the tree beside the table: a key is a row, a section, or a fault. */
#include "sidecar/config/read.h"

#include <stdio.h>

#include "rules/base/must.h"

enum { PATH_BYTES = 128, HINT_BYTES = 256, KEYS_SHOWN = 12 };

static void *at_offset(void *base, size_t offset)
{
    return (char *)base + offset;
}

/* ---- what was said already ---- */

/* A fault within a text stands behind its beginning. */
static bool is_at(const struct fault *fault, struct place place, size_t len)
{
    return fault->kind == FAULT_ERROR && fault->place.line == place.line &&
           fault->place.column >= place.column && fault->place.column <= place.column + len &&
           strcmp(fault->place.file, place.file) == 0;
}

static bool was_said(const struct reading *reading, struct place place, size_t len)
{
    const struct fault *fault;
    for (size_t i = 0; i < reading->said && (fault = faults_at(reading->faults, i)) != NULL; i++)
        if (is_at(fault, place, len))
            return true;
    return false;
}

bool reading_refused(const struct reading *reading, const struct node *node)
{
    size_t len = node->kind == NODE_SCALAR ? node->text.len : 0;
    if (faults_count(reading->faults, FAULT_ERROR) == 0)
        return false;
    if (was_said(reading, node->place, len) ||
        (node->key.len > 0 && was_said(reading, node->key_place, 0)))
        return true;
    for (const struct node *child = node->first; child != NULL; child = child->next)
        if (reading_refused(reading, child))
            return true;
    return false;
}

bool reading_refused_key(const struct reading *reading, const struct node *map, const char *key)
{
    const struct node *found = map != NULL ? tree_find(map, span_text(key)) : NULL;
    if (map == NULL)
        return false;
    if (found != NULL)
        return reading_refused(reading, found);
    for (const struct node *child = map->first; child != NULL; child = child->next)
        if (nearest_name(child->key, &key, 1) != NULL && was_said(reading, child->key_place, 0))
            return true;
    return false;
}

/* ---- one value ---- */

static void value_read(struct reading *reading, const struct option *option,
                       const struct node *node, void *base)
{
    struct value value = {reading, option, node, base};
    struct node only = *node, list = {.kind = NODE_LIST, .place = node->place};
    bool fits =
        option->type->takes_any || node->kind == (option->type->is_list ? NODE_LIST : NODE_SCALAR);
    if (option->type->one_will_do && node->kind == NODE_SCALAR && node->text.len > 0) {
        only.next = NULL;
        tree_add(&list, &only);
        value.node = &list;
        fits = true;
    }
    enum value_result result = fits ? option->type->read(&value) : VALUE_UNFIT;
    if (result == VALUE_UNFIT)
        value_refuse_unfit(&value);
}

/* A default is text of the table: a list has commas. */
static void default_read(struct reading *reading, const struct option *option, void *base)
{
    enum { ITEMS = 8 };
    struct node items[ITEMS];
    struct node node = {.kind = NODE_SCALAR, .text = span_text(option->standard), .folder = ""};
    size_t before = faults_count(reading->faults, FAULT_ERROR);
    if (option->type->is_list) {
        struct span rest = node.text;
        node = (struct node){.kind = NODE_LIST};
        while (rest.at != NULL) {
            must(node.count < ITEMS);
            struct node *item = &items[node.count];
            *item = (struct node){.kind = NODE_SCALAR, .folder = ""};
            item->text =
                span_text(arena_string(reading->arena, span_trim(span_cut(&rest, ','), " ")));
            tree_add(&node, item);
        }
    }
    value_read(reading, option, &node, base);
    must(faults_count(reading->faults, FAULT_ERROR) == before);
}

static void defaults_read(struct reading *reading, const struct option_group *group, void *base)
{
    const struct option *option;
    for (size_t i = 0; (option = options_at(i)) != NULL; i++) {
        bool has_one = option->standard != NULL && strcmp(option->standard, OPTION_REQUIRED) != 0;
        if (has_one && option_group_of(option) == group)
            default_read(reading, option, base);
    }
}

/* ---- sections ---- */

static void map_read(struct reading *reading, const struct node *map, const char *path, void *base);

/* "its keys are address, token_file"; empty: there are too many. */
static struct span keys_hint(const char *const *names, size_t count, char *to, size_t size)
{
    int len = count > 0 && count <= KEYS_SHOWN ? snprintf(to, size, "its keys are ") : 0;
    for (size_t i = 0; len > 0 && i < count && (size_t)len < size; i++)
        len += snprintf(to + len, size - (size_t)len, "%s%s", i > 0 ? ", " : "", names[i]);
    return span_make(to, len > 0 && (size_t)len < size ? (size_t)len : 0);
}

static void refuse_unknown(struct reading *reading, const struct node *node, const char *path)
{
    const char *names[OPTION_NAMES_MOST];
    struct buf texts;
    char hint[HINT_BYTES];
    buf_init(&texts, 4096);
    size_t count = options_names_below(span_text(path), names, &texts);
    struct span near = nearest_hint(node->key, names, count, hint, sizeof hint);
    if (near.len == 0)
        near = keys_hint(names, count, hint, sizeof hint);
    fault_add(reading->faults, FAULT_ERROR, node->key_place, near, "unknown key '%s'%s%s",
              node->key.at, *path != '\0' ? " in " : "", path);
    buf_fini(&texts);
}

static void refuse_kind(struct reading *reading, const struct node *node, const char *path,
                        const char *expected)
{
    static const char *const kinds[] = {
        [NODE_SCALAR] = "a single value", [NODE_LIST] = "a list", [NODE_MAP] = "a map"};
    const char *names[OPTION_NAMES_MOST];
    struct buf texts;
    char hint[HINT_BYTES];
    buf_init(&texts, 4096);
    size_t count = options_names_below(span_text(path), names, &texts);
    fault_add(reading->faults, FAULT_ERROR, node->place, keys_hint(names, count, hint, sizeof hint),
              "%s: found %s, expected %s", path, kinds[node->kind], expected);
    buf_fini(&texts);
}

/* Names of upstreams are parts of dotted paths, of metrics and of logs. */
static void check_name(struct reading *reading, const struct node *node, const char *path)
{
    bool is_plain = node->key.len > 0 && node->key.len <= 63;
    for (size_t i = 0; i < node->key.len && is_plain; i++) {
        char c = node->key.at[i];
        is_plain = byte_is_alpha(c) || byte_is_digit(c) || c == '_' || c == '-';
    }
    if (!is_plain)
        fault_add(reading->faults, FAULT_ERROR, node->key_place, span_make(NULL, 0),
                  "%s: '%s' is no name: expected letters, digits, _ and -, at most 63", path,
                  node->key.at);
}

/* Room for so many; NULL: the arena is full, which is said at the end. */
static char *group_begin(struct reading *reading, const struct option_group *group, size_t count)
{
    char *items = arena_alloc(reading->arena, count * group->size);
    if (items == NULL)
        return NULL;
    *(void **)at_offset(reading->settings, group->items) = items;
    *(size_t *)at_offset(reading->settings, group->count) = count;
    return items;
}

static void group_read(struct reading *reading, const struct node *node,
                       const struct option_group *group)
{
    char *items = group_begin(reading, group, node->count);
    if (items == NULL)
        return;
    for (const struct node *child = node->first; child != NULL; child = child->next) {
        defaults_read(reading, group, items);
        if (node->kind == NODE_MAP) {
            struct span *name = at_offset(items, group->name);
            *name = span_text(arena_string(reading->arena, child->key));
            check_name(reading, child, group->path);
        }
        if (child->kind == NODE_MAP)
            map_read(reading, child, group->path, items);
        else
            refuse_kind(reading, child, group->path, "a map of its settings");
        items += group->size;
    }
}

/* A list of maps, or one of them alone. */
static void one_or_more_read(struct reading *reading, const struct node *node, const char *path,
                             const struct option_group *group)
{
    if (node->kind == NODE_LIST) {
        group_read(reading, node, group);
    } else if (node->kind == NODE_MAP) {
        char *item = group_begin(reading, group, 1);
        if (item == NULL)
            return;
        defaults_read(reading, group, item);
        map_read(reading, node, group->path, item);
    } else {
        refuse_kind(reading, node, path, "a map, or a list of maps");
    }
}

/* `path` is a section: a map, a list of maps, a map by names, or one map or more. */
static void section_read(struct reading *reading, const struct node *node, const char *path,
                         void *base)
{
    char inside[PATH_BYTES];
    const struct option_group *group;
    if (node_is_empty(node))
        return;
    group = option_group_find(span_text(path));
    if (group != NULL) {
        one_or_more_read(reading, node, path, group);
        return;
    }
    snprintf(inside, sizeof inside, "%s[]", path);
    group = option_group_find(span_text(inside));
    if (group != NULL) {
        if (node->kind == NODE_LIST)
            group_read(reading, node, group);
        else
            refuse_kind(reading, node, path, "a list, like [{ ... }]");
        return;
    }
    snprintf(inside, sizeof inside, "%s.*", path);
    group = option_group_find(span_text(inside));
    if (node->kind != NODE_MAP) {
        refuse_kind(reading, node, group != NULL ? inside : path,
                    group != NULL ? "a map by names, like { NAME: { ... } }"
                                  : "a map, like { KEY: VALUE }");
        return;
    }
    if (group != NULL)
        group_read(reading, node, group);
    else
        map_read(reading, node, path, base);
}

/* Rows of this very map that have to be there. */
static void refuse_missing(struct reading *reading, const struct node *map, const char *path)
{
    const struct option *option;
    size_t len = strlen(path);
    for (size_t i = 0; (option = options_at(i)) != NULL; i++) {
        bool inside =
            strncmp(option->path, path, len) == 0 && (len == 0 || option->path[len] == '.');
        const char *name = inside ? option->path + len + (len > 0) : "";
        bool required = option->standard != NULL &&
                        strcmp(option->standard, OPTION_REQUIRED) == 0 && *name != '\0' &&
                        strpbrk(name, ".[") == NULL;
        if (required && tree_find(map, span_text(name)) == NULL &&
            !reading_refused_key(reading, map, name))
            fault_add(reading->faults, FAULT_ERROR, map->place, span_text(option->sentence),
                      "%s%s'%s' is missing: expected %s", path, len > 0 ? ": " : "", name,
                      option->type->expected);
    }
}

static void map_read(struct reading *reading, const struct node *map, const char *path, void *base)
{
    for (const struct node *node = map->first; node != NULL; node = node->next) {
        char below[PATH_BYTES];
        int len =
            snprintf(below, sizeof below, "%s%s%s", path, *path != '\0' ? "." : "", node->key.at);
        bool is_path = len > 0 && (size_t)len < sizeof below && node->key.len > 0 &&
                       strpbrk(node->key.at, ".[*") == NULL;
        const struct option *option = is_path ? options_find(span_text(below)) : NULL;
        if (option != NULL)
            value_read(reading, option, node, base);
        else if (is_path && options_have_below(span_text(below)))
            section_read(reading, node, below, base);
        else
            refuse_unknown(reading, node, path);
    }
    refuse_missing(reading, map, path);
}

void read_tree(struct reading *reading)
{
    defaults_read(reading, NULL, reading->settings);
    reading->said = SIZE_MAX;
    map_read(reading, reading->root, "", reading->settings);
    reading->said =
        faults_count(reading->faults, FAULT_ERROR) + faults_count(reading->faults, FAULT_WARNING);
}
