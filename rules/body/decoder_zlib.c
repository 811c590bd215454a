/* SPDX-License-Identifier: Apache-2.0 */
/* gzip and deflate, by zlib. */
#include <limits.h>
#include <stdlib.h>

#define ZLIB_CONST
#include <zlib.h>

#include "rules/base/must.h"
#include "rules/body/decoder_rows.h"

enum {
    GZIP_WINDOW = 15 + 16, /* zlib's way to say: with gzip's head and foot */
    ZLIB_WINDOW = 15,
    BARE_WINDOW = -15,
};

struct state {
    z_stream z;
    bool may_be_bare; /* deflate without zlib's head, which nothing but the attempt tells */
    bool ended;       /* a member of gzip; another follows if there is more */
};

static void *begin(int window)
{
    struct state *state = must_alloc(sizeof(*state));
    if (inflateInit2(&state->z, window) == Z_OK)
        return state;
    free(state);
    return NULL;
}

static void end(struct state *state)
{
    inflateEnd(&state->z);
    free(state);
}

static enum decoder_word run(z_stream *z, struct decoder_step *step)
{
    size_t most = step->input.len < UINT_MAX ? step->input.len : UINT_MAX;
    z->next_in = (const unsigned char *)step->input.at;
    z->avail_in = (unsigned)most;
    z->next_out = (unsigned char *)step->room;
    z->avail_out = (unsigned)step->room_bytes;
    int answer = inflate(z, Z_NO_FLUSH);
    decoder_step_read(step, most - z->avail_in);
    step->room += step->room_bytes - z->avail_out;
    step->room_bytes = z->avail_out;
    if (answer == Z_STREAM_END)
        return DECODER_END;
    if (answer != Z_OK && answer != Z_BUF_ERROR)
        return DECODER_BROKEN;
    return step->input.len == 0 && step->room_bytes > 0 ? DECODER_HUNGRY : DECODER_ON;
}

void *decoder_gzip_begin(void)
{
    return begin(GZIP_WINDOW);
}

enum decoder_word decoder_gzip_step(void *state, struct decoder_step *step)
{
    struct state *gzip = state;
    if (gzip->ended && inflateReset(&gzip->z) != Z_OK)
        return DECODER_BROKEN;
    enum decoder_word word = run(&gzip->z, step);
    gzip->ended = word == DECODER_END;
    return word;
}

void decoder_gzip_end(void *state)
{
    end(state);
}

void *decoder_deflate_begin(void)
{
    struct state *state = begin(ZLIB_WINDOW);
    if (state != NULL)
        state->may_be_bare = true;
    return state;
}

/* A bare stream may begin like zlib's head by chance, and is told by being readable to its end. */
enum decoder_word decoder_deflate_step(void *state, struct decoder_step *step)
{
    struct state *deflate = state;
    enum decoder_word word = run(&deflate->z, step);
    if (word != DECODER_BROKEN || !deflate->may_be_bare || deflate->z.total_out > 0)
        return word;
    deflate->may_be_bare = false;
    if (inflateReset2(&deflate->z, BARE_WINDOW) != Z_OK)
        return DECODER_BROKEN;
    step->input = step->whole;
    return run(&deflate->z, step);
}

void decoder_deflate_end(void *state)
{
    end(state);
}
