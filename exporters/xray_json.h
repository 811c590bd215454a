/* SPDX-License-Identifier: Apache-2.0 */
/* JSON as segment documents have it: members one behind the other, the comma put where something
 * stands before. Keys are static text without anything to escape. */
#ifndef SIDEGATE_EXPORTERS_XRAY_JSON_H
#define SIDEGATE_EXPORTERS_XRAY_JSON_H

#include <stdbool.h>

#include "exporters/stage_spans.h"
#include "rules/base/buf.h"

enum {
    XRAY_TEXT_CHARACTERS = 250, /* of a text at most; what is longer is cut */
    XRAY_NAME_CHARACTERS = 200,
    XRAY_CHARACTER_BYTES = 4,
};

void xray_comma(struct buf *to);
void xray_key(struct buf *to, const char *key);
void xray_open(struct buf *to, const char *key, char bracket); /* "key":{ */
/* Empty texts say nothing and are left out. */
void xray_text(struct buf *to, const char *key, struct span text);
void xray_number(struct buf *to, const char *key, uint64_t number);
void xray_true(struct buf *to, const char *key, bool holds); /* false is left out */
void xray_id(struct buf *to, const char *key, const uint8_t id[8]);
void xray_trace_id(struct buf *to, const char *key, const uint8_t id[16]); /* 1-8-24 */
/* start_time and end_time: seconds since 1970, to the microsecond. */
void xray_times(struct buf *to, struct period period);
/* The same of what is not over yet: in_progress stands for the end. */
void xray_since(struct buf *to, uint64_t start_nano);
/* `name`: letters, digits, blanks and a few signs; others go. */
void xray_name(struct buf *to, struct span text);

#endif
