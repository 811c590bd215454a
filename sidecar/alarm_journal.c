/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/alarm_journal.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "exporters/thread.h"
#include "rules/base/buf.h"
#include "rules/base/list.h"
#include "rules/base/must.h"
#include "sidecar/alarm_event.h"
#include "sidecar/loop/loop.h"
#include "sidecar/state/state_file.h"

enum { WAITING_BYTES = 64 << 20, READ_BYTES = 64 << 10 };

struct alarm_journal {
    struct loop *loop;
    void (*told)(void *context, int error);
    void *context;
    char folder[PATH_MAX], path[PATH_MAX], new_path[PATH_MAX], lock_path[PATH_MAX];
    pthread_t thread;
    pthread_mutex_t lock; /* of these: */
    pthread_cond_t wake;
    struct buf waits;
    bool renews, ends, busy;
    bool hangs; /* it was stopped, and its thread did not end: all of it stays */
    int error;  /* of the latest writing that the owner has not heard of */
    bool mailed, is_second;
    struct mail mail;
    /* the thread's own: */
    struct buf writes;
    int fd;      /* -1: to be written anew */
    int lock_fd; /* -1: not yet; before the thread, its maker's */
};

/* ---- reading ---- */

/* What stands behind the last line end was cut off: it does not count. */
static void take_lines(struct buf *text, void (*take)(void *context, struct span line),
                       void *context)
{
    struct span rest = buf_span(text);
    size_t end;
    while ((end = span_find_byte(rest, '\n')) != SPAN_NONE) {
        take(context, span_first(rest, end));
        rest = span_from(rest, end + 1);
    }
    buf_drop(text, text->len - rest.len);
    if (text->len > ALARM_EVENT_LINE_MOST) { /* none of ours is so long */
        take(context, SPAN("?"));
        buf_clear(text);
    }
}

bool alarm_journal_read(const char *folder, void (*take)(void *context, struct span line),
                        void *context)
{
    char path[PATH_MAX];
    struct buf text;
    ssize_t got = 0;
    int fd = state_file_path(path, folder, "alarms.log")
                 ? open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
                 : -1;
    if (fd < 0)
        return errno == ENOENT;
    buf_init(&text, READ_BYTES + ALARM_EVENT_LINE_MOST + 1);
    do {
        char *room = buf_room(&text, READ_BYTES);
        must(room != NULL);
        got = read(fd, room, READ_BYTES);
        buf_grew(&text, got > 0 ? (size_t)got : 0);
        take_lines(&text, take, context);
    } while (got > 0 || (got < 0 && errno == EINTR));
    int error = errno;
    buf_fini(&text);
    close(fd);
    errno = error;
    return got == 0;
}

bool alarm_journal_put_aside(const char *folder)
{
    char path[PATH_MAX], aside[PATH_MAX];
    return state_file_path(path, folder, "alarms.log") &&
           state_file_path(aside, folder, "alarms.log.broken") && rename(path, aside) == 0;
}

/* ---- writing: on the thread ---- */

/* Somebody else who writes there is waited for: two would undo each other's work. */
static bool take_folder(struct alarm_journal *journal)
{
    if (journal->lock_fd < 0)
        journal->lock_fd = state_file_lock(journal->folder, journal->lock_path);
    return journal->lock_fd >= 0;
}

static bool write_anew(struct alarm_journal *journal)
{
    if (journal->fd >= 0)
        close(journal->fd);
    journal->fd = -1;
    if (take_folder(journal))
        journal->fd =
            state_file_renew(journal->path, journal->new_path, buf_span(&journal->writes));
    return journal->fd >= 0;
}

static bool append(struct alarm_journal *journal)
{
    if (journal->fd < 0) {
        errno = EAGAIN; /* it failed before, and its owner has not come yet */
        return false;
    }
    if (state_file_write(journal->fd, buf_span(&journal->writes)) && fdatasync(journal->fd) == 0)
        return true;
    int error = errno;
    close(journal->fd);
    journal->fd = -1;
    errno = error;
    return false;
}

/* With the lock. */
static void say(struct alarm_journal *journal, int error)
{
    journal->error = error;
    if (journal->mailed || journal->hangs)
        return;
    journal->mailed = true;
    loop_send(journal->loop, &journal->mail);
}

static void *run(void *context)
{
    struct alarm_journal *journal = context;
    pthread_mutex_lock(&journal->lock);
    for (;;) {
        while (!journal->ends && journal->waits.len == 0 && !journal->renews)
            pthread_cond_wait(&journal->wake, &journal->lock);
        if (journal->waits.len == 0 && !journal->renews)
            break;
        struct buf swap = journal->writes;
        bool renews = journal->renews;
        journal->writes = journal->waits;
        journal->waits = swap;
        buf_clear(&journal->waits);
        journal->renews = false;
        journal->busy = true;
        pthread_mutex_unlock(&journal->lock);
        bool well = renews ? write_anew(journal) : append(journal);
        int error = well ? 0 : errno;
        pthread_mutex_lock(&journal->lock);
        journal->busy = false;
        if (error != EAGAIN)
            say(journal, error);
    }
    pthread_mutex_unlock(&journal->lock);
    return NULL;
}

/* ---- the owner's ---- */

bool alarm_journal_is_second(const struct alarm_journal *journal)
{
    return journal->is_second;
}

static void on_mail(struct mail *mail)
{
    struct alarm_journal *journal = list_entry(mail, struct alarm_journal, mail);
    pthread_mutex_lock(&journal->lock);
    int error = journal->error;
    journal->mailed = false;
    journal->error = 0;
    pthread_mutex_unlock(&journal->lock);
    journal->told(journal->context, error);
}

static void bring(struct alarm_journal *journal, struct span lines, bool renews)
{
    pthread_mutex_lock(&journal->lock);
    if (renews)
        buf_clear(&journal->waits);
    if (!buf_add(&journal->waits, lines))
        say(journal, ENOBUFS);
    journal->renews = journal->renews || renews;
    pthread_cond_signal(&journal->wake);
    pthread_mutex_unlock(&journal->lock);
}

void alarm_journal_add(struct alarm_journal *journal, struct span lines)
{
    bring(journal, lines, false);
}

void alarm_journal_renew(struct alarm_journal *journal, struct span lines)
{
    bring(journal, lines, true);
}

bool alarm_journal_is_kept(struct alarm_journal *journal)
{
    pthread_mutex_lock(&journal->lock);
    bool kept = journal->waits.len == 0 && !journal->renews && !journal->busy;
    pthread_mutex_unlock(&journal->lock);
    return kept;
}

void alarm_journal_free(struct alarm_journal *journal)
{
    if (journal == NULL || journal->hangs)
        return;
    if (journal->fd >= 0)
        close(journal->fd);
    if (journal->lock_fd >= 0)
        close(journal->lock_fd);
    pthread_cond_destroy(&journal->wake);
    pthread_mutex_destroy(&journal->lock);
    buf_fini(&journal->waits);
    buf_fini(&journal->writes);
    free(journal);
}

struct alarm_journal *alarm_journal_start(const char *folder, struct loop *loop,
                                          void (*told)(void *context, int error), void *context)
{
    struct alarm_journal *journal = must_alloc(sizeof *journal);
    *journal = (struct alarm_journal){
        .loop = loop, .told = told, .context = context, .lock_fd = -1, .fd = -1};
    journal->mail.deliver = on_mail;
    buf_init(&journal->waits, WAITING_BYTES);
    buf_init(&journal->writes, WAITING_BYTES);
    must(pthread_mutex_init(&journal->lock, NULL) == 0);
    must(pthread_cond_init(&journal->wake, NULL) == 0);
    bool named = snprintf(journal->folder, PATH_MAX, "%s", folder) < PATH_MAX &&
                 state_file_path(journal->path, folder, "alarms.log") &&
                 state_file_path(journal->new_path, folder, "alarms.log.new") &&
                 state_file_path(journal->lock_path, folder, "alarms.lock");
    if (named) /* where it fails the thread tries it again, and says why */
        journal->is_second = !take_folder(journal) && errno == EBUSY;
    if (named && thread_start(&journal->thread, run, journal))
        return journal;
    alarm_journal_free(journal);
    return NULL;
}

bool alarm_journal_stop(struct alarm_journal *journal, uint64_t deadline_us)
{
    if (journal == NULL)
        return true;
    pthread_mutex_lock(&journal->lock);
    journal->ends = true;
    pthread_cond_signal(&journal->wake);
    pthread_mutex_unlock(&journal->lock);
    bool ended = thread_join(journal->thread, deadline_us);
    pthread_mutex_lock(&journal->lock);
    journal->hangs = !ended;
    pthread_mutex_unlock(&journal->lock);
    return ended;
}
