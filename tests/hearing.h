/* SPDX-License-Identifier: Apache-2.0 */
/* What is written to the standard error output meanwhile: libraries like to, and it would stand in
 * people's logs.
 *
 *   struct hearing hearing = hearing_begin();
 *   ...
 *   check_number(hearing_end(&hearing), 0); */
#ifndef SIDEGATE_TESTS_HEARING_H
#define SIDEGATE_TESTS_HEARING_H

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/check.h"

struct hearing {
    int own, file;
};

static inline struct hearing hearing_begin(void)
{
    fflush(stderr);
    struct hearing hearing = {dup(STDERR_FILENO), memfd_create("stderr", MFD_CLOEXEC)};
    check(hearing.own >= 0 && dup2(hearing.file, STDERR_FILENO) == STDERR_FILENO);
    return hearing;
}

/* The bytes that were written. */
static inline long hearing_end(struct hearing *hearing)
{
    fflush(stderr);
    long bytes = lseek(hearing->file, 0, SEEK_END);
    check(dup2(hearing->own, STDERR_FILENO) == STDERR_FILENO);
    close(hearing->own);
    close(hearing->file);
    return bytes;
}

#endif
