/* SPDX-License-Identifier: Apache-2.0 */
/* `sidegate reload | drain | status | health`: talks to a running one by its admin API. */
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include <curl/curl.h>

#include "rules/base/must.h"
#include "sidecar/arguments.h"
#include "sidecar/command.h"
#include "sidecar/config/document.h"
#include "sidecar/config/private_file.h"

enum {
    ANSWER_BYTES = 8 << 20,
    TREE_BYTES = 64 << 20,
    CONNECT_MS = 3000,
    WAIT_PAUSE_MS = 100, /* between two looks at whether it has stopped */
};

#define ADMIN_ROWS                                                                    \
    {'a', "--admin", "ADDR", "host:port or unix:/path; 127.0.0.1:7601 unless given"}, \
    {                                                                                 \
        'f', "--token-file", "F", "a file with the token that the admin API wants"    \
    }

struct admin_call {
    struct arguments arguments;
    const char *address;
    const char *token_file;
    bool wait, json;
    struct buf answer;
    long status;
};

/* ---- one request ---- */

static size_t on_bytes(char *bytes, size_t size, size_t count, void *to)
{
    return buf_add(to, span_make(bytes, size * count)) ? size * count : 0;
}

/* "unix:/path" goes by a host name that nobody looks up. */
static void address_set(CURL *curl, const struct admin_call *call, const char *path)
{
    char url[512];
    bool is_unix = strncmp(call->address, "unix:", 5) == 0;
    if (is_unix)
        curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, call->address + 5);
    snprintf(url, sizeof url, "http://%s%s", is_unix ? "localhost" : call->address, path);
    curl_easy_setopt(curl, CURLOPT_URL, url);
}

/* False: the file cannot be read, and said. */
static bool token_set(const struct admin_call *call, struct curl_slist **fields)
{
    char why[160];
    struct buf text, line;
    if (call->token_file == NULL)
        return true;
    buf_init(&text, 4096);
    buf_init(&line, 8192);
    bool well = private_file_read(call->token_file, &text, why, sizeof why);
    if (well) {
        struct span rest = buf_span(&text);
        struct span token = span_trim(span_cut(&rest, '\n'), " \t\r");
        buf_format(&line, "Authorization: Bearer " SPAN_FORMAT, span_arg(token));
        buf_add_byte(&line, '\0');
        *fields = curl_slist_append(*fields, line.at);
        explicit_bzero(line.at, line.len);
        explicit_bzero(text.at, text.len);
    } else {
        fprintf(stderr, "sidegate: %s: %s\n", call->token_file, why);
    }
    buf_fini(&text);
    buf_fini(&line);
    return well;
}

static CURLcode perform(struct admin_call *call, const char *method, const char *path,
                        struct curl_slist *fields)
{
    CURL *curl = curl_easy_init();
    must(curl != NULL);
    address_set(curl, call, path);
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, fields);
    curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_bytes);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &call->answer);
    buf_clear(&call->answer);
    CURLcode code = curl_easy_perform(curl);
    if (code == CURLE_OK)
        curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &call->status);
    curl_easy_cleanup(curl);
    return code;
}

/* Exit code: 0, and the answer is there; or 1 or 4, and said unless `quiet`. */
static int ask(struct admin_call *call, const char *method, const char *path, bool quiet)
{
    struct curl_slist *fields = NULL;
    if (!token_set(call, &fields))
        return 1;
    CURLcode code = perform(call, method, path, fields);
    curl_slist_free_all(fields);
    if (code == CURLE_OK)
        return 0;
    if (!quiet)
        fprintf(stderr, "sidegate %s: nobody answers at %s: %s\n", call->arguments.argv[0],
                call->address, curl_easy_strerror(code));
    return EXIT_UNREACHABLE;
}

/* ---- answers ---- */

struct answer {
    struct arena *arena;
    struct faults *faults;
    const struct node *root; /* NULL: it is no JSON map */
};

/* JSON is YAML too. */
static struct answer answer_parse(const struct admin_call *call)
{
    struct answer answer = {arena_new(NULL, TREE_BYTES), faults_new(), NULL};
    must(answer.arena != NULL);
    struct document document = {
        .arena = answer.arena, .faults = answer.faults, .file = "", .folder = ""};
    const struct node *root = document_parse(&document, buf_span(&call->answer));
    answer.root = root != NULL && root->kind == NODE_MAP ? root : NULL;
    return answer;
}

static void answer_free(struct answer *answer)
{
    faults_free(answer->faults);
    arena_free(answer->arena);
}

static const char *text_at(const struct node *map, const char *path)
{
    const struct node *node = map != NULL ? tree_find_path(map, span_text(path)) : NULL;
    return node != NULL && node->kind == NODE_SCALAR ? node->text.at : "-";
}

/* A problem document (RFC 9457) has a detail; the exit code is 1. */
static int say_problem(const struct admin_call *call)
{
    struct answer answer = answer_parse(call);
    const char *detail = text_at(answer.root, "detail");
    const char *title = text_at(answer.root, "title");
    struct span said = span_trim(span_text(strcmp(detail, "-") != 0 ? detail : title), "\n");
    fprintf(stderr, "sidegate %s: %ld " SPAN_FORMAT "\n", call->arguments.argv[0], call->status,
            span_arg(said));
    if (call->status == 401)
        fprintf(stderr, "give the token with --token-file F\n");
    answer_free(&answer);
    return 1;
}

static int say_well(struct admin_call *call, const char *sentence)
{
    if (call->status >= 300)
        return say_problem(call);
    puts(sentence);
    return 0;
}

/* ---- the command line ---- */

/* False: it ended; arguments.code says how. */
static bool call_begin(struct admin_call *call, const struct argument_table *table, int argc,
                       char **argv)
{
    const struct argument_row *row;
    *call = (struct admin_call){.address = "127.0.0.1:7601"};
    arguments_begin(&call->arguments, table, argc, argv);
    while ((row = arguments_next(&call->arguments)) != NULL) {
        switch (row->mark) {
        case 'a': call->address = call->arguments.value; break;
        case 'f': call->token_file = call->arguments.value; break;
        case 'w': call->wait = true; break;
        default: call->json = true; break;
        }
    }
    if (call->arguments.code >= 0)
        return false;
    curl_global_init(CURL_GLOBAL_DEFAULT);
    buf_init(&call->answer, ANSWER_BYTES);
    return true;
}

static int call_end(struct admin_call *call, int code)
{
    buf_fini(&call->answer);
    curl_global_cleanup();
    return code;
}

/* ---- reload ---- */

static const struct argument_row plain_rows[] = {ADMIN_ROWS};
enum { PLAIN_ROWS = sizeof plain_rows / sizeof *plain_rows };

static const struct argument_table reload_table = {
    "reload [--admin ADDR] [--token-file F]",
    "Has a running one read its configuration again; says what is wrong with it.", plain_rows,
    PLAIN_ROWS};

int command_reload(int argc, char **argv)
{
    struct admin_call call;
    if (!call_begin(&call, &reload_table, argc, argv))
        return call.arguments.code;
    int code = ask(&call, "POST", "/api/v1/reload", false);
    if (code == 0 && call.status == 422) {
        say_problem(&call);
        code = EXIT_REFUSED;
    } else if (code == 0) {
        code = say_well(&call, "the new configuration is in force");
    }
    return call_end(&call, code);
}

/* ---- drain ---- */

static const struct argument_row drain_rows[] = {
    {'w', "--wait", NULL, "until it has stopped"},
    ADMIN_ROWS,
};
static const struct argument_table drain_table = {
    "drain [--wait] [--admin ADDR] [--token-file F]",
    "Has a running one finish what is under way and stop.", drain_rows,
    sizeof drain_rows / sizeof *drain_rows};

/* It has stopped once nobody answers any more. */
static void wait_for_the_end(struct admin_call *call)
{
    while (ask(call, "GET", "/livez", true) == 0)
        poll(NULL, 0, WAIT_PAUSE_MS);
}

int command_drain(int argc, char **argv)
{
    struct admin_call call;
    if (!call_begin(&call, &drain_table, argc, argv))
        return call.arguments.code;
    int code = ask(&call, "POST", "/api/v1/drain", false);
    if (code == 0 && call.status < 300 && call.wait) {
        wait_for_the_end(&call);
        puts("it has stopped");
    } else if (code == 0) {
        code = say_well(&call, "it drains");
    }
    return call_end(&call, code);
}

/* ---- status ---- */

static const struct argument_row status_rows[] = {
    {'j', "--json", NULL, "the answer as it comes"},
    ADMIN_ROWS,
};
static const struct argument_table status_table = {
    "status [--json] [--admin ADDR] [--token-file F]", "Says what a running one is doing.",
    status_rows, sizeof status_rows / sizeof *status_rows};

static const struct {
    const char *title, *path, *unit;
} status_lines[] = {
    {"version", "version", ""},
    {"process", "pid", ""},
    {"state", "state", ""},
    {"up", "uptime_s", " s"},
    {"threads", "threads", ""},
    {"connections", "connections", ""},
    {"requests in flight", "requests_in_flight", ""},
    {"child restarts", "child_restarts", ""},
    {"rules", "rules", ""},
    {"configuration", "configuration.snapshot", ""},
    {"last reload", "configuration.last_reload", ""},
    {"  successful", "configuration.last_reload_successful", ""},
};

static void status_print(const struct node *root)
{
    for (size_t i = 0; i < sizeof status_lines / sizeof *status_lines; i++)
        printf("%-20s %s%s\n", status_lines[i].title, text_at(root, status_lines[i].path),
               status_lines[i].unit);
    const struct node *list = tree_find(root, SPAN("listeners"));
    for (size_t i = 0; list != NULL && tree_at(list, i) != NULL; i++)
        printf("%-20s %s at %s\n", "listener", text_at(tree_at(list, i), "name"),
               text_at(tree_at(list, i), "address"));
    list = tree_find(root, SPAN("exports"));
    for (size_t i = 0; list != NULL && tree_at(list, i) != NULL; i++) {
        const struct node *item = tree_at(list, i);
        printf("%-20s %s: %s sent, %s waiting, %s dropped\n", "export",
               text_at(item, "destination"), text_at(item, "sent"), text_at(item, "waiting"),
               text_at(item, "dropped"));
    }
}

static int status_say(struct admin_call *call)
{
    if (call->status != 200)
        return say_problem(call);
    if (call->json) {
        fwrite(call->answer.at, 1, call->answer.len, stdout);
        return 0;
    }
    struct answer answer = answer_parse(call);
    int code = answer.root != NULL ? 0 : 1;
    if (answer.root != NULL)
        status_print(answer.root);
    else
        fprintf(stderr, "sidegate status: the answer is no status\n");
    answer_free(&answer);
    return code;
}

int command_status(int argc, char **argv)
{
    struct admin_call call;
    if (!call_begin(&call, &status_table, argc, argv))
        return call.arguments.code;
    int code = ask(&call, "GET", "/api/v1/status", false);
    return call_end(&call, code == 0 ? status_say(&call) : code);
}

/* ---- health ---- */

static const struct argument_table health_table = {"health [--admin ADDR] [--token-file F]",
                                                   "Is a running one ready? 0: yes; 1: no.",
                                                   plain_rows, PLAIN_ROWS};

int command_health(int argc, char **argv)
{
    struct admin_call call;
    if (!call_begin(&call, &health_table, argc, argv))
        return call.arguments.code;
    int code = ask(&call, "GET", "/readyz?verbose", false);
    if (code == 0) {
        code = call.status == 200 ? 0 : 1;
        fwrite(call.answer.len > 0 ? call.answer.at : "", 1, call.answer.len, stdout);
    }
    return call_end(&call, code);
}
