/* SPDX-License-Identifier: Apache-2.0 */
/* Files in a temporary folder. */
#include "tests/unit/config/folder.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rules/base/must.h"

void folder_open(struct folder *folder)
{
    *folder = (struct folder){.path = "/tmp/sidegate-config-XXXXXX"};
    must(mkdtemp(folder->path) != NULL);
}

static int remove_one(const char *path, const struct stat *about, int flag, struct FTW *where)
{
    (void)about;
    (void)flag;
    (void)where;
    return remove(path);
}

void folder_close(struct folder *folder)
{
    nftw(folder->path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    faults_free(folder->faults);
}

const char *folder_path(struct folder *folder, const char *name)
{
    snprintf(folder->text, sizeof folder->text, "%s/%s", folder->path, name);
    return folder->text;
}

const char *folder_write(struct folder *folder, const char *name, const char *text, mode_t mode)
{
    const char *slash = strchr(name, '/');
    if (slash != NULL) {
        char inner[256];
        snprintf(inner, sizeof inner, "%s/%.*s", folder->path, (int)(slash - name), name);
        mkdir(inner, 0755);
    }
    const char *path = folder_path(folder, name);
    FILE *file = fopen(path, "w");
    must(file != NULL);
    fputs(text, file);
    must(fclose(file) == 0);
    must(chmod(path, mode) == 0);
    return path;
}

static const char *variable(void *context, const char *name)
{
    const struct folder *folder = context;
    size_t len = strlen(name);
    for (size_t i = 0; i < sizeof folder->variables / sizeof *folder->variables; i++) {
        const char *row = folder->variables[i];
        if (row != NULL && strncmp(row, name, len) == 0 && row[len] == '=')
            return row + len + 1;
    }
    return NULL;
}

static const char *variable_at(void *context, size_t i)
{
    const struct folder *folder = context;
    if (i == sizeof folder->variables / sizeof *folder->variables)
        return NULL;
    return folder->variables[i] != NULL ? folder->variables[i] : "";
}

struct settings_source folder_source(struct folder *folder, const char *const *files, size_t count)
{
    return (struct settings_source){.files = files,
                                    .file_count = count,
                                    .environment = variable,
                                    .variable_at = variable_at,
                                    .context = folder};
}

struct settings *folder_read(struct folder *folder, const char *text, ...)
{
    const char *sets[8], *set;
    va_list list;
    char path[128];
    snprintf(path, sizeof path, "%s", folder_write(folder, "a.yaml", text, 0644));
    const char *files[] = {path};
    struct settings_source source = folder_source(folder, files, 1);
    source.sets = sets;
    va_start(list, text);
    while ((set = va_arg(list, const char *)) != NULL)
        sets[source.set_count++] = set;
    va_end(list);
    faults_free(folder->faults);
    folder->faults = faults_new();
    return settings_read(&source, folder->faults);
}

const char *folder_faults(struct folder *folder)
{
    struct buf to;
    size_t len = 0, skip = strlen(folder->path) + 1;
    buf_init(&to, 1 << 20);
    faults_print(folder->faults, &to);
    struct span rest = buf_span(&to);
    for (size_t at; rest.len > 0; rest = span_from(rest, at)) {
        bool is_path = span_starts(rest, span_text(folder->path));
        at = is_path ? skip : 1;
        if (!is_path && len + 1 < sizeof folder->text)
            folder->text[len++] = rest.at[0];
    }
    folder->text[len] = '\0';
    buf_fini(&to);
    return folder->text;
}

struct snapshot *folder_build(struct folder *folder, const char *text,
                              const struct snapshot *before)
{
    char path[128];
    snprintf(path, sizeof path, "%s", folder_write(folder, "a.yaml", text, 0644));
    const char *files[] = {path};
    struct settings_source source = folder_source(folder, files, 1);
    faults_free(folder->faults);
    folder->faults = faults_new();
    return snapshot_build(&source, before, folder->faults);
}
