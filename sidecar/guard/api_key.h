/* SPDX-License-Identifier: Apache-2.0 */
/* API keys: who brings which, without keeping one. Of each key there is a hash alone: SHA-256 over
 * the file's random salt and the value. A value is 20 to 128 characters that nobody chose by heart
 * (40 from the system's randomness where we made it), so that a hash that is slow on purpose would
 * protect nothing and cost each request; the salt keeps tables and equal values of two files apart.
 *
 * A key is looked up by the beginning of its hash, which nobody can aim at without the salt, and
 * taken where all of the hash is equal, compared in constant time. */
#ifndef SIDEGATE_SIDECAR_GUARD_API_KEY_H
#define SIDEGATE_SIDECAR_GUARD_API_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rules/base/span.h"

enum {
    API_KEY_SALT_BYTES = 32,
    API_KEY_HASH_BYTES = 32,
    API_KEY_LEAST = 20, /* characters of a value, as API Gateway has it */
    API_KEY_MOST = 128,
    API_KEY_MADE = 40, /* of one that we make */
    API_KEY_ID_MOST = 64,
};

struct api_key {
    struct span id; /* what logs show: letters, digits, _ and - */
    struct span name, description;
    uint8_t hash[API_KEY_HASH_BYTES];
    bool enabled;
    const struct span *plans; /* that its file says it is in */
    size_t plan_count;
    size_t plan; /* whose limits hold: an index in the settings' plans, from 1; 0: none's */
};

/* May a value, an id be so? Values: visible ASCII without blanks, quotes and commas. */
bool api_key_is_value(struct span text);
bool api_key_is_id(struct span text);

/* Fills a value in: letters and digits, each as likely. False: the system has no randomness. */
bool api_key_make(char value[API_KEY_MADE]);
/* False: the library failed. Longer values than there may be have no hash either. */
bool api_key_hash(const uint8_t salt[API_KEY_SALT_BYTES], struct span value,
                  uint8_t hash[API_KEY_HASH_BYTES]);

/* A file's keys: filled, then frozen. All texts are copied. */
struct api_keys;

struct api_keys *api_keys_new(const uint8_t salt[API_KEY_SALT_BYTES]);
void api_keys_free(struct api_keys *keys); /* NULL allowed */

enum api_keys_added { API_KEYS_ADDED, API_KEYS_ID_TWICE, API_KEYS_VALUE_TWICE };
enum api_keys_added api_keys_add(struct api_keys *keys, const struct api_key *key);

/* The same, but over a key of the same value, which keeps its id; whose id it is then. An id of its
 * own must stand nowhere else. */
struct span api_keys_put(struct api_keys *keys, const struct api_key *key);
bool api_keys_enable(struct api_keys *keys, struct span id, bool enabled); /* false: no such key */
/* Before anybody asks. */
void api_keys_assign(struct api_keys *keys, struct span id, size_t plan);

size_t api_keys_count(const struct api_keys *keys);
const struct api_key *api_keys_at(const struct api_keys *keys, size_t i);          /* in order */
const struct api_key *api_keys_by_id(const struct api_keys *keys, struct span id); /* or NULL */
const uint8_t *api_keys_salt(const struct api_keys *keys);

enum api_key_answer { API_KEY_KNOWN, API_KEY_UNKNOWN, API_KEY_FAILED };
/* Whose value it is, disabled ones too. FAILED: it could not be hashed. */
enum api_key_answer api_keys_find(const struct api_keys *keys, struct span value,
                                  const struct api_key **key);

#endif
