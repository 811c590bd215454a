/* SPDX-License-Identifier: Apache-2.0 */
/* zstd, by libzstd. A frame that would make it remember more than 8 MiB is not begun. */
#include <zstd.h>
#include <zstd_errors.h>

#include "rules/body/decoder.h"
#include "rules/body/decoder_rows.h"

void *decoder_zstd_begin(void)
{
    ZSTD_DStream *stream = ZSTD_createDStream();
    if (stream != NULL &&
        !ZSTD_isError(ZSTD_DCtx_setParameter(stream, ZSTD_d_windowLogMax, DECODED_WINDOW_LOG)))
        return stream;
    ZSTD_freeDStream(stream);
    return NULL;
}

enum decoder_word decoder_zstd_step(void *state, struct decoder_step *step)
{
    ZSTD_inBuffer in = {step->input.at, step->input.len, 0};
    ZSTD_outBuffer out = {step->room, step->room_bytes, 0};
    size_t answer = ZSTD_decompressStream(state, &out, &in);
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
    ZSTD_freeDStream(state);
}
