/* SPDX-License-Identifier: Apache-2.0 */
/* The clean death of a broken program, and heap memory that is never NULL. */
#include "rules/base/must.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* One per thread: the program dies on one thread, and only that one knows what it was doing. */
static _Thread_local struct {
    void (*say)(void *);
    void *context;
} last_words;

void must_last_words(void (*say)(void *), void *context)
{
    last_words.say = say;
    last_words.context = context;
}

void must_fail(const char *condition, const char *file, int line, const char *function)
{
    char text[512];
    int len = snprintf(text, sizeof text, "must(%s) failed in %s at %s:%d\n", condition, function,
                       file, line);
    if (len > (int)sizeof text - 1)
        len = (int)sizeof text - 1;
    if (len > 0 && write(STDERR_FILENO, text, (size_t)len) < 0)
        abort(); /* nobody listens: nothing more to say */

    void (*say)(void *) = last_words.say;
    last_words.say = NULL; /* words that fail themselves are not asked again */
    if (say != NULL)
        say(last_words.context);
    abort();
}

void *must_alloc(unsigned long bytes)
{
    void *memory = calloc(1, bytes > 0 ? bytes : 1);
    must(memory != NULL);
    return memory;
}

void *must_realloc(void *old, unsigned long bytes)
{
    void *memory = realloc(old, bytes > 0 ? bytes : 1);
    must(memory != NULL);
    return memory;
}

char *must_strdup(const char *text)
{
    char *copy = strdup(text);
    must(copy != NULL);
    return copy;
}
