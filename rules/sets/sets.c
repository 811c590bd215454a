/* SPDX-License-Identifier: Apache-2.0 */
/* The assembler takes the files in as they are: nothing is generated, nothing is looked for at run
 * time. SIDEGATE_BASELINE is the path of baseline.conf. */
#include "rules/sets/sets.h"

__asm__(".pushsection .rodata.sidegate_sets, \"a\"\n"
        ".globl sidegate_baseline, sidegate_baseline_end\n"
        ".hidden sidegate_baseline, sidegate_baseline_end\n"
        "sidegate_baseline:\n"
        ".incbin \"" SIDEGATE_BASELINE "\"\n"
        "sidegate_baseline_end:\n"
        ".byte 0\n"
        ".popsection\n");

extern const char sidegate_baseline[] __attribute__((visibility("hidden")));
extern const char sidegate_baseline_end[] __attribute__((visibility("hidden")));

struct span sets_baseline(void)
{
    return span_make(sidegate_baseline, (size_t)(sidegate_baseline_end - sidegate_baseline));
}
