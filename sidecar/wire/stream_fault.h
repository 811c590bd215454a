/* SPDX-License-Identifier: Apache-2.0 */
/* What stream_fail_nth() and stream_short_nth() ask of every kind of stream. */
#ifndef SIDEGATE_SIDECAR_WIRE_STREAM_FAULT_H
#define SIDEGATE_SIDECAR_WIRE_STREAM_FAULT_H

#include <stdbool.h>
#include <stddef.h>

/* Called once at the beginning of each read and write. True: this one is to be broken. *most: how
 * many bytes it may move. */
bool stream_fault_strikes(size_t *most);
/* Tests: one that was asked for has not struck yet. */
bool stream_fault_is_due(void);

#endif
