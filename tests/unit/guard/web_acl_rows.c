/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/guard/web_acl_rows.h"

#include <stdio.h>
#include <stdlib.h>

#include "rules/base/buf.h"
#include "rules/base/map.h"
#include "rules/base/must.h"

enum { NAME_BYTES = 256, FILE_BYTES = 1 << 20, PARTS = 3 };

struct web_acl_rows {
    struct map *seen;      /* "member", "parent.member", "member=value", "fault ..." */
    size_t requests[2];    /* that nothing ended, that something did */
    size_t cases, refused; /* refused: with a fault */
};

struct web_acl_rows *web_acl_rows_new(void)
{
    struct web_acl_rows *rows = must_alloc(sizeof *rows);
    rows->seen = map_new(NULL, false);
    return rows;
}

void web_acl_rows_free(struct web_acl_rows *rows)
{
    map_free(rows->seen);
    free(rows);
}

/* ---- what a case is about ---- */

struct walk {
    struct web_acl_rows *rows;
    const char *mark; /* "fault " of one that is refused */
};

static void see(struct walk *walk, const char *parent, const char *member, const json_t *value)
{
    char name[4 * NAME_BYTES], text[NAME_BYTES] = "";
    if (json_is_string(value))
        snprintf(text, sizeof text, "=%s", json_string_value(value));
    if (json_is_integer(value))
        snprintf(text, sizeof text, "=%lld", (long long)json_integer_value(value));
    const char *dots[] = {"", parent};
    for (size_t with_value = 0; with_value < (*text != '\0' ? 2 : 1); with_value++)
        for (size_t i = 0; i < 2; i++) {
            snprintf(name, sizeof name, "%s%s%s%s%s", walk->mark, dots[i], i > 0 ? "." : "", member,
                     with_value > 0 ? text : "");
            map_set(walk->rows->seen, span_text(name), walk);
        }
}

static void look_into(struct walk *walk, const char *parent, json_t *value)
{
    const char *member;
    json_t *inside;
    size_t i;
    json_array_foreach(value, i, inside) look_into(walk, parent, inside);
    json_object_foreach(value, member, inside)
    {
        see(walk, parent, member, inside);
        look_into(walk, member, inside);
    }
}

/* ---- on which sides its requests are ---- */

static bool passes(const json_t *outcome)
{
    return span_starts(span_text(json_string_value(outcome)), SPAN("passed"));
}

/* Different answers to different requests: [.., answer] each. */
static bool has_both(const json_t *list, size_t answer)
{
    bool both = false;
    for (size_t i = 1; i < json_array_size(list); i++)
        both |= !json_equal(json_array_get(json_array_get(list, i), answer),
                            json_array_get(json_array_get(list, 0), answer));
    return both;
}

static void count_requests(struct web_acl_rows *rows, const json_t *list, size_t answer)
{
    for (size_t i = 0; i < json_array_size(list); i++)
        rows->requests[!passes(json_array_get(json_array_get(list, i), answer))]++;
}

void web_acl_rows_take(struct web_acl_rows *rows, const json_t *is)
{
    enum { ASK_ANSWER = 1, STEP_ANSWER = 3 };
    bool refused = json_object_get(is, "fault") != NULL;
    const json_t *hits = json_object_get(is, "hits"), *misses = json_object_get(is, "misses");
    const json_t *asks = json_object_get(is, "asks"), *steps = json_object_get(is, "steps");
    bool both = json_array_size(hits) > 0 && json_array_size(misses) > 0;
    struct walk walk = {rows, refused ? "fault " : ""};
    rows->cases++;
    rows->refused += refused;
    rows->requests[0] += json_array_size(misses);
    rows->requests[1] += json_array_size(hits);
    count_requests(rows, asks, ASK_ANSWER);
    count_requests(rows, steps, STEP_ANSWER);
    if (!refused && !both && !has_both(asks, ASK_ANSWER) && !has_both(steps, STEP_ANSWER))
        return;
    json_t *copy = json_deep_copy(is);
    look_into(&walk, "", copy);
    json_decref(copy);
}

/* ---- the rows ---- */

static bool is_seen(const struct web_acl_rows *rows, struct span row)
{
    struct span part = span_cut(&row, ' ');
    (void)part;
    return map_find(rows->seen, row) != NULL;
}

static size_t part_of(struct span row)
{
    static const struct span parts[PARTS] = {SPAN_INIT("8.3 "), SPAN_INIT("8.4 "),
                                             SPAN_INIT("8.5 ")};
    size_t i = 0;
    while (i < PARTS && !span_starts(row, parts[i]))
        i++;
    must(i < PARTS);
    return i;
}

static void file_read(const char *path, struct buf *to)
{
    char bytes[4096];
    FILE *file = fopen(path, "r");
    must(file != NULL);
    for (size_t len; (len = fread(bytes, 1, sizeof bytes, file)) > 0;)
        buf_add(to, span_make(bytes, len));
    fclose(file);
}

size_t web_acl_rows_print(const struct web_acl_rows *rows, const char *path)
{
    size_t have[PARTS] = {0}, all[PARTS] = {0}, missing = 0;
    struct buf text;
    buf_init(&text, FILE_BYTES);
    file_read(path, &text);
    for (struct span rest = buf_span(&text); rest.at != NULL;) {
        struct span row = span_cut(&rest, '\n');
        if (row.len == 0 || row.at[0] == '#')
            continue;
        bool seen = is_seen(rows, row);
        all[part_of(row)]++;
        have[part_of(row)] += seen;
        missing += !seen;
        if (!seen)
            printf("web_acl: no case on both sides: " SPAN_FORMAT "\n", span_arg(row));
    }
    printf("web_acl: %zu cases, %zu of them refused by name; rows of 8.3: %zu of %zu, 8.4: %zu of "
           "%zu, 8.5: %zu of %zu; requests: %zu that match, %zu that do not\n",
           rows->cases, rows->refused, have[0], all[0], have[1], all[1], have[2], all[2],
           rows->requests[1], rows->requests[0]);
    buf_fini(&text);
    return missing;
}
