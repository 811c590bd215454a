/* SPDX-License-Identifier: Apache-2.0 */
/* Looks at the cgroup and at /proc, and gives privileges up. */
#include "sidecar/machine.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rules/base/must.h"

enum { THREADS_MOST = 4, NAME_BYTES = 4096 };

/* The first line of a file, without its end. */
static bool read_line(const char *path, char *to, int size)
{
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return false;
    bool got = fgets(to, size, file) != NULL;
    fclose(file);
    if (got)
        to[strcspn(to, "\n")] = '\0';
    return got;
}

/* The path of this process's group below /sys/fs/cgroup: the line "0::/path". */
static bool cgroup_file(const char *name, char *to, size_t size)
{
    char line[NAME_BYTES];
    if (!read_line("/proc/self/cgroup", line, sizeof(line)) || strncmp(line, "0::", 3) != 0)
        return false;
    int len =
        snprintf(to, size, "/sys/fs/cgroup%s/%s", strcmp(line + 3, "/") == 0 ? "" : line + 3, name);
    return len > 0 && (size_t)len < size;
}

static unsigned cgroup_cpus(void)
{
    char path[NAME_BYTES + 64], line[128];
    if (!cgroup_file("cpu.max", path, sizeof(path)) || !read_line(path, line, sizeof(line)))
        return THREADS_MOST;
    char *end;
    unsigned long quota = strtoul(line, &end, 10); /* "max 100000": no digits, no limit */
    unsigned long period = strtoul(end, NULL, 10);
    if (end == line || period == 0)
        return THREADS_MOST;
    return (unsigned)((quota + period - 1) / period);
}

unsigned machine_threads(void)
{
    cpu_set_t set;
    unsigned cpus = THREADS_MOST;
    if (sched_getaffinity(0, sizeof(set), &set) == 0)
        cpus = (unsigned)CPU_COUNT(&set);
    unsigned quota = cgroup_cpus();
    cpus = quota < cpus ? quota : cpus;
    return cpus < 1 ? 1 : cpus > THREADS_MOST ? THREADS_MOST : cpus;
}

uint64_t machine_memory_bytes(void)
{
    char path[NAME_BYTES + 64], line[128];
    uint64_t all = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE) / 4 * 3;
    bool v2 = cgroup_file("memory.max", path, sizeof(path)) && read_line(path, line, sizeof(line));
    if (!v2 && !read_line("/sys/fs/cgroup/memory/memory.limit_in_bytes", line, sizeof(line)))
        return all;
    char *end;
    uint64_t limit = strtoull(line, &end, 10);
    return end != line && limit > 0 && limit < all ? limit : all;
}

static bool become(const char *user, char *why, size_t size)
{
    struct passwd found, *entry = NULL;
    char text[NAME_BYTES];
    if (getpwnam_r(user, &found, text, sizeof(text), &entry) != 0 || entry == NULL) {
        snprintf(why, size, "process.user: there is no user '%s'", user);
        return false;
    }
    if (initgroups(user, entry->pw_gid) != 0 || setgid(entry->pw_gid) != 0 ||
        setuid(entry->pw_uid) != 0) {
        snprintf(why, size, "process.user: cannot become '%s': %s", user, strerrordesc_np(errno));
        return false;
    }
    return true;
}

bool machine_drop_privileges(const char *user, char *why, size_t size)
{
    int parent_death = 0; /* the kernel forgets this signal when the user changes */
    prctl(PR_GET_PDEATHSIG, &parent_death);
    if (user != NULL && getuid() == 0 && !become(user, why, size))
        return false;
    prctl(PR_SET_PDEATHSIG, parent_death);
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    return true;
}

/* *made: the last one was not there. */
static bool make_all(char *path, bool *made)
{
    for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        bool is_there = mkdir(path, 0755) == 0 || errno == EEXIST;
        *slash = '/';
        if (!is_there)
            return false;
    }
    *made = mkdir(path, 0700) == 0;
    return *made || errno == EEXIST;
}

/* Files of an earlier start whose names are known; what else lies there is nobody's business. */
static void give_files(int folder, uid_t owner, gid_t group)
{
    int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *entries = fd >= 0 ? fdopendir(fd) : NULL;
    if (entries == NULL && fd >= 0)
        close(fd);
    bool done = true;
    while (done && entries != NULL) {
        struct dirent *entry = readdir(entries); // NOLINT(concurrency-mt-unsafe): it is ours alone
        if (entry == NULL)
            break;
        struct span name = span_text(entry->d_name);
        if (span_is(name, SPAN("ledger")) || span_ends(name, SPAN(".spool")))
            done = fchownat(folder, entry->d_name, owner, group, AT_SYMLINK_NOFOLLOW) == 0;
    }
    if (entries != NULL)
        closedir(entries);
}

bool machine_make_folder(const char *path, const char *user)
{
    char *copy = must_strdup(path);
    bool made = false, is_there = make_all(copy, &made);
    int error = errno;
    free(copy);
    errno = error;
    struct passwd found, *entry = NULL;
    char text[NAME_BYTES];
    if (!is_there || user == NULL || getuid() != 0 ||
        getpwnam_r(user, &found, text, sizeof(text), &entry) != 0 || entry == NULL)
        return is_there; /* that there is no such user is said by machine_drop_privileges() */
    int folder = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (folder < 0)
        return false;
    bool given = !made || fchown(folder, entry->pw_uid, entry->pw_gid) == 0;
    give_files(folder, entry->pw_uid, entry->pw_gid);
    close(folder);
    return given;
}

void machine_raise_descriptors(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

struct pair *machine_environment(size_t *count)
{
    size_t all = 0;
    while (environ[all] != NULL)
        all++;
    struct pair *pairs = must_alloc((all + 1) * sizeof(*pairs));
    for (size_t i = 0; i < all; i++) {
        struct span value = span_text(environ[i]);
        struct span name = span_cut(&value, '=');
        pairs[i] = (struct pair){name, value.at == NULL ? SPAN("") : value};
    }
    *count = all;
    return pairs;
}
