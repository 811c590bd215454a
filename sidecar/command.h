/* SPDX-License-Identifier: Apache-2.0 */
/* The command line: one function a command. argv[0] is the command's own name; the result is the
 * program's exit code. */
#ifndef SIDEGATE_SIDECAR_COMMAND_H
#define SIDEGATE_SIDECAR_COMMAND_H

/* 0 is well, 1 failed or the answer is no. */
enum {
    EXIT_USAGE = 2,       /* the command line is wrong */
    EXIT_REFUSED = 3,     /* the configuration is refused */
    EXIT_UNREACHABLE = 4, /* no admin API answers */
};

int command_run(int argc, char **argv);
int command_check(int argc, char **argv);
int command_config(int argc, char **argv);
int command_explain(int argc, char **argv);
int command_rules(int argc, char **argv);
int command_alarms(int argc, char **argv);
int command_metrics(int argc, char **argv);
int command_samples(int argc, char **argv);
int command_changes(int argc, char **argv);
int command_keys(int argc, char **argv);
int command_reload(int argc, char **argv);
int command_drain(int argc, char **argv);
int command_status(int argc, char **argv);
int command_health(int argc, char **argv);
int command_ip_sets(int argc, char **argv);
int command_demo(int argc, char **argv);
int command_version(int argc, char **argv);

#endif
