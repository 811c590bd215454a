/* SPDX-License-Identifier: Apache-2.0 */
/* `sidegate changes verify`: is the log of changes what was written? */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "rules/base/encode.h"
#include "sidecar/arguments.h"
#include "sidecar/change_chain.h"
#include "sidecar/command.h"

struct order {
    struct arguments arguments;
    const char *file, *last;
};

static int say(const struct order *order, const struct chain_verdict *verdict)
{
    if (!verdict->is_well) {
        printf("%s:%zu: %s\n", order->file, verdict->line, verdict->why);
        return 1;
    }
    printf("%llu records, each of them what was written\n", (unsigned long long)verdict->records);
    if (verdict->torn_line > 0)
        printf("%s:%zu: cut off in the middle of a write%s\n", order->file, verdict->torn_line,
               verdict->ends_torn ? "; the next record will say so" : ", which the next one says");
    if (verdict->records > 0)
        printf("last: %.*s\n", CHAIN_HASH, verdict->last);
    if (order->last == NULL || verdict->knows_last)
        return 0;
    printf("%s: no record has the hash %s: records were cut off, or the chain is another one\n",
           order->file, order->last);
    return 1;
}

static int verify(struct order *order)
{
    uint8_t digest[CHAIN_HASH / 2];
    if (order->file == NULL)
        arguments_refuse(&order->arguments, "which file?");
    else if (order->last != NULL && !hex_read(span_text(order->last), digest, sizeof digest))
        arguments_refuse(&order->arguments, "--last: expected 64 hexadecimal digits");
    if (order->arguments.code >= 0)
        return order->arguments.code;
    FILE *file = fopen(order->file, "re");
    if (file == NULL) {
        fprintf(stderr, "sidegate changes verify: %s: %s\n", order->file, strerrordesc_np(errno));
        return 1;
    }
    struct chain_verdict verdict = chain_verify(file, order->last);
    fclose(file);
    return say(order, &verdict);
}

static const struct argument_row rows[] = {
    {'l', "--last", "HASH", "the hash of a record that has to be there, as it was noted elsewhere"},
    {'f', "", "FILE", "the log of changes"},
};
static const struct argument_table verify_table = {
    "changes verify [--last HASH] FILE",
    "Says whether every record of the log of changes is what was written, and the first line that "
    "is not.",
    rows, sizeof rows / sizeof *rows};
static const struct argument_table changes_table = {
    "changes (verify FILE)", "The log of changes that people made.", NULL, 0};

static int run_verify(int argc, char **argv)
{
    struct order order = {.file = NULL};
    const struct argument_row *row;
    arguments_begin(&order.arguments, &verify_table, argc, argv);
    while ((row = arguments_next(&order.arguments)) != NULL) {
        if (row->mark == 'l')
            order.last = order.arguments.value;
        else if (order.file == NULL)
            order.file = order.arguments.value;
        else
            arguments_refuse(&order.arguments, "one file at a time");
    }
    return order.arguments.code < 0 ? verify(&order) : order.arguments.code;
}

int command_changes(int argc, char **argv)
{
    static const struct argument_word each[] = {
        {"verify", run_verify},
    };
    return arguments_run_word(&changes_table, each, sizeof each / sizeof *each, argc, argv);
}
