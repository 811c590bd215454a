/* SPDX-License-Identifier: Apache-2.0 */
/* Access log lines by a template of API Gateway's: text with $context variables in it, compiled
 * once (reference aws.md 2.1, 2.5).
 *
 *   '$context.identity.sourceIp "$context.httpMethod $context.path" $context.status'
 *    | variable               | text | variable...           quoted: within "..."
 *
 * What a request did not have is a hyphen. AWS writes values as they are; here no value can forge a
 * line, a field or an element: a template that begins with { is JSON, one that begins with an
 * element is XML, `csv` is RFC 4180; in all others a value within double quotes has \" and \\, one
 * without also \xhh for blanks and for what the template itself separates by. In JSON a text
 * outside quotes, and a hyphen, bring their own. */
#ifndef SIDEGATE_EXPORTERS_ACCESS_TEMPLATE_H
#define SIDEGATE_EXPORTERS_ACCESS_TEMPLATE_H

#include "exporters/report.h"
#include "rules/base/buf.h"

struct access_template; /* frozen */

enum { ACCESS_TEMPLATE_LONGEST = 3072, ACCESS_TEMPLATE_MEMBERS = REPORT_MEMBERS };

/* What is wrong with a template. */
struct access_template_fault {
    char message[320], hint[96]; /* hint: "" where there is none */
};

/* Is it the name of a preset (clf, csv, xml), or a text with variables? */
bool access_template_is_one(struct span format);
/* Copies what it keeps. NULL: `fault`. */
struct access_template *access_template_new(struct span format,
                                            struct access_template_fault *fault);
void access_template_free(struct access_template *made); /* NULL allowed */

/* Each member of an authorizer's context that it names, once; at == NULL beyond the last. */
struct span access_template_member(const struct access_template *made, size_t i);

/* The line with its line feed; `scratch` is empty and is left empty. */
void access_template_add(const struct access_template *made, struct buf *to,
                         const struct report *report, struct buf *scratch);

#endif
