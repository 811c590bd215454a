/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/thread.h"

#include <signal.h>

#include "exporters/clock.h"

enum { STOP_GRACE_US = 200 * 1000 };

bool thread_start(pthread_t *thread, void *(*run)(void *), void *context)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool started = pthread_create(thread, NULL, run, context) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return started;
}

bool thread_join(pthread_t thread, uint64_t deadline_us)
{
    uint64_t now = clock_monotonic_us();
    struct timespec until =
        clock_real_time_of((deadline_us > now ? deadline_us : now) + STOP_GRACE_US);
    if (pthread_timedjoin_np(thread, NULL, &until) == 0)
        return true;
    pthread_detach(thread);
    return false;
}
