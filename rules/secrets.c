/* SPDX-License-Identifier: Apache-2.0 */
/* sanitise...: what must not stand in logs. A rule often says so after others have matched, so
 * matches are masked when they are asked for, and whatever was added since. */
#include "rules/secrets.h"

#include "rules/collections.h"
#include "rules/match/variable.h"
#include "rules/values.h"

static void secret_add(struct inspection *tx, struct span name, struct span text)
{
    if (transaction_grow(tx, &tx->secrets, tx->secret_count, &tx->secret_room,
                         sizeof(struct secret)))
        tx->secrets[tx->secret_count++] = (struct secret){name, text};
    else
        tx->secrets_lost = true;
}

/* ---- by name ---- */

static enum variable variable_of(const struct action *action)
{
    switch ((unsigned)action->name) {
    case ACTION_SANITISE_REQUEST_HEADER: return VARIABLE_REQUEST_HEADERS;
    case ACTION_SANITISE_RESPONSE_HEADER: return VARIABLE_RESPONSE_HEADERS;
    default: return VARIABLE_ARGS;
    }
}

static bool is_known(const struct inspection *tx, struct span text)
{
    for (size_t i = 0; i < tx->secret_count; i++)
        if (tx->secrets[i].name.at != NULL && tx->secrets[i].text.at == text.at &&
            tx->secrets[i].text.len == text.len)
            return true;
    return false;
}

/* Every value of that name, whatever its transformations make of it. */
static void add_named(struct inspection *tx, const struct action *action)
{
    struct target target = {
        .variable = variable_of(action), .selector = SELECTOR_NAME, .name = action->sanitise.name};
    struct pair slot;
    struct values values = values_of(tx, &target, &slot);
    for (size_t i = 0; i < values.count; i++)
        if (target_selects(tx, &target, &values.at[i]) && !is_known(tx, values.at[i].value))
            secret_add(tx, value_name(tx, &target, &values.at[i]), values.at[i].value);
}

/* May there be values of it that are not known (yet)? The body was not read, or not whole. */
static bool is_open(const struct inspection *tx, const struct action *action)
{
    enum variable variable = variable_of(action);
    if (variable == VARIABLE_ARGS)
        return !tx->request_body.ended || tx->body_error;
    return variable == VARIABLE_RESPONSE_HEADERS && !tx->response_given;
}

static void name_it(struct inspection *tx, const struct action *action)
{
    add_named(tx, action);
    if (!is_open(tx, action))
        return;
    bool has_room = transaction_grow(tx, &tx->awaited, tx->awaited_count, &tx->awaited_room,
                                     sizeof(struct awaited));
    if (has_room)
        tx->awaited[tx->awaited_count++] =
            (struct awaited){action, arena_format(tx->arena, "%s:" SPAN_FORMAT,
                                                  variable_row(variable_of(action))->name,
                                                  span_arg(action->sanitise.name))};
    tx->secrets_lost = tx->secrets_lost || arena_is_full(tx->arena);
}

/* Names what has come since. */
static void settle(struct inspection *tx)
{
    size_t left = 0;
    for (size_t i = 0; i < tx->awaited_count; i++) {
        add_named(tx, tx->awaited[i].action);
        if (is_open(tx, tx->awaited[i].action))
            tx->awaited[left++] = tx->awaited[i];
    }
    tx->awaited_count = left;
}

/* The captures of the rule that matched, without the bytes that may be seen; without captures the
 * whole value. */
static void add_bytes(struct inspection *tx, const struct action *action)
{
    struct span found = collection_get(tx, VARIABLE_TX, SPAN("0"));
    const struct rule *link = tx->cursor.link;
    if (link == NULL || !link->capture || found.at == NULL)
        found = tx->matched.value;
    size_t shown = action->sanitise.head + action->sanitise.tail;
    if (found.len > shown)
        secret_add(tx, (struct span){NULL, 0},
                   span_make(found.at + action->sanitise.head, found.len - shown));
}

void secrets_add(struct inspection *tx, const struct action *action)
{
    switch ((unsigned)action->name) {
    case ACTION_SANITISE_ARG:
    case ACTION_SANITISE_REQUEST_HEADER:
    case ACTION_SANITISE_RESPONSE_HEADER: name_it(tx, action); break;
    case ACTION_SANITISE_MATCHED: secret_add(tx, tx->matched.name, tx->matched.value); break;
    default: add_bytes(tx, action); break;
    }
}

/* --- masking --- */

static void stars(char *at, size_t len)
{
    memset(at, '*', len);
}

/* The text with each occurrence of the secret as stars; the same span where there is none. */
static struct span text_masked(struct inspection *tx, struct span text, struct span secret)
{
    size_t at = secret.len == 0 ? SPAN_NONE : span_find(text, secret);
    if (at == SPAN_NONE)
        return text;
    char *copy = arena_text(tx->arena, text.len);
    if (copy == NULL)
        return SPAN("");
    memcpy(copy, text.at, text.len);
    for (size_t from = 0; at != SPAN_NONE; at = span_find(span_from(text, from), secret)) {
        stars(copy + from + at, secret.len);
        from += at + secret.len;
    }
    return span_make(copy, text.len);
}

static void tag_set(struct inspection *tx, struct rule_match *match, size_t i, struct span text)
{
    struct span *copy = arena_alloc(tx->arena, match->tag_count * sizeof(*copy));
    if (copy == NULL) {
        match->tag_count = 0;
        return;
    }
    memcpy(copy, match->tags, match->tag_count * sizeof(*copy));
    copy[i] = text;
    match->tags = copy;
}

/* Tags may have been made of macros. */
static void mask_tags(struct inspection *tx, struct rule_match *match, struct span secret)
{
    for (size_t i = 0; i < match->tag_count; i++) {
        struct span text = text_masked(tx, match->tags[i], secret);
        if (text.at != match->tags[i].at)
            tag_set(tx, match, i, text);
    }
}

static void mask_texts(struct inspection *tx, struct rule_match *match, struct span secret)
{
    mask_tags(tx, match, secret);
    match->variable_value = text_masked(tx, match->variable_value, secret);
    match->data = text_masked(tx, match->data, secret);
    match->message = text_masked(tx, match->message, secret);
}

/* A text made of macros by a rule about a secret, that does not hold it whole, may hold pieces of
 * it: captures. */
static struct span pieces_masked(struct inspection *tx, const struct macro *macro,
                                 struct span before, struct span text)
{
    return macro->has_variables && text.at == before.at ? text_masked(tx, text, text) : text;
}

/* `before`: the match as it was before the secret was looked for. */
static void mask_pieces(struct inspection *tx, struct rule_match *match,
                        const struct rule_match *before)
{
    const struct rule *rule = ruleset_find(tx->ruleset, match->rule_id);
    if (rule == NULL)
        return;
    match->message = pieces_masked(tx, &rule->message, before->message, match->message);
    match->data = pieces_masked(tx, &rule->data, before->data, match->data);
    for (size_t i = 0; i < match->tag_count && i < rule->tag_count; i++)
        if (rule->tags[i].has_variables && match->tags[i].at == before->tags[i].at)
            tag_set(tx, match, i, text_masked(tx, match->tags[i], match->tags[i]));
}

static void mask(struct inspection *tx, struct rule_match *match, const struct secret *secret)
{
    struct rule_match before = *match;
    mask_texts(tx, match, secret->text);
    if (secret->name.at == NULL || !span_is_nocase(match->variable_name, secret->name))
        return;
    mask_texts(tx, match, match->variable_value);
    mask_pieces(tx, match, &before);
}

void secrets_mask(struct inspection *tx)
{
    settle(tx);
    for (size_t i = 0; i < tx->match_count; i++) {
        size_t from = i < tx->masked_count ? tx->masked_secrets : 0;
        for (size_t k = from; k < tx->secret_count; k++)
            mask(tx, &tx->matches[i], &tx->secrets[k]);
    }
    tx->masked_count = tx->match_count;
    tx->masked_secrets = tx->secret_count;
}
