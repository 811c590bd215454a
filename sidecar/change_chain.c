/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/change_chain.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "rules/base/buf.h"
#include "rules/base/encode.h"
#include "rules/base/must.h"
#include "rules/base/number.h"

enum { DIGEST = 32, REGION_MOST = 4 * CHAIN_LINE_MOST };

static const char first_previous[] =
    "0000000000000000000000000000000000000000000000000000000000000000";

void chain_hash(struct span bytes, char to[CHAIN_HASH])
{
    uint8_t digest[DIGEST];
    must(EVP_Digest(bytes.len > 0 ? bytes.at : "", bytes.len, digest, NULL, EVP_sha256(), NULL) ==
         1);
    hex_write(to, digest, DIGEST);
}

/* ---- one line ---- */

static bool take(struct span *rest, struct span word)
{
    bool stands = span_starts(*rest, word);
    if (stands)
        *rest = span_from(*rest, word.len);
    return stands;
}

static bool take_hash(struct span *rest, struct span *hash)
{
    uint8_t digest[DIGEST];
    *hash = span_first(*rest, CHAIN_HASH);
    *rest = span_from(*rest, CHAIN_HASH);
    return hex_read(*hash, digest, DIGEST) && take(rest, SPAN("\""));
}

static bool take_number(struct span *rest, uint64_t *number)
{
    size_t len = 0;
    while (len < rest->len && byte_is_digit(rest->at[len]))
        len++;
    bool is_one = number_parse(span_first(*rest, len), number);
    *rest = span_from(*rest, len);
    return is_one;
}

bool chain_read(struct span line, struct chain_record *out)
{
    struct span rest = line, word = SPAN(",\"hash\":\"");
    size_t end = word.len + CHAIN_HASH + 2;
    char hash[CHAIN_HASH];
    *out = (struct chain_record){0};
    if (line.len < end)
        return false;
    struct span hashed = span_first(line, line.len - end), behind = span_from(line, hashed.len);
    if (!take(&behind, word) || !take_hash(&behind, &out->hash) || !span_is(behind, SPAN("}")))
        return false;
    if (!take(&rest, SPAN("{\"sequence\":")) || !take_number(&rest, &out->sequence) ||
        !take(&rest, SPAN(",\"previous\":\"")) || !take_hash(&rest, &out->previous))
        return false;
    if (take(&rest, SPAN(",\"torn\":\"")) && !take_hash(&rest, &out->torn))
        return false;
    chain_hash(hashed, hash);
    return span_is(out->hash, span_make(hash, CHAIN_HASH));
}

/* ---- the end ---- */

bool chain_end_find(struct span tail, bool is_whole, struct chain_end *out)
{
    struct span rest = tail, behind = tail;
    struct chain_record record;
    bool found = is_whole;
    *out = (struct chain_end){.needs_line_feed = tail.len > 0 && tail.at[tail.len - 1] != '\n'};
    memcpy(out->hash, first_previous, CHAIN_HASH);
    while (rest.at != NULL) { /* the last one may lack its line feed */
        if (!chain_read(span_cut(&rest, '\n'), &record))
            continue;
        found = true;
        behind = rest;
        out->sequence = record.sequence;
        memcpy(out->hash, record.hash.at, CHAIN_HASH);
    }
    out->is_torn = behind.len > 0;
    if (out->is_torn) /* with the line feed that it gets */
        chain_hash(out->needs_line_feed ? behind : span_first(behind, behind.len - 1), out->torn);
    return found;
}

/* ---- the whole ---- */

struct walk {
    struct chain_verdict verdict;
    struct chain_record record;
    char hash[CHAIN_HASH];
    struct buf torn; /* lines that are no records, until the next one */
    size_t file, line, torn_file, torn_line;
    uint64_t from;
    const char *last;
};

static bool broken(struct walk *w, const char *why)
{
    w->verdict.file = w->file;
    w->verdict.line = w->line;
    w->verdict.why = why;
    return false;
}

/* So are the lines that are no records, up to here. */
static bool broken_before(struct walk *w, const char *why)
{
    w->verdict.file = w->torn_file;
    w->verdict.line = w->torn_line;
    w->verdict.why = why;
    return false;
}

static void keep_torn(struct walk *w)
{
    if (w->verdict.torn_line != 0)
        return;
    w->verdict.torn_file = w->torn_file;
    w->verdict.torn_line = w->torn_line;
}

/* What was cut off has no end; a record that was changed has one. */
static bool is_shaped(struct span line)
{
    return span_starts(line, SPAN("{\"sequence\":")) && span_ends(line, SPAN("\"}"));
}

static bool accept_torn(struct walk *w, bool said, struct span torn)
{
    char hash[CHAIN_HASH];
    if (w->torn.len == 0)
        return !said || broken(w, "it says that bytes before it were cut off: there are none");
    chain_hash(span_first(buf_span(&w->torn), w->torn.len - 1), hash);
    if (!said || !span_is(torn, span_make(hash, CHAIN_HASH)))
        return broken_before(w, "it is no record, or was changed");
    keep_torn(w);
    buf_clear(&w->torn);
    return true;
}

static bool accept_record(struct walk *w)
{
    const struct chain_record *record = &w->record;
    if (!accept_torn(w, record->torn.at != NULL, record->torn))
        return false;
    bool is_first = w->verdict.records == 0 && w->from > 1; /* who knows what was before */
    if (record->sequence != w->from + w->verdict.records ||
        (!is_first && !span_is(record->previous, span_make(w->hash, CHAIN_HASH))))
        return broken(w, "the record before it is missing, or is another one");
    w->verdict.records++;
    memcpy(w->hash, record->hash.at, CHAIN_HASH);
    if (w->last != NULL && span_is(record->hash, span_text(w->last)))
        w->verdict.knows_last = true;
    return true;
}

static bool take_line(struct walk *w, struct span line, bool is_ended)
{
    w->line++;
    if (chain_read(line, &w->record))
        return accept_record(w);
    if (is_ended && is_shaped(line))
        return broken(w, "it was changed: its hash is another one");
    if (w->torn.len == 0) {
        w->torn_file = w->file;
        w->torn_line = w->line;
    }
    buf_add(&w->torn, line);
    buf_add_byte(&w->torn, '\n');
    w->verdict.ends_torn = !is_ended;
    return !buf_is_full(&w->torn) || broken_before(w, "it is no record");
}

/* Only what a write left unfinished may stand at the end. */
static bool is_over(struct walk *w)
{
    if (w->torn.len == 0)
        w->verdict.ends_torn = false;
    else if (!w->verdict.ends_torn)
        return broken_before(w, "it is no record, or was changed");
    else
        keep_torn(w);
    return true;
}

static bool walk_file(struct walk *w, FILE *file)
{
    char *text = NULL;
    size_t size = 0;
    ssize_t len;
    bool well = true;
    w->line = 0;
    while (well && (len = getline(&text, &size, file)) > 0) {
        bool is_ended = text[len - 1] == '\n';
        well = take_line(w, span_make(text, (size_t)len - is_ended), is_ended);
    }
    free(text);
    return well;
}

struct chain_verdict chain_verify(FILE *const *files, size_t count, uint64_t from, const char *last)
{
    struct walk w = {.from = from, .last = last};
    bool well = true;
    memcpy(w.hash, first_previous, CHAIN_HASH);
    buf_init(&w.torn, REGION_MOST);
    for (w.file = 0; w.file < count && well; w.file += well)
        well = walk_file(&w, files[w.file]);
    w.verdict.is_well = well && is_over(&w);
    memcpy(w.verdict.last, w.hash, CHAIN_HASH);
    buf_fini(&w.torn);
    return w.verdict;
}
