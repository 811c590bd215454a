/* SPDX-License-Identifier: Apache-2.0 */
/* Reads and writes that go wrong on purpose, for tests. */
#include "sidecar/wire/stream_fault.h"

#include <stdint.h>

#include "sidecar/wire/stream.h"

static _Thread_local unsigned fail_in;  /* moves until one is broken; 0: none is */
static _Thread_local unsigned short_in; /* moves until one is short; 0: none is */

void stream_fail_nth(unsigned n)
{
    fail_in = n;
}

void stream_short_nth(unsigned n)
{
    short_in = n;
}

bool stream_fault_is_due(void)
{
    return fail_in > 0 || short_in > 0;
}

bool stream_fault_strikes(size_t *most)
{
    *most = short_in > 0 && --short_in == 0 ? 1 : SIZE_MAX;
    return fail_in > 0 && --fail_in == 0;
}
