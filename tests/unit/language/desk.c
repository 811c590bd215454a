/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/language/desk.h"

#include <fnmatch.h>
#include <stdio.h>

static bool desk_source_read(void *context, const char *path, struct buf *to, char *why,
                             size_t size)
{
    const struct desk *desk = context;
    for (size_t i = 0; i < desk->files; i++)
        if (span_is(span_text(path), span_text(desk->names[i])))
            return buf_add(to, span_text(desk->texts[i]));
    snprintf(why, size, "no such file");
    return false;
}

static size_t desk_source_glob(void *context, const char *pattern,
                               void (*found)(void *to, const char *path), void *to)
{
    const struct desk *desk = context;
    size_t count = 0;
    for (size_t i = 0; i < desk->files; i++)
        if (fnmatch(pattern, desk->names[i], FNM_PATHNAME) == 0) {
            found(to, desk->names[i]);
            count++;
        }
    return count;
}

void desk_file(struct desk *desk, const char *name, const char *text)
{
    desk->names[desk->files] = name;
    desk->texts[desk->files++] = text;
}

void desk_read(struct desk *desk, const char *text)
{
    struct ruleset_source source = {desk_source_read, desk_source_glob, desk};
    desk->faults = faults_new();
    struct ruleset_builder *builder = ruleset_builder_new(&source, desk->faults);
    ruleset_builder_add_text(builder, "a.conf", span_text(text));
    desk->ruleset = ruleset_builder_finish(builder);
    ruleset_builder_free(builder);
    buf_init(&desk->said, 1 << 20);
    faults_print(desk->faults, &desk->said);
}

void desk_clear(struct desk *desk)
{
    ruleset_free(desk->ruleset);
    faults_free(desk->faults);
    buf_fini(&desk->said);
    *desk = (struct desk){0};
}

void desk_load(struct desk *desk, const char *text)
{
    desk_read(desk, text);
    check_span(buf_span(&desk->said), "");
    check(desk->ruleset != NULL);
}

void check_faults_at(const char *text, const char *want, const char *file, int line)
{
    struct desk desk = {0};
    desk_read(&desk, text);
    check_span_at(buf_span(&desk.said), span_text(want), file, line);
    check((desk.ruleset == NULL) == (faults_count(desk.faults, FAULT_ERROR) > 0));
    desk_clear(&desk);
}
