/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/guard/api_key.h"

#include <stdio.h>
#include <string.h>

#include "rules/base/encode.h"
#include "tests/check.h"
#include "tests/unit/guard/suites.h"

#define GOOD "aaaaaaaaaaaaaaaaaaaa"

static void salt_fill(uint8_t salt[API_KEY_SALT_BYTES])
{
    for (unsigned i = 0; i < API_KEY_SALT_BYTES; i++)
        salt[i] = (uint8_t)i;
}

static struct api_keys *keys_new(void)
{
    uint8_t salt[API_KEY_SALT_BYTES];
    salt_fill(salt);
    return api_keys_new(salt);
}

static enum api_keys_added add(struct api_keys *keys, const char *id, const char *value)
{
    const struct span plans[] = {SPAN_INIT("basic")};
    struct api_key key = {.id = span_text(id),
                          .name = SPAN("a shop"),
                          .enabled = true,
                          .plans = plans,
                          .plan_count = 1};
    check(api_key_hash(api_keys_salt(keys), span_text(value), key.hash));
    return api_keys_add(keys, &key);
}

TEST(a_hash_is_sha_256_over_the_salt_and_the_value)
{
    uint8_t salt[API_KEY_SALT_BYTES], hash[API_KEY_HASH_BYTES];
    char text[API_KEY_HASH_BYTES * 2];
    salt_fill(salt);
    check(api_key_hash(salt, SPAN(GOOD), hash));
    hex_write(text, hash, sizeof hash);
    check_span(span_make(text, sizeof text),
               "36d690c907032e3dbc05bd41533b4d336b3aba236b8577127f9979dcdf9576af");
    char longer[API_KEY_MOST + 1];
    memset(longer, 'a', sizeof longer);
    check(!api_key_hash(salt, span_make(longer, sizeof longer), hash));
}

TEST(a_key_is_found_by_its_value_and_by_nothing_near_it)
{
    struct api_keys *keys = keys_new();
    const struct api_key *key = NULL;
    check_number(add(keys, "k1", GOOD), API_KEYS_ADDED);
    check_number(add(keys, "k2", "bbbbbbbbbbbbbbbbbbbbbbbb"), API_KEYS_ADDED);
    check_number(api_keys_find(keys, SPAN(GOOD), &key), API_KEY_KNOWN);
    check_span(key->id, "k1");
    check_span(key->plans[0], "basic");
    check_number(key->plan, 0);
    api_keys_assign(keys, SPAN("k1"), 3);
    check_number(key->plan, 3);
    for (size_t i = 0; i < sizeof GOOD - 1; i++)
        for (unsigned bit = 0; bit < 7; bit++) {
            char text[] = GOOD;
            text[i] = (char)(text[i] ^ (1 << bit));
            check_number(api_keys_find(keys, span_make(text, sizeof text - 1), &key),
                         API_KEY_UNKNOWN);
        }
    check_number(api_keys_find(keys, SPAN(GOOD "a"), &key), API_KEY_UNKNOWN);
    check_number(api_keys_find(keys, SPAN("aaaaaaaaaaaaaaaaaaa"), &key), API_KEY_UNKNOWN);
    check_number(api_keys_find(keys, SPAN(""), &key), API_KEY_UNKNOWN);
    api_keys_free(keys);
}

TEST(an_id_and_a_value_stand_once)
{
    struct api_keys *keys = keys_new();
    check_number(add(keys, "k1", GOOD), API_KEYS_ADDED);
    check_number(add(keys, "k1", "bbbbbbbbbbbbbbbbbbbb"), API_KEYS_ID_TWICE);
    check_number(add(keys, "k2", GOOD), API_KEYS_VALUE_TWICE);
    check_number(api_keys_count(keys), 1);
    check(api_keys_by_id(keys, SPAN("k2")) == NULL);
    api_keys_free(keys);
}

TEST(ten_thousand_keys_are_all_found)
{
    struct api_keys *keys = keys_new();
    for (unsigned i = 0; i < 10000; i++) {
        char id[16], value[32];
        snprintf(id, sizeof id, "k%u", i);
        snprintf(value, sizeof value, "value-of-a-key-%08u", i);
        check_number(add(keys, id, value), API_KEYS_ADDED);
    }
    for (unsigned i = 0; i < 10000; i += 7) {
        char id[16], value[32];
        const struct api_key *key = NULL;
        snprintf(id, sizeof id, "k%u", i);
        int len = snprintf(value, sizeof value, "value-of-a-key-%08u", i);
        check_number(api_keys_find(keys, span_make(value, (size_t)len), &key), API_KEY_KNOWN);
        check_span(key->id, id);
        check(api_keys_by_id(keys, span_text(id)) == key && api_keys_at(keys, i) == key);
    }
    api_keys_free(keys);
}

TEST(what_a_value_and_an_id_may_be)
{
    char value[API_KEY_MOST + 1];
    memset(value, 'x', sizeof value);
    check(!api_key_is_value(span_make(value, API_KEY_LEAST - 1)));
    check(api_key_is_value(span_make(value, API_KEY_LEAST)));
    check(api_key_is_value(span_make(value, API_KEY_MOST)));
    check(!api_key_is_value(span_make(value, API_KEY_MOST + 1)));
    for (const char *wrong = " \"',\t\n\x7f\x80"; *wrong != '\0'; wrong++) {
        value[3] = *wrong;
        check(!api_key_is_value(span_make(value, API_KEY_LEAST)));
    }
    check(api_key_is_id(SPAN("a-Z_9")));
    check(!api_key_is_id(SPAN("")) && !api_key_is_id(SPAN("a b")) && !api_key_is_id(SPAN("a/b")));
}

TEST(a_key_that_is_made_has_forty_letters_and_digits_and_no_twin)
{
    char first[API_KEY_MADE], second[API_KEY_MADE];
    check(api_key_make(first) && api_key_make(second));
    check(memcmp(first, second, sizeof first) != 0);
    for (size_t i = 0; i < sizeof first; i++)
        check(byte_is_alpha(first[i]) || byte_is_digit(first[i]));
    check(api_key_is_value(span_make(first, sizeof first)));
}

int api_key_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hash_is_sha_256_over_the_salt_and_the_value),
        cmocka_unit_test(a_key_is_found_by_its_value_and_by_nothing_near_it),
        cmocka_unit_test(an_id_and_a_value_stand_once),
        cmocka_unit_test(ten_thousand_keys_are_all_found),
        cmocka_unit_test(what_a_value_and_an_id_may_be),
        cmocka_unit_test(a_key_that_is_made_has_forty_letters_and_digits_and_no_twin),
    };
    return cmocka_run_group_tests_name("api keys", tests, NULL, NULL);
}
