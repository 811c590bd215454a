/* SPDX-License-Identifier: Apache-2.0 */
/* A change of an alarm's state in the words of those who are told: CloudWatch's message as SNS
 * brings it, and an alert as Alertmanager's v2 API takes it. Pure; nothing secret of an action is
 * in them. */
#ifndef SIDEGATE_EXPORTERS_ALARMS_NOTICE_H
#define SIDEGATE_EXPORTERS_ALARMS_NOTICE_H

#include "exporters/alarms/alarms.h"

struct notice {
    const struct alarm_settings *alarm;
    const struct alarm_change *change;
    struct span service, environment; /* environment: what AWS calls the region */
    uint64_t configured_us;           /* when the alarm got its settings; 0: not known */
};

/* {"AlarmName":...,"NewStateValue":...,"Trigger":{...}} */
void notice_add_message(struct buf *to, const struct notice *notice);
/* {"Type":"Notification","MessageId":...,"Message":"..."}: the same as a text in SNS's envelope */
void notice_add_envelope(struct buf *to, const struct notice *notice, uint64_t now_us);
/* [{"labels":{"alertname":...},...}]: firing since then; `until_us` is when it ends unless it is
 * told again, or when it ended. */
void notice_add_alert(struct buf *to, const struct notice *notice, uint64_t since_us,
                      uint64_t until_us);
/* arn:aws:cloudwatch:REGION:000000000000:alarm:NAME */
void notice_add_arn(struct buf *to, const struct notice *notice);

#endif
