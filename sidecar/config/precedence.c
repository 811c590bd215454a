/* SPDX-License-Identifier: Apache-2.0 */
/* Who wins, one thing at a time. */
#include "sidecar/config/precedence.h"

#include "sidecar/config/contest.h"

bool contest_won(const struct contest *contest, bool in_settings, bool in_rules, bool differ,
                 const char *names[2])
{
    if (in_settings && in_rules && differ)
        fault_add(contest->faults, FAULT_WARNING, contest->settings->rules.place,
                  span_make(NULL, 0), "%s wins over %s, which says something else", names[0],
                  names[1]);
    return in_settings || !in_rules;
}

static void settle_engine(const struct contest *contest, struct inspection_options *options)
{
    static const char *const words[] = {
        [ENGINE_OFF] = "Off", [ENGINE_DETECTION_ONLY] = "DetectionOnly", [ENGINE_ON] = "On"};
    const struct settings *settings = contest->settings;
    const struct rule_settings *directives = contest->directives;
    if (contest_won(contest, settings->rules.mode_given, directives->given.engine,
                    settings->rules.mode != directives->engine,
                    (const char *[]){"rules.mode", "SecRuleEngine"}))
        options->engine = settings->rules.mode;
    else if (directives->engine != ENGINE_ON)
        fault_add(contest->faults, FAULT_WARNING, settings->rules.place,
                  SPAN("set rules.mode to have the last word"),
                  "SecRuleEngine %s holds, since rules.mode is not given: nothing is refused",
                  words[directives->engine]);
}

static void settle_request(const struct contest *contest, struct inspection_options *options)
{
    struct settings *settings = contest->settings;
    const struct rule_settings *directives = contest->directives;
    uint64_t bytes = settings->rules.request_inspect;
    bool given = settings->rules.request_inspect_given;
    if (contest_won(contest, given, directives->given.request_body_limit,
                    bytes != directives->request_body_limit,
                    (const char *[]){"rules.request_body.inspect", "SecRequestBodyLimit"}))
        options->request_body_limit = bytes;
    if (contest_won(contest, given, directives->given.request_body_access,
                    (bytes > 0) != directives->request_body_access,
                    (const char *[]){"rules.request_body.inspect", "SecRequestBodyAccess"}))
        options->request_body_access = bytes > 0;
    enum over_body over = (enum over_body)directives->request_body_over;
    if (!contest_won(
            contest, settings->rules.request_over_given, directives->given.request_body_over,
            settings->rules.request_over != over,
            (const char *[]){"rules.request_body.over_limit", "SecRequestBodyLimitAction"}))
        settings->rules.request_over = over;
}

static bool types_differ(const struct settings *settings, const struct rule_settings *directives)
{
    size_t count = settings->rules.response_type_count;
    if (count != directives->response_body_type_count)
        return true;
    for (size_t i = 0; i < count; i++)
        if (!span_is_nocase(settings->rules.response_types[i], directives->response_body_types[i]))
            return true;
    return false;
}

/* Without a word of the settings, SecResponseBodyAccess goes with its own limit. */
static void settle_response(const struct contest *contest, struct inspection_options *options)
{
    struct settings *settings = contest->settings;
    const struct rule_settings *directives = contest->directives;
    uint64_t bytes = settings->rules.response_inspect;
    bool given = settings->rules.response_inspect_given;
    if (contest_won(contest, given, directives->given.response_body_access,
                    (bytes > 0) != directives->response_body_access,
                    (const char *[]){"rules.response_body.inspect", "SecResponseBodyAccess"}))
        options->response_body_access = bytes > 0;
    contest_won(contest, given, directives->given.response_body_limit,
                bytes != directives->response_body_limit,
                (const char *[]){"rules.response_body.inspect", "SecResponseBodyLimit"});
    if (given)
        options->response_body_limit = bytes;
    enum over_body over = (enum over_body)directives->response_body_over;
    if (!contest_won(
            contest, settings->rules.response_over_given, directives->given.response_body_over,
            settings->rules.response_over != over,
            (const char *[]){"rules.response_body.over_limit", "SecResponseBodyLimitAction"}))
        settings->rules.response_over = over;
    if (contest_won(contest, settings->rules.response_types_given,
                    directives->given.response_body_types, types_differ(settings, directives),
                    (const char *[]){"rules.response_body.types", "SecResponseBodyMimeType"})) {
        options->response_body_types = settings->rules.response_types;
        options->response_body_type_count = settings->rules.response_type_count;
    }
}

_Static_assert((int)OVER_BODY_REJECT == (int)OVER_LIMIT_REJECT &&
                   (int)OVER_BODY_PREFIX == (int)OVER_LIMIT_PREFIX &&
                   (int)OVER_BODY_PASS == (int)OVER_LIMIT_PASS,
               "the two enums are cast to each other");

struct inspection_options precedence_settle(struct settings *effective,
                                            const struct ruleset *ruleset, struct faults *faults)
{
    static const struct rule_settings none = {.engine = ENGINE_OFF};
    struct inspection_options options = {.engine = ENGINE_OFF};
    struct contest contest = {effective, ruleset != NULL ? &ruleset->settings : &none, faults};
    if (ruleset == NULL) {
        contest_settle_audit(&contest, &options);
        return options;
    }
    options = inspection_options_of(ruleset);
    settle_engine(&contest, &options);
    settle_request(&contest, &options);
    settle_response(&contest, &options);
    contest_settle_audit(&contest, &options);
    return options;
}
