/* SPDX-License-Identifier: Apache-2.0 */
/* What the exporter's threads have to tell the operator: one line on stderr, or where the program's
 * log goes. Where that is a pipe that nobody empties, the line is lost rather than waited for. */
#ifndef SIDEGATE_EXPORTERS_SAY_H
#define SIDEGATE_EXPORTERS_SAY_H

/* "sidegate: " stands before it, a line feed behind; cut at 500 bytes. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* From now on lines go to this descriptor, which stays the caller's. */
void say_to(int fd);

#endif
