/* SPDX-License-Identifier: Apache-2.0 */
/* The rules that are part of the program: SecLang text, put into the program when it is built. */
#ifndef SIDEGATE_RULES_SETS_SETS_H
#define SIDEGATE_RULES_SETS_SETS_H

#include "rules/base/span.h"

/* Rules of our own, written for few false alarms. The ids 5100000 to 5100999 are kept for it. */
struct span sets_baseline(void); /* baseline.conf as it stands */

#endif
