/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of a text with secrets, and of one without. */
#ifndef SIDEGATE_TESTS_UNIT_EXPORTERS_MASKED_H
#define SIDEGATE_TESTS_UNIT_EXPORTERS_MASKED_H

#include <stddef.h>

#define COUNT(list) (sizeof(list) / sizeof *(list))

/* The text is shown as `wanted`; where that is another, it was found worth a look at first. */
void masked_is(const char *text, const char *wanted);
/* Each row is a text and how it is shown. */
void masked_each(const char *const (*rows)[2], size_t count);
/* Each is shown as it is, and known at first sight to have no secret. */
void masked_none(const char *const *texts, size_t count);

#endif
