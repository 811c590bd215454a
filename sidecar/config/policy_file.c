/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/config/policy_file.h"

#include <stdlib.h>

#include "rules/base/map.h"
#include "rules/base/must.h"
#include "sidecar/config/private_file.h"

struct policy_file {
    struct policy *policy; /* NULL: none is named */
    uint64_t hash;
};

/* False: it is among the faults why. */
static bool file_load(struct policy_file *file, const struct settings *settings,
                      struct faults *faults)
{
    static const uint8_t key[16] = "a resource polic";
    struct span path = settings->policies.resource;
    char why[240];
    struct buf text;
    buf_init(&text, POLICY_BYTES_MOST + 1);
    if (private_file_read(path.at, &text, why, sizeof why)) {
        file->hash = siphash(key, buf_span(&text));
        file->policy = policy_read(buf_span(&text), POLICY_RESOURCE, path.at, faults);
    } else {
        fault_add(faults, FAULT_ERROR, settings->policies.place, SPAN(""),
                  "policies.resource: '" SPAN_FORMAT "': %s", span_arg(path), why);
    }
    buf_fini(&text);
    return file->policy != NULL;
}

struct policy_file *policy_file_new(const struct settings *settings, struct faults *faults)
{
    struct policy_file *file = must_alloc(sizeof *file);
    if (settings->policies.resource.at == NULL || file_load(file, settings, faults))
        return file;
    free(file);
    return NULL;
}

void policy_file_free(struct policy_file *file)
{
    if (file == NULL)
        return;
    policy_free(file->policy);
    free(file);
}

const struct policy *policy_file_policy(const struct policy_file *file)
{
    return file->policy;
}

uint64_t policy_file_hash(const struct policy_file *file)
{
    return file->hash;
}
