/* SPDX-License-Identifier: Apache-2.0 */
/* The chain that the log of changes is: each record has the hash of the one before and its own.
 *
 *   {"sequence":1,"previous":"000...0","time":...,...,"hash":"5f2..."}
 *                                                        |
 *   {"sequence":2,"previous":"5f2..." <------------------'     hash: SHA-256 of the line's bytes
 *    "torn":"9ab...", ...,"hash":"c01..."}                      before ,"hash"
 *
 * `torn`: what lies between the record before and this one was cut off in the middle of a write,
 * and this is the SHA-256 of those bytes. Who can write the whole file anew can make a chain that
 * fits: keep the last hash elsewhere. */
#ifndef SIDEGATE_SIDECAR_CHANGE_CHAIN_H
#define SIDEGATE_SIDECAR_CHANGE_CHAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "rules/base/span.h"

enum { CHAIN_HASH = 64, CHAIN_LINE_MOST = 256 * 1024 };

struct chain_record {
    uint64_t sequence;
    struct span previous, torn, hash; /* of the line; torn.at == NULL: none */
};

void chain_hash(struct span bytes, char to[CHAIN_HASH]);
/* A line without its line feed. False: it is no record, or not what its hash says. */
bool chain_read(struct span line, struct chain_record *out);

/* Where the next record goes on. */
struct chain_end {
    uint64_t sequence; /* of the last record; 0: there is none */
    char hash[CHAIN_HASH];
    bool is_torn; /* bytes follow it that are no record */
    char torn[CHAIN_HASH];
    bool needs_line_feed;
};
/* `tail`: the file's last bytes, all of it where `is_whole`. False: no record stands in them. */
bool chain_end_find(struct span tail, bool is_whole, struct chain_end *out);

struct chain_verdict {
    uint64_t records;
    char last[CHAIN_HASH];
    bool is_well;
    size_t file, line;           /* not well: the first that is broken, of which file */
    const char *why;             /* likewise: static text */
    size_t torn_file, torn_line; /* the first that was cut off; 0: none */
    bool ends_torn;              /* the last line is, and nothing stands behind it yet */
    bool knows_last;             /* the record that was asked for is part of it */
};
/* The files one after the other. `from`: the number of the first record, where older ones are gone;
 * 1: none are. `last`: a hash that has to be that of a record; NULL: none. */
struct chain_verdict chain_verify(FILE *const *files, size_t count, uint64_t from,
                                  const char *last);

#endif
