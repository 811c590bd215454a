/* SPDX-License-Identifier: Apache-2.0 */
/* Where segment documents go, and whose they are. */
#include "sidecar/config/read.h"
#include "sidecar/guard/arn.h"

enum { ADDRESS_TEXT = 128 };

static const struct node *given(const struct reading *reading, const char *path)
{
    return tree_find_path(reading->root, span_text(path));
}

/* The daemon stands where it does by default, unless a file or a receiver of lines is all that is
 * wanted. */
static void settle_daemon(struct reading *reading)
{
    struct settings *settings = reading->settings;
    const struct node *node = given(reading, "traces.xray.address");
    char text[ADDRESS_TEXT];
    if (node == NULL && log_settings_want(&settings->traces.xray.to))
        return;
    if (node == NULL)
        (void)address_parse(SPAN("127.0.0.1:2000"), &settings->traces.xray.address);
    if (node != NULL && settings->traces.xray.address.at.ss_family == AF_UNIX)
        fault_add(reading->faults, FAULT_ERROR, node->place, SPAN("write host:port"),
                  "traces.xray.address: X-Ray's daemon listens on UDP");
    size_t len = address_write(&settings->traces.xray.address, text);
    struct span daemon = arena_format(reading->arena, "udp:%.*s", (int)len, text);
    settings->traces.xray.daemon = span_text(arena_string(reading->arena, daemon));
}

/* "arn:aws:execute-api:REGION:ACCOUNT:API/STAGE"; what is wrong with it was said where policies
 * were checked. */
static void settle_api(struct reading *reading)
{
    struct settings *settings = reading->settings;
    struct span parts[ARN_PARTS];
    if (given(reading, "policies.api") == NULL || !arn_split(settings->policies.api, parts))
        return;
    struct span stage = parts[5], api = span_cut(&stage, '/');
    settings->traces.xray.region = parts[3];
    settings->traces.xray.account = parts[4];
    settings->traces.xray.api = api;
    settings->traces.xray.stage = stage;
    settings->traces.xray.resource_arn = arena_format(
        reading->arena,
        "arn:aws:apigateway:" SPAN_FORMAT "::/restapis/" SPAN_FORMAT "/stages/" SPAN_FORMAT,
        span_arg(parts[3]), span_arg(api), span_arg(stage));
}

static void check_sampling(struct reading *reading)
{
    static const char *const paths[] = {"traces.xray.sampling.file",
                                        "traces.xray.sampling.endpoint"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        const struct node *node = given(reading, paths[i]);
        if (node != NULL && reading->settings->traces.sampler != SAMPLER_XRAY &&
            !reading_refused_key(reading, tree_find(reading->root, SPAN("traces")), "sampler"))
            fault_add(reading->faults, FAULT_ERROR, node->place, SPAN("set traces.sampler to xray"),
                      "%s: nobody asks these rules", paths[i]);
    }
}

/* X-Ray is not what traces go to. */
static void refuse_places(struct reading *reading)
{
    const struct log_settings *to = &reading->settings->traces.xray.to;
    const struct node *address = given(reading, "traces.xray.address");
    const struct node *path = to->path.at != NULL ? given(reading, "traces.xray.path") : NULL;
    const struct node *others = log_settings_want(to) ? given(reading, "traces.xray") : NULL;
    const struct node *at = address != NULL ? address : path != NULL ? path : others;
    if (at != NULL)
        fault_add(reading->faults, FAULT_ERROR, at->place, SPAN("add xray to traces.exporter"),
                  "traces.xray%s: nothing goes there",
                  at == address ? ".address"
                  : at == path  ? ".path"
                                : "");
}

void xray_check(struct reading *reading)
{
    bool is_wanted = (reading->settings->traces.exporters & TRACE_EXPORTER_XRAY) != 0;
    if (!is_wanted &&
        !reading_refused_key(reading, tree_find(reading->root, SPAN("traces")), "exporter"))
        refuse_places(reading);
    check_sampling(reading);
    if (is_wanted)
        settle_daemon(reading);
    settle_api(reading);
}
