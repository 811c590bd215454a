/* SPDX-License-Identifier: Apache-2.0 */
/* What a machine says of itself, in trees of files made for it. */
#include "exporters/resource.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "exporters/otlp_body.h"
#include "exporters/proto/otlp.pb-c.h"
#include "rules/base/must.h"
#include "tests/check.h"
#include "tests/unit/exporters/sample.h"

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

struct fixture {
    char root[256];
    const char *variables[8]; /* "NAME=value" */
    struct arena *arena;
    struct pair list[RESOURCE_MOST];
    size_t count;
};

static const char *variable(void *context, const char *name)
{
    struct fixture *f = context;
    size_t len = strlen(name);
    for (size_t i = 0; i < 8 && f->variables[i] != NULL; i++) {
        if (strncmp(f->variables[i], name, len) == 0 && f->variables[i][len] == '=')
            return f->variables[i] + len + 1;
    }
    return NULL;
}

static struct fixture *set_up(void)
{
    struct fixture *f = must_alloc(sizeof *f);
    folder_make(f->root, sizeof f->root);
    f->arena = arena_new(NULL, 1 << 20);
    return f;
}

static void tear_down(struct fixture *f)
{
    arena_free(f->arena);
    folder_remove(f->root);
    free(f);
}

static void path_make(char *path)
{
    for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(path, 0700);
        *slash = '/';
    }
}

static void file_make(struct fixture *f, const char *name, const char *text)
{
    char path[600];
    snprintf(path, sizeof path, "%s%s", f->root, name);
    path_make(path);
    FILE *file = fopen(path, "w");
    check(file != NULL);
    fputs(text, file);
    fclose(file);
}

static void detect(struct fixture *f)
{
    f->count = resource_detect(&(struct resource_world){f->root, variable, f}, f->arena, f->list);
}

/* "": it is not there. */
static const char *found(const struct fixture *f, const char *name)
{
    for (size_t i = 0; i < f->count; i++) {
        if (span_is(f->list[i].name, span_text(name)))
            return arena_string(f->arena, f->list[i].value);
    }
    return "";
}

TEST(a_host_and_a_process_are_told_by_their_files)
{
    struct fixture *f = set_up();
    char exe[300];
    file_make(f, "/proc/sys/kernel/hostname", "box-7\n");
    file_make(f, "/etc/machine-id", "00112233445566778899aabbccddeeff\n");
    file_make(f, "/etc/os-release", "NAME=Debian\nPRETTY_NAME=\"Debian GNU/Linux 12\"\n");
    file_make(f, "/proc/self/cgroup", "0::/user.slice/session-1.scope\n");
    snprintf(exe, sizeof exe, "%s/proc/self/exe", f->root);
    check_number(symlink("/usr/bin/sidegate", exe), 0);
    detect(f);
    assert_string_equal(found(f, "host.name"), "box-7");
    assert_string_equal(found(f, "host.id"), "00112233445566778899aabbccddeeff");
    assert_string_equal(found(f, "os.type"), "linux");
    assert_string_equal(found(f, "os.description"), "Debian GNU/Linux 12");
    assert_string_equal(found(f, "process.executable.name"), "sidegate");
    assert_string_equal(found(f, "process.executable.path"), "/usr/bin/sidegate");
    assert_string_equal(found(f, "container.id"), "");
    assert_string_equal(found(f, "k8s.pod.name"), "");
    tear_down(f);
}

TEST(what_is_not_there_is_left_out)
{
    struct fixture *f = set_up();
    detect(f);
    assert_string_equal(found(f, "host.name"), "");
    assert_string_equal(found(f, "host.id"), "");
    assert_string_equal(found(f, "os.type"), "linux");
    tear_down(f);
}

TEST(a_container_is_told_by_its_group_or_by_what_is_mounted)
{
    static const struct {
        const char *group, *mounts, *id;
    } cases[] = {
        {"12:cpu:/docker/" ID "\n", "", ID},
        {"0::/system.slice/docker-" ID ".scope\n", "", ID},
        {"0::/kubepods.slice/kubepods-pod1.slice/cri-containerd-" ID ".scope\n", "", ID},
        {"1:name=systemd:/kubepods/burstable/pod1/" ID "\n", "", ID},
        {"0::/\n",
         "5 4 0:1 / / rw - overlay overlay rw\n"
         "6 5 8:1 /var/lib/docker/containers/" ID "/hostname /etc/hostname rw - ext4 /dev/x rw\n",
         ID},
        {"0::/\n", "6 5 8:1 /var/lib/docker/containers/short/hostname /etc/hostname rw\n", ""},
        {"0::/docker/" ID "0x\n", "", ""},
        {"0::/user.slice\n", "", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fixture *f = set_up();
        file_make(f, "/proc/self/cgroup", cases[i].group);
        file_make(f, "/proc/self/mountinfo", cases[i].mounts);
        detect(f);
        assert_string_equal(found(f, "container.id"), cases[i].id);
        tear_down(f);
    }
}

TEST(kubernetes_is_told_by_variables_and_its_namespace_by_a_file)
{
    struct fixture *f = set_up();
    file_make(f, "/proc/sys/kernel/hostname", "orders-7d9f-x2x\n");
    file_make(f, "/var/run/secrets/kubernetes.io/serviceaccount/namespace", "shop");
    f->variables[0] = "KUBERNETES_SERVICE_HOST=10.0.0.1";
    f->variables[1] = "NODE_NAME=node-3";
    f->variables[2] = "POD_UID=0f1e";
    detect(f);
    assert_string_equal(found(f, "k8s.namespace.name"), "shop");
    assert_string_equal(found(f, "k8s.pod.name"), "orders-7d9f-x2x");
    assert_string_equal(found(f, "k8s.node.name"), "node-3");
    assert_string_equal(found(f, "k8s.pod.uid"), "0f1e");
    f->variables[3] = "K8S_POD_NAME=by-downward-api";
    f->variables[4] = "POD_NAMESPACE=other";
    detect(f);
    assert_string_equal(found(f, "k8s.pod.name"), "by-downward-api");
    assert_string_equal(found(f, "k8s.namespace.name"), "other");
    tear_down(f);
}

TEST(what_is_given_stands_over_what_was_found_out)
{
    static const uint8_t some_bytes[16] = {1};
    const struct pair detected[] = {{SPAN("host.name"), SPAN("found")},
                                    {SPAN("os.type"), SPAN("linux")}};
    const struct pair given[] = {{SPAN("host.name"), SPAN("given")},
                                 {SPAN("team"), SPAN("shop")},
                                 {SPAN("service.name"), SPAN("other")},
                                 {SPAN("deployment.environment.name"), SPAN("other")}};
    const struct resource resource = {SPAN("orders"), SPAN("prod"), {detected, 2}, {given, 4}};
    struct envelope envelope;
    envelope_init(&envelope, &resource, some_bytes);
    struct buf request;
    buf_init(&request, 1 << 16);
    envelope_head(&envelope, SPAN(""), 0, &request);
    Otlp__ExportTraceServiceRequest *message =
        otlp__export_trace_service_request__unpack(NULL, request.len, (const uint8_t *)request.at);
    check(message != NULL);
    const Otlp__Resource *made = message->resource_spans[0]->resource;
    static const struct {
        const char *name, *value;
    } wanted[] = {{"service.name", "orders"},
                  {"deployment.environment.name", "prod"},
                  {"host.name", "given"},
                  {"os.type", "linux"},
                  {"team", "shop"}};
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        unsigned times = 0;
        for (size_t k = 0; k < made->n_attributes; k++) {
            if (strcmp(made->attributes[k]->key, wanted[i].name) != 0)
                continue;
            times++;
            assert_string_equal(made->attributes[k]->value->string_value, wanted[i].value);
        }
        check_number(times, 1);
    }
    otlp__export_trace_service_request__free_unpacked(message, NULL);
    buf_fini(&request);
    envelope_fini(&envelope);
}

int resource_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_host_and_a_process_are_told_by_their_files),
        cmocka_unit_test(what_is_not_there_is_left_out),
        cmocka_unit_test(a_container_is_told_by_its_group_or_by_what_is_mounted),
        cmocka_unit_test(kubernetes_is_told_by_variables_and_its_namespace_by_a_file),
        cmocka_unit_test(what_is_given_stands_over_what_was_found_out),
    };
    return cmocka_run_group_tests_name("resource", tests, NULL, NULL);
}
