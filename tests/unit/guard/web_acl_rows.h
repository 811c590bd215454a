/* SPDX-License-Identifier: Apache-2.0 */
/* What the cases of tests/web_acl cover of tests/web_acl/rows.txt. */
#ifndef SIDEGATE_TESTS_UNIT_GUARD_WEB_ACL_ROWS_H
#define SIDEGATE_TESTS_UNIT_GUARD_WEB_ACL_ROWS_H

#include <stddef.h>

#include <jansson.h>

struct web_acl_rows;

struct web_acl_rows *web_acl_rows_new(void);
void web_acl_rows_free(struct web_acl_rows *rows);
/* A case: what stands in it counts where it is refused, or where requests fare differently. */
void web_acl_rows_take(struct web_acl_rows *rows, const json_t *is);
/* Prints each row that no case has, and how many there are; how many are missing. */
size_t web_acl_rows_print(const struct web_acl_rows *rows, const char *path);

#endif
