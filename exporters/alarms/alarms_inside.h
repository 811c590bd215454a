/* SPDX-License-Identifier: Apache-2.0 */
/* Between alarm_build.c, which checks settings and puts alarms together, alarms.c, which runs them,
 * and composite.c, which runs those that follow others. */
#ifndef SIDEGATE_EXPORTERS_ALARMS_ALARMS_INSIDE_H
#define SIDEGATE_EXPORTERS_ALARMS_ALARMS_INSIDE_H

#include "exporters/alarms/alarms.h"
#include "exporters/alarms/band.h"
#include "exporters/alarms/history.h"
#include "exporters/alarms/math.h"
#include "exporters/alarms/rule.h"
#include "rules/base/arena.h"

struct alarm {
    const struct alarm_settings *settings;
    enum alarm_state state;
    int64_t since_s; /* 0: it has been in this state from the beginning */
    struct buf reason, data;
    bool has_run;         /* it was evaluated */
    bool is_fresh;        /* in this run, and never before */
    bool is_restored;     /* from before a restart, and nothing else was found since */
    int64_t known_from_s; /* the same: samples from before are lost */

    /* of a metric alarm, by its metrics */
    struct math_name *names;
    struct math **maths;        /* NULL: a metric */
    struct history **histories; /* of the metrics, shared; NULL: an expression */
    struct band **bands;        /* of the expressions that ask for one */
    size_t *order;              /* expressions after what they name */
    size_t returned, band;      /* indexes */
    struct datapoint *points;   /* the evaluation range */
    size_t range;
    unsigned step_s;

    struct alarm_rule *rule; /* of a composite alarm */
    size_t suppressed_by;    /* index, or count: none */
    struct suppressor suppressor;
};

/* A metric's samples at one resolution. */
struct feed {
    struct alarm_feed what;
    size_t buckets;
    struct history *history; /* made once all alarms have said how much they look at */
};

/* The same metric at the same resolution? */
bool alarm_feeds_are_same(const struct alarm_feed *a, const struct alarm_feed *b);

struct alarms {
    struct arena *arena; /* all that lives as long as the set */
    struct arena *runs;  /* of one evaluation */
    struct alarm *list;
    enum alarm_state *states;  /* as the rules see them */
    bool *changed, *evaluated; /* in this run */
    bool *speaks;              /* scratch of composite_run() */
    struct alarm_told *told;   /* the same */
    size_t count;
    size_t *order; /* composite alarms after their children */
    struct feed *feeds;
    size_t feed_count;
};

/* ---- composite.c ---- */

/* Finds the state of a composite alarm and why it has it. False: none of its children has changed.
 */
bool composite_run(struct alarms *alarms, size_t index);

#endif
