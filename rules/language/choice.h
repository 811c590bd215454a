/* SPDX-License-Identifier: Apache-2.0 */
/* A word out of a short list: On and Off, phases, severities. Private to the folder. */
#ifndef SIDEGATE_RULES_LANGUAGE_CHOICE_H
#define SIDEGATE_RULES_LANGUAGE_CHOICE_H

#include "rules/language/line.h"

struct choice {
    const char *name;
    unsigned value;
};

/* ASCII case does not matter. False: a fault at the text, "`what` is A, B or C, not 'x'". */
bool choice_read(struct line *line, struct span text, const char *what,
                 const struct choice *choices, size_t count, unsigned *value);
/* The same for a whole number between two bounds. */
bool number_read(struct line *line, struct span text, const char *what, uint64_t least,
                 uint64_t most, uint64_t *value);
bool on_off_read(struct line *line, struct span text, const char *what, bool *value);

#endif
