/* SPDX-License-Identifier: Apache-2.0 */
/* What a request says of its signature, in the Authorization field or in the query. */
#include "rules/base/encode.h"
#include "rules/base/number.h"
#include "sidecar/guard/sigv4_inside.h"
#include "sidecar/http/date.h"

enum { SECOND_US = 1000000, EXPIRES_MOST_S = 604800, DATE_TEXT = 16, DAY_TEXT = 8 };

struct parts { /* as they came; at == NULL: not there */
    struct span algorithm, credential, signed_fields, signature;
    struct span date, expires, token, region_set;
};

struct slot {
    const char *name;
    struct span *to;
};

/* Puts a value where its name says; false: it was there already. Other names are nobody's. */
static bool slot_fill(const struct slot *slots, size_t count, struct span name, struct span value)
{
    for (size_t i = 0; i < count; i++) {
        if (!span_is(name, span_text(slots[i].name)))
            continue;
        if (slots[i].to->at != NULL)
            return false;
        *slots[i].to = value;
    }
    return true;
}

static enum sigv4_answer incomplete(struct sigv4 *sigv4, struct span message)
{
    sigv4->message = message;
    return arena_is_full(sigv4->arena) ? SIGV4_NO_ROOM : SIGV4_INCOMPLETE;
}

/* --- the Authorization field ----------------------------------------------------------------- */

/* Is it one of "host;x-amz-date"? */
static bool is_in_list(struct span names, struct span name)
{
    while (names.at != NULL)
        if (span_is(span_cut(&names, ';'), name))
            return true;
    return false;
}

/* ALGORITHM name=value, name=value */
static enum sigv4_answer field_read(struct sigv4 *sigv4, struct span field, struct parts *parts)
{
    const struct slot slots[] = {{"Credential", &parts->credential},
                                 {"SignedHeaders", &parts->signed_fields},
                                 {"Signature", &parts->signature}};
    struct span rest = field;
    parts->algorithm = span_cut(&rest, ' ');
    if (rest.at == NULL) /* one word alone: it is the pair that lacks its sign */
        rest = field;
    while (rest.at != NULL) {
        struct span value = span_trim(span_cut(&rest, ','), " "), pair = value;
        struct span name = span_cut(&value, '=');
        if (value.at == NULL)
            return incomplete(sigv4,
                              arena_format(sigv4->arena,
                                           "'" SPAN_FORMAT
                                           "' not a valid key=value pair (missing equal-sign) in "
                                           "Authorization header: '" SPAN_FORMAT "'.",
                                           span_arg(pair), span_arg(field)));
        if (!slot_fill(slots, sizeof slots / sizeof *slots, name, value))
            return incomplete(sigv4, SPAN("Authorization header names a parameter twice."));
    }
    const struct fields *fields = sigv4->request->fields;
    parts->date = fields_get(fields, SPAN("x-amz-date"));
    if (parts->date.at == NULL)
        parts->date = fields_get(fields, SPAN("date"));
    parts->token = fields_get(fields, SPAN("x-amz-security-token"));
    if (is_in_list(parts->signed_fields, SPAN("x-amz-region-set"))) /* else it is nobody's word */
        parts->region_set = fields_get(fields, SPAN("x-amz-region-set"));
    return SIGV4_GOOD;
}

/* One field of each, or nobody can say which one was signed. */
static bool is_ambiguous(const struct fields *fields)
{
    static const char *const names[] = {"authorization", "x-amz-date", "x-amz-security-token",
                                        "x-amz-content-sha256", "x-amz-region-set"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (fields_count(fields, span_text(names[i])) > 1)
            return true;
    return false;
}

/* --- the query ------------------------------------------------------------------------------- */

/* Without its escapes; at == NULL: one is broken. */
static struct span decoded(struct span text, struct arena *arena)
{
    char *to = arena_text(arena, text.len + 1);
    size_t len = 0;
    if (to == NULL || !percent_read(text, false, to, text.len, &len))
        return (struct span){0};
    return span_make(to, len);
}

static enum sigv4_answer query_read(struct sigv4 *sigv4, struct parts *parts)
{
    const struct slot slots[] = {{"X-Amz-Algorithm", &parts->algorithm},
                                 {"X-Amz-Credential", &parts->credential},
                                 {"X-Amz-SignedHeaders", &parts->signed_fields},
                                 {"X-Amz-Signature", &parts->signature},
                                 {"X-Amz-Date", &parts->date},
                                 {"X-Amz-Expires", &parts->expires},
                                 {"X-Amz-Security-Token", &parts->token},
                                 {"X-Amz-Region-Set", &parts->region_set}};
    struct span rest = sigv4->request->query;
    while (rest.at != NULL) {
        struct span value = span_cut(&rest, '&');
        struct span name = span_cut(&value, '=');
        if (!span_starts(name, SPAN("X-Amz-")))
            continue;
        value = decoded(value, sigv4->arena);
        if (value.at == NULL)
            return incomplete(sigv4, SPAN("A parameter of the signature has a broken escape."));
        if (!slot_fill(slots, sizeof slots / sizeof *slots, name, value))
            return incomplete(sigv4, SPAN("A parameter of the signature is there twice."));
    }
    return SIGV4_GOOD;
}

/* --- both ------------------------------------------------------------------------------------ */

static enum sigv4_answer parts_check(struct sigv4 *sigv4, const struct parts *parts)
{
    bool by_query = sigv4->claim.by_query;
    const char *where =
        by_query ? "AWS query-string parameters must include" : "Authorization header requires";
    const char *before = by_query ? "X-Amz-" : "";
    const struct {
        const char *name;
        bool missing;
    } needed[] = {{"Credential", parts->credential.at == NULL},
                  {"Signature", parts->signature.at == NULL},
                  {"SignedHeaders", parts->signed_fields.at == NULL}};
    struct span message = SPAN("");
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++)
        if (needed[i].missing)
            message = arena_format(sigv4->arena, SPAN_FORMAT "%s%s '%s%s'%s.", span_arg(message),
                                   message.len > 0 ? " " : "", where, before, needed[i].name,
                                   by_query ? "" : " parameter");
    if (parts->date.at == NULL)
        message = arena_format(sigv4->arena,
                               SPAN_FORMAT "%s%s existence of either a 'X-Amz-Date' or a 'Date' "
                                           "header.",
                               span_arg(message), message.len > 0 ? " " : "", where);
    return message.len > 0 ? incomplete(sigv4, message) : SIGV4_GOOD;
}

/* "20150830T123600Z" */
static bool date_read(struct span text, uint64_t *us)
{
    if (text.len != DATE_TEXT || text.at[DAY_TEXT] != 'T' || text.at[DATE_TEXT - 1] != 'Z')
        return false;
    char day[] = "yyyy-mm-dd";
    memcpy(day, text.at, 4);
    memcpy(day + 5, text.at + 4, 2);
    memcpy(day + 8, text.at + 6, 2);
    uint64_t seconds, hour, minute, second;
    if (!date_parse(span_text(day), &seconds) || !number_parse(span_make(text.at + 9, 2), &hour) ||
        hour > 23 || !number_parse(span_make(text.at + 11, 2), &minute) || minute > 59 ||
        !number_parse(span_make(text.at + 13, 2), &second) || second > 59)
        return false;
    *us = (seconds + (hour * 60 + minute) * 60 + second) * SECOND_US;
    return true;
}

/* The Date field as HTTP has it; what is signed is the other spelling. */
static bool date_of_http(struct span text, struct arena *arena, struct span *date, uint64_t *us)
{
    uint64_t seconds;
    if (!date_parse_http(text, &seconds))
        return false;
    *us = seconds * SECOND_US;
    *date = sigv4_basic_date(arena, *us);
    return true;
}

/* keyid/day/region/service/aws4_request; version 4a has no region. */
static bool credential_read(struct span credential, struct sigv4_claim *claim)
{
    struct span rest = credential;
    claim->key_id = span_cut(&rest, '/');
    claim->scope = rest;
    claim->day = span_cut(&rest, '/');
    claim->region = claim->elliptic ? (struct span){0} : span_cut(&rest, '/');
    claim->service = span_cut(&rest, '/');
    return claim->key_id.len > 0 && claim->service.at != NULL &&
           span_is(rest, SPAN("aws4_request"));
}

static bool expires_read(struct span text, uint64_t *us)
{
    uint64_t seconds;
    if (!number_parse(text, &seconds) || seconds == 0 || seconds > EXPIRES_MOST_S)
        return false;
    *us = seconds * SECOND_US;
    return true;
}

static bool algorithm_read(struct span name, bool *elliptic)
{
    *elliptic = span_is(name, SPAN("AWS4-ECDSA-P256-SHA256"));
    return *elliptic || span_is(name, SPAN("AWS4-HMAC-SHA256"));
}

static void payload_read(struct sigv4_claim *claim, const struct fields *fields)
{
    claim->payload = fields_get(fields, SPAN("x-amz-content-sha256"));
    if (span_is(claim->payload, SPAN("UNSIGNED-PAYLOAD")))
        claim->payload_kind = SIGV4_UNSIGNED;
    else if (span_is(claim->payload, SPAN("STREAMING-AWS4-HMAC-SHA256-PAYLOAD")))
        claim->payload_kind = SIGV4_CHUNKED;
    else if (span_is(claim->payload, SPAN("STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER")))
        claim->payload_kind = SIGV4_CHUNKED_TRAILER;
}

static enum sigv4_answer claim_fill(struct sigv4 *sigv4, const struct parts *parts)
{
    struct sigv4_claim *claim = &sigv4->claim;
    if (!algorithm_read(parts->algorithm, &claim->elliptic) ||
        (claim->elliptic && !sigv4->rules->elliptic))
        return incomplete(sigv4, arena_format(sigv4->arena,
                                              "Unsupported AWS 'algorithm': '" SPAN_FORMAT "'.",
                                              span_arg(parts->algorithm)));
    if (!credential_read(parts->credential, claim))
        return incomplete(sigv4,
                          arena_format(sigv4->arena,
                                       "Credential must have exactly %d slash-delimited elements, "
                                       "e.g. %s, got '" SPAN_FORMAT "'",
                                       claim->elliptic ? 4 : 5,
                                       claim->elliptic ? "keyid/date/service/term"
                                                       : "keyid/date/region/service/term",
                                       span_arg(parts->credential)));
    if (!date_read(parts->date, &claim->date_us) &&
        !date_of_http(parts->date, sigv4->arena, &claim->date, &claim->date_us))
        return incomplete(sigv4,
                          arena_format(sigv4->arena,
                                       "Date must be in ISO-8601 'basic format'. Got '" SPAN_FORMAT
                                       "'. See http://en.wikipedia.org/wiki/ISO_8601",
                                       span_arg(parts->date)));
    if (claim->by_query && !expires_read(parts->expires, &claim->expires_us))
        return incomplete(sigv4,
                          SPAN("X-Amz-Expires must be a number of seconds from 1 to 604800."));
    if (claim->date.at == NULL)
        claim->date = parts->date;
    claim->signed_fields = parts->signed_fields;
    claim->signature = parts->signature;
    claim->token = parts->token;
    claim->region_set = parts->region_set;
    payload_read(claim, sigv4->request->fields);
    return SIGV4_GOOD;
}

static bool query_is_signed(struct span query)
{
    while (query.at != NULL) {
        struct span value = span_cut(&query, '&');
        if (span_is(span_cut(&value, '='), SPAN("X-Amz-Algorithm")))
            return true;
    }
    return false;
}

enum sigv4_answer sigv4_read(struct sigv4 *sigv4)
{
    const struct fields *fields = sigv4->request->fields;
    struct span field = fields_get(fields, SPAN("authorization"));
    struct parts parts = {0};
    sigv4->claim = (struct sigv4_claim){.by_query = query_is_signed(sigv4->request->query)};
    sigv4->message = SPAN("");
    if (field.len == 0 && !sigv4->claim.by_query) {
        sigv4->message = SPAN("Missing Authentication Token");
        return SIGV4_ABSENT;
    }
    if (field.len > 0 && sigv4->claim.by_query)
        return incomplete(sigv4, SPAN("Only one of the Authorization header and the query-string "
                                      "parameters may carry a signature."));
    if (is_ambiguous(fields))
        return incomplete(sigv4, SPAN("A header of the signature is there twice."));
    enum sigv4_answer answer =
        sigv4->claim.by_query ? query_read(sigv4, &parts) : field_read(sigv4, field, &parts);
    if (answer == SIGV4_GOOD)
        answer = parts_check(sigv4, &parts);
    return answer == SIGV4_GOOD ? claim_fill(sigv4, &parts) : answer;
}
