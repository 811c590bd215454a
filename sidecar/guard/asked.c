/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/guard/asked.h"

const struct geo_place *asked_place(const struct asked *asked)
{
    static const struct geo_place nowhere;
    if (asked->geo == NULL || asked->place == NULL || !asked->has_address)
        return &nowhere;
    if (!asked->place->is_known)
        geo_look_up(asked->geo, &asked->address, &asked->place->place);
    asked->place->is_known = true;
    return &asked->place->place;
}
