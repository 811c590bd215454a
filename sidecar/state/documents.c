/* SPDX-License-Identifier: Apache-2.0 */
/* One lock over a map; documents are handed out counted. A file is one line about the document and
 * then its bytes:
 *
 *   # sidegate-document 1 HASH LENGTH FETCHED_US ETAG LAST_MODIFIED FROM    (hexadecimal texts)
 *
 * FROM is a hash: there may be a secret in the query of what it was fetched from. */
#include "sidecar/state/documents.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rules/base/buf.h"
#include "rules/base/encode.h"
#include "rules/base/list.h"
#include "rules/base/map.h"
#include "rules/base/must.h"
#include "rules/base/number.h"
#include "sidecar/state/state_file.h"

enum { AGAIN_US = 1000000, DOUBLINGS = 20 };
enum { PATH_BYTES = 4096, FILE_BYTES = 512 << 20, HEAD_BYTES = 64 << 10, FIELD_BYTES = 4096 };

/* `document` is what others see of it. */
struct counted {
    struct document document;
    _Atomic unsigned count;
    char text[]; /* the bytes, the tag, the date */
};

struct source {
    struct counted *good, *unjudged; /* NULL: none */
    uint64_t bad; /* hash of what was judged so last; 0: what came last was not */
    char *why;    /* it is; NULL: it is not */
    bool looked;  /* for its file */
    unsigned holders;
};

struct documents {
    pthread_mutex_t lock;
    struct map *sources;
    char *folder; /* NULL: none */
    bool swept;
    _Atomic uint64_t generation;
};

#define FILE_PREFIX "fetched-"
enum { FILE_PREFIX_LEN = sizeof FILE_PREFIX - 1 };
static const uint8_t document_key[16] = "what was fetched";

/* ---- one document ---- */

static struct counted *counted_of(struct document *document)
{
    return list_entry(document, struct counted, document);
}

static struct span put_text(char **at, struct span text)
{
    char *start = *at;
    memcpy(start, text.len > 0 ? text.at : "", text.len);
    *at += text.len;
    return span_make(start, text.len);
}

static struct counted *counted_new(const struct document *from)
{
    struct counted *made =
        must_alloc(sizeof *made + from->bytes.len + from->etag.len + from->last_modified.len + 1);
    char *at = made->text;
    atomic_init(&made->count, 1);
    made->document.bytes = put_text(&at, from->bytes);
    made->document.etag = put_text(&at, from->etag);
    made->document.last_modified = put_text(&at, from->last_modified);
    made->document.fetched_wall_us = from->fetched_wall_us;
    made->document.hash = siphash(document_key, from->bytes) | 1; /* never 0 */
    return made;
}

struct document *document_take(struct document *document)
{
    if (document != NULL)
        atomic_fetch_add_explicit(&counted_of(document)->count, 1, memory_order_relaxed);
    return document;
}

void document_give(struct document *document)
{
    if (document == NULL)
        return;
    struct counted *counted = counted_of(document);
    if (atomic_fetch_sub_explicit(&counted->count, 1, memory_order_acq_rel) == 1)
        free(counted);
}

/* ---- files ---- */

/* False: there is no folder. */
static bool file_path(const struct documents *documents, struct span from, char path[PATH_BYTES])
{
    uint64_t hash = siphash(document_key, from);
    if (documents->folder != NULL)
        snprintf(path, PATH_BYTES, "%s/" FILE_PREFIX "%016llx", documents->folder,
                 (unsigned long long)hash);
    return documents->folder != NULL;
}

static void add_hex(struct buf *to, struct span text)
{
    buf_add_byte(to, ' ');
    buf_add_byte(to, 'x'); /* so that nothing is a word too */
    for (size_t i = 0; i < text.len; i++)
        buf_format(to, "%02x", (unsigned)(unsigned char)text.at[i]);
}

static uint64_t from_hash(struct span from)
{
    static const uint8_t key[16] = "where from";
    return siphash(key, from);
}

/* In one step: who reads finds the one before or this one. Not to be able to is no fault of the
 * list's: it is only not there after a restart. */
static void file_write(const char *path, struct span from, const struct document *document)
{
    char fresh[PATH_BYTES + 8];
    struct buf head;
    if (document->etag.len + document->last_modified.len > FIELD_BYTES)
        return;
    snprintf(fresh, sizeof fresh, "%s.new", path);
    buf_init(&head, HEAD_BYTES);
    buf_format(&head, "# sidegate-document 1 %016llx %zu %llu", (unsigned long long)document->hash,
               document->bytes.len, (unsigned long long)document->fetched_wall_us);
    add_hex(&head, document->etag);
    add_hex(&head, document->last_modified);
    buf_format(&head, " %016llx", (unsigned long long)from_hash(from));
    int fd = buf_add_byte(&head, '\n')
                 ? open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600)
                 : -1;
    bool well = fd >= 0 && state_file_write(fd, buf_span(&head)) &&
                state_file_write(fd, document->bytes) && fsync(fd) == 0;
    if (fd >= 0)
        close(fd);
    if (well)
        well = rename(fresh, path) == 0;
    if (!well && fd >= 0)
        unlink(fresh);
    buf_fini(&head);
}

static bool file_bytes(const char *path, struct buf *to)
{
    struct stat file;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return false;
    /* what others may write decides nothing */
    bool well = fstat(fd, &file) == 0 && S_ISREG(file.st_mode) && (file.st_mode & S_IWOTH) == 0 &&
                file.st_size < FILE_BYTES;
    size_t rest = well ? (size_t)file.st_size : 0;
    well = well && buf_room(to, rest + 1) != NULL;
    for (ssize_t got = 1; well && rest > 0 && got > 0;) {
        got = read(fd, to->at + to->len, rest);
        buf_grew(to, got > 0 ? (size_t)got : 0);
        rest -= got > 0 ? (size_t)got : 0;
    }
    close(fd);
    return well && rest == 0;
}

static bool unhex(struct span text, char *to, struct span *out)
{
    size_t len = text.len / 2;
    if (text.len % 2 == 0 || text.at[0] != 'x' || len > FIELD_BYTES)
        return false;
    *out = span_make(to, len);
    return hex_read(span_from(text, 1), (uint8_t *)to, len);
}

/* False: it is another one's, cut short, or none of ours. */
static bool file_parse(struct span text, struct span from, struct counted **out)
{
    char etag[FIELD_BYTES], date[FIELD_BYTES];
    struct span rest = text, line = span_cut(&rest, '\n');
    struct document document = {.bytes = rest};
    uint64_t hash_bytes, length, named;
    uint8_t hash[8];
    if (!span_starts(line, SPAN("# sidegate-document 1 ")) || rest.at == NULL)
        return false;
    line = span_from(line, sizeof "# sidegate-document 1 " - 1);
    struct span hash_text = span_cut(&line, ' ');
    bool well = hex_read(hash_text, hash, sizeof hash) &&
                number_parse(span_cut(&line, ' '), &length) && length == rest.len &&
                number_parse(span_cut(&line, ' '), &document.fetched_wall_us) &&
                unhex(span_cut(&line, ' '), etag, &document.etag) &&
                unhex(span_cut(&line, ' '), date, &document.last_modified) && line.len == 16 &&
                number_parse_hex(line, &named) && named == from_hash(from);
    if (!well)
        return false;
    struct counted *made = counted_new(&document);
    hash_bytes = 0;
    for (size_t i = 0; i < sizeof hash; i++)
        hash_bytes = hash_bytes << 8 | hash[i];
    if (hash_bytes != made->document.hash) {
        free(made);
        return false;
    }
    *out = made;
    return true;
}

static void look_for_file(const struct documents *documents, struct span from,
                          struct source *source)
{
    char path[PATH_BYTES];
    struct buf text;
    if (source->looked || source->good != NULL || !file_path(documents, from, path))
        return;
    source->looked = true;
    buf_init(&text, FILE_BYTES);
    if (file_bytes(path, &text))
        file_parse(buf_span(&text), from, &source->good);
    buf_fini(&text);
}

/* ---- all of them ---- */

struct documents *documents_new(void)
{
    struct documents *documents = must_alloc(sizeof *documents);
    must(pthread_mutex_init(&documents->lock, NULL) == 0);
    documents->sources = map_new(NULL, false);
    return documents;
}

static void source_free(struct source *source)
{
    document_give(source->good != NULL ? &source->good->document : NULL);
    document_give(source->unjudged != NULL ? &source->unjudged->document : NULL);
    free(source->why);
    free(source);
}

void documents_free(struct documents *documents)
{
    struct span name;
    void *value;
    if (documents == NULL)
        return;
    for (size_t cursor = 0; map_next(documents->sources, &cursor, &name, &value);)
        source_free(value);
    map_free(documents->sources);
    pthread_mutex_destroy(&documents->lock);
    free(documents->folder);
    free(documents);
}

void documents_keep_in(struct documents *documents, struct span folder)
{
    pthread_mutex_lock(&documents->lock);
    free(documents->folder);
    documents->folder = folder.at != NULL ? must_strdup(folder.at) : NULL;
    pthread_mutex_unlock(&documents->lock);
}

static struct source *source_of(struct documents *documents, struct span from)
{
    struct source *source = map_find(documents->sources, from);
    if (source == NULL) {
        source = must_alloc(sizeof *source);
        map_set(documents->sources, from, source);
    }
    look_for_file(documents, from, source);
    return source;
}

/* ---- who needs them ---- */

void documents_hold(struct documents *documents, struct span from)
{
    pthread_mutex_lock(&documents->lock);
    source_of(documents, from)->holders++;
    pthread_mutex_unlock(&documents->lock);
}

void documents_leave(struct documents *documents, struct span from)
{
    char path[PATH_BYTES];
    pthread_mutex_lock(&documents->lock);
    struct source *source = map_find(documents->sources, from);
    must(source != NULL && source->holders > 0);
    if (--source->holders == 0) {
        if (documents->swept && file_path(documents, from, path))
            unlink(path);
        map_remove(documents->sources, from);
        source_free(source);
    }
    pthread_mutex_unlock(&documents->lock);
}

static bool is_held(const struct documents *documents, struct span file)
{
    char path[PATH_BYTES];
    struct span from;
    void *value;
    for (size_t cursor = 0; map_next(documents->sources, &cursor, &from, &value);) {
        const struct source *source = value;
        if (source->holders > 0 && file_path(documents, from, path) &&
            span_ends(span_text(path), file))
            return true;
    }
    return false;
}

/* A document's, or one that was never finished. */
static bool is_file_of_ours(struct span name)
{
    uint64_t hash;
    struct span rest = span_from(name, span_starts(name, SPAN(FILE_PREFIX)) ? FILE_PREFIX_LEN : 0);
    if (rest.len == name.len || rest.len < 16 || !number_parse_hex(span_first(rest, 16), &hash))
        return false;
    rest = span_from(rest, 16);
    return rest.len == 0 || span_is(rest, SPAN(".new"));
}

static void sweep(const struct documents *documents, DIR *entries)
{
    for (struct dirent *entry;;) {
        entry = readdir(entries); // NOLINT(concurrency-mt-unsafe): nobody else has this one
        if (entry == NULL)
            return;
        struct span name = span_text(entry->d_name);
        if (is_file_of_ours(name) && !is_held(documents, name))
            unlinkat(dirfd(entries), entry->d_name, 0);
    }
}

void documents_sweep(struct documents *documents)
{
    pthread_mutex_lock(&documents->lock);
    DIR *entries = documents->folder != NULL ? opendir(documents->folder) : NULL;
    if (entries != NULL) {
        sweep(documents, entries);
        closedir(entries);
    }
    documents->swept = true;
    pthread_mutex_unlock(&documents->lock);
}

/* ---- judging ---- */

static void drop(struct counted **held)
{
    if (*held != NULL)
        document_give(&(*held)->document);
    *held = NULL;
}

static void set_bad(struct source *source, uint64_t hash, const char *why)
{
    free(source->why);
    source->why = why != NULL ? must_strdup(why) : NULL;
    source->bad = why != NULL ? hash : 0;
}

/* What came last is what the good one is. */
static void is_as_before(struct source *source)
{
    set_bad(source, 0, NULL);
    drop(&source->unjudged);
}

static enum documents_offer offer(struct documents *documents, struct span from,
                                  const struct document *fetched)
{
    struct counted *made = counted_new(fetched);
    struct source *source = source_of(documents, from);
    uint64_t hash = made->document.hash;
    if (source->good != NULL && source->good->document.hash == hash) {
        drop(&source->good); /* what the server says of it may be new */
        source->good = made;
        is_as_before(source);
        return OFFER_SAME;
    }
    if (source->bad == hash) {
        free(made);
        return OFFER_BAD;
    }
    drop(&source->unjudged);
    source->unjudged = made;
    atomic_fetch_add(&documents->generation, 1);
    return OFFER_NEW;
}

enum documents_offer documents_offer(struct documents *documents, struct span from,
                                     const struct document *fetched)
{
    pthread_mutex_lock(&documents->lock);
    enum documents_offer result = offer(documents, from, fetched);
    pthread_mutex_unlock(&documents->lock);
    return result;
}

void documents_confirm(struct documents *documents, struct span from)
{
    pthread_mutex_lock(&documents->lock);
    is_as_before(source_of(documents, from));
    pthread_mutex_unlock(&documents->lock);
}

static struct document *shown(struct counted *held)
{
    return held != NULL ? document_take(&held->document) : NULL;
}

struct document *documents_unjudged(struct documents *documents, struct span from)
{
    pthread_mutex_lock(&documents->lock);
    struct document *document = shown(source_of(documents, from)->unjudged);
    pthread_mutex_unlock(&documents->lock);
    return document;
}

struct document *documents_good(struct documents *documents, struct span from)
{
    pthread_mutex_lock(&documents->lock);
    struct document *document = shown(source_of(documents, from)->good);
    pthread_mutex_unlock(&documents->lock);
    return document;
}

void documents_judge(struct documents *documents, struct span from, struct document *document,
                     const char *bad)
{
    char path[PATH_BYTES];
    pthread_mutex_lock(&documents->lock);
    struct source *source = source_of(documents, from);
    bool is_latest = source->unjudged != NULL && &source->unjudged->document == document;
    if (bad == NULL) {
        drop(&source->good);
        source->good = counted_of(document_take(document));
    }
    if (is_latest) { /* of one that came since nothing is said */
        set_bad(source, document->hash, bad);
        drop(&source->unjudged);
    }
    bool is_kept = bad == NULL && file_path(documents, from, path);
    pthread_mutex_unlock(&documents->lock);
    if (is_kept)
        file_write(path, from, document);
}

bool documents_is_bad(struct documents *documents, struct span from, char *why, size_t size)
{
    pthread_mutex_lock(&documents->lock);
    const struct source *source = source_of(documents, from);
    bool is_bad = source->why != NULL;
    if (is_bad)
        snprintf(why, size, "%s", source->why);
    pthread_mutex_unlock(&documents->lock);
    return is_bad;
}

uint64_t documents_wait_us(uint64_t refresh_us, unsigned failures, uint64_t chance)
{
    unsigned doublings = failures < DOUBLINGS ? failures : DOUBLINGS;
    uint64_t wait_us = refresh_us;
    if (doublings > 0 && (uint64_t)AGAIN_US << (doublings - 1) < wait_us)
        wait_us = (uint64_t)AGAIN_US << (doublings - 1);
    return wait_us - chance % (wait_us / 10 + 1);
}

uint64_t documents_generation(const struct documents *documents)
{
    return atomic_load(&documents->generation);
}
