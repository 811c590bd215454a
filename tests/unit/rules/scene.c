/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/rules/scene.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rules/base/fault.h"
#include "rules/base/must.h"

enum { SCENE_CEILING = 8 << 20 };

static uint64_t scene_wall(void *context)
{
    return ((struct scene *)context)->now_us;
}

static uint64_t scene_cpu(void *context)
{
    struct scene *scene = context;
    scene->cpu_ns += 100;
    return scene->cpu_ns;
}

static struct scene *scene_finish(struct ruleset_builder *builder, struct faults *faults)
{
    struct scene *scene = must_alloc(sizeof(*scene));
    scene->faults = faults;
    scene->ruleset = ruleset_builder_finish(builder);
    ruleset_builder_free(builder);
    if (scene->ruleset == NULL) {
        struct buf text;
        buf_init(&text, 1 << 16);
        faults_print(faults, &text);
        print_error("%.*s", (int)text.len, text.at);
        buf_fini(&text);
        fail();
    }
    scene->options = inspection_options_of(scene->ruleset);
    scene->now_us = UINT64_C(1767225600000000); /* 2026-01-01 00:00:00 UTC, a Thursday */
    scene->world = (struct inspection_world){
        .wall_us = scene_wall,
        .cpu_ns = scene_cpu,
        .context = scene,
        .scratch = scratch_new(),
    };
    scene->client = (struct inspection_client){
        .address = SPAN("192.0.2.7"),
        .port = 40000,
        .server_address = SPAN("198.51.100.1"),
        .server_port = 443,
        .request_id = SPAN("Xq3-1"),
    };
    scene->arena = arena_new(NULL, SCENE_CEILING);
    return scene;
}

struct scene *scene_open(const char *rules)
{
    struct faults *faults = faults_new();
    struct ruleset_builder *builder = ruleset_builder_new(ruleset_disk(), faults);
    ruleset_builder_add_text(builder, "test.conf", span_text(rules));
    return scene_finish(builder, faults);
}

struct scene *scene_open_files(const char *const *paths, size_t count, const char *before,
                               const char *after)
{
    struct faults *faults = faults_new();
    struct ruleset_builder *builder = ruleset_builder_new(ruleset_disk(), faults);
    ruleset_builder_add_text(builder, "before.conf", span_text(before));
    for (size_t i = 0; i < count; i++)
        ruleset_builder_add(builder, paths[i], (struct place){0});
    ruleset_builder_add_text(builder, "after.conf", span_text(after));
    return scene_finish(builder, faults);
}

void scene_close(struct scene *scene)
{
    inspection_end(scene->tx);
    arena_free(scene->arena);
    scratch_free(scene->world.scratch);
    ruleset_free(scene->ruleset);
    faults_free(scene->faults);
    free(scene);
}

void scene_again(struct scene *scene, size_t ceiling)
{
    inspection_end(scene->tx);
    arena_free(scene->arena);
    scene->arena = arena_new(NULL, ceiling);
    scene->tx = NULL;
    scene->field_count = scene->answer_field_count = 0;
    scene->body = NULL;
    scene->pauses = 0;
}

void scene_field(struct scene *scene, const char *name, const char *value)
{
    must(scene->field_count < SCENE_FIELDS);
    scene->fields[scene->field_count++] = (struct pair){span_text(name), span_text(value)};
}

void scene_answer_field(struct scene *scene, const char *name, const char *value)
{
    must(scene->answer_field_count < SCENE_FIELDS);
    scene->answer_fields[scene->answer_field_count++] =
        (struct pair){span_text(name), span_text(value)};
}

void scene_body(struct scene *scene, const char *type, const char *body)
{
    if (type != NULL)
        scene_field(scene, "Content-Type", type);
    scene->body = body;
}

void scene_start(struct scene *scene, const char *method, const char *target)
{
    scene->tx = inspection_begin(scene->ruleset, &scene->options, &scene->world, scene->arena);
    if (scene->tx == NULL)
        return;
    struct inspection_request request = {
        .line = arena_format(scene->arena, "%s %s HTTP/1.1", method, target),
        .method = span_text(method),
        .target = span_text(target),
        .protocol = SPAN("HTTP/1.1"),
        .fields = scene->fields,
        .field_count = scene->field_count,
    };
    inspection_set_client(scene->tx, &scene->client);
    inspection_set_request(scene->tx, &request);
}

void scene_run(struct scene *scene, enum rule_phase phase)
{
    do {
        scene->step = inspection_run(scene->tx, phase, scene->budget_ns);
        scene->pauses += scene->step == INSPECTION_MORE;
    } while (scene->step == INSPECTION_MORE);
}

void scene_send(struct scene *scene, const char *method, const char *target)
{
    scene_start(scene, method, target);
    scene_run(scene, PHASE_REQUEST_HEADERS);
    if (scene->body != NULL && inspection_wants_request_body(scene->tx)) {
        inspection_request_body(scene->tx, span_text(scene->body));
        inspection_request_body_end(scene->tx, false);
    }
    scene_run(scene, PHASE_REQUEST_BODY);
}

void scene_get(struct scene *scene, const char *target)
{
    scene_send(scene, "GET", target);
}

void scene_answer(struct scene *scene, unsigned status, const char *body)
{
    struct inspection_response response = {
        .status = status,
        .protocol = SPAN("HTTP/1.1"),
        .status_line = arena_format(scene->arena, "HTTP/1.1 %u", status),
        .fields = scene->answer_fields,
        .field_count = scene->answer_field_count,
    };
    inspection_set_response(scene->tx, &response);
    scene_run(scene, PHASE_RESPONSE_HEADERS);
    if (body != NULL && inspection_wants_response_body(scene->tx)) {
        inspection_response_body(scene->tx, span_text(body));
        inspection_response_body_end(scene->tx, false);
    }
    scene_run(scene, PHASE_RESPONSE_BODY);
}

const struct rule_match *scene_match(struct scene *scene, uint64_t id)
{
    size_t count;
    const struct rule_match *matches = inspection_matches(scene->tx, &count);
    for (size_t i = 0; i < count; i++)
        if (matches[i].rule_id == id && !matches[i].audit_only)
            return &matches[i];
    return NULL;
}

bool scene_has(struct scene *scene, uint64_t id)
{
    return scene_match(scene, id) != NULL;
}

size_t scene_count(struct scene *scene)
{
    size_t count;
    inspection_matches(scene->tx, &count);
    return count;
}

struct span scene_tx(struct scene *scene, const char *name)
{
    return inspection_tx(scene->tx, span_text(name));
}
