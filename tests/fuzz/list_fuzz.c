/* SPDX-License-Identifier: Apache-2.0 */
/* A list of addresses from any bytes, as files have it: each address that stands alone in a line is
 * in the set, however much else is, and a fault has a line that the text has. */
#include <stdint.h>

#include "rules/base/must.h"
#include "rules/base/networks.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must_hold(const struct networks *networks, struct span text, size_t lines)
{
    for (size_t i = 1; i < lines && text.at != NULL; i++) {
        struct ip ip;
        struct span line = span_trim(span_cut(&text, '\n'), " \t\r");
        must(!ip_parse(line, &ip) || networks_have(networks, &ip));
        must(!ip_parse(line, &ip) || networks_have_text(networks, line));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span text = span_make((const char *)data, size), wrong;
    size_t line, lines = 2;
    struct networks *networks = networks_new();
    for (size_t i = 0; i < text.len; i++)
        lines += text.at[i] == '\n';
    bool well = networks_add_lines(networks, text, &line, &wrong);
    must(line >= 1 && line <= lines && (well || wrong.len > 0));
    networks_seal(networks);
    must_hold(networks, text, well ? lines : line);
    must(networks_count(networks) <= lines);
    networks_free(networks);
    return 0;
}
