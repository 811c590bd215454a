/* SPDX-License-Identifier: Apache-2.0 */
/* libxml2's trees, XPath and validation behind four small doors. */
#include "rules/match/xml_tree.h"

#include <libxml/parser.h>
#include <libxml/valid.h>
#include <libxml/xmlschemas.h>
#include <libxml/xpath.h>
#include <libxml/xpathInternals.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "rules/base/buf.h"

/* An expression that walks the tree for each node of the tree would take minutes. */
enum { STEPS_MOST = 1000000, QUIET = XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING };

struct xml_tree {
    xmlDocPtr document;
};

struct xml_schema {
    xmlSchemaPtr schema;
    xmlDocPtr document; /* parts of the schema point into it */
};

static void stay_silent(void *context, const char *format, ...)
{
    (void)context;
    (void)format;
}

/* NOLINTNEXTLINE(readability-non-const-parameter): libxml2's type */
static void stay_silent_too(void *context, xmlErrorPtr error)
{
    (void)context;
    (void)error;
}

static xmlDocPtr document_read(struct span text)
{
    if (text.len == 0 || text.len > INT_MAX)
        return NULL;
    xmlInitParser();
    xmlSetGenericErrorFunc(NULL, stay_silent); /* the thread's: wrong encodings are told there */
    return xmlReadMemory(text.at, (int)text.len, NULL, NULL, QUIET);
}

struct xml_tree *xml_tree_new(struct span text)
{
    xmlDocPtr document = document_read(text);
    struct xml_tree *tree = document == NULL ? NULL : malloc(sizeof *tree);
    if (tree == NULL)
        xmlFreeDoc(document);
    else
        tree->document = document;
    return tree;
}

void xml_tree_free(struct xml_tree *tree)
{
    if (tree == NULL)
        return;
    xmlFreeDoc(tree->document);
    free(tree);
}

/* --- XPath --- */

static xmlChar *terminated(struct span text)
{
    return xmlStrndup((const xmlChar *)text.at, (int)text.len);
}

static xmlXPathContextPtr context_new(xmlDocPtr document)
{
    xmlXPathContextPtr context = xmlXPathNewContext(document);
    if (context == NULL)
        return NULL;
    context->opLimit = STEPS_MOST;
    context->error = stay_silent_too;
    return context;
}

static void register_namespaces(xmlXPathContextPtr context, const struct pair *namespaces,
                                size_t count)
{
    for (size_t i = 0; i < count; i++) {
        xmlChar *prefix = terminated(namespaces[i].name), *place = terminated(namespaces[i].value);
        xmlXPathRegisterNs(context, prefix, place);
        xmlFree(prefix);
        xmlFree(place);
    }
}

static struct span take_text(xmlChar *text, struct arena *arena)
{
    struct span copy = arena_copy(arena, span_text((const char *)text));
    xmlFree(text);
    return copy.at == NULL ? SPAN("") : copy;
}

static struct pair *nodes_copy(const xmlNodeSet *nodes, struct span name, struct arena *arena,
                               size_t *count)
{
    size_t most = nodes == NULL ? 0 : (size_t)nodes->nodeNr;
    struct pair *pairs = most == 0 ? NULL : arena_alloc(arena, most * sizeof *pairs);
    for (size_t i = 0; pairs != NULL && i < most; i++)
        pairs[(*count)++] =
            (struct pair){name, take_text(xmlNodeGetContent(nodes->nodeTab[i]), arena)};
    return pairs;
}

static struct pair *result_copy(xmlXPathObjectPtr result, struct span name, struct arena *arena,
                                size_t *count)
{
    if (result->type == XPATH_NODESET)
        return nodes_copy(result->nodesetval, name, arena, count);
    struct pair *pair = arena_alloc(arena, sizeof *pair);
    if (pair == NULL)
        return NULL;
    *pair = (struct pair){name, take_text(xmlXPathCastToString(result), arena)};
    *count = 1;
    return pair;
}

struct pair *xml_tree_select(const struct xml_tree *tree, struct span expression,
                             const struct pair *namespaces, size_t namespace_count,
                             struct arena *arena, size_t *count)
{
    struct pair *pairs = NULL;
    *count = 0;
    xmlXPathContextPtr context = context_new(tree->document);
    if (context == NULL)
        return NULL;
    register_namespaces(context, namespaces, namespace_count);
    xmlChar *text = terminated(expression);
    xmlXPathObjectPtr result = xmlXPathEvalExpression(text, context);
    if (result != NULL)
        pairs = result_copy(result, expression, arena, count);
    xmlXPathFreeObject(result);
    xmlFree(text);
    xmlXPathFreeContext(context);
    return pairs;
}

bool xml_expression_is_valid(struct span expression)
{
    xmlInitParser();
    xmlXPathContextPtr context = context_new(NULL);
    xmlChar *text = terminated(expression);
    xmlXPathCompExprPtr compiled = context == NULL ? NULL : xmlXPathCtxtCompile(context, text);
    bool valid = compiled != NULL;
    xmlXPathFreeCompExpr(compiled);
    xmlFree(text);
    xmlXPathFreeContext(context);
    return valid;
}

/* --- validation --- */

static xmlSchemaPtr schema_parse(xmlDocPtr document)
{
    xmlSchemaParserCtxtPtr parser = xmlSchemaNewDocParserCtxt(document);
    if (parser == NULL)
        return NULL;
    xmlSchemaSetParserErrors(parser, stay_silent, stay_silent, NULL);
    xmlSchemaPtr schema = xmlSchemaParse(parser);
    xmlSchemaFreeParserCtxt(parser);
    return schema;
}

struct xml_schema *xml_schema_new(struct span text)
{
    xmlDocPtr document = document_read(text); /* read here: the schema's own reader is not quiet */
    xmlSchemaPtr schema = document == NULL ? NULL : schema_parse(document);
    struct xml_schema *own = schema == NULL ? NULL : malloc(sizeof *own);
    if (own == NULL) {
        xmlSchemaFree(schema);
        xmlFreeDoc(document);
        return NULL;
    }
    *own = (struct xml_schema){schema, document};
    return own;
}

void xml_schema_free(struct xml_schema *schema)
{
    if (schema == NULL)
        return;
    xmlSchemaFree(schema->schema);
    xmlFreeDoc(schema->document);
    free(schema);
}

enum { WHY_MOST = 1024 };

/* Gathers what libxml2 prints, in pieces as it likes. */
__attribute__((format(printf, 2, 3))) static void gather(void *context, const char *format, ...)
{
    struct buf *to = context;
    char piece[256];
    va_list list;
    va_start(list, format);
    int len = vsnprintf(piece, sizeof piece, format, list);
    va_end(list);
    if (len > 0)
        buf_add(to, span_text(piece));
}

static void gathered_take(struct buf *why, struct arena *arena, struct span *to)
{
    *to = arena_copy(arena, span_trim(buf_span(why), "\n"));
    buf_fini(why);
}

bool xml_schema_allows(const struct xml_schema *schema, const struct xml_tree *tree,
                       struct arena *arena, struct span *why)
{
    struct buf said;
    xmlSchemaValidCtxtPtr context = xmlSchemaNewValidCtxt(schema->schema);
    if (context == NULL)
        return false;
    buf_init(&said, WHY_MOST);
    xmlSchemaSetValidErrors(context, gather, gather, &said);
    bool allows = xmlSchemaValidateDoc(context, tree->document) == 0;
    xmlSchemaFreeValidCtxt(context);
    gathered_take(&said, arena, why);
    return allows;
}

static xmlDtdPtr dtd_read(struct span text)
{
    xmlParserInputBufferPtr input =
        text.len > INT_MAX
            ? NULL
            : xmlParserInputBufferCreateMem(text.at, (int)text.len, XML_CHAR_ENCODING_NONE);
    xmlSAXHandler quiet = {.initialized = XML_SAX2_MAGIC};
    xmlSAXVersion(&quiet, 2);
    quiet.error = stay_silent;
    quiet.warning = stay_silent;
    quiet.fatalError = stay_silent;
    quiet.resolveEntity = NULL; /* nothing is fetched */
    return input == NULL ? NULL : xmlIOParseDTD(&quiet, input, XML_CHAR_ENCODING_NONE);
}

bool xml_dtd_is_valid(struct span text)
{
    xmlInitParser();
    xmlDtdPtr dtd = dtd_read(text);
    bool valid = dtd != NULL;
    xmlFreeDtd(dtd);
    return valid;
}

bool xml_dtd_allows(struct span text, const struct xml_tree *tree, struct arena *arena,
                    struct span *why)
{
    struct buf said;
    buf_init(&said, WHY_MOST);
    xmlDtdPtr dtd = dtd_read(text);
    xmlValidCtxtPtr context = dtd == NULL ? NULL : xmlNewValidCtxt();
    bool allows = false;
    if (context != NULL) {
        context->userData = &said;
        context->error = gather;
        context->warning = gather;
        allows = xmlValidateDtd(context, tree->document, dtd) == 1;
    }
    xmlFreeValidCtxt(context);
    xmlFreeDtd(dtd);
    gathered_take(&said, arena, why);
    return allows;
}
