/* SPDX-License-Identifier: Apache-2.0 */
/* @ipMatch and @ipMatchFromFile. */
#include "rules/match/operator_rows.h"

#include "rules/match/addresses.h"

enum { FILE_MOST = 64 << 20 };

bool operator_compile_ip_match(struct operator* op, struct operator_build *build)
{
    struct span rest = op->argument.text;
    struct addresses *addresses = addresses_new();

    while (rest.at != NULL) {
        struct span item = span_trim(span_cut(&rest, ','), " \t");

        if (!addresses_add(addresses, item)) {
            addresses_free(addresses);
            return operator_fault(build, (size_t)(item.at - op->argument.text.at),
                                  "no address and no network: " SPAN_FORMAT, span_arg(item));
        }
    }
    addresses_seal(addresses);
    op->addresses = addresses;
    return true;
}

/* One a line; # begins a comment, also behind an address. False: *wrong is neither. */
static bool add_lines(struct addresses *addresses, struct span text, size_t *line_number,
                      struct span *wrong)
{
    for (*line_number = 1; text.at != NULL; ++*line_number) {
        struct span line = span_cut(&text, '\n');

        *wrong = span_trim(span_cut(&line, '#'), " \t\r");
        if (wrong->len > 0 && !addresses_add(addresses, *wrong))
            return false;
    }
    return true;
}

bool operator_compile_ip_match_from_file(struct operator* op, struct operator_build *build)
{
    struct span name = span_trim(op->argument.text, " \t");
    struct addresses *addresses = addresses_new();
    struct span wrong;
    size_t line;
    struct buf file;
    bool made;

    buf_init(&file, FILE_MOST);
    made = operator_read_file(build, name, &file);
    if (made && !add_lines(addresses, buf_span(&file), &line, &wrong))
        made = operator_fault(build, 0,
                              SPAN_FORMAT ", line %zu: no address and no network: " SPAN_FORMAT,
                              span_arg(name), line, span_arg(span_first(wrong, 80)));
    buf_fini(&file);
    addresses_seal(addresses);
    if (!made) {
        addresses_free(addresses);
        return false;
    }
    op->addresses = addresses;
    return true;
}

void operator_release_addresses(struct operator* op)
{
    addresses_free(op->addresses);
}

enum operator_answer operator_run_ip_match(const struct operator* op, struct operator_run *run)
{
    return operator_answer_of(addresses_has(op->addresses, span_trim(run->value, " \t")));
}
