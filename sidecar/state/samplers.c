/* SPDX-License-Identifier: Apache-2.0 */
/* Rules change rarely and are asked by every request: readers share a lock, and what they count is
 * atomic. */
#include "sidecar/state/samplers.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "rules/base/must.h"
#include "sidecar/http/sampling.h"

enum { SECOND_US = 1000000, USED_BITS = 32 };

struct sampler {
    _Atomic uint64_t spent; /* second << 32 | how many in it */
    _Atomic uint64_t quota_until_us;
    _Atomic unsigned quota, rate;
    _Atomic uint64_t fates[SAMPLING_FATES];
};

/* The rules that hold, with copies of their texts. */
struct held {
    struct arena *texts;
    enum sampling_source source;
    struct sampling_rule
        rules[SAMPLING_RULES_MOST]; /* one behind the other, to be looked through */
    struct sampler at[SAMPLING_RULES_MOST];
    size_t count;
};

struct samplers {
    pthread_rwlock_t lock; /* guards `held`; what is counted in it is atomic */
    struct held *held;
};

const char *sampling_source_word(enum sampling_source source)
{
    static const char *const words[] = {
        [SAMPLING_BUILT_IN] = "built_in", [SAMPLING_FILE] = "file", [SAMPLING_SERVICE] = "service"};
    return words[source];
}

const char *sampling_fate_word(enum sampling_fate fate)
{
    static const char *const words[SAMPLING_FATES] = {[SAMPLING_RESERVOIR] = "reservoir",
                                                      [SAMPLING_BORROWED] = "borrowed",
                                                      [SAMPLING_RATE] = "rate",
                                                      [SAMPLING_NOT] = "not_sampled"};
    must(fate < SAMPLING_FATES);
    return words[fate];
}

/* ---- which rules hold ---- */

static struct span keep(struct arena *arena, struct span text)
{
    return text.at == NULL ? text : span_make(arena_string(arena, text), text.len);
}

static void rule_copy(struct sampling_rule *to, const struct sampling_rule *from,
                      struct arena *arena)
{
    *to = *from;
    to->name = keep(arena, span_first(from->name, SAMPLING_NAME_MOST));
    to->service_name = keep(arena, from->service_name);
    to->service_type = keep(arena, from->service_type);
    to->host = keep(arena, from->host);
    to->method = keep(arena, from->method);
    to->path = keep(arena, from->path);
    to->resource_arn = keep(arena, from->resource_arn);
    for (size_t i = 0; i < from->attribute_count; i++)
        to->attributes[i] = (struct pair){keep(arena, from->attributes[i].name),
                                          keep(arena, from->attributes[i].value)};
}

/* The lock is held for writing: nobody counts meanwhile. */
static void sampler_carry(struct sampler *to, struct span name, struct held *from)
{
    for (size_t i = 0; i < from->count; i++) {
        struct sampler *old = &from->at[i];
        if (!span_is(from->rules[i].name, name))
            continue;
        atomic_store(&to->spent, atomic_load(&old->spent));
        atomic_store(&to->quota, atomic_load(&old->quota));
        atomic_store(&to->quota_until_us, atomic_load(&old->quota_until_us));
        for (size_t fate = 0; fate < SAMPLING_FATES; fate++)
            atomic_store(&to->fates[fate], atomic_load(&old->fates[fate]));
    }
}

static struct held *held_new(const struct sampling_rules *rules, enum sampling_source source)
{
    struct held *held = must_alloc(sizeof *held);
    held->texts = arena_new(NULL, SIZE_MAX / 2);
    must(held->texts != NULL && rules->count > 0 && rules->count <= SAMPLING_RULES_MOST);
    held->source = source;
    held->count = rules->count;
    for (size_t i = 0; i < held->count; i++) {
        rule_copy(&held->rules[i], &rules->at[i], held->texts);
        atomic_store(&held->at[i].rate, rules->at[i].rate);
    }
    return held;
}

static void held_free(struct held *held)
{
    arena_free(held->texts);
    free(held);
}

void samplers_set(struct samplers *samplers, const struct sampling_rules *rules,
                  enum sampling_source source)
{
    struct held *next = held_new(rules, source);
    pthread_rwlock_wrlock(&samplers->lock);
    struct held *before = samplers->held;
    for (size_t i = 0; i < next->count; i++)
        sampler_carry(&next->at[i], next->rules[i].name, before);
    samplers->held = next;
    pthread_rwlock_unlock(&samplers->lock);
    held_free(before);
}

struct samplers *samplers_new(void)
{
    const struct sampling_rules rules = {&sampling_rule_default, 1};
    struct samplers *samplers = must_alloc(sizeof *samplers);
    must(pthread_rwlock_init(&samplers->lock, NULL) == 0);
    samplers->held = held_new(&rules, SAMPLING_BUILT_IN);
    return samplers;
}

void samplers_free(struct samplers *samplers)
{
    if (samplers == NULL)
        return;
    held_free(samplers->held);
    pthread_rwlock_destroy(&samplers->lock);
    free(samplers);
}

/* ---- asking ---- */

/* One more in this second, where fewer than `most` are spent. A clock that is a little behind
 * another thread's is taken as equal. */
static bool spend(struct sampler *sampler, unsigned most, uint64_t wall_us)
{
    uint64_t now = wall_us / SECOND_US, spent = atomic_load(&sampler->spent), next;
    do {
        uint64_t second = spent >> USED_BITS, used = spent & UINT32_MAX;
        if (second < now || second > now + 1) { /* a new second, or the clock was set back */
            second = now;
            used = 0;
        }
        if (used >= most)
            return false;
        next = second << USED_BITS | (used + 1);
    } while (!atomic_compare_exchange_weak(&sampler->spent, &spent, next));
    return true;
}

static enum sampling_fate fate_of(struct sampler *sampler, unsigned reservoir,
                                  enum sampling_source source, const uint8_t trace_id[16],
                                  uint64_t wall_us)
{
    enum sampling_fate fate = SAMPLING_RESERVOIR;
    unsigned most = reservoir;
    if (source == SAMPLING_SERVICE && wall_us < atomic_load(&sampler->quota_until_us)) {
        most = atomic_load(&sampler->quota);
    } else if (source == SAMPLING_SERVICE) {
        most = reservoir > 0 ? 1 : 0;
        fate = SAMPLING_BORROWED;
    }
    if (spend(sampler, most, wall_us))
        return fate;
    return sampling_keeps(sampling_threshold(atomic_load(&sampler->rate)), trace_id,
                          span_make(NULL, 0))
               ? SAMPLING_RATE
               : SAMPLING_NOT;
}

struct sampling_verdict samplers_ask(struct samplers *samplers,
                                     const struct sampling_request *request,
                                     const uint8_t trace_id[16], uint64_t wall_us)
{
    struct sampling_verdict verdict;
    pthread_rwlock_rdlock(&samplers->lock);
    struct held *held = samplers->held;
    const struct sampling_rules rules = {held->rules, held->count};
    size_t i = sampling_rules_find(&rules, request);
    verdict.fate = fate_of(&held->at[i], held->rules[i].reservoir, held->source, trace_id, wall_us);
    atomic_fetch_add_explicit(&held->at[i].fates[verdict.fate], 1, memory_order_relaxed);
    verdict.name_length = held->rules[i].name.len;
    memcpy(verdict.name, held->rules[i].name.at, verdict.name_length);
    pthread_rwlock_unlock(&samplers->lock);
    return verdict;
}

/* ---- the service ---- */

void samplers_grant(struct samplers *samplers, const struct sampling_target *target)
{
    pthread_rwlock_rdlock(&samplers->lock);
    struct held *held = samplers->held;
    for (size_t i = 0; i < held->count; i++) {
        if (!span_is(held->rules[i].name, target->name))
            continue;
        if (target->has_rate)
            atomic_store(&held->at[i].rate, target->rate);
        if (!target->has_quota)
            continue;
        atomic_store(&held->at[i].quota, target->quota);
        atomic_store(&held->at[i].quota_until_us, target->until_us);
    }
    pthread_rwlock_unlock(&samplers->lock);
}

bool samplers_figures(struct samplers *samplers, size_t i, struct sampling_figures *to)
{
    pthread_rwlock_rdlock(&samplers->lock);
    struct held *held = samplers->held;
    bool is_there = i < held->count;
    if (is_there) {
        to->name_length = held->rules[i].name.len;
        memcpy(to->name, held->rules[i].name.at, to->name_length);
        for (size_t fate = 0; fate < SAMPLING_FATES; fate++)
            to->fates[fate] = atomic_load(&held->at[i].fates[fate]);
    }
    pthread_rwlock_unlock(&samplers->lock);
    return is_there;
}

enum sampling_source samplers_source(struct samplers *samplers)
{
    pthread_rwlock_rdlock(&samplers->lock);
    enum sampling_source source = samplers->held->source;
    pthread_rwlock_unlock(&samplers->lock);
    return source;
}
