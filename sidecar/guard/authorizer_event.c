/* SPDX-License-Identifier: Apache-2.0 */
/* Events are written straight down: a member is a name and what it is, a comma comes by itself. */
#include "sidecar/guard/authorizer_event.h"

#include "rules/base/encode.h"
#include "sidecar/guard/arn.h"
#include "sidecar/guard/grouped.h"
#include "sidecar/http/date.h"

const char *authorizer_payload_word(enum authorizer_payload payload)
{
    static const char *const words[AUTHORIZER_PAYLOADS] = {"token", "request", "1.0", "2.0"};
    return words[payload];
}

bool authorizer_payload_is_rest(enum authorizer_payload payload)
{
    return payload == AUTHORIZER_TOKEN || payload == AUTHORIZER_REQUEST;
}

struct span authorizer_resource(const struct authorizer_request *request)
{
    const struct asked *asked = request->asked;
    return arn_of_request(asked->arena, request->api, asked->method, asked->path);
}

struct authorizer_names authorizer_names(struct span api)
{
    struct span parts[ARN_PARTS];
    if (!arn_split(api, parts))
        return (struct authorizer_names){SPAN(""), SPAN(""), SPAN("")};
    struct span stage = parts[5];
    struct authorizer_names names = {.account = parts[4], .api = span_cut(&stage, '/')};
    names.stage = stage.at != NULL ? stage : SPAN("");
    return names;
}

/* ---- members ---- */

/* A comma, unless it is the first one. */
static void next(struct buf *to)
{
    char last = '{';
    if (to->len > 0)
        last = to->at[to->len - 1];
    if (last != '{' && last != '[')
        buf_add_byte(to, ',');
}

static void key(struct buf *to, struct span name)
{
    next(to);
    json_add_string(to, name);
    buf_add_byte(to, ':');
}

static void open(struct buf *to, const char *name)
{
    key(to, span_text(name));
    buf_add_byte(to, '{');
}

static void close(struct buf *to)
{
    buf_add_byte(to, '}');
}

/* at == NULL: null. */
static void text(struct buf *to, const char *name, struct span value)
{
    key(to, span_text(name));
    if (value.at == NULL)
        buf_add(to, SPAN("null"));
    else
        json_add_string(to, value);
}

static void pairs(struct buf *to, const char *name, const struct pair *at, size_t count)
{
    open(to, name);
    for (size_t i = 0; i < count; i++) {
        key(to, at[i].name);
        json_add_string(to, at[i].value);
    }
    close(to);
}

static void last_values(struct buf *to, const char *name, const struct grouped *grouped)
{
    open(to, name);
    for (const struct grouped_name *one = grouped->first; one != NULL; one = one->next) {
        key(to, one->name);
        json_add_string(to, one->last != NULL ? one->last->text : SPAN(""));
    }
    close(to);
}

static void all_values(struct buf *to, const char *name, const struct grouped *grouped)
{
    open(to, name);
    for (const struct grouped_name *one = grouped->first; one != NULL; one = one->next) {
        key(to, one->name);
        buf_add_byte(to, '[');
        for (const struct grouped_value *value = one->first; value != NULL; value = value->next) {
            next(to);
            json_add_string(to, value->text);
        }
        buf_add_byte(to, ']');
    }
    close(to);
}

/* ---- parts that events share ---- */

static void certificate(struct buf *to, const struct authorizer_certificate *from)
{
    open(to, "clientCert");
    text(to, "clientCertPem", from->pem);
    text(to, "subjectDN", from->subject);
    text(to, "issuerDN", from->issuer);
    text(to, "serialNumber", from->serial);
    open(to, "validity");
    text(to, "notBefore", from->not_before);
    text(to, "notAfter", from->not_after);
    close(to);
    close(to);
}

static struct span user_agent(const struct asked *asked)
{
    return fields_get(asked->fields, SPAN("user-agent"));
}

static void identity(struct buf *to, const struct authorizer_request *from)
{
    static const char *const unknown[] = {"accessKey",
                                          "accountId",
                                          "caller",
                                          "cognitoAmr",
                                          "cognitoAuthenticationProvider",
                                          "cognitoAuthenticationType",
                                          "cognitoIdentityId",
                                          "cognitoIdentityPoolId",
                                          "principalOrgId",
                                          "user",
                                          "userArn"};
    open(to, "identity");
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++)
        text(to, unknown[i], span_make(NULL, 0));
    text(to, "apiKey", from->api_key);
    text(to, "sourceIp", from->asked->address_text);
    text(to, "userAgent", user_agent(from->asked));
    if (from->certificate != NULL)
        certificate(to, from->certificate);
    close(to);
}

static void domain(struct buf *to, const struct asked *asked)
{
    struct span prefix = asked->host;
    text(to, "domainName", asked->host);
    text(to, "domainPrefix", span_cut(&prefix, '.'));
}

/* "20/Aug/2021:14:36:50 +0000" and milliseconds. */
static void times(struct buf *to, const char *name, const char *epoch, uint64_t wall_us)
{
    char when[CLF_LENGTH];
    clf_write(when, wall_us);
    text(to, name, span_make(when, sizeof when));
    key(to, span_text(epoch));
    buf_add_number(to, (int64_t)(wall_us / 1000));
}

static void context(struct buf *to, const struct authorizer_request *from)
{
    const struct asked *asked = from->asked;
    struct authorizer_names names = authorizer_names(from->api);
    open(to, "requestContext");
    text(to, "accountId", names.account);
    text(to, "apiId", names.api);
    domain(to, asked);
    text(to, "extendedRequestId", asked->request_id);
    text(to, "httpMethod", asked->method);
    identity(to, from);
    text(to, "path", asked->raw_path);
    text(to, "protocol", asked->protocol);
    text(to, "requestId", asked->request_id);
    times(to, "requestTime", "requestTimeEpoch", asked->wall_us);
    text(to, "resourceId", from->route_key);
    text(to, "resourcePath", asked->route);
    text(to, "stage", names.stage);
    close(to);
}

/* What REST's REQUEST and 1.0 have in common: nothing is left out. */
static void request(struct buf *to, const struct authorizer_request *from, bool with_all_arguments)
{
    struct grouped fields = grouped_fields(from->asked->fields, from->asked->arena);
    struct grouped query = grouped_query(from->asked->query, from->asked->arena);
    text(to, "resource", from->asked->route);
    text(to, "path", from->asked->raw_path);
    text(to, "httpMethod", from->asked->method);
    last_values(to, "headers", &fields);
    all_values(to, "multiValueHeaders", &fields);
    last_values(to, "queryStringParameters", &query);
    if (with_all_arguments)
        all_values(to, "multiValueQueryStringParameters", &query);
    pairs(to, "pathParameters", from->path_parameters, from->path_parameter_count);
    pairs(to, "stageVariables", from->stage_variables, from->stage_variable_count);
    context(to, from);
}

/* The identity with commas between its values; at == NULL: there is none. */
static struct span joined(const struct authorizer_request *from)
{
    struct buf all;
    buf_init(&all, AUTHORIZER_EVENT_BYTES);
    for (size_t i = 0; i < from->identity_count; i++) {
        if (i > 0)
            buf_add_byte(&all, ',');
        buf_add(&all, from->identity[i]);
    }
    struct span text = span_make(NULL, 0);
    if (from->identity_count > 0)
        text = arena_copy(from->asked->arena, buf_span(&all));
    buf_fini(&all);
    return text;
}

/* ---- 2.0 ---- */

static void joined_values(struct buf *to, const char *name, const struct grouped *grouped)
{
    open(to, name);
    for (const struct grouped_name *one = grouped->first; one != NULL; one = one->next) {
        key(to, one->name);
        json_add_string(to, grouped_join(one, grouped->arena));
    }
    close(to);
}

static void small_fields(struct buf *to, const struct grouped *grouped)
{
    open(to, "headers");
    for (const struct grouped_name *one = grouped->first; one != NULL; one = one->next) {
        if (span_is_nocase(one->name, SPAN("cookie")))
            continue; /* `cookies` has them */
        char *small = arena_text(grouped->arena, one->name.len);
        for (size_t i = 0; small != NULL && i < one->name.len; i++)
            small[i] = byte_lower(one->name.at[i]);
        key(to, span_make(small, small != NULL ? one->name.len : 0));
        json_add_string(to, grouped_join(one, grouped->arena));
    }
    close(to);
}

static void cookies(struct buf *to, const struct fields *fields)
{
    if (fields_count(fields, SPAN("cookie")) == 0)
        return;
    key(to, SPAN("cookies"));
    buf_add_byte(to, '[');
    for (size_t i = 0; i < fields->count; i++) {
        struct span rest = fields->at[i].value;
        while (span_is_nocase(fields->at[i].name, SPAN("cookie")) && rest.at != NULL) {
            struct span one = span_trim_ows(span_cut(&rest, ';'));
            if (one.len == 0)
                continue;
            next(to);
            json_add_string(to, one);
        }
    }
    buf_add_byte(to, ']');
}

static void context_2_0(struct buf *to, const struct authorizer_request *from)
{
    const struct asked *asked = from->asked;
    struct authorizer_names names = authorizer_names(from->api);
    open(to, "requestContext");
    text(to, "accountId", names.account);
    text(to, "apiId", names.api);
    if (from->certificate != NULL) {
        open(to, "authentication");
        certificate(to, from->certificate);
        close(to);
    }
    domain(to, asked);
    open(to, "http");
    text(to, "method", asked->method);
    text(to, "path", asked->raw_path);
    text(to, "protocol", asked->protocol);
    text(to, "sourceIp", asked->address_text);
    text(to, "userAgent", user_agent(asked).at != NULL ? user_agent(asked) : SPAN(""));
    close(to);
    text(to, "requestId", asked->request_id);
    text(to, "routeKey", from->route_key);
    text(to, "stage", names.stage);
    times(to, "time", "timeEpoch", asked->wall_us);
    close(to);
}

static void event_2_0(struct buf *to, const struct authorizer_request *from)
{
    const struct asked *asked = from->asked;
    struct grouped fields = grouped_fields(asked->fields, asked->arena);
    struct grouped query = grouped_query(asked->query, asked->arena);
    text(to, "version", SPAN("2.0"));
    text(to, "type", SPAN("REQUEST"));
    text(to, "routeArn", authorizer_resource(from));
    if (from->identity_count > 0) {
        key(to, SPAN("identitySource"));
        buf_add_byte(to, '[');
        for (size_t i = 0; i < from->identity_count; i++) {
            next(to);
            json_add_string(to, from->identity[i]);
        }
        buf_add_byte(to, ']');
    }
    text(to, "routeKey", from->route_key);
    text(to, "rawPath", asked->raw_path);
    text(to, "rawQueryString", asked->query.at != NULL ? asked->query : SPAN(""));
    cookies(to, asked->fields);
    small_fields(to, &fields);
    if (query.first != NULL)
        joined_values(to, "queryStringParameters", &query);
    context_2_0(to, from);
    if (from->path_parameter_count > 0)
        pairs(to, "pathParameters", from->path_parameters, from->path_parameter_count);
    if (from->stage_variable_count > 0)
        pairs(to, "stageVariables", from->stage_variables, from->stage_variable_count);
}

/* ---- the four ---- */

static void event_write(struct buf *to, enum authorizer_payload payload,
                        const struct authorizer_request *from)
{
    struct span none = {NULL, 0};
    switch (payload) {
    case AUTHORIZER_TOKEN:
        text(to, "type", SPAN("TOKEN"));
        text(to, "authorizationToken", from->identity_count > 0 ? from->identity[0] : none);
        text(to, "methodArn", authorizer_resource(from));
        return;
    case AUTHORIZER_REQUEST:
        text(to, "type", SPAN("REQUEST"));
        text(to, "methodArn", authorizer_resource(from));
        request(to, from, true);
        return;
    case AUTHORIZER_1_0:
        text(to, "version", SPAN("1.0"));
        text(to, "type", SPAN("REQUEST"));
        text(to, "methodArn", authorizer_resource(from));
        text(to, "identitySource", joined(from));
        text(to, "authorizationToken", joined(from));
        request(to, from, false);
        return;
    case AUTHORIZER_2_0: event_2_0(to, from); return;
    case AUTHORIZER_PAYLOADS: return;
    }
}

struct span authorizer_event(enum authorizer_payload payload,
                             const struct authorizer_request *request)
{
    struct buf event;
    struct span text = {NULL, 0};
    buf_init(&event, AUTHORIZER_EVENT_BYTES);
    buf_add_byte(&event, '{');
    event_write(&event, payload, request);
    buf_add_byte(&event, '}');
    if (!buf_is_full(&event) && !arena_is_full(request->asked->arena))
        text = arena_copy(request->asked->arena, buf_span(&event));
    buf_fini(&event);
    return text.len > 0 ? text : span_make(NULL, 0);
}
