/* SPDX-License-Identifier: Apache-2.0 */
/* XML by libxml2's push parser, for the two XPath expressions that rules use: all text, and every
 * attribute; and, where it is asked for, an argument for each element (xml.a.b).
 *
 * Nothing is ever fetched. A document type is passed over, but one that declares an entity fails:
 * what an entity stands for is put together by the reader, so rules would look at another text than
 * the protected server does. Without entities nothing can grow beyond the body. Nesting is counted
 * here, since no tree is built. */
#include <libxml/parser.h>

#include "rules/body/parser.h"

/* An element that is open, where elements become arguments. */
struct element {
    struct element *outer;
    size_t name_len; /* of the path up to and with it */
    struct text own; /* its text, without that of elements in it */
    bool has_child;
};

struct xml {
    xmlParserCtxtPtr context;
    struct text path; /* "xml.a.b" of the element that is open */
    struct element *open, *spare;
    unsigned depth;
    bool is_empty;    /* not a byte came */
    struct text next; /* the block that is not full yet */
    bool has_element; /* the document's has begun */
};

static void stop(struct body *body, const char *why)
{
    body_fail(body, "XML parsing error: XML: %s.", why);
    xmlStopParser(body->xml->context);
}

static struct span copy_name(struct arena *arena, const xmlChar *prefix, const xmlChar *name)
{
    if (prefix == NULL)
        return arena_copy(arena, span_text((const char *)name));
    return arena_format(arena, "%s:%s", (const char *)prefix, (const char *)name);
}

/* libxml2 hands out an attribute as five pointers: name, prefix, namespace, value, value's end. */
enum { NAME, PREFIX, NAMESPACE, VALUE, VALUE_END, POINTERS_EACH };

static void add_attribute(struct body *body, const xmlChar **attribute)
{
    struct span value = span_make((const char *)attribute[VALUE],
                                  (size_t)(attribute[VALUE_END] - attribute[VALUE]));
    struct span name = copy_name(body->arena, attribute[PREFIX], attribute[NAME]);
    pairs_add(&body->xml_attributes, body->arena, name, arena_copy(body->arena, value));
}

/* ---- elements as arguments ---- */

static bool as_arguments(const struct body *body)
{
    return body->limits.xml_view != XML_AS_TREE;
}

static bool as_tree(const struct body *body)
{
    return body->limits.xml_view != XML_AS_ARGUMENTS;
}

static void element_open(struct body *body, struct span name)
{
    struct xml *xml = body->xml;
    struct element *element = xml->spare;
    if (element != NULL)
        xml->spare = element->outer;
    else if ((element = arena_alloc(body->arena, sizeof *element)) == NULL)
        return; /* the caller looks at the arena */
    if (xml->open == NULL)
        text_add(&xml->path, body->arena, SPAN("xml"));
    else
        xml->open->has_child = true;
    text_add(&xml->path, body->arena, SPAN("."));
    text_add(&xml->path, body->arena, name);
    element->own.len = 0;
    element->has_child = false;
    element->name_len = xml->path.len;
    element->outer = xml->open;
    xml->open = element;
}

/* ModSecurity makes an argument of elements without children alone; text that stands beside
 * children would then be seen by nobody, so it is one as well. */
static void element_close(struct body *body)
{
    struct xml *xml = body->xml;
    struct element *element = xml->open;
    if (element == NULL)
        return;
    struct span text = span_make(element->own.at, element->own.len);
    struct span path = span_make(xml->path.at, element->name_len);
    if (body_takes_arguments(body)) {
        path = arena_copy(body->arena, path);
        text = text.len > 0 ? arena_copy(body->arena, text) : SPAN("");
    }
    if (!element->has_child || span_trim(text, " \t\r\n").len > 0)
        body_add_argument(body, path, text);
    xml->open = element->outer;
    xml->path.len = xml->open != NULL ? xml->open->name_len : 0;
    element->outer = xml->spare;
    xml->spare = element;
}

/* ---- what the parser hands out ---- */

/* NOLINTNEXTLINE(readability-function-size): libxml2's parameters */
static void on_start(void *context, const xmlChar *name, const xmlChar *prefix,
                     const xmlChar *namespace, int namespace_count, const xmlChar **namespaces,
                     int attribute_count, int defaulted_count, const xmlChar **attributes)
{
    struct body *body = context;
    (void)name, (void)prefix, (void)namespace, (void)namespace_count, (void)namespaces;
    (void)defaulted_count;
    body->xml->has_element = true;
    if (++body->xml->depth > body->limits.depth) {
        stop(body, "Parsing depth limit exceeded");
        return;
    }
    if (as_arguments(body))
        element_open(body, span_text((const char *)name));
    for (int i = 0; i < attribute_count && as_tree(body); i++)
        add_attribute(body, attributes + (ptrdiff_t)i * POINTERS_EACH);
    if (arena_is_full(body->arena))
        stop(body, "Out of memory");
}

static void on_end(void *context, const xmlChar *name, const xmlChar *prefix,
                   const xmlChar *namespace)
{
    struct body *body = context;
    (void)name, (void)prefix, (void)namespace;
    body->xml->depth--;
    if (as_arguments(body))
        element_close(body);
}

static void on_text(void *context, const xmlChar *text, int len)
{
    struct body *body = context;
    struct span bytes = span_make((const char *)text, len > 0 ? (size_t)len : 0);
    if (bytes.len > 0 && as_tree(body))
        text_add(&body->text, body->arena, bytes);
    if (bytes.len > 0 && body->xml->open != NULL)
        text_add(&body->xml->open->own, body->arena, bytes);
}

/* NOLINTBEGIN(readability-non-const-parameter): libxml2's type */
static void on_entity(void *context, const xmlChar *name, int type, const xmlChar *public_id,
                      const xmlChar *system_id, xmlChar *content)
{
    (void)name, (void)type, (void)public_id, (void)system_id, (void)content;
    stop(context, "Entity declarations are not allowed");
}
/* NOLINTEND(readability-non-const-parameter) */

static void on_reference(void *context, const xmlChar *name)
{
    (void)name;
    stop(context, "Entity references are not allowed");
}

/* What has no parser's own door (bytes that are none of their encoding) goes to the thread's, which
 * prints unless told otherwise. */
static void stay_silent(void *context, const char *format, ...)
{
    (void)context;
    (void)format;
}

static xmlParserCtxtPtr context_new(struct body *body)
{
    xmlSAXHandler handler = {
        .initialized = XML_SAX2_MAGIC,
        .startElementNs = on_start,
        .endElementNs = on_end,
        .characters = on_text,
        .ignorableWhitespace = on_text,
        .cdataBlock = on_text,
        .entityDecl = on_entity,
        .reference = on_reference,
    };
    xmlInitParser();
    xmlSetGenericErrorFunc(NULL, stay_silent);
    xmlParserCtxtPtr context = xmlCreatePushParserCtxt(&handler, body, NULL, 0, NULL);
    if (context == NULL)
        return NULL;
    /* NOENT decodes &amp; in attributes; there are no entities of others to put in. */
    xmlCtxtUseOptions(context,
                      XML_PARSE_NONET | XML_PARSE_NOENT | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
    return context;
}

static bool xml_begin(struct body *body)
{
    body->xml = arena_alloc(body->arena, sizeof *body->xml);
    if (body->xml == NULL)
        return false;
    body->xml->is_empty = true;
    body->xml->context = context_new(body);
    return body->xml->context != NULL;
}

/* libxml2 is fed in blocks of this size, wherever the pieces were cut: what it makes of a broken
 * document (which text still comes out, what the error says) depends on how it was fed, and two
 * requests with the same bytes have to come to the same. */
enum { BLOCK_BYTES = 16 << 10 };

/* A wrong encoding is told by the answer alone: no text comes out, and the document still counts as
 * well-formed. */
static void check(struct body *body, int answer)
{
    const xmlParserCtxt *context = body->xml->context;
    if (context->wellFormed == 0)
        body_fail(body, "XML parsing error: XML: Failed parsing document (line %d).",
                  context->lastError.line);
    else if (answer != XML_ERR_OK)
        body_fail(body, "XML parsing error: XML: Failed decoding document.");
}

static void parse(struct body *body, struct span block)
{
    if (block.len == 0 || body->result.flags.failed)
        return;
    check(body, xmlParseChunk(body->xml->context, block.at, (int)block.len, 0));
}

static void xml_push(struct body *body, struct span bytes)
{
    struct text *next = &body->xml->next;
    body->xml->is_empty = false;
    while (bytes.len >= BLOCK_BYTES - next->len) {
        struct span rest = span_first(bytes, BLOCK_BYTES - next->len);
        bytes = span_from(bytes, rest.len);
        if (next->len > 0) {
            text_add(next, body->arena, rest);
            rest = span_make(next->at, next->len);
        }
        parse(body, rest);
        next->len = 0;
        if (arena_is_full(body->arena))
            return;
    }
    if (bytes.len > 0)
        text_add(next, body->arena, bytes);
}

/* A body that was cut is ended as well, so that the text before the cut comes out; that it is not
 * well-formed is then no fault of it. Nor is it one to have no body at all. */
static void xml_end(struct body *body, bool complete)
{
    parse(body, span_make(body->xml->next.at, body->xml->next.len));
    if (!body->result.flags.failed && !body->xml->is_empty) {
        int answer = xmlParseChunk(body->xml->context, NULL, 0, 1);
        if (complete)
            check(body, answer);
    }
    while (body->xml->open != NULL) /* of a document without its end */
        element_close(body);
    body->result.xml_text = span_make(body->text.at, body->text.len);
    if (body->xml->has_element && as_tree(body) && body->text.at == NULL)
        body->result.xml_text = SPAN("");
}

void xml_free(struct xml *xml)
{
    if (xml == NULL)
        return;
    if (xml->context->myDoc != NULL)
        xmlFreeDoc(xml->context->myDoc);
    xml->context->myDoc = NULL;
    xmlFreeParserCtxt(xml->context);
}

const struct body_parser xml_parser = {xml_begin, xml_push, xml_end};
