/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/hold.h"

#include <stdlib.h>

#include "rules/base/must.h"

/* In what was ever put into a queue. */
struct point {
    uint64_t items, units;
};

struct member {
    uint64_t id;
    struct queue *queue; /* NULL: it left */
    struct feed *feed;
    bool keeps, owed;
    bool accounted;        /* the queue's account stands in the ring */
    struct point held;     /* has to be safe before the ring's mark is released */
    struct point released; /* the ring has nothing of what was put before */
};

struct hold {
    struct ring *ring;
    struct member all[RISKS_MOST];
    size_t count;
    bool is_held; /* the ring was marked */
    bool stepped; /* those that were there have been told of all that the ring ever lost */
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

/* Its index; `count` where there is none. */
static size_t find(const struct hold *hold, uint64_t id)
{
    size_t i = 0;
    while (i < hold->count && hold->all[i].id != id)
        i++;
    return i;
}

static struct point point_of(struct queue *queue)
{
    return (struct point){queue_put_count(queue), queue_put_units(queue)};
}

void hold_join(struct hold *hold, uint64_t id, struct queue *queue, struct feed *feed)
{
    size_t at = find(hold, id);
    bool is_new = at == hold->count, owed = is_new ? ring_keeps(hold->ring, id) : false;
    struct queue_account *account = ring_channel_account(hold->ring, id);
    bool accounted = account != NULL && (is_new || hold->all[at].accounted);
    if (accounted && !is_new) /* a thread that hangs has the queue before */
        queue_let_go(hold->all[at].queue);
    if (accounted)
        queue_keep(queue, account, is_new ? DROP_CRASH : DROP_SHUTDOWN);
    if (accounted && !hold->stepped)
        queue_forget_ring_full(queue);
    if (is_new) {
        must(hold->count < RISKS_MOST);
        hold->count++;
        queue_lost(queue, ring_at_risk(hold->ring, id), DROP_CRASH);
    }
    hold->all[at] = (struct member){.id = id,
                                    .queue = queue,
                                    .feed = feed,
                                    .owed = owed,
                                    .accounted = accounted,
                                    .released = point_of(queue)};
    ring_risk(hold->ring, id, 0);
}

void hold_leave(struct hold *hold, uint64_t id, enum feed_end end)
{
    size_t at = find(hold, id);
    must(at < hold->count);
    if (end == FEED_HANGS && hold->all[at].accounted)
        queue_let_go(hold->all[at].queue); /* the ring may go before the thread does */
    hold->all[at].queue = NULL;
    hold->hangs |= end == FEED_HANGS;
    ring_risk(hold->ring, id, 0);
    if (end != FEED_HANGS)
        ring_keep(hold->ring, id, false);
}

void hold_keep(struct hold *hold, uint64_t id, enum hold_way way)
{
    size_t at = find(hold, id);
    must(at < hold->count);
    struct member *member = &hold->all[at];
    bool keeps = way == HOLD_RECORDS;
    if (way != HOLD_MEMORY && member->accounted) {
        queue_take_back(member->queue);
        member->accounted = false;
    }
    if (keeps && !member->keeps) /* what is there already may have left the ring */
        member->released = point_of(member->queue);
    member->keeps = keeps;
    ring_keep(hold->ring, id, keeps);
    if (keeps)
        ring_hold(hold->ring, true);
}

bool hold_owes(const struct hold *hold, uint64_t id)
{
    size_t at = find(hold, id);
    return at < hold->count && hold->all[at].owed;
}

static uint64_t units_in_memory(const struct member *member)
{
    struct destination_figures all;
    struct feed_figures disk;
    queue_figures(member->queue, &all);
    feed_figures(member->feed, &disk);
    return all.waiting > disk.spool.waiting ? all.waiting - disk.spool.waiting : 0;
}

/* What the ring still has comes again: that is the newest of what is in memory. */
static uint64_t units_at_risk(const struct member *member)
{
    if (member->accounted)
        return 0; /* the account says it */
    if (!member->keeps)
        return units_in_memory(member);
    if (feed_is_on_disk(member->feed) && feed_safe(member->feed) >= member->released.items)
        return 0;
    uint64_t in_memory = units_in_memory(member);
    uint64_t in_ring = queue_put_units(member->queue) - member->released.units;
    return in_memory > in_ring ? in_memory - in_ring : 0;
}

static bool all_is_safe(const struct hold *hold)
{
    for (size_t i = 0; i < hold->count; i++) {
        const struct member *member = &hold->all[i];
        if (member->queue != NULL && feed_safe(member->feed) < member->held.items)
            return false;
    }
    return true;
}

/* All that was read is to be safe before it is released. */
static void mark(struct hold *hold)
{
    hold->is_held = ring_mark(hold->ring);
    for (size_t i = 0; i < hold->count; i++) {
        struct member *member = &hold->all[i];
        if (member->queue == NULL)
            continue;
        member->held = point_of(member->queue);
        if (hold->is_held)
            feed_wake(member->feed);
        else
            member->released = member->held;
    }
}

static void tell_risks(struct hold *hold, bool releases)
{
    for (size_t i = 0; i < hold->count; i++) {
        struct member *member = &hold->all[i];
        if (releases)
            member->released = member->held;
        ring_risk(hold->ring, member->id, member->queue != NULL ? units_at_risk(member) : 0);
    }
}

void hold_step(struct hold *hold)
{
    bool is_tight = ring_is_tight(hold->ring);
    hold->stepped = true;
    if (is_tight)
        mark(hold);
    bool releases = is_tight || (hold->is_held && all_is_safe(hold));
    tell_risks(hold, releases);
    if (releases) {
        ring_release(hold->ring);
        hold->is_held = false;
    }
    if (!hold->is_held)
        mark(hold);
}
