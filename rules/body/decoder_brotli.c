/* SPDX-License-Identifier: Apache-2.0 */
/* br, by libbrotlidec. The format's own window (16 MiB) is its limit: large windows stay off. */
#include <brotli/decode.h>

#include "rules/body/decoder_rows.h"

void *decoder_brotli_begin(void)
{
    return BrotliDecoderCreateInstance(NULL, NULL, NULL);
}

enum decoder_word decoder_brotli_step(void *state, struct decoder_step *step)
{
    size_t left = step->input.len;
    const uint8_t *in = (const uint8_t *)step->input.at;
    uint8_t *out = (uint8_t *)step->room;
    BrotliDecoderResult result =
        BrotliDecoderDecompressStream(state, &left, &in, &step->room_bytes, &out, NULL);
    decoder_step_read(step, step->input.len - left);
    step->room = (char *)out;
    switch (result) {
    case BROTLI_DECODER_RESULT_SUCCESS: return DECODER_END;
    case BROTLI_DECODER_RESULT_NEEDS_MORE_INPUT:
        return BrotliDecoderHasMoreOutput(state) ? DECODER_ON : DECODER_HUNGRY;
    case BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT: return DECODER_ON;
    case BROTLI_DECODER_RESULT_ERROR: break;
    }
    return DECODER_BROKEN;
}

void decoder_brotli_end(void *state)
{
    BrotliDecoderDestroyInstance(state);
}
