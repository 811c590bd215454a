/* SPDX-License-Identifier: Apache-2.0 */
/* A row for each kind of custom key. */
#include "rules/base/siphash.h"
#include "sidecar/guard/web_acl_reader.h"

enum { NAME_BYTES = 64, TEXT_BYTES = 1024, WINDOW_S = 300, RATE_WCU = 2, KEY_WCU = 30 };

/* ---- custom keys ---- */

static void read_nothing(struct web_acl_reader *r, const json_t *value, struct web_acl_key *key)
{
    (void)key;
    if (!json_is_object(value) || json_object_size(value) > 0)
        reader_refuse(r, SPAN(""), "expected {}");
}

static void read_named(struct web_acl_reader *r, const json_t *value, struct web_acl_key *key)
{
    if (!READER_MEMBERS(r, value, "Name", "TextTransformations"))
        return;
    key->name = reader_text(r, value, "Name", true);
    if (key->name.at != NULL && (key->name.len == 0 || key->name.len > NAME_BYTES))
        reader_refuse(r, SPAN(""), "'Name' has 1 to 64 bytes");
    reader_transforms(r, value, &key->transforms, &key->transform_count);
}

static void read_text(struct web_acl_reader *r, const json_t *value, struct web_acl_key *key)
{
    if (READER_MEMBERS(r, value, "TextTransformations"))
        reader_transforms(r, value, &key->transforms, &key->transform_count);
}

static void read_labels(struct web_acl_reader *r, const json_t *value, struct web_acl_key *key)
{
    if (!READER_MEMBERS(r, value, "Namespace"))
        return;
    struct span space = reader_text(r, value, "Namespace", true);
    if (space.at == NULL)
        return;
    if (!span_ends(space, SPAN(":")))
        reader_refuse(r, SPAN(""), "a Namespace ends with a colon");
    key->name = reader_label(r, space);
}

static void read_number(struct web_acl_reader *r, const json_t *value, struct web_acl_key *key)
{
    read_nothing(r, value, key);
    reader_refuse_blind(r, r->names->has_asns, "geo: { asn_db: FILE }");
}

static const struct key_row {
    const char *member;
    enum web_acl_key_kind kind;
    void (*read)(struct web_acl_reader *r, const json_t *value, struct web_acl_key *key);
} rows[] = {
    {"Header", KEY_HEADER, read_named},
    {"Cookie", KEY_COOKIE, read_named},
    {"QueryArgument", KEY_ARGUMENT, read_named},
    {"QueryString", KEY_QUERY_STRING, read_text},
    {"UriPath", KEY_URI_PATH, read_text},
    {"HTTPMethod", KEY_METHOD, read_nothing},
    {"IP", KEY_IP, read_nothing},
    {"ForwardedIP", KEY_FORWARDED_IP, read_nothing},
    {"LabelNamespace", KEY_LABELS, read_labels},
    {"ASN", KEY_ASN, read_number},
};
enum { ROWS = sizeof rows / sizeof *rows };

static const struct key_row *find_row(struct web_acl_reader *r, const char *member)
{
    const char *names[ROWS];
    for (size_t i = 0; i < ROWS; i++) {
        names[i] = rows[i].member;
        if (strcmp(member, names[i]) == 0)
            return &rows[i];
    }
    if (strcmp(member, "JA3Fingerprint") == 0 || strcmp(member, "JA4Fingerprint") == 0)
        reader_refuse(r, SPAN("count by something else"),
                      "%s: fingerprints of TLS clients are not taken here", member);
    else
        reader_refuse_word(r, span_text(member), names, ROWS, "custom key");
    return NULL;
}

static void read_custom(struct web_acl_reader *r, const json_t *item, struct web_acl_key *key)
{
    union { /* jansson's iterators want no const; nothing is changed */
        const json_t *in;
        json_t *out;
    } object = {item};
    if (json_object_size(item) != 1) {
        reader_refuse(r, SPAN("{\"HTTPMethod\": {}}"), "expected an object with exactly one key");
        return;
    }
    void *only = json_object_iter(object.out);
    const struct key_row *row = find_row(r, json_object_iter_key(only));
    if (row == NULL)
        return;
    size_t mark = reader_enter(r, row->member);
    key->kind = row->kind;
    row->read(r, json_object_iter_value(only), key);
    reader_leave(r, mark);
}

static void read_customs(struct web_acl_reader *r, const json_t *value, struct web_acl_rate *rate)
{
    const json_t *list = reader_list(r, value, "CustomKeys", true, 1);
    size_t count = json_array_size(list), mark = reader_enter(r, "CustomKeys");
    if (count > WEB_ACL_KEYS)
        reader_refuse(r, SPAN(""), "at most 5 of them");
    for (size_t i = 0; i < count && i < WEB_ACL_KEYS; i++) {
        size_t item = reader_enter_item(r, i);
        read_custom(r, json_array_get(list, i), &rate->keys[rate->key_count++]);
        reader_leave(r, item);
    }
    if (count == 1 && json_object_get(json_array_get(list, 0), "IP") != NULL)
        reader_refuse(r, SPAN("\"AggregateKeyType\": \"IP\""), "IP does not stand alone");
    if (count == 1 && json_object_get(json_array_get(list, 0), "ForwardedIP") != NULL)
        reader_refuse(r, SPAN("\"AggregateKeyType\": \"FORWARDED_IP\""),
                      "ForwardedIP does not stand alone");
    reader_leave(r, mark);
}

/* ---- what is counted together ---- */

static bool asks_forwarded(const struct web_acl_rate *rate)
{
    for (size_t i = 0; i < rate->key_count; i++)
        if (rate->keys[i].kind == KEY_FORWARDED_IP)
            return true;
    return false;
}

static void read_keys(struct web_acl_reader *r, const json_t *value, struct web_acl_rate *rate,
                      struct web_acl_statement *to)
{
    enum { BY_IP, BY_FORWARDED_IP, BY_KEYS, BY_NOTHING };
    static const char *const words[] = {"IP", "FORWARDED_IP", "CUSTOM_KEYS", "CONSTANT"};
    size_t by = reader_word(r, value, "AggregateKeyType", true, words, 4);
    if (by == BY_KEYS)
        read_customs(r, value, rate);
    else if (by != SPAN_NONE && json_object_get(value, "CustomKeys") != NULL)
        reader_refuse(r, SPAN("\"AggregateKeyType\": \"CUSTOM_KEYS\""),
                      "'CustomKeys' does not belong to %s", words[by]);
    if (by == BY_IP || by == BY_FORWARDED_IP)
        rate->keys[rate->key_count++].kind = by == BY_IP ? KEY_IP : KEY_FORWARDED_IP;
    if (by == BY_NOTHING && json_object_get(value, "ScopeDownStatement") == NULL)
        reader_refuse(r, SPAN(""), "'ScopeDownStatement' is missing: CONSTANT counts all together");
    if (asks_forwarded(rate) && json_object_get(value, "ForwardedIPConfig") == NULL)
        reader_refuse(r, SPAN("{\"HeaderName\": \"X-Forwarded-For\", ..}"),
                      "'ForwardedIPConfig' is missing");
    reader_forwarded(r, value, "ForwardedIPConfig", false, &to->forwarded);
}

static void read_window(struct web_acl_reader *r, const json_t *value, struct web_acl_rate *rate)
{
    static const uint64_t windows[] = {60, 120, 300, 600};
    bool fits = false;
    rate->window_s = WINDOW_S;
    if (!reader_number(r, value, "EvaluationWindowSec", false, (struct reader_range){60, 600},
                       &rate->window_s))
        return;
    for (size_t i = 0; i < sizeof windows / sizeof *windows; i++)
        fits |= rate->window_s == windows[i];
    size_t mark = reader_enter(r, "EvaluationWindowSec");
    if (!fits)
        reader_refuse(r, SPAN(""), "expected 60, 120, 300 or 600");
    reader_leave(r, mark);
}

/* ---- the statement ---- */

static void say_keys(const struct web_acl_rate *rate, bool custom, struct buf *to)
{
    for (size_t i = 0; i < rate->key_count; i++) {
        size_t row = 0;
        while (rows[row].kind != rate->keys[i].kind)
            row++;
        buf_format(to, "%s%s", i > 0 ? ", " : " by ", custom ? rows[row].member : "");
        if (!custom)
            buf_add(to, rate->keys[i].kind == KEY_IP ? SPAN("IP") : SPAN("FORWARDED_IP"));
        if (rate->keys[i].name.len > 0)
            buf_format(to, " " SPAN_FORMAT, span_arg(rate->keys[i].name));
    }
}

static struct span say(struct web_acl_reader *r, const struct web_acl_rate *rate, bool custom)
{
    struct buf text;
    buf_init(&text, TEXT_BYTES);
    buf_format(&text, SPAN_FORMAT ": over %llu in %llu s", span_arg(r->rule),
               (unsigned long long)rate->limit, (unsigned long long)rate->window_s);
    say_keys(rate, custom, &text);
    struct span said = arena_copy(r->arena, buf_span(&text));
    buf_fini(&text);
    return said;
}

/* Any change to the statement begins a new count, as with AWS; what else the rule says does not. */
static uint64_t hash_of(const struct web_acl_reader *r, const json_t *value)
{
    uint64_t hash = 0;
    char *text = json_dumps(value, JSON_SORT_KEYS | JSON_COMPACT);
    siphash_add(&hash, r->acl->name);
    siphash_add(&hash, r->rule);
    siphash_add(&hash, span_text(text));
    free(text);
    return hash;
}

unsigned reader_rate(struct web_acl_reader *r, const json_t *value, struct web_acl_statement *to)
{
    struct web_acl_rate *rate = arena_alloc(r->arena, sizeof *rate);
    if (!READER_MEMBERS(r, value, "Limit", "EvaluationWindowSec", "AggregateKeyType",
                        "ScopeDownStatement", "ForwardedIPConfig", "CustomKeys") ||
        rate == NULL)
        return 0;
    reader_number(r, value, "Limit", true, (struct reader_range){10, 2000000000}, &rate->limit);
    read_window(r, value, rate);
    read_keys(r, value, rate, to);
    unsigned units = RATE_WCU + reader_scope_down(r, value, to);
    bool custom = json_object_get(value, "CustomKeys") != NULL;
    rate->said = say(r, rate, custom);
    rate->hash = hash_of(r, value);
    rate->next = r->acl->rates;
    r->acl->rates = rate;
    to->kind = KIND_RATE;
    to->rate = rate;
    return units + (custom ? KEY_WCU * (unsigned)rate->key_count : 0);
}
