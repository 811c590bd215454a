/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a value before the detectors:
 *   - they read nothing beyond the value (it is a copy of exactly its size) and write nothing,
 *   - the verdict is the same each time, asked with a finding or without one,
 *   - a finding names what decided, and its parts lie inside of what it was found in,
 *   - the work grows with the text, no faster: a long repetition ends within the fuzzer's patience.
 */
#include <stdint.h>
#include <stdlib.h>

#include "rules/base/must.h"
#include "rules/match/sqli.h"
#include "rules/match/xss.h"

enum { LONG_BYTES = 1 << 16, LONG_EVERY = 64 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A copy behind whose last byte the address sanitizer stands. */
static struct span exact_copy(struct span text)
{
    char *copy = malloc(text.len);
    must(copy != NULL || text.len == 0);
    if (text.len > 0)
        memcpy(copy, text.at, text.len);
    return span_make(copy, text.len);
}

static void exact_free(struct span copy)
{
    char *at;
    memcpy(&at, &copy.at, sizeof at);
    free(at);
}

static bool try_sqli(struct span value)
{
    struct sqli_finding finding = {.decision = NULL};
    struct sqli_finding again = {.decision = NULL};
    bool yes = sqli_detect(value, &finding);
    must(sqli_detect(value, &again) == yes && sqli_detect(value, NULL) == yes);
    if (!yes)
        return false;
    must(finding.decision != NULL && finding.decision == again.decision);
    must(memchr(finding.fingerprint, '\0', sizeof finding.fingerprint) != NULL);
    must(finding.fingerprint[0] != '\0' && strcmp(finding.fingerprint, again.fingerprint) == 0);
    return true;
}

static bool try_xss(struct span value)
{
    struct xss_finding finding = {.decision = NULL};
    struct xss_finding again = {.decision = NULL};
    bool yes = xss_detect(value, &finding);
    must(xss_detect(value, &again) == yes && xss_detect(value, NULL) == yes);
    if (!yes)
        return false;
    must(finding.decision != NULL && finding.decision == again.decision);
    must(finding.part.len <= value.len);
    must(finding.part.len == 0 || (finding.part.at >= value.at &&
                                   finding.part.at + finding.part.len <= value.at + value.len));
    return true;
}

static void try_long(struct span value)
{
    char *text = malloc(LONG_BYTES);
    must(text != NULL);
    for (size_t i = 0; i < LONG_BYTES; i++)
        text[i] = value.at[i % value.len];
    sqli_detect(span_make(text, LONG_BYTES), NULL);
    xss_detect(span_make(text, LONG_BYTES), NULL);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span given = span_make((const char *)data, size);
    struct span value = exact_copy(given);
    try_sqli(value);
    try_xss(value);
    must(span_is(value, given));
    if (size > 0 && data[0] % LONG_EVERY == size % LONG_EVERY)
        try_long(given);
    exact_free(value);
    return 0;
}
