/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/resource.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "rules/base/buf.h"
#include "rules/base/must.h"

enum { FILE_BYTES = 256 * 1024, ID_DIGITS = 64, VALUE_BYTES = 1024 };

struct finding {
    const struct resource_world *world;
    struct arena *arena;
    struct pair *list;
    size_t count;
    struct buf file; /* the latest one that was read */
};

static void add(struct finding *f, const char *name, struct span value)
{
    value = span_first(span_trim(value, " \t\r\n"), VALUE_BYTES);
    if (value.len == 0 || f->count == RESOURCE_MOST)
        return;
    f->list[f->count++] = (struct pair){span_text(name), arena_copy(f->arena, value)};
}

/* Empty where there is none; until the next one is read. */
static struct span file_of(struct finding *f, const char *path)
{
    char name[PATH_MAX], bytes[4096];
    buf_clear(&f->file);
    snprintf(name, sizeof name, "%s%s", f->world->root, path);
    int fd = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    for (ssize_t n; fd >= 0 && (n = read(fd, bytes, sizeof bytes)) > 0;) {
        if (!buf_add(&f->file, span_make(bytes, (size_t)n)))
            break;
    }
    if (fd >= 0)
        close(fd);
    return buf_span(&f->file);
}

/* The first of these variables that is set. */
static struct span variable_of(const struct finding *f, const char *const *names)
{
    for (; *names != NULL; names++) {
        struct span value = span_text(f->world->get(f->world->context, *names));
        if (value.len > 0)
            return value;
    }
    return span_make(NULL, 0);
}

/* ---- process, host ---- */

static void find_process(struct finding *f)
{
    char name[PATH_MAX], target[PATH_MAX];
    snprintf(name, sizeof name, "%s/proc/self/exe", f->world->root);
    ssize_t len = readlink(name, target, sizeof target);
    if (len <= 0)
        return;
    struct span path = span_make(target, (size_t)len);
    size_t slash = span_find_last_byte(path, '/');
    add(f, "process.executable.path", path);
    add(f, "process.executable.name", slash != SPAN_NONE ? span_from(path, slash + 1) : path);
}

/* The registry's words for architectures. */
static struct span arch_of(struct span machine)
{
    static const struct pair words[] = {
        {SPAN_INIT("x86_64"), SPAN_INIT("amd64")},
        {SPAN_INIT("aarch64"), SPAN_INIT("arm64")},
        {SPAN_INIT("i686"), SPAN_INIT("x86")},
        {SPAN_INIT("armv7l"), SPAN_INIT("arm32")},
    };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (span_is(machine, words[i].name))
            return words[i].value;
    }
    return machine;
}

static void find_host(struct finding *f)
{
    struct utsname names;
    add(f, "host.name", file_of(f, "/proc/sys/kernel/hostname"));
    add(f, "host.id", file_of(f, "/etc/machine-id"));
    if (uname(&names) == 0)
        add(f, "host.arch", arch_of(span_text(names.machine)));
    add(f, "os.type", SPAN("linux"));
    struct span release = file_of(f, "/etc/os-release");
    while (release.at != NULL) {
        struct span value = span_cut(&release, '\n'), name = span_cut(&value, '=');
        if (span_is(name, SPAN("PRETTY_NAME")))
            add(f, "os.description", span_trim(value, "\""));
    }
}

/* ---- container ---- */

static bool is_id(struct span text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (byte_hex(text.at[i]) < 0)
            return false;
    }
    return text.len == ID_DIGITS;
}

/* Of a line of /proc/self/cgroup: ".../docker-ID.scope", ".../ID", ".../cri-containerd:ID". */
static struct span id_of_group(struct span line)
{
    size_t slash = span_find_last_byte(line, '/');
    if (slash == SPAN_NONE)
        return span_make(NULL, 0);
    struct span name = span_from(line, slash + 1);
    if (span_ends(name, SPAN(".scope")))
        name.len -= 6;
    if (name.len > ID_DIGITS)
        name = span_from(name, name.len - ID_DIGITS);
    return is_id(name) ? name : span_make(NULL, 0);
}

/* Of a line of /proc/self/mountinfo: a file that the runtime puts there lies in a folder by that
 * name: ".../containers/ID/hostname". */
static struct span id_of_mount(struct span line)
{
    size_t at = span_find(line, SPAN("/containers/"));
    if (at == SPAN_NONE)
        return span_make(NULL, 0);
    struct span rest = span_from(line, at + 12), id = span_cut(&rest, '/');
    return is_id(id) ? id : span_make(NULL, 0);
}

static struct span find_id(struct span lines, struct span (*id_of)(struct span line))
{
    while (lines.at != NULL) {
        struct span id = id_of(span_cut(&lines, '\n'));
        if (id.at != NULL)
            return id;
    }
    return span_make(NULL, 0);
}

static void find_container(struct finding *f)
{
    struct span id = find_id(file_of(f, "/proc/self/cgroup"), id_of_group);
    if (id.at == NULL)
        id = find_id(file_of(f, "/proc/self/mountinfo"), id_of_mount);
    add(f, "container.id", id);
}

/* ---- Kubernetes ---- */

static void find_kubernetes(struct finding *f)
{
    static const char *const around[] = {"KUBERNETES_SERVICE_HOST", NULL};
    static const char *const spaces[] = {"K8S_NAMESPACE_NAME", "POD_NAMESPACE", NULL};
    static const char *const pods[] = {"K8S_POD_NAME", "POD_NAME", NULL};
    static const char *const uids[] = {"K8S_POD_UID", "POD_UID", NULL};
    static const char *const nodes[] = {"K8S_NODE_NAME", "NODE_NAME", NULL};
    static const char *const containers[] = {"K8S_CONTAINER_NAME", "CONTAINER_NAME", NULL};
    if (variable_of(f, around).at == NULL)
        return;
    struct span space = variable_of(f, spaces), pod = variable_of(f, pods);
    if (space.at == NULL)
        space = file_of(f, "/var/run/secrets/kubernetes.io/serviceaccount/namespace");
    add(f, "k8s.namespace.name", space);
    if (pod.at == NULL) /* which is a pod's name, unless somebody chose another */
        pod = file_of(f, "/proc/sys/kernel/hostname");
    add(f, "k8s.pod.name", pod);
    add(f, "k8s.pod.uid", variable_of(f, uids));
    add(f, "k8s.node.name", variable_of(f, nodes));
    add(f, "k8s.container.name", variable_of(f, containers));
}

size_t resource_detect(const struct resource_world *world, struct arena *arena,
                       struct pair list[RESOURCE_MOST])
{
    struct finding f = {.world = world, .arena = arena, .list = list};
    buf_init(&f.file, FILE_BYTES);
    find_process(&f);
    find_host(&f);
    find_container(&f);
    find_kubernetes(&f);
    buf_fini(&f.file);
    return f.count;
}
