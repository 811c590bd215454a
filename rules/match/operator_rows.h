/* SPDX-License-Identifier: Apache-2.0 */
/* An operator and the functions behind the table. Private to operator*.c. */
#ifndef SIDEGATE_RULES_MATCH_OPERATOR_ROWS_H
#define SIDEGATE_RULES_MATCH_OPERATOR_ROWS_H

#include <stdbool.h>
#include <stdint.h>

#include "rules/match/operator.h"
#include "rules/match/xml_tree.h"

struct networks;
struct phrases;
struct operator_row;

struct operator
{
    const struct operator_row *row;
    bool negated;
    struct macro argument;
    union {
        struct pattern *pattern; /* NULL where the argument has macros */
        struct phrases *phrases;
        struct networks *networks;
        int64_t number; /* where the argument has no macros */
        struct xml_schema *schema;
        struct span definition; /* of a document type */
        const uint8_t *wanted;  /* 32 bytes: a bit for each byte value that is allowed */
    };
};

/* Fills in what lies behind the argument. False: build->why and build->offset say why not. */
typedef bool operator_compiler(struct operator* op, struct operator_build *build);
typedef enum operator_answer operator_runner(const struct operator* op, struct operator_run *run);
typedef void operator_releaser(struct operator* op);

struct operator_row {
    const char *name;
    operator_compiler *compile;
    operator_runner *run;
    operator_releaser *release;
    const char *sentence;
};

operator_compiler operator_compile_text, operator_compile_number, operator_compile_rbl,
    operator_compile_ip_match, operator_compile_ip_match_from_file, operator_compile_pm,
    operator_compile_pm_from_file, operator_compile_rx, operator_compile_pattern,
    operator_compile_validate_byte_range, operator_compile_validate_schema,
    operator_compile_validate_dtd;

operator_releaser operator_release_nothing, operator_release_addresses, operator_release_phrases,
    operator_release_pattern, operator_release_schema;

operator_runner operator_run_begins_with, operator_run_contains, operator_run_contains_word,
    operator_run_detect_sqli, operator_run_detect_xss, operator_run_ends_with, operator_run_eq,
    operator_run_ge, operator_run_gt, operator_run_ip_match, operator_run_le, operator_run_lt,
    operator_run_geo_lookup, operator_run_no_match, operator_run_pm, operator_run_rbl,
    operator_run_rx, operator_run_rx_global, operator_run_streq, operator_run_unconditional_match,
    operator_run_validate_byte_range, operator_run_validate_url_encoding,
    operator_run_validate_utf8_encoding, operator_run_verify_cc, operator_run_validate_schema,
    operator_run_validate_dtd, operator_run_verify_cpf, operator_run_verify_ssn,
    operator_run_verify_svnr, operator_run_within;

/* Says why an operator cannot be; returns false. */
bool operator_fault(struct operator_build *build, size_t offset, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Reads the file that a rule names. False: build->why says it. */
bool operator_read_file(struct operator_build *build, struct span name, struct buf *to);

static inline enum operator_answer operator_answer_of(bool yes)
{
    return yes ? OPERATOR_YES : OPERATOR_NO;
}

#endif
