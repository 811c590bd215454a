/* SPDX-License-Identifier: Apache-2.0 */
/* Keeps X-Ray's sampling rules up to date (sidecar/state/samplers.h): those of a file, or those of
 * a service that is asked for them, told what was sampled, and grants quotas. Belongs to the
 * process's loop; no request waits for it.
 *
 *   POST /GetSamplingRules   every refresh (5 min)       rules; 12 times as long (an hour) without
 *                                                        an answer: the file's again, or one a
 *                                                        second and 5 %
 *   POST /SamplingTargets    every report (10 s), where  quotas and rates; LastRuleModification
 *                            anything was asked          may say that rules are to be read anew */
#ifndef SIDEGATE_SIDECAR_SAMPLING_SERVICE_H
#define SIDEGATE_SIDECAR_SAMPLING_SERVICE_H

#include "exporters/metrics.h"
#include "sidecar/config/settings.h"
#include "sidecar/program_log.h"

struct caller;
struct loop;
struct samplers;
struct sampling_service;

struct sampling_service_options {
    struct loop *loop;
    struct caller *caller;
    struct program_log *const *log;
    struct samplers *samplers;
};

struct sampling_service *sampling_service_new(const struct sampling_service_options *options);
/* What the settings name holds from now on; they live until the next change. A service that stays
 * the same keeps what it said. */
void sampling_service_change(struct sampling_service *service, const struct settings *settings);
/* The loop turns once more before it is freed. NULL allowed. */
void sampling_service_free(struct sampling_service *service);

/* One for each rule that holds; the caller frees the array. NULL: no rules are asked. */
struct sampling_figure *sampling_service_figures(const struct sampling_service *service,
                                                 struct sampling_facts *facts);

#endif
