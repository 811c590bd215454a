/* SPDX-License-Identifier: Apache-2.0 */
/* `sidegate keys add | list | revoke | import`: the file of API keys. It is written beside and
 * renamed, keeps its owner and rights, and one who changes it waits for another one. A key's value
 * is shown once, when it is made. */
#include "sidecar/command_keys.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "exporters/clock.h"
#include "rules/base/encode.h"
#include "rules/base/must.h"
#include "sidecar/arguments.h"
#include "sidecar/change_log.h"
#include "sidecar/command.h"
#include "sidecar/config/api_key_csv.h"
#include "sidecar/config/api_key_file.h"
#include "sidecar/config/private_file.h"
#include "sidecar/guard/api_key.h"
#include "sidecar/state/state_file.h"

enum {
    LOG_WAIT_US = 5000000, /* for who holds the log of changes */
    PLANS_MOST = 32,
    ID_LETTERS = 10, /* of an id that nobody chose */
    TEXT_MOST = 1024,
    FAULTS_BYTES = 1 << 20,
    CSV_BYTES = 64 << 20,
    ARENA_BYTES = 512 << 20,
    WHY_BYTES = 512,
    CHANGE_BYTES = 64 * 1024,
};

/* What a word is called with. */
struct order {
    struct arguments arguments;
    const char *file;
    const char *name, *id, *description, *csv;
    const char *change_log; /* NULL: nothing is written down */
    struct span plans[PLANS_MOST];
    size_t plan_count;
    bool disabled;
    /* while it is carried out: */
    struct api_keys *keys;
    size_t fresh, again;    /* imported */
    bool was_enabled;       /* the key that is revoked */
    int folder;             /* locked; -1: not */
    struct change_log *log; /* of the change that is made; NULL: none */
};

static int say(const struct order *order, const char *what, const char *why)
{
    fprintf(stderr, "sidegate keys %s: %s: %s\n", order->arguments.argv[0], what, why);
    return 1;
}

static int say_faults(const struct faults *faults)
{
    struct buf text;
    buf_init(&text, FAULTS_BYTES);
    faults_print(faults, &text);
    fwrite(text.len > 0 ? text.at : "", 1, text.len, stderr);
    buf_fini(&text);
    return EXIT_REFUSED;
}

/* ---- the log of changes ---- */

/* Locked, and with room for a record, before anything is changed. False: said, and nothing may be
 * changed. */
static bool log_begin(struct order *order)
{
    struct change_fault fault;
    uint64_t until_us = clock_monotonic_us() + LOG_WAIT_US;
    const struct change_wait wait = {change_pause_until, &until_us};
    if (order->change_log == NULL)
        return true;
    order->log = change_log_begin(order->change_log, NULL, &wait, &fault);
    if (order->log == NULL)
        say(order, "--change-log: nothing is changed, for it could not be written down", fault.why);
    return order->log != NULL;
}

/* The file has been changed. 0, or the exit code: the record is missing all the same, and said. */
static int note(const struct order *order, const char *event, struct span id, struct span before,
                struct span after)
{
    struct change_fault fault = {.why = ""};
    struct timespec now;
    struct buf what, body;
    clock_gettime(CLOCK_REALTIME, &now);
    buf_init(&what, TEXT_MOST + PATH_MAX);
    buf_init(&body, (size_t)CHANGE_BYTES * 4);
    buf_format(&what, "api_keys %s%s" SPAN_FORMAT, order->file, id.len > 0 ? " key " : "",
               span_arg(id));
    const struct change change = {
        .wall_us = (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000,
        .event = event,
        .who = {.way = CHANGE_BY_COMMAND, .uid = getuid()},
        .what = buf_span(&what),
        .before = before,
        .after = after,
    };
    const char *wrong = change_write(&change, &body);
    bool well = wrong == NULL && change_log_put(order->log, buf_span(&body), &fault);
    buf_fini(&what);
    buf_fini(&body);
    return well ? 0
                : say(order, "--change-log: the keys are changed, but the record is missing",
                      wrong != NULL ? wrong : fault.why);
}

/* ---- the file ---- */

/* Whoever else changes a file of that folder is waited for. */
static bool folder_lock(struct order *order)
{
    const char *slash = strrchr(order->file, '/');
    char path[PATH_MAX] = ".";
    if (slash != NULL) /* of "/keys.yaml" the slash itself */
        snprintf(path, sizeof path, "%.*s", (int)(slash - order->file) + (slash == order->file),
                 order->file);
    order->folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return order->folder >= 0 && flock(order->folder, LOCK_EX) == 0;
}

static struct api_keys *keys_fresh(void)
{
    uint8_t salt[API_KEY_SALT_BYTES];
    must(getrandom(salt, sizeof salt, 0) == (ssize_t)sizeof salt);
    struct api_keys *keys = api_keys_new(salt);
    explicit_bzero(salt, sizeof salt);
    return keys;
}

/* 0, or the exit code, and said. A file that is not there is empty, where `makes`. */
static int file_open(struct order *order, bool makes)
{
    struct faults *faults = faults_new();
    struct place place = {.file = order->file};
    if (makes && access(order->file, F_OK) != 0 && errno == ENOENT)
        order->keys = keys_fresh();
    else
        order->keys = api_key_file_read(order->file, place, faults, NULL);
    int code = order->keys != NULL ? 0 : say_faults(faults);
    faults_free(faults);
    return code;
}

/* As the old one was; a new one is for its owner alone. */
static bool rights_keep(const char *path, int fd)
{
    struct stat old;
    if (stat(path, &old) != 0)
        return fchmod(fd, 0600) == 0;
    bool same = old.st_uid == geteuid() && old.st_gid == getegid();
    return (same || fchown(fd, old.st_uid, old.st_gid) == 0) && fchmod(fd, old.st_mode & 0777) == 0;
}

static int file_write(struct order *order)
{
    char path[PATH_MAX];
    struct buf text;
    if (!log_begin(order))
        return 1;
    int len = snprintf(path, sizeof path, "%s.new", order->file);
    int fd = len > 0 && (size_t)len < sizeof path
                 ? open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600)
                 : -1;
    if (fd < 0)
        return say(order, path, strerrordesc_np(errno));
    buf_init(&text, API_KEY_FILE_BYTES);
    api_key_file_print(order->keys, &text);
    bool well = !buf_is_full(&text) && state_file_write(fd, buf_span(&text)) && fsync(fd) == 0 &&
                rights_keep(order->file, fd) && rename(path, order->file) == 0;
    int error = errno;
    if (!well)
        unlink(path);
    close(fd);
    buf_fini(&text);
    return well ? 0 : say(order, order->file, strerrordesc_np(error));
}

/* Reads, has it changed, and writes. */
static int file_change(struct order *order, bool makes, int (*change)(struct order *order))
{
    if (!folder_lock(order))
        return say(order, order->file, strerrordesc_np(errno));
    int code = file_open(order, makes);
    if (code == 0)
        code = change(order);
    return code == 0 ? file_write(order) : code;
}

/* ---- records ---- */

static void key_print(const struct api_key *key, bool enabled, struct buf *to)
{
    buf_add(to, SPAN("{\"id\":"));
    json_add_string(to, key->id);
    buf_add(to, SPAN(",\"name\":"));
    json_add_string(to, key->name);
    buf_format(to, ",\"enabled\":%s,\"plans\":[", enabled ? "true" : "false");
    for (size_t i = 0; i < key->plan_count; i++) {
        buf_add(to, i > 0 ? SPAN(",") : SPAN(""));
        json_add_string(to, key->plans[i]);
    }
    buf_add(to, SPAN("]}"));
}

/* A key as it is now, and as it was. */
static int note_key(const struct order *order, const char *event, struct span id, bool was_there)
{
    struct buf before, after;
    const struct api_key *key = api_keys_by_id(order->keys, id);
    if (order->log == NULL || key == NULL)
        return 0;
    buf_init(&before, CHANGE_BYTES);
    buf_init(&after, CHANGE_BYTES);
    key_print(key, key->enabled, &after);
    if (was_there)
        key_print(key, order->was_enabled, &before);
    int code = note(order, event, id, buf_span(&before), buf_span(&after));
    buf_fini(&before);
    buf_fini(&after);
    return code;
}

static int note_import(const struct order *order)
{
    char after[128];
    if (order->log == NULL)
        return 0;
    int len = snprintf(after, sizeof after, "{\"new\":%zu,\"written_over\":%zu}", order->fresh,
                       order->again);
    return note(order, "ImportApiKeys", SPAN(""), span_make(NULL, 0),
                span_make(after, (size_t)len));
}

/* ---- add ---- */

/* Small letters and digits, of which there is none yet. */
static struct span id_make(const struct api_keys *keys, char id[API_KEY_MADE])
{
    do {
        must(api_key_make(id));
        for (size_t i = 0; i < ID_LETTERS; i++)
            id[i] = byte_lower(id[i]);
    } while (api_keys_by_id(keys, span_make(id, ID_LETTERS)) != NULL);
    return span_make(id, ID_LETTERS);
}

static int add(struct order *order)
{
    char made[API_KEY_MADE], value[API_KEY_MADE];
    struct api_key key = {.name = span_text(order->name),
                          .description = span_text(order->description),
                          .enabled = !order->disabled,
                          .plans = order->plans,
                          .plan_count = order->plan_count};
    key.id = order->id != NULL ? span_text(order->id) : id_make(order->keys, made);
    if (!api_key_make(value) ||
        !api_key_hash(api_keys_salt(order->keys), span_make(value, sizeof value), key.hash))
        return say(order, "the system", "there is no randomness");
    if (api_keys_add(order->keys, &key) != API_KEYS_ADDED)
        return say(order, order->id, "there is a key of this id already");
    int code = file_write(order);
    bool is_made = code == 0;
    if (is_made)
        code = note_key(order, "CreateApiKey", key.id, false);
    if (is_made)
        printf("id   " SPAN_FORMAT "\nkey  %.*s\n", span_arg(key.id), API_KEY_MADE, value);
    explicit_bzero(value, sizeof value);
    return code;
}

static int run_add(struct order *order)
{
    if (order->name == NULL)
        arguments_refuse(&order->arguments, "--name is missing");
    else if (order->id != NULL && !api_key_is_id(span_text(order->id)))
        arguments_refuse(&order->arguments, "--id: letters, digits, _ and -, at most 64");
    else if (strlen(order->name) > TEXT_MOST ||
             (order->description != NULL && strlen(order->description) > TEXT_MOST))
        arguments_refuse(&order->arguments, "--name, --description: at most 1024 bytes");
    else if (folder_lock(order)) {
        int code = file_open(order, true);
        return code == 0 ? add(order) : code;
    } else
        return say(order, order->file, strerrordesc_np(errno));
    return order->arguments.code;
}

/* ---- list ---- */

static void print_key(const struct api_key *key)
{
    printf("%-24.*s %-8s ", span_arg(key->id), key->enabled ? "enabled" : "disabled");
    for (size_t i = 0; i < key->plan_count; i++)
        printf("%s" SPAN_FORMAT, i > 0 ? "," : "", span_arg(key->plans[i]));
    if (key->plan_count == 0)
        putchar('-');
    struct buf name; /* nothing that a terminal would obey */
    buf_init(&name, (size_t)TEXT_MOST * 4);
    visible_add(&name, key->name);
    printf(" " SPAN_FORMAT "\n", span_arg(buf_span(&name)));
    buf_fini(&name);
}

static int run_list(struct order *order)
{
    int code = file_open(order, false);
    for (size_t i = 0; code == 0 && i < api_keys_count(order->keys); i++)
        print_key(api_keys_at(order->keys, i));
    return code;
}

/* ---- revoke ---- */

static int disable(struct order *order)
{
    const struct api_key *key = api_keys_by_id(order->keys, span_text(order->id));
    order->was_enabled = key != NULL && key->enabled;
    if (!api_keys_enable(order->keys, span_text(order->id), false))
        return say(order, order->id, "there is no key of this id");
    return 0;
}

static int run_revoke(struct order *order)
{
    if (order->id == NULL) {
        arguments_refuse(&order->arguments, "which key? its id is missing");
        return order->arguments.code;
    }
    int code = file_change(order, false, disable);
    return code == 0 ? note_key(order, "RevokeApiKey", span_text(order->id), true) : code;
}

/* ---- import ---- */

struct import {
    struct order *order;
    size_t fresh, again;
};

static void import_row(void *to, const struct api_key_row *row)
{
    struct import *import = to;
    struct api_keys *keys = import->order->keys;
    char made[API_KEY_MADE];
    struct api_key key = {.id = id_make(keys, made),
                          .name = row->name,
                          .description = row->description,
                          .enabled = row->enabled,
                          .plans = row->plans,
                          .plan_count = row->plan_count};
    must(api_key_hash(api_keys_salt(keys), row->value, key.hash));
    bool is_new = span_is(api_keys_put(keys, &key), key.id);
    import->fresh += is_new;
    import->again += !is_new;
}

/* All of it or nothing: with a fault the file stays as it was. */
static int import(struct order *order)
{
    char why[160];
    struct buf text;
    struct import import = {.order = order};
    struct arena *arena = arena_new(NULL, ARENA_BYTES);
    struct faults *faults = faults_new();
    must(arena != NULL);
    buf_init(&text, CSV_BYTES);
    int code = 0;
    if (!private_file_read(order->csv, &text, why, sizeof why))
        code = say(order, order->csv, why);
    else if (!api_key_csv_read(order->csv, buf_span(&text), arena, faults, import_row, &import))
        code = say_faults(faults);
    order->fresh = import.fresh;
    order->again = import.again;
    buf_wipe(&text);
    faults_free(faults);
    arena_wipe(arena);
    return code;
}

static int run_import(struct order *order)
{
    if (order->csv == NULL) {
        arguments_refuse(&order->arguments, "which CSV file?");
        return order->arguments.code;
    }
    int code = file_change(order, true, import);
    if (code != 0)
        return code;
    printf("%zu new, %zu written over\n", order->fresh, order->again);
    return note_import(order);
}

/* ---- the words ---- */

#define KEY_FILE                                      \
    {                                                 \
        'f', "--file", "FILE", "the file of API keys" \
    }

#define CHANGE_LOG                                                                       \
    {                                                                                    \
        'l', "--change-log", "LOG", "write down who did what, as change_log.path has it" \
    }

static const struct argument_row add_rows[] = {
    KEY_FILE,
    CHANGE_LOG,
    {'n', "--name", "NAME", "what people call it"},
    {'i', "--id", "ID", "what logs and usage plans call it; not given: ten letters and digits"},
    {'p', "--plan", "PLAN", "a usage plan that it is in"},
    {'d', "--description", "TEXT", "more about it"},
    {'o', "--disabled", NULL, "it lets nobody in yet"},
};
static const struct argument_row list_rows[] = {KEY_FILE};
static const struct argument_row revoke_rows[] = {
    KEY_FILE, CHANGE_LOG, {'i', "", "ID", "the key's id"}};
static const struct argument_row import_rows[] = {
    KEY_FILE,
    CHANGE_LOG,
    {'c', "", "CSV", "API Gateway's: Name,Key,Description,Enabled,UsagePlanIds"}};

#define ROWS(rows) (rows), sizeof(rows) / sizeof *(rows)

static const struct {
    const char *name;
    struct argument_table table;
    int (*run)(struct order *order);
} words[] = {
    {"add",
     {"keys add --file FILE --name NAME [--id ID] [--plan PLAN]... [--description TEXT]",
      "Makes a key of 40 letters and digits and shows it: there is no other way to see it again.",
      ROWS(add_rows)},
     run_add},
    {"list",
     {"keys list --file FILE", "Shows ids, whether they are enabled, usage plans and names.",
      ROWS(list_rows)},
     run_list},
    {"revoke",
     {"keys revoke --file FILE ID", "Takes a key its rights away; it stays in the file, disabled.",
      ROWS(revoke_rows)},
     run_revoke},
    {"import",
     {"keys import --file FILE CSV",
      "Adds the keys of a CSV file; one whose value is known already is written over.",
      ROWS(import_rows)},
     run_import},
};
enum { WORDS = sizeof words / sizeof *words };

static void take(struct order *order, char mark)
{
    const char *value = order->arguments.value;
    switch (mark) {
    case 'f': order->file = value; break;
    case 'n': order->name = value; break;
    case 'i': order->id = value; break;
    case 'd': order->description = value; break;
    case 'c': order->csv = value; break;
    case 'l': order->change_log = value; break;
    case 'o': order->disabled = true; break;
    default:
        if (!api_key_is_id(span_text(value)))
            arguments_refuse(&order->arguments, "--plan: this is no name of a usage plan");
        else if (order->plan_count == PLANS_MOST)
            arguments_refuse(&order->arguments, "--plan: at most %d", PLANS_MOST);
        else
            order->plans[order->plan_count++] = span_text(value);
    }
}

static int run_word(int argc, char **argv)
{
    struct order order = {.folder = -1};
    size_t word = 0;
    while (strcmp(words[word].name, argv[0]) != 0)
        word++;
    const struct argument_row *row;
    arguments_begin(&order.arguments, &words[word].table, argc, argv);
    while ((row = arguments_next(&order.arguments)) != NULL)
        take(&order, row->mark);
    if (order.arguments.code < 0 && order.file == NULL)
        arguments_refuse(&order.arguments, "--file is missing");
    int code = order.arguments.code < 0 ? words[word].run(&order) : order.arguments.code;
    change_log_end(order.log);
    api_keys_free(order.keys);
    if (order.folder >= 0)
        close(order.folder);
    return code;
}

static const struct argument_table keys_table = {
    "keys add|list|revoke|import|usage",
    "API keys: makes one, lists them, takes rights away, imports them, shows what they used.", NULL,
    0};

int command_keys(int argc, char **argv)
{
    static const struct argument_word each[] = {
        {"add", run_word},    {"list", run_word},    {"revoke", run_word},
        {"import", run_word}, {"usage", keys_usage},
    };
    return arguments_run_word(&keys_table, each, sizeof each / sizeof *each, argc, argv);
}
