/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/alarm_book.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "rules/base/buf.h"
#include "rules/base/list.h"
#include "rules/base/must.h"
#include "sidecar/alarm_journal.h"
#include "sidecar/loop/loop.h"
#include "sidecar/program_log.h"

enum {
    SECOND_US = 1000000,
    LINE_BYTES = ALARM_EVENT_LINE_MOST + 16, /* with its checksum */
    AGAIN_US = 5 * SECOND_US,                /* after a writing that failed */
    WHOLE_BYTES = 64 << 20,
    TRIM_EVENTS = 1000,     /* added between two looks at what may go */
    GROWTH_BYTES = 1 << 20, /* beyond twice what it was: then it is written anew */
};

struct entry {
    struct list link;
    struct alarm_event event; /* its texts stand behind it */
    char texts[];
};

struct alarm_book {
    struct loop *loop;
    struct program_log *const *log;
    void (*kept)(void *context);
    void *context;
    struct list entries;           /* oldest first */
    size_t count, added;           /* added: since it was trimmed */
    struct alarm_journal *journal; /* NULL: nothing is written */
    size_t size, first;            /* of the file; what it was when it was written anew */
    bool fails;
    struct timer again;
    struct alarm_book_figures figures;
};

/* ---- entries ---- */

static struct span keep(char **to, struct span text)
{
    struct span kept = span_make(*to, text.len);
    if (text.len > 0)
        memcpy(*to, text.at, text.len);
    *to += text.len;
    return kept;
}

static struct entry *entry_new(const struct alarm_event *from)
{
    size_t bytes = from->alarm.len + from->id.len + from->target.len + from->outcome.len +
                   from->text.len + from->data.len + 1;
    struct entry *entry = must_alloc(sizeof *entry + bytes);
    char *at = entry->texts;
    entry->event = *from;
    entry->event.alarm = keep(&at, from->alarm);
    entry->event.id = keep(&at, from->id);
    entry->event.target = keep(&at, from->target);
    entry->event.outcome = keep(&at, from->outcome);
    entry->event.text = keep(&at, from->text);
    entry->event.data = keep(&at, from->data);
    return entry;
}

static void entries_free(struct list *entries)
{
    for (struct list *n = entries->next, *next; n != entries; n = next) {
        next = n->next;
        free(list_entry(n, struct entry, link));
    }
    list_init(entries);
}

static const struct alarm_event *event_at(struct list *link)
{
    return &list_entry(link, struct entry, link)->event;
}

/* ---- what may go ---- */

static bool has_key(const struct alarm_event *event, uint32_t key)
{
    for (size_t i = 0; i < event->key_count; i++)
        if (event->keys[i] == key)
            return true;
    return false;
}

/* The actions of a change are over, all that were due. */
static bool is_over(const struct alarm_book *book, const struct entry *entry)
{
    const struct alarm_event *due = &entry->event;
    size_t over = 0;
    for (struct list *n = entry->link.next; n != &book->entries && over < due->key_count;
         n = n->next) {
        const struct alarm_event *event = event_at(n);
        over += event->kind == ALARM_EVENT_ACTION && span_is(event->id, due->id) &&
                has_key(due, event->keys[0]);
    }
    return over >= due->key_count;
}

/* The change that it is an action of; NULL: it is gone. */
static const struct entry *due_of(const struct alarm_book *book, const struct entry *entry)
{
    for (struct list *n = entry->link.previous; n != &book->entries; n = n->previous) {
        const struct alarm_event *event = event_at(n);
        if (event->kind == ALARM_EVENT_DUE && span_is(event->id, entry->event.id))
            return list_entry(n, struct entry, link);
    }
    return NULL;
}

/* One of its kind for its alarm stands behind it, or the alarm is gone. */
static bool is_superseded(const struct alarm_book *book, const struct entry *entry)
{
    for (struct list *n = entry->link.next; n != &book->entries; n = n->next) {
        const struct alarm_event *event = event_at(n);
        bool goes = event->kind == ALARM_EVENT_CONFIGURATION && event->definition == 0;
        if ((goes || event->kind == entry->event.kind) && span_is(event->alarm, entry->event.alarm))
            return true;
    }
    return entry->event.kind == ALARM_EVENT_CONFIGURATION && entry->event.definition == 0;
}

static bool is_needed(const struct alarm_book *book, const struct entry *entry)
{
    const struct entry *due = entry;
    switch (entry->event.kind) {
    case ALARM_EVENT_CONFIGURATION:
    case ALARM_EVENT_STATE:
    case ALARM_EVENT_MUTE: return !is_superseded(book, entry);
    case ALARM_EVENT_ACTION:
        due = due_of(book, entry);
        if (due == NULL)
            return false;
        break;
    case ALARM_EVENT_DUE:
    case ALARM_EVENT_KINDS: break;
    }
    return !is_superseded(book, due) || !is_over(book, due);
}

/* What is too old, or too much. */
static void trim(struct alarm_book *book)
{
    uint64_t age_us = (uint64_t)ALARM_BOOK_DAYS * 86400 * SECOND_US;
    uint64_t now_us = loop_wall_us(book->loop);
    struct list gone, *next;
    list_init(&gone);
    for (struct list *n = book->entries.next; n != &book->entries; n = next) {
        const struct entry *entry = list_entry(n, struct entry, link);
        next = n->next;
        if (book->count <= ALARM_BOOK_EVENTS && entry->event.wall_us + age_us > now_us)
            break;
        if (is_needed(book, entry))
            continue;
        list_remove(n);
        list_add(&gone, n);
        book->count--;
    }
    entries_free(&gone);
    book->added = 0;
}

/* ---- the disk ---- */

static void renew(struct alarm_book *book)
{
    struct buf whole;
    trim(book);
    buf_init(&whole, WHOLE_BYTES);
    for (struct list *n = book->entries.next; n != &book->entries; n = n->next)
        alarm_event_print(&whole, event_at(n));
    book->size = book->first = whole.len;
    alarm_journal_renew(book->journal, buf_span(&whole));
    buf_fini(&whole);
}

static void on_again(struct timer *timer)
{
    renew(list_entry(timer, struct alarm_book, again));
}

static void on_told(void *context, int error)
{
    struct alarm_book *book = context;
    if (error != 0) {
        book->figures.failures++;
        if (!book->fails)
            program_log_say(*book->log, LOG_ERROR,
                            "what happens to alarms is not kept: cannot write alarms.log: %s; it "
                            "is tried again",
                            strerrordesc_np(error));
        timer_arm(&book->again, loop_now_us(book->loop) + AGAIN_US);
    } else if (book->fails) {
        program_log_say(*book->log, LOG_INFO, "what happens to alarms is kept again");
    }
    book->fails = error != 0;
    book->kept(book->context);
}

static void append(struct alarm_book *book, const struct alarm_event *event)
{
    struct buf line;
    buf_init(&line, LINE_BYTES);
    alarm_event_print(&line, event);
    book->size += line.len;
    alarm_journal_add(book->journal, buf_span(&line));
    buf_fini(&line);
    if (book->size > 2 * book->first + GROWTH_BYTES && !book->fails)
        renew(book);
}

void alarm_book_add(struct alarm_book *book, const struct alarm_event *event)
{
    list_add(&book->entries, &entry_new(event)->link);
    book->count++;
    if (++book->added >= TRIM_EVENTS)
        trim(book);
    if (book->journal != NULL)
        append(book, event);
}

bool alarm_book_is_kept(const struct alarm_book *book)
{
    return book->journal == NULL || book->fails || alarm_journal_is_kept(book->journal);
}

/* ---- reading ---- */

struct reading {
    struct alarm_book *book;
    struct list entries;
    size_t count;
};

static void take_event(void *context, const struct alarm_event *event)
{
    struct reading *reading = context;
    list_add(&reading->entries, &entry_new(event)->link);
    reading->count++;
}

static void take_line(void *context, struct span line)
{
    struct reading *reading = context;
    reading->book->figures.broken += !alarm_event_read(line, take_event, reading);
}

/* It would be written over; `error`: why it could not be read at all. */
static void put_aside(struct alarm_book *book, const char *folder, int error, size_t good)
{
    const char *how = alarm_journal_put_aside(folder) ? "is put aside as alarms.log.broken"
                                                      : "could not be put aside";
    if (error != 0)
        program_log_say(*book->log, LOG_ERROR, "%s/alarms.log cannot be read: %s; it %s", folder,
                        strerrordesc_np(error), how);
    else
        program_log_say(*book->log, LOG_ERROR,
                        "%s/alarms.log: %llu lines are broken and %zu good; the file %s", folder,
                        (unsigned long long)book->figures.broken, good, how);
}

static void read_folder(struct alarm_book *book, const char *folder)
{
    struct reading reading = {.book = book};
    list_init(&reading.entries);
    bool well = alarm_journal_read(folder, take_line, &reading);
    int error = errno;
    if (!well || book->figures.broken > 0)
        put_aside(book, folder, well ? 0 : error, reading.count);
    for (struct list *last; (last = reading.entries.previous) != &reading.entries;) {
        list_remove(last);
        list_add_first(&book->entries, last);
    }
    book->count += reading.count;
}

bool alarm_book_open(struct alarm_book *book, const char *folder)
{
    struct alarm_journal *journal = alarm_journal_start(folder, book->loop, on_told, book);
    if (journal == NULL) {
        program_log_say(*book->log, LOG_ERROR,
                        "what happens to alarms is not kept: cannot start a thread");
        return true;
    }
    if (alarm_journal_is_second(journal)) {
        (void)alarm_journal_stop(journal, 0); /* it has nothing to write */
        alarm_journal_free(journal);
        return false;
    }
    book->journal = journal;
    read_folder(book, folder);
    renew(book);
    return true;
}

/* ---- looking ---- */

void alarm_book_each(const struct alarm_book *book, alarm_book_look *look, void *context)
{
    for (struct list *n = book->entries.next; n != &book->entries; n = n->next)
        if (!look(context, event_at(n)))
            return;
}

void alarm_book_each_newest(const struct alarm_book *book, alarm_book_look *look, void *context)
{
    for (struct list *n = book->entries.previous; n != &book->entries; n = n->previous)
        if (!look(context, event_at(n)))
            return;
}

struct alarm_book_figures alarm_book_figures(const struct alarm_book *book)
{
    struct alarm_book_figures figures = book->figures;
    figures.events = book->count;
    return figures;
}

/* ---- life ---- */

struct alarm_book *alarm_book_new(struct loop *loop, struct program_log *const *log,
                                  void (*kept)(void *context), void *context)
{
    struct alarm_book *book = must_alloc(sizeof *book);
    book->loop = loop;
    book->log = log;
    book->kept = kept;
    book->context = context;
    list_init(&book->entries);
    timer_init(&book->again, loop, on_again);
    return book;
}

bool alarm_book_close(struct alarm_book *book, uint64_t deadline_us)
{
    if (book == NULL)
        return true;
    timer_disarm(&book->again);
    return alarm_journal_stop(book->journal, deadline_us);
}

void alarm_book_free(struct alarm_book *book)
{
    if (book == NULL)
        return;
    alarm_journal_free(book->journal);
    timer_disarm(&book->again); /* armed by the last mail */
    entries_free(&book->entries);
    free(book);
}
