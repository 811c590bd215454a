/* SPDX-License-Identifier: Apache-2.0 */
/* What the configuration says, read and checked: plain values, frozen. Times in microseconds, sizes
 * in bytes. The option table (options.tbl) has one row for each key with its default, its sentence
 * and whether a reload makes it effective. */
#ifndef SIDEGATE_SIDECAR_CONFIG_SETTINGS_H
#define SIDEGATE_SIDECAR_CONFIG_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "exporters/alarms/alarms.h"
#include "exporters/cloudwatch/metric_filters.h"
#include "exporters/exporter.h"
#include "exporters/waf_log.h"
#include "rules/base/buf.h"
#include "rules/base/fault.h"
#include "rules/base/span.h"
#include "rules/match/result.h"
#include "sidecar/guard/access.h"
#include "sidecar/guard/authorizer_answer.h"
#include "sidecar/guard/usage_plan.h"
#include "sidecar/http/forwarded.h"
#include "sidecar/wire/stream.h"
#include "sidecar/wire/tls.h"

/* Every text is terminated as well, so that .at can be given to libc. */

struct certificate_files {
    struct span cert_file, key_file; /* absolute */
    struct place cert_place, key_place;
};

/* What a listener presents and demands; the files are read with the snapshot. */
struct listener_tls_settings {
    const struct certificate_files *certificates; /* none: no TLS */
    size_t certificate_count;
    unsigned min_version; /* enum tls_version */
    struct span ciphers;  /* at == NULL: as tls.h says */
    unsigned client_auth; /* enum tls_client_auth */
    struct span client_ca_file, crl_file;
    uint64_t refresh_us; /* how often the files are looked at; 0: at reloads alone */
    struct place place, ciphers_place, client_ca_place, crl_place;
};

struct listener_settings {
    struct span name;
    struct span address_text; /* "127.0.0.1:8080", "unix:/run/x.sock" */
    struct address address;
    const struct network *trusted_proxies;
    size_t trusted_proxy_count;
    struct listener_tls_settings tls;
};

/* One of what rules.exclusions[].rule names. */
struct excluded_rules {
    uint64_t first, last; /* ids, where tag.at is NULL */
    struct span tag;
    struct span text; /* as it was written: "942100-942199", "tag:attack-sqli" */
    struct place place;
};

struct exclusion_settings {
    const struct excluded_rules *rules;
    size_t rule_count;
    struct span target; /* "ARGS:q"; at == NULL: the whole rule */
    struct span path;   /* "/search", or "/search/" and a star; at == NULL: everywhere */
    struct span reason;
    uint64_t expires_s; /* since 1970: from then on it does not act; 0: never */
    struct place place; /* of what it excludes */
    struct place expires_place;
    bool expired; /* when the settings were read */
};

struct upstream_tls_settings {
    bool on;                 /* the targets are https:// */
    struct span server_name; /* at == NULL: each target's own host */
    struct span ca_file;     /* at == NULL: the system's */
    struct span cert_file, key_file;
    struct place ca_place, cert_place, key_place;
};

struct upstream_settings {
    struct span name;
    struct upstream_tls_settings tls;
    const struct span *targets; /* "127.0.0.1:3000": the authority that logs print */
    const struct address *addresses;
    size_t target_count;
    unsigned max_connections; /* over all workers */
    unsigned max_pending;
    uint64_t idle_timeout_us;
};

/* What the CRS goes by; 0: not given. */
struct crs_levels {
    unsigned paranoia, detection_paranoia, inbound_threshold, outbound_threshold;
};

struct route_settings {
    struct span method;          /* "ANY" or a method */
    struct span pattern;         /* "/orders/{id}", "/{proxy+}" */
    struct span match;           /* as it was written: "GET /orders/{id}" */
    unsigned upstream;           /* index into upstreams */
    uint64_t request_timeout_us; /* 0: timeouts.request */
    struct {
        enum rule_engine mode;
        bool mode_given;
        struct crs_levels crs;
    } rules;                          /* what is given holds instead of the top's */
    const struct span *rate_limits;   /* names, in order... */
    const size_t *rate_limit_indexes; /* ...and which of the settings' they are */
    size_t rate_limit_count;
    struct span authorizer_name; /* at == NULL: none... */
    size_t authorizer;           /* ...else which of the settings' it is */
    const struct span *scopes;   /* one of them is enough; none: nothing is asked */
    size_t scope_count;
    bool needs_api_key;
    struct place place;
};

enum on_failure { ON_FAILURE_DENY, ON_FAILURE_ALLOW };

struct ip_set_settings {
    struct span name;
    const struct span *addresses; /* each an address, a network or a range */
    size_t address_count;
    struct span file;    /* at == NULL: none */
    struct span url;     /* at == NULL: none */
    struct span ca_file; /* of the url's server; at == NULL: whom the system trusts */
    struct place ca_place;
    uint64_t timeout_us;        /* of one fetch */
    uint64_t most_bytes;        /* of what is fetched */
    uint64_t refresh_us;        /* of a file 0: only with a reload */
    enum on_failure on_failure; /* as long as nothing was ever fetched */
    struct place place;
};

struct rate_limit_settings {
    struct span name;
    struct rate_settings rate;
    enum guard_mode mode;
};

enum authorizer_type {
#define AUTHORIZER_TYPE(id, word, sentence) AUTHORIZER_##id,
#include "sidecar/config/authorizer_types.tbl"
#undef AUTHORIZER_TYPE
    AUTHORIZER_TYPES,
};
struct span authorizer_type_word(enum authorizer_type type); /* "jwt" */

/* Whom a route's requests have to come from. */
struct authorizer_settings {
    struct span name;
    enum authorizer_type type;
    struct span user_pool; /* of type cognito: id or ARN */
    struct span issuer;
    const struct span *audiences;
    size_t audience_count;
    unsigned algorithms;   /* JWS_SETs: jws.h */
    struct span jwks_file; /* absolute */
    struct span jwks;      /* the document; at == NULL: not given */
    struct span jwks_url;  /* at == NULL: not given */
    struct {               /* where keys are fetched from; follows from the others */
        struct span url;   /* at == NULL: they are not fetched */
        bool is_described; /* it is the issuer's description, which names the keys' URL */
    } keys;
    uint64_t refresh_us;   /* of keys */
    uint64_t stale_for_us; /* the last good ones beyond that */
    struct span token_use; /* at == NULL: any */
    uint64_t skew_us;
    const struct condition *certificate; /* mtls; NULL: any that is verified */
    struct span certificate_text;
    struct span region, service; /* sigv4 */
    bool v4a, unsigned_payload;
    uint64_t body_bytes;
    /* of those that are asked elsewhere */
    struct span url;      /* of type lambda: the endpoint */
    struct span function; /* of type lambda */
    enum authorizer_payload payload;
    enum authorizer_form form;
    const struct span *identity; /* texts of identity_source.h, in order */
    size_t identity_count;
    struct span validation; /* at == NULL: none */
    uint64_t ttl_us;        /* 0: answers are not kept */
    uint64_t cache_bytes;
    uint64_t timeout_us;
    struct span client_id;                         /* introspection: whom we are */
    struct span client_secret_file, client_secret; /* the secret is never printed */
    struct span bearer_token_file, bearer_token;   /* the same */
    const struct pair *stage_variables;
    size_t stage_variable_count;
    struct span ca_file; /* absolute; at == NULL: the system's */
    struct place ca_place;
    enum on_failure on_failure;
    const struct pair *headers; /* field and claim: what the backend is told of a good token */
    size_t header_count;
    enum guard_mode mode;
    struct place place; /* of jwks_file */
};

/* Does it check signatures of issuers? */
bool authorizer_has_keys(const struct authorizer_settings *settings);

enum api_key_source { API_KEY_FROM_HEADER, API_KEY_FROM_AUTHORIZER };
enum over_body { OVER_BODY_REJECT, OVER_BODY_PREFIX, OVER_BODY_PASS };
enum sampled_of { SAMPLES_OFF, SAMPLES_OF_WEB_ACLS, SAMPLES_OF_ALL };
enum audit_when { AUDIT_WHEN_OFF, AUDIT_WHEN_RELEVANT, AUDIT_WHEN_ALWAYS };
enum sampler {
    SAMPLER_PARENT_BASED, /* a trace that begins here is sampled */
    SAMPLER_ALWAYS_ON,
    SAMPLER_ALWAYS_OFF,
    SAMPLER_PARENT_OFF,
    SAMPLER_RATIO,
    SAMPLER_PARENT_RATIO,
    SAMPLER_XRAY, /* what the caller decided; else X-Ray's rules: sampling_rules.h */
};
/* Whose trace goes on; anybody else's begins anew, with a link. */
enum trace_parents { TRACE_PARENTS_ALL, TRACE_PARENTS_TRUSTED, TRACE_PARENTS_NONE };
/* Of the ids of traces that begin here. */
enum id_format {
    ID_FORMAT_W3C,  /* 16 random bytes */
    ID_FORMAT_XRAY, /* the first four are seconds since 1970 */
};
enum { TRACE_EXPORTER_OTLP = 1, TRACE_EXPORTER_XRAY = 2, TRACE_EXPORTER_NONE = 4 };
enum { TRACE_ALWAYS_BLOCKED = 1, TRACE_ALWAYS_ERROR = 2, TRACE_ALWAYS_SLOW = 4 };
enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

struct sampling_rules;
/* What a file of sampling rules says. */
struct sampling_file {
    const struct sampling_rules *rules; /* NULL: there is no file */
    uint64_t hash;                      /* of its bytes */
};

struct header_list {
    const struct pair *at;
    size_t count;
};
/* Who gets exports by OTLP. */
struct receiver_settings {
    struct span name;
    struct span endpoint; /* "http://127.0.0.1:4318", or, of one signal alone: */
    struct span url;      /* "http://127.0.0.1:4318/v1/traces" */
    unsigned signals;     /* 1 << OTLP_TRACES... */
    enum otlp_protocol protocol;
    const struct pair *headers; /* values are secrets */
    size_t header_count;
    struct span headers_file; /* what it held: */
    struct header_list file_headers;
    uint64_t timeout_us;
    bool gzip;
    struct span ca_file, cert_file, key_file; /* at == NULL: the system's; none */
    struct spool_place spool;
};

struct settings {
    struct {
        unsigned threads;      /* 0: auto */
        struct span user;      /* at == NULL: not given */
        struct span state_dir; /* absolute; at == NULL: nothing is kept over a restart */
        struct span log_path;
        enum log_level log_level;
    } process;
    struct {
        struct span name, environment;
    } service;
    const struct listener_settings *listeners;
    size_t listener_count;
    struct {
        struct span address_text; /* at == NULL: off */
        struct address address;
    } status;
    struct {
        struct span address_text; /* at == NULL: off */
        struct address address;
        struct span token_file; /* absolute; at == NULL: none */
        struct span token;      /* read from token_file; at == NULL: none. Never printed */
    } admin;
    const struct upstream_settings *upstreams;
    size_t upstream_count;
    struct {
        bool present; /* there is a `rules` section with anything to load */
        enum rule_engine mode;
        bool mode_given;
        bool baseline;
        struct {
            struct span folder; /* at == NULL: none */
            struct crs_levels levels;
            struct place place;
        } crs;
        const struct span *files, *before, *after; /* absolute paths or patterns */
        size_t file_count, before_count, after_count;
        const struct place *file_places, *before_places, *after_places; /* one for each */
        const struct exclusion_settings *exclusions;
        size_t exclusion_count;
        struct place place;       /* of the section, or of the first file where there is none */
        struct log_settings log;  /* the rule log */
        uint64_t request_inspect; /* request_body.inspect */
        enum over_body request_over;
        bool request_inspect_given, request_over_given;
        uint64_t response_inspect; /* 0: bodies of answers are not looked at */
        enum over_body response_over;
        const struct span *response_types;
        size_t response_type_count;
        bool response_inspect_given, response_over_given, response_types_given;
        uint64_t cpu_budget_us;
        enum on_failure on_failure;
    } rules;
    const struct ip_set_settings *ip_sets;
    size_t ip_set_count;
    const struct authorizer_settings *authorizers;
    size_t authorizer_count;
    const struct access_entry *access;
    size_t access_count;
    const struct rate_limit_settings *rate_limits;
    size_t rate_limit_count;
    size_t rate_store_count; /* of access entries, rate_limits and usage plans together */
    struct {
        struct span files[GEO_KINDS]; /* at == NULL: none */
        struct place places[GEO_KINDS];
        bool unknown_blocks;
        enum on_failure on_failure;
        uint64_t refresh_us; /* 0: only with a reload */
    } geo;
    struct {
        struct span file; /* absolute; at == NULL: there are no API keys */
        struct place place;
        struct span header;
        enum api_key_source source;
        struct span claim; /* of a token, that holds the value; at == NULL: none */
        bool forward;      /* the backend is shown the header */
        uint64_t refresh_us;
        enum guard_mode mode;
        enum on_failure on_failure;
    } api_keys;
    const struct alarm_settings *alarms;
    size_t alarm_count;
    const struct usage_plan_settings *usage_plans;
    size_t usage_plan_count;
    struct {
        struct span file; /* at == NULL: none */
        struct place place;
    } aws_keys;
    struct {
        struct span resource; /* the file; at == NULL: none */
        struct place place;
        struct span api; /* what ARNs of requests begin with: "arn:...:api/stage" */
        enum guard_mode mode;
    } policies;
    struct {
        const struct span *servers; /* "127.0.0.1:53", "[::1]:53"; none: /etc/resolv.conf */
        size_t server_count;
        uint64_t timeout_us;
    } dns;
    struct span block_text; /* block_answer.text: a sentence for people */
    const struct route_settings *routes;
    size_t route_count;
    struct {
        struct log_settings to;
        struct span format;         /* "json", or what exporters/access_template.h compiles */
        const struct span *members; /* of an authorizer's context that it names */
        size_t member_count;
    } access_log;
    struct {
        struct log_settings to;
        bool is_on; /* it goes somewhere: the rules may have a say */
        enum audit_when when;
        struct span parts;
        enum audit_format format;
        enum audit_type type;
        struct span storage_dir, relevant_status; /* at == NULL: none */
        unsigned folder_mode, file_mode;          /* SecLang's alone; 0: not given */
        bool path_given, when_given, parts_given, format_given, type_given;
    } audit_log;
    struct {
        struct log_settings to;
        bool is_on; /* it goes anywhere */
        enum execution_level level;
        bool data_trace;
    } execution_log;
    struct {
        struct span path;    /* at == NULL: off */
        uint64_t most_bytes; /* then it is renamed; 0: never */
        unsigned keep;       /* of the renamed ones; 0: all */
    } change_log;
    struct {
        struct log_settings to;
        bool is_on; /* it goes somewhere */
        struct waf_redaction redaction;
        struct waf_filters filters;
    } waf_log;
    struct {
        enum sampled_of of;
        uint64_t memory_bytes; /* of all workers together */
    } sampled_requests;
    struct {
        struct receiver_settings *receivers;
        size_t receiver_count;
        struct channel_settings *channels; /* made of these: what is on */
        size_t channel_count;
        const struct pair *resource; /* resource.attributes */
        size_t resource_count;
    } otlp;
    struct {
        bool on;            /* there is anywhere to go */
        unsigned exporters; /* TRACE_EXPORTER_... */
        enum sampler sampler;
        unsigned ratio;       /* in billionths: sampling.h */
        unsigned propagators; /* PROPAGATOR_SETs: propagation.h */
        enum trace_parents parents;
        enum id_format id_format;
        unsigned always; /* TRACE_ALWAYS_...: seen though not sampled */
        uint64_t slow_us;
        struct span service_name; /* default: service.name + "-sidecar" */
        struct otlp_batch batch;
        struct span_limits limits;
        struct {
            struct span address_text;
            struct address address;
            struct span daemon;      /* "udp:" and the numeric address; at == NULL: none */
            struct log_settings to;  /* a file of segments, and receivers of its lines */
            uint64_t in_progress_us; /* what lasts so long is said before it is over; 0: never */
            struct span origin;
            /* of the API that policies.api names; empty: not given */
            struct span account, region, api, stage, resource_arn;
            struct {
                struct span file;          /* at == NULL: none */
                struct sampling_file held; /* what is in it */
                struct span endpoint;      /* at == NULL: nobody is asked */
                uint64_t refresh_us, report_us, timeout_us;
            } sampling;
        } xray;
    } traces;
    struct {
        unsigned otlp; /* OTLP_LOG_... */
        struct otlp_batch batch;
        struct attribute_limits limits;
    } logs;
    const struct metric_filter *metric_filters;
    size_t metric_filter_count;
    struct {
        bool prometheus;
        bool push; /* exporter: otlp, and an endpoint */
        uint64_t interval_us;
        bool is_delta, is_exponential; /* how they are pushed */
        unsigned series;               /* in CloudWatch's way; 0: none are kept */
        struct {
            uint64_t most_bytes, most_age_us;
        } history; /* of them, in process.state_dir */
        struct {
            struct log_settings to;
            struct span namespace;
        } emf;
    } metrics;
    struct {
        unsigned connections, requests_in_flight;
        uint64_t header_bytes, url_bytes, body_bytes, memory_bytes; /* memory 0: from the cgroup */
        unsigned header_count;
        bool reframe_both_lengths, pass_underscore_names, pass_doubtful_paths;
    } limits;
    struct {
        uint64_t tls_handshake_us, request_header_us, body_idle_us, request_us, idle_us,
            stream_idle_us, connect_us, response_header_us, connection_age_us, drain_delay_us,
            drain_us;
        uint64_t body_rate; /* bytes a second that a body must keep up after 5 s; 0: off */
    } timeouts;
    uint64_t hash; /* over the effective values */
};

/* One "-c FILE" or "--set KEY=VALUE". */
struct settings_source {
    const char *const *files;
    size_t file_count;
    const char *const *sets;
    size_t set_count;
    uint64_t now_s; /* since 1970: what has expired by then is warned of; 0: the system's clock */
    /* ${NAME}; NULL: the process's environment. Returns NULL where it is unset. */
    const char *(*environment)(void *context, const char *name);
    const char *(*variable_at)(void *context, size_t i); /* "NAME=value"; NULL beyond the last */
    void *context;
    struct documents *documents; /* what was fetched; NULL: nothing ever is */
};

/* Reads all; all faults are collected. NULL where there are errors. */
struct settings *settings_read(const struct settings_source *source, struct faults *faults);
void settings_free(struct settings *settings); /* NULL allowed */

/* The effective values as YAML, secrets masked. */
void settings_print(const struct settings *settings, struct buf *to);
/* The option table as text: key, type, default, live or restart, sentence. */
void settings_options(struct buf *to);

#endif
