/* SPDX-License-Identifier: Apache-2.0 */
/* Carries out the actions of alarms: one after another for each receiver, in the order in which
 * they were due, tried again with growing pauses while the receiver is away.
 *
 *   add --> lane of the receiver: first ... last      a lane does one thing at a time
 *             | webhook, command, log                 sent | failed | dropped --> ended
 *             '--- away: pause 1 s, 2 s ... 60 s, then the same again
 *
 * What Alertmanager was told is told again each minute until the alarm is over: it forgets. The
 * main thread's. */
#ifndef SIDEGATE_SIDECAR_ALARM_ACTIONS_H
#define SIDEGATE_SIDECAR_ALARM_ACTIONS_H

#include "exporters/alarms/alarms.h"

struct alarm_actions;
struct caller;
struct loop;
struct program_log;
struct settings;

/* X(id, "word"): what an action came to. */
#define ALARM_OUTCOMES(X)     \
    X(ALARM_SENT, "sent")     \
    X(ALARM_FAILED, "failed") \
    X(ALARM_DROPPED, "dropped")
enum alarm_outcome {
#define X(id, word) id,
    ALARM_OUTCOMES(X)
#undef X
        ALARM_OUTCOME_COUNT
};
const char *alarm_outcome_word(enum alarm_outcome outcome);

/* An action of a change. Texts are borrowed. */
struct alarm_due {
    struct span alarm;
    uint32_t key;           /* of the action */
    uint64_t configured_us; /* since when the alarm has its settings */
    struct alarm_change change;
};

struct alarm_actions_world {
    struct loop *loop;
    struct program_log *const *log;
    /* What was decided is on the disk; where it is not yet, alarm_actions_wake() follows. */
    bool (*may_go)(void *context);
    void (*ended)(void *context, const struct alarm_due *due, enum alarm_outcome outcome,
                  struct span target, const char *why);
    void *context;
};

enum {
    ALARM_WAITING_MOST = 1000,  /* for one receiver; then the oldest not under way is dropped */
    ALARM_WAITING_DAYS = 1,     /* what is older is dropped */
    ALARM_COMMAND_ATTEMPTS = 5, /* a command that fails so often has failed */
    ALARM_AGAIN_S = 60,         /* to Alertmanager, while it is firing */
    ALARM_FIRES_S = 4 * ALARM_AGAIN_S
};

struct alarm_actions *alarm_actions_new(const struct alarm_actions_world *world);
/* What is under way is given up. NULL allowed. */
void alarm_actions_free(struct alarm_actions *actions);
/* From now on these, borrowed until the next change: what they do not name is dropped. */
void alarm_actions_change(struct alarm_actions *actions, const struct settings *settings);
/* Nothing is carried out before. */
void alarm_actions_call_by(struct alarm_actions *actions, struct caller *caller);
void alarm_actions_add(struct alarm_actions *actions, const struct alarm_due *due);
/* It was told before a restart, and is firing. */
void alarm_actions_keep_firing(struct alarm_actions *actions, const struct alarm_due *due);
/* It has other settings, and is not firing any more. */
void alarm_actions_forget(struct alarm_actions *actions, struct span alarm);
void alarm_actions_wake(struct alarm_actions *actions);

struct alarm_action_figures {
    uint64_t counts[3][ALARM_OUTCOME_COUNT]; /* by enum alarm_action_type */
    uint64_t retries;
    size_t waiting;
};
struct alarm_action_figures alarm_actions_figures(const struct alarm_actions *actions);
const char *alarm_action_type_word(unsigned type);

#endif
