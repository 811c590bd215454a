/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/alarm_event.h"

#include <jansson.h>

#include "exporters/crc32c.h"
#include "exporters/when.h"
#include "rules/base/encode.h"

enum { CHECKSUM_DIGITS = 8 };

const char *alarm_event_word(unsigned kind)
{
    static const char *const words[] = {"configuration", "state", "due", "action", "mute", NULL};
    return words[kind];
}

/* ---- printing ---- */

static void text_add(struct buf *to, const char *name, struct span text)
{
    if (text.len == 0)
        return;
    buf_format(to, ",\"%s\":", name);
    json_add_string(to, text);
}

static void number_add(struct buf *to, const char *name, uint64_t number)
{
    if (number > 0)
        buf_format(to, ",\"%s\":%llu", name, (unsigned long long)number);
}

static void body_print(struct buf *to, const struct alarm_event *event)
{
    buf_format(to, "{\"kind\":\"%s\",\"at\":%llu", alarm_event_word(event->kind),
               (unsigned long long)event->wall_us);
    text_add(to, "alarm", event->alarm);
    number_add(to, "definition", event->definition);
    text_add(to, "id", event->id);
    if (event->kind == ALARM_EVENT_STATE)
        buf_format(to, ",\"before\":\"%s\",\"state\":\"%s\"", alarm_state_word(event->before),
                   alarm_state_word(event->state));
    number_add(to, "since", event->since_us);
    for (size_t i = 0; i < event->key_count; i++)
        buf_format(to, "%s%lu%s", i == 0 ? ",\"keys\":[" : ",", (unsigned long)event->keys[i],
                   i + 1 == event->key_count ? "]" : "");
    text_add(to, "target", event->target);
    text_add(to, "outcome", event->outcome);
    text_add(to, "text", event->text);
    text_add(to, "data", event->data);
    number_add(to, "until", event->until_us);
    buf_add_byte(to, '}');
}

void alarm_event_print(struct buf *to, const struct alarm_event *event)
{
    struct buf body;
    buf_init(&body, ALARM_EVENT_LINE_MOST);
    body_print(&body, event);
    if (!buf_is_full(&body)) {
        buf_format(to, "%08lx ", (unsigned long)crc32c(0, buf_span(&body)));
        buf_add(to, buf_span(&body));
        buf_add_byte(to, '\n');
    }
    buf_fini(&body);
}

/* ---- reading ---- */

static struct span text_of(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);
    return json_is_string(value) ? span_make(json_string_value(value), json_string_length(value))
                                 : span_make("", 0);
}

static uint64_t number_of(const json_t *object, const char *name)
{
    json_int_t value = json_integer_value(json_object_get(object, name));
    return value > 0 ? (uint64_t)value : 0;
}

static bool word_of(const json_t *object, const char *name, const char *(*word)(unsigned),
                    unsigned *index)
{
    struct span text = text_of(object, name);
    for (*index = 0; word(*index) != NULL; ++*index)
        if (span_is(text, span_text(word(*index))))
            return true;
    return false;
}

static bool states_read(const json_t *object, struct alarm_event *event)
{
    unsigned before, state;
    if (!word_of(object, "before", alarm_state_word, &before) ||
        !word_of(object, "state", alarm_state_word, &state))
        return false;
    event->before = (enum alarm_state)before;
    event->state = (enum alarm_state)state;
    return true;
}

static bool event_of(const json_t *object, struct alarm_event *event)
{
    unsigned kind;
    const json_t *keys = json_object_get(object, "keys");
    if (!json_is_object(object) || !word_of(object, "kind", alarm_event_word, &kind))
        return false;
    *event = (struct alarm_event){.kind = (enum alarm_event_kind)kind,
                                  .wall_us = number_of(object, "at"),
                                  .alarm = text_of(object, "alarm"),
                                  .definition = (uint32_t)number_of(object, "definition"),
                                  .id = text_of(object, "id"),
                                  .since_us = number_of(object, "since"),
                                  .target = text_of(object, "target"),
                                  .outcome = text_of(object, "outcome"),
                                  .text = text_of(object, "text"),
                                  .data = text_of(object, "data"),
                                  .until_us = number_of(object, "until")};
    for (size_t i = 0; i < json_array_size(keys) && i < ALARM_EVENT_KEYS_MOST; i++)
        event->keys[event->key_count++] = (uint32_t)json_integer_value(json_array_get(keys, i));
    bool has_id = event->kind == ALARM_EVENT_STATE || event->kind == ALARM_EVENT_DUE ||
                  event->kind == ALARM_EVENT_ACTION;
    return event->alarm.len > 0 && (!has_id || event->id.len == ALARM_ID_LENGTH) &&
           (event->kind != ALARM_EVENT_ACTION || event->key_count == 1) &&
           (event->kind != ALARM_EVENT_STATE || states_read(object, event));
}

bool alarm_event_read(struct span line, void (*take)(void *context, const struct alarm_event *),
                      void *context)
{
    uint8_t sum[CHECKSUM_DIGITS / 2];
    struct alarm_event event;
    struct span body = span_from(line, CHECKSUM_DIGITS + 1);
    if (!hex_read(span_first(line, CHECKSUM_DIGITS), sum, sizeof sum) || body.len == 0 ||
        line.at[CHECKSUM_DIGITS] != ' ' ||
        crc32c(0, body) != ((uint32_t)sum[0] << 24 | (uint32_t)sum[1] << 16 |
                            (uint32_t)sum[2] << 8 | (uint32_t)sum[3]))
        return false;
    json_t *object = json_loadb(body.at, body.len, JSON_REJECT_DUPLICATES, NULL);
    bool well = event_of(object, &event);
    if (well)
        take(context, &event);
    json_decref(object);
    return well;
}

/* ---- for people ---- */

static void time_add(struct buf *to, const char *name, uint64_t wall_us)
{
    buf_format(to, "\"%s\":\"", name);
    when_add_rfc3339(to, wall_us);
    buf_add_byte(to, '"');
}

void alarm_event_show(struct buf *to, const struct alarm_event *event)
{
    static const char *const types[] = {"ConfigurationUpdate", "StateUpdate", "ActionsDue",
                                        "Action", "Mute"};
    struct buf summary;
    buf_init(&summary, ALARM_EVENT_LINE_MOST);
    buf_add_byte(to, '{');
    time_add(to, "time", event->wall_us);
    buf_format(to, ",\"type\":\"%s\"", types[event->kind]);
    text_add(to, "id", event->id);
    switch (event->kind) {
    case ALARM_EVENT_CONFIGURATION:
        buf_format(&summary, "Alarm " SPAN_FORMAT, span_arg(event->outcome));
        break;
    case ALARM_EVENT_STATE:
        buf_format(&summary, "Alarm updated from %s to %s", alarm_state_word(event->before),
                   alarm_state_word(event->state));
        buf_format(to, ",\"before\":\"%s\",\"state\":\"%s\"", alarm_state_word(event->before),
                   alarm_state_word(event->state));
        break;
    case ALARM_EVENT_ACTION:
        buf_format(&summary, "Action " SPAN_FORMAT ": " SPAN_FORMAT, span_arg(event->target),
                   span_arg(event->outcome));
        break;
    case ALARM_EVENT_MUTE:
        buf_add(&summary, event->until_us > 0 ? SPAN("Actions muted until ") : SPAN("Unmuted"));
        if (event->until_us > 0)
            when_add_rfc3339(&summary, event->until_us);
        break;
    case ALARM_EVENT_DUE:
    case ALARM_EVENT_KINDS: break;
    }
    text_add(to, "summary", buf_span(&summary));
    text_add(to, "outcome", event->outcome);
    text_add(to, event->kind == ALARM_EVENT_ACTION ? "why" : "reason", event->text);
    if (event->data.len > 0)
        buf_format(to, ",\"reason_data\":" SPAN_FORMAT, span_arg(event->data));
    buf_add_byte(to, '}');
    buf_fini(&summary);
}
