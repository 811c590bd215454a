/* SPDX-License-Identifier: Apache-2.0 */
/* Says what becomes of signatures, for jose.py. A JSON object a line:
 *
 *   { "keys": {...}, "token": "a.b.c" }                           the compact form, all algorithms
 *   { "keys": {...}, "alg": "ES256", "signed": "a.b", "signature": "c" }   one signature alone
 *
 * and an answer a line: "holds", or the word of the refusal. */
#include <jansson.h>
#include <stdio.h>

#include "rules/base/encode.h"
#include "rules/base/must.h"
#include "sidecar/guard/jws.h"

static struct span text_of(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);
    return span_make(json_string_value(value), json_string_length(value));
}

static enum jws_refusal check_part(const json_t *task, const struct key_set *keys)
{
    uint8_t bytes[4096];
    size_t len;
    struct span text = text_of(task, "signature");
    enum jws_refusal refusal = JWS_BAD_KEY_UNKNOWN;
    enum jws_algorithm algorithm = jws_algorithm_find(text_of(task, "alg"));
    must(text.len < sizeof bytes && algorithm != JWS_ALGORITHMS);
    if (!base64url_read(text, bytes, &len))
        return JWS_BAD_NOT_BASE64URL;
    for (size_t i = 0; i < key_set_count(keys); i++)
        if (jwk_fits(key_set_at(keys, i), algorithm))
            refusal = jws_signature_check(key_set_at(keys, i), algorithm, text_of(task, "signed"),
                                          span_make((const char *)bytes, len));
    return refusal;
}

static enum jws_refusal check_task(const json_t *task, const struct key_set *keys)
{
    struct jws jws;
    struct arena *arena = arena_new(NULL, 1 << 20);
    must(arena != NULL);
    enum jws_refusal refusal =
        json_object_get(task, "token") != NULL
            ? jws_verify(text_of(task, "token"), keys, JWS_SET(JWS_ALGORITHMS) - 1, arena, &jws)
            : check_part(task, keys);
    arena_free(arena);
    return refusal;
}

int main(void)
{
    for (json_t *task; (task = json_loadf(stdin, JSON_DISABLE_EOF_CHECK, NULL)) != NULL;) {
        struct key_set_problem problem;
        char *document = json_dumps(json_object_get(task, "keys"), 0);
        struct key_set *keys = key_set_read(span_text(document), &problem);
        printf("%s\n", keys != NULL ? jws_refusal_word(check_task(task, keys)) : problem.why);
        key_set_free(keys);
        free(document);
        json_decref(task);
    }
    return 0;
}
