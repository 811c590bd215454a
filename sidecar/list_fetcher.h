/* SPDX-License-Identifier: Apache-2.0 */
/* Asks the servers that lists of addresses come from, each as often as its set says, and puts what
 * they answer among the documents, where a renewal of the configuration judges it.
 *
 *   timer --> call (If-None-Match, If-Modified-Since) --> 200: offered --> news --> judged
 *     ^                                                   304: confirmed              |
 *     `-- refresh; after a failure 1 s, 2 s, 4 s... (up to a tenth less by chance) <----'
 *
 * The main thread's. A failure is said in the log once, until there is another one or none. */
#ifndef SIDEGATE_SIDECAR_LIST_FETCHER_H
#define SIDEGATE_SIDECAR_LIST_FETCHER_H

#include "sidecar/config/settings.h"

struct caller;
struct documents;
struct list_fetcher;
struct loop;
struct program_log;

struct list_fetcher_world {
    struct loop *loop;
    struct caller *caller;
    struct documents *documents;
    struct program_log *log;
    void (*news)(void *context); /* a server answered or failed: there may be something to judge */
    void *context;
};

struct list_fetcher *list_fetcher_new(const struct list_fetcher_world *world);
void list_fetcher_free(struct list_fetcher *fetcher); /* NULL allowed */
/* From now on those of these settings: who is new is asked at once, who is not named is let go. */
void list_fetcher_follow(struct list_fetcher *fetcher, const struct settings *settings);
/* What there was to be judged was. */
void list_fetcher_judged(struct list_fetcher *fetcher);
/* Every one was asked once, and answered or failed. */
bool list_fetcher_has_answers(const struct list_fetcher *fetcher);
/* The same, and what came of it was judged. */
bool list_fetcher_has_tried(const struct list_fetcher *fetcher);

/* X(id, "word"): what became of a fetch, as the metric says it. */
#define FETCH_RESULTS(X)                    \
    X(FETCH_NEW, "new")                     \
    X(FETCH_UNCHANGED, "unchanged")         \
    X(FETCH_NO_LIST, "no_list")             \
    X(FETCH_STATUS, "status")               \
    X(FETCH_NOT_CONNECTED, "not_connected") \
    X(FETCH_NOT_VERIFIED, "not_verified")   \
    X(FETCH_TIMED_OUT, "timed_out")         \
    X(FETCH_TOO_LARGE, "too_large")         \
    X(FETCH_BROKEN, "broken")
enum fetch_result {
#define X(id, word) id,
    FETCH_RESULTS(X)
#undef X
        FETCH_RESULT_COUNT
};
extern const char *const fetch_result_words[FETCH_RESULT_COUNT];

/* What is known of a set's server; borrowed until the next call of any of these. */
struct list_fetch {
    uint64_t counts[FETCH_RESULT_COUNT];
    uint64_t confirmed_wall_us; /* when the list in force was last what the server has; 0: never */
    uint64_t next_us;           /* monotonic; 0: it is being asked */
    const char *why;            /* what was wrong with the latest; NULL: nothing, or none yet */
};
/* False: it has no url. */
bool list_fetcher_facts(const struct list_fetcher *fetcher, const struct ip_set_settings *set,
                        struct list_fetch *facts);

#endif
