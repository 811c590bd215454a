/* SPDX-License-Identifier: Apache-2.0 */
/* Threads of the exporters: they hear no signal of the process. */
#ifndef SIDEGATE_EXPORTERS_THREAD_H
#define SIDEGATE_EXPORTERS_THREAD_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* False: no thread can be had. */
bool thread_start(pthread_t *thread, void *(*run)(void *), void *context);
/* Waits until a little after the deadline (monotonic clock). False: it hangs, is left alone and
 * ends some day; what it uses must stay. */
bool thread_join(pthread_t thread, uint64_t deadline_us);

#endif
