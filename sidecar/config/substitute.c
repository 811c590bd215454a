/* SPDX-License-Identifier: Apache-2.0 */
/* One pass over a scalar's text; what was put in is not looked at again. */
#include "sidecar/config/substitute.h"

#include "rules/base/buf.h"
#include "rules/base/must.h"

enum { SCALAR_BYTES = 1 << 20, NAME_BYTES = 256 };

static bool is_name(struct span text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        if (!byte_is_alpha(c) && c != '_' && !(i > 0 && byte_is_digit(c)))
            return false;
    }
    return text.len > 0 && text.len < NAME_BYTES;
}

/* "a.b": somebody else's variable. */
static bool is_dotted(struct span text)
{
    while (text.at != NULL) {
        if (!is_name(span_cut(&text, '.')))
            return false;
    }
    return true;
}

static const char *look_up(const struct substitution *how, struct span name)
{
    char terminated[NAME_BYTES];
    memcpy(terminated, name.at, name.len);
    terminated[name.len] = '\0';
    return how->environment(how->context, terminated);
}

static void wrong(const struct substitution *how, struct buf *to, enum substitute_fault fault,
                  struct span what)
{
    how->on_fault(how->to, fault, what);
    buf_add(to, what);
}

/* `whole` is "${...}", `inside` what stands between the braces. */
static void put_value(const struct substitution *how, struct buf *to, struct span whole,
                      struct span inside)
{
    size_t mark = span_find(inside, SPAN(":-"));
    struct span name = mark == SPAN_NONE ? inside : span_first(inside, mark);
    if (!is_name(name)) {
        if (is_dotted(name))
            buf_add(to, whole);
        else
            wrong(how, to, SUBSTITUTE_NAMELESS, whole);
        return;
    }
    const char *value = look_up(how, name);
    if (mark != SPAN_NONE && (value == NULL || *value == '\0'))
        buf_add(to, span_from(inside, mark + 2));
    else if (value != NULL)
        buf_add(to, span_text(value));
    else
        wrong(how, to, SUBSTITUTE_UNSET, whole);
}

struct span substitute(const struct substitution *how, struct arena *arena, struct span text)
{
    struct buf to;
    buf_init(&to, SCALAR_BYTES);
    while (text.len > 0) {
        must(text.at != NULL);
        size_t dollar = span_find(text, SPAN("${"));
        if (dollar == SPAN_NONE) {
            buf_add(&to, text);
            break;
        }
        bool escaped = dollar > 0 && text.at[dollar - 1] == '$';
        buf_add(&to, span_first(text, escaped ? dollar - 1 : dollar));
        text = span_from(text, dollar);
        size_t end = escaped ? 1 : span_find_byte(text, '}');
        if (escaped)
            buf_add(&to, SPAN("${"));
        else if (end == SPAN_NONE)
            wrong(how, &to, SUBSTITUTE_UNCLOSED, text);
        else
            put_value(how, &to, span_first(text, end + 1), span_make(text.at + 2, end - 2));
        text = end == SPAN_NONE ? span_from(text, text.len) : span_from(text, end + 1);
    }
    struct span result = span_text(arena_string(arena, buf_span(&to)));
    buf_fini(&to);
    return result;
}
