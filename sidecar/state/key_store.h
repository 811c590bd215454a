/* SPDX-License-Identifier: Apache-2.0 */
/* The keys of one issuer as they were fetched last, and when they are to be fetched again. What a
 * set is, is its owner's business; who fetches it is told when it is due. The clock and chance are
 * handed in.
 *
 *   empty --begin--> under way --set----> fresh --(3/4 of its life)--> due --begin--> under way ...
 *                        |                  |
 *                        |                  `--(its life and stale_us have passed)--> empty
 *                        `--failed--> due after a growing pause; what there was serves on
 *
 * Workers hold the current set without a lock; a new one takes its place at once, and the old one
 * goes when nobody holds it any more. */
#ifndef SIDEGATE_SIDECAR_STATE_KEY_STORE_H
#define SIDEGATE_SIDECAR_STATE_KEY_STORE_H

#include <stdbool.h>
#include <stdint.h>

struct key_store;

struct key_store_settings {
    uint64_t refresh_us; /* the longest life of a set; 0: it is given once and for all */
    uint64_t stale_us;   /* for how long it serves beyond its life where no other can be had */
};

enum {
    KEY_STORE_LIFE_LEAST_S = 60, /* whatever the issuer says, unless refresh_us is shorter */
    KEY_STORE_UNKNOWN_S = 5,     /* between fetches for keys that nobody knows... */
    KEY_STORE_UNKNOWN_AHEAD = 5, /* ...of which so many may come at once */
    KEY_STORE_RETRY_LEAST_S = 1, /* the pause after a failure; each next one is twice as long */
    KEY_STORE_RETRY_MOST_S = 60,
};

struct key_store *key_store_new(const struct key_store_settings *settings,
                                void (*free_set)(void *set));
struct key_store *key_store_take(struct key_store *store); /* counted, from any thread */
void key_store_give(struct key_store *store);              /* NULL allowed */

/* ---- who uses keys: any thread ---- */

struct key_hold {
    const void *set;  /* NULL: there is none that may still be used */
    uint64_t version; /* of what there was; 0: nothing yet */
    unsigned slot;
};
/* Held for a look at it, and never over a wait. */
struct key_hold key_store_hold(struct key_store *store, uint64_t now_us);
void key_store_let_go(struct key_store *store, const struct key_hold *hold);

enum key_store_word {
    KEYS_CHANGED, /* there are others by now: look again */
    KEYS_COMING,  /* they are being fetched: wait */
    KEYS_SAME,    /* nothing better is to be had now */
};
/* Who found no keys in `version`, or not the one it needs, asks for others. */
enum key_store_word key_store_ask(struct key_store *store, uint64_t version, uint64_t now_us);

/* ---- who fetches: one thread ---- */

/* `wanted` is called from key_store_ask(), on any thread, where a fetch is due earlier than
 * planned; it only sends word. NULL: nobody fetches any more. The one before is not called any
 * more once this has returned. */
void key_store_watch(struct key_store *store, void (*wanted)(void *context), void *context);
/* When to begin; UINT64_MAX: not before it is wanted (or one is under way). */
uint64_t key_store_due_us(struct key_store *store);
void key_store_begin(struct key_store *store);
/* Takes the set. `life_us`: how long it holds by its issuer's word; 0: it says nothing. `chance`:
 * any number. */
void key_store_set(struct key_store *store, void *set, uint64_t life_us, uint64_t now_us,
                   uint64_t chance);
void key_store_failed(struct key_store *store, uint64_t now_us, uint64_t chance);

struct key_store_figures {
    uint64_t fetched, failed;
    uint64_t fetched_us; /* when the current set came; 0: there is none */
};
struct key_store_figures key_store_figures(struct key_store *store);

#endif
