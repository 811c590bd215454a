/* SPDX-License-Identifier: Apache-2.0 */
/* Calls to a server on loopback: what they come to, and what becomes of those that are given up. */
#include "sidecar/upstream/call.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "rules/base/buf.h"
#include "sidecar/loop/loop.h"
#include "tests/check.h"
#include "tests/unit/upstream/call_server.h"
#include "tests/unit/upstream/suites.h"

enum { SECOND_US = 1000000, URL_BYTES = 128, TURNS = 1000 };

/* ---- the scene ---- */

struct scene {
    struct call_server *server;
    struct caller *caller;
    struct loop *loop;
};

struct told {
    unsigned times;
    struct call_answer answer;
};

static void open_with(struct scene *scene, const struct call_server_options *options, unsigned most)
{
    signal(SIGPIPE, SIG_IGN);
    scene->server = call_server_open(options);
    scene->caller = caller_start(&(struct caller_settings){.under_way_most = most});
    scene->loop = loop_new(NULL);
}

static void open_scene(struct scene *scene)
{
    open_with(scene, &(struct call_server_options){.tls = false}, 0);
}

static void close_scene(struct scene *scene)
{
    caller_stop(scene->caller);
    loop_turn(scene->loop, 0);
    loop_free(scene->loop);
    call_server_close(scene->server);
}

static void on_answered(void *context, const struct call_answer *answer)
{
    struct told *told = context;
    told->times++;
    told->answer = *answer;
}

static const char *url_of(char to[URL_BYTES], const struct scene *scene, const char *path)
{
    snprintf(to, URL_BYTES, "http://127.0.0.1:%u%s", call_server_port(scene->server), path);
    return to;
}

static struct call *begin(const struct scene *scene, const char *path, struct told *told)
{
    char url[URL_BYTES];
    struct call_request request = {.method = "GET",
                                   .url = url_of(url, scene, path),
                                   .timeout_us = 20 * (uint64_t)SECOND_US,
                                   .answer_most = 1000};
    *told = (struct told){0};
    return call_begin(scene->caller, scene->loop, &request, on_answered, told);
}

static void wait_told(const struct scene *scene, const struct told *told)
{
    for (unsigned turn = 0; turn < TURNS && told->times == 0; turn++)
        loop_turn(scene->loop, SECOND_US);
    check_number(told->times, 1);
}

static struct call *ask(const struct scene *scene, const struct call_request *request,
                        struct told *told)
{
    *told = (struct told){0};
    struct call *call = call_begin(scene->caller, scene->loop, request, on_answered, told);
    check(call != NULL);
    check_number(told->times, 0);
    wait_told(scene, told);
    return call;
}

/* What a GET of the path comes to. */
static enum call_outcome outcome_of(const struct scene *scene, const char *path, size_t most)
{
    char url[URL_BYTES];
    struct told told;
    struct call_request request = {.method = "GET",
                                   .url = url_of(url, scene, path),
                                   .timeout_us = 20 * (uint64_t)SECOND_US,
                                   .answer_most = most};
    struct call *call = ask(scene, &request, &told);
    enum call_outcome outcome = told.answer.outcome;
    check((outcome == CALL_ANSWERED) == (told.answer.why == NULL));
    check(outcome == CALL_ANSWERED || told.answer.body.len == 0);
    call_free(call);
    return outcome;
}

/* ---- what a call comes to ---- */

TEST(an_answer_comes_whole_with_its_fields_in_lower_case)
{
    struct scene scene;
    struct told told;
    open_scene(&scene);
    struct call *call = begin(&scene, "/ok", &told);
    wait_told(&scene, &told);
    check_number(told.answer.outcome, CALL_ANSWERED);
    check_number(told.answer.status, 200);
    check_span(told.answer.body, "hello");
    check_number(told.answer.field_count, 2);
    check_span(told.answer.fields[1].name, "x-mixed-case");
    check_span(told.answer.fields[1].value, "one two");
    check_span(told.answer.peer_address, "127.0.0.1");
    check_number(told.answer.peer_port, call_server_port(scene.server));
    check(told.answer.duration_us > 0);
    call_free(call);
    close_scene(&scene);
}

TEST(an_answer_of_any_status_is_an_answer_and_redirects_are_not_followed)
{
    struct scene scene;
    struct told told;
    open_scene(&scene);
    struct call *call = begin(&scene, "/missing", &told);
    wait_told(&scene, &told);
    check_number(told.answer.status, 404);
    call_free(call);
    call = begin(&scene, "/moved", &told);
    wait_told(&scene, &told);
    check_number(told.answer.outcome, CALL_ANSWERED);
    check_number(told.answer.status, 302);
    call_free(call);
    close_scene(&scene);
}

TEST(of_heads_the_last_counts_and_a_trailer_does_not)
{
    struct scene scene;
    struct told told;
    open_scene(&scene);
    struct call *call = begin(&scene, "/early", &told);
    wait_told(&scene, &told);
    check_number(told.answer.status, 200);
    check_span(told.answer.body, "abc");
    check_number(told.answer.field_count, 2);
    check_span(told.answer.fields[0].name, "transfer-encoding");
    call_free(call);
    close_scene(&scene);
}

TEST(a_request_goes_out_as_it_was_asked_for)
{
    struct scene scene;
    struct told told;
    char url[URL_BYTES];
    open_scene(&scene);
    const struct pair fields[] = {{SPAN("Authorization"), SPAN("Basic eDp5")},
                                  {SPAN("X-Empty"), SPAN("")}};
    struct call_request request = {.method = "PUT",
                                   .url = url_of(url, &scene, "/echo"),
                                   .fields = fields,
                                   .field_count = 2,
                                   .body = SPAN("{\"a\":\0001}"),
                                   .timeout_us = 20 * (uint64_t)SECOND_US,
                                   .answer_most = 1000};
    struct call *call = ask(&scene, &request, &told);
    struct span echo = told.answer.body;
    check(span_starts(echo, SPAN("PUT /echo HTTP/1.1\r\nHost: 127.0.0.1:")));
    check(span_find(echo, SPAN("\r\nAuthorization: Basic eDp5\r\n")) != SPAN_NONE);
    check(span_find(echo, SPAN("\r\nX-Empty:\r\n")) != SPAN_NONE);
    check(span_find(echo, SPAN("Expect")) == SPAN_NONE);
    check(span_find(echo, SPAN("\r\nContent-Length: 8\r\n")) != SPAN_NONE);
    call_free(call);
    close_scene(&scene);
}

TEST(a_field_with_a_line_in_it_is_not_sent)
{
    struct scene scene;
    struct told told;
    char url[URL_BYTES];
    open_scene(&scene);
    const struct pair fields[] = {{SPAN("Authorization"), SPAN("secret\r\nX: y")}};
    struct call_request request = {.method = "GET",
                                   .url = url_of(url, &scene, "/echo"),
                                   .fields = fields,
                                   .field_count = 1,
                                   .timeout_us = SECOND_US,
                                   .answer_most = 1000};
    struct call *call = ask(&scene, &request, &told);
    check_number(told.answer.outcome, CALL_BROKEN);
    check(span_find(span_text(told.answer.why), SPAN("secret")) == SPAN_NONE);
    check_number(call_server_connections(scene.server), 0);
    call_free(call);
    close_scene(&scene);
}

TEST(nobody_there_is_not_connected)
{
    struct scene scene;
    struct told told;
    open_scene(&scene);
    struct call_request request = {
        .method = "GET", .timeout_us = 20 * (uint64_t)SECOND_US, .answer_most = 10};
    static const char *const urls[] = {
        "http://127.0.0.1:1/", "http://nobody.invalid/", "http://",
        "ftp://127.0.0.1/",    "file:///etc/passwd",     "http://user:word@127.0.0.1:1/"};
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        request.url = urls[i];
        struct call *call = ask(&scene, &request, &told);
        check_number(told.answer.outcome, CALL_NOT_CONNECTED);
        check_number(told.answer.status, 0);
        check(span_find(span_text(told.answer.why), SPAN("word")) == SPAN_NONE);
        call_free(call);
    }
    close_scene(&scene);
}

TEST(an_answer_that_does_not_come_in_time_has_timed_out)
{
    struct scene scene;
    struct told told;
    char url[URL_BYTES];
    open_scene(&scene);
    static const char *const paths[] = {"/silent", "/slow"};
    for (size_t i = 0; i < 2; i++) {
        struct call_request request = {.method = "GET",
                                       .url = url_of(url, &scene, paths[i]),
                                       .timeout_us = SECOND_US / 10,
                                       .answer_most = 1000};
        struct call *call = ask(&scene, &request, &told);
        check_number(told.answer.outcome, CALL_TIMED_OUT);
        check(told.answer.duration_us >= SECOND_US / 10);
        call_free(call);
    }
    close_scene(&scene);
}

TEST(an_answer_is_taken_up_to_its_limit)
{
    struct scene scene;
    open_scene(&scene);
    check_number(outcome_of(&scene, "/large", 40), CALL_ANSWERED);
    check_number(outcome_of(&scene, "/large", 39), CALL_TOO_LARGE);
    check_number(outcome_of(&scene, "/said-large", 1000), CALL_TOO_LARGE);
    close_scene(&scene);
}

TEST(an_answer_that_is_cut_or_no_http_is_broken)
{
    struct scene scene;
    open_scene(&scene);
    static const char *const paths[] = {"/cut", "/cut-chunk", "/nothing", "/garbage"};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
        check_number(outcome_of(&scene, paths[i], 1000), CALL_BROKEN);
    close_scene(&scene);
}

TEST(connections_are_kept_for_the_next_call)
{
    struct scene scene;
    open_scene(&scene);
    for (unsigned i = 0; i < 20; i++)
        check_number(outcome_of(&scene, "/ok", 1000), CALL_ANSWERED);
    check_number(call_server_connections(scene.server), 1);
    close_scene(&scene);
}

TEST(the_environment_names_no_proxy)
{
    struct scene scene;
    setenv("http_proxy", "http://127.0.0.1:1", 1);
    setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
    open_scene(&scene);
    check_number(outcome_of(&scene, "/ok", 1000), CALL_ANSWERED);
    close_scene(&scene);
    unsetenv("http_proxy");
    unsetenv("ALL_PROXY");
}

/* ---- TLS ---- */

enum { FILE_BYTES = 64 };

struct files {
    char stem[FILE_BYTES], crt[FILE_BYTES + 4], key[FILE_BYTES + 4];
};

static void name_files(struct files *files)
{
    snprintf(files->stem, sizeof files->stem, "/tmp/sidegate-call-%ld", (long)getpid());
    snprintf(files->crt, sizeof files->crt, "%s.crt", files->stem);
    snprintf(files->key, sizeof files->key, "%s.key", files->stem);
}

static enum call_outcome tls_outcome(const struct scene *scene, const char *host,
                                     const char *ca_file, const struct files *own)
{
    char url[URL_BYTES];
    struct told told;
    snprintf(url, sizeof url, "https://%s:%u/ok", host, call_server_port(scene->server));
    struct call_request request = {.method = "GET",
                                   .url = url,
                                   .timeout_us = 20 * (uint64_t)SECOND_US,
                                   .answer_most = 1000,
                                   .ca_file = ca_file,
                                   .cert_file = own != NULL ? own->crt : NULL,
                                   .key_file = own != NULL ? own->key : NULL};
    struct call *call = ask(scene, &request, &told);
    call_free(call);
    return told.answer.outcome;
}

TEST(a_server_is_believed_only_by_its_certificate_and_its_name)
{
    struct scene scene;
    struct files files;
    name_files(&files);
    open_with(&scene, &(struct call_server_options){.tls = true, .files = files.stem}, 0);
    check_number(tls_outcome(&scene, "localhost", files.crt, NULL), CALL_ANSWERED);
    check_number(tls_outcome(&scene, "localhost", NULL, NULL), CALL_NOT_VERIFIED);
    check_number(tls_outcome(&scene, "127.0.0.1", files.crt, NULL), CALL_NOT_VERIFIED);
    check_number(tls_outcome(&scene, "localhost", "/no/such/file", NULL), CALL_NOT_VERIFIED);
    unlink(files.crt);
    unlink(files.key);
    close_scene(&scene);
}

TEST(a_server_that_wants_an_identity_gets_ours)
{
    struct scene scene;
    struct files files;
    name_files(&files);
    open_with(
        &scene,
        &(struct call_server_options){.tls = true, .wants_identity = true, .files = files.stem}, 0);
    check_number(tls_outcome(&scene, "localhost", files.crt, &files), CALL_ANSWERED);
    check_number(tls_outcome(&scene, "localhost", files.crt, NULL), CALL_NOT_VERIFIED);
    unlink(files.crt);
    unlink(files.key);
    close_scene(&scene);
}

/* ---- giving up ---- */

TEST(a_call_that_is_freed_under_way_is_never_heard_of)
{
    struct scene scene;
    struct told told, other;
    open_scene(&scene);
    call_free(begin(&scene, "/ok", &told));
    struct call *silent = begin(&scene, "/silent", &told);
    struct call *call = begin(&scene, "/ok", &other);
    wait_told(&scene, &other);
    call_free(silent);
    call_free(call);
    call_free(NULL);
    for (unsigned turn = 0; turn < TURNS && caller_under_way(scene.caller) > 0; turn++)
        loop_turn(scene.loop, 1000);
    check_number(caller_under_way(scene.caller), 0);
    check_number(told.times, 0);
    close_scene(&scene);
}

struct freeing {
    struct call *call;
    unsigned times;
};

static void free_it(void *context, const struct call_answer *answer)
{
    struct freeing *freeing = context;
    check_number(answer->outcome, CALL_ANSWERED);
    call_free(freeing->call);
    check_span(answer->body, "hello");
    freeing->times++;
}

TEST(a_call_may_be_freed_in_its_answer)
{
    struct scene scene;
    struct freeing freeing = {NULL, 0};
    char url[URL_BYTES];
    open_scene(&scene);
    struct call_request request = {.method = "GET",
                                   .url = url_of(url, &scene, "/ok"),
                                   .timeout_us = 20 * (uint64_t)SECOND_US,
                                   .answer_most = 1000};
    freeing.call = call_begin(scene.caller, scene.loop, &request, free_it, &freeing);
    for (unsigned turn = 0; turn < TURNS && freeing.times == 0; turn++)
        loop_turn(scene.loop, SECOND_US);
    check_number(freeing.times, 1);
    close_scene(&scene);
}

TEST(a_stop_ends_what_is_under_way_as_broken)
{
    struct scene scene;
    struct told told[3];
    struct call *calls[3];
    open_scene(&scene);
    for (size_t i = 0; i < 3; i++)
        calls[i] = begin(&scene, "/silent", &told[i]);
    caller_stop(scene.caller);
    scene.caller = NULL;
    for (size_t i = 0; i < 3; i++) {
        wait_told(&scene, &told[i]);
        check_number(told[i].answer.outcome, CALL_BROKEN);
        check(told[i].answer.why != NULL);
        call_free(calls[i]);
    }
    close_scene(&scene);
}

TEST(more_than_the_most_are_refused_until_some_are_over)
{
    struct scene scene;
    struct told told[3];
    open_with(&scene, &(struct call_server_options){.tls = false}, 2);
    struct call *first = begin(&scene, "/silent", &told[0]);
    struct call *second = begin(&scene, "/ok", &told[1]);
    check(first != NULL && second != NULL);
    wait_told(&scene, &told[1]);
    struct call *third = begin(&scene, "/silent", &told[2]);
    check(third != NULL);
    check(begin(&scene, "/ok", &told[1]) == NULL);
    call_free(first);
    call_free(second);
    call_free(third);
    close_scene(&scene);
}

TEST(a_caller_that_nobody_asks_has_no_thread_and_stops)
{
    caller_stop(caller_start(NULL));
    caller_stop(NULL);
}

/* Two threads with loops of their own; every third call is freed before its answer may be there. */
static void *ask_and_give_up(void *context)
{
    enum { CALLS = 60 };
    struct scene scene = *(const struct scene *)context;
    struct told told[CALLS];
    struct call *calls[CALLS];
    scene.loop = loop_new(NULL);
    for (size_t i = 0; i < CALLS; i++) {
        calls[i] = begin(&scene, "/ok", &told[i]);
        if (i % 3 == 0) {
            loop_turn(scene.loop, i % 2 * 1000);
            call_free(calls[i]);
        }
        loop_turn(scene.loop, 0);
    }
    for (size_t i = 0; i < CALLS; i++) {
        if (i % 3 == 0)
            continue;
        for (unsigned turn = 0; turn < TURNS && told[i].times == 0; turn++)
            loop_turn(scene.loop, SECOND_US);
        check_number(told[i].times, 1);
        check_number(told[i].answer.outcome, CALL_ANSWERED);
        call_free(calls[i]);
    }
    loop_turn(scene.loop, 0);
    loop_free(scene.loop);
    return NULL;
}

TEST(threads_ask_and_give_up_beside_each_other)
{
    struct scene scene;
    pthread_t threads[2];
    open_scene(&scene);
    for (size_t i = 0; i < 2; i++)
        check(pthread_create(&threads[i], NULL, ask_and_give_up, &scene) == 0);
    for (size_t i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    close_scene(&scene);
}

int call_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_comes_whole_with_its_fields_in_lower_case),
        cmocka_unit_test(an_answer_of_any_status_is_an_answer_and_redirects_are_not_followed),
        cmocka_unit_test(of_heads_the_last_counts_and_a_trailer_does_not),
        cmocka_unit_test(a_request_goes_out_as_it_was_asked_for),
        cmocka_unit_test(a_field_with_a_line_in_it_is_not_sent),
        cmocka_unit_test(nobody_there_is_not_connected),
        cmocka_unit_test(an_answer_that_does_not_come_in_time_has_timed_out),
        cmocka_unit_test(an_answer_is_taken_up_to_its_limit),
        cmocka_unit_test(an_answer_that_is_cut_or_no_http_is_broken),
        cmocka_unit_test(connections_are_kept_for_the_next_call),
        cmocka_unit_test(the_environment_names_no_proxy),
        cmocka_unit_test(a_server_is_believed_only_by_its_certificate_and_its_name),
        cmocka_unit_test(a_server_that_wants_an_identity_gets_ours),
        cmocka_unit_test(a_call_that_is_freed_under_way_is_never_heard_of),
        cmocka_unit_test(a_call_may_be_freed_in_its_answer),
        cmocka_unit_test(a_stop_ends_what_is_under_way_as_broken),
        cmocka_unit_test(more_than_the_most_are_refused_until_some_are_over),
        cmocka_unit_test(a_caller_that_nobody_asks_has_no_thread_and_stops),
        cmocka_unit_test(threads_ask_and_give_up_beside_each_other),
    };
    return cmocka_run_group_tests_name("call", tests, NULL, NULL);
}
