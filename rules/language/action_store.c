/* SPDX-License-Identifier: Apache-2.0 */
/* Actions that write variables: setvar, expirevar, initcol, setsid, setuid, setrsc, setenv. */
#include "rules/language/action_list.h"

static struct action *add_action(struct action_edit *edit)
{
    struct action *action = rows_add(&edit->draft->actions, edit->line->arena, sizeof *action);
    action->name = edit->word->name;
    return action;
}

/* The first `byte` that stands in no %{...}. */
static size_t find_outside(struct span text, char byte)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] == byte)
            return i;
        if (!span_starts(span_from(text, i), SPAN("%{")))
            continue;
        size_t end = span_find_byte(span_from(text, i), '}');
        if (end != SPAN_NONE)
            i += end;
    }
    return SPAN_NONE;
}

static struct span span_behind(struct span text, size_t len)
{
    return span_make(text.at + len, text.len - len);
}

/* A collection that can be written; TX only where `with_tx`. */
static bool read_collection(struct action_edit *edit, struct span name, bool with_tx,
                            enum variable *collection)
{
    static const char *const stores[] = {"IP", "GLOBAL", "SESSION", "USER", "RESOURCE", "TX"};
    size_t count = with_tx ? 6 : 5;
    char room[96];
    for (size_t i = 0; i < count; i++)
        if (span_is_nocase(name, span_text(stores[i])))
            return variable_find(name, collection);
    fault_add(edit->line->faults, FAULT_ERROR, line_place(edit->line, name.at),
              nearest_hint(name, stores, count, room, sizeof room),
              "'" SPAN_FORMAT "' is no collection that %s can write",
              span_arg(span_first(name, 80)), action_row(edit->word->name)->name);
    return false;
}

/* "tx.score" to the collection and the key's macro. */
static bool read_variable(struct action_edit *edit, struct span text, enum variable *collection,
                          struct macro *key)
{
    size_t dot = span_find_byte(text, '.');
    if (!read_collection(edit, span_first(text, dot), true, collection))
        return false;
    if (dot == SPAN_NONE || dot + 1 == text.len) {
        fault_add(edit->line->faults, FAULT_ERROR,
                  line_place(edit->line, text.at + (dot == SPAN_NONE ? text.len : dot + 1)),
                  SPAN(""), "%s needs COLLECTION.NAME", action_row(edit->word->name)->name);
        return false;
    }
    *key = builder_macro(edit->line, span_behind(text, dot + 1));
    return true;
}

/* The value of setvar and how it is meant: "=1", "=+1", "=-1". */
static struct span read_how(struct span value, enum setvar_how *how)
{
    *how = SETVAR_SET;
    if (value.len > 0 && (value.at[0] == '+' || value.at[0] == '-')) {
        *how = value.at[0] == '+' ? SETVAR_ADD : SETVAR_SUBTRACT;
        value = span_behind(value, 1);
    }
    return value;
}

void action_setvar(struct action_edit *edit)
{
    struct action action = {.name = ACTION_SETVAR};
    struct span text = edit->word->value, value = SPAN("1");
    size_t equals = find_outside(text, '=');
    if (text.len > 0 && text.at[0] == '!') {
        action.setvar.how = SETVAR_UNSET;
        text = span_behind(text, 1);
        if (equals != SPAN_NONE) {
            action_fault(edit, SPAN(""), "setvar with ! removes a variable and takes no value");
            return;
        }
    } else if (equals != SPAN_NONE) {
        value = read_how(span_behind(text, equals + 1), &action.setvar.how);
        text = span_first(text, equals);
    }
    if (!read_variable(edit, text, &action.setvar.collection, &action.setvar.key))
        return;
    action.setvar.value = builder_macro(edit->line, value);
    *add_action(edit) = action;
}

/* Cuts at "="; a fault where there is none, or nothing behind it. */
static bool cut_equals(struct action_edit *edit, const char *shape, struct span *left,
                       struct span *right)
{
    struct span text = edit->word->value;
    size_t equals = find_outside(text, '=');
    if (equals == SPAN_NONE || equals + 1 == text.len) {
        fault_add(edit->line->faults, FAULT_ERROR, line_place(edit->line, text.at + text.len),
                  SPAN(""), "%s needs %s", action_row(edit->word->name)->name, shape);
        return false;
    }
    *left = span_first(text, equals);
    *right = span_behind(text, equals + 1);
    return true;
}

void action_expirevar(struct action_edit *edit)
{
    struct action action = {.name = ACTION_EXPIREVAR};
    struct span name, seconds;
    if (!cut_equals(edit, "COLLECTION.NAME=SECONDS", &name, &seconds) ||
        !read_variable(edit, name, &action.expirevar.collection, &action.expirevar.key))
        return;
    action.expirevar.seconds = builder_macro(edit->line, seconds);
    *add_action(edit) = action;
}

void action_initcol(struct action_edit *edit)
{
    struct action action = {.name = ACTION_INITCOL};
    struct span name, key;
    if (!cut_equals(edit, "COLLECTION=KEY", &name, &key) ||
        !read_collection(edit, name, false, &action.initcol.collection))
        return;
    action.initcol.key = builder_macro(edit->line, key);
    *add_action(edit) = action;
}

void action_open(struct action_edit *edit)
{
    struct action *action = add_action(edit);
    action->initcol.collection = action->name == ACTION_SETSID   ? VARIABLE_SESSION
                                 : action->name == ACTION_SETUID ? VARIABLE_USER
                                                                 : VARIABLE_RESOURCE;
    action->initcol.key = builder_macro(edit->line, edit->word->value);
}

void action_setenv(struct action_edit *edit)
{
    struct action action = {.name = ACTION_SETENV};
    struct span name, value;
    if (!cut_equals(edit, "NAME=VALUE", &name, &value))
        return;
    action.setenv.name = builder_macro(edit->line, name);
    action.setenv.value = builder_macro(edit->line, value);
    *add_action(edit) = action;
}

/* deprecatevar:session.score=60/300: 60 less each 300 seconds. */
void action_deprecatevar(struct action_edit *edit)
{
    struct action action = {.name = ACTION_DEPRECATEVAR};
    struct span name, rest;
    if (!cut_equals(edit, "COLLECTION.NAME=AMOUNT/SECONDS", &name, &rest) ||
        !read_variable(edit, name, &action.deprecatevar.collection, &action.deprecatevar.key))
        return;
    size_t slash = find_outside(rest, '/');
    if (slash == SPAN_NONE || slash == 0 || slash + 1 == rest.len) {
        action_fault(edit, SPAN(""), "deprecatevar needs COLLECTION.NAME=AMOUNT/SECONDS");
        return;
    }
    action.deprecatevar.amount = builder_macro(edit->line, span_first(rest, slash));
    action.deprecatevar.seconds = builder_macro(edit->line, span_behind(rest, slash + 1));
    *add_action(edit) = action;
}
