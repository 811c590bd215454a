/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/admin_call.h"

#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <curl/curl.h>

#include "rules/base/encode.h"
#include "rules/base/must.h"
#include "sidecar/command.h"
#include "sidecar/config/document.h"
#include "sidecar/config/private_file.h"

enum { ANSWER_BYTES = 16 << 20, TREE_BYTES = 128 << 20, CONNECT_MS = 3000 };

void admin_call_init(struct admin_call *call, const char *command)
{
    *call = (struct admin_call){.command = command, .address = "127.0.0.1:7601"};
    curl_global_init(CURL_GLOBAL_DEFAULT);
    buf_init(&call->answer, ANSWER_BYTES);
}

void admin_call_fini(struct admin_call *call)
{
    buf_fini(&call->answer);
    curl_global_cleanup();
}

bool admin_call_take(struct admin_call *call, const struct arguments *arguments,
                     const struct argument_row *row)
{
    switch (row->mark) {
    case 'a': call->address = arguments->value; return true;
    case 'f': call->token_file = arguments->value; return true;
    default: return false;
    }
}

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
    } else {
        fprintf(stderr, "sidegate: %s: %s\n", call->token_file, why);
    }
    buf_wipe(&text);
    buf_wipe(&line);
    return well;
}

/* RFC 9110 10.1.2: for the log of changes, which says that nobody has verified it. */
static void say_who(struct curl_slist **fields)
{
    struct passwd entry, *found = NULL;
    char text[1024], line[1100];
    if (getpwuid_r(getuid(), &entry, text, sizeof text, &found) != 0 || found == NULL)
        return;
    snprintf(line, sizeof line, "From: %s", entry.pw_name);
    *fields = curl_slist_append(*fields, line);
}

static CURLcode perform(struct admin_call *call, const char *method, const char *path,
                        const char *body, struct curl_slist **fields)
{
    CURL *curl = curl_easy_init();
    must(curl != NULL);
    address_set(curl, call, path);
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
    if (body != NULL) {
        *fields = curl_slist_append(*fields, "Content-Type: application/json");
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
    }
    say_who(fields);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, *fields);
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

void admin_body_add(struct buf *body, const char *key, const char *value)
{
    if (value == NULL)
        return;
    buf_format(body, "%s\"%s\":", body->len > 0 ? "," : "{", key);
    json_add_string(body, span_text(value));
}

int admin_call_ask(struct admin_call *call, const char *method, const char *path, const char *body,
                   bool quiet)
{
    struct curl_slist *fields = NULL;
    if (!token_set(call, &fields))
        return 1;
    CURLcode code = perform(call, method, path, body, &fields);
    curl_slist_free_all(fields);
    if (code == CURLE_OK)
        return 0;
    if (!quiet)
        fprintf(stderr, "sidegate %s: nobody answers at %s: %s\n", call->command, call->address,
                curl_easy_strerror(code));
    return EXIT_UNREACHABLE;
}

/* ---- answers ---- */

/* JSON is YAML too. */
struct admin_answer admin_answer_read(const struct admin_call *call)
{
    struct admin_answer answer = {arena_new(NULL, TREE_BYTES), faults_new(), NULL};
    must(answer.arena != NULL);
    struct document document = {
        .arena = answer.arena, .faults = answer.faults, .file = "", .folder = ""};
    const struct node *root = document_parse(&document, buf_span(&call->answer));
    answer.root = root != NULL && root->kind == NODE_MAP ? root : NULL;
    return answer;
}

void admin_answer_free(struct admin_answer *answer)
{
    faults_free(answer->faults);
    arena_free(answer->arena);
}

const char *admin_answer_text(const struct node *map, const char *path)
{
    const struct node *node = map != NULL ? tree_find_path(map, span_text(path)) : NULL;
    return node != NULL && node->kind == NODE_SCALAR ? node->text.at : "-";
}

int admin_call_problem(const struct admin_call *call)
{
    struct admin_answer answer = admin_answer_read(call);
    const char *detail = admin_answer_text(answer.root, "detail");
    const char *title = admin_answer_text(answer.root, "title");
    struct span said = span_trim(span_text(strcmp(detail, "-") != 0 ? detail : title), "\n");
    fprintf(stderr, "sidegate %s: %ld " SPAN_FORMAT "\n", call->command, call->status,
            span_arg(said));
    if (call->status == 401)
        fprintf(stderr, "give the token with --token-file F\n");
    admin_answer_free(&answer);
    return 1;
}

int admin_call_well(const struct admin_call *call, const char *sentence)
{
    if (call->status >= 300)
        return admin_call_problem(call);
    puts(sentence);
    return 0;
}

int admin_call_show(const struct admin_call *call, bool as_it_came,
                    void (*print)(const struct node *root))
{
    if (call->status != 200)
        return admin_call_problem(call);
    if (as_it_came) {
        fwrite(call->answer.at, 1, call->answer.len, stdout);
        return 0;
    }
    struct admin_answer answer = admin_answer_read(call);
    int code = answer.root != NULL ? 0 : 1;
    if (answer.root != NULL)
        print(answer.root);
    else
        fprintf(stderr, "sidegate %s: the answer is no JSON object\n", call->command);
    admin_answer_free(&answer);
    return code;
}
