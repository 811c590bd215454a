/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/exchange/decode.h"

#include "rules/body/decoder.h"

static struct codings codings_of(const struct fields *fields)
{
    struct codings codings = {0};
    for (size_t i = 0; i < fields->count; i++)
        if (span_is_nocase(fields->at[i].name, SPAN("content-encoding")))
            codings_add(&codings, fields->at[i].value);
    return codings;
}

void body_decoding_begin(struct body_decoding *decoding, const struct fields *fields,
                         struct span body, bool cut, size_t ceiling)
{
    struct codings codings = codings_of(fields);
    *decoding = (struct body_decoding){.body = body, .cut = cut, .too_many = codings.too_many};
    buf_init(&decoding->text, ceiling);
    decoding->decoder = decoder_new(&codings, body, &decoding->text);
}

bool body_decoding_has_begun(const struct body_decoding *decoding)
{
    return decoding->decoder != NULL;
}

enum decoding body_decoding_run(struct body_decoding *decoding, size_t most, struct span *text)
{
    *text = decoding->body;
    if (decoding->too_many)
        return DECODING_TOO_MANY;
    enum decoded decoded = decoder_run(decoding->decoder, most);
    /* What says gzip and is not may be read as it stands by a backend that does not look. */
    if (decoding->text.len > 0 || decoded == DECODED_WHOLE)
        *text = buf_span(&decoding->text);
    switch (decoded) {
    case DECODED_MORE: return DECODING_MORE;
    case DECODED_CUT: return decoding->cut ? DECODING_WELL : DECODING_BROKEN;
    case DECODED_BROKEN: return DECODING_BROKEN;
    case DECODED_OVER: return DECODING_OVER;
    case DECODED_WHOLE:
    case DECODED_NOT: break;
    }
    return DECODING_WELL;
}

size_t body_decoding_held_bytes(const struct body_decoding *decoding)
{
    size_t between = decoding->decoder == NULL ? 0 : decoder_held_bytes(decoding->decoder);
    return decoding->text.size + between;
}

void body_decoding_fini(struct body_decoding *decoding)
{
    decoder_free(decoding->decoder);
    buf_fini(&decoding->text);
    *decoding = (struct body_decoding){0};
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
