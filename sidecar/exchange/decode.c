/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/exchange/decode.h"

#include "rules/body/inflate.h"

static struct codings codings_of(const struct fields *fields)
{
    struct codings codings = {0};
    for (size_t i = 0; i < fields->count; i++)
        if (span_is_nocase(fields->at[i].name, SPAN("content-encoding")))
            codings_add(&codings, fields->at[i].value);
    return codings;
}

enum decoding body_decode(const struct fields *fields, struct span body, bool cut, struct buf *to,
                          struct span *text)
{
    struct codings codings = codings_of(fields);
    *text = body;
    if (codings.too_many)
        return DECODING_TOO_MANY;
    enum inflated inflated = codings_undo(&codings, body, to);
    /* What says gzip and is not may be read as it stands by a backend that does not look. */
    if (to->len > 0 || inflated == INFLATED_WHOLE)
        *text = buf_span(to);
    switch (inflated) {
    case INFLATED_CUT: return cut ? DECODING_WELL : DECODING_BROKEN;
    case INFLATED_BROKEN: return DECODING_BROKEN;
    case INFLATED_OVER: return DECODING_OVER;
    case INFLATED_WHOLE:
    case INFLATED_NOT: break;
    }
    return DECODING_WELL;
}

/* ---- what is asked for ---- */

/* One member with its weight: "gzip;q=0.5". */
static bool is_undone(struct span member)
{
    return coding_of(span_trim_ows(span_cut(&member, ';'))) != CODING_OTHER;
}

static void keep_undone(struct buf *kept, struct span value)
{
    while (value.len > 0) {
        struct span member = span_trim_ows(span_cut(&value, ','));
        if (member.len == 0 || !is_undone(member))
            continue;
        if (kept->len > 0)
            buf_add(kept, SPAN(", "));
        buf_add(kept, member);
    }
}

bool accept_encoding_reduce(struct fields *fields, struct arena *arena)
{
    enum { LONGEST = 256 };
    struct buf kept;
    buf_init(&kept, LONGEST);
    for (size_t i = 0; i < fields->count; i++)
        if (span_is_nocase(fields->at[i].name, SPAN("accept-encoding")))
            keep_undone(&kept, fields->at[i].value);
    fields_remove(fields, SPAN("accept-encoding"));
    bool done = true;
    /* A list longer than any that means something is as good as none. */
    if (kept.len > 0 && !buf_is_full(&kept)) {
        struct span value = arena_copy(arena, buf_span(&kept));
        done = value.len > 0 && fields_add(fields, arena, SPAN("Accept-Encoding"), value);
    }
    buf_fini(&kept);
    return done;
}
