/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/config/tls_parts.h"

#include <stdlib.h>

#include "rules/base/arena.h"
#include "rules/base/must.h"
#include "rules/base/siphash.h"
#include "sidecar/config/file_stamp.h"
#include "sidecar/config/private_file.h"

enum {
    FILE_BYTES = 16 << 20,
    NAMES_BYTES = 16 << 20,
    OPTIONS_BYTES = 1 << 16,
    UPSTREAM_REFRESH_US = 10000000
};

struct tls_parts {
    struct tls_tickets *tickets;
    struct tls_server **servers;
    uint64_t *hashes; /* of the servers' settings and texts */
    size_t count;
    struct tls_client **clients;
    size_t client_count;
    struct certificate_expiry *expiries;
    size_t expiry_count;
    struct arena *arena; /* of names: parts may outlive the settings that they were made from */
    uint64_t hash;
};

/* The texts of one listener while its server is made. */
struct texts {
    struct buf *bufs;
    size_t count;
    struct faults *faults;
    bool broken;
};

/* ---- files ---- */

static struct tls_text text_read(struct texts *texts, const char *key, struct span file,
                                 struct place place)
{
    bool is_key = strcmp(key, "key_file") == 0;
    char why[160];
    struct buf *buf = &texts->bufs[texts->count++];
    buf_init(buf, FILE_BYTES);
    bool well = is_key ? secret_file_read(file.at, buf, why, sizeof why)
                       : private_file_read(file.at, buf, why, sizeof why);
    if (!well) {
        fault_add(texts->faults, FAULT_ERROR, place, span_make(NULL, 0),
                  "%s: '" SPAN_FORMAT "': %s", key, span_arg(file), why);
        texts->broken = true;
    }
    /* faults of what is in it name the file */
    return (struct tls_text){buf->len > 0 ? buf_span(buf) : SPAN(""), {.file = file.at}};
}

static void texts_forget(struct texts *texts)
{
    for (size_t i = 0; i < texts->count; i++)
        buf_wipe(&texts->bufs[i]);
    free(texts->bufs);
}

/* ---- one listener ---- */

static void options_hash(uint64_t *hash, const struct tls_server_options *options,
                         const struct texts *texts)
{
    struct buf text;
    buf_init(&text, OPTIONS_BYTES);
    buf_format(&text, SPAN_FORMAT " %u %u " SPAN_FORMAT, span_arg(options->name),
               (unsigned)options->min_version, (unsigned)options->client_auth,
               span_arg(options->ciphers));
    siphash_add(hash, buf_span(&text));
    for (size_t i = 0; i < texts->count; i++)
        siphash_add(hash, buf_span(&texts->bufs[i]));
    buf_fini(&text);
}

static struct tls_server *
server_new(struct tls_parts *parts, const struct listener_settings *listener, struct faults *faults)
{
    const struct listener_tls_settings *tls = &listener->tls;
    struct tls_key_pair *pairs = must_alloc(tls->certificate_count * sizeof *pairs);
    struct texts texts = {.bufs = must_alloc((2 * tls->certificate_count + 2) * sizeof(struct buf)),
                          .faults = faults};
    struct tls_server_options options = {.name = listener->name,
                                         .pairs = pairs,
                                         .pair_count = tls->certificate_count,
                                         .min_version = (enum tls_version)tls->min_version,
                                         .ciphers = tls->ciphers,
                                         .ciphers_place = tls->ciphers_place,
                                         .client_auth = (enum tls_client_auth)tls->client_auth,
                                         .tickets = parts->tickets};
    for (size_t i = 0; i < tls->certificate_count; i++) {
        const struct certificate_files *files = &tls->certificates[i];
        pairs[i].chain = text_read(&texts, "cert_file", files->cert_file, files->cert_place);
        pairs[i].key = text_read(&texts, "key_file", files->key_file, files->key_place);
    }
    if (tls->client_ca_file.at != NULL)
        options.client_ca =
            text_read(&texts, "client_ca_file", tls->client_ca_file, tls->client_ca_place);
    if (tls->crl_file.at != NULL)
        options.crl = text_read(&texts, "crl_file", tls->crl_file, tls->crl_place);
    options_hash(&parts->hashes[parts->count], &options, &texts);
    struct tls_server *server = texts.broken ? NULL : tls_server_new(&options, faults);
    texts_forget(&texts);
    free(pairs);
    return server;
}

/* ---- one upstream ---- */

static struct tls_client *client_new(struct tls_parts *parts,
                                     const struct upstream_tls_settings *tls, struct faults *faults)
{
    enum { FILES = 3 };
    struct tls_client_options options = {0};
    struct texts texts = {.bufs = must_alloc(FILES * sizeof(struct buf)), .faults = faults};
    if (tls->ca_file.at != NULL)
        options.ca = text_read(&texts, "ca_file", tls->ca_file, tls->ca_place);
    if (tls->cert_file.at != NULL) {
        options.pair.chain = text_read(&texts, "cert_file", tls->cert_file, tls->cert_place);
        options.pair.key = text_read(&texts, "key_file", tls->key_file, tls->key_place);
    }
    siphash_add(&parts->hash, tls->ca_file.at != NULL ? SPAN("ca") : SPAN("system"));
    for (size_t i = 0; i < texts.count; i++)
        siphash_add(&parts->hash, buf_span(&texts.bufs[i]));
    struct tls_client *client = texts.broken ? NULL : tls_client_new(&options, faults);
    texts_forget(&texts);
    return client;
}

static bool add_clients(struct tls_parts *parts, const struct settings *settings,
                        struct faults *faults)
{
    bool well = true;
    parts->clients = must_alloc((settings->upstream_count + 1) * sizeof(struct tls_client *));
    for (; parts->client_count < settings->upstream_count; parts->client_count++) {
        const struct upstream_settings *upstream = &settings->upstreams[parts->client_count];
        siphash_add(&parts->hash, upstream->name);
        if (!upstream->tls.on)
            continue;
        struct tls_client *client = client_new(parts, &upstream->tls, faults);
        parts->clients[parts->client_count] = client;
        well = well && client != NULL;
    }
    return well;
}

static void add_expiries(struct tls_parts *parts, const struct listener_settings *listener,
                         const struct tls_server *server)
{
    struct tls_certificate_facts facts;
    for (size_t i = 0; tls_server_certificate(server, i, &facts); i++) {
        parts->expiries = must_realloc(parts->expiries, (parts->expiry_count + 1) *
                                                            sizeof(struct certificate_expiry));
        parts->expiries[parts->expiry_count++] =
            (struct certificate_expiry){.listener = arena_copy(parts->arena, listener->name),
                                        .name = facts.name,
                                        .not_after_s = facts.not_after_s};
    }
}

/* ---- all ---- */

/* The server of the next listener; NULL, and said: there is none. `same`: of the same settings, or
 * NULL. */
static struct tls_server *next_server(struct tls_parts *parts,
                                      const struct listener_settings *listener,
                                      const struct tls_parts *same, struct faults *faults)
{
    if (same == NULL || listener->tls.refresh_us > 0)
        return server_new(parts, listener, faults);
    parts->hashes[parts->count] = same->hashes[parts->count];
    return tls_server_take(same->servers[parts->count]);
}

static struct tls_parts *parts_new(const struct settings *settings, const struct tls_parts *before,
                                   const struct tls_parts *same, struct faults *faults)
{
    struct tls_parts *parts = must_alloc(sizeof *parts);
    bool well = true;
    parts->arena = arena_new(NULL, NAMES_BYTES);
    must(parts->arena != NULL);
    parts->tickets = before != NULL ? tls_tickets_take(before->tickets) : tls_tickets_new(NULL);
    parts->servers = must_alloc((settings->listener_count + 1) * sizeof(struct tls_server *));
    parts->hashes = must_alloc((settings->listener_count + 1) * sizeof *parts->hashes);
    for (; parts->count < settings->listener_count; parts->count++) {
        const struct listener_settings *listener = &settings->listeners[parts->count];
        siphash_add(&parts->hash, listener->name); /* servers go by the listeners' order */
        if (listener->tls.certificate_count == 0)
            continue;
        struct tls_server *server = next_server(parts, listener, same, faults);
        const uint64_t *hash = &parts->hashes[parts->count];
        siphash_add(&parts->hash, span_make((const char *)hash, sizeof *hash));
        parts->servers[parts->count] = server;
        well = well && server != NULL;
        if (server != NULL)
            add_expiries(parts, listener, server);
    }
    if (add_clients(parts, settings, faults) && well)
        return parts;
    tls_parts_free(parts);
    return NULL;
}

struct tls_parts *tls_parts_new(const struct settings *settings, const struct tls_parts *before,
                                struct faults *faults)
{
    return parts_new(settings, before, NULL, faults);
}

struct tls_parts *tls_parts_renew(const struct settings *settings, const struct tls_parts *before,
                                  struct faults *faults)
{
    return parts_new(settings, before, before, faults);
}

void tls_parts_free(struct tls_parts *parts)
{
    if (parts == NULL)
        return;
    for (size_t i = 0; i < parts->count; i++)
        tls_server_give(parts->servers[i]);
    for (size_t i = 0; i < parts->client_count; i++)
        tls_client_give(parts->clients[i]);
    tls_tickets_give(parts->tickets);
    free(parts->clients);
    free(parts->servers);
    free(parts->hashes);
    free(parts->expiries);
    arena_free(parts->arena);
    free(parts);
}

struct tls_server *const *tls_parts_servers(const struct tls_parts *parts)
{
    return parts->servers;
}

struct tls_client *const *tls_parts_clients(const struct tls_parts *parts)
{
    return parts->clients;
}

const struct certificate_expiry *tls_parts_expiries(const struct tls_parts *parts, size_t *count)
{
    *count = parts->expiry_count;
    return parts->expiries;
}

uint64_t tls_parts_hash(const struct tls_parts *parts)
{
    return parts->hash;
}

/* ---- looking at files ---- */

static void stamp_file(uint64_t *stamp, struct span file)
{
    if (file.at == NULL)
        return;
    struct file_stamp is = file_stamp_of(file.at);
    siphash_add(stamp, span_make((const char *)&is, sizeof is));
}

uint64_t tls_files_stamp(const struct settings *settings)
{
    uint64_t stamp = 1;
    for (size_t i = 0; i < settings->listener_count; i++) {
        const struct listener_tls_settings *tls = &settings->listeners[i].tls;
        if (tls->refresh_us == 0)
            continue;
        for (size_t j = 0; j < tls->certificate_count; j++) {
            stamp_file(&stamp, tls->certificates[j].cert_file);
            stamp_file(&stamp, tls->certificates[j].key_file);
        }
        stamp_file(&stamp, tls->client_ca_file);
        stamp_file(&stamp, tls->crl_file);
    }
    for (size_t i = 0; i < settings->upstream_count; i++) {
        const struct upstream_tls_settings *tls = &settings->upstreams[i].tls;
        stamp_file(&stamp, tls->ca_file);
        stamp_file(&stamp, tls->cert_file);
        stamp_file(&stamp, tls->key_file);
    }
    return stamp;
}

uint64_t tls_files_refresh_us(const struct settings *settings)
{
    uint64_t least = 0;
    for (size_t i = 0; i < settings->listener_count; i++) {
        const struct listener_tls_settings *tls = &settings->listeners[i].tls;
        if (tls->certificate_count > 0 && tls->refresh_us > 0 &&
            (least == 0 || tls->refresh_us < least))
            least = tls->refresh_us;
    }
    for (size_t i = 0; i < settings->upstream_count && least == 0; i++)
        least = settings->upstreams[i].tls.on ? UPSTREAM_REFRESH_US : 0;
    return least;
}
