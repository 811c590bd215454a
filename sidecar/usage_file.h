/* SPDX-License-Identifier: Apache-2.0 */
/* What API keys used, kept in a file of process.state_dir: a thread of its own appends what has
 * changed twice a second, so that a process that is killed loses less than a second of it. The file
 * is written anew (beside, and renamed) at the start, when it has grown, and after something
 * failed; a line that was cut off or broken is seen by its checksum (state/usage_lines.h). Nothing
 * of this ever waits for a request, or a request for it: a folder that is full or forbidden is said
 * once, counted, tried again, and usage goes on being counted in memory. */
#ifndef SIDEGATE_SIDECAR_USAGE_FILE_H
#define SIDEGATE_SIDECAR_USAGE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct program_log;
struct quotas;
struct settings;
struct usage_file;

/* What came of reading it. */
struct usage_read {
    bool is_there;
    int error;     /* errno where it is there and cannot be read */
    size_t lines;  /* that were good */
    size_t broken; /* that were not; a last one without its end does not count */
};
struct usage_read usage_file_read(const char *folder, struct quotas *quotas);

/* Reads what is there (what is broken is put aside as usage.log.broken, and said), then starts the
 * thread. Where another process has the folder nothing is touched until that one has gone: then the
 * file is read, and what was counted meanwhile counts besides. NULL: none could be made. The log is
 * borrowed. */
struct usage_file *usage_file_start(const char *folder, struct quotas *quotas,
                                    struct program_log *log);
/* Writes what is left until the deadline (monotonic clock). False: the disk hangs, and what the
 * thread uses has to stay. NULL allowed. */
bool usage_file_stop(struct usage_file *file, uint64_t deadline_us);

struct usage_figures {
    uint64_t lines;    /* written */
    uint64_t failures; /* attempts that failed */
    uint64_t broken;   /* lines that could not be read at the start */
};
struct usage_figures usage_file_figures(const struct usage_file *file);

/* From now on there are the settings' usage plans. */
void usage_plans_know(struct quotas *quotas, const struct settings *settings, uint64_t wall_us);

#endif
