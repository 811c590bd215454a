/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of stages.tbl. */
#ifndef SIDEGATE_SIDECAR_EXCHANGE_STAGES_H
#define SIDEGATE_SIDECAR_EXCHANGE_STAGES_H

#include "sidecar/exchange/inside.h"

const struct stage *stage_at(enum stage_id id);
/* Rules are loaded and the engine is not off. */
bool with_rules(const struct exchange *x);

#endif
