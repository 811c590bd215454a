/* SPDX-License-Identifier: Apache-2.0 */
/* A key set from any bytes: what is taken has keys with bounded ids, what is refused has a reason
 * and, where it is no JSON, a place inside of the text. */
#include "rules/base/must.h"
#include "sidecar/guard/jws.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct key_set_problem problem;
    struct key_set *keys = key_set_read(span_make((const char *)data, size), &problem);
    if (keys == NULL) {
        must(problem.why != NULL && problem.line <= size + 1);
        return 0;
    }
    must(key_set_count(keys) > 0 && key_set_count(keys) <= KEY_SET_KEYS);
    for (size_t i = 0; i < key_set_count(keys); i++) {
        const struct jwk *key = key_set_at(keys, i);
        unsigned fits = 0;
        must(jwk_id(key).len <= KEY_ID_BYTES);
        for (unsigned algorithm = 0; algorithm < JWS_ALGORITHMS; algorithm++) {
            enum jws_refusal refusal = jws_signature_check(key, (enum jws_algorithm)algorithm,
                                                           SPAN("a.b"), SPAN("no signature"));
            fits += jwk_fits(key, (enum jws_algorithm)algorithm);
            must(refusal != JWS_HOLDS);
        }
        must(fits > 0);
    }
    key_set_free(keys);
    return 0;
}
