/* SPDX-License-Identifier: Apache-2.0 */
/* A desk to try rule files on: named texts instead of a disk, and what came of reading them. */
#ifndef SIDEGATE_TESTS_UNIT_LANGUAGE_DESK_H
#define SIDEGATE_TESTS_UNIT_LANGUAGE_DESK_H

#include "rules/language/ruleset.h"
#include "tests/check.h"

struct desk {
    const char *names[8], *texts[8]; /* the files; read with their full names only */
    size_t files;
    struct faults *faults;
    struct ruleset *ruleset; /* NULL: there were errors */
    struct buf said;         /* the faults, printed */
};

void desk_file(struct desk *desk, const char *name, const char *text);
/* Reads `text` as "a.conf" and finishes. */
void desk_read(struct desk *desk, const char *text);
void desk_clear(struct desk *desk);

/* One desk for one text: its ruleset must come out without any fault. */
void desk_load(struct desk *desk, const char *text);
/* Exactly these faults come out, one a line. */
void check_faults_at(const char *text, const char *want, const char *file, int line);
#define check_faults(text, want) check_faults_at((text), (want), __FILE__, __LINE__)

#endif
