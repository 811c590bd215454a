/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/alarm_command.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "rules/base/must.h"
#include "sidecar/loop/loop.h"

enum { WHY_BYTES = 120, FIRST_FD = 3, NOT_RUN = 127 };

struct alarm_command {
    struct loop *loop;
    struct watch watch; /* of the process: readable when it has ended */
    struct timer timer;
    pid_t pid;
    bool timed_out, ended;
    alarm_command_ended *told;
    void *context;
};

/* ---- its end ---- */

static void let_go(struct alarm_command *command)
{
    int fd = command->watch.fd;
    timer_disarm(&command->timer);
    watch_remove(&command->watch);
    close(fd);
    command->ended = true;
}

/* What it began and left behind goes, too. */
static void kill_all(const struct alarm_command *command)
{
    kill(-command->pid, SIGKILL);
    kill(command->pid, SIGKILL);
}

static void on_time(struct timer *timer)
{
    struct alarm_command *command = list_entry(timer, struct alarm_command, timer);
    command->timed_out = true;
    kill_all(command);
}

static void on_end(struct watch *watch, unsigned events)
{
    (void)events;
    struct alarm_command *command = list_entry(watch, struct alarm_command, watch);
    char why[WHY_BYTES] = "";
    int status = 0;
    pid_t ended = waitpid(command->pid, &status, WNOHANG);
    if (ended == 0)
        return;
    kill(-command->pid, SIGKILL);
    let_go(command);
    if (ended < 0)
        snprintf(why, sizeof why, "nobody knows how it ended");
    else if (command->timed_out)
        snprintf(why, sizeof why, "it took too long, and was killed");
    else if (WIFSIGNALED(status))
        snprintf(why, sizeof why, "it ended by signal %d", WTERMSIG(status));
    else if (WEXITSTATUS(status) != 0)
        snprintf(why, sizeof why, "it ended with %d", WEXITSTATUS(status));
    command->told(command->context, *why == '\0', why);
}

/* ---- its beginning ---- */

/* A descriptor with the text, to be read from its start; -1: errno. */
static int input_open(struct span text)
{
    int fd = memfd_create("alarm", MFD_CLOEXEC);
    while (fd >= 0 && text.len > 0) {
        ssize_t put = write(fd, text.at, text.len);
        if (put < 0 && errno != EINTR) {
            close(fd);
            return -1;
        }
        text = span_from(text, put > 0 ? (size_t)put : 0);
    }
    if (fd >= 0)
        lseek(fd, 0, SEEK_SET);
    return fd;
}

/* Others may be secrets: settings can be taken from the environment. */
static bool is_passed_on(struct span entry)
{
    static const struct span names[] = {SPAN_INIT("PATH"), SPAN_INIT("HOME"), SPAN_INIT("LANG"),
                                        SPAN_INIT("TZ")};
    struct span name = span_cut(&entry, '=');
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (span_is(name, names[i]))
            return true;
    return span_starts(name, SPAN("LC_"));
}

static char **environment_new(const struct alarm_command_order *order)
{
    size_t count = 0, at = 0;
    while (environ[count] != NULL)
        count++;
    char **all = must_alloc((order->extra_count + count + 1) * sizeof *all);
    for (; at < order->extra_count; at++) {
        const struct pair *extra = &order->extras[at];
        size_t size = extra->name.len + extra->value.len + 2;
        all[at] = must_alloc(size);
        snprintf(all[at], size, SPAN_FORMAT "=" SPAN_FORMAT, span_arg(extra->name),
                 span_arg(extra->value));
    }
    for (size_t i = 0; i < count; i++)
        if (is_passed_on(span_text(environ[i])))
            all[at++] = environ[i];
    all[at] = NULL;
    return all;
}

static void environment_free(const struct alarm_command_order *order, char **all)
{
    for (size_t i = 0; i < order->extra_count; i++)
        free(all[i]);
    free(all);
}

/* execve() would change none of them, but does not say so. */
static char **arguments_new(const struct alarm_command_order *order)
{
    size_t count = 0;
    while (order->argv[count] != NULL)
        count++;
    char **argv = must_alloc((count + 1) * sizeof *argv);
    memcpy(argv, order->argv, count * sizeof *argv);
    argv[count] = NULL;
    return argv;
}

/* Between fork and exec: only what may be called in a signal handler, too. */
static void become(char *const *argv, char **environment, const int fds[2], pid_t parent)
{
    const struct sigaction usual = {.sa_handler = SIG_DFL};
    sigset_t none;
    sigemptyset(&none);
    setsid();
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(NOT_RUN);
    for (int i = 1; i < NSIG; i++)
        sigaction(i, &usual, NULL);
    pthread_sigmask(SIG_SETMASK, &none, NULL);
    if (dup2(fds[0], 0) == 0 && dup2(fds[1], 1) == 1 && dup2(fds[1], 2) == 2) {
        close_range(FIRST_FD, ~0u, 0);
        execve(argv[0], argv, environment);
    }
    _exit(NOT_RUN);
}

static pid_t begin(const struct alarm_command_order *order)
{
    const int fds[2] = {input_open(order->input), open("/dev/null", O_RDWR | O_CLOEXEC)};
    char **environment = environment_new(order);
    char **argv = arguments_new(order);
    pid_t pid = -1, parent = getpid();
    if (fds[0] >= 0 && fds[1] >= 0)
        pid = fork();
    if (pid == 0)
        become(argv, environment, fds, parent);
    int error = errno;
    environment_free(order, environment);
    free(argv);
    for (size_t i = 0; i < 2; i++)
        if (fds[i] >= 0)
            close(fds[i]);
    errno = error;
    return pid;
}

struct alarm_command *alarm_command_start(struct loop *loop,
                                          const struct alarm_command_order *order,
                                          alarm_command_ended *ended, void *context)
{
    struct alarm_command *command = must_alloc(sizeof *command);
    *command = (struct alarm_command){.loop = loop, .told = ended, .context = context};
    timer_init(&command->timer, loop, on_time);
    command->pid = begin(order);
    int fd = command->pid > 0 ? (int)syscall(SYS_pidfd_open, command->pid, 0) : -1;
    if (fd >= 0 && watch_add(loop, &command->watch, fd, WATCH_READ, on_end)) {
        timer_arm(&command->timer, loop_now_us(loop) + order->timeout_us);
        return command;
    }
    int error = errno;
    if (command->pid > 0) {
        kill_all(command);
        waitpid(command->pid, NULL, 0);
    }
    if (fd >= 0)
        close(fd);
    free(command);
    errno = error;
    return NULL;
}

void alarm_command_free(struct alarm_command *command)
{
    if (command == NULL)
        return;
    if (!command->ended) {
        kill_all(command);
        let_go(command);
        waitpid(command->pid, NULL, WNOHANG);
    }
    free(command);
}
