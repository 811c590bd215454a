/* SPDX-License-Identifier: Apache-2.0 */
/* X-Ray's sampling rules as JSON, in one of two shapes: the local file of X-Ray's SDKs,
 *
 *   {"version": 2, "rules": [{"description", "host", "http_method", "url_path",
 *                             "fixed_target", "rate"}], "default": {"fixed_target", "rate"}}
 *
 * and what GetSamplingRules answers: {"SamplingRuleRecords": [{"SamplingRule": {...}}]}. */
#ifndef SIDEGATE_SIDECAR_CONFIG_SAMPLING_DOCUMENT_H
#define SIDEGATE_SIDECAR_CONFIG_SAMPLING_DOCUMENT_H

#include "rules/base/arena.h"
#include "rules/base/fault.h"
#include "sidecar/http/sampling_rules.h"

struct sampling_document {
    struct arena *arena; /* of the rules */
    struct faults *faults;
    const char *file; /* what faults say; lives as long as the arena */
    /* A service answers so: members and versions that nobody knows yet are passed over. */
    bool is_answer;
};

enum { SAMPLING_DOCUMENT_BYTES = 256 * 1024 };

/* In the order in which they are asked, the default rule last (X-Ray's own where the document has
 * none). NULL: something is wrong, said with its place. */
const struct sampling_rules *sampling_document_read(const struct sampling_document *document,
                                                    struct span text);
/* Appends the rules of an answer (at most SAMPLING_RULES_MOST in all) to `rules`, for answers that
 * come in pages. False: said. `next` is the token of the next page, at == NULL: this was the last.
 */
bool sampling_document_add(const struct sampling_document *document, struct span text,
                           struct sampling_rule *rules, size_t *count, struct span *next);
/* Sorts, and puts the default rule behind them where none is there. Copied into the arena. */
const struct sampling_rules *sampling_rules_close(struct sampling_rule *rules, size_t count,
                                                  struct arena *arena);

#endif
