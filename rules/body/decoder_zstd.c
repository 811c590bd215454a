/* SPDX-License-Identifier: Apache-2.0 */
/* zstd, by libzstd. A frame that would make it remember more than 8 MiB is not begun. */
#include <stdlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "rules/body/decoder.h"
#include "rules/body/decoder_rows.h"

enum { MAGIC_BYTES = 4 };

struct zstd {
    ZSTD_DStream *stream;
    size_t magic_seen; /* bytes of the frame's magic number that were read */
};

void *decoder_zstd_begin(void)
{
    struct zstd *zstd = malloc(sizeof(*zstd));
    if (zstd == NULL)
        return NULL;
    *zstd = (struct zstd){.stream = ZSTD_createDStream()};
    if (zstd->stream != NULL && !ZSTD_isError(ZSTD_DCtx_setParameter(
                                    zstd->stream, ZSTD_d_windowLogMax, DECODED_WINDOW_LOG)))
        return zstd;
    decoder_zstd_end(zstd);
    return NULL;
}

/* RFC 8878 3.1: a frame, or one that is skipped. libzstd also reads what zstd wrote before 1.0, by
 * decoders that know no window limit and hand out memory that they never wrote. */
static bool is_of_magic(size_t at, unsigned char byte)
{
    static const unsigned char frame[MAGIC_BYTES] = {0x28, 0xb5, 0x2f, 0xfd};
    static const unsigned char skipped[MAGIC_BYTES] = {0x50, 0x2a, 0x4d, 0x18};
    return byte == frame[at] || (at == 0 ? byte & 0xf0 : byte) == skipped[at];
}

/* The bytes of this step that belong to the magic number; false: there is another one. */
static bool check_magic(const struct zstd *zstd, struct span input)
{
    for (size_t i = 0; i < input.len && zstd->magic_seen + i < MAGIC_BYTES; i++)
        if (!is_of_magic(zstd->magic_seen + i, (unsigned char)input.at[i]))
            return false;
    return true;
}

static void count_magic(struct zstd *zstd, size_t read, bool frame_ends)
{
    size_t missing = MAGIC_BYTES - zstd->magic_seen;
    zstd->magic_seen += read < missing ? read : missing;
    if (frame_ends)
        zstd->magic_seen = 0;
}

enum decoder_word decoder_zstd_step(void *state, struct decoder_step *step)
{
    struct zstd *zstd = state;
    if (!check_magic(zstd, step->input))
        return DECODER_BROKEN;
    ZSTD_inBuffer in = {step->input.at, step->input.len, 0};
    ZSTD_outBuffer out = {step->room, step->room_bytes, 0};
    size_t answer = ZSTD_decompressStream(zstd->stream, &out, &in);
    count_magic(zstd, in.pos, answer == 0);
    decoder_step_read(step, in.pos);
    step->room += out.pos;
    step->room_bytes -= out.pos;
    if (ZSTD_isError(answer))
        return ZSTD_getErrorCode(answer) == ZSTD_error_frameParameter_windowTooLarge
                   ? DECODER_WINDOW
                   : DECODER_BROKEN;
    if (answer == 0)
        return DECODER_END;
    return step->input.len == 0 && step->room_bytes > 0 ? DECODER_HUNGRY : DECODER_ON;
}

void decoder_zstd_end(void *state)
{
    struct zstd *zstd = state;
    ZSTD_freeDStream(zstd->stream);
    free(zstd);
}
