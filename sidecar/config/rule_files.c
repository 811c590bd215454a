/* SPDX-License-Identifier: Apache-2.0 */
/* The disk as the rules see it, and the notes about it. */
#include "sidecar/config/rule_files.h"

#include <stdio.h>
#include <stdlib.h>

#include "rules/base/arena.h"
#include "rules/base/map.h"
#include "rules/base/must.h"
#include "rules/base/number.h"
#include "sidecar/config/private_file.h"

enum { NOTES_BYTES = 16 << 20, FILE_BYTES = 64 << 20 };

struct note {
    struct note *next;
    bool is_pattern;
    const char *name;
    uint64_t hash;
};

struct rule_files {
    struct ruleset_source source;
    struct arena *arena;
    struct note *first, *last;
    unsigned base_ids; /* bits, by row of base_rules */
};

static const uint8_t hash_start[16] = "files of rules.";

/* The hash so far is the key of the next. */
static uint64_t hash_more(uint64_t hash, struct span bytes)
{
    uint8_t key[16];
    memcpy(key, hash_start, sizeof key);
    memcpy(key, &hash, sizeof hash);
    return siphash(key, bytes);
}

/* ---- the base ---- */

static const struct {
    uint64_t id;
    bool with_crs; /* only where there is a Core Rule Set */
    const char *text;
} base_rules[] = {
    {200000, false,
     "SecRule REQUEST_HEADERS:Content-Type "
     "\"@rx ^(?:application/(?:soap\\+|[a-z0-9.-]+\\+)?|text/)xml\" "
     "\"id:200000,phase:1,t:none,t:lowercase,pass,nolog,ctl:requestBodyProcessor=XML\"\n"},
    {200001, false,
     "SecRule REQUEST_HEADERS:Content-Type \"@rx ^application/json\" "
     "\"id:200001,phase:1,t:none,t:lowercase,pass,nolog,ctl:requestBodyProcessor=JSON\"\n"},
    {200006, false,
     "SecRule REQUEST_HEADERS:Content-Type \"@rx ^application/[a-z0-9.-]+\\+json\" "
     "\"id:200006,phase:1,t:none,t:lowercase,pass,nolog,ctl:requestBodyProcessor=JSON\"\n"},
    /* What the CRS leaves to those who set the engine up: what was not read was not looked at. */
    {200002, true,
     "SecRule REQBODY_ERROR \"!@eq 0\" "
     "\"id:200002,phase:2,t:none,deny,status:400,log,severity:CRITICAL,"
     "msg:'What the body holds could not be read whole',logdata:'%{REQBODY_ERROR_MSG}'\"\n"},
};
enum { BASE_RULES = sizeof base_rules / sizeof *base_rules };

static bool is_comment(struct span text, size_t at)
{
    size_t start = span_find_last_byte(span_first(text, at), '\n');
    struct span line = span_from(text, start == SPAN_NONE ? 0 : start + 1);
    line = span_trim(line, " \t");
    return line.len > 0 && line.at[0] == '#';
}

static void note_ids(struct rule_files *files, struct span text)
{
    for (size_t row = 0; row < BASE_RULES; row++) {
        char digits[32];
        struct span id = span_make(digits, number_write(digits, (int64_t)base_rules[row].id));
        struct span rest = text;
        for (size_t at; (at = span_find(rest, id)) != SPAN_NONE; rest = span_from(rest, at + 1)) {
            size_t in_text = (size_t)(rest.at - text.at) + at;
            struct span before = span_trim(span_first(text, in_text), "'");
            if (span_ends_nocase(before, SPAN("id:")) && !is_comment(text, in_text))
                files->base_ids |= 1U << row;
        }
    }
}

void rule_files_add_base(const struct rule_files *files, bool with_crs, struct buf *to)
{
    for (size_t row = 0; row < BASE_RULES; row++)
        if ((files->base_ids & (1U << row)) == 0 && (with_crs || !base_rules[row].with_crs))
            buf_add(to, span_text(base_rules[row].text));
}

bool rule_files_have_base(const struct rule_files *files)
{
    return files->base_ids != 0;
}

/* ---- reading ---- */

static void note_add(struct rule_files *files, bool is_pattern, const char *name, uint64_t hash)
{
    struct note *note = arena_alloc(files->arena, sizeof *note);
    must(note != NULL);
    *note = (struct note){NULL, is_pattern, arena_string(files->arena, span_text(name)), hash};
    must(note->name != NULL);
    if (files->last != NULL)
        files->last->next = note;
    else
        files->first = note;
    files->last = note;
}

static bool read_and_note(void *context, const char *path, struct buf *to, char *why, size_t size)
{
    struct rule_files *files = context;
    size_t before = to->len;
    if (!private_file_read(path, to, why, size))
        return false;
    struct span text = span_from(buf_span(to), before);
    note_ids(files, text);
    note_add(files, false, path, hash_more(0, text));
    return true;
}

struct finding {
    void (*found)(void *to, const char *path);
    void *to;
    uint64_t hash;
};

static void on_found(void *to, const char *path)
{
    struct finding *finding = to;
    finding->hash = hash_more(finding->hash, span_text(path));
    if (finding->found != NULL)
        finding->found(finding->to, path);
}

static size_t glob_and_note(void *context, const char *pattern,
                            void (*found)(void *to, const char *path), void *to)
{
    struct finding finding = {found, to, 0};
    const struct ruleset_source *disk = ruleset_disk();
    size_t count = disk->glob(disk->context, pattern, on_found, &finding);
    note_add(context, true, pattern, finding.hash);
    return count;
}

struct rule_files *rule_files_new(void)
{
    struct rule_files *files = must_alloc(sizeof *files);
    files->arena = arena_new(NULL, NOTES_BYTES);
    must(files->arena != NULL);
    files->source = (struct ruleset_source){read_and_note, glob_and_note, files};
    return files;
}

void rule_files_free(struct rule_files *files)
{
    if (files == NULL)
        return;
    arena_free(files->arena);
    free(files);
}

const struct ruleset_source *rule_files_source(struct rule_files *files)
{
    return &files->source;
}

/* ---- asking again ---- */

static bool file_is_unchanged(const struct note *note, struct buf *text)
{
    char why[160];
    buf_clear(text);
    return private_file_read(note->name, text, why, sizeof why) &&
           hash_more(0, buf_span(text)) == note->hash;
}

static bool pattern_is_unchanged(const struct note *note)
{
    struct finding finding = {NULL, NULL, 0};
    const struct ruleset_source *disk = ruleset_disk();
    disk->glob(disk->context, note->name, on_found, &finding);
    return finding.hash == note->hash;
}

bool rule_files_are_unchanged(const struct rule_files *files)
{
    struct buf text;
    bool unchanged = true;
    buf_init(&text, FILE_BYTES);
    for (const struct note *note = files->first; note != NULL && unchanged; note = note->next)
        unchanged = note->is_pattern ? pattern_is_unchanged(note) : file_is_unchanged(note, &text);
    buf_fini(&text);
    return unchanged;
}

uint64_t rule_files_hash(const struct rule_files *files)
{
    uint64_t hash = 0;
    for (const struct note *note = files->first; note != NULL; note = note->next)
        hash = hash_more(hash ^ note->hash, span_text(note->name));
    return hash;
}
