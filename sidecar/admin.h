/* SPDX-License-Identifier: Apache-2.0 */
/* The status port (/livez /readyz /startupz /metrics and nothing else) and the admin port (the
 * same, and /api/v1/...). On the main thread, over the same HTTP/1 codec as everything else. */
#ifndef SIDEGATE_SIDECAR_ADMIN_H
#define SIDEGATE_SIDECAR_ADMIN_H

#include <stdbool.h>
#include <stddef.h>

#include "sidecar/config/settings.h"

struct admin;
struct process;

struct admin *admin_new(struct process *process);
void admin_free(struct admin *admin); /* NULL allowed */
/* Listens where the settings say; a port that stays the same stays open. False: `why`. */
bool admin_open(struct admin *admin, const struct settings *settings, char *why, size_t size);
/* Those who asked for a reload are told how it went. */
void admin_reload_ended(struct admin *admin);

#endif
