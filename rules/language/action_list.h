/* SPDX-License-Identifier: Apache-2.0 */
/* "id:1,phase:2,msg:'a, b',pass": cutting a list of actions, and carrying one out on a draft.
 * Private to the folder. */
#ifndef SIDEGATE_RULES_LANGUAGE_ACTION_LIST_H
#define SIDEGATE_RULES_LANGUAGE_ACTION_LIST_H

#include "rules/language/builder.h"

struct action_word {
    enum action_name name;
    struct span text; /* the name as written */
    bool has_value;
    struct span value; /* without quotes */
};

/* Cuts the list into `words` (of struct action_word). False: a fault. */
bool action_list_cut(struct line *line, struct span text, struct rows *words);

/* Where a list stands: not every action may stand everywhere. */
enum action_site { SITE_RULE, SITE_LINK, SITE_DEFAULT, SITE_UPDATE, SITE_LINK_UPDATE };

struct action_edit {
    struct ruleset_builder *builder;
    struct line *line;
    struct draft *draft;
    enum action_site site;
    const struct action_word *word; /* the one that is being carried out */
};
/* Carries out all words on the draft; what is wrong becomes faults. */
void action_list_apply(struct action_edit *edit, const struct rows *words);

/* A fault at the value of the word. */
#define action_fault(edit, hint, ...)                                                              \
    fault_add((edit)->line->faults, FAULT_ERROR, line_place((edit)->line, (edit)->word->value.at), \
              hint, __VA_ARGS__)

/* What single actions do; each adds faults of its own. */
void action_ctl(struct action_edit *edit);    /* action_ctl.c */
void action_setvar(struct action_edit *edit); /* action_store.c, this one and the following */
void action_expirevar(struct action_edit *edit);
void action_initcol(struct action_edit *edit);
void action_open(struct action_edit *edit); /* setsid, setuid, setrsc */
void action_setenv(struct action_edit *edit);
void action_deprecatevar(struct action_edit *edit);
void action_xmlns(struct action_edit *edit);    /* action_mask.c, this one and the following */
void action_sanitise(struct action_edit *edit); /* sanitise... */

#endif
