/* SPDX-License-Identifier: Apache-2.0 */
/* What SEARCH looks for: '{Namespace,Dimension,...} MetricName="Latency" Method=GET NOT test'
 *
 *   {..}        metrics of this namespace with these dimensions and no others; {}, or not given:
 * any name=value  in a dimension's value, or that of MetricName or Namespace; in quotes: all of it
 *   word        in any of them
 *   AND (or nothing between them), OR, NOT, ( )                      case does not count */
#ifndef SIDEGATE_EXPORTERS_CLOUDWATCH_METRIC_SEARCH_H
#define SIDEGATE_EXPORTERS_CLOUDWATCH_METRIC_SEARCH_H

#include "exporters/cloudwatch/metric_store.h"
#include "rules/base/fault.h"

/* False: it is none, and said; `at` is where the text begins. */
bool metric_search_check(struct span text, struct place at, struct faults *faults);
/* Of a text that is one. */
bool metric_search_matches(struct span text, const struct metric_id *id);

#endif
