/* SPDX-License-Identifier: Apache-2.0 */
/* Does a condition hold? Values of one key are alternatives; a negated operator asks that none of
 * them fits. */
#include "sidecar/guard/policy_inside.h"

static bool in_order(enum compare_how how, int order)
{
    switch (how) {
    case HOW_LESS: return order < 0;
    case HOW_LESS_EQUAL: return order <= 0;
    case HOW_GREATER: return order > 0;
    case HOW_GREATER_EQUAL: return order >= 0;
    case HOW_EQUAL:
    case HOW_EQUAL_NOCASE:
    case HOW_LIKE: break;
    }
    return order == 0;
}

static bool number_fits(enum compare_how how, const struct policy_value *want, struct span text)
{
    struct decimal got;
    return decimal_parse(text, &got) && in_order(how, decimal_compare(&got, &want->number));
}

static bool instant_fits(enum compare_how how, const struct policy_value *want, struct span text)
{
    int64_t got;
    return instant_parse(text, &got) &&
           in_order(how, (got > want->instant) - (got < want->instant));
}

static bool address_fits(const struct policy_value *want, struct span text)
{
    struct ip got;
    return ip_parse(text, &got) && block_has(&want->block, &got);
}

/* Is this value of the request what the policy names? What cannot be read fits nothing. */
static bool value_fits(struct policy_run *run, const struct policy_operator *compare,
                       const struct policy_value *want, struct span got)
{
    bool truth;
    switch (compare->kind) {
    case COMPARE_STRING:
        return policy_pattern_matches(run, &want->pattern, got, compare->how == HOW_EQUAL_NOCASE);
    case COMPARE_NUMBER: return number_fits(compare->how, want, got);
    case COMPARE_DATE: return instant_fits(compare->how, want, got);
    case COMPARE_BOOL: return truth_parse(got, &truth) && truth == want->truth;
    case COMPARE_BINARY: return span_is(want->bytes, got);
    case COMPARE_ADDRESS: return address_fits(want, got);
    case COMPARE_ARN: return policy_pattern_matches_arn(run, &want->pattern, got, false);
    case COMPARE_ABSENCE: break;
    }
    return false;
}

static bool any_fits(struct policy_run *run, const struct policy_condition *condition,
                     struct span got)
{
    for (size_t i = 0; i < condition->value_count; i++)
        if (value_fits(run, condition->compare, &condition->values[i], got))
            return true;
    return false;
}

/* What a key without value comes to. */
static bool holds_without_value(const struct policy_condition *condition)
{
    if (condition->if_exists || condition->set == SET_ALL)
        return true;
    return condition->set == SET_NONE && condition->compare->negated;
}

static bool absence_holds(const struct policy_condition *condition, bool absent)
{
    for (size_t i = 0; i < condition->value_count; i++)
        if (condition->values[i].truth == absent)
            return true;
    return false;
}

bool policy_condition_holds(struct policy_run *run, const struct policy_condition *condition)
{
    const struct policy_request *request = run->request;
    bool negated = condition->compare->negated;
    struct span got;
    size_t count = 0, fitting = 0;
    while (request->value(request->context, condition->key, count, &got)) {
        fitting += any_fits(run, condition, got);
        count++;
    }
    if (condition->compare->kind == COMPARE_ABSENCE)
        return absence_holds(condition, count == 0);
    if (count == 0)
        return holds_without_value(condition);
    switch (condition->set) {
    case SET_ANY: return negated ? fitting < count : fitting > 0;
    case SET_ALL: return negated ? fitting == 0 : fitting == count;
    case SET_NONE: break;
    }
    return negated ? fitting == 0 : fitting > 0;
}
