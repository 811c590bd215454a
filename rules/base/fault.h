/* SPDX-License-Identifier: Apache-2.0 */
/* Faults: what is wrong in a file that a person wrote. All are collected, so that one run shows
 * them all. Printed as  file:line:column: message (hint)  */
#ifndef SIDEGATE_RULES_BASE_FAULT_H
#define SIDEGATE_RULES_BASE_FAULT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include "rules/base/buf.h"
#include "rules/base/span.h"

struct faults; /* an ordered list with a ceiling (1,000, then "and N more") */

struct place {
    const char *file; /* borrowed by fault_add, copied */
    unsigned line;    /* from 1; 0: the file as a whole */
    unsigned column;  /* from 1, in bytes; 0: the line as a whole */
};

/* Where the byte behind `text` stands, which begins at `place`. */
struct place place_behind(struct place place, struct span text);

enum fault_kind {
    FAULT_ERROR,   /* the file is refused */
    FAULT_WARNING, /* said, and refused only by `check --strict` */
};

struct faults *faults_new(void);
void faults_free(struct faults *faults); /* NULL allowed */

/* Adds one; message without a full stop or line feed. `hint` may be empty. */
void fault_add(struct faults *faults, enum fault_kind kind, struct place place, struct span hint,
               const char *format, ...) __attribute__((format(printf, 5, 6)));

size_t faults_count(const struct faults *faults, enum fault_kind kind);

struct fault {
    enum fault_kind kind;
    struct place place;
    const char *message;
    const char *hint; /* "" where there is none */
};
/* The i-th, or NULL beyond the end. Borrowed from `faults`. */
const struct fault *faults_at(const struct faults *faults, size_t i);
/* Appends every fault as one line; warnings with "warning: " before the message. */
void faults_print(const struct faults *faults, struct buf *to);

/* The name of the list nearest to `wrong` by edit distance (transpositions count one, ASCII case
 * does not count) that is within a third of its length, at least 1; else one that begins with it,
 * or that it begins with, by three bytes at least; else NULL. */
const char *nearest_name(struct span wrong, const char *const *names, size_t count);
/* The same, no further than `most`. */
const char *nearest_within(struct span wrong, const char *const *names, size_t count, size_t most);
/* "did you mean 'x'?" in `to`, or "" ; `to` is returned as a span. */
struct span nearest_hint(struct span wrong, const char *const *names, size_t count, char *to,
                         size_t size);
/* The same behind a sentence: " (did you mean 'x'?)", or ""; a string, in `to`. */
const char *nearest_remark(struct span wrong, const char *const *names, size_t count, char *to,
                           size_t size);

#endif
