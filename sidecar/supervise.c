/* SPDX-License-Identifier: Apache-2.0 */
/* The parent: binds, forks before any thread, reads nothing from the network, and starts a dead
 * child again. It may be process 1, and so reaps whoever is handed to it. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "exporters/exporter.h"
#include "rules/base/must.h"
#include "sidecar/doors.h"
#include "sidecar/machine.h"
#include "sidecar/process.h"
#include "sidecar/program_log.h"
#include "sidecar/run.h"

enum {
    DEATHS_MOST = 5, /* in a minute: then it gives up */
    DEATHS_WINDOW_MS = 60000,
    PAUSE_FIRST_MS = 100,
    PAUSE_MOST_MS = 10000,
    RING_BYTES = 4 * 1024 * 1024,
    WORDS_BYTES = 2048,
};

struct parent {
    const struct run_options *options;
    struct program_log *log;    /* ours */
    struct program_log *errors; /* the standard error */
    struct doors *doors;
    int ring_fd;
    int signals;
    pid_t child;     /* 0: none */
    int channel;     /* to the child; -1: closed */
    int log_channel; /* where the file of process.log.path comes from; -1: closed */
    int stderr_pipe; /* what the child says on its standard error; -1: closed */
    uint64_t deaths_ms[DEATHS_MOST];
    unsigned death_count;
    unsigned restarts;
    unsigned pause_ms;
    bool stopping;
    bool gives_up;           /* and the next child is the last */
    char words[WORDS_BYTES]; /* the latest that the child said */
    size_t words_len;
    bool words_are_cut; /* at their front, perhaps within a line */
};

static uint64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* ---- the child's words ---- */

static void keep_words(struct parent *parent, const char *text, size_t len)
{
    if (len >= WORDS_BYTES) {
        text += len - WORDS_BYTES;
        len = WORDS_BYTES;
        parent->words_len = 0;
        parent->words_are_cut = true;
    }
    size_t over = parent->words_len + len > WORDS_BYTES ? parent->words_len + len - WORDS_BYTES : 0;
    parent->words_are_cut |= over > 0;
    memmove(parent->words, parent->words + over, parent->words_len - over);
    parent->words_len -= over;
    memcpy(parent->words + parent->words_len, text, len);
    parent->words_len += len;
}

/* Passes on what the child says, and remembers its end. False: the pipe is empty or closed. */
static bool hear(struct parent *parent)
{
    char text[4096];
    ssize_t got = read(parent->stderr_pipe, text, sizeof(text));
    if (got > 0) {
        keep_words(parent, text, (size_t)got);
        program_log_pass_on(parent->errors, text, (size_t)got);
        return true;
    }
    if (got == 0) {
        close(parent->stderr_pipe);
        parent->stderr_pipe = -1;
    }
    return false;
}

/* ---- starting the child ---- */

static _Noreturn void be_child(struct parent *parent, int channel, int log_channel, int words)
{
    sigset_t none;
    sigemptyset(&none);
    pthread_sigmask(SIG_SETMASK, &none, NULL);
    setpgid(0, 0); /* what a terminal sends reaches it by the parent, and once */
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    close(parent->signals);
    dup2(words, STDERR_FILENO);
    close(words);
    doors_ask_by(parent->doors, channel);
    struct process_options options = {
        .run = parent->options,
        .doors = parent->doors,
        .log_channel = log_channel,
        .ring_fd = parent->ring_fd,
        .restarts = parent->restarts,
        .is_last = parent->gives_up,
    };
    _exit(process_run(&options));
}

static bool start_child(struct parent *parent)
{
    int channel, log_channel, words[2];
    if (!doors_channel(&parent->channel, &channel) ||
        !program_log_channel(&parent->log_channel, &log_channel) || pipe2(words, O_CLOEXEC) != 0)
        return false;
    /* Neither end blocks: a standard error that nobody reads must not stop the child. */
    fcntl(words[0], F_SETFL, O_NONBLOCK);
    fcntl(words[1], F_SETFL, O_NONBLOCK);
    pid_t pid = fork();
    if (pid < 0)
        return false;
    if (pid == 0) {
        close(parent->channel);
        close(parent->log_channel);
        close(words[0]);
        be_child(parent, channel, log_channel, words[1]);
    }
    close(channel);
    close(log_channel);
    close(words[1]);
    parent->stderr_pipe = words[0];
    parent->words_len = 0;
    parent->words_are_cut = false;
    parent->child = pid;
    return true;
}

/* ---- its end ---- */

static void describe(int status, char *to, size_t size)
{
    if (WIFSIGNALED(status))
        snprintf(to, size, "was ended by signal %d (%s)", WTERMSIG(status),
                 sigdescr_np(WTERMSIG(status)));
    else
        snprintf(to, size, "ended with %d", WEXITSTATUS(status));
}

static void take_log(struct parent *parent)
{
    if (parent->log_channel < 0 || program_log_take(parent->log, parent->log_channel))
        return;
    close(parent->log_channel);
    parent->log_channel = -1;
}

/* All that it said, where it wanted it to be. */
static void hear_out(struct parent *parent)
{
    take_log(parent);
    while (parent->stderr_pipe >= 0 && hear(parent)) {
    }
}

/* Whole lines, where there is room for one. */
static void repeat_last_words(struct parent *parent)
{
    struct span words = span_make(parent->words, parent->words_len);
    while (span_ends(words, SPAN("\n")))
        words.len--;
    size_t first = span_find_byte(words, '\n');
    if (parent->words_are_cut && first != SPAN_NONE)
        words = span_from(words, first + 1);
    if (words.len > 0)
        program_log_say(parent->log, LOG_ERROR, "its last words: " SPAN_FORMAT, span_arg(words));
}

/* Five deaths in a minute: there is no use in going on. */
static bool is_hopeless(struct parent *parent)
{
    uint64_t now = now_ms();
    memmove(parent->deaths_ms, parent->deaths_ms + 1,
            sizeof(parent->deaths_ms) - sizeof(parent->deaths_ms[0]));
    parent->deaths_ms[DEATHS_MOST - 1] = now;
    parent->death_count++;
    bool calm =
        parent->death_count < 2 || now - parent->deaths_ms[DEATHS_MOST - 2] > DEATHS_WINDOW_MS;
    parent->pause_ms = calm ? PAUSE_FIRST_MS : parent->pause_ms * 2;
    if (parent->pause_ms > PAUSE_MOST_MS)
        parent->pause_ms = PAUSE_MOST_MS;
    return parent->death_count >= DEATHS_MOST && now - parent->deaths_ms[0] <= DEATHS_WINDOW_MS;
}

static void close_ends(struct parent *parent)
{
    if (parent->stderr_pipe >= 0)
        close(parent->stderr_pipe);
    if (parent->channel >= 0)
        close(parent->channel);
    if (parent->log_channel >= 0)
        close(parent->log_channel);
    parent->stderr_pipe = parent->channel = parent->log_channel = -1;
}

/* The ring may have records: a last child exports them, and serves nobody. */
static int give_up(struct parent *parent)
{
    if (parent->ring_fd < 0)
        return 1;
    parent->gives_up = parent->stopping = true;
    parent->pause_ms = 0;
    parent->restarts++;
    return -1;
}

/* -1: go on; else the program's exit code. */
static int child_ended(struct parent *parent, int status)
{
    parent->child = 0;
    hear_out(parent);
    /* A first child that cannot start has said why; trying again would say it again. */
    bool never_began = parent->restarts == 0 && WIFEXITED(status) && WEXITSTATUS(status) == 1;
    bool in_order = WIFEXITED(status) &&
                    (parent->stopping || never_began || WEXITSTATUS(status) == EXIT_CONFIGURATION ||
                     WEXITSTATUS(status) == 0);
    if (in_order) {
        close_ends(parent);
        return parent->gives_up ? 1 : WEXITSTATUS(status);
    }
    char how[128];
    describe(status, how, sizeof(how));
    program_log_say(parent->log, LOG_ERROR, "the child %s", how);
    repeat_last_words(parent);
    close_ends(parent);
    if (parent->stopping)
        return 1;
    if (is_hopeless(parent)) {
        program_log_say(parent->log, LOG_ERROR, "%d deaths within a minute: giving up",
                        DEATHS_MOST);
        return give_up(parent);
    }
    parent->restarts++;
    program_log_say(parent->log, LOG_WARN, "starting it again in %u ms", parent->pause_ms);
    return -1;
}

/* Reaps everybody; only the child's end means something. */
static int reap(struct parent *parent)
{
    for (;;) {
        int status;
        pid_t pid = waitpid(-1, &status, WNOHANG);
        if (pid <= 0)
            return -1;
        if (pid == parent->child) {
            int code = child_ended(parent, status);
            if (code >= 0)
                return code;
        }
    }
}

/* ---- waiting ---- */

static int take_signal(struct parent *parent)
{
    struct signalfd_siginfo info;
    if (read(parent->signals, &info, sizeof(info)) != sizeof(info))
        return -1;
    if (info.ssi_signo == SIGCHLD)
        return reap(parent);
    if (info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT)
        parent->stopping = true;
    if (parent->child > 0) /* with who had sent it: the child writes down whose doing a reload is */
        sigqueue(parent->child, (int)info.ssi_signo,
                 (union sigval){.sival_int = (int)info.ssi_uid});
    else if (parent->stopping)
        return 0;
    return -1;
}

static int wait_for_something(struct parent *parent, int wait_ms)
{
    struct pollfd waits[] = {{parent->signals, POLLIN, 0},
                             {parent->channel, POLLIN, 0},
                             {parent->stderr_pipe, POLLIN, 0},
                             {parent->log_channel, POLLIN, 0}};
    if (poll(waits, 4, wait_ms) <= 0)
        return -1;
    if (waits[3].revents != 0)
        take_log(parent);
    if (waits[2].revents != 0)
        hear(parent);
    if (waits[1].revents != 0 && !doors_serve(parent->doors, parent->channel)) {
        close(parent->channel);
        parent->channel = -1;
    }
    return waits[0].revents != 0 ? take_signal(parent) : -1;
}

/* In how many ms a child is to be started; -1: there is one. *at_ms: when that is; 0: nobody has
 * said yet. */
static int start_is_due(const struct parent *parent, uint64_t *at_ms)
{
    if (parent->child != 0)
        return -1;
    uint64_t now = now_ms();
    if (*at_ms == 0)
        *at_ms = now + (parent->restarts > 0 ? parent->pause_ms : 0);
    return *at_ms > now ? (int)(*at_ms - now) : 0;
}

static int supervise(struct parent *parent)
{
    uint64_t start_at_ms = 0;
    for (;;) {
        int wait_ms = start_is_due(parent, &start_at_ms);
        if (wait_ms == 0) {
            start_at_ms = 0;
            if (!start_child(parent)) {
                program_log_say(parent->log, LOG_ERROR, "cannot start a child: %s",
                                strerrordesc_np(errno));
                return 1;
            }
            wait_ms = -1;
        }
        int code = wait_for_something(parent, wait_ms);
        if (code >= 0)
            return code;
    }
}

static int watch_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    static const int watched[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGCHLD};
    for (size_t i = 0; i < sizeof(watched) / sizeof(watched[0]); i++)
        sigaddset(&set, watched[i]);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    return signalfd(-1, &set, SFD_CLOEXEC);
}

/* A peer that is gone and a file that may not grow are errors of a write, and no more. */
static void ignore_signals(void)
{
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
}

int supervise_run(const struct run_options *options)
{
    ignore_signals();
    machine_raise_descriptors();
    struct parent parent = {
        .options = options, .channel = -1, .log_channel = -1, .stderr_pipe = -1};
    parent.log = program_log_open(NULL, LOG_INFO);
    parent.errors = program_log_open(NULL, LOG_INFO);
    parent.doors = doors_new();
    parent.ring_fd = ring_create(PROCESS_WORKERS_MOST, RING_BYTES);
    if (parent.ring_fd < 0)
        program_log_say(parent.log, LOG_WARN, "no memory for the ring of records: %s",
                        strerrordesc_np(errno));
    int code;
    if (options->no_supervise) {
        struct process_options process = {
            .run = options, .doors = parent.doors, .log_channel = -1, .ring_fd = parent.ring_fd};
        code = process_run(&process);
    } else {
        parent.signals = watch_signals();
        must(parent.signals >= 0);
        code = supervise(&parent);
        close(parent.signals);
    }
    if (parent.ring_fd >= 0)
        close(parent.ring_fd);
    doors_free(parent.doors);
    program_log_close(parent.log);
    program_log_close(parent.errors);
    return code;
}
