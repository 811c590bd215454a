/* SPDX-License-Identifier: Apache-2.0 */
/* What a record of the log of changes says, without its place in the chain. */
#include <pwd.h>
#include <stdio.h>

#include "rules/base/buf.h"
#include "rules/base/encode.h"
#include "sidecar/change_log.h"
#include "sidecar/http/date.h"

enum { VALUE_BYTES = 64 * 1024, TEXT_BYTES = 4096, NAME = 1024 };

static void add_text(struct buf *to, const char *key, struct span text)
{
    buf_format(to, ",\"%s\":", key);
    json_add_string(to, span_first(text, TEXT_BYTES));
}

static void add_value(struct buf *to, const char *key, struct span json)
{
    buf_format(to, ",\"%s\":", key);
    if (json.at == NULL)
        buf_add(to, SPAN("null"));
    else if (json.len > VALUE_BYTES)
        buf_format(to, "{\"omitted_bytes\":%zu}", json.len);
    else
        buf_add(to, json);
}

static void add_user(struct buf *to, unsigned uid)
{
    struct passwd entry, *found = NULL;
    char text[NAME];
    buf_format(to, ",\"uid\":%u", uid);
    if (getpwuid_r(uid, &entry, text, sizeof text, &found) == 0 && found != NULL)
        add_text(to, "user", span_text(entry.pw_name));
}

static void add_who(struct buf *to, const struct change_who *who)
{
    static const char *const ways[] = {"admin", "signal", "command"};
    buf_format(to, ",\"who\":{\"by\":\"%s\"", ways[who->way]);
    switch (who->way) {
    case CHANGE_BY_ADMIN:
        add_text(to, "address", who->address);
        buf_format(to, ",\"token\":%s", who->has_token ? "true" : "false");
        if (who->says.len > 0)
            add_text(to, "says", who->says);
        break;
    case CHANGE_BY_SIGNAL:
        if (!who->is_known)
            break;
        add_user(to, who->uid);
        buf_format(to, ",\"pid\":%d", who->pid);
        break;
    case CHANGE_BY_COMMAND: add_user(to, who->uid); break;
    }
    buf_add_byte(to, '}');
}

static bool is_one_line(struct span json)
{
    for (size_t i = 0; i < json.len; i++)
        if ((unsigned char)json.at[i] < ' ')
            return false;
    return true;
}

const char *change_write(const struct change *change, struct buf *to)
{
    char time[TIMESTAMP_LENGTH];
    if (!is_one_line(change->before))
        return "before: a control character in it";
    if (!is_one_line(change->after))
        return "after: a control character in it";
    timestamp_write(time, change->wall_us);
    add_text(to, "time", span_make(time, TIMESTAMP_LENGTH));
    add_text(to, "event", span_text(change->event));
    add_who(to, &change->who);
    add_text(to, "what", change->what);
    add_value(to, "before", change->before);
    add_value(to, "after", change->after);
    if (change->error != NULL) {
        add_text(to, "error", span_text(change->error));
        add_text(to, "message", change->message);
    }
    return buf_is_full(to) ? "too long" : NULL;
}
