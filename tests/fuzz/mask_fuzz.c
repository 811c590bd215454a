/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever stands around a secret behind a name that says so, no text shows it, and the faster look
 * misses none. Input: what stands before it, in which no other value of a secret begins; a NUL;
 * what stands behind it. */
#include "exporters/mask.h"
#include "rules/base/must.h"

enum { MOST = 1 << 20 };

#define SECRET "Zq7Xw9Vk3"

static const struct span forms[] = {
    SPAN_INIT("{\"password\":\"" SECRET "\"}"), SPAN_INIT("{\"api_key\":[{\"a\":\"" SECRET "\"}]}"),
    SPAN_INIT("\npassword=" SECRET "\n"), SPAN_INIT("&user[pin][0]=" SECRET "&"),
    SPAN_INIT(" token%3D" SECRET " ")};

static void check_hidden(struct span before, struct span form, struct span behind)
{
    struct buf text, masked;
    buf_init(&text, MOST);
    buf_init(&masked, MOST);
    buf_add(&text, before);
    buf_add(&text, form);
    buf_add(&text, behind);
    text_mask_secrets(&masked, buf_span(&text));
    must(buf_is_full(&masked) || span_find(buf_span(&masked), SPAN(SECRET)) == SPAN_NONE);
    must(text_may_have_secrets(buf_span(&text)));
    buf_fini(&text);
    buf_fini(&masked);
}

static bool begins_secret(struct span text)
{
    struct buf more;
    buf_init(&more, MOST);
    buf_add(&more, text);
    buf_add_byte(&more, 'x');
    bool begins = text_may_have_secrets(buf_span(&more));
    buf_fini(&more);
    return begins;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span behind = span_make((const char *)data, size), before = span_cut(&behind, '\0');
    if (behind.at == NULL)
        behind = SPAN("");
    if (begins_secret(before) || span_find(before, SPAN(SECRET)) != SPAN_NONE ||
        span_find(behind, SPAN(SECRET)) != SPAN_NONE)
        return 0;
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
        check_hidden(before, forms[i], behind);
    return 0;
}
