/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/config/aws_keys.h"

#include <stdio.h>
#include <stdlib.h>

#include "rules/base/map.h"
#include "rules/base/must.h"
#include "rules/base/siphash.h"
#include "sidecar/config/document.h"
#include "sidecar/config/private_file.h"
#include "sidecar/guard/arn.h"

enum {
    FILE_BYTES = 16 << 20,
    ARENA_BYTES = 64 << 20,
    HINT_BYTES = 160,
    OWN_KEYS = 5, /* condition keys that follow from the principal */
    CONTEXT = 3,
};

struct aws_keys {
    struct arena *arena;  /* texts and lists, no secret */
    struct map *by_id;    /* of struct aws_key; NULL: no file is named */
    struct policy **read; /* every policy, to be freed */
    size_t read_count, read_room;
    uint64_t hash;
};

struct key_reading {
    struct aws_keys *keys;
    struct faults *faults;
    const struct node *node; /* the key's map */
    struct aws_key *to;
    struct pair *condition_keys; /* room for all */
};

static struct span keep(struct key_reading *reading, struct span text)
{
    return span_text(arena_string(reading->keys->arena, text));
}

static void refuse(struct key_reading *reading, const struct node *at, const char *hint,
                   const char *message)
{
    fault_add(reading->faults, FAULT_ERROR, at->place, span_text(hint), "keys.%s: %s",
              reading->node->key.at, message);
}

/* --- its policies ---------------------------------------------------------------------------- */

static struct policy *policy_take(struct key_reading *reading, const struct node *node,
                                  enum policy_kind kind)
{
    struct aws_keys *keys = reading->keys;
    char path[4096], why[160];
    struct buf text;
    struct policy *policy = NULL;
    bool absolute = node->text.len > 0 && node->text.at[0] == '/';
    int len = snprintf(path, sizeof path, "%s%s" SPAN_FORMAT, absolute ? "" : node->folder,
                       absolute ? "" : "/", span_arg(node->text));
    buf_init(&text, POLICY_BYTES_MOST + 1);
    if (len < 0 || (size_t)len >= sizeof path)
        refuse(reading, node, "", "the file's name is too long");
    else if (!private_file_read(path, &text, why, sizeof why))
        fault_add(reading->faults, FAULT_ERROR, node->place, SPAN(""), "keys.%s: '%s': %s",
                  reading->node->key.at, path, why);
    else
        policy = policy_read(buf_span(&text), kind, path, reading->faults);
    siphash_add(&keys->hash, buf_span(&text));
    buf_fini(&text);
    if (policy != NULL && keys->read_count == keys->read_room) {
        keys->read_room = keys->read_room * 2 + 16;
        keys->read = must_realloc(keys->read, keys->read_room * sizeof(struct policy *));
    }
    if (policy != NULL)
        keys->read[keys->read_count++] = policy;
    return policy;
}

/* One name, or a list of them. */
static const struct policy *const *policies_take(struct key_reading *reading,
                                                 const struct node *node, enum policy_kind kind,
                                                 size_t *count)
{
    const struct node *first = node->kind == NODE_LIST ? node->first : node;
    const struct policy **list =
        arena_alloc(reading->keys->arena, (node->count + 1) * sizeof(struct policy *));
    for (const struct node *at = first; at != NULL && list != NULL; at = at->next) {
        if (at->kind != NODE_SCALAR || at->text.len == 0) {
            refuse(reading, at, "alice.json", "expected the name of a file with an IAM policy");
            continue;
        }
        const struct policy *policy = policy_take(reading, at, kind);
        if (policy != NULL)
            list[(*count)++] = policy;
        if (node->kind != NODE_LIST)
            break;
    }
    return list;
}

static void identity_read(struct key_reading *reading, const struct node *node)
{
    struct policies *to = &reading->to->policies;
    to->identity = policies_take(reading, node, POLICY_IDENTITY, &to->identity_count);
}

static void session_read(struct key_reading *reading, const struct node *node)
{
    struct policies *to = &reading->to->policies;
    to->session = policies_take(reading, node, POLICY_SESSION, &to->session_count);
}

static void boundary_read(struct key_reading *reading, const struct node *node)
{
    reading->to->policies.boundary = policy_take(reading, node, POLICY_BOUNDARY);
}

/* --- who that is ----------------------------------------------------------------------------- */

static void add_condition_key(struct key_reading *reading, struct span name, struct span value)
{
    struct aws_key *to = reading->to;
    reading->condition_keys[to->condition_key_count++] = (struct pair){name, value};
}

static struct span behind_slash(struct span path, bool last)
{
    size_t slash = last ? span_find_last_byte(path, '/') : span_find_byte(path, '/');
    return slash == SPAN_NONE ? SPAN("") : span_from(path, slash + 1);
}

struct identity {                          /* what an ARN says */
    struct span account, type, user, role; /* user, role: empty where there is none */
};

/* arn:aws:iam::ACCOUNT:user/PATH/NAME, :root, arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION or
 * :federated-user/NAME. */
static bool identity_of(struct span arn, struct identity *to)
{
    struct span parts[ARN_PARTS];
    if (!arn_split(arn, parts) || parts[4].len != 12)
        return false;
    bool iam = span_is(parts[2], SPAN("iam")), sts = span_is(parts[2], SPAN("sts"));
    struct span what = parts[5];
    *to = (struct identity){.account = parts[4]};
    for (size_t i = 0; i < parts[4].len; i++)
        if (!byte_is_digit(parts[4].at[i]))
            return false;
    if (iam && span_is(what, SPAN("root"))) {
        to->type = SPAN("Account");
        return true;
    }
    if (iam && span_starts(what, SPAN("user/"))) {
        to->type = SPAN("User");
        to->user = behind_slash(what, true);
        return to->user.len > 0;
    }
    if (sts && span_starts(what, SPAN("federated-user/"))) {
        to->type = SPAN("FederatedUser");
        return behind_slash(what, true).len > 0;
    }
    struct span rest = behind_slash(what, false);
    to->type = SPAN("AssumedRole");
    to->role = span_cut(&rest, '/');
    return sts && span_starts(what, SPAN("assumed-role/")) && to->role.len > 0 && rest.len > 0;
}

static void principal_read(struct key_reading *reading, const struct node *node)
{
    struct aws_key *to = reading->to;
    struct identity identity;
    struct arena *arena = reading->keys->arena;
    struct span arn = keep(reading, node->text);
    if (arn.at == NULL || !identity_of(arn, &identity)) {
        refuse(
            reading, node, "arn:aws:iam::123456789012:user/alice",
            "principal: expected the ARN of a user, of the root, of an assumed role's session or "
            "of a federated user");
        return;
    }
    to->principal =
        (struct principal){.kind = PRINCIPAL_AWS, .arn = arn, .account = identity.account};
    struct span parts[ARN_PARTS];
    must(arn_split(arn, parts));
    struct span of = arn; /* of a session: its role's */
    if (identity.role.len > 0)
        of = arena_format(arena, "arn:" SPAN_FORMAT ":iam::" SPAN_FORMAT ":role/" SPAN_FORMAT,
                          span_arg(parts[1]), span_arg(identity.account), span_arg(identity.role));
    add_condition_key(reading, SPAN("aws:PrincipalArn"), of);
    add_condition_key(reading, SPAN("aws:PrincipalAccount"), identity.account);
    add_condition_key(reading, SPAN("aws:PrincipalType"), identity.type);
    if (identity.user.len > 0)
        add_condition_key(reading, SPAN("aws:username"), identity.user);
    struct pair *context = arena_alloc(arena, CONTEXT * sizeof *context);
    if (context == NULL)
        return; /* a full arena is said at the end */
    context[0] = (struct pair){SPAN("userArn"), arn};
    context[1] = (struct pair){SPAN("accountId"), identity.account};
    context[2] = (struct pair){SPAN("accessKey"), keep(reading, reading->node->key)};
    to->context = context;
    to->context_count = CONTEXT;
}

static void user_id_read(struct key_reading *reading, const struct node *node)
{
    add_condition_key(reading, SPAN("aws:userid"), keep(reading, node->text));
}

/* From the principal, or from each request. */
static bool follows_anyway(struct span key)
{
    static const struct span known[] = {
        SPAN_INIT("aws:PrincipalArn"),    SPAN_INIT("aws:PrincipalAccount"),
        SPAN_INIT("aws:PrincipalType"),   SPAN_INIT("aws:userid"),
        SPAN_INIT("aws:username"),        SPAN_INIT("aws:SourceIp"),
        SPAN_INIT("aws:SecureTransport"), SPAN_INIT("aws:UserAgent"),
        SPAN_INIT("aws:Referer"),         SPAN_INIT("aws:CurrentTime"),
        SPAN_INIT("aws:EpochTime"),
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (span_is_nocase(key, known[i]))
            return true;
    return false;
}

static void pairs_read(struct key_reading *reading, const struct node *map, const char *before)
{
    for (const struct node *at = map->first; at != NULL; at = at->next) {
        bool is_own = follows_anyway(at->key);
        if (at->kind != NODE_SCALAR || at->key.len == 0)
            refuse(reading, at, "", "expected one value behind each name");
        else if (*before == '\0' && (is_own || !span_starts_nocase(at->key, SPAN("aws:"))))
            refuse(reading, at, "aws:PrincipalOrgID",
                   "condition_keys: expected keys that begin with aws: and do not follow from the "
                   "principal or the request");
        else
            add_condition_key(
                reading,
                arena_format(reading->keys->arena, "%s" SPAN_FORMAT, before, span_arg(at->key)),
                keep(reading, at->text));
    }
}

static void tags_read(struct key_reading *reading, const struct node *node)
{
    pairs_read(reading, node, "aws:PrincipalTag/");
}

static void condition_keys_read(struct key_reading *reading, const struct node *node)
{
    pairs_read(reading, node, "");
}

/* --- a key ----------------------------------------------------------------------------------- */

static void secret_read(struct key_reading *reading, const struct node *node)
{
    const struct node *token = tree_find(reading->node, SPAN("session_token"));
    reading->to->key =
        sigv4_key_new(reading->node->key, node->text, token != NULL ? token->text : SPAN(""));
    if (reading->to->key == NULL)
        refuse(reading, node, "", "the id is longer than 128 bytes, or the secret than 512");
}

static void nothing_read(struct key_reading *reading, const struct node *node)
{
    (void)reading; /* it went with the secret */
    (void)node;
}

static const struct member {
    const char *name;
    bool is_needed;
    enum node_kind kind;
    bool one_will_do; /* one text instead of a list of them */
    void (*read)(struct key_reading *reading, const struct node *node);
} members[] = {
    {"secret", true, NODE_SCALAR, false, secret_read},
    {"session_token", false, NODE_SCALAR, false, nothing_read},
    {"principal", true, NODE_SCALAR, false, principal_read},
    {"user_id", false, NODE_SCALAR, false, user_id_read},
    {"policies", false, NODE_LIST, true, identity_read},
    {"boundary", false, NODE_SCALAR, false, boundary_read},
    {"session_policies", false, NODE_LIST, true, session_read},
    {"tags", false, NODE_MAP, false, tags_read},
    {"condition_keys", false, NODE_MAP, false, condition_keys_read},
};
enum { MEMBERS = sizeof members / sizeof *members };

static const struct member *member_find(struct span name)
{
    for (size_t i = 0; i < MEMBERS; i++)
        if (span_is(name, span_text(members[i].name)))
            return &members[i];
    return NULL;
}

static void refuse_member(struct key_reading *reading, const struct node *node)
{
    const char *names[MEMBERS];
    char hint[HINT_BYTES];
    for (size_t i = 0; i < MEMBERS; i++)
        names[i] = members[i].name;
    fault_add(reading->faults, FAULT_ERROR, node->key_place,
              nearest_hint(node->key, names, MEMBERS, hint, sizeof hint),
              "keys.%s: unknown key '%s'", reading->node->key.at, node->key.at);
}

static void member_read(struct key_reading *reading, const struct node *node)
{
    static const char *const kinds[] = {
        [NODE_SCALAR] = "one text", [NODE_LIST] = "a list of files", [NODE_MAP] = "a map of texts"};
    const struct member *member = member_find(node->key);
    if (member == NULL) {
        refuse_member(reading, node);
        return;
    }
    bool fits = node->kind == member->kind || (member->one_will_do && node->kind == NODE_SCALAR);
    if (fits && (node->kind != NODE_SCALAR || node->text.len > 0))
        member->read(reading, node);
    else
        fault_add(reading->faults, FAULT_ERROR, node->place, SPAN(""), "keys.%s.%s: expected %s",
                  reading->node->key.at, member->name, kinds[member->kind]);
}

/* How many condition keys there may be. */
static size_t room_for(const struct node *node)
{
    const struct node *tags = tree_find(node, SPAN("tags"));
    const struct node *keys = tree_find(node, SPAN("condition_keys"));
    return OWN_KEYS + (tags != NULL ? tags->count : 0) + (keys != NULL ? keys->count : 0);
}

/* A key that nothing allows may do nothing: whoever wrote it meant something else. */
static void warn_of_idleness(struct key_reading *reading, const struct settings *settings)
{
    struct span api[ARN_PARTS], account = reading->to->principal.account;
    if (settings->policies.resource.at != NULL)
        return;
    if (reading->to->policies.identity_count == 0)
        fault_add(reading->faults, FAULT_WARNING, reading->node->key_place,
                  SPAN("add policies: [FILE], or policies.resource to the configuration"),
                  "keys.%s: no policy allows it anything", reading->node->key.at);
    else if (account.len > 0 && arn_split(settings->policies.api, api) && !span_is(api[4], account))
        fault_add(reading->faults, FAULT_WARNING, reading->node->key_place,
                  SPAN("set policies.api to the API's ARN, or let policies.resource allow it"),
                  "keys.%s: it is of account " SPAN_FORMAT ", the API of " SPAN_FORMAT
                  ", and no resource policy allows it anything",
                  reading->node->key.at, span_arg(account), span_arg(api[4]));
}

static void key_read(struct aws_keys *keys, const struct settings *settings,
                     const struct node *node, struct faults *faults)
{
    struct key_reading reading = {.keys = keys, .faults = faults, .node = node};
    reading.to = arena_alloc(keys->arena, sizeof *reading.to);
    reading.condition_keys = arena_alloc(keys->arena, room_for(node) * sizeof(struct pair));
    if (reading.to == NULL || reading.condition_keys == NULL)
        return;
    if (node->kind != NODE_MAP) {
        refuse(&reading, node, "", "expected a map with secret and principal");
        return;
    }
    for (const struct node *at = node->first; at != NULL; at = at->next)
        member_read(&reading, at);
    for (size_t i = 0; i < MEMBERS; i++)
        if (members[i].is_needed && tree_find(node, span_text(members[i].name)) == NULL)
            fault_add(faults, FAULT_ERROR, node->place, SPAN(""), "keys.%s: '%s' is missing",
                      node->key.at, members[i].name);
    reading.to->condition_keys = reading.condition_keys;
    warn_of_idleness(&reading, settings);
    if (reading.to->key != NULL)
        map_set(keys->by_id, node->key, reading.to);
}

/* --- the file -------------------------------------------------------------------------------- */

/* The tree's texts go before its memory does. */
static void wipe(const struct node *node)
{
    span_wipe(node->text);
    for (const struct node *at = node->first; at != NULL; at = at->next)
        wipe(at);
}

static void tree_read(struct aws_keys *keys, const struct settings *settings,
                      const struct node *root, struct faults *faults)
{
    const struct node *list = tree_find(root, SPAN("keys"));
    if (list == NULL || list->kind != NODE_MAP) {
        fault_add(faults, FAULT_ERROR, root->place, SPAN("keys: { ID: { secret: ... } }"),
                  "expected 'keys', a map of access keys by their ids");
        return;
    }
    for (const struct node *at = root->first; at != NULL; at = at->next)
        if (at != list)
            fault_add(faults, FAULT_ERROR, at->key_place, SPAN("keys"), "unknown key '%s'",
                      at->key.at);
    for (const struct node *at = list->first; at != NULL; at = at->next)
        key_read(keys, settings, at, faults);
}

static void text_read(struct aws_keys *keys, const struct settings *settings, struct span text,
                      struct faults *faults)
{
    const char *file = settings->aws_keys.file.at;
    size_t slash = span_find_last_byte(settings->aws_keys.file, '/');
    struct arena *arena = arena_new(NULL, ARENA_BYTES);
    must(arena != NULL);
    struct document document = {
        .arena = arena,
        .faults = faults,
        .file = file,
        .folder = arena_string(arena,
                               span_first(settings->aws_keys.file, slash == SPAN_NONE ? 0 : slash)),
        .has_lines = true,
    };
    struct node *root = document_parse(&document, text);
    if (root != NULL) {
        tree_read(keys, settings, root, faults);
        wipe(root);
    }
    arena_free(arena);
}

static void file_load(struct aws_keys *keys, const struct settings *settings, struct faults *faults)
{
    char why[160];
    struct buf text;
    buf_init(&text, FILE_BYTES);
    keys->by_id = map_new(keys->arena, false);
    must(keys->by_id != NULL);
    siphash_add(&keys->hash, settings->aws_keys.file);
    if (secret_file_read(settings->aws_keys.file.at, &text, why, sizeof why))
        text_read(keys, settings, buf_span(&text), faults);
    else
        fault_add(faults, FAULT_ERROR, settings->aws_keys.place, SPAN(""),
                  "aws_keys.file: '" SPAN_FORMAT "': %s", span_arg(settings->aws_keys.file), why);
    siphash_add(&keys->hash, buf_span(&text));
    buf_wipe(&text);
    if (arena_is_full(keys->arena))
        fault_add(faults, FAULT_ERROR, settings->aws_keys.place, SPAN(""),
                  "aws_keys.file: there are too many keys");
}

struct aws_keys *aws_keys_new(const struct settings *settings, struct faults *faults)
{
    size_t errors = faults_count(faults, FAULT_ERROR);
    struct aws_keys *keys = must_alloc(sizeof *keys);
    keys->arena = arena_new(NULL, ARENA_BYTES);
    must(keys->arena != NULL);
    if (settings->aws_keys.file.at != NULL)
        file_load(keys, settings, faults);
    if (faults_count(faults, FAULT_ERROR) == errors)
        return keys;
    aws_keys_free(keys);
    return NULL;
}

void aws_keys_free(struct aws_keys *keys)
{
    if (keys == NULL)
        return;
    struct span id;
    void *value;
    size_t cursor = 0;
    while (keys->by_id != NULL && map_next(keys->by_id, &cursor, &id, &value)) {
        struct aws_key *key = value;
        sigv4_key_free(key->key);
    }
    for (size_t i = 0; i < keys->read_count; i++)
        policy_free(keys->read[i]);
    free(keys->read);
    arena_free(keys->arena);
    free(keys);
}

const struct aws_key *aws_keys_find(const struct aws_keys *keys, struct span id)
{
    return keys->by_id != NULL ? map_find(keys->by_id, id) : NULL;
}

uint64_t aws_keys_hash(const struct aws_keys *keys)
{
    return keys->hash;
}
