/* SPDX-License-Identifier: Apache-2.0 */
/* The types of options: from a node to a field of a settings struct, and back to text. */
#ifndef SIDEGATE_SIDECAR_CONFIG_VALUES_H
#define SIDEGATE_SIDECAR_CONFIG_VALUES_H

#include <stdbool.h>
#include <stdint.h>

#include "rules/base/arena.h"
#include "rules/base/buf.h"
#include "rules/base/fault.h"
#include "sidecar/config/options.h"
#include "sidecar/config/settings.h"
#include "sidecar/config/tree.h"

/* What one reading works with. */
struct reading {
    struct arena *arena; /* of the settings: whatever they keep */
    struct faults *faults;
    struct settings *settings;
    const struct node *root; /* all files and --set merged */
    uint64_t now_s;          /* since 1970 */
    size_t said;             /* how many faults there were when all values were read */
};

/* One value on its way into its field. */
struct value {
    struct reading *reading;
    const struct option *option;
    const struct node *node;
    void *base; /* the group's struct */
};

enum value_result {
    VALUE_TAKEN,
    VALUE_UNFIT, /* the caller says what was found and what `expected` wants */
    VALUE_SAID,  /* something better was said already */
};

struct option_type {
    const char *name;     /* in the table of options */
    const char *expected; /* "a size with a unit, like 128KiB" */
    bool is_list;
    bool takes_any; /* a scalar, a list or a map: it says itself what is wrong */
    enum value_result (*read)(const struct value *value);
    /* As one would write it; false: not given. Lists call it for each item, by `i`, until false. */
    bool (*print)(const struct option *option, const void *base, size_t i, struct buf *to);
    /* What to say of a text that is none; NULL, or empty: the nearest word. */
    struct span (*hint)(struct span text);
    bool one_will_do;         /* a list: one value without brackets is a list of one */
    const char *const *words; /* of a choice; the index is the value */
    unsigned word_count;
    uint64_t least, most;
};

/* Where the option goes in the struct. */
void *value_at(const struct value *value);
void *value_also(const struct value *value);
const void *value_field(const struct option *option, const void *base);
/* Which of the type's words it is: taken, or unfit. */
enum value_result value_word(const struct value *value, unsigned *word);
/* A terminated copy that lives as long as the settings. */
struct span value_keep(const struct value *value, struct span text);
/* Says that the value's node is wrong; VALUE_SAID. */
enum value_result value_refuse(const struct value *value, const struct node *at, const char *hint,
                               const char *message);
/* "found 'x'; expected ..." with the nearest word. */
void value_refuse_unfit(const struct value *value);
/* The absolute name of a file that the node names. */
struct span value_path(const struct value *value, const struct node *node);

/* rate_values.c: "50/s". False: it is none. */
bool rate_text_parse(struct span text, unsigned *number, uint64_t *window_us);
bool rate_text_print(unsigned number, uint64_t window_us, struct buf *to); /* the same back */

/* Does print leave nothing out of it? url.at == NULL: nothing. */
bool url_is_shown_whole(struct span url);
/* A scalar as YAML (yaml_text.h) that names no variable. */
void value_print_text(struct buf *to, struct span text);
void value_print_inside(struct buf *to, struct span text); /* what stands between the quotes */
/* Prints an option that is one span; at == NULL: not given. */
bool value_span_print(const struct option *option, const void *base, size_t i, struct buf *to);
/* What is wrong with an address that does not parse. */
const char *address_wrong(struct span text);

/* A list of texts that each are one (is_one), or "key: MESSAGE" of the first that is not; the field
 * is a pointer to spans, the other one their count. */
enum value_result value_texts_read(const struct value *value, bool (*is_one)(struct span text),
                                   const char *expected);
bool value_texts_print(const struct option *option, const void *base, size_t i, struct buf *to);
/* The same for pairs, as a map in braces. */
bool value_pairs_print(const struct option *option, const void *base, size_t i, struct buf *to);

extern const struct option_type type_text, type_audit_parts, type_pattern; /* values.c */
/* word_values.c */
extern const struct option_type type_version, type_rate_algorithm, type_log_level, type_engine,
    type_engine_if_given, type_over_body, type_authorizer_payload, type_authorizer_form,
    type_on_failure, type_audit_when, type_audit_format, type_audit_type, type_execution_level,
    type_sampled_of, type_waf_default, type_waf_behavior, type_waf_requirement, type_sampler,
    type_trace_parents, type_id_format, type_compression, type_export_protocol, type_spool_fsync,
    type_exporter, type_temporality, type_histograms, type_syslog_facility, type_syslog_severity,
    type_quota_period, type_api_key_source, type_api_key_wanted, type_geo_unknown, type_on_off,
    type_both_lengths, type_underscore_names, type_doubtful_paths;
/* number_values.c */
extern const struct option_type type_threads, type_count, type_count_or_0, type_count_or_off,
    type_refusal_status, type_paranoia, type_threshold, type_quantity, type_max_keys, type_prefix,
    type_size, type_head_size, type_memory, type_spool_size, type_rotate_size, type_sink_buffer,
    type_rate, type_duration, type_spool_age, type_push_interval, type_duration_or_0;
/* otlp_values.c */
extern const struct option_type type_export_headers, type_headers_file, type_resource_attributes;
extern const struct option_type type_filter_pattern, type_filter_metric, type_filter_namespace,
    type_filter_value, type_filter_default, type_filter_dimensions; /* filter_values.c */
void filters_check(struct reading *reading);
/* alarm_metrics.c: whether somebody counts what alarms look at. */
void alarms_check(struct reading *reading);
/* places.c: files, addresses, networks */
extern const struct option_type type_path, type_path_or_off, type_files, type_token_file,
    type_secret_file, type_address, type_address_or_off, type_networks, type_types,
    type_dns_servers;
/* exclusion_values.c */
extern const struct option_type type_excluded_rules, type_target, type_excluded_path, type_date;
/* backends.c */
extern const struct option_type type_targets, type_url, type_call_url;
/* access_values.c */
extern const struct option_type type_access_match, type_access_action, type_access_rules,
    type_access_status, type_access_mode, type_access_failure, type_addresses;
/* alarm_option.c */
extern const struct option_type type_alarms;
/* rate_values.c */
extern const struct option_type type_rate_key, type_request_rate, type_rate_limits;
/* access_log_values.c */
extern const struct option_type type_log_format;
/* sink_values.c */
extern const struct option_type type_syslog_address, type_syslog_name;
/* waf_log_values.c */
extern const struct option_type type_waf_redacted, type_waf_conditions;
/* trace_values.c */
extern const struct option_type type_export_signals, type_propagators, type_trace_always,
    type_trace_exporters, type_sampling_rules, type_otlp_logs, type_ratio;
/* usage_plan_values.c */
extern const struct option_type type_key_ids, type_plan_routes;
/* tls_values.c */
extern const struct option_type type_certificates, type_tls_version, type_client_auth,
    type_tls_refresh;
/* certificate_values.c */
extern const struct option_type type_certificate;
/* authorizer_values.c */
extern const struct option_type type_authorizer_type, type_audiences, type_jws_algorithms,
    type_claim_headers, type_key_set, type_user_pool, type_route_authorizer, type_scopes;
/* remote_values.c */
extern const struct option_type type_lambda_function, type_identity_sources, type_stage_variables;
/* route_values.c */
extern const struct option_type type_route_match, type_upstream;

#endif
