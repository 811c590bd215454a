/* SPDX-License-Identifier: Apache-2.0 */
/* The table of commands. */
#include <stdio.h>
#include <string.h>

#include "sidecar/arguments.h"
#include "sidecar/command.h"

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *sentence;
} commands[] = {
    {"run", command_run, "serve in the foreground; the program's own log goes to stderr"},
    {"check", command_check, "read the configuration, compile the rules, open nothing"},
    {"config", command_config, "print the effective settings, or the table of all options"},
    {"explain", command_explain, "what the rules make of one request, step by step, offline"},
    {"rules", command_rules, "list the rules, show one, try go-ftw's tests on them"},
    {"keys", command_keys, "API keys: make, list, revoke, import, and what they used"},
    {"alarms", command_alarms, "the alarms of a running one; replay a series of a metric offline"},
    {"metrics", command_metrics, "the metrics of a running one in CloudWatch's way"},
    {"sampled-requests", command_samples,
     "requests that rules of a running one had to do with, a sample of the last three hours"},
    {"changes", command_changes, "is the log of changes that people made what was written?"},
    {"reload", command_reload, "have a running one read its configuration again"},
    {"drain", command_drain, "have a running one finish its work and stop"},
    {"status", command_status, "what a running one is doing"},
    {"health", command_health, "is a running one ready?"},
    {"ip-sets", command_ip_sets, "the lists of addresses of a running one, changed for a while"},
    {"demo", command_demo, "a small backend to try a sidecar with"},
    {"version", command_version, "what this program is made of"},
};
enum { COMMANDS = sizeof commands / sizeof *commands };

static void usage_print(FILE *to)
{
    fprintf(to, "usage: sidegate COMMAND [OPTION]...\n");
    for (size_t i = 0; i < COMMANDS; i++)
        fprintf(to, "  %-16s %s\n", commands[i].name, commands[i].sentence);
    fprintf(to, "`sidegate COMMAND --help` says more.\n"
                "exit: 0 well; 1 failed, or the answer is no; 2 wrong command line; "
                "3 configuration refused; 4 admin not reachable\n");
}

static int refuse_unknown(const char *word)
{
    const char *names[COMMANDS];
    char near[160];
    for (size_t i = 0; i < COMMANDS; i++)
        names[i] = commands[i].name;
    fprintf(stderr, "sidegate: unknown command '%s'%s\n", word,
            nearest_remark(span_text(word), names, COMMANDS, near, sizeof near));
    usage_print(stderr);
    return EXIT_USAGE;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        usage_print(stderr);
        return EXIT_USAGE;
    }
    const char *name = argv[1];
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0) {
        usage_print(stdout);
        return 0;
    }
    if (strcmp(name, "--version") == 0)
        return command_version(1, argv + 1);
    for (size_t i = 0; i < COMMANDS; i++)
        if (strcmp(name, commands[i].name) == 0)
            return commands[i].run(argc - 1, argv + 1);
    return refuse_unknown(name);
}
