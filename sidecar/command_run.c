/* SPDX-License-Identifier: Apache-2.0 */
/* `sidegate run`: the command line to run_options. */
#include "rules/base/number.h"
#include "sidecar/arguments.h"
#include "sidecar/command.h"
#include "sidecar/run.h"

enum { THREADS_MOST = 16 };

static const struct argument_row rows[] = {
    ARGUMENT_FILE,
    ARGUMENT_SET,
    {'t', "--threads", "N", "worker threads, whatever the settings say"},
    {'n', "--no-supervise", NULL, "one process: no parent that starts it again"},
};
static const struct argument_table table = {
    "run -c FILE... [--set KEY=VALUE]... [--threads N] [--no-supervise]",
    "Serves in the foreground until TERM or INT; HUP reloads, USR1 opens the logs anew.", rows,
    sizeof rows / sizeof *rows};

static void take_threads(struct arguments *arguments, struct run_options *options)
{
    uint64_t threads;
    if (!number_parse(span_text(arguments->value), &threads) || threads == 0 ||
        threads > THREADS_MOST)
        arguments_refuse(arguments, "--threads: found '%s', expected a number from 1 to %d",
                         arguments->value, THREADS_MOST);
    else
        options->threads = (unsigned)threads;
}

int command_run(int argc, char **argv)
{
    struct arguments arguments;
    struct argument_sources sources;
    struct run_options options = {.threads = 0};
    const struct argument_row *row;
    arguments_begin(&arguments, &table, argc, argv);
    argument_sources_init(&sources, argc);
    while ((row = arguments_next(&arguments)) != NULL) {
        if (argument_sources_take(&sources, &arguments, row))
            continue;
        if (row->mark == 't')
            take_threads(&arguments, &options);
        else
            options.no_supervise = true;
    }
    if (argument_sources_finish(&sources, &arguments)) {
        options.source = sources.source;
        arguments.code = supervise_run(&options);
    }
    argument_sources_fini(&sources);
    return arguments.code;
}
