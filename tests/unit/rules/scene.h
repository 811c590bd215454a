/* SPDX-License-Identifier: Apache-2.0 */
/* A few rules, one request, one answer: what the tests of the inspection are told with. */
#ifndef SIDEGATE_TESTS_UNIT_RULES_SCENE_H
#define SIDEGATE_TESTS_UNIT_RULES_SCENE_H

#include "rules/base/arena.h"
#include "rules/inspection.h"
#include "rules/language/ruleset.h"
#include "tests/check.h"

enum { SCENE_FIELDS = 64 };

struct scene {
    struct faults *faults;
    struct ruleset *ruleset;
    struct inspection_options options;
    struct arena *arena;
    struct inspection *tx;
    struct inspection_world world;
    struct inspection_client client;
    struct pair fields[SCENE_FIELDS];
    size_t field_count;
    struct pair answer_fields[SCENE_FIELDS];
    size_t answer_field_count;
    const char *body; /* NULL: none */
    uint64_t budget_ns;
    uint64_t now_us, cpu_ns;   /* cpu_ns goes up by 100 at each look */
    unsigned pauses;           /* how often a phase said MORE */
    enum inspection_step step; /* the last run's */
};

/* Loads the text; a fault fails the test. */
struct scene *scene_open(const char *rules);
/* The same from files of the disk. */
struct scene *scene_open_files(const char *const *paths, size_t count, const char *before,
                               const char *after);
void scene_close(struct scene *scene);
/* Forgets the transaction and its fields; the rules stay. `ceiling`: bytes of its arena. */
void scene_again(struct scene *scene, size_t ceiling);

void scene_field(struct scene *scene, const char *name, const char *value);
void scene_answer_field(struct scene *scene, const char *name, const char *value);
/* A body for the next scene_send, with its Content-Type (NULL: none). */
void scene_body(struct scene *scene, const char *type, const char *body);
/* Phases 1 and 2 of "METHOD TARGET HTTP/1.1"; phase 2 only where the verdict still lets it. */
void scene_send(struct scene *scene, const char *method, const char *target);
void scene_get(struct scene *scene, const char *target);
/* Only the beginning: begin, client, request. */
void scene_start(struct scene *scene, const char *method, const char *target);
void scene_run(struct scene *scene, enum rule_phase phase);
/* Phases 3 and 4; body NULL: none. */
void scene_answer(struct scene *scene, unsigned status, const char *body);

/* NULL: the rule is not in the log. The first entry of that id. */
const struct rule_match *scene_match(struct scene *scene, uint64_t id);
bool scene_has(struct scene *scene, uint64_t id);
size_t scene_count(struct scene *scene);
struct span scene_tx(struct scene *scene, const char *name);

#define check_unset(span) check((span).at == NULL)

#endif
