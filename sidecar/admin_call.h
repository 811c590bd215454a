/* SPDX-License-Identifier: Apache-2.0 */
/* One request of a command to the admin API of a running one. */
#ifndef SIDEGATE_SIDECAR_ADMIN_CALL_H
#define SIDEGATE_SIDECAR_ADMIN_CALL_H

#include <stdbool.h>

#include "rules/base/buf.h"
#include "sidecar/arguments.h"
#include "sidecar/config/tree.h"

/* Rows of the command line that every one of these commands has, marks 'a' and 'f'. */
#define ADMIN_ROWS                                                                    \
    {'a', "--admin", "ADDR", "host:port or unix:/path; 127.0.0.1:7601 unless given"}, \
    {                                                                                 \
        'f', "--token-file", "F", "a file with the token that the admin API wants"    \
    }

struct admin_call {
    const char *command; /* how it is called where something is wrong */
    const char *address;
    const char *token_file; /* NULL: none */
    struct buf answer;
    long status;
};

void admin_call_init(struct admin_call *call, const char *command);
void admin_call_fini(struct admin_call *call);
/* True: the row was one of the two. */
bool admin_call_take(struct admin_call *call, const struct arguments *arguments,
                     const struct argument_row *row);
/* Exit code: 0, and the answer and its status are there; or 1 or 4, and said unless `quiet`.
 * `body`: JSON; NULL: none. */
int admin_call_ask(struct admin_call *call, const char *method, const char *path, const char *body,
                   bool quiet);
/* A member of a body's JSON: text. `{` stands before the first; NULL: none is added. */
void admin_body_add(struct buf *body, const char *key, const char *value);
/* Says what a problem document (RFC 9457) says; 1, the exit code. */
int admin_call_problem(const struct admin_call *call);
/* 0 and the sentence where it went well, else as above. */
int admin_call_well(const struct admin_call *call, const char *sentence);

/* With a 200: prints the answer as it came, or has its JSON map printed; 0, or 1 where it is none,
 * and said. Else as above. */
int admin_call_show(const struct admin_call *call, bool as_it_came,
                    void (*print)(const struct node *root));

/* The answer, read. */
struct admin_answer {
    struct arena *arena;
    struct faults *faults;
    const struct node *root; /* NULL: it is no JSON map */
};
struct admin_answer admin_answer_read(const struct admin_call *call);
void admin_answer_free(struct admin_answer *answer);
/* What stands at a dotted path; "-" where there is nothing. */
const char *admin_answer_text(const struct node *map, const char *path);

#endif
