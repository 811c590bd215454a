/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/config/api_key_file.h"

#include "rules/base/encode.h"
#include "rules/base/map.h"
#include "rules/base/must.h"
#include "sidecar/config/document.h"
#include "sidecar/config/private_file.h"
#include "sidecar/config/yaml_text.h"
#include "sidecar/guard/api_key.h"

enum { TREE_BYTES = 1 << 30, HINT_BYTES = 160, WHY_BYTES = 160, TEXT_MOST = 1024 };

static bool refuse(struct faults *faults, const struct node *at, const char *hint,
                   const char *message)
{
    fault_add(faults, FAULT_ERROR, at->place, span_text(hint), "%s", message);
    return false;
}

/* ---- a map of known keys ---- */

static bool knows_all(const struct node *map, const char *const *names, size_t count,
                      struct faults *faults)
{
    bool well = true;
    for (const struct node *node = map->first; node != NULL; node = node->next) {
        char hint[HINT_BYTES];
        bool known = false;
        for (size_t i = 0; i < count; i++)
            known = known || span_is(node->key, span_text(names[i]));
        if (!known)
            fault_add(faults, FAULT_ERROR, node->key_place,
                      nearest_hint(node->key, names, count, hint, sizeof hint),
                      "unknown key '" SPAN_FORMAT "'", span_arg(span_first(node->key, 80)));
        well = well && known;
    }
    return well;
}

/* A scalar of a map; empty where it is not there. */
static struct span text_of(const struct node *map, const char *key)
{
    const struct node *node = tree_find(map, span_text(key));
    return node != NULL && node->kind == NODE_SCALAR ? node->text : SPAN("");
}

/* ---- one key ---- */

static bool read_enabled(const struct node *item, struct api_key *key, struct faults *faults)
{
    const struct node *node = tree_find(item, SPAN("enabled"));
    struct span text = text_of(item, "enabled");
    key->enabled = node == NULL || span_is(text, SPAN("true"));
    if (!key->enabled && !span_is(text, SPAN("false")))
        return refuse(faults, node, "true or false", "enabled: expected true or false");
    return true;
}

static bool read_plans(const struct node *item, struct api_key *key, struct arena *arena,
                       struct faults *faults)
{
    const struct node *list = tree_find(item, SPAN("plans"));
    if (list == NULL)
        return true;
    if (list->kind != NODE_LIST)
        return refuse(faults, list, "plans: [basic]", "plans: expected a list of names");
    struct span *plans = arena_alloc(arena, (list->count + 1) * sizeof *plans);
    must(plans != NULL);
    for (const struct node *name = list->first; name != NULL; name = name->next) {
        if (name->kind != NODE_SCALAR || !api_key_is_id(name->text))
            return refuse(faults, name, "plans: [basic]", "plans: this is no name of a plan");
        plans[key->plan_count++] = name->text;
    }
    key->plans = plans;
    return true;
}

static bool read_key(const struct node *item, struct api_key *key, struct arena *arena,
                     struct faults *faults)
{
    static const char *const names[] = {"id", "name", "hash", "enabled", "plans", "description"};
    if (item->kind != NODE_MAP)
        return refuse(faults, item, "{ id: ..., hash: ... }", "keys: expected a map for each key");
    bool well = knows_all(item, names, sizeof names / sizeof *names, faults);
    key->id = text_of(item, "id");
    key->name = text_of(item, "name");
    key->description = text_of(item, "description");
    if (!api_key_is_id(key->id))
        well = refuse(faults, item, "id: k1",
                      "a key needs an id of letters, digits, _ and -, at most 64");
    if (!hex_read(text_of(item, "hash"), key->hash, sizeof key->hash))
        well = refuse(faults, item, "`sidegate keys add` makes one",
                      "a key needs a hash of 64 hexadecimal digits");
    if (key->name.len > TEXT_MOST || key->description.len > TEXT_MOST)
        well = refuse(faults, item, "", "a name or description is longer than 1024 bytes");
    return read_enabled(item, key, faults) && read_plans(item, key, arena, faults) && well;
}

static bool add_key(struct api_keys *keys, const struct node *item, struct arena *arena,
                    struct faults *faults)
{
    struct api_key key = {.enabled = true};
    if (!read_key(item, &key, arena, faults))
        return false;
    switch (api_keys_add(keys, &key)) {
    case API_KEYS_ADDED: return true;
    case API_KEYS_ID_TWICE: return refuse(faults, item, "", "there is a key of this id already");
    case API_KEYS_VALUE_TWICE:
        return refuse(faults, item, "", "there is a key of the same value already");
    }
    return false;
}

/* ---- the file ---- */

static struct api_keys *read_root(const struct node *root, struct arena *arena,
                                  struct faults *faults)
{
    static const char *const names[] = {"version", "salt", "keys"};
    uint8_t salt[API_KEY_SALT_BYTES];
    const struct node *list = tree_find(root, SPAN("keys"));
    bool well = true;
    if (root->kind != NODE_MAP) {
        refuse(faults, root, "version: 1", "expected a map with version, salt and keys");
        return NULL;
    }
    well = knows_all(root, names, sizeof names / sizeof *names, faults);
    if (!span_is(text_of(root, "version"), SPAN("1")))
        well = refuse(faults, root, "version: 1", "'version' is missing or not 1");
    if (!hex_read(text_of(root, "salt"), salt, sizeof salt)) {
        refuse(faults, root, "`sidegate keys add` makes a file",
               "'salt' is missing or is not 64 hexadecimal digits");
        return NULL;
    }
    struct api_keys *keys = api_keys_new(salt);
    explicit_bzero(salt, sizeof salt);
    if (list != NULL && list->kind != NODE_LIST && !node_is_empty(list))
        well = refuse(faults, list, "keys: [...]", "keys: expected a list");
    for (const struct node *item = list != NULL ? list->first : NULL; item != NULL;
         item = item->next)
        well = add_key(keys, item, arena, faults) && well;
    if (well)
        return keys;
    api_keys_free(keys);
    return NULL;
}

struct api_keys *api_key_file_parse(const char *path, struct span text, struct faults *faults)
{
    struct arena *arena = arena_new(NULL, TREE_BYTES);
    must(arena != NULL);
    struct document document = {
        .arena = arena, .faults = faults, .file = path, .folder = "", .has_lines = true};
    size_t errors = faults_count(faults, FAULT_ERROR);
    const struct node *root = document_parse(&document, text);
    struct api_keys *keys = root != NULL ? read_root(root, arena, faults) : NULL;
    arena_free(arena);
    if (faults_count(faults, FAULT_ERROR) == errors)
        return keys;
    api_keys_free(keys); /* a tree may have faults, too: a key that stands twice */
    return NULL;
}

struct api_keys *api_key_file_read(const char *path, struct place named, struct faults *faults,
                                   uint64_t *hash)
{
    static const uint8_t key[16] = "a file of keys..";
    char why[WHY_BYTES];
    struct buf text;
    struct api_keys *keys = NULL;
    buf_init(&text, API_KEY_FILE_BYTES);
    if (secret_file_read(path, &text, why, sizeof why))
        keys = api_key_file_parse(path, buf_span(&text), faults);
    else
        fault_add(faults, FAULT_ERROR, named, span_make(NULL, 0), "the file of API keys '%s': %s",
                  path, why);
    if (hash != NULL)
        *hash = siphash(key, buf_span(&text));
    buf_wipe(&text);
    return keys;
}

/* ---- writing ---- */

static void print_hex(struct buf *to, const uint8_t *bytes, size_t len)
{
    char *room = buf_room(to, len * 2);
    if (room == NULL)
        return;
    hex_write(room, bytes, len);
    buf_grew(to, len * 2);
}

static void print_key(const struct api_key *key, struct buf *to)
{
    buf_add(to, SPAN("  - { id: "));
    yaml_add_text(to, key->id);
    buf_add(to, SPAN(", name: "));
    yaml_add_text(to, key->name);
    buf_add(to, SPAN(", hash: \""));
    print_hex(to, key->hash, sizeof key->hash);
    buf_format(to, "\", enabled: %s", key->enabled ? "true" : "false");
    if (key->plan_count > 0)
        buf_add(to, SPAN(", plans: ["));
    for (size_t i = 0; i < key->plan_count; i++) {
        buf_add(to, i > 0 ? SPAN(", ") : SPAN(""));
        yaml_add_text(to, key->plans[i]);
    }
    if (key->plan_count > 0)
        buf_add_byte(to, ']');
    if (key->description.len > 0) {
        buf_add(to, SPAN(", description: "));
        yaml_add_text(to, key->description);
    }
    buf_add(to, SPAN(" }\n"));
}

void api_key_file_print(const struct api_keys *keys, struct buf *to)
{
    buf_add(to, SPAN("# API keys of sidegate, each by its hash alone. `sidegate keys` writes this "
                     "file.\nversion: 1\nsalt: \""));
    print_hex(to, api_keys_salt(keys), API_KEY_SALT_BYTES);
    buf_add(to, SPAN("\"\nkeys:\n"));
    for (size_t i = 0; i < api_keys_count(keys); i++)
        print_key(api_keys_at(keys, i), to);
}
