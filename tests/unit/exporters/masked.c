/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/exporters/masked.h"

#include <string.h>

#include "exporters/mask.h"
#include "tests/check.h"

void masked_is(const char *text, const char *wanted)
{
    struct buf to;
    buf_init(&to, 1 << 16);
    text_mask_secrets(&to, span_text(text));
    check_span(buf_span(&to), wanted);
    if (strcmp(text, wanted) != 0 && !text_may_have_secrets(span_text(text)))
        fail_msg("it was not looked at: %s", text);
    buf_fini(&to);
}

void masked_each(const char *const (*rows)[2], size_t count)
{
    for (size_t i = 0; i < count; i++)
        masked_is(rows[i][0], rows[i][1]);
}

void masked_none(const char *const *texts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        masked_is(texts[i], texts[i]);
        if (text_may_have_secrets(span_text(texts[i])))
            fail_msg("it is said to have a secret: %s", texts[i]);
    }
}
