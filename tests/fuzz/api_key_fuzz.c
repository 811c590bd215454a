/* SPDX-License-Identifier: Apache-2.0 */
/* A CSV of API keys (behind a first byte that is odd), or their file: what is found is what a key
 * may be, faults stand inside of the text, and a file that is written is read as the same. */
#include <stdint.h>

#include "rules/base/must.h"
#include "sidecar/config/api_key_csv.h"
#include "sidecar/config/api_key_file.h"
#include "sidecar/guard/api_key.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must_be_key(void *to, const struct api_key_row *row)
{
    (void)to;
    must(api_key_is_value(row->value) && row->name.len > 0);
    for (size_t i = 0; i < row->plan_count; i++)
        must(api_key_is_id(row->plans[i]));
}

static void must_stand_inside(const struct faults *faults, struct span text)
{
    unsigned lines = 1;
    for (size_t i = 0; i < text.len; i++)
        lines += text.at[i] == '\n' || text.at[i] == '\r';
    for (size_t i = 0; faults_at(faults, i) != NULL; i++)
        must(faults_at(faults, i)->place.line <= lines + 1);
}

static void try_csv(struct span text)
{
    struct arena *arena = arena_new(NULL, 64 << 20);
    struct faults *faults = faults_new();
    must(arena != NULL);
    bool well = api_key_csv_read("keys.csv", text, arena, faults, must_be_key, NULL);
    must(well == (faults_count(faults, FAULT_ERROR) == 0));
    must_stand_inside(faults, text);
    faults_free(faults);
    arena_free(arena);
}

static void must_be_same(const struct api_key *a, const struct api_key *b)
{
    must(span_is(a->id, b->id) && span_is(a->name, b->name) && a->enabled == b->enabled);
    must(span_is(a->description, b->description) && a->plan_count == b->plan_count);
    for (size_t i = 0; i < a->plan_count; i++)
        must(span_is(a->plans[i], b->plans[i]));
}

static void must_come_back(const struct api_keys *keys, struct faults *faults)
{
    struct buf text;
    buf_init(&text, 64 << 20);
    api_key_file_print(keys, &text);
    struct api_keys *again = api_key_file_parse("keys.yaml", buf_span(&text), faults);
    must(again != NULL && api_keys_count(again) == api_keys_count(keys));
    for (size_t i = 0; i < api_keys_count(keys); i++)
        must_be_same(api_keys_at(keys, i), api_keys_at(again, i));
    api_keys_free(again);
    buf_fini(&text);
}

static void try_file(struct span text)
{
    struct faults *faults = faults_new();
    struct api_keys *keys = api_key_file_parse("keys.yaml", text, faults);
    must((keys == NULL) == (faults_count(faults, FAULT_ERROR) > 0));
    must_stand_inside(faults, text);
    if (keys != NULL)
        must_come_back(keys, faults);
    api_keys_free(keys);
    faults_free(faults);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct span text = span_make((const char *)data + 1, size - 1);
    if (data[0] % 2 == 1)
        try_csv(text);
    else
        try_file(text);
    return 0;
}
