/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/otlp_pieces.h"

#include "exporters/proto_read.h"

size_t otlp_half(struct span items)
{
    struct span rest = items;
    struct proto_field field;
    size_t cut = 0;
    while (proto_next(&rest, &field) && rest.len > 0) {
        cut = items.len - rest.len;
        if (cut >= items.len / 2)
            break;
    }
    return cut;
}

/* Points of a Metric: field 1 of its gauge, sum, histogram, exponential histogram or summary. */
static uint64_t points(struct span metric)
{
    struct proto_field data, point;
    uint64_t count = 0;
    while (proto_next(&metric, &data)) {
        bool is_data = data.is_bytes && (data.number == 5 || data.number == 7 || data.number == 9 ||
                                         data.number == 10 || data.number == 11);
        while (is_data && proto_next(&data.bytes, &point))
            count += point.number == 1 && point.is_bytes;
    }
    return count;
}

uint64_t otlp_units(enum otlp_signal signal, struct span items)
{
    struct proto_field item;
    uint64_t units = 0;
    while (proto_next(&items, &item))
        units += signal == OTLP_METRICS ? points(item.bytes) : 1;
    return units;
}
