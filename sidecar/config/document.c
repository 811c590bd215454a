/* SPDX-License-Identifier: Apache-2.0 */
/* libyaml's events to nodes. Its marks count characters; people and editors count lines and bytes,
 * so every mark is turned into a byte of the text first. */
#include "sidecar/config/document.h"

#include <yaml.h>

#include "sidecar/config/substitute.h"

enum { DEPTH_MOST = 32 };

struct position {
    size_t index; /* in characters, as libyaml counts */
    size_t byte;
    size_t line_start; /* the byte that the line begins at */
    unsigned line;     /* from 0 */
};

struct parse {
    const struct document *document;
    struct span text;
    yaml_parser_t yaml;
    struct position at;
    struct span scalar; /* the latest one as it stands in the text, quotes and all */
};

/* ---- places ---- */

static size_t character_bytes(char lead)
{
    unsigned char c = (unsigned char)lead;
    return c < 0xc0 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
}

static void step(struct parse *p)
{
    char c = p->text.at[p->at.byte];
    p->at.byte += character_bytes(c);
    p->at.index++;
    if (c == '\n') {
        p->at.line++;
        p->at.line_start = p->at.byte;
    }
}

static struct place place_now(const struct parse *p)
{
    struct place place = {.file = p->document->file};
    if (p->document->has_lines) {
        place.line = p->at.line + 1;
        place.column = (unsigned)(p->at.byte - p->at.line_start) + 1;
    }
    return place;
}

static struct place place_of_byte(struct parse *p, size_t byte)
{
    if (byte < p->at.byte)
        p->at = (struct position){0};
    while (p->at.byte < byte && p->at.byte < p->text.len)
        step(p);
    return place_now(p);
}

/* Marks mostly come in order, so that the walk goes on where it stood. */
static struct place place_of(struct parse *p, const yaml_mark_t *mark)
{
    if (mark->index < p->at.index)
        p->at = (struct position){0};
    while (p->at.index < mark->index && p->at.byte < p->text.len)
        step(p);
    return place_now(p);
}

static void refuse(struct parse *p, struct place place, const char *hint, const char *message)
{
    fault_add(p->document->faults, FAULT_ERROR, place, span_text(hint), "%s", message);
}

/* ---- events ---- */

static const char *hint_of(const yaml_parser_t *yaml)
{
    if (yaml->problem != NULL &&
        strcmp(yaml->problem, "mapping values are not allowed in this context") == 0)
        return "a text with ': ' in it stands in quotes; keys of one map have one indentation";
    return yaml->context != NULL ? yaml->context : "";
}

static void say_broken(struct parse *p)
{
    const yaml_parser_t *yaml = &p->yaml;
    if (yaml->error == YAML_READER_ERROR) {
        bool control = yaml->problem_value >= 0 && yaml->problem_value < ' ';
        refuse(p, place_of_byte(p, yaml->problem_offset), "",
               control ? "a control character stands in the text" : "this is no UTF-8 text");
        return;
    }
    struct place place = place_of(p, &yaml->problem_mark);
    size_t byte = p->at.byte;
    if (byte < p->text.len && p->text.at[byte] == '\t')
        refuse(p, place, "indent with spaces", "a tab stands where YAML wants spaces");
    else
        refuse(p, place, hint_of(yaml), yaml->problem != NULL ? yaml->problem : "this is no YAML");
}

static bool next_event(struct parse *p, yaml_event_t *event)
{
    if (yaml_parser_parse(&p->yaml, event))
        return true;
    say_broken(p);
    return false;
}

/* ---- nodes ---- */

static void on_substitute_fault(void *to, enum substitute_fault fault, struct span what)
{
    struct parse *p = to;
    size_t inside = span_find(p->scalar, span_first(what, 64));
    size_t byte = (size_t)(p->scalar.at - p->text.at) + (inside == SPAN_NONE ? 0 : inside);
    struct place place = place_of_byte(p, byte);
    switch (fault) {
    case SUBSTITUTE_UNSET:
        fault_add(p->document->faults, FAULT_ERROR, place,
                  SPAN("set it, or write ${NAME:-default}"),
                  "the environment has no value for '" SPAN_FORMAT "'", span_arg(what));
        return;
    case SUBSTITUTE_UNCLOSED:
        refuse(p, place, "write $${ for a literal ${", "'${' without a closing brace");
        return;
    case SUBSTITUTE_NAMELESS:
        fault_add(p->document->faults, FAULT_ERROR, place, SPAN("write $${ for a literal ${"),
                  "'" SPAN_FORMAT "' holds no name of a variable", span_arg(what));
        return;
    }
}

static struct node *node_new(struct parse *p, enum node_kind kind, const yaml_event_t *event)
{
    struct node *node = arena_alloc(p->document->arena, sizeof *node);
    if (node == NULL)
        return NULL;
    node->kind = kind;
    node->place = node->key_place = place_of(p, &event->start_mark);
    node->folder = p->document->folder;
    return node;
}

static struct node *scalar_new(struct parse *p, const yaml_event_t *event)
{
    struct node *node = node_new(p, NODE_SCALAR, event);
    if (node == NULL)
        return NULL;
    size_t start = p->at.byte;
    place_of(p, &event->end_mark);
    p->scalar = span_make(p->text.at + start, p->at.byte - start);
    struct span text = span_make((const char *)event->data.scalar.value, event->data.scalar.length);
    node->plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    if (memchr(text.at, '\0', text.len) != NULL)
        refuse(p, node->place, "", "a NUL byte stands in the text");
    node->text = span_text(arena_string(p->document->arena, text));
    return node->text.at != NULL ? node : NULL;
}

static void put_environment(struct parse *p, struct node *node)
{
    if (p->document->environment == NULL || node->kind != NODE_SCALAR ||
        span_find(node->text, SPAN("${")) == SPAN_NONE)
        return;
    struct substitution how = {p->document->environment, p->document->context, on_substitute_fault,
                               p};
    node->text = substitute(&how, p->document->arena, node->text);
}

static struct node *node_read(struct parse *p, yaml_event_t *event, unsigned depth);

static bool list_fill(struct parse *p, struct node *list, unsigned depth)
{
    yaml_event_t event;
    for (;;) {
        if (!next_event(p, &event))
            return false;
        if (event.type == YAML_SEQUENCE_END_EVENT)
            break;
        struct node *item = node_read(p, &event, depth);
        if (item == NULL)
            return false;
        put_environment(p, item);
        tree_add(list, item);
    }
    yaml_event_delete(&event);
    return true;
}

static void map_add(struct parse *p, struct node *map, const struct node *key, struct node *value)
{
    const struct node *before = tree_find(map, key->text);
    value->key = key->text;
    value->key_place = key->place;
    if (key->kind != NODE_SCALAR)
        refuse(p, key->place, "", "a key is a name, not a list or a map");
    else if (before == NULL)
        tree_add(map, value);
    else if (before->key_place.line > 0)
        fault_add(p->document->faults, FAULT_ERROR, key->place, span_make(NULL, 0),
                  "the key '%s' stands here for the second time; the first is in line %u",
                  key->text.at, before->key_place.line);
    else
        fault_add(p->document->faults, FAULT_ERROR, key->place, span_make(NULL, 0),
                  "the key '%s' stands twice", key->text.at);
}

static bool map_fill(struct parse *p, struct node *map, unsigned depth)
{
    yaml_event_t event;
    for (;;) {
        if (!next_event(p, &event))
            return false;
        if (event.type == YAML_MAPPING_END_EVENT)
            break;
        struct node *key = node_read(p, &event, depth);
        if (key == NULL || !next_event(p, &event))
            return false;
        struct node *value = node_read(p, &event, depth);
        if (value == NULL)
            return false;
        put_environment(p, value);
        map_add(p, map, key, value);
    }
    yaml_event_delete(&event);
    return true;
}

static void refuse_properties(struct parse *p, const yaml_event_t *event)
{
    const yaml_char_t *anchor = NULL, *tag = NULL;
    if (event->type == YAML_SCALAR_EVENT) {
        anchor = event->data.scalar.anchor;
        tag = event->data.scalar.tag;
    } else if (event->type == YAML_MAPPING_START_EVENT) {
        anchor = event->data.mapping_start.anchor;
        tag = event->data.mapping_start.tag;
    } else if (event->type == YAML_SEQUENCE_START_EVENT) {
        anchor = event->data.sequence_start.anchor;
        tag = event->data.sequence_start.tag;
    }
    if (anchor != NULL || event->type == YAML_ALIAS_EVENT)
        refuse(p, place_of(p, &event->start_mark), "write the value out",
               "anchors and aliases are not read here");
    if (tag != NULL)
        refuse(p, place_of(p, &event->start_mark), "leave the tag out",
               "tags are not read here: each key knows its type");
}

/* Uses the event up. NULL: broken or out of memory, and said. */
static struct node *node_read(struct parse *p, yaml_event_t *event, unsigned depth)
{
    struct node *node = NULL;
    refuse_properties(p, event);
    if (event->type == YAML_SEQUENCE_START_EVENT)
        node = node_new(p, NODE_LIST, event);
    else if (event->type == YAML_MAPPING_START_EVENT)
        node = node_new(p, NODE_MAP, event);
    else if (event->type == YAML_SCALAR_EVENT)
        node = scalar_new(p, event);
    else if ((node = node_new(p, NODE_SCALAR, event)) != NULL) /* an alias: refused already */
        node->text = SPAN("");
    yaml_event_delete(event);
    if (node == NULL) {
        refuse(p, place_now(p), "", "the file is too large");
        return NULL;
    }
    if (node->kind == NODE_SCALAR)
        return node;
    if (depth == DEPTH_MOST) {
        refuse(p, node->place, "", "lists and maps are nested deeper than 32");
        return NULL;
    }
    bool filled =
        node->kind == NODE_LIST ? list_fill(p, node, depth + 1) : map_fill(p, node, depth + 1);
    return filled ? node : NULL;
}

/* ---- the stream ---- */

/* What follows the first document: its end, then nothing. */
static void refuse_more(struct parse *p)
{
    yaml_event_t event;
    for (;;) {
        if (!next_event(p, &event))
            return;
        yaml_event_type_t type = event.type;
        if (type == YAML_DOCUMENT_START_EVENT)
            refuse(p, place_of(p, &event.start_mark), "use several -c FILE",
                   "a second document begins here");
        yaml_event_delete(&event);
        if (type == YAML_STREAM_END_EVENT || type == YAML_DOCUMENT_START_EVENT)
            return;
    }
}

static struct node *stream_read(struct parse *p)
{
    yaml_event_t event;
    for (;;) {
        if (!next_event(p, &event))
            return NULL;
        if (event.type != YAML_STREAM_START_EVENT && event.type != YAML_DOCUMENT_START_EVENT)
            break;
        yaml_event_delete(&event);
    }
    if (event.type == YAML_STREAM_END_EVENT) {
        yaml_event_delete(&event);
        refuse(p, (struct place){.file = p->document->file}, "", "there is nothing in it");
        return NULL;
    }
    struct node *root = node_read(p, &event, 0);
    if (root == NULL)
        return NULL;
    put_environment(p, root);
    refuse_more(p);
    return root;
}

struct node *document_parse(const struct document *document, struct span text)
{
    if (span_starts(text, SPAN("\xef\xbb\xbf"))) /* libyaml would count it as a column */
        text = span_from(text, 3);
    struct span bytes = text.at != NULL ? text : SPAN(""); /* libyaml wants a pointer */
    struct parse p = {.document = document, .text = bytes};
    if (!yaml_parser_initialize(&p.yaml)) {
        refuse(&p, (struct place){.file = document->file}, "", "no memory for reading it");
        return NULL;
    }
    yaml_parser_set_encoding(&p.yaml, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&p.yaml, (const unsigned char *)bytes.at, bytes.len);
    struct node *root = stream_read(&p);
    yaml_parser_delete(&p.yaml);
    return root;
}
