/* SPDX-License-Identifier: Apache-2.0 */
/* @ipMatch and @ipMatchFromFile. */
#include "rules/match/operator_rows.h"

#include "rules/base/networks.h"

enum { FILE_MOST = 64 << 20 };

bool operator_compile_ip_match(struct operator* op, struct operator_build *build)
{
    struct span rest = op->argument.text;
    struct networks *networks = networks_new();

    while (rest.at != NULL) {
        struct span item = span_trim(span_cut(&rest, ','), " \t");

        if (!networks_add(networks, item)) {
            networks_free(networks);
            return operator_fault(build, (size_t)(item.at - op->argument.text.at),
                                  "no address and no network: " SPAN_FORMAT, span_arg(item));
        }
    }
    networks_seal(networks);
    op->networks = networks;
    return true;
}

bool operator_compile_ip_match_from_file(struct operator* op, struct operator_build *build)
{
    struct span name = span_trim(op->argument.text, " \t");
    struct networks *networks = networks_new();
    struct span wrong;
    size_t line;
    struct buf file;
    bool made;

    buf_init(&file, FILE_MOST);
    made = operator_read_file(build, name, &file);
    if (made && !networks_add_lines(networks, buf_span(&file), &line, &wrong))
        made = operator_fault(build, 0,
                              SPAN_FORMAT ", line %zu: no address and no network: " SPAN_FORMAT,
                              span_arg(name), line, span_arg(span_first(wrong, 80)));
    buf_fini(&file);
    networks_seal(networks);
    if (!made) {
        networks_free(networks);
        return false;
    }
    op->networks = networks;
    return true;
}

void operator_release_addresses(struct operator* op)
{
    networks_free(op->networks);
}

enum operator_answer operator_run_ip_match(const struct operator* op, struct operator_run *run)
{
    return operator_answer_of(networks_have_text(op->networks, span_trim(run->value, " \t")));
}
