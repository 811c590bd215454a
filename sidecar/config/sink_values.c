/* SPDX-License-Identifier: Apache-2.0 */
/* Receivers of syslog. */
#include "exporters/syslog.h"
#include "sidecar/config/values.h"

enum { NAME_MOST = 48 }; /* RFC 5424's APP-NAME */

static enum value_result address_read(const struct value *value)
{
    struct syslog_address address;
    if (!syslog_address_parse(value->node->text, &address))
        return VALUE_UNFIT;
    *(struct span *)value_at(value) = value_keep(value, value->node->text);
    return VALUE_TAKEN;
}

static enum value_result name_read(const struct value *value)
{
    struct span text = value->node->text;
    for (size_t i = 0; i < text.len; i++)
        if (text.at[i] <= ' ' || text.at[i] > '~')
            return VALUE_UNFIT;
    if (text.len == 0 || text.len > NAME_MOST)
        return VALUE_UNFIT;
    *(struct span *)value_at(value) = value_keep(value, text);
    return VALUE_TAKEN;
}

const struct option_type type_syslog_address = {
    .name = "address",
    .expected = "udp://host:514, tcp://host:601, tls://host:6514 or unix:/path",
    .read = address_read,
    .print = value_span_print};
const struct option_type type_syslog_name = {
    .name = "name",
    .expected = "a name of at most 48 printable characters without spaces",
    .read = name_read,
    .print = value_span_print};
