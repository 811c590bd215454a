/* SPDX-License-Identifier: Apache-2.0 */
/* Files and folders that the program will write: what would keep it from it. Nothing is opened or
 * made; a start may come later, and elsewhere, so that it is no more than a warning. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rules/base/must.h"
#include "sidecar/config/read.h"

enum kind {
    WRITTEN_FILE,        /* in a folder that is there */
    WRITTEN_FOLDER,      /* is made, with those above it */
    WRITTEN_FOLDER_THERE /* is there */
};

static const struct written {
    const char *path;
    enum kind kind;
} writtens[] = {
    {"process.log.path", WRITTEN_FILE},   {"process.state_dir", WRITTEN_FOLDER},
    {"rules.log.path", WRITTEN_FILE},     {"access_log.path", WRITTEN_FILE},
    {"audit_log.path", WRITTEN_FILE},     {"audit_log.storage_dir", WRITTEN_FOLDER_THERE},
    {"execution_log.path", WRITTEN_FILE}, {"change_log.path", WRITTEN_FILE},
    {"waf_log.path", WRITTEN_FILE},       {"traces.xray.path", WRITTEN_FILE},
    {"metrics.emf.path", WRITTEN_FILE},
};

/* One value of such an option. */
struct place_of_writing {
    struct reading *reading;
    const struct node *at;
    const char *path; /* the option's */
    enum kind kind;
};

static void warn(const struct place_of_writing *where, const char *file, const char *why,
                 const char *hint)
{
    fault_add(where->reading->faults, FAULT_WARNING, where->at->place, span_text(hint),
              "%s: it cannot be written: %s: %s", where->path, file, why);
}

/* The folder that a name is in; "/" is in itself. */
static struct span folder_of(struct span name)
{
    size_t slash = span_find_last_byte(name, '/');
    return span_first(name, slash == SPAN_NONE || slash == 0 ? 1 : slash);
}

/* What is not there yet is made in a folder that is. */
static void check_folder_of(const struct place_of_writing *where, struct span name)
{
    struct stat there;
    struct span folder = folder_of(name);
    const char *text = arena_string(where->reading->arena, folder);
    while (text != NULL && stat(text, &there) != 0) {
        if (where->kind != WRITTEN_FOLDER || errno != ENOENT || folder.len == 1) {
            warn(where, text, strerrordesc_np(errno), "make the folder first");
            return;
        }
        folder = folder_of(folder);
        text = arena_string(where->reading->arena, folder);
    }
    if (text == NULL)
        return; /* a full arena is said at the end */
    if (!S_ISDIR(there.st_mode))
        warn(where, text, "this is no folder", "");
    else if (access(text, W_OK | X_OK) != 0)
        warn(where, text, "whoever asks may make nothing there", "");
}

static void check_written(const struct place_of_writing *where, struct span name)
{
    struct stat there;
    bool is_file = where->kind == WRITTEN_FILE;
    if (span_starts(name, SPAN("/dev/")))
        return;
    bool is_there = stat(name.at, &there) == 0;
    if (!is_there && where->kind == WRITTEN_FOLDER_THERE)
        warn(where, name.at, strerrordesc_np(errno), "make the folder first");
    else if (!is_there)
        check_folder_of(where, name);
    else if (S_ISDIR(there.st_mode) && is_file)
        warn(where, name.at, "this is a folder", "the name of a file");
    else if (!S_ISDIR(there.st_mode) && !is_file)
        warn(where, name.at, "this is no folder", "the name of a folder");
    else if (access(name.at, is_file ? W_OK : W_OK | X_OK) != 0)
        warn(where, name.at, "whoever asks may not write there", "");
}

static void check_spools(struct reading *reading)
{
    const struct node *otlp = tree_find(reading->root, SPAN("otlp"));
    const struct settings *settings = reading->settings;
    for (size_t i = 0; otlp != NULL && i < settings->otlp.receiver_count; i++) {
        const struct node *one = otlp->kind == NODE_LIST ? tree_at(otlp, i) : otlp;
        const struct node *at = one != NULL ? tree_find_path(one, SPAN("spool.path")) : NULL;
        struct span path = settings->otlp.receivers[i].spool.path;
        const struct place_of_writing where = {reading, at, "otlp.spool.path", WRITTEN_FOLDER};
        if (at != NULL && path.at != NULL)
            check_written(&where, path);
    }
}

void files_check(struct reading *reading)
{
    if (faults_count(reading->faults, FAULT_ERROR) > 0)
        return; /* a name may be what was refused */
    for (size_t i = 0; i < sizeof writtens / sizeof *writtens; i++) {
        const struct written *written = &writtens[i];
        const struct node *at = tree_find_path(reading->root, span_text(written->path));
        const struct option *option = options_find(span_text(written->path));
        const struct place_of_writing where = {reading, at, written->path, written->kind};
        must(option != NULL);
        const struct span *name = (const void *)((const char *)reading->settings + option->at);
        if (at != NULL && name->at != NULL)
            check_written(&where, *name);
    }
    check_spools(reading);
}
