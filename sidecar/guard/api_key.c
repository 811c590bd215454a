/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/guard/api_key.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "rules/base/arena.h"
#include "rules/base/map.h"
#include "rules/base/must.h"

enum { KEYS_FIRST = 16, ARENA_BYTES = 256 << 20, LETTERS = 62, FAIR = 256 / LETTERS * LETTERS };

struct api_keys {
    uint8_t salt[API_KEY_SALT_BYTES];
    struct arena *arena;   /* of all texts */
    struct api_key **keys; /* in order; each on its own, so that it stays where it is */
    size_t count, size;
    struct map *by_id, *by_hash; /* the latter by the first bytes of the hash */
};

enum { PREFIX_BYTES = 16 };

/* ---- values ---- */

bool api_key_is_value(struct span text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        if (c <= ' ' || c > '~' || c == '"' || c == '\'' || c == ',')
            return false;
    }
    return text.len >= API_KEY_LEAST && text.len <= API_KEY_MOST;
}

bool api_key_is_id(struct span text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        if (!byte_is_alpha(c) && !byte_is_digit(c) && c != '_' && c != '-')
            return false;
    }
    return text.len > 0 && text.len <= API_KEY_ID_MOST;
}

/* Bytes beyond the last whole run of letters are thrown away: each letter is as likely. */
bool api_key_make(char value[API_KEY_MADE])
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    uint8_t bytes[API_KEY_MADE];
    for (size_t made = 0; made < API_KEY_MADE;) {
        if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
            return false;
        for (size_t i = 0; i < sizeof bytes && made < API_KEY_MADE; i++)
            if (bytes[i] < FAIR)
                value[made++] = letters[bytes[i] % LETTERS];
    }
    OPENSSL_cleanse(bytes, sizeof bytes);
    return true;
}

bool api_key_hash(const uint8_t salt[API_KEY_SALT_BYTES], struct span value,
                  uint8_t hash[API_KEY_HASH_BYTES])
{
    uint8_t text[API_KEY_SALT_BYTES + API_KEY_MOST];
    if (value.len > API_KEY_MOST)
        return false;
    memcpy(text, salt, API_KEY_SALT_BYTES);
    if (value.len > 0)
        memcpy(text + API_KEY_SALT_BYTES, value.at, value.len);
    bool well =
        EVP_Digest(text, API_KEY_SALT_BYTES + value.len, hash, NULL, EVP_sha256(), NULL) == 1;
    OPENSSL_cleanse(text, sizeof text);
    return well;
}

/* ---- a file's keys ---- */

struct api_keys *api_keys_new(const uint8_t salt[API_KEY_SALT_BYTES])
{
    struct api_keys *keys = must_alloc(sizeof *keys);
    memcpy(keys->salt, salt, API_KEY_SALT_BYTES);
    keys->arena = arena_new(NULL, ARENA_BYTES);
    must(keys->arena != NULL);
    keys->by_id = map_new(NULL, false);
    keys->by_hash = map_new(NULL, false);
    return keys;
}

void api_keys_free(struct api_keys *keys)
{
    if (keys == NULL)
        return;
    OPENSSL_cleanse(keys->salt, sizeof keys->salt);
    map_free(keys->by_id);
    map_free(keys->by_hash);
    arena_free(keys->arena);
    free(keys->keys);
    free(keys);
}

static struct span prefix_of(const uint8_t hash[API_KEY_HASH_BYTES])
{
    return span_make((const char *)hash, PREFIX_BYTES);
}

static struct span *copy_plans(struct arena *arena, const struct api_key *key)
{
    struct span *plans = arena_alloc(arena, (key->plan_count + 1) * sizeof *plans);
    must(plans != NULL);
    for (size_t i = 0; i < key->plan_count; i++)
        plans[i] = arena_copy(arena, key->plans[i]);
    return plans;
}

/* Everything but the id, the hash and the plan. */
static void copy_texts(struct api_keys *keys, struct api_key *to, const struct api_key *from)
{
    to->name = arena_copy(keys->arena, from->name);
    to->description = arena_copy(keys->arena, from->description);
    to->plans = copy_plans(keys->arena, from);
    to->plan_count = from->plan_count;
    to->enabled = from->enabled;
    must(!arena_is_full(keys->arena));
}

enum api_keys_added api_keys_add(struct api_keys *keys, const struct api_key *key)
{
    if (map_find(keys->by_id, key->id) != NULL)
        return API_KEYS_ID_TWICE;
    if (map_find(keys->by_hash, prefix_of(key->hash)) != NULL)
        return API_KEYS_VALUE_TWICE;
    struct api_key *copy = arena_alloc(keys->arena, sizeof *copy);
    must(copy != NULL);
    *copy = *key;
    copy->id = arena_copy(keys->arena, key->id);
    copy_texts(keys, copy, key);
    if (keys->count == keys->size) {
        keys->size = keys->size == 0 ? KEYS_FIRST : keys->size * 2;
        keys->keys = must_realloc(keys->keys, keys->size * sizeof(struct api_key *));
    }
    keys->keys[keys->count++] = copy;
    map_set(keys->by_id, copy->id, copy);
    map_set(keys->by_hash, prefix_of(copy->hash), copy);
    return API_KEYS_ADDED;
}

struct span api_keys_put(struct api_keys *keys, const struct api_key *key)
{
    struct api_key *old = map_find(keys->by_hash, prefix_of(key->hash));
    if (old != NULL) {
        copy_texts(keys, old, key);
        return old->id;
    }
    must(api_keys_add(keys, key) == API_KEYS_ADDED);
    return key->id;
}

bool api_keys_enable(struct api_keys *keys, struct span id, bool enabled)
{
    struct api_key *key = map_find(keys->by_id, id);
    if (key != NULL)
        key->enabled = enabled;
    return key != NULL;
}

void api_keys_assign(struct api_keys *keys, struct span id, size_t plan)
{
    struct api_key *key = map_find(keys->by_id, id);
    must(key != NULL);
    key->plan = plan;
}

size_t api_keys_count(const struct api_keys *keys)
{
    return keys->count;
}

const struct api_key *api_keys_at(const struct api_keys *keys, size_t i)
{
    must(i < keys->count);
    return keys->keys[i];
}

const struct api_key *api_keys_by_id(const struct api_keys *keys, struct span id)
{
    return map_find(keys->by_id, id);
}

const uint8_t *api_keys_salt(const struct api_keys *keys)
{
    return keys->salt;
}

enum api_key_answer api_keys_find(const struct api_keys *keys, struct span value,
                                  const struct api_key **key)
{
    uint8_t hash[API_KEY_HASH_BYTES];
    if (!api_key_is_value(value)) /* no key could be so */
        return API_KEY_UNKNOWN;
    if (!api_key_hash(keys->salt, value, hash))
        return API_KEY_FAILED;
    const struct api_key *found = map_find(keys->by_hash, prefix_of(hash));
    if (found == NULL || CRYPTO_memcmp(found->hash, hash, sizeof hash) != 0)
        return API_KEY_UNKNOWN;
    *key = found;
    return API_KEY_KNOWN;
}
