/* SPDX-License-Identifier: Apache-2.0 */
/* What the machine allows: CPUs, memory, privileges. */
#ifndef SIDEGATE_SIDECAR_MACHINE_H
#define SIDEGATE_SIDECAR_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rules/base/span.h"

/* min(CPUs by cgroup quota and affinity, 4), at least 1. */
unsigned machine_threads(void);
/* The cgroup's memory.max (v2, then v1), else three quarters of the machine's memory. */
uint64_t machine_memory_bytes(void);
/* Drops to the user for good (groups too), sets no_new_privs, and keeps secrets out of core dumps;
 * the child still ends with its parent.
 * `user` NULL: stays who it is. False: `why`. */
bool machine_drop_privileges(const char *user, char *why, size_t size);
/* A folder of ours (of state, of a spool), and those above it where they are missing. Before
 * privileges are dropped a new one is made the user's, and so are the spool's files in it. False:
 * errno. */
bool machine_make_folder(const char *path, const char *user);
/* The environment as names and values, for rules that ask for ENV; what they point to stands as
 * long as the process. Free the list with free(). */
struct pair *machine_environment(size_t *count);
/* As many descriptors as the hard limit allows. */
void machine_raise_descriptors(void);

#endif
