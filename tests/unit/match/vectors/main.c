/* SPDX-License-Identifier: Apache-2.0 */
/* Runs transformations and operators by order of a script, one line at a time:
 *
 *   T name hexinput              ->  = hexoutput
 *   O name hexargument hexvalue  ->  = 0|1|L hexcapture...     L: a limit
 *                                    ! why                     the argument was refused
 *
 * Empty text is written as "-". Files that operators name are read from the working directory. */
#include <stdio.h>
#include <stdlib.h>

#include "rules/base/encode.h"
#include "rules/match/operator.h"
#include "rules/match/transformation.h"

enum { ARENA = 64 << 20 };

static bool read_file(void *context, struct span name, struct buf *to, char *why, size_t why_size)
{
    char path[512];
    char bytes[4096];
    size_t count;
    FILE *file;

    (void)context;
    snprintf(path, sizeof(path), SPAN_FORMAT, span_arg(name));
    file = fopen(path, "re");
    if (file == NULL) {
        snprintf(why, why_size, "cannot read %s", path);
        return false;
    }
    while ((count = fread(bytes, 1, sizeof(bytes), file)) > 0)
        buf_add(to, span_make(bytes, count));
    fclose(file);
    return true;
}

/* The next word of the line, from hexadecimal digits. */
static struct span next_bytes(struct span *line, struct arena *arena)
{
    struct span word = span_cut(line, ' ');
    char *bytes;

    if (word.len % 2 != 0)
        return span_make("", 0);
    bytes = arena_text(arena, word.len / 2);
    if (bytes == NULL || !hex_read(word, (uint8_t *)bytes, word.len / 2))
        return span_make("", 0);
    return span_make(bytes, word.len / 2);
}

static void print_bytes(struct span bytes)
{
    fputc(' ', stdout);
    if (bytes.len == 0)
        fputc('-', stdout);
    for (size_t i = 0; i < bytes.len; i++)
        printf("%02x", (unsigned char)bytes.at[i]);
}

static void transform(struct span rest, struct arena *arena)
{
    struct span name = span_cut(&rest, ' ');
    struct span in = next_bytes(&rest, arena);
    const struct transformation *t = transformation_find(name);

    if (t == NULL) {
        printf("! no such transformation\n");
        return;
    }
    printf("=");
    print_bytes(t->apply(in, arena));
    printf("\n");
}

static void operate(struct span rest, struct arena *arena, struct scratch *scratch)
{
    struct operator_build build = {.arena = arena, .read_file = read_file};
    struct operator_run run = {.scratch = scratch, .arena = arena};
    struct span name = span_cut(&rest, ' ');
    struct operator* op;

    run.argument = next_bytes(&rest, arena);
    run.value = next_bytes(&rest, arena);
    op = operator_compile(name, false, run.argument, &build);
    if (op == NULL) {
        printf("! %s\n", build.why);
        return;
    }
    switch (operator_run(op, &run)) {
    case OPERATOR_NO: printf("= 0"); break;
    case OPERATOR_YES: printf("= 1"); break;
    case OPERATOR_LIMIT: printf("= L"); break;
    case OPERATOR_UNKNOWN: printf("= U"); break;
    case OPERATOR_PAUSED: printf("= P"); break;
    }
    for (unsigned i = 0; i < run.captures.count; i++)
        print_bytes(run.captures.at[i]);
    printf("\n");
    operator_free(op);
}

int main(void)
{
    struct arena *arena = arena_new(NULL, ARENA);
    struct scratch *scratch = scratch_new();
    char *line = NULL;
    size_t size = 0;
    ssize_t len;

    while ((len = getline(&line, &size, stdin)) > 0) {
        struct span rest = span_trim(span_make(line, (size_t)len), "\n");
        struct span order = span_cut(&rest, ' ');

        if (span_is(order, SPAN("T")))
            transform(rest, arena);
        else
            operate(rest, arena, scratch);
        arena_reset(arena);
    }
    free(line);
    scratch_free(scratch);
    arena_free(arena);
    return 0;
}
