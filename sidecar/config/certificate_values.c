/* SPDX-License-Identifier: Apache-2.0 */
/* authorizers.*.certificate: whose it has to be. */
#include "sidecar/config/conditions.h"

static enum value_result certificate_read(const struct value *value)
{
    const struct condition **condition = value_at(value);
    struct span *text = value_also(value);
    *condition = condition_read_certificate(value);
    *text = condition_text(value);
    return *condition != NULL ? VALUE_TAKEN : VALUE_SAID;
}

static bool certificate_print(const struct option *option, const void *base, size_t i,
                              struct buf *to)
{
    const struct span *text = (const void *)((const char *)base + option->also);
    (void)i;
    return text->at != NULL && buf_format(to, "{" SPAN_FORMAT "}", span_arg(*text));
}

const struct option_type type_certificate = {
    .name = "match of a certificate",
    .expected = "what has to hold of a certificate, like { san: \"DNS:till.shop.example\" }",
    .takes_any = true,
    .read = certificate_read,
    .print = certificate_print};
