/* SPDX-License-Identifier: Apache-2.0 */
/* A body in chunks, each signed over the signature before it.
 *
 *   LINE ---size;chunk-signature---> DATA ---size bytes---> CRLF ---> LINE
 *     '---size 0--> TRAILER (only lines, the last but one x-amz-trailer-signature) --> END */
#include <stdlib.h>

#include "rules/base/encode.h"
#include "rules/base/must.h"
#include "rules/base/number.h"
#include "sidecar/guard/sigv4_inside.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

enum { LINE_MOST = 1024, TRAILERS_MOST = 4096, PREFIX_MOST = 512 };

enum chunks_at { AT_LINE, AT_DATA, AT_BREAK, AT_TRAILER, AT_END, AT_WRONG };

struct sigv4_chunks {
    enum chunks_at at;
    bool trailers;
    uint8_t key[SHA256_BYTES];
    char before[SHA256_HEX]; /* the signature before this one */
    char claimed[SHA256_HEX];
    char scope[PREFIX_MOST]; /* date LF scope */
    size_t scope_len;
    uint64_t left; /* of the chunk's bytes */
    bool is_last;
    EVP_MD_CTX *hash;
    char line[LINE_MOST];
    size_t line_len;
    struct buf trailer; /* name:value LF ... as it is signed */
};

struct sigv4_chunks *sigv4_chunks_new(const struct sigv4_claim *claim, const struct sigv4_key *key)
{
    size_t len = claim->date.len + 1 + claim->scope.len;
    if (claim->signature.len != SHA256_HEX || len > PREFIX_MOST)
        return NULL;
    struct sigv4_chunks *chunks = must_alloc(sizeof *chunks);
    chunks->hash = EVP_MD_CTX_new();
    must(chunks->hash != NULL && EVP_DigestInit_ex(chunks->hash, EVP_sha256(), NULL) == 1);
    chunks->trailers = claim->payload_kind == SIGV4_CHUNKED_TRAILER;
    memcpy(chunks->before, claim->signature.at, SHA256_HEX);
    memcpy(chunks->scope, claim->date.at, claim->date.len);
    chunks->scope[claim->date.len] = '\n';
    memcpy(chunks->scope + claim->date.len + 1, claim->scope.at, claim->scope.len);
    chunks->scope_len = len;
    sigv4_signing_key(claim, key, chunks->key);
    buf_init(&chunks->trailer, TRAILERS_MOST);
    return chunks;
}

void sigv4_chunks_free(struct sigv4_chunks *chunks)
{
    if (chunks == NULL)
        return;
    OPENSSL_cleanse(chunks->key, sizeof chunks->key);
    EVP_MD_CTX_free(chunks->hash);
    buf_fini(&chunks->trailer);
    free(chunks);
}

/* "AWS4-HMAC-SHA256-<kind>", date, scope, the signature before, and the hashes: a line each. What
 * fits becomes the signature before the next one. */
static bool link_fits(struct sigv4_chunks *chunks, const char *kind, struct span hashes)
{
    struct buf text;
    buf_init(&text, SIGNING_TEXT_MOST);
    buf_add(&text, SPAN("AWS4-HMAC-SHA256-"));
    buf_add(&text, span_text(kind));
    buf_add_byte(&text, '\n');
    buf_add(&text, span_make(chunks->scope, chunks->scope_len));
    buf_add_byte(&text, '\n');
    buf_add(&text, span_make(chunks->before, SHA256_HEX));
    buf_add_byte(&text, '\n');
    buf_add(&text, hashes);
    bool fits = !buf_is_full(&text) && sigv4_is_signed(chunks->key, buf_span(&text),
                                                       span_make(chunks->claimed, SHA256_HEX));
    buf_fini(&text);
    memcpy(chunks->before, chunks->claimed, SHA256_HEX);
    return fits;
}

static bool chunk_fits(struct sigv4_chunks *chunks)
{
    char hashes[2 * SHA256_HEX + 1];
    uint8_t bytes[SHA256_BYTES];
    sigv4_sha256_hex(SPAN(""), hashes);
    hashes[SHA256_HEX] = '\n';
    must(EVP_DigestFinal_ex(chunks->hash, bytes, NULL) == 1 &&
         EVP_DigestInit_ex(chunks->hash, EVP_sha256(), NULL) == 1);
    hex_write(hashes + SHA256_HEX + 1, bytes, sizeof bytes);
    return link_fits(chunks, "PAYLOAD", span_make(hashes, sizeof hashes));
}

static bool trailer_fits(struct sigv4_chunks *chunks)
{
    char hash[SHA256_HEX];
    sigv4_sha256_hex(buf_span(&chunks->trailer), hash);
    return link_fits(chunks, "TRAILER", span_make(hash, sizeof hash));
}

static bool claim_signature(struct sigv4_chunks *chunks, struct span hex)
{
    if (hex.len == SHA256_HEX)
        memcpy(chunks->claimed, hex.at, SHA256_HEX);
    return hex.len == SHA256_HEX;
}

/* "10000;chunk-signature=hex" */
static enum chunks_at size_line(struct sigv4_chunks *chunks, struct span line)
{
    struct span value = line;
    struct span size = span_cut(&value, ';');
    if (size.len > 8 || !number_parse_hex(size, &chunks->left) ||
        !span_is(span_cut(&value, '='), SPAN("chunk-signature")) || !claim_signature(chunks, value))
        return AT_WRONG;
    chunks->is_last = chunks->left == 0;
    if (!chunks->is_last)
        return AT_DATA;
    if (!chunk_fits(chunks))
        return AT_WRONG;
    return chunks->trailers ? AT_TRAILER : AT_BREAK;
}

/* A trailer, or the signature over those before it. */
static enum chunks_at trailer_line(struct sigv4_chunks *chunks, struct span line)
{
    struct span value = line;
    struct span name = span_cut(&value, ':');
    if (value.at == NULL)
        return AT_WRONG;
    if (span_is_nocase(name, SPAN("x-amz-trailer-signature")))
        return claim_signature(chunks, span_trim_ows(value)) && trailer_fits(chunks) ? AT_BREAK
                                                                                     : AT_WRONG;
    for (size_t i = 0; i < name.len; i++)
        buf_add_byte(&chunks->trailer, byte_lower(name.at[i]));
    buf_add_byte(&chunks->trailer, ':');
    buf_add(&chunks->trailer, span_trim_ows(value));
    buf_add_byte(&chunks->trailer, '\n');
    return buf_is_full(&chunks->trailer) ? AT_WRONG : AT_TRAILER;
}

static enum chunks_at line_end(struct sigv4_chunks *chunks)
{
    struct span line = span_make(chunks->line, chunks->line_len);
    chunks->line_len = 0;
    if (!span_ends(line, SPAN("\r")))
        return AT_WRONG;
    line.len--;
    if (chunks->at == AT_LINE)
        return size_line(chunks, line);
    if (chunks->at == AT_TRAILER)
        return trailer_line(chunks, line);
    if (line.len > 0) /* behind a chunk's bytes there is nothing but the end of the line */
        return AT_WRONG;
    return chunks->is_last ? AT_END : AT_LINE;
}

/* As much of the bytes as belong to the line. */
static size_t take_line(struct sigv4_chunks *chunks, struct span bytes)
{
    size_t end = span_find_byte(bytes, '\n');
    size_t len = end == SPAN_NONE ? bytes.len : end;
    if (len > LINE_MOST - chunks->line_len) {
        chunks->at = AT_WRONG;
        return len;
    }
    memcpy(chunks->line + chunks->line_len, bytes.at, len);
    chunks->line_len += len;
    if (end == SPAN_NONE)
        return len;
    chunks->at = line_end(chunks);
    return len + 1;
}

static size_t take_data(struct sigv4_chunks *chunks, struct span bytes)
{
    size_t len = bytes.len < chunks->left ? bytes.len : (size_t)chunks->left;
    must(EVP_DigestUpdate(chunks->hash, bytes.at, len) == 1);
    chunks->left -= len;
    if (chunks->left == 0)
        chunks->at = chunk_fits(chunks) ? AT_BREAK : AT_WRONG;
    return len;
}

enum sigv4_chunks_step sigv4_chunks_feed(struct sigv4_chunks *chunks, struct span bytes)
{
    while (bytes.len > 0 && chunks->at != AT_WRONG) {
        size_t taken = bytes.len;
        if (chunks->at == AT_END)
            chunks->at = AT_WRONG;
        else if (chunks->at == AT_DATA)
            taken = take_data(chunks, bytes);
        else
            taken = take_line(chunks, bytes);
        bytes = span_from(bytes, taken);
    }
    if (chunks->at == AT_WRONG)
        return SIGV4_CHUNKS_WRONG;
    return chunks->at == AT_END ? SIGV4_CHUNKS_END : SIGV4_CHUNKS_MORE;
}
