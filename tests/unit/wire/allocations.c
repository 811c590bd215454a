/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/wire/allocations.h"

#include <stddef.h>

/* NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp): the linker's names */
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);

static unsigned count_of_all;

unsigned allocations_count(void)
{
    return count_of_all;
}

void *__wrap_malloc(size_t size)
{
    count_of_all++;
    return __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    count_of_all++;
    return __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    count_of_all++;
    return __real_realloc(old, size);
}
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
