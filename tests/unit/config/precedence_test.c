/* SPDX-License-Identifier: Apache-2.0 */
/* YAML over SecLang, each pair by name: the directive holds alone, the key holds alone, and where
 * both speak the key holds and a warning says so. */
#include <stdio.h>

#include "rules/language/ruleset.h"
#include "sidecar/config/snapshot.h"
#include "tests/check.h"
#include "tests/unit/config/folder.h"
#include "tests/unit/config/suites.h"

enum { TEXT_SIZE = 512 };

/* ---- what came of it, as text ---- */

#define SHOWN_NUMBER(name, expression)                                   \
    static void show_##name(const struct snapshot *s, char *to)          \
    {                                                                    \
        snprintf(to, TEXT_SIZE, "%llu", (unsigned long long)expression); \
    }
#define SHOWN_TEXT(name, expression)                            \
    static void show_##name(const struct snapshot *s, char *to) \
    {                                                           \
        struct span text = expression;                          \
        snprintf(to, TEXT_SIZE, SPAN_FORMAT, span_arg(text));   \
    }

SHOWN_NUMBER(engine, s->inspection.engine)
SHOWN_NUMBER(request_limit, s->inspection.request_body_limit)
SHOWN_NUMBER(request_access, s->inspection.request_body_access)
SHOWN_NUMBER(request_over, s->settings->rules.request_over)
SHOWN_NUMBER(response_limit, s->inspection.response_body_limit)
SHOWN_NUMBER(response_access, s->inspection.response_body_access)
SHOWN_NUMBER(response_over, s->settings->rules.response_over)
SHOWN_TEXT(response_type,
           s->inspection.response_body_types[s->inspection.response_body_type_count - 1])
SHOWN_TEXT(audit_path, s->settings->audit_log.to.path)
SHOWN_TEXT(audit_parts, s->inspection.audit_parts)
SHOWN_TEXT(audit_status, s->settings->audit_log.relevant_status)
SHOWN_TEXT(audit_folder, s->settings->audit_log.storage_dir)
SHOWN_NUMBER(audit_engine, s->inspection.audit_engine)
SHOWN_NUMBER(audit_format, s->settings->audit_log.format)
SHOWN_NUMBER(audit_type, s->settings->audit_log.type)

/* ---- one pair ---- */

struct pair_row {
    const char *in_rules, *top; /* YAML: within rules, or beside it */
    const char *directive;
    const char *key_holds, *directive_holds; /* what came of it */
    const char *said;
    void (*show)(const struct snapshot *snapshot, char *to);
};

static struct snapshot *build(struct folder *folder, const struct pair_row *row, bool key,
                              bool directive)
{
    char text[TEXT_SIZE * 2], path[128];
    snprintf(text, sizeof text, NEEDED "rules: { files: [own.conf]%s }\n%s\n",
             key ? row->in_rules : "", key ? row->top : "");
    folder_write(folder, "own.conf",
                 directive ? row->directive : "SecAction \"id:1,phase:1,pass\"\n", 0644);
    snprintf(path, sizeof path, "%s", folder_write(folder, "a.yaml", text, 0644));
    const char *files[] = {path};
    struct settings_source source = folder_source(folder, files, 1);
    faults_free(folder->faults);
    folder->faults = faults_new();
    return snapshot_build(&source, NULL, folder->faults);
}

static void check_holds(struct folder *folder, const struct pair_row *row, bool key, bool directive)
{
    char shown[TEXT_SIZE];
    struct snapshot *snapshot = build(folder, row, key, directive);
    check(snapshot != NULL);
    row->show(snapshot, shown);
    check_span(span_text(shown), key ? row->key_holds : row->directive_holds);
    bool said = strstr(folder_faults(folder), row->said) != NULL;
    check(said == (key && directive));
    snapshot_give(snapshot);
}

static void check_pair(const struct pair_row *row)
{
    struct folder folder;
    folder_open(&folder);
    check_holds(&folder, row, false, true);
    check_holds(&folder, row, true, false);
    check_holds(&folder, row, true, true);
    folder_close(&folder);
}

#define PAIR(name, key, directive_name, rules_text, top_text, directive_text, shown, by_key,     \
             by_directive)                                                                       \
    TEST(name)                                                                                   \
    {                                                                                            \
        static const struct pair_row row = {                                                     \
            rules_text,          top_text,                                                       \
            directive_text "\n", by_key,                                                         \
            by_directive,        key " wins over " directive_name ", which says something else", \
            show_##shown};                                                                       \
        check_pair(&row);                                                                        \
    }
#include "tests/unit/config/precedence.tbl"
#undef PAIR

int precedence_suite(void)
{
#define PAIR(name, ...) cmocka_unit_test(name),
    static const struct CMUnitTest tests[] = {
#include "tests/unit/config/precedence.tbl"
    };
#undef PAIR
    return cmocka_run_group_tests_name("precedence", tests, NULL, NULL);
}
