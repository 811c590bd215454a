/* SPDX-License-Identifier: Apache-2.0 */
/* Rules and values in words, as explain and `rules` print them. */
#include "rules/match/variable.h"
#include "sidecar/config/exclusions.h"
#include "sidecar/explain.h"

enum { SHOWN_BYTES = 600, MARK_CONTEXT = 100 };

static void byte_add(struct buf *to, char c)
{
    unsigned char byte = (unsigned char)c;
    if (c == '\n')
        buf_add(to, SPAN("\\n"));
    else if (c == '\r')
        buf_add(to, SPAN("\\r"));
    else if (c == '\t')
        buf_add(to, SPAN("\\t"));
    else if (c == '"' || c == '\\')
        buf_format(to, "\\%c", c);
    else if (byte < 0x20 || byte >= 0x7f)
        buf_format(to, "\\x%02x", byte);
    else
        buf_add_byte(to, c);
}

void plain_add(struct buf *to, struct span text)
{
    for (size_t i = 0; i < text.len; i++)
        byte_add(to, text.at[i]);
}

void quote_add(struct buf *to, struct span text, size_t start, size_t len)
{
    size_t first = start != SPAN_NONE && start > SHOWN_BYTES ? start - MARK_CONTEXT : 0;
    size_t end = text.len - first > SHOWN_BYTES ? first + SHOWN_BYTES : text.len;
    buf_add(to, first > 0 ? SPAN("...\"") : SPAN("\""));
    for (size_t i = first; i < end; i++) {
        if (i == start)
            buf_add(to, SPAN("«"));
        if (start != SPAN_NONE && i == start + len)
            buf_add(to, SPAN("»"));
        byte_add(to, text.at[i]);
    }
    if (start != SPAN_NONE && start == end)
        buf_add(to, SPAN("«"));
    if (start != SPAN_NONE && start + len >= end)
        buf_add(to, SPAN("»"));
    buf_add_byte(to, '"');
    if (end - first < text.len)
        buf_format(to, "... (%zu bytes)", text.len);
}

const char *severity_name(unsigned severity)
{
    static const char *const names[SEVERITY_NONE] = {"emergency", "alert",  "critical", "error",
                                                     "warning",   "notice", "info",     "debug"};
    return severity < SEVERITY_NONE ? names[severity] : "";
}

void operator_add(struct buf *to, const struct rule *link)
{
    if (link->operator== NULL) {
        buf_add(to, SPAN("SecAction"));
        return;
    }
    buf_add(to, operator_is_negated(link->operator) ? SPAN("!@") : SPAN("@"));
    buf_add(to, span_text(operator_name(link->operator)));
    struct span argument = operator_argument(link->operator)->text;
    if (argument.len == 0)
        return;
    buf_add_byte(to, ' ');
    quote_add(to, argument, SPAN_NONE, 0);
}

void target_add(struct buf *to, const struct target *target)
{
    if (target->excluded)
        buf_add_byte(to, '!');
    if (target->counted)
        buf_add_byte(to, '&');
    buf_add(to, span_text(variable_row(target->variable)->name));
    if (target->selector == SELECTOR_NAME)
        buf_format(to, ":" SPAN_FORMAT, span_arg(target->name));
    if (target->selector == SELECTOR_PATTERN)
        buf_format(to, ":/" SPAN_FORMAT "/", span_arg(target->name));
}

void ctl_add(struct buf *to, const struct action *action)
{
    size_t count;
    enum ctl_name name = action->ctl.name;
    bool has_target = name == CTL_RULE_REMOVE_TARGET_BY_ID ||
                      name == CTL_RULE_REMOVE_TARGET_BY_TAG ||
                      name == CTL_RULE_REMOVE_TARGET_BY_MSG;
    buf_format(to, "ctl:%s=", ctl_names(&count)[name]);
    plain_add(to, action->ctl.text);
    if (!has_target || span_find_byte(action->ctl.text, ';') != SPAN_NONE)
        return; /* the text may have it already */
    buf_add_byte(to, ';');
    target_add(to, &action->ctl.target);
}

void change_add(struct buf *to, const struct ruleset_change *change)
{
    plain_add(to, change->directive);
    buf_format(to, " (%s:%u)", change->file, change->line);
}

void rule_name_add(struct buf *to, const struct settings *settings, const struct rule *rule)
{
    const struct exclusion_settings *exclusion = exclusion_of(settings, rule);
    if (exclusion == NULL) {
        buf_format(to, "rule %llu, %s:%u", (unsigned long long)rule->id, rule->file, rule->line);
        return;
    }
    buf_format(to, "the exclusion of %s:%u, ", rule->file, rule->line);
    plain_add(to, exclusion->reason);
}
