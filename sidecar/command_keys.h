/* SPDX-License-Identifier: Apache-2.0 */
/* The words of `sidegate keys`; argv[0] is the word. */
#ifndef SIDEGATE_SIDECAR_COMMAND_KEYS_H
#define SIDEGATE_SIDECAR_COMMAND_KEYS_H

/* command_keys_usage.c: of a running one, or from its folder. */
int keys_usage(int argc, char **argv);

#endif
