/* SPDX-License-Identifier: Apache-2.0 */
/* What one inspection holds: the struct that the files of this folder share. Everything that it
 * points to lies in its arena, in the ruleset, or is borrowed from the caller until the end, so
 * that a span once taken stays good. */
#ifndef SIDEGATE_RULES_TRANSACTION_H
#define SIDEGATE_RULES_TRANSACTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rules/base/map.h"
#include "rules/body/body.h"
#include "rules/inspection.h"
#include "rules/intake.h"
#include "rules/language/ruleset.h"

/* Named values of one variable; a scalar has one, whose name is {NULL, 0}. */
struct values {
    const struct pair *at;
    size_t count;
};

enum processor {
    PROCESSOR_NONE,
    PROCESSOR_URLENCODED,
    PROCESSOR_MULTIPART,
    PROCESSOR_JSON,
    PROCESSOR_XML,
};

/* The persistent collections stand side by side in the table of variables. */
enum { PERSISTENT_COUNT = VARIABLE_RESOURCE - VARIABLE_IP + 1 };

/* The request, taken apart once. */
struct request_view {
    struct inspection_request given;
    struct span uri;          /* path and query */
    struct span path;         /* raw, up to the question mark */
    struct span decoded_path; /* at NULL: nobody asked yet */
    struct span query;        /* at NULL: there is no question mark */
    struct span host;         /* without the port; at NULL: none */
    struct span authorization_scheme;
    struct values arguments; /* of the query */
    enum processor processor;
};

/* What ctl:ruleRemoveTarget... left behind. */
struct exclusion {
    const struct action *action;
    const uint64_t *rules; /* named by a pattern: a bit for each rule.index; NULL: asked directly */
    struct exclusion *next;
};

/* What must not stand in logs: every value of that name, or just that text. */
struct secret {
    struct span name; /* ARGS:password; at NULL: only the text */
    struct span text;
};

/* A sanitise... action that ran before all values of its name were there. */
struct awaited {
    const struct action *action;
    struct span name; /* ARGS:password */
};

/* One memory of a transformation: `in` by identity, not by content. */
struct transformed {
    const struct transformation *by;
    struct span in, out;
    struct transformed *next; /* in its bucket */
};

/* The place in the phase, kept over slices: step, link, target, value. */
struct cursor {
    size_t step;
    const struct rule *starter; /* NULL: the step has not begun */
    const struct rule *link;
    size_t target;
    bool target_is_open; /* values are those of this target */
    struct values values;
    size_t value;
    size_t resume;        /* where in the value its operator goes on; 0: it has not begun */
    struct pair slot;     /* where a variable of one value puts it */
    bool matched;         /* some value of this link has */
    bool target_excludes; /* some exclusion is of this target's variable */
};

/* The latest value that an operator was run on, for who asks where the time went. */
struct tried {
    const struct rule *rule; /* the starter; NULL: none yet in this phase */
    const struct target *target;
    struct pair value;
};

struct inspection {
    const struct ruleset *ruleset;
    struct inspection_options options;
    struct inspection_world world;
    struct arena *arena;
    uint64_t begun_us;

    struct inspection_client client;
    uint64_t remote_port, server_port;
    struct request_view request;
    struct inspection_response response;
    struct span response_type;
    uint64_t response_status;

    struct intake request_body, response_body;
    struct span request_body_text;
    struct body *parser;
    const struct body_result *parsed; /* NULL: no body was parsed */
    struct body_flags flags;          /* parsed->flags, or all false */
    bool response_given;
    enum xml_view xml_view;  /* SecParseXmlIntoArgs, ctl:parseXmlIntoArgs */
    bool force_request_body; /* ctl:forceRequestBodyVariable */
    bool body_error, multipart_error, urlencoded_error, inbound_error, outbound_error;
    bool pattern_limit_was_hit;
    struct span body_error_text, parser_error_text;

    struct map *tx, *env;                  /* of struct pair */
    struct values geo;                     /* what the last @geoLookup found */
    struct span keys[PERSISTENT_COUNT];    /* of those that are open */
    bool key_is_new[PERSISTENT_COUNT];     /* nobody had opened it before */
    bool key_is_updated[PERSISTENT_COUNT]; /* written by this transaction */
    struct span session_id, user_id;
    struct values *cache[VARIABLE_COUNT]; /* lists that were computed; NULL: not yet */

    struct pair matched; /* MATCHED_VAR and its name; at NULL: nothing yet */
    struct pair *matched_list;
    size_t matched_count, matched_room;
    const struct rule *matched_link; /* with the argument that its operator ran on */
    struct span matched_argument;

    uint64_t *removed; /* a bit for each rule.index; NULL: none is removed */
    struct exclusion *exclusions;

    struct transformed **memory; /* buckets */
    size_t memory_room, memory_used;

    enum rule_phase phase; /* 0: none has run */
    bool phase_is_done;
    struct cursor cursor;
    struct tried tried;
    uint64_t slice_begun_ns, slice_ns, cpu_ns;
    size_t work;    /* done since the clock was looked at */
    bool is_paused; /* within a value, at cursor.resume */

    bool decided; /* a rule refused the request */
    bool allowed, allowed_request, allowed_phase;
    struct verdict verdict;
    unsigned highest_severity; /* 255: none */
    struct rule_match *matches;
    size_t match_count, match_room;
    struct secret *secrets;
    size_t secret_count, secret_room;
    bool secrets_lost; /* there was no memory to note one */
    struct awaited *awaited;
    size_t awaited_count, awaited_room;
    size_t masked_count; /* of the matches: those that were masked already, for so many secrets */
    size_t masked_secrets;
    struct xml_tree *tree; /* of the request body; made when a rule first wants it */
    bool tree_was_tried;
    unsigned limits[LIMIT_KINDS];
    bool has_struck;
    struct limit_struck struck; /* of the limits that were hit, the one to tell */
    enum audit_engine audit_engine;
    struct span audit_parts;
};

/* Tells whoever looks on. */
static inline void transaction_tell(const struct inspection *tx, enum watched kind,
                                    struct span name, struct span value, bool yes)
{
    if (tx->world.watch != NULL)
        tx->world.watch(
            tx->world.context,
            &(struct watched_event){
                .kind = kind, .rule = tx->cursor.link, .name = name, .value = value, .yes = yes});
}

/* Counts a limit; a full arena is counted once. */
void transaction_limit(struct inspection *tx, enum limit_kind kind);
/* Grows an array in the arena by doubling; false (and nothing changed) where the arena is full. */
bool transaction_grow(struct inspection *tx, void *array, size_t count, size_t *room, size_t size);

#endif
