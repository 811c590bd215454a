/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/hold.h"

#include <stdlib.h>

#include "rules/base/must.h"

struct member {
    uint64_t id;
    struct queue *queue; /* NULL: it left */
    struct feed *feed;
    uint64_t held; /* so many items have to be safe before the ring's mark is released */
};

struct hold {
    struct ring *ring;
    struct member all[RISKS_MOST];
    size_t count;
    bool is_held; /* the ring was marked */
    bool hangs;   /* a feed was left to its thread */
};

struct hold *hold_new(struct ring *ring)
{
    struct hold *hold = must_alloc(sizeof *hold);
    hold->ring = ring;
    return hold;
}

void hold_free(struct hold *hold)
{
    if (hold == NULL)
        return;
    if (!hold->hangs)
        ring_hold(hold->ring, false); /* all of it is where it belongs */
    free(hold);
}

/* NULL: there is none. */
static struct member *find(struct hold *hold, uint64_t id)
{
    for (size_t i = 0; i < hold->count; i++) {
        if (hold->all[i].id == id)
            return &hold->all[i];
    }
    return NULL;
}

void hold_join(struct hold *hold, uint64_t id, struct queue *queue, struct feed *feed)
{
    struct member *member = find(hold, id);
    if (member == NULL) {
        must(hold->count < RISKS_MOST);
        member = &hold->all[hold->count++];
        queue_lost(queue, ring_at_risk(hold->ring, id), DROP_CRASH);
    }
    *member = (struct member){.id = id, .queue = queue, .feed = feed};
    ring_risk(hold->ring, id, 0);
}

void hold_leave(struct hold *hold, uint64_t id, enum feed_end end)
{
    struct member *member = find(hold, id);
    must(member != NULL);
    member->queue = NULL;
    hold->hangs |= end == FEED_HANGS;
    ring_risk(hold->ring, id, 0);
}

void hold_begin(struct hold *hold)
{
    ring_hold(hold->ring, true);
}

static uint64_t units_in_memory(const struct member *member)
{
    struct destination_figures all;
    struct feed_figures disk;
    queue_figures(member->queue, &all);
    feed_figures(member->feed, &disk);
    return all.waiting > disk.spool.waiting ? all.waiting - disk.spool.waiting : 0;
}

static bool all_is_safe(const struct hold *hold)
{
    for (size_t i = 0; i < hold->count; i++) {
        const struct member *member = &hold->all[i];
        if (member->queue != NULL && feed_safe(member->feed) < member->held)
            return false;
    }
    return true;
}

static void mark(struct hold *hold)
{
    hold->is_held = ring_mark(hold->ring);
    for (size_t i = 0; hold->is_held && i < hold->count; i++) {
        struct member *member = &hold->all[i];
        if (member->queue == NULL)
            continue;
        member->held = queue_put_count(member->queue);
        feed_wake(member->feed);
    }
}

void hold_step(struct hold *hold)
{
    bool is_tight = ring_is_tight(hold->ring);
    for (size_t i = 0; i < hold->count; i++) {
        const struct member *member = &hold->all[i];
        bool at_risk = member->queue != NULL && (is_tight || !feed_is_on_disk(member->feed));
        ring_risk(hold->ring, member->id, at_risk ? units_in_memory(member) : 0);
    }
    if (is_tight)
        ring_mark(hold->ring); /* all that was read */
    if (is_tight || (hold->is_held && all_is_safe(hold))) {
        ring_release(hold->ring);
        hold->is_held = false;
    }
    if (!hold->is_held)
        mark(hold);
}
