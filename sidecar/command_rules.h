/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files of `sidegate rules`. */
#ifndef SIDEGATE_SIDECAR_COMMAND_RULES_H
#define SIDEGATE_SIDECAR_COMMAND_RULES_H

#include "rules/base/buf.h"
#include "sidecar/config/snapshot.h"

/* Reads and compiles; says what is wrong on stderr. NULL: refused. Give it back with
 * snapshot_give(). */
struct snapshot *rules_snapshot(const struct settings_source *source);
void rules_print_out(struct buf *text); /* and frees it */

int rules_list(int argc, char **argv);
int rules_show(int argc, char **argv);
int rules_test(int argc, char **argv);

#endif
