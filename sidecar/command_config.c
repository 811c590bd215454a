/* SPDX-License-Identifier: Apache-2.0 */
/* `sidegate config print` and `sidegate config options`. */
#include <stdio.h>
#include <string.h>

#include "sidecar/arguments.h"
#include "sidecar/command.h"
#include "sidecar/config/web_acl_files.h"
#include "sidecar/web_acl_costs.h"

enum { OUTPUT_BYTES = 16 << 20 };

static const struct argument_row print_rows[] = {ARGUMENT_FILE, ARGUMENT_SET};
static const struct argument_table print_table = {
    "config print -c FILE... [--set KEY=VALUE]...",
    "Prints the effective settings as YAML, secrets masked.", print_rows,
    sizeof print_rows / sizeof *print_rows};
static const struct argument_table options_table = {
    "config options", "Prints every option: type, default, live or at a restart, and what it does.",
    NULL, 0};
static const struct argument_table config_table = {
    "config print|options", "Prints the effective settings, or the table of all options.", NULL, 0};

static void print_and_free(struct buf *text, FILE *to)
{
    if (text->len > 0)
        fwrite(text->at, 1, text->len, to);
    buf_fini(text);
}

/* As comments behind the settings: what is no setting of its own. */
static void print_costs(const struct settings *settings, struct buf *to)
{
    struct faults *faults = faults_new();
    struct web_acl_files *files = web_acl_files_new(settings, NULL, faults);
    if (files != NULL)
        web_acl_costs_text(settings, web_acl_files_all(files), "# ", to);
    else
        buf_add(to, SPAN("# web ACL: refused; `sidegate check` says why\n"));
    web_acl_files_free(files);
    faults_free(faults);
}

static int print_settings(const struct settings_source *source)
{
    struct buf text;
    struct faults *faults = faults_new();
    struct settings *settings = settings_read(source, faults);
    buf_init(&text, OUTPUT_BYTES);
    faults_print(faults, &text);
    print_and_free(&text, stderr);
    if (settings != NULL) {
        buf_init(&text, OUTPUT_BYTES);
        settings_print(settings, &text);
        print_costs(settings, &text);
        print_and_free(&text, stdout);
    }
    int code = settings != NULL ? 0 : EXIT_REFUSED;
    settings_free(settings);
    faults_free(faults);
    return code;
}

static int config_print(int argc, char **argv)
{
    struct arguments arguments;
    struct argument_sources sources;
    const struct argument_row *row;
    arguments_begin(&arguments, &print_table, argc, argv);
    argument_sources_init(&sources, argc);
    while ((row = arguments_next(&arguments)) != NULL)
        argument_sources_take(&sources, &arguments, row);
    int code = argument_sources_finish(&sources, &arguments) ? print_settings(&sources.source)
                                                             : arguments.code;
    argument_sources_fini(&sources);
    return code;
}

static int config_options(int argc, char **argv)
{
    struct arguments arguments;
    struct buf text;
    arguments_begin(&arguments, &options_table, argc, argv);
    arguments_next(&arguments);
    if (arguments.code >= 0)
        return arguments.code;
    buf_init(&text, OUTPUT_BYTES);
    settings_options(&text);
    print_and_free(&text, stdout);
    return 0;
}

int command_config(int argc, char **argv)
{
    static const struct argument_word each[] = {
        {"print", config_print},
        {"options", config_options},
    };
    return arguments_run_word(&config_table, each, sizeof each / sizeof *each, argc, argv);
}
