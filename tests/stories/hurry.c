/* SPDX-License-Identifier: Apache-2.0 */
/* The program with a clock that runs $HURRY_SPEED times as fast since $HURRY_SINCE (seconds of
 * 1970), for stories of what takes minutes. The linker puts this between the program and libc
 * (--wrap): all of the program's own times are hurried, those inside libcurl are not. Without the
 * variables the clock is the system's. */
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>

#include "rules/base/number.h"

static const int64_t second_ns = 1000000000;

/* NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c): the linker's names */
int __real_clock_gettime(clockid_t which, struct timespec *to);
int __real_epoll_wait(int epoll, struct epoll_event *events, int most, int wait_ms);
int __real_poll(struct pollfd *fds, nfds_t count, int wait_ms);
int __real_pthread_cond_timedwait(pthread_cond_t *cond, pthread_mutex_t *lock,
                                  const struct timespec *until);
int __wrap_clock_gettime(clockid_t which, struct timespec *to);
time_t __wrap_time(time_t *to);
int __wrap_epoll_wait(int epoll, struct epoll_event *events, int most, int wait_ms);
int __wrap_poll(struct pollfd *fds, nfds_t count, int wait_ms);
int __wrap_pthread_cond_timedwait(pthread_cond_t *cond, pthread_mutex_t *lock,
                                  const struct timespec *until);
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c) */

static int64_t variable(const char *name, int64_t otherwise)
{
    const char *text = getenv(name); // NOLINT(concurrency-mt-unsafe): nobody here calls setenv
    uint64_t number;
    return text != NULL && number_parse(span_text(text), &number) ? (int64_t)number : otherwise;
}

static int64_t speed(void)
{
    return variable("HURRY_SPEED", 1);
}

static int64_t ns_of(const struct timespec *time)
{
    return (int64_t)time->tv_sec * second_ns + time->tv_nsec;
}

static struct timespec time_of(int64_t ns)
{
    return (struct timespec){.tv_sec = ns / second_ns, .tv_nsec = ns % second_ns};
}

int __wrap_clock_gettime(clockid_t which, struct timespec *to)
{
    int code = __real_clock_gettime(which, to);
    bool is_wall = which == CLOCK_REALTIME || which == CLOCK_REALTIME_COARSE;
    int64_t since_ns = is_wall ? variable("HURRY_SINCE", 0) * second_ns : 0;
    if (is_wall || which == CLOCK_MONOTONIC || which == CLOCK_MONOTONIC_COARSE)
        *to = time_of(since_ns + (ns_of(to) - since_ns) * speed());
    return code;
}

time_t __wrap_time(time_t *to)
{
    struct timespec now;
    __wrap_clock_gettime(CLOCK_REALTIME, &now);
    if (to != NULL)
        *to = now.tv_sec;
    return now.tv_sec;
}

/* Rounded up: who waits for a time must not wake before it. */
static int wait_of(int wait_ms)
{
    int by = (int)speed();
    return wait_ms > 0 ? wait_ms / by + (wait_ms % by != 0) : wait_ms;
}

int __wrap_epoll_wait(int epoll, struct epoll_event *events, int most, int wait_ms)
{
    return __real_epoll_wait(epoll, events, most, wait_of(wait_ms));
}

int __wrap_poll(struct pollfd *fds, nfds_t count, int wait_ms)
{
    return __real_poll(fds, count, wait_of(wait_ms));
}

/* All of the program's conditions are on CLOCK_MONOTONIC. */
int __wrap_pthread_cond_timedwait(pthread_cond_t *cond, pthread_mutex_t *lock,
                                  const struct timespec *until)
{
    struct timespec real = time_of(ns_of(until) / speed() + 1);
    return __real_pthread_cond_timedwait(cond, lock, &real);
}
