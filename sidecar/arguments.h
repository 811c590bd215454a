/* SPDX-License-Identifier: Apache-2.0 */
/* The options of one command, by a table: reading them, and what --help says. */
#ifndef SIDEGATE_SIDECAR_ARGUMENTS_H
#define SIDEGATE_SIDECAR_ARGUMENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sidecar/config/settings.h"

struct argument_row {
    char mark;         /* what the command calls it */
    const char *name;  /* "-c", "--set"; "": any word that is no option, "-" included */
    const char *value; /* "FILE"; NULL: it takes none */
    const char *sentence;
};

/* What a command is called with. */
struct argument_table {
    const char *usage; /* "check -c FILE... [--strict]" */
    const char *sentence;
    const struct argument_row *rows;
    size_t count;
};

struct arguments {
    const struct argument_table *table;
    int argc;
    char **argv;
    int next;          /* index into argv */
    const char *value; /* of the latest option */
    int code;          /* the exit code once it ended early; -1: it did not */
};

void arguments_begin(struct arguments *arguments, const struct argument_table *table, int argc,
                     char **argv);
/* The next option; NULL at the end, or where --help was asked for or something is wrong (then it is
 * said, and `code` is set). */
const struct argument_row *arguments_next(struct arguments *arguments);
/* Says what is wrong with the command line, and sets `code`. */
void arguments_refuse(struct arguments *arguments, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* The latest option's value as a moment, in seconds since 1970, or as a duration of at least a
 * second. False: refused, and *to is as it was. */
bool arguments_moment(struct arguments *arguments, int64_t *to);
bool arguments_duration(struct arguments *arguments, uint64_t *to_us);
/* Commands of several words, as `sidegate keys add`: runs the one that argv[1] names, with that as
 * its argv[0]. Without one, or with one that there is not, it is said. The exit code. */
struct argument_word {
    const char *name;
    int (*run)(int argc, char **argv);
};
int arguments_run_word(const struct argument_table *table, const struct argument_word *words,
                       size_t count, int argc, char **argv);

/* -c FILE and --set KEY=VALUE, collected. */
struct argument_sources {
    const char **files, **sets;
    struct settings_source source;
};
void argument_sources_init(struct argument_sources *sources, int argc);
void argument_sources_fini(struct argument_sources *sources);
/* True: the option was one of the two. */
bool argument_sources_take(struct argument_sources *sources, const struct arguments *arguments,
                           const struct argument_row *row);
/* At the end: without any -c it is said, and false. */
bool argument_sources_finish(struct argument_sources *sources, struct arguments *arguments);

#define ARGUMENT_FILE                                                              \
    {                                                                              \
        'c', "-c", "FILE", "a configuration file; later ones go over earlier ones" \
    }
#define ARGUMENT_SET                                             \
    {                                                            \
        's', "--set", "KEY=VALUE", "one setting, over all files" \
    }

#endif
