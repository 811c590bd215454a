/* SPDX-License-Identifier: Apache-2.0 */
/* `sidegate changes verify`: is the log of changes what was written? */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "rules/base/encode.h"
#include "rules/base/must.h"
#include "rules/base/number.h"
#include "sidecar/arguments.h"
#include "sidecar/change_chain.h"
#include "sidecar/command.h"

enum { FILES_MOST = 10000 };

struct order {
    struct arguments arguments;
    const char *last;
    uint64_t from;
    char *names[FILES_MOST];
    FILE *files[FILES_MOST];
    size_t count;
};

static int say(const struct order *order, const struct chain_verdict *verdict)
{
    if (!verdict->is_well) {
        printf("%s:%zu: %s\n", order->names[verdict->file], verdict->line, verdict->why);
        return 1;
    }
    printf("%llu records, each of them what was written\n", (unsigned long long)verdict->records);
    if (verdict->torn_line > 0)
        printf("%s:%zu: cut off in the middle of a write%s\n", order->names[verdict->torn_file],
               verdict->torn_line,
               verdict->ends_torn ? "; the next record will say so" : ", which the next one says");
    if (verdict->records > 0)
        printf("last: %.*s\n", CHAIN_HASH, verdict->last);
    if (order->last == NULL || verdict->knows_last)
        return 0;
    printf("%s: no record has the hash %s: records were cut off, or the chain is another one\n",
           order->names[order->count - 1], order->last);
    return 1;
}

static bool add_file(struct order *order, const char *name)
{
    if (order->count == FILES_MOST)
        return false;
    order->names[order->count++] = must_strdup(name);
    return true;
}

/* One file stands for those, too, that it was renamed to: the oldest first. */
static void add_rotated(struct order *order)
{
    char *newest = order->names[0], name[PATH_MAX];
    unsigned last = 0;
    order->count = 0;
    while (snprintf(name, sizeof name, "%s.%u", newest, last + 1) < PATH_MAX &&
           access(name, F_OK) == 0 && last + 2 < FILES_MOST)
        last++;
    for (; last > 0; last--) {
        snprintf(name, sizeof name, "%s.%u", newest, last);
        add_file(order, name);
    }
    order->names[order->count++] = newest;
}

static bool open_all(struct order *order)
{
    for (size_t i = 0; i < order->count; i++) {
        order->files[i] = fopen(order->names[i], "re");
        if (order->files[i] != NULL)
            continue;
        fprintf(stderr, "sidegate changes verify: %s: %s\n", order->names[i],
                strerrordesc_np(errno));
        return false;
    }
    return true;
}

static int verify(struct order *order)
{
    uint8_t digest[CHAIN_HASH / 2];
    if (order->count == 0)
        arguments_refuse(&order->arguments, "which file?");
    else if (order->last != NULL && !hex_read(span_text(order->last), digest, sizeof digest))
        arguments_refuse(&order->arguments, "--last: expected 64 hexadecimal digits");
    if (order->arguments.code >= 0)
        return order->arguments.code;
    if (order->count == 1)
        add_rotated(order);
    if (!open_all(order))
        return 1;
    struct chain_verdict verdict =
        chain_verify(order->files, order->count, order->from, order->last);
    return say(order, &verdict);
}

static void order_free(struct order *order)
{
    for (size_t i = 0; i < order->count; i++) {
        if (order->files[i] != NULL)
            fclose(order->files[i]);
        free(order->names[i]);
    }
    free(order);
}

static const struct argument_row rows[] = {
    {'l', "--last", "HASH", "the hash of a record that has to be there, as it was noted elsewhere"},
    {'n', "--from", "NUMBER", "the sequence of the first record, where older files are gone"},
    {'f', "", "FILE",
     "the log of changes, with the files that it was rotated into; or several, oldest first"},
};
static const struct argument_table verify_table = {
    "changes verify [--last HASH] [--from NUMBER] FILE...",
    "Says whether every record of the log of changes is what was written, and the first line that "
    "is not.",
    rows, sizeof rows / sizeof *rows};
static const struct argument_table changes_table = {
    "changes (verify FILE...)", "The log of changes that people made.", NULL, 0};

static void take_row(struct order *order, const struct argument_row *row)
{
    const char *value = order->arguments.value;
    if (row->mark == 'l')
        order->last = value;
    else if (row->mark == 'n' &&
             (!number_parse(span_text(value), &order->from) || order->from == 0))
        arguments_refuse(&order->arguments, "--from: expected a number from 1");
    else if (row->mark == 'f' && !add_file(order, value))
        arguments_refuse(&order->arguments, "too many files");
}

static int run_verify(int argc, char **argv)
{
    struct order *order = must_alloc(sizeof *order);
    const struct argument_row *row;
    order->from = 1;
    arguments_begin(&order->arguments, &verify_table, argc, argv);
    while ((row = arguments_next(&order->arguments)) != NULL)
        take_row(order, row);
    int code = order->arguments.code < 0 ? verify(order) : order->arguments.code;
    order_free(order);
    return code;
}

int command_changes(int argc, char **argv)
{
    static const struct argument_word each[] = {
        {"verify", run_verify},
    };
    return arguments_run_word(&changes_table, each, sizeof each / sizeof *each, argc, argv);
}
