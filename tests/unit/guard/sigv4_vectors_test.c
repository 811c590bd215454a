/* SPDX-License-Identifier: Apache-2.0 */
/* The signed requests of aws-c-auth's suite (auth-sigv4-aws-c-auth below SIDEGATE_TEST_DATA): each
 * is accepted, and none in which a byte has changed, unless it is the same request in another
 * spelling
 * (%2F and %2f, the case of a field's name). */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "sidecar/guard/sigv4_inside.h"
#include "tests/check.h"
#include "tests/unit/guard/suites.h"

enum { TEXT_MOST = 8192, FIELDS_MOST = 32, ARENA_MOST = 1 << 20 };
#define SIGNED_AT 1440938160000000u /* 2015-08-30T12:36:00Z */

struct sample {
    char text[TEXT_MOST], context[TEXT_MOST];
    size_t len;
    bool normalize;
    struct sigv4_key *key;
};

struct told { /* a request out of its text */
    struct pair pairs[FIELDS_MOST];
    struct fields fields;
    struct sigv4_request request;
    char payload[SHA256_HEX];
};

static size_t file_read(const char *folder, const char *name, char *to)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "r");
    check(file != NULL);
    size_t len = fread(to, 1, TEXT_MOST - 1, file);
    fclose(file);
    to[len] = '\0';
    return len;
}

/* The value of a text in the context, or "". */
static struct span member(const struct sample *sample, const char *name)
{
    char quoted[64];
    snprintf(quoted, sizeof quoted, "\"%s\": \"", name);
    const char *at = strstr(sample->context, quoted);
    if (at == NULL)
        return SPAN("");
    at += strlen(quoted);
    return span_make(at, strcspn(at, "\""));
}

/* False: it is no head at all. Lines that begin with a blank go on with the field before. */
static bool head_read(struct span text, struct told *told)
{
    *told = (struct told){.fields = {.at = told->pairs, .size = FIELDS_MOST}};
    struct span line = span_cut(&text, '\n');
    told->request.method = span_cut(&line, ' ');
    size_t end = span_find_last_byte(line, ' ');
    if (end == SPAN_NONE)
        return false;
    told->request.query = span_first(line, end);
    told->request.path = span_cut(&told->request.query, '?');
    while ((line = span_cut(&text, '\n')).len > 0) {
        if (line.at[0] == ' ' && told->fields.count > 0) {
            struct pair *last = &told->pairs[told->fields.count - 1];
            last->value.len = (size_t)(line.at + line.len - last->value.at);
            continue;
        }
        struct span name = span_cut(&line, ':');
        if (line.at == NULL || told->fields.count == FIELDS_MOST)
            return false;
        told->pairs[told->fields.count++] = (struct pair){name, line};
    }
    sigv4_sha256_hex(span_trim(text, "\n"), told->payload);
    told->request.payload = span_make(told->payload, SHA256_HEX);
    told->request.fields = &told->fields;
    return true;
}

static enum sigv4_answer verify(const struct sample *sample, struct told *told, struct span text,
                                struct sigv4 *sigv4)
{
    static const struct sigv4_rules plain = {SPAN_INIT("us-east-1"), SPAN_INIT("service"),
                                             .skew_us = 300000000u, .elliptic = true};
    static const struct sigv4_rules normal = {SPAN_INIT("us-east-1"), SPAN_INIT("service"),
                                              .skew_us = 300000000u, .normalize = true,
                                              .elliptic = true};
    struct arena *arena = sigv4->arena;
    *sigv4 = (struct sigv4){.rules = sample->normalize ? &normal : &plain,
                            .request = &told->request,
                            .now_us = SIGNED_AT,
                            .arena = arena};
    if (!head_read(text, told))
        return SIGV4_INCOMPLETE;
    enum sigv4_answer answer = sigv4_read(sigv4);
    return answer == SIGV4_GOOD ? sigv4_verify(sigv4, sample->key) : answer;
}

/* What is signed, and by what: two requests of one such text are the same. */
static void identity(struct sigv4 *sigv4, struct buf *to)
{
    const struct sigv4_claim *claim = &sigv4->claim;
    const struct span parts[] = {
        claim->date,  claim->scope,   claim->key_id,          claim->signature,
        claim->token, claim->payload, sigv4_algorithm(claim), claim->region_set};
    buf_clear(to);
    if (claim->signature.at == NULL || !sigv4_canonical(sigv4, false, to))
        return;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        buf_add_byte(to, '\n');
        buf_add(to, parts[i]);
    }
    buf_add(to, sigv4->request->payload);
}

struct figures {
    unsigned requests, refused, same, failed;
};

static void change(const struct sample *sample, char with, struct sigv4 *sigv4,
                   struct figures *figures)
{
    char text[TEXT_MOST];
    struct told told;
    struct buf was, is;
    buf_init(&was, CANONICAL_MOST);
    buf_init(&is, CANONICAL_MOST);
    verify(sample, &told, span_make(sample->text, sample->len), sigv4);
    identity(sigv4, &was);
    size_t line = strcspn(sample->text, "\n"), version = sizeof " HTTP/1.1" - 1;
    for (size_t i = 0; i < sample->len; i++) {
        if (sample->text[i] == '\n' || (i >= line - version && i < line))
            continue;
        memcpy(text, sample->text, sample->len);
        text[i] = (char)(text[i] ^ with);
        arena_reset(sigv4->arena);
        enum sigv4_answer answer = verify(sample, &told, span_make(text, sample->len), sigv4);
        identity(sigv4, &is);
        bool same = span_is(buf_span(&was), buf_span(&is));
        figures->refused += answer != SIGV4_GOOD && !same;
        figures->same += answer == SIGV4_GOOD && same;
        if ((answer == SIGV4_GOOD) != same) {
            figures->failed++;
            print_error("byte %zu: %s\n%.*s\n", i, sigv4_word(answer), (int)sample->len, text);
        }
    }
    buf_fini(&was);
    buf_fini(&is);
}

static void sample_run(const char *folder, const char *name, struct figures *figures)
{
    struct sample *sample = calloc(1, sizeof *sample);
    struct told told;
    check(sample != NULL);
    file_read(folder, "context.json", sample->context);
    sample->len = file_read(folder, name, sample->text);
    sample->normalize = strstr(sample->context, "\"normalize\": false") == NULL;
    sample->key = sigv4_key_new(member(sample, "access_key_id"),
                                member(sample, "secret_access_key"), member(sample, "token"));
    check(sample->key != NULL);
    struct sigv4 sigv4 = {.arena = arena_new(NULL, ARENA_MOST)};
    enum sigv4_answer answer = verify(sample, &told, span_make(sample->text, sample->len), &sigv4);
    figures->requests += answer == SIGV4_GOOD;
    figures->failed += answer != SIGV4_GOOD;
    if (answer != SIGV4_GOOD)
        print_error("%s/%s: %s " SPAN_FORMAT "\n", folder, name, sigv4_word(answer),
                    span_arg(sigv4.message));
    change(sample, 1, &sigv4, figures);
    change(sample, 0x20, &sigv4, figures);
    arena_free(sigv4.arena);
    sigv4_key_free(sample->key);
    free(sample);
}

static struct figures version_run(const char *version)
{
    struct figures figures = {0};
    char folder[512], one[800];
    const char *data = getenv("SIDEGATE_TEST_DATA");
    snprintf(folder, sizeof folder, "%s/auth-sigv4-aws-c-auth/%s", data != NULL ? data : "",
             version);
    DIR *samples = opendir(folder);
    if (samples == NULL) {
        printf("skipped: SIDEGATE_TEST_DATA has no auth-sigv4-aws-c-auth/%s\n", version);
        skip();
    }
    struct dirent *entry;
    while ((entry = readdir(samples)) != NULL) {
        if (entry->d_name[0] == '.')
            continue;
        snprintf(one, sizeof one, "%s/%s/header-signed-request.txt", folder, entry->d_name);
        if (access(one, R_OK) != 0) {
            printf("left out: %s/%s has no signed request\n", version, entry->d_name);
            continue;
        }
        snprintf(one, sizeof one, "%s/%s", folder, entry->d_name);
        sample_run(one, "header-signed-request.txt", &figures);
        sample_run(one, "query-signed-request.txt", &figures);
    }
    closedir(samples);
    printf("sigv4_%s: %u requests accepted, %u changes refused, %u the same in another spelling\n",
           version, figures.requests, figures.refused, figures.same);
    return figures;
}

TEST(each_request_of_version_4_is_accepted_and_no_changed_one)
{
    struct figures figures = version_run("v4");
    check_number(figures.failed, 0);
    check_number(figures.requests, 2 * 38);
    check(figures.refused > 10000);
}

TEST(each_request_of_version_4a_is_accepted_and_no_changed_one)
{
    struct figures figures = version_run("v4a");
    check_number(figures.failed, 0);
    check_number(figures.requests, 2 * 38);
    check(figures.refused > 10000);
}

int sigv4_vectors_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_request_of_version_4_is_accepted_and_no_changed_one),
        cmocka_unit_test(each_request_of_version_4a_is_accepted_and_no_changed_one),
    };
    return cmocka_run_group_tests_name("sigv4_vectors", tests, NULL, NULL);
}
