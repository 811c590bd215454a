/* SPDX-License-Identifier: Apache-2.0 */
/* The list of what is wrong in the files of people. */
#include "rules/base/fault.h"

#include <stdio.h>

#include "rules/base/arena.h"
#include "rules/base/must.h"

enum { FAULTS_MOST = 1000, FAULTS_CEILING_BYTES = 4 << 20, MESSAGE_BYTES = 1024 };

struct faults {
    struct arena *arena; /* the texts, and this struct */
    struct fault *kept;
    size_t kept_count, kept_room;
    size_t counts[FAULT_WARNING + 1]; /* with those that are no longer kept */
};

struct place place_behind(struct place place, struct span text)
{
    for (size_t i = 0; i < text.len; i++) {
        place.column++;
        if (text.at[i] == '\n') {
            place.line++;
            place.column = 1;
        }
    }
    return place;
}

struct faults *faults_new(void)
{
    struct arena *arena = arena_new(NULL, FAULTS_CEILING_BYTES);
    must(arena != NULL);
    struct faults *faults = arena_alloc(arena, sizeof *faults);
    must(faults != NULL);
    faults->arena = arena;
    return faults;
}

void faults_free(struct faults *faults)
{
    if (faults != NULL)
        arena_free(faults->arena);
}

/* Room for one more, or false once there are enough or their texts are too long together. */
static bool faults_grow(struct faults *faults)
{
    if (faults->kept_count < faults->kept_room)
        return true;
    if (faults->kept_room == FAULTS_MOST)
        return false;
    size_t room = faults->kept_room == 0 ? 8 : faults->kept_room * 2;
    room = room < FAULTS_MOST ? room : FAULTS_MOST;
    struct fault *kept = arena_alloc(faults->arena, room * sizeof *kept);
    if (kept == NULL)
        return false;
    if (faults->kept_count > 0)
        memcpy(kept, faults->kept, faults->kept_count * sizeof *kept);
    faults->kept = kept;
    faults->kept_room = room;
    return true;
}

void fault_add(struct faults *faults, enum fault_kind kind, struct place place, struct span hint,
               const char *format, ...)
{
    faults->counts[kind]++;
    if (!faults_grow(faults))
        return;
    char message[MESSAGE_BYTES];
    va_list list;
    va_start(list, format);
    must(vsnprintf(message, sizeof message, format, list) >= 0);
    va_end(list);

    struct fault fault = {.kind = kind, .place = place};
    fault.place.file = arena_string(faults->arena, span_text(place.file));
    fault.message = arena_string(faults->arena, span_text(message));
    fault.hint = arena_string(faults->arena, hint);
    if (fault.hint != NULL) /* the last of the three: the others did not fail either */
        faults->kept[faults->kept_count++] = fault;
}

size_t faults_count(const struct faults *faults, enum fault_kind kind)
{
    return faults->counts[kind];
}

const struct fault *faults_at(const struct faults *faults, size_t i)
{
    return i < faults->kept_count ? &faults->kept[i] : NULL;
}

static void fault_print(const struct fault *fault, struct buf *to)
{
    if (fault->place.file[0] != '\0') {
        buf_add(to, span_text(fault->place.file));
        if (fault->place.line > 0)
            buf_format(to, ":%u", fault->place.line);
        if (fault->place.line > 0 && fault->place.column > 0)
            buf_format(to, ":%u", fault->place.column);
        buf_add(to, SPAN(": "));
    }
    if (fault->kind == FAULT_WARNING)
        buf_add(to, SPAN("warning: "));
    buf_add(to, span_text(fault->message));
    if (fault->hint[0] != '\0')
        buf_format(to, " (%s)", fault->hint);
    buf_add_byte(to, '\n');
}

void faults_print(const struct faults *faults, struct buf *to)
{
    for (size_t i = 0; i < faults->kept_count; i++)
        fault_print(&faults->kept[i], to);
    size_t more = faults->counts[FAULT_ERROR] + faults->counts[FAULT_WARNING] - faults->kept_count;
    if (more > 0)
        buf_format(to, "and %zu more\n", more);
}
