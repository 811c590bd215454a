/* SPDX-License-Identifier: Apache-2.0 */
/* The walk over the codings, and the limits that hold for all of them. */
#include "rules/body/decoder.h"

#include <stdlib.h>

#include "rules/base/must.h"
#include "rules/body/decoder_rows.h"

struct row {
    void *(*begin)(void);
    enum decoder_word (*step)(void *state, struct decoder_step *step);
    void (*end)(void *state);
    bool repeats;
};

static const struct row rows[] = {
#define CODING(id, functions, repeats)                                        \
    [CODING_##id] = {decoder_##functions##_begin, decoder_##functions##_step, \
                     decoder_##functions##_end, repeats},
#include "rules/body/codings.tbl"
};

/* ---- names ---- */

enum coding coding_of(struct span name)
{
    static const struct {
        struct span name;
        enum coding coding;
    } names[] = {
#define CODING_NAME(name, id) {SPAN_INIT(name), CODING_##id},
#include "rules/body/codings.tbl"
        {SPAN_INIT("identity"), CODING_IDENTITY},
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (span_is_nocase(name, names[i].name))
            return names[i].coding;
    return CODING_OTHER;
}

void codings_add(struct codings *codings, struct span value)
{
    while (value.len > 0) {
        struct span name = span_trim_ows(span_cut(&value, ','));
        if (name.len == 0 || coding_of(name) == CODING_IDENTITY)
            continue;
        if (codings->count == CODINGS_MOST) {
            codings->too_many = true;
            return;
        }
        codings->at[codings->count++] = coding_of(name);
    }
}

/* ---- life ---- */

struct decoder {
    struct codings codings;
    unsigned left; /* codings to be undone, the one at work included */
    void *state;   /* of the one at work; NULL: it has not begun */
    struct span whole, input;
    struct buf between; /* what the outer one wrote and the inner one reads */
    struct buf *to;
    enum decoded outer; /* how the outer one ended */
};

static bool are_undone(const struct codings *codings)
{
    for (unsigned i = 0; i < codings->count; i++)
        if (codings->at[i] == CODING_OTHER)
            return false;
    return codings->count > 0 && !codings->too_many;
}

struct decoder *decoder_new(const struct codings *codings, struct span from, struct buf *to)
{
    struct decoder *decoder = must_alloc(sizeof(*decoder));
    *decoder = (struct decoder){.codings = *codings, .whole = from, .input = from, .to = to};
    decoder->left = are_undone(codings) ? codings->count : 0;
    buf_init(&decoder->between, to->ceiling);
    return decoder;
}

static const struct row *row_of(const struct decoder *decoder)
{
    return &rows[decoder->codings.at[decoder->left - 1]];
}

static void end_stream(struct decoder *decoder)
{
    if (decoder->state != NULL)
        row_of(decoder)->end(decoder->state);
    decoder->state = NULL;
}

void decoder_free(struct decoder *decoder)
{
    if (decoder == NULL)
        return;
    end_stream(decoder);
    buf_fini(&decoder->between);
    free(decoder);
}

size_t decoder_held_bytes(const struct decoder *decoder)
{
    return decoder->between.size;
}

/* ---- one coding ---- */

/* `input`: of all streams up to here. */
static bool is_a_bomb(size_t input, size_t output)
{
    return output > DECODED_RATIO_FROM && output / DECODED_RATIO > input;
}

/* What a step's word means once what it wrote has been counted. `over`: a byte beyond the ceiling.
 */
static enum decoded judge(struct decoder *decoder, enum decoder_word word, bool over)
{
    if (over)
        return DECODED_OVER;
    switch (word) {
    case DECODER_ON: return DECODED_MORE;
    case DECODER_HUNGRY: return DECODED_CUT;
    case DECODER_BROKEN: return DECODED_BROKEN;
    case DECODER_WINDOW: return DECODED_OVER;
    case DECODER_END: break;
    }
    if (decoder->input.len == 0)
        return DECODED_WHOLE;
    return row_of(decoder)->repeats ? DECODED_MORE : DECODED_BROKEN;
}

/* Lets the coding read a part of the input. */
static enum decoder_word take_step(struct decoder *decoder, struct decoder_step *step)
{
    const struct row *row = row_of(decoder);
    step->whole = decoder->whole;
    step->input = span_first(decoder->input, DECODED_ROUND_BYTES);
    enum decoder_word word = row->step(decoder->state, step);
    size_t read = (size_t)(step->input.at - decoder->whole.at);
    decoder->input = span_make(step->input.at, decoder->whole.len - read);
    return word == DECODER_HUNGRY && decoder->input.len > 0 ? DECODER_ON : word;
}

/* Reads and writes a round of bytes; at the ceiling it is asked for one more, to know whether there
 * is. */
static enum decoded run_round(struct decoder *decoder, struct buf *to)
{
    char beyond;
    size_t room = to->ceiling - to->len;
    bool at_the_ceiling = room == 0;
    if (room > DECODED_ROUND_BYTES)
        room = DECODED_ROUND_BYTES;
    struct decoder_step step = {
        .room = at_the_ceiling ? &beyond : buf_room(to, room),
        .room_bytes = at_the_ceiling ? 1 : room,
    };
    if (decoder->state == NULL)
        decoder->state = row_of(decoder)->begin();
    if (step.room == NULL || decoder->state == NULL)
        return DECODED_OVER;
    enum decoder_word word = take_step(decoder, &step);
    if (at_the_ceiling)
        return judge(decoder, word, step.room_bytes == 0);
    buf_grew(to, room - step.room_bytes);
    bool bomb = is_a_bomb(decoder->whole.len - decoder->input.len, to->len);
    return judge(decoder, word, bomb);
}

/* ---- all of them ---- */

/* The outer one is through: the inner one reads what it wrote, even if that is not all. */
static void go_inside(struct decoder *decoder, enum decoded outer)
{
    end_stream(decoder);
    decoder->outer = outer;
    decoder->left--;
    decoder->whole = decoder->input = buf_span(&decoder->between);
}

enum decoded decoder_run(struct decoder *decoder, size_t most)
{
    size_t moved = 0;
    if (decoder->left == 0)
        return DECODED_NOT;
    while (most == 0 || moved < most) {
        struct buf *to = decoder->left > 1 ? &decoder->between : decoder->to;
        size_t before = to->len + decoder->whole.len - decoder->input.len;
        enum decoded decoded = run_round(decoder, to);
        moved += to->len + decoder->whole.len - decoder->input.len - before;
        if (decoded == DECODED_MORE)
            continue;
        if (decoder->left > 1) {
            go_inside(decoder, decoded);
            continue;
        }
        /* The first trouble is the one to tell. */
        bool outer_first = decoder->codings.count > 1 && decoder->outer != DECODED_WHOLE;
        return outer_first ? decoder->outer : decoded;
    }
    return DECODED_MORE;
}
