/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/config/ca_files.h"

#include "rules/base/buf.h"
#include "sidecar/config/private_file.h"

enum { FILE_BYTES = 16 << 20, WHY_BYTES = 160 };

static bool check(struct span file, struct place place, const char *what, struct span name,
                  struct faults *faults)
{
    static const char begin[] = "-----BEGIN CERTIFICATE-----";
    char why[WHY_BYTES] = "there is no certificate in it";
    struct buf text;
    if (file.at == NULL)
        return true;
    buf_init(&text, FILE_BYTES);
    bool well = private_file_read(file.at, &text, why, sizeof why) &&
                span_find(buf_span(&text), SPAN(begin)) != SPAN_NONE;
    buf_fini(&text);
    if (!well)
        fault_add(faults, FAULT_ERROR, place, SPAN("certificates in PEM"),
                  "%s." SPAN_FORMAT ".ca_file: '" SPAN_FORMAT "': %s", what, span_arg(name),
                  span_arg(file), why);
    return well;
}

bool ca_files_check(const struct settings *settings, struct faults *faults)
{
    bool well = true;
    for (size_t i = 0; i < settings->ip_set_count; i++) {
        const struct ip_set_settings *set = &settings->ip_sets[i];
        well = check(set->ca_file, set->ca_place, "ip_sets", set->name, faults) && well;
    }
    for (size_t i = 0; i < settings->authorizer_count; i++) {
        const struct authorizer_settings *one = &settings->authorizers[i];
        well = check(one->ca_file, one->ca_place, "authorizers", one->name, faults) && well;
    }
    return well;
}
