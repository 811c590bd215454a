/* SPDX-License-Identifier: Apache-2.0 */
/* must(): what can never be false in a correct program. It stays on in production: the parent
 * starts a dead child again, so a clean death beats going on with a broken state. Faults of
 * people's files go to fault.h; errors of the world (a closed socket, a full disk) are ordinary
 * return values. */
#ifndef SIDEGATE_RULES_BASE_MUST_H
#define SIDEGATE_RULES_BASE_MUST_H

#include <stdbool.h>

#define must(condition) \
    ((condition) ? (void)0 : must_fail(#condition, __FILE__, __LINE__, __func__))

/* Says where and what on stderr, with the last words of must_last_words(), and aborts. */
_Noreturn void must_fail(const char *condition, const char *file, int line, const char *function);

/* Called on this thread just before the abort, to say what was going on (stage, exchange). NULL:
 * nothing to say. It may only use async-signal-safe calls. */
void must_last_words(void (*say)(void *), void *context);

/* Memory from the heap that is never NULL: no memory for a small allocation at start or load is a
 * must. Per-request memory never comes from here but from an arena or a buf, which have ceilings.
 */
void *must_alloc(unsigned long bytes); /* zeroed */
void *must_realloc(void *old, unsigned long bytes);
char *must_strdup(const char *text);

#endif
