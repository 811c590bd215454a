/* SPDX-License-Identifier: Apache-2.0 */
/* Rate-based statements. AWS looks at what was counted every ten seconds or so and acts up to half
 * a minute late; here each request is counted before it is judged, so that the first one beyond
 * the limit matches. */
#include "sidecar/guard/web_acl_inside.h"

#include "rules/base/siphash.h"
#include "sidecar/state/rates.h"

enum { KEYS_MOST = 10000 }; /* as many as AWS tracks */

/* ---- the parts of a key; YES: there is one, NO: the request lacks it ---- */

static struct span argument_of(struct span query, struct span name)
{
    while (query.at != NULL) {
        struct span value = span_cut(&query, '&');
        if (span_is_nocase(span_cut(&value, '='), name))
            return value.at != NULL ? value : SPAN("");
    }
    return span_make(NULL, 0);
}

static struct span text_of(const struct web_acl_key *key, const struct asked *asked)
{
    switch (key->kind) {
    case KEY_HEADER: return fields_get(asked->fields, key->name);
    case KEY_COOKIE: return fields_cookie(asked->fields, key->name);
    case KEY_ARGUMENT: return argument_of(asked->query, key->name);
    case KEY_QUERY_STRING: return asked->query;
    case KEY_URI_PATH: return asked->raw_path.len > 0 ? asked->raw_path : SPAN("/");
    case KEY_METHOD: return asked->method;
    case KEY_IP:
    case KEY_FORWARDED_IP:
    case KEY_LABELS:
    case KEY_ASN: break;
    }
    return span_make(NULL, 0);
}

static enum web_acl_look part_of_text(const struct web_acl_key *key, struct web_acl_run *run,
                                      struct rate_key *part)
{
    struct span text = text_of(key, run->asked);
    if (text.at == NULL)
        return LOOK_NO;
    for (size_t i = 0; i < key->transform_count; i++)
        text = key->transforms[i](text, run->arena);
    *part = rate_key_of(text);
    return arena_is_full(run->arena) ? LOOK_FAILED : LOOK_YES;
}

static struct rate_key part_of_address(const struct ip *ip)
{
    return rate_key_of(span_make((const char *)ip->at, sizeof ip->at));
}

static enum web_acl_look part_of_forwarded(const struct web_acl_forwarded *forwarded,
                                           const struct asked *asked, struct rate_key *part)
{
    struct ip ip;
    switch (web_acl_first_hop(forwarded, asked, &ip)) {
    case LOOK_NO: return LOOK_NO;
    case LOOK_YES: *part = part_of_address(&ip); break;
    case LOOK_FAILED: *part = rate_key_of(SPAN("")); break; /* all that are none, together */
    }
    return LOOK_YES;
}

/* Every label of the namespace that the request has by now. */
static enum web_acl_look part_of_labels(struct span space, const struct web_acl_outcome *outcome,
                                        struct rate_key *part)
{
    struct rate_key labels[WEB_ACL_LABELS];
    size_t count = 0;
    for (size_t i = 0; i < outcome->label_count; i++)
        if (span_starts(outcome->labels[i], space))
            labels[count++] = rate_key_of(outcome->labels[i]);
    *part = rate_key_join(labels, count);
    return count > 0 ? LOOK_YES : LOOK_NO;
}

static enum web_acl_look part_of(const struct web_acl_key *key,
                                 const struct web_acl_forwarded *forwarded, struct web_acl_run *run,
                                 struct rate_key *part)
{
    const struct asked *asked = run->asked;
    uint32_t asn;
    switch (key->kind) {
    case KEY_IP:
        *part = part_of_address(&asked->address);
        return asked->has_address ? LOOK_YES : LOOK_NO;
    case KEY_FORWARDED_IP: return part_of_forwarded(forwarded, asked, part);
    case KEY_LABELS: return part_of_labels(key->name, run->outcome, part);
    case KEY_ASN:
        asn = asked_place(asked)->asn; /* 0, unknown, is one like any other */
        *part = rate_key_of(span_make((const char *)&asn, sizeof asn));
        return LOOK_YES;
    case KEY_HEADER:
    case KEY_COOKIE:
    case KEY_ARGUMENT:
    case KEY_QUERY_STRING:
    case KEY_URI_PATH:
    case KEY_METHOD: break;
    }
    return part_of_text(key, run, part);
}

static enum web_acl_look key_of(const struct web_acl_statement *statement, struct web_acl_run *run,
                                struct rate_key *key)
{
    const struct web_acl_rate *rate = statement->rate;
    struct rate_key parts[WEB_ACL_KEYS] = {{{0}}};
    arena_reset(run->arena);
    for (size_t i = 0; i < rate->key_count; i++) {
        enum web_acl_look has = part_of(&rate->keys[i], &statement->forwarded, run, &parts[i]);
        if (has != LOOK_YES)
            return has;
    }
    *key = rate_key_join(parts, rate->key_count);
    return LOOK_YES;
}

/* ---- asking ---- */

enum web_acl_look web_acl_rate_look(const struct web_acl_statement *statement,
                                    struct web_acl_run *run)
{
    const struct web_acl_rate *rate = statement->rate;
    struct web_acl_outcome *outcome = run->outcome;
    struct rate_key key;
    if (statement->part_count > 0) {
        enum web_acl_look inside = web_acl_statement_look(statement->parts, run);
        if (inside != LOOK_YES)
            return inside;
    }
    enum web_acl_look found = key_of(statement, run, &key);
    if (found != LOOK_YES)
        return found;
    if (run->asked->rates != NULL)
        return rates_count(rate->store, &key, run->asked->now_us) > rate->limit ? LOOK_YES
                                                                                : LOOK_NO;
    if (outcome->rated_count < WEB_ACL_COUNTED)
        outcome->rated[outcome->rated_count++] = rate->said;
    return LOOK_NO;
}

/* ---- stores ---- */

static struct rates *store_of(const struct web_acl_rate *rate, const struct web_acl *const *before,
                              size_t count)
{
    for (size_t i = 0; i < count; i++)
        for (const struct web_acl_rate *old = before[i] != NULL ? before[i]->rates : NULL;
             old != NULL; old = old->next)
            if (old->hash == rate->hash && old->store != NULL)
                return rates_take(old->store);
    const struct rate_limit limit = {.algorithm = RATE_COUNT,
                                     .limit = (unsigned)rate->limit,
                                     .window_us = rate->window_s * 1000000,
                                     .keys_most = KEYS_MOST};
    return rates_new(&limit);
}

bool web_acl_open(struct web_acl *acl, unsigned nth, const struct web_acl *const *before,
                  size_t before_count)
{
    for (struct web_acl_rate *rate = acl->rates; rate != NULL; rate = rate->next) {
        siphash_add(&rate->hash, span_make((const char *)&nth, sizeof nth));
        rate->store = store_of(rate, before, before_count);
        if (rate->store == NULL)
            return false;
    }
    return true;
}
