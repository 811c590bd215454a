/* SPDX-License-Identifier: Apache-2.0 */
/* A directive as a person wrote it: its words, and for each of their bytes the place in the file.
 *
 *   file     SecRule ARGS "@rx \"a\" \        words   SecRule | ARGS | @rx "a" b
 *               b"                            cuts of the third: {0: 1:15} {4: 1:20} {6: 1:23} {7:
 * 2:4}
 *
 * Words are copied into the arena with continuation lines joined and \" made ", so that everything
 * that is read out of them lives as long as the ruleset. */
#ifndef SIDEGATE_RULES_LANGUAGE_LINE_H
#define SIDEGATE_RULES_LANGUAGE_LINE_H

#include <stdbool.h>
#include <stddef.h>

#include "rules/base/arena.h"
#include "rules/base/fault.h"
#include "rules/base/span.h"
#include "rules/language/rows.h"

struct region; /* copied text that knows where each byte stood */

struct line {
    struct arena *arena;
    struct faults *faults;
    const char *file; /* lives in the arena */
    unsigned number;  /* of the directive's first line */
    struct region *regions;
    struct rows words; /* of struct span; the first is the directive's name */
    bool broken;       /* a fault was added: not to be looked at */
};

struct line_reader {
    struct arena *arena;
    struct faults *faults;
    const char *file;
    struct span text;
    size_t at;
    unsigned line;     /* of `at`, from 1 */
    size_t line_start; /* where that line begins */
};

void line_reader_init(struct line_reader *reader, struct arena *arena, struct faults *faults,
                      const char *file, struct span text);
/* The next directive, in the arena; NULL at the end. Comments and empty lines are passed over. */
struct line *line_read(struct line_reader *reader);

/* A line of one word that was written in another file, at `place`. */
struct line *line_of_word(struct arena *arena, struct faults *faults, struct place place,
                          struct span text);

/* The i-th word; empty beyond the last. */
struct span line_word(const struct line *line, size_t i);
/* Where the byte at `at` stood; `at` is in one of the words, or right behind it. */
struct place line_place(const struct line *line, const char *at);
/* A copy without the backslashes of `\'`; faults in the copy still find their place. */
struct span line_unescape(struct line *line, struct span text, char quote);

#endif
