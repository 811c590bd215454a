/* SPDX-License-Identifier: Apache-2.0 */
/* A set of alarms: samples in, states out. No clock, no file, no thread of its own: who owns it
 * hands in samples and asks for an evaluation when one is due. Times are seconds since 1970.
 *
 *   alarms_sample --> history (a sketch per 10 or 60 s) --> datapoints of the evaluation range
 *     --> math, band --> alarm_decide --> the alarm's state --> rules of composite alarms --> told
 *
 * An alarm is evaluated every minute, one with a period below a minute every 10 s, one that looks
 * back over more than a day every hour. Its periods end with the evaluation: they slide. */
#ifndef SIDEGATE_EXPORTERS_ALARMS_ALARMS_H
#define SIDEGATE_EXPORTERS_ALARMS_ALARMS_H

#include "exporters/alarms/action.h"
#include "exporters/alarms/mute.h"
#include "exporters/alarms/state.h"
#include "exporters/alarms/statistic.h"
#include "exporters/alarms/suppressor.h"
#include "rules/base/fault.h"

/* Where the keys of a map stand, for what is said of them; none where nobody wrote it. */
struct alarm_place {
    struct span key;
    struct place of_key, of_value;
};
struct alarm_places {
    const struct alarm_place *list;
    size_t count;
};
/* NULL: the key is not given. */
const struct alarm_place *alarm_place_find(const struct alarm_places *places, struct span key);
/* Where the value of a key stands; `whole` where it is not given. */
struct place alarm_place_of(const struct alarm_places *places, const char *key, struct place whole);

/* A metric that an alarm asks for, or an expression over them. */
struct alarm_metric {
    struct span id;                /* empty only where there is but one */
    struct span namespace, metric; /* namespace empty: the program's own */
    const struct pair *dimensions;
    size_t dimension_count;
    struct statistic statistic;
    struct span statistic_text;
    struct span expression; /* instead of the two */
    bool returns;           /* it is what is held against threshold or band */
    struct place place;     /* of the expression's text, or of the whole */
    struct alarm_places places, dimension_places;
};

struct alarm_settings {
    struct span name, description;
    struct span text;  /* as one would write it, without actions: what is the same keeps its state
                          over a change */
    struct span shown; /* all of it, without what is secret; empty: nobody asks */
    struct place place;
    struct alarm_places places;

    const struct alarm_metric *metrics; /* of a metric alarm; none: a composite one */
    size_t metric_count;
    unsigned period_s;
    struct alarm_test test;
    bool few_keep_state; /* a percentile of too few samples leaves the state as it is */
    struct span band_id; /* the expression that gives the band; empty: a threshold */

    struct span rule; /* of a composite alarm */
    struct place rule_place;
    struct span suppressor; /* the alarm that holds its actions back; empty: none */
    unsigned wait_s, extension_s;

    struct alarm_action_list actions[ALARM_STATES]; /* by the state that is taken */
    bool actions_off;
    const struct mute_window *mutes; /* when they are held back */
    size_t mute_count;
};

enum { ALARMS_MOST = 1000, ALARM_METRICS_MOST = 10, ALARM_PERIOD_MOST_S = 86400 };

struct alarms;

/* Borrows the settings. NULL: something is wrong, and said. */
struct alarms *alarms_new(const struct alarm_settings *settings, size_t count,
                          struct faults *faults);
void alarms_free(struct alarms *alarms); /* NULL allowed */

/* `times` samples of a value. False: no alarm asks for the metric, or the time is long gone. */
bool alarms_sample(struct alarms *alarms, struct span metric, int64_t time_s, double value,
                   uint64_t times);

/* What the alarms ask for: each metric once for each resolution. */
struct alarm_feed {
    struct span namespace, metric;
    const struct pair *dimensions;
    size_t dimension_count;
    unsigned resolution_s;
    bool ordered; /* for statistics that ask for the order of samples */
};
size_t alarms_feed_count(const struct alarms *alarms);
struct alarm_feed alarms_feed(const struct alarms *alarms, size_t feed);
/* Samples of the feed's metric, gathered within one of its periods. False: they are too old. */
bool alarms_feed_add(struct alarms *alarms, size_t feed, int64_t time_s,
                     const struct sketch *samples);
/* The same in the place of what was there: all samples of that period. */
bool alarms_feed_set(struct alarms *alarms, size_t feed, int64_t time_s,
                     const struct sketch *samples);

/* Takes over from an earlier set: what was sampled, and the state of alarms whose text is the same.
 * `with_samples` false: the states alone. The earlier one is of no use but to be freed. */
void alarms_inherit(struct alarms *alarms, struct alarms *earlier, bool with_samples);

/* What an evaluation came to. Texts are borrowed for the call. */
struct alarm_told {
    size_t alarm; /* index */
    int64_t time_s;
    enum alarm_state before, state;
    struct alarm_verdict verdict; /* of a metric alarm */
    struct span reason;      /* of this evaluation; where the state was kept: what it was before */
    struct span reason_data; /* reason_data.h; empty: there is none */
    bool actions_run;        /* the alarm has changed, or its actions were held back until now */
    enum suppressed_by by;
};
typedef void alarm_tell(void *context, const struct alarm_told *told);

/* How often alarms_run() is due: the shortest of its alarms, 10 or 60 s. */
unsigned alarms_step_s(const struct alarms *alarms);
/* Evaluates what is due at `now_s`, a multiple of the step; tells each evaluation, in an order in
 * which composite alarms come after those that they ask for. */
void alarms_run(struct alarms *alarms, int64_t now_s, alarm_tell *tell, void *context);

/* What the latest run came to for an alarm, evaluated or not; borrowed until the next run. */
const struct alarm_told *alarms_told(const struct alarms *alarms, size_t alarm);
enum alarm_state alarms_state(const struct alarms *alarms, size_t alarm);
struct span alarms_reason(const struct alarms *alarms, size_t alarm); /* borrowed, the same */
struct span alarms_reason_data(const struct alarms *alarms, size_t alarm);
/* Without data. */
void alarms_set_state(struct alarms *alarms, size_t alarm, enum alarm_state state,
                      struct span reason);

/* What is known of an alarm from before a restart. */
struct alarm_restored {
    enum alarm_state state;
    struct span reason;
    int64_t since_s;
    bool is_held; /* a composite one: its actions were held back when it ended */
    struct span reason_data;
};
/* Samples from before `known_from_s` are lost: until those since then say enough by themselves,
 * whatever was lost, the alarm stays as it was. */
void alarms_restore(struct alarms *alarms, size_t alarm, const struct alarm_restored *restored,
                    int64_t known_from_s);

/* Sets a state by hand, until the next evaluation; composite alarms that ask for it follow at once.
 * All of them are told. */
void alarms_force(struct alarms *alarms, size_t alarm, const struct alarm_restored *to,
                  alarm_tell *tell, void *context);

#endif
