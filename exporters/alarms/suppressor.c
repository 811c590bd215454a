/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/alarms/suppressor.h"

const char *suppressed_by_word(enum suppressed_by by)
{
    static const char *const words[] = {"", "Alarm", "WaitPeriod", "ExtensionPeriod"};
    return words[by];
}

static void begin(struct suppressor *suppressor, enum suppressed_by by, int64_t until_s)
{
    suppressor->by = by;
    suppressor->until_s = until_s;
}

bool suppressor_step(struct suppressor *suppressor, int64_t now_s, bool changed, bool in_alarm)
{
    if (changed)
        begin(suppressor, SUPPRESSED_BY_WAIT_PERIOD, now_s + suppressor->wait_s);
    if (suppressor->by == SUPPRESSED_BY_NOTHING)
        return false;
    if (in_alarm) {
        suppressor->by = SUPPRESSED_BY_ALARM;
        return false;
    }
    if (suppressor->by == SUPPRESSED_BY_ALARM)
        begin(suppressor, SUPPRESSED_BY_EXTENSION_PERIOD, now_s + suppressor->extension_s);
    if (now_s < suppressor->until_s)
        return false;
    suppressor->by = SUPPRESSED_BY_NOTHING;
    return true;
}
