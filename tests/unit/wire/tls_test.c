/* SPDX-License-Identifier: Apache-2.0 */
/* TLS on memory streams: what is presented, what is torn, what is held, what fails. */
#include "sidecar/wire/tls.h"

#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "rules/base/must.h"
#include "tests/check.h"
#include "tests/unit/wire/far_end.h"
#include "tests/unit/wire/suites.h"

enum { CAPACITY = 4096, HANDSHAKE_US = 5000000, TEXT_BYTES = 16384 };

/* ---- certificates ---- */

struct made {
    char chain[TEXT_BYTES], key[TEXT_BYTES];
};

static void to_text(BIO *bio, char *to)
{
    int len = BIO_read(bio, to, TEXT_BYTES - 1);
    check(len > 0 && len < TEXT_BYTES - 1);
    to[len] = '\0';
    BIO_free(bio);
}

/* Signed by itself; `names` like "DNS:a.example,DNS:*.b.example". */
static void make(struct made *made, const char *names)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = X509_new();
    check(key != NULL && certificate != NULL);
    X509_set_version(certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -60);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 86400);
    X509_set_pubkey(certificate, key);
    X509_EXTENSION *san = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, names);
    check(san != NULL && X509_add_ext(certificate, san, -1) == 1);
    X509_EXTENSION_free(san);
    check(X509_sign(certificate, key, EVP_sha256()) > 0);
    BIO *chain = BIO_new(BIO_s_mem()), *private = BIO_new(BIO_s_mem());
    check(PEM_write_bio_X509(chain, certificate) == 1);
    check(PEM_write_bio_PrivateKey(private, key, NULL, NULL, 0, NULL, NULL) == 1);
    to_text(chain, made->chain);
    to_text(private, made->key);
    X509_free(certificate);
    EVP_PKEY_free(key);
}

static struct tls_server *server_of(const struct made *made, size_t count)
{
    struct tls_key_pair pairs[4] = {0};
    struct faults *faults = faults_new();
    struct tls_tickets *tickets = tls_tickets_new(NULL);
    for (size_t i = 0; i < count; i++)
        pairs[i] = (struct tls_key_pair){
            {.pem = span_text(made[i].chain), .place = {.file = "a.crt"}},
            {.pem = span_text(made[i].key), .place = {.file = "a.key"}},
        };
    const struct tls_server_options options = {
        .name = SPAN("public"), .pairs = pairs, .pair_count = count, .tickets = tickets};
    struct tls_server *server = tls_server_new(&options, faults);
    check_number(faults_count(faults, FAULT_ERROR), 0);
    tls_tickets_give(tickets);
    faults_free(faults);
    return server;
}

/* ---- a client of OpenSSL's own, on the far end ---- */

struct far_client {
    SSL_CTX *context;
    SSL *ssl;
    BIO *in, *out;
    struct stream *stream;
    bool broken;
};

static void far_on_ready(void *owner, unsigned ready)
{
    (void)owner;
    (void)ready;
}

static void far_open(struct far_client *far, struct stream *stream)
{
    char name[] = "a.example"; /* OpenSSL's macro takes the const away */
    *far = (struct far_client){.context = SSL_CTX_new(TLS_client_method()), .stream = stream};
    far->ssl = SSL_new(far->context);
    far->in = BIO_new(BIO_s_mem());
    far->out = BIO_new(BIO_s_mem());
    SSL_set_bio(far->ssl, far->in, far->out);
    SSL_set_connect_state(far->ssl);
    SSL_set_tlsext_host_name(far->ssl, name);
    stream->on_ready = far_on_ready;
    stream->owner = far;
}

/* What came goes in, what OpenSSL says goes out. */
static void far_move(struct far_client *far)
{
    char bytes[TEXT_BYTES], *out;
    struct stream_moved moved;
    while ((moved = stream_read(far->stream, bytes, sizeof bytes)).state == STREAM_DONE)
        BIO_write(far->in, bytes, (int)moved.bytes);
    far->broken = far->broken || moved.state == STREAM_BROKEN;
    ERR_clear_error();
    SSL_do_handshake(far->ssl);
    long len;
    while ((len = BIO_get_mem_data(far->out, &out)) > 0) {
        const struct iovec part = {out, (size_t)len};
        moved = stream_write(far->stream, &part, 1);
        far->broken = far->broken || moved.state == STREAM_BROKEN;
        if (moved.state != STREAM_DONE)
            return;
        BIO_read(far->out, bytes, (int)moved.bytes);
    }
}

static void far_close(struct far_client *far)
{
    if (far->stream != NULL)
        stream_close(far->stream);
    SSL_free(far->ssl);
    SSL_CTX_free(far->context);
}

/* ---- both ends ---- */

struct scene {
    struct world world;
    struct stream *stream; /* ours */
    struct far_client far;
    struct tls_facts *facts;
    enum tls_failure failure;
    unsigned dones, readies;
    unsigned told;
};

static void on_ready(void *owner, unsigned ready)
{
    struct scene *scene = owner;
    scene->readies++;
    scene->told |= ready;
}

static void on_done(void *context, struct tls_facts *facts, enum tls_failure failure)
{
    struct scene *scene = context;
    scene->dones++;
    scene->facts = facts;
    scene->failure = failure;
    if (facts == NULL) {
        stream_close(scene->stream);
        scene->stream = NULL;
        return;
    }
    scene->stream->on_ready = on_ready;
    scene->stream->owner = scene;
    stream_want(scene->stream, STREAM_READ);
}

static void scene_open(struct scene *scene, unsigned handshakes)
{
    struct stream *ours, *theirs;
    struct made made;
    *scene = (struct scene){0};
    world_open(&scene->world);
    make(&made, "DNS:a.example");
    struct tls_server *server = server_of(&made, 1);
    stream_memory_pair(scene->world.loop, CAPACITY, handshakes, &ours, &theirs);
    far_open(&scene->far, theirs);
    scene->stream =
        stream_tls_server(server, scene->world.loop, ours, HANDSHAKE_US, on_done, scene);
    tls_server_give(server); /* the stream has its own count */
}

static void scene_turn(struct scene *scene)
{
    for (unsigned i = 0; i < 40; i++) {
        if (!scene->far.broken)
            far_move(&scene->far);
        world_turn(&scene->world);
    }
}

static void scene_close(struct scene *scene)
{
    if (scene->stream != NULL)
        stream_close(scene->stream);
    tls_facts_free(scene->facts);
    far_close(&scene->far);
    world_close(&scene->world);
}

/* All that our end hears until there is nothing. */
static size_t hear(struct scene *scene, char *to, size_t size, size_t piece)
{
    size_t len = 0;
    struct stream_moved moved;
    while (len < size &&
           (moved = stream_read(scene->stream, to + len, size - len < piece ? size - len : piece))
                   .state == STREAM_DONE)
        len += moved.bytes;
    return len;
}

TEST(a_handshake_comes_to_facts_and_text_goes_both_ways)
{
    struct scene scene;
    char text[64];
    scene_open(&scene, 0);
    scene_turn(&scene);
    check_number(scene.dones, 1);
    check(scene.facts != NULL);
    check_span(scene.facts->version, "1.3");
    check_span(scene.facts->server_name, "a.example");
    check(!scene.facts->resumed && scene.facts->peer.field.at == NULL);
    check_number(SSL_write(scene.far.ssl, "hello", 5), 5);
    scene_turn(&scene);
    check(scene.told == STREAM_READ);
    check_number(hear(&scene, text, sizeof text, sizeof text), 5);
    check(memcmp(text, "hello", 5) == 0);
    char answer[] = "answer";
    const struct iovec parts[] = {{answer, 3}, {answer + 3, 3}};
    check_number(stream_write(scene.stream, parts, 2).bytes, 6);
    scene_turn(&scene);
    check_number(SSL_read(scene.far.ssl, text, sizeof text), 3);
    check_number(SSL_read(scene.far.ssl, text + 3, sizeof text), 3);
    check(memcmp(text, "answer", 6) == 0);
    scene_close(&scene);
}

TEST(what_openssl_holds_is_reported_though_nothing_comes)
{
    struct scene scene;
    char text[64];
    scene_open(&scene, 0);
    scene_turn(&scene);
    check_number(SSL_write(scene.far.ssl, "abcdef", 6), 6);
    scene_turn(&scene);
    check_number(stream_read(scene.stream, text, 2).bytes, 2);
    scene.readies = 0;
    world_turn(&scene.world);
    check(scene.readies > 0);
    stream_want(scene.stream, 0);
    world_turn(&scene.world);
    scene.readies = 0;
    world_turn(&scene.world);
    check_number(scene.readies, 0);
    stream_want(scene.stream, STREAM_READ);
    world_turn(&scene.world);
    check(scene.readies > 0);
    check_number(hear(&scene, text, sizeof text, 1), 4);
    scene_close(&scene);
}

TEST(the_other_side_ends_in_order_or_is_broken)
{
    struct scene scene;
    char text[8];
    scene_open(&scene, 0);
    scene_turn(&scene);
    SSL_shutdown(scene.far.ssl);
    scene_turn(&scene);
    check_number(stream_read(scene.stream, text, sizeof text).state, STREAM_END);
    scene_close(&scene);
    scene_open(&scene, 0);
    scene_turn(&scene);
    stream_finish(scene.far.stream); /* without a word of TLS: it may be cut off */
    world_turn(&scene.world);
    check_number(stream_read(scene.stream, text, sizeof text).state, STREAM_BROKEN);
    scene_close(&scene);
}

TEST(our_end_says_that_it_ends)
{
    struct scene scene;
    char text[8];
    scene_open(&scene, 0);
    scene_turn(&scene);
    stream_finish(scene.stream);
    scene_turn(&scene);
    check_number(SSL_get_error(scene.far.ssl, SSL_read(scene.far.ssl, text, sizeof text)),
                 SSL_ERROR_ZERO_RETURN);
    scene_close(&scene);
}

TEST(a_handshake_has_its_time)
{
    struct scene scene;
    scene_open(&scene, 0);
    world_pass(&scene.world, HANDSHAKE_US - 10000);
    check_number(scene.dones, 0);
    world_pass(&scene.world, 20000);
    check_number(scene.dones, 1);
    check(scene.facts == NULL && scene.failure == TLS_FAILURE_TIMEOUT);
    scene_close(&scene);
}

TEST(what_is_no_tls_is_told_apart)
{
    static char request[] = "GET / HTTP/1.1\r\n\r\n";
    struct scene scene;
    scene_open(&scene, 0);
    const struct iovec part = {request, sizeof request - 1};
    stream_write(scene.far.stream, &part, 1);
    world_turn(&scene.world);
    check_number(scene.dones, 1);
    check(scene.failure == TLS_FAILURE_NO_TLS);
    scene_close(&scene);
}

TEST(a_large_text_passes_a_narrow_wire_both_ways_with_reads_that_must_write)
{
    enum { LARGE = 100000 };
    for (unsigned handshakes = 0; handshakes < 4; handshakes++) {
        struct scene scene;
        char *large = must_alloc(LARGE), *got = must_alloc(LARGE);
        size_t sent = 0, heard = 0, answered = 0, back = 0;
        for (size_t i = 0; i < LARGE; i++)
            large[i] = (char)(i * 7);
        scene_open(&scene, handshakes);
        scene_turn(&scene);
        check(scene.facts != NULL);
        for (unsigned i = 0; i < 4000 && (heard < LARGE || back < LARGE); i++) {
            size_t moved = 0;
            if (sent < LARGE && BIO_ctrl_pending(scene.far.out) == 0 &&
                SSL_write_ex(scene.far.ssl, large + sent,
                             LARGE - sent < 20000 ? LARGE - sent : 20000, &moved) == 1)
                sent += moved;
            far_move(&scene.far);
            world_turn(&scene.world);
            heard += hear(&scene, got + heard, LARGE - heard, 1000);
            if (heard == LARGE && answered < LARGE) {
                check(memcmp(large, got, LARGE) == 0);
                const struct iovec part = {large + answered, LARGE - answered};
                struct stream_moved put = stream_write(scene.stream, &part, 1);
                check(put.state == STREAM_DONE || put.state == STREAM_AGAIN);
                answered += put.bytes;
            }
            size_t room = LARGE - back, read = 0;
            while (heard == LARGE && room > 0 &&
                   SSL_read_ex(scene.far.ssl, got + back, room, &read) == 1) {
                back += read;
                room -= read;
            }
        }
        check_number(heard, LARGE);
        check_number(back, LARGE);
        check(memcmp(large, got, LARGE) == 0);
        scene_close(&scene);
        free(large);
        free(got);
    }
}

/* One handshake and one text each way; true: it came through untouched. */
static bool story(void)
{
    struct scene scene;
    char text[64];
    scene_open(&scene, 0);
    scene_turn(&scene);
    bool well = scene.facts != NULL && !scene.far.broken;
    check_number(scene.dones, 1);
    if (well)
        SSL_write(scene.far.ssl, "hello", 5);
    scene_turn(&scene);
    if (well)
        well = hear(&scene, text, sizeof text, sizeof text) == 5;
    static char answer[] = "answer";
    const struct iovec part = {answer, 6};
    if (scene.stream != NULL && scene.facts != NULL)
        stream_write(scene.stream, &part, 1);
    scene_turn(&scene);
    if (well)
        well = !scene.far.broken && SSL_read(scene.far.ssl, text, sizeof text) == 6;
    scene_close(&scene);
    return well;
}

TEST(wherever_a_read_or_write_breaks_the_handshake_is_over_once_and_nothing_leaks)
{
    bool whole = false;
    for (unsigned n = 1; n < 400 && !whole; n++) {
        stream_fail_nth(n);
        whole = story();
        stream_fail_nth(0);
    }
    check(whole);
}

TEST(a_short_read_or_write_anywhere_changes_nothing)
{
    for (unsigned n = 1; n < 60; n++) {
        stream_short_nth(n);
        check(story());
        stream_short_nth(0);
    }
}

/* ---- names ---- */

TEST(a_name_gets_the_exact_certificate_then_a_wildcard_then_the_first)
{
    static struct made made[3];
    make(&made[0], "DNS:first.example");
    make(&made[1], "DNS:*.w.example,DNS:b.example");
    make(&made[2], "DNS:exact.w.example,DNS:UPPER.example");
    struct tls_server *server = server_of(made, 3);
    static const struct {
        const char *name;
        size_t want;
    } rows[] = {
        {"first.example", 0},
        {"b.example", 1},
        {"x.w.example", 1},
        {"exact.w.example", 2},
        {"x.y.w.example", 0},
        {"w.example", 0},
        {".w.example", 0},
        {"upper.example", 2},
        {"B.EXAMPLE", 1},
        {"none.example", 0},
        {"", 0},
        {"*.w.example", 1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        check_number(tls_server_choose(server, span_text(rows[i].name)), rows[i].want);
    tls_server_give(server);
}

TEST(a_server_name_is_read_strictly)
{
    static const struct {
        struct span bytes;
        bool well;
        const char *want; /* NULL: none */
    } rows[] = {
        {SPAN_INIT("\0\x0c\0\0\x09"
                   "a.example"),
         true, "a.example"},
        {SPAN_INIT("\0\x0c\0\0\x09"
                   "a.exampl"),
         false, NULL},
        {SPAN_INIT("\0\x0c\0\0\x09"
                   "a.examplex"),
         false, NULL},
        {SPAN_INIT("\0\x04\0\0\x01"
                   "\n"),
         true, NULL},
        {SPAN_INIT("\0\x04\x01\0\x01"
                   "a"),
         true, NULL},
        {SPAN_INIT("\0\x08\0\0\x01"
                   "a\0\0\x01"
                   "b"),
         false, NULL},
        {SPAN_INIT("\0\0"), false, NULL},
        {SPAN_INIT(""), false, NULL},
        {SPAN_INIT("\0\x03\0\0\0"), false, NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct span name;
        check_number(tls_server_name_parse(rows[i].bytes, &name), rows[i].well);
        if (rows[i].want != NULL)
            check_span(name, rows[i].want);
        else
            check(name.at == NULL);
    }
}

int tls_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_handshake_comes_to_facts_and_text_goes_both_ways),
        cmocka_unit_test(what_openssl_holds_is_reported_though_nothing_comes),
        cmocka_unit_test(the_other_side_ends_in_order_or_is_broken),
        cmocka_unit_test(our_end_says_that_it_ends),
        cmocka_unit_test(a_handshake_has_its_time),
        cmocka_unit_test(what_is_no_tls_is_told_apart),
        cmocka_unit_test(a_large_text_passes_a_narrow_wire_both_ways_with_reads_that_must_write),
        cmocka_unit_test(
            wherever_a_read_or_write_breaks_the_handshake_is_over_once_and_nothing_leaks),
        cmocka_unit_test(a_short_read_or_write_anywhere_changes_nothing),
        cmocka_unit_test(a_name_gets_the_exact_certificate_then_a_wildcard_then_the_first),
        cmocka_unit_test(a_server_name_is_read_strictly),
    };
    return cmocka_run_group_tests_name("tls", tests, NULL, NULL);
}
