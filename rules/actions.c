/* SPDX-License-Identifier: Apache-2.0 */
/* The non-disruptive actions, one function each. They run when their link matches, once for each
 * value that does, whatever becomes of the rest of the chain. */
#include "rules/evaluate.h"

#include "rules/base/must.h"
#include "rules/base/number.h"
#include "rules/bodies.h"
#include "rules/collections.h"
#include "rules/exclusions.h"
#include "rules/secrets.h"
#include "rules/values.h"

/* --- variables --- */

static int64_t add_saturating(int64_t a, int64_t b)
{
    int64_t sum;
    if (__builtin_add_overflow(a, b, &sum))
        return b > 0 ? INT64_MAX : INT64_MIN;
    return sum;
}

/* ModSecurity 2: counters never go below zero. */
static struct span counted(struct inspection *tx, const struct action *action, struct span now,
                           struct span change)
{
    int64_t by = number_leading(change);
    if (action->setvar.how == SETVAR_SUBTRACT)
        by = by == INT64_MIN ? INT64_MAX : -by;
    int64_t sum = add_saturating(number_leading(now), by);
    return number_text(tx, sum < 0 ? 0 : (uint64_t)sum);
}

static void run_setvar(struct inspection *tx, const struct action *action)
{
    enum variable collection = action->setvar.collection;
    struct span key = macro_expand(tx, &action->setvar.key);
    if (action->setvar.how == SETVAR_UNSET) {
        collection_unset(tx, collection, key);
        return;
    }
    struct span value = macro_expand(tx, &action->setvar.value);
    if (action->setvar.how != SETVAR_SET)
        value = counted(tx, action, collection_get(tx, collection, key), value);
    if (!arena_is_full(tx->arena))
        collection_set(tx, collection, key, value);
}

static void run_expirevar(struct inspection *tx, const struct action *action)
{
    int64_t seconds = number_leading(macro_expand(tx, &action->expirevar.seconds));
    collection_expire(tx, action->expirevar.collection, macro_expand(tx, &action->expirevar.key),
                      seconds < 0 ? 0 : (uint64_t)seconds);
}

/* So much less for each whole span of time since the collection was written. */
static void run_deprecatevar(struct inspection *tx, const struct action *action)
{
    enum variable collection = action->deprecatevar.collection;
    struct span key = macro_expand(tx, &action->deprecatevar.key);
    int64_t amount = number_leading(macro_expand(tx, &action->deprecatevar.amount));
    int64_t seconds = number_leading(macro_expand(tx, &action->deprecatevar.seconds));
    int64_t passed = (int64_t)collection_idle_seconds(tx, collection);
    struct span now = collection_get(tx, collection, key);
    if (now.at == NULL || amount <= 0 || seconds <= 0 || passed < seconds)
        return;
    int64_t left = number_leading(now), fall;
    if (__builtin_mul_overflow(amount, passed / seconds, &fall) || fall > left)
        fall = left;
    if (left > 0)
        collection_set(tx, collection, key, number_text(tx, (uint64_t)(left - fall)));
}

static void run_open(struct inspection *tx, const struct action *action)
{
    struct span key = macro_expand(tx, &action->initcol.key);
    collection_open(tx, action->initcol.collection, key);
    if (action->name == ACTION_SETSID)
        tx->session_id = key;
    if (action->name == ACTION_SETUID)
        tx->user_id = key;
}

static void run_setenv(struct inspection *tx, const struct action *action)
{
    collection_set(tx, VARIABLE_ENV, macro_expand(tx, &action->setenv.name),
                   macro_expand(tx, &action->setenv.value));
}

/* --- ctl --- */

static bool text_is_on(struct span text)
{
    return span_is_nocase(text, SPAN("on"));
}

static void ctl_rule_engine(struct inspection *tx, const struct action *action)
{
    struct span text = action->ctl.text;
    if (text_is_on(text))
        tx->options.engine = ENGINE_ON;
    else if (span_is_nocase(text, SPAN("detectiononly")))
        tx->options.engine = ENGINE_DETECTION_ONLY;
    else
        tx->options.engine = ENGINE_OFF;
}

static void ctl_audit_engine(struct inspection *tx, const struct action *action)
{
    struct span text = action->ctl.text;
    if (text_is_on(text))
        tx->audit_engine = AUDIT_ON;
    else if (span_is_nocase(text, SPAN("relevantonly")))
        tx->audit_engine = AUDIT_RELEVANT_ONLY;
    else
        tx->audit_engine = AUDIT_OFF;
}

/* "+E" adds, "-E" takes away, "ABE" replaces. */
static void ctl_audit_log_parts(struct inspection *tx, const struct action *action)
{
    struct span text = action->ctl.text;
    bool adds = span_starts(text, SPAN("+"));
    if (!adds && !span_starts(text, SPAN("-"))) {
        tx->audit_parts = text;
        return;
    }
    struct span named = span_from(text, 1);
    char *to = arena_text(tx->arena, tx->audit_parts.len + named.len);
    if (to == NULL)
        return;
    size_t len = 0;
    for (size_t i = 0; i < tx->audit_parts.len; i++)
        if (span_find_byte(named, tx->audit_parts.at[i]) == SPAN_NONE)
            to[len++] = tx->audit_parts.at[i];
    for (size_t i = 0; adds && i < named.len; i++)
        to[len++] = named.at[i];
    tx->audit_parts = span_make(to, len);
}

static void ctl_processor(struct inspection *tx, const struct action *action)
{
    /* In a later phase the body has been parsed already. */
    if (tx->phase == PHASE_REQUEST_HEADERS)
        processor_find(action->ctl.text, &tx->request.processor);
}

static void ctl_parse_xml(struct inspection *tx, const struct action *action)
{
    if (tx->parser == NULL) /* else the body has been read already */
        tx->xml_view = text_is_on(action->ctl.text)                         ? XML_AS_BOTH
                       : span_is_nocase(action->ctl.text, SPAN("onlyargs")) ? XML_AS_ARGUMENTS
                                                                            : XML_AS_TREE;
}

static void ctl_request_access(struct inspection *tx, const struct action *action)
{
    tx->options.request_body_access = text_is_on(action->ctl.text);
}

static void ctl_force_body(struct inspection *tx, const struct action *action)
{
    tx->force_request_body = text_is_on(action->ctl.text);
}

static void ctl_response_access(struct inspection *tx, const struct action *action)
{
    tx->options.response_body_access = text_is_on(action->ctl.text);
}

static void ctl_request_limit(struct inspection *tx, const struct action *action)
{
    tx->options.request_body_limit = (uint64_t)number_leading(action->ctl.text);
}

static void ctl_response_limit(struct inspection *tx, const struct action *action)
{
    tx->options.response_body_limit = (uint64_t)number_leading(action->ctl.text);
}

typedef void action_function(struct inspection *tx, const struct action *action);

static action_function *const ctl_functions[CTL_COUNT] = {
    [CTL_RULE_REMOVE_BY_ID] = exclusion_add,
    [CTL_RULE_REMOVE_BY_TAG] = exclusion_add,
    [CTL_RULE_REMOVE_BY_MSG] = exclusion_add,
    [CTL_RULE_REMOVE_TARGET_BY_ID] = exclusion_add,
    [CTL_RULE_REMOVE_TARGET_BY_TAG] = exclusion_add,
    [CTL_RULE_REMOVE_TARGET_BY_MSG] = exclusion_add,
    [CTL_RULE_ENGINE] = ctl_rule_engine,
    [CTL_AUDIT_ENGINE] = ctl_audit_engine,
    [CTL_AUDIT_LOG_PARTS] = ctl_audit_log_parts,
    [CTL_REQUEST_BODY_PROCESSOR] = ctl_processor,
    [CTL_PARSE_XML_INTO_ARGS] = ctl_parse_xml,
    [CTL_REQUEST_BODY_ACCESS] = ctl_request_access,
    [CTL_FORCE_REQUEST_BODY_VARIABLE] = ctl_force_body,
    [CTL_RESPONSE_BODY_ACCESS] = ctl_response_access,
    [CTL_REQUEST_BODY_LIMIT] = ctl_request_limit,
    [CTL_RESPONSE_BODY_LIMIT] = ctl_response_limit,
};

static void run_ctl(struct inspection *tx, const struct action *action)
{
    must(ctl_functions[action->ctl.name] != NULL);
    ctl_functions[action->ctl.name](tx, action);
}

static action_function *const functions[ACTION_COUNT] = {
    [ACTION_SETVAR] = run_setvar,
    [ACTION_EXPIREVAR] = run_expirevar,
    [ACTION_INITCOL] = run_open,
    [ACTION_SETSID] = run_open,
    [ACTION_SETUID] = run_open,
    [ACTION_SETRSC] = run_open,
    [ACTION_SETENV] = run_setenv,
    [ACTION_CTL] = run_ctl,
    [ACTION_DEPRECATEVAR] = run_deprecatevar,
    [ACTION_SANITISE_ARG] = secrets_add,
    [ACTION_SANITISE_MATCHED] = secrets_add,
    [ACTION_SANITISE_MATCHED_BYTES] = secrets_add,
    [ACTION_SANITISE_REQUEST_HEADER] = secrets_add,
    [ACTION_SANITISE_RESPONSE_HEADER] = secrets_add,
};

/* ctl says which option, the others what they write themselves. */
static void action_tell(const struct inspection *tx, const struct action *action)
{
    const char *name = action_row(action->name)->name;
    struct span value = SPAN("");
    if (action->name == ACTION_INITCOL || action->name == ACTION_SETSID ||
        action->name == ACTION_SETUID || action->name == ACTION_SETRSC) {
        name = variable_row(action->initcol.collection)->name;
        value = tx->keys[action->initcol.collection - VARIABLE_IP];
        transaction_tell(tx, WATCHED_OPENED, span_text(name), value, true);
        return;
    }
    if (action->name == ACTION_CTL) {
        size_t count;
        name = ctl_names(&count)[action->ctl.name];
        value = action->ctl.text;
    }
    transaction_tell(tx, WATCHED_ACTED, span_text(name), value, true);
}

void actions_run(struct inspection *tx, const struct rule *link)
{
    for (size_t i = 0; i < link->action_count && !arena_is_full(tx->arena); i++) {
        const struct action *action = &link->actions[i];
        must(functions[action->name] != NULL);
        functions[action->name](tx, action);
        if (tx->world.watch != NULL)
            action_tell(tx, action);
    }
}
