/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of precedence: the settings against the directives, one thing at a time. */
#ifndef SIDEGATE_SIDECAR_CONFIG_CONTEST_H
#define SIDEGATE_SIDECAR_CONFIG_CONTEST_H

#include "sidecar/config/precedence.h"

struct contest {
    struct settings *settings;
    const struct rule_settings *directives;
    struct faults *faults;
};

/* True: the settings hold. Said where both speak and differ; `names`: the key and the directive. */
bool contest_won(const struct contest *contest, bool in_settings, bool in_rules, bool differ,
                 const char *names[2]);
/* audit_precedence.c */
void contest_settle_audit(const struct contest *contest, struct inspection_options *options);

#endif
