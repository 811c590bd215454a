/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/http/propagation.h"

#include <string.h>

#include "rules/base/encode.h"

enum {
    TRACE_DIGITS = 32,
    SPAN_DIGITS = 16,
    SAMPLED = 1, /* the flag */
    XRAY_TIME_DIGITS = 8,
    XRAY_OTHERS_BYTES = 512,
    BAGGAGE_MEMBERS = 64,
    BAGGAGE_BYTES = 8192,
};

static const struct span b3_trace = SPAN_INIT("x-b3-traceid"), b3_span = SPAN_INIT("x-b3-spanid"),
                         b3_sampled = SPAN_INIT("x-b3-sampled"), b3_flags = SPAN_INIT("x-b3-flags"),
                         b3_parent = SPAN_INIT("x-b3-parentspanid"),
                         xray_field = SPAN_INIT("x-amzn-trace-id");

/* A field that comes twice could be meant in two ways: it is none. */
static struct span only(const struct fields *fields, struct span name)
{
    return fields_count(fields, name) == 1 ? span_trim_ows(fields_get(fields, name))
                                           : span_make(NULL, 0);
}

static bool is_zero(const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (bytes[i] != 0)
            return false;
    return true;
}

static bool read_span_id(struct span text, uint8_t to[8])
{
    return hex_read(text, to, 8) && !is_zero(to, 8);
}

/* ---- W3C ---- */

static void read_tracecontext(const struct fields *fields, struct trace_given *to)
{
    if (!traceparent_parse(only(fields, SPAN("traceparent")), &to->context))
        return;
    to->is_given = true;
    to->decision = (to->context.flags & SAMPLED) != 0 ? TRACE_KEEP : TRACE_DROP;
}

static bool write_tracecontext(const struct trace_context *context, const uint8_t span_id[8],
                               struct fields *fields, struct arena *arena)
{
    char *text = arena_text(arena, TRACEPARENT_LENGTH);
    if (text == NULL)
        return false;
    traceparent_write(text, context, span_id);
    return fields_set(fields, arena, SPAN("traceparent"), span_make(text, TRACEPARENT_LENGTH));
}

/* ---- B3 ---- */

/* 16 or 32 digits; the shorter one is the right half. */
static bool read_b3_trace(struct span text, uint8_t to[16])
{
    memset(to, 0, 16);
    bool reads = text.len == SPAN_DIGITS ? hex_read(text, to + 8, 8) : hex_read(text, to, 16);
    return reads && !is_zero(to, 16);
}

/* d: debug, which includes that it is kept. */
static bool read_b3_decision(struct span text, enum trace_decision *to)
{
    if (text.len != 1 || (text.at[0] != '0' && text.at[0] != '1' && text.at[0] != 'd'))
        return false;
    *to = text.at[0] == '0' ? TRACE_DROP : TRACE_KEEP;
    return true;
}

static void read_b3(const struct fields *fields, struct trace_given *to)
{
    enum trace_decision decision = TRACE_UNDECIDED;
    struct trace_context context = {.flags = 0};
    struct span rest = only(fields, SPAN("b3")), trace = span_cut(&rest, '-');
    if (rest.at == NULL) {
        (void)read_b3_decision(trace, &to->decision);
        return;
    }
    struct span id = span_cut(&rest, '-'), sampled = span_cut(&rest, '-');
    uint8_t parent[8];
    if (!read_b3_trace(trace, context.trace_id) || !read_span_id(id, context.parent_id) ||
        (sampled.len > 0 && !read_b3_decision(sampled, &decision)) ||
        (rest.at != NULL && !read_span_id(rest, parent)))
        return;
    *to = (struct trace_given){.is_given = true, .context = context, .decision = decision};
}

static enum trace_decision b3_decision(const struct fields *fields)
{
    struct span sampled = only(fields, b3_sampled);
    if (span_is(only(fields, b3_flags), SPAN("1")) || span_is(sampled, SPAN("1")) ||
        span_is_nocase(sampled, SPAN("true")))
        return TRACE_KEEP;
    return span_is(sampled, SPAN("0")) || span_is_nocase(sampled, SPAN("false")) ? TRACE_DROP
                                                                                 : TRACE_UNDECIDED;
}

static void read_b3multi(const struct fields *fields, struct trace_given *to)
{
    struct trace_context context = {.flags = 0};
    to->decision = b3_decision(fields);
    if (!read_b3_trace(only(fields, b3_trace), context.trace_id) ||
        !read_span_id(only(fields, b3_span), context.parent_id))
        return;
    to->is_given = true;
    to->context = context;
}

static bool write_b3(const struct trace_context *context, const uint8_t span_id[8],
                     struct fields *fields, struct arena *arena)
{
    enum { LENGTH = TRACE_DIGITS + 1 + SPAN_DIGITS + 2 };
    char *text = arena_text(arena, LENGTH);
    if (text == NULL)
        return false;
    hex_write(text, context->trace_id, 16);
    text[TRACE_DIGITS] = '-';
    hex_write(text + TRACE_DIGITS + 1, span_id, 8);
    text[LENGTH - 2] = '-';
    text[LENGTH - 1] = (context->flags & SAMPLED) != 0 ? '1' : '0';
    return fields_set(fields, arena, SPAN("b3"), span_make(text, LENGTH));
}

/* ParentSpanId would be the parent of a span that is another one from here on. */
static bool write_b3multi(const struct trace_context *context, const uint8_t span_id[8],
                          struct fields *fields, struct arena *arena)
{
    char *text = arena_text(arena, TRACE_DIGITS + SPAN_DIGITS);
    if (text == NULL)
        return false;
    hex_write(text, context->trace_id, 16);
    hex_write(text + TRACE_DIGITS, span_id, 8);
    fields_remove(fields, b3_parent);
    fields_remove(fields, b3_flags);
    return fields_set(fields, arena, b3_trace, span_make(text, TRACE_DIGITS)) &&
           fields_set(fields, arena, b3_span, span_make(text + TRACE_DIGITS, SPAN_DIGITS)) &&
           fields_set(fields, arena, b3_sampled,
                      (context->flags & SAMPLED) != 0 ? SPAN("1") : SPAN("0"));
}

/* ---- X-Ray ---- */

/* 1-TIME-REST: together the 32 digits of the trace. */
static bool read_root(struct span text, uint8_t to[16])
{
    struct span rest = text, version = span_cut(&rest, '-'), time = span_cut(&rest, '-');
    return span_is(version, SPAN("1")) && hex_read(time, to, XRAY_TIME_DIGITS / 2) &&
           hex_read(rest, to + XRAY_TIME_DIGITS / 2, 16 - XRAY_TIME_DIGITS / 2) && !is_zero(to, 16);
}

static bool read_xray_member(struct span name, struct span value, struct trace_given *to)
{
    if (span_is_nocase(name, SPAN("Root")))
        return to->is_given = read_root(value, to->context.trace_id);
    if (span_is_nocase(name, SPAN("Parent")))
        return read_span_id(value, to->context.parent_id);
    if (!span_is_nocase(name, SPAN("Sampled")))
        return true; /* Self, Lineage and what the future brings */
    if (span_is(value, SPAN("1")))
        to->decision = TRACE_KEEP;
    else if (span_is(value, SPAN("0")))
        to->decision = TRACE_DROP;
    return to->decision != TRACE_UNDECIDED || span_is(value, SPAN("?"));
}

static void read_xray(const struct fields *fields, struct trace_given *to)
{
    struct trace_given given = {.decision = TRACE_UNDECIDED};
    struct span rest = only(fields, xray_field);
    while (rest.at != NULL) {
        struct span value = span_trim_ows(span_cut(&rest, ';')), name = span_cut(&value, '=');
        if (name.len > 0 && !read_xray_member(name, value, &given))
            return;
    }
    *to = given;
}

/* What else the caller's field of the same trace says goes on as it is (Lineage and what the future
 * brings), but for the load balancer's own id. Empty: nothing. */
static struct span xray_others(const struct trace_context *context, const struct fields *fields,
                               struct arena *arena)
{
    struct span rest = only(fields, xray_field), others = SPAN("");
    uint8_t root[16];
    bool is_same = false;
    while (rest.at != NULL) {
        struct span member = span_trim_ows(span_cut(&rest, ';')), value = member;
        struct span name = span_cut(&value, '=');
        if (span_is_nocase(name, SPAN("Root")))
            is_same = read_root(value, root) && memcmp(root, context->trace_id, sizeof root) == 0;
        if (value.len == 0 || span_is_nocase(name, SPAN("Root")) ||
            span_is_nocase(name, SPAN("Parent")) || span_is_nocase(name, SPAN("Sampled")) ||
            span_is_nocase(name, SPAN("Self")) || others.len + member.len >= XRAY_OTHERS_BYTES)
            continue;
        const struct span parts[] = {others, SPAN(";"), member};
        others = arena_join(arena, parts, 3);
    }
    return is_same ? others : SPAN("");
}

static bool write_xray(const struct trace_context *context, const uint8_t span_id[8],
                       struct fields *fields, struct arena *arena)
{
    char trace[TRACE_DIGITS], span[SPAN_DIGITS];
    hex_write(trace, context->trace_id, 16);
    hex_write(span, span_id, 8);
    struct span head =
        arena_format(arena, "Root=1-%.*s-%.*s;Parent=%.*s;Sampled=%d", XRAY_TIME_DIGITS, trace,
                     TRACE_DIGITS - XRAY_TIME_DIGITS, trace + XRAY_TIME_DIGITS, SPAN_DIGITS, span,
                     context->flags & SAMPLED);
    const struct span parts[] = {head, xray_others(context, fields, arena)};
    struct span text = parts[1].len > 0 ? arena_join(arena, parts, 2) : head;
    return text.len > 0 && fields_set(fields, arena, xray_field, text);
}

/* ---- all of them ---- */

static const struct {
    void (*read)(const struct fields *fields, struct trace_given *to);
    bool (*write)(const struct trace_context *context, const uint8_t span_id[8],
                  struct fields *fields, struct arena *arena);
} rows[PROPAGATORS] = {
    [PROPAGATOR_TRACECONTEXT] = {read_tracecontext, write_tracecontext},
    [PROPAGATOR_B3] = {read_b3, write_b3},
    [PROPAGATOR_B3MULTI] = {read_b3multi, write_b3multi},
    [PROPAGATOR_XRAY] = {read_xray, write_xray},
};

void trace_extract(unsigned propagators, const struct fields *fields, struct trace_given *to)
{
    *to = (struct trace_given){.is_given = false};
    for (unsigned i = 0; i < PROPAGATORS; i++) {
        if ((propagators & PROPAGATOR_SET(i)) == 0 || rows[i].read == NULL)
            continue;
        rows[i].read(fields, to);
        to->by = (enum propagator)i;
        if (to->is_given || to->decision != TRACE_UNDECIDED)
            return;
    }
}

bool trace_inject(unsigned propagators, const struct trace_context *context,
                  const uint8_t span_id[8], struct fields *fields, struct arena *arena)
{
    for (unsigned i = 0; i < PROPAGATORS; i++)
        if ((propagators & PROPAGATOR_SET(i)) != 0 && rows[i].write != NULL &&
            !rows[i].write(context, span_id, fields, arena))
            return false;
    return true;
}

/* ---- baggage ---- */

/* As many whole members of the value as there is room for; `members` and `bytes` are what is left.
 */
static struct span members_within(struct span value, size_t *members, size_t *bytes)
{
    size_t kept = 0;
    for (struct span rest = value; rest.at != NULL && *members > 0;) {
        struct span member = span_cut(&rest, ',');
        size_t end = (size_t)(member.at + member.len - value.at);
        if (end > *bytes)
            break;
        kept = end;
        (*members)--;
    }
    *bytes -= kept;
    return span_first(value, kept);
}

void baggage_limit(struct fields *fields)
{
    size_t members = BAGGAGE_MEMBERS, bytes = BAGGAGE_BYTES, kept = 0;
    for (size_t i = 0; i < fields->count; i++) {
        struct pair *field = &fields->at[i];
        if (span_is_nocase(field->name, SPAN("baggage"))) {
            field->value = members_within(field->value, &members, &bytes);
            if (field->value.len == 0)
                continue;
        }
        fields->at[kept++] = *field;
    }
    fields->count = kept;
}
