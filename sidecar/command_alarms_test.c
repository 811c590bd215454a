/* SPDX-License-Identifier: Apache-2.0 */
/* `sidegate alarms test`: a replay. The clock is the file's, so a day takes no time. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "rules/base/must.h"
#include "sidecar/alarm_file.h"
#include "sidecar/arguments.h"
#include "sidecar/command.h"
#include "sidecar/command_alarms.h"
#include "sidecar/config/private_file.h"

enum { FILE_BYTES = 64 << 20, ARENA_BYTES = 1 << 30, OUTPUT_BYTES = 256 << 20, WHY_BYTES = 256 };

static const struct argument_row rows[] = {
    {'h', "--changes", NULL, "print only what has changed a state or what holds actions back"},
    {'w', "", "FILE", "alarms, series and what is expected of them (README.md)"},
};
static const struct argument_table table = {
    "alarms test FILE... [--changes]",
    "Replays the series of each file and prints the state of each alarm after each evaluation,\n"
    "with its reason. What `expect` says is held against it. Closing line: N passed, N failed.",
    rows, sizeof rows / sizeof *rows};

struct expected {
    bool is_met, is_asked; /* asked: its moment has come */
    size_t evaluations;    /* of its alarm, so far */
};

/* Whether an alarm's actions run, once its mutes have had their say: as in alarm_duty.c. */
struct hold {
    int64_t settled_s;          /* the run that this is of */
    enum alarm_state known;     /* the state whose actions ran last */
    bool is_muted;              /* actions wait for the end of a mute */
    enum alarm_actions actions; /* of that run */
};

struct replay {
    const struct alarm_file *file;
    struct alarms *alarms;
    struct expected *expected;
    struct hold *holds;              /* by alarm */
    struct feed_position *positions; /* by series */
    bool changes_only;
    struct buf *out;
    size_t *passed, *failed;
};

/* ---- samples ---- */

/* Where the replay of a series stands. */
struct feed_position {
    uint64_t period; /* from the start */
    size_t run;
    uint64_t of_run; /* periods of this run that are behind */
};

static void samples_give(struct replay *replay, const struct alarm_series *series, size_t run,
                         int64_t time_s)
{
    const struct alarm_values *values = &series->runs[run];
    for (size_t i = 0; i < values->value_count; i++)
        alarms_sample(replay->alarms, series->metric, time_s, values->values[i], values->samples);
}

/* All samples before `now_s`. */
static void series_give(struct replay *replay, size_t index, int64_t now_s)
{
    const struct alarm_series *series = &replay->file->series[index];
    struct feed_position *position = &replay->positions[index];
    for (; position->run < series->run_count; position->period++) {
        int64_t time_s = replay->file->start_s + (int64_t)(position->period * series->every_s);
        if (time_s >= now_s)
            break;
        samples_give(replay, series, position->run, time_s);
        if (++position->of_run == series->runs[position->run].periods) {
            position->run++;
            position->of_run = 0;
        }
    }
}

static uint64_t series_seconds(const struct alarm_series *series)
{
    uint64_t periods = 0;
    for (size_t i = 0; i < series->run_count; i++)
        periods += series->runs[i].periods;
    return periods * series->every_s;
}

/* The last evaluation, in seconds after the start: the first one that sees the whole of every
 * series. */
static uint64_t replay_seconds(const struct alarm_file *file, unsigned step_s)
{
    uint64_t most = file->until_s;
    for (size_t i = 0; i < file->series_count && file->until_s == 0; i++) {
        uint64_t seconds = series_seconds(&file->series[i]);
        most = seconds > most ? seconds : most;
    }
    return (most + step_s - 1) / step_s * step_s;
}

/* ---- who holds actions back ---- */

static bool is_muted(const struct alarm_settings *alarm, int64_t now_s)
{
    for (size_t i = 0; i < alarm->mute_count; i++)
        if (mute_window_end(&alarm->mutes[i], now_s) > 0)
            return true;
    return false;
}

/* Whoever knows the state already is not told of it again when the mute ends. True: actions run, or
 * begin to wait. */
static bool hold_settle(struct replay *replay, const struct alarm_told *told)
{
    struct hold *hold = &replay->holds[told->alarm];
    bool has_waited = hold->is_muted && told->state == told->before;
    bool is_due = told->actions_run || has_waited;
    hold->is_muted = is_due && is_muted(&replay->file->alarms[told->alarm], told->time_s);
    bool is_over = is_due && !hold->is_muted;
    bool run = is_over && (told->actions_run || hold->known != told->state);
    if (is_over)
        hold->known = told->state;
    hold->settled_s = told->time_s;
    hold->actions = told->by != SUPPRESSED_BY_NOTHING || hold->is_muted ? ACTIONS_SUPPRESSED
                    : run                                               ? ACTIONS_RUN
                                                                        : ACTIONS_NONE;
    return run || (hold->is_muted && !has_waited);
}

/* ---- what is printed ---- */

static void line_add(const struct replay *replay, const struct alarm_told *told)
{
    struct tm tm;
    char text[64] = "";
    time_t time = (time_t)told->time_s;
    if (gmtime_r(&time, &tm) != NULL)
        strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm);
    buf_format(replay->out, "%s " SPAN_FORMAT ": ", text,
               span_arg(replay->file->alarms[told->alarm].name));
    if (told->state != told->before)
        buf_format(replay->out, "%s -> ", alarm_state_word(told->before));
    buf_format(replay->out, "%s%s", alarm_state_word(told->state),
               told->verdict.is_kept ? " (kept)" : "");
    const struct hold *hold = &replay->holds[told->alarm];
    if (hold->actions == ACTIONS_RUN)
        buf_add(replay->out, SPAN(", actions run"));
    if (told->by != SUPPRESSED_BY_NOTHING)
        buf_format(replay->out, ", actions suppressed by %s", suppressed_by_word(told->by));
    else if (hold->is_muted)
        buf_add(replay->out, SPAN(", actions suppressed by Mute"));
    buf_format(replay->out, ": " SPAN_FORMAT "\n", span_arg(told->reason));
}

/* ---- what is expected ---- */

static void fail_add(const struct replay *replay, const struct alarm_expectation *expectation,
                     const struct alarm_told *told, const char *what, struct span wanted)
{
    enum alarm_actions actions = replay->holds[told->alarm].actions;
    ++*replay->failed;
    buf_format(replay->out,
               "failed %s:%u: " SPAN_FORMAT " after %llds: expected %s " SPAN_FORMAT
               ", found %s%s: " SPAN_FORMAT "\n",
               expectation->place.file, expectation->place.line, span_arg(expectation->alarm),
               (long long)(told->time_s - replay->file->start_s), what, span_arg(wanted),
               alarm_state_word(told->state),
               actions == ACTIONS_SUPPRESSED ? ", actions suppressed"
               : actions == ACTIONS_RUN      ? ", actions run"
                                             : "",
               span_arg(told->reason));
}

/* The state of the n-th evaluation; NULL beyond the last. */
static const char *expected_state(const struct alarm_expectation *expectation, size_t n)
{
    for (size_t i = 0; i < expectation->state_count; i++) {
        if (n < expectation->states[i].evaluations)
            return alarm_state_word(expectation->states[i].state);
        n -= (size_t)expectation->states[i].evaluations;
    }
    return NULL;
}

static void state_judge(struct replay *replay, size_t i, const struct alarm_told *told)
{
    const struct alarm_expectation *expectation = &replay->file->expectations[i];
    struct expected *expected = &replay->expected[i];
    const char *state = expected_state(expectation, expected->evaluations++);
    if (state == NULL)
        return;
    expected->is_asked = expected_state(expectation, expected->evaluations) == NULL;
    if (!expected->is_met || strcmp(state, alarm_state_word(told->state)) == 0)
        return;
    expected->is_met = false;
    fail_add(replay, expectation, told, "state", span_text(state));
}

/* After a run, whether the alarm was evaluated or not. */
static void moment_judge(struct replay *replay, size_t i, int64_t now_s)
{
    static const char *const actions[] = {"any", "run", "suppressed", "none"};
    const struct alarm_expectation *expectation = &replay->file->expectations[i];
    struct expected *expected = &replay->expected[i];
    const struct alarm_told *told = alarms_told(replay->alarms, expectation->index);
    if (expectation->state_count > 0 || now_s != replay->file->start_s + (int64_t)expectation->at_s)
        return;
    const char *wrong = NULL;
    struct span wanted = expectation->reason;
    expected->is_asked = true;
    if (expectation->reason.len > 0 && span_find(told->reason, expectation->reason) == SPAN_NONE)
        wrong = "a reason with";
    if (expectation->actions != ACTIONS_ANY &&
        expectation->actions != replay->holds[told->alarm].actions) {
        wrong = "actions";
        wanted = span_text(actions[expectation->actions]);
    }
    if (expectation->state.len > 0 &&
        !span_is(expectation->state, span_text(alarm_state_word(told->state)))) {
        wrong = "state";
        wanted = expectation->state;
    }
    if (wrong == NULL)
        return;
    expected->is_met = false;
    fail_add(replay, expectation, told, wrong, wanted);
}

static void on_told(void *context, const struct alarm_told *told)
{
    struct replay *replay = context;
    bool is_news = hold_settle(replay, told) || told->state != told->before ||
                   told->by != SUPPRESSED_BY_NOTHING;
    if (is_news || !replay->changes_only)
        line_add(replay, told);
    for (size_t i = 0; i < replay->file->expectation_count; i++)
        if (replay->file->expectations[i].index == told->alarm)
            state_judge(replay, i, told);
}

/* Actions may run in between evaluations: when a mute ends. */
static void holds_look(struct replay *replay, int64_t now_s)
{
    for (size_t i = 0; i < replay->file->alarm_count; i++) {
        const struct alarm_told *told = alarms_told(replay->alarms, i);
        if (replay->holds[i].settled_s != now_s && hold_settle(replay, told))
            line_add(replay, told);
    }
}

/* An expectation whose moment never came is not met. */
static void expectations_end(struct replay *replay)
{
    for (size_t i = 0; i < replay->file->expectation_count; i++) {
        const struct alarm_expectation *expectation = &replay->file->expectations[i];
        if (replay->expected[i].is_met && replay->expected[i].is_asked) {
            ++*replay->passed;
        } else if (replay->expected[i].is_met) {
            ++*replay->failed;
            buf_format(replay->out, "failed %s:%u: " SPAN_FORMAT ": %s\n", expectation->place.file,
                       expectation->place.line, span_arg(expectation->alarm),
                       expectation->state_count > 0 ? "it was not evaluated so often"
                                                    : "there was no evaluation at that time");
        }
    }
}

/* ---- one file ---- */

static void replay_run(struct replay *replay)
{
    const struct alarm_file *file = replay->file;
    unsigned step_s = alarms_step_s(replay->alarms);
    uint64_t end_s = replay_seconds(file, step_s);
    replay->expected = must_alloc(file->expectation_count * sizeof *replay->expected + 1);
    replay->holds = must_alloc(file->alarm_count * sizeof *replay->holds + 1);
    replay->positions = must_alloc(file->series_count * sizeof *replay->positions + 1);
    for (size_t i = 0; i < file->expectation_count; i++)
        replay->expected[i].is_met = true;
    for (size_t i = 0; i < file->alarm_count; i++)
        if (file->firsts[i].evaluations > 0)
            alarms_set_state(replay->alarms, i, file->firsts[i].state, SPAN(ALARM_REASON_FIRST));
    for (size_t i = 0; i < file->alarm_count; i++)
        replay->holds[i] =
            (struct hold){.settled_s = INT64_MIN, .known = alarms_state(replay->alarms, i)};
    for (uint64_t s = step_s; s <= end_s && !buf_is_full(replay->out); s += step_s) {
        int64_t now_s = file->start_s + (int64_t)s;
        for (size_t i = 0; i < file->series_count; i++)
            series_give(replay, i, now_s);
        alarms_run(replay->alarms, now_s, on_told, replay);
        holds_look(replay, now_s);
        for (size_t i = 0; i < file->expectation_count; i++)
            moment_judge(replay, i, now_s);
    }
    expectations_end(replay);
    free(replay->positions);
    free(replay->holds);
    free(replay->expected);
}

static bool say_faults(const struct faults *faults)
{
    struct buf text;
    buf_init(&text, OUTPUT_BYTES);
    faults_print(faults, &text);
    if (text.len > 0)
        fwrite(text.at, 1, text.len, stderr);
    buf_fini(&text);
    return faults_count(faults, FAULT_ERROR) == 0;
}

static bool text_replay(struct replay *replay, struct span text, const char *name)
{
    struct alarm_file file;
    struct faults *faults = faults_new();
    struct arena *arena = arena_new(NULL, ARENA_BYTES);
    must(arena != NULL);
    if (alarm_file_read(arena, text, name, &file, faults))
        replay->alarms = alarms_new(file.alarms, file.alarm_count, faults);
    bool well = say_faults(faults);
    if (well) {
        replay->file = &file;
        replay_run(replay);
        replay->file = NULL;
    }
    alarms_free(replay->alarms);
    replay->alarms = NULL;
    arena_free(arena);
    faults_free(faults);
    return well;
}

static int test_all(char **files, size_t count, bool changes_only)
{
    struct buf text, out;
    char why[WHY_BYTES];
    size_t passed = 0, failed = 0;
    bool well = true;
    buf_init(&text, FILE_BYTES);
    for (size_t i = 0; i < count; i++) {
        buf_init(&out, OUTPUT_BYTES);
        struct replay replay = {
            .changes_only = changes_only, .out = &out, .passed = &passed, .failed = &failed};
        buf_clear(&text);
        if (!file_read(files[i], &text, why, sizeof why)) {
            fprintf(stderr, "sidegate alarms test: %s: %s\n", files[i], why);
            well = false;
        } else if (!text_replay(&replay, buf_span(&text), files[i])) {
            well = false;
        }
        if (buf_is_full(&out)) {
            fprintf(stderr, "sidegate alarms test: %s: too much to print; --changes\n", files[i]);
            well = false;
        }
        if (out.len > 0)
            fwrite(out.at, 1, out.len, stdout);
        buf_fini(&out);
    }
    buf_fini(&text);
    printf("%zu passed, %zu failed\n", passed, failed);
    return well && failed == 0 ? 0 : 1;
}

int alarms_test(int argc, char **argv)
{
    struct arguments arguments;
    const struct argument_row *row;
    char **files = must_alloc((size_t)argc * sizeof(char *) + 1);
    size_t count = 0;
    bool changes_only = false;
    arguments_begin(&arguments, &table, argc, argv);
    while ((row = arguments_next(&arguments)) != NULL) {
        if (row->mark == 'h')
            changes_only = true;
        else
            files[count++] = argv[arguments.next - 1];
    }
    if (arguments.code < 0 && count == 0)
        arguments_refuse(&arguments, "no file: name at least one");
    int code = arguments.code < 0 ? test_all(files, count, changes_only) : arguments.code;
    free(files);
    return code;
}
