/* SPDX-License-Identifier: Apache-2.0 */
/* Where each variable's values come from: one row each. */
#ifndef SIDEGATE_RULES_PROVIDERS_H
#define SIDEGATE_RULES_PROVIDERS_H

#include "rules/transaction.h"

enum source {
    SOURCE_NOTHING, /* always absent */
    SOURCE_SPAN,    /* at NULL: absent */
    SOURCE_NUMBER,  /* a uint64_t */
    SOURCE_FLAG,    /* a bool: "0" or "1" */
    SOURCE_TEXT,    /* text(tx, variable) */
    SOURCE_LIST,    /* list(tx, variable), kept */
    SOURCE_LIVE,    /* list(tx, variable), asked each time */
    SOURCE_STORE,   /* a collection that rules write */
};

struct provider {
    enum source source;
    size_t offset;
    struct span (*text)(struct inspection *tx, enum variable variable);
    struct values (*list)(struct inspection *tx, enum variable variable);
};

const struct provider *provider_of(enum variable variable);
/* A list, computed when it is first asked for and kept until values_forget(). */
struct values values_kept(struct inspection *tx, enum variable variable);

#endif
