/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/exporters/sample.h"

#include <fcntl.h>
#include <ftw.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "rules/base/must.h"
#include "tests/check.h"

static const struct span tags[] = {SPAN_INIT("attack-sqli"), SPAN_INIT("paranoia-level/1")};

static const struct rule_match matches[] = {
    {
        .rule_id = 942100,
        .phase = PHASE_REQUEST_BODY,
        .file = "/rules/REQUEST-942.conf",
        .line = 46,
        .operator_text = SPAN_INIT("detectSQLi"),
        .variable_name = SPAN_INIT("ARGS:q"),
        .variable_value = SPAN_INIT("1' or 1=1"),
        .message = SPAN_INIT("SQL Injection"),
        .data = SPAN_INIT("Matched Data: s&1 found within ARGS:q: 1' or 1=1"),
        .severity = 2,
        .version = SPAN_INIT("OWASP_CRS/4.0.0"),
        .tags = tags,
        .tag_count = 2,
        .audit = true,
    },
    {
        .rule_id = 949110,
        .phase = PHASE_REQUEST_BODY,
        .file = "/rules/REQUEST-949.conf",
        .line = 10,
        .operator_text = SPAN_INIT("ge"),
        .operator_argument = SPAN_INIT("5"),
        .variable_name = SPAN_INIT("TX:blocking_inbound_anomaly_score"),
        .variable_value = SPAN_INIT("5"),
        .message = SPAN_INIT("Inbound Anomaly Score Exceeded"),
        .severity = SEVERITY_NONE,
        .disruptive = true,
    },
};

static const struct report_stage stages[] = {{SPAN_INIT("read_head"), 0, 100},
                                             {SPAN_INIT("await_answer"), 100, 700},
                                             {SPAN_INIT("respond"), 800, 200}};

static const struct report_decision decisions[] = {{"inspect_head", "access", "would_block",
                                                    SPAN_INIT("abroad"),
                                                    SPAN_INIT("path: /orders/*"), NULL}};

struct report plain_report(void)
{
    return (struct report){
        .began_wall_us = UINT64_C(1795254000123456), /* 2026-11-21T09:40:00.123456Z */
        .duration_us = 1000,
        .request_id = SPAN("01-abc"),
        .trace_id = {0x4b, 0xf9, 0x2f, 0x35, 0x77, 0xb3, 0x4d, 0xa6, 0xa3, 0xce, 0x92, 0x9d, 0x0e,
                     0x0e, 0x47, 0x36},
        .span_id = {0, 0xf0, 0x67, 0xaa, 0x0b, 0xa9, 0x02, 0xb7},
        .client_address = SPAN("203.0.113.9"),
        .client_port = 4711,
        .peer_address = SPAN("10.0.0.1"),
        .peer_port = 40000,
        .listener = SPAN("public"),
        .server_address = SPAN("shop.example"),
        .server_port = 8443,
        .method = SPAN("GET"),
        .scheme = SPAN("https"),
        .authority = SPAN("shop.example:8443"),
        .target = SPAN("/orders/7?q=1"),
        .path = SPAN("/orders/7"),
        .query = SPAN("q=1"),
        .protocol = SPAN("HTTP/1.1"),
        .tls = {.version = SPAN("1.3"),
                .cipher = SPAN("TLS_AES_128_GCM_SHA256"),
                .server_name = SPAN("shop.example"),
                .client = SPAN("CN=till"),
                .client_fingerprint = SPAN("ab12"),
                .resumed = true},
        .user_agent = SPAN("curl/7.88.1"),
        .route = SPAN("/orders/{id}"),
        .status = 200,
        .bytes_in = 0,
        .bytes_out = 512,
        .waf = {.action = WAF_PASS, .mode = ENGINE_ON},
    };
}

struct report sample_report(void)
{
    struct report report = plain_report();
    report.sampled = true;
    report.parent_id[7] = 9;
    report.trace_state = SPAN("vendor=1");
    report.attempts[0] = (struct report_attempt){.address = SPAN("127.0.0.1:3000"),
                                                 .start_us = 110,
                                                 .duration_us = 20,
                                                 .error = SPAN("connection_refused"),
                                                 .span_id = {1, 1, 1, 1, 1, 1, 1, 1}};
    report.attempts[1] = (struct report_attempt){.address = SPAN("127.0.0.1:3001"),
                                                 .start_us = 140,
                                                 .duration_us = 600,
                                                 .connect_us = 30,
                                                 .status = 200,
                                                 .span_id = {2, 2, 2, 2, 2, 2, 2, 2}};
    report.attempt_count = 2;
    report.resends = 1;
    report.stages = stages;
    report.stage_count = 3;
    report.decisions = decisions;
    report.decision_count = 1;
    report.waf.score = 5;
    report.waf.matches = matches;
    report.waf.match_count = 2;
    report.waf.decided_by = 949110;
    report.waf.limits[LIMIT_ARGUMENTS] = 1;
    report.waf.cpu_ns = 21500000;
    report.waf.is_struck = true;
    report.waf.struck = (struct limit_struck){
        .kind = LIMIT_CPU_BUDGET, .phase = 2, .rule_id = 942100, .target = SPAN("ARGS:q")};
    return report;
}

bool comes_true(bool (*question)(void *), void *context)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    time_t end = now.tv_sec + 10;
    while (!question(context)) {
        sched_yield();
        clock_gettime(CLOCK_MONOTONIC, &now);
        if (now.tv_sec > end)
            return false;
    }
    return true;
}

struct destination_figures queue_adds_up(struct queue *queue)
{
    struct destination_figures out;
    queue_figures(queue, &out);
    uint64_t dropped = 0;
    for (size_t i = 0; i < DROP_REASONS; i++)
        dropped += out.dropped[i];
    check_number(out.produced, out.sent + dropped + out.waiting);
    return out;
}

void folder_make(char *path, size_t size)
{
    const char *parent = getenv("TMPDIR");
    snprintf(path, size, "%s/sidegate-exporters-XXXXXX", parent != NULL ? parent : "/tmp");
    must(mkdtemp(path) != NULL);
}

static int remove_one(const char *path, const struct stat *status __attribute__((unused)),
                      int kind __attribute__((unused)), struct FTW *walk __attribute__((unused)))
{
    return remove(path);
}

void folder_remove(const char *path)
{
    nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

struct span file_read(const char *path, char *to, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return SPAN("");
    ssize_t n = read(fd, to, size);
    close(fd);
    return span_make(to, n > 0 ? (size_t)n : 0);
}
