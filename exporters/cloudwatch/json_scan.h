/* SPDX-License-Identifier: Apache-2.0 */
/* Finding one value in a line of JSON without reading all of it. */
#ifndef SIDEGATE_EXPORTERS_CLOUDWATCH_JSON_SCAN_H
#define SIDEGATE_EXPORTERS_CLOUDWATCH_JSON_SCAN_H

#include "rules/base/span.h"

/* At `$.a.b[0]`: the value as it stands in the text, with a string's quotes. False: there is none,
 * or the text is no JSON as far as that. */
bool json_scan(struct span text, struct span selector, struct span *value);

#endif
