/* SPDX-License-Identifier: Apache-2.0 */
/* Broken settings: each is refused at its line and column, with the nearest name. */
#include <stdio.h>

#include "tests/check.h"
#include "tests/unit/config/folder.h"
#include "tests/unit/config/suites.h"

/* The text stands behind NEEDED, from line 4 on; all that is said. */
static const struct {
    const char *text, *said;
} rows[] = {
    {"limts: {}\n", "a.yaml:4:1: unknown key 'limts' (did you mean 'limits'?)\n"},
    {"limits: { conections: 5 }\n",
     "a.yaml:4:11: unknown key 'conections' in limits (did you mean 'connections'?)\n"},
    {"rules:\n  request_body: { inspct: 1KiB }\n",
     "a.yaml:5:19: unknown key 'inspct' in rules.request_body (did you mean 'inspect'?)\n"},
    {"timeouts: { idle: 10 }\n", "a.yaml:4:19: timeouts.idle: found '10', expected a time with a "
                                 "unit, like 10s or 500ms, above "
                                 "0 and up to 366d\n"},
    {"timeouts: { idle: 0s }\n", "a.yaml:4:19: timeouts.idle: found '0s', expected a time with a "
                                 "unit, like 10s or 500ms, above "
                                 "0 and up to 366d\n"},
    {"limits: { body: 10MB }\n",
     "a.yaml:4:17: limits.body: found '10MB', expected a size with a unit, like 128KiB (up to "
     "1024GiB) (the units are B, KiB, MiB and GiB)\n"},
    {"limits: { header_count: many }\n",
     "a.yaml:4:25: limits.header_count: found 'many', expected a number from 1 to 1000000\n"},
    {"limits: { header_count: [1] }\n",
     "a.yaml:4:25: limits.header_count: found a list, expected a number from 1 to 1000000\n"},
    {"limits: { header_count: }\n",
     "a.yaml:4:25: limits.header_count: found nothing, expected a number from 1 to 1000000\n"},
    {"limits: 5\n", "a.yaml:4:9: limits: found a single value, expected a map, like { KEY: VALUE } "
                    "(its keys are connections, requests_in_flight, header_bytes, header_count, "
                    "url, body, memory, both_lengths, underscore_names, doubtful_paths)\n"},
    {"routes: { a: b }\n", "a.yaml:4:9: routes: found a map, expected a list, like [{ ... }]\n"},
    {"rules: { mode: detektion_only }\n",
     "a.yaml:4:16: rules.mode: found 'detektion_only', expected on, detection_only or off (did you "
     "mean 'detection_only'?)\n"},
    {"status: { address: 127.0.0.1:65536 }\n",
     "a.yaml:4:20: status.address: '127.0.0.1:65536': the port is out of range: expected 1 to "
     "65535\n"},
    {"status: { address: 127.0.0.1 }\n",
     "a.yaml:4:20: status.address: '127.0.0.1': the port is missing: expected host:port or "
     "unix:/path\n"},
    {"admin: { address: 0.0.0.0:7601 }\n",
     "a.yaml:4:19: admin.address: off loopback the admin API demands a token (add "
     "admin.token_file)\n"},
    {"admin: { address: '[::]:7601' }\n",
     "a.yaml:4:19: admin.address: off loopback the admin API demands a token (add "
     "admin.token_file)\n"},
    {"dns: { servers: [127.0.0.1] }\n",
     "a.yaml:4:18: dns.servers: '127.0.0.1': expected a numeric address and a port (like "
     "127.0.0.1:53 or [::1]:53)\n"},
    {"dns: { servers: ['[::1]:53', localhost:53] }\n",
     "a.yaml:4:30: dns.servers: 'localhost:53': expected a numeric address and a port (like "
     "127.0.0.1:53 or [::1]:53)\n"},
    {"dns: { servers: ['unix:/dns'], timeout: 3 }\n",
     "a.yaml:4:18: dns.servers: 'unix:/dns': expected a numeric address and a port (like "
     "127.0.0.1:53 or [::1]:53)\n"
     "a.yaml:4:41: dns.timeout: found '3', expected a time with a unit, like 10s or 500ms, above 0 "
     "and up to 366d\n"},
    {"ip_sets: { a: {} }\n",
     "a.yaml:4:15: ip_sets: this set can hold nothing (add addresses, file or url)\n"},
    {"ip_sets: { a: { addresses: ['::1'], timeout: 1s } }\n",
     "a.yaml:4:37: ip_sets: 'timeout' has no meaning without 'url' (add url)\n"},
    {"ip_sets: { a: { url: 'http://a.example/l', file: l.txt } }\n",
     "a.yaml:4:22: ip_sets: a set has a file or a url (make two sets of it)\n"},
    {"ip_sets: { a: { url: 'ftp://a.example/l' } }\n",
     "a.yaml:4:22: ip_sets.*.url: found 'ftp://a.example/l', expected http://host:port or "
     "https://host:port\n"},
    {"ip_sets: { a: { url: 'http://me:pass@a.example/l', refresh: 0 } }\n",
     "a.yaml:4:22: ip_sets.*.url: no user is told to the server (a list is for everybody who may "
     "reach it)\n"
     "a.yaml:4:61: ip_sets.*.refresh: a url needs one above 0 (how often the server is asked)\n"},
    {"ip_sets: { a: { addresses: [10.0.0.0/8, 10.0.0.256] } }\n",
     "a.yaml:4:41: ip_sets.*.addresses: '10.0.0.256': this is no address, network or range "
     "(10.0.0.0/8, 2001:db8::/32, 192.0.2.1 or 192.0.2.1-192.0.2.9)\n"},
    {"access: [{ name: a, match: { pth: /x }, action: block }]\n",
     "a.yaml:4:30: unknown key 'pth' in access[].match (did you mean 'path'?)\n"},
    {"access: [{ name: a, match: { ip_set: offise }, action: block }]\nip_sets: { office: { "
     "addresses: ['::1'] } }\n",
     "a.yaml:4:38: access[].match: found 'offise', expected the name of an ip_set (did you mean "
     "'office'?)\n"},
    {"access: [{ name: a, match: { address: 10.0.0.1/8 }, action: block }]\n",
     "a.yaml:4:39: access[].match: found '10.0.0.1/8', expected a network like 10.0.0.0/8 or one "
     "address (no bits behind the prefix)\n"},
    {"access: [{ name: a, match: { not: [] }, action: block }]\n",
     "a.yaml:4:35: access[].match: found a list, expected a match: a map of what has to hold "
     "({ path: /login })\n"},
    {"access: [{ name: a, match: { header: x }, action: block }]\n",
     "a.yaml:4:38: access[].match: found 'x', expected a map of field names to patterns "
     "({ x-debug: \"*\" })\n"},
    {"access: [{ name: a, action: blok }]\n",
     "a.yaml:4:29: access[].action: found 'blok', expected block, allow or count (did you mean "
     "'block'?)\n"},
    {"access: [{ name: a }]\n", "a.yaml:4:10: access[]: 'action' is missing: what becomes of these "
                                "requests? (action: block, allow or count)\n"},
    {"access: [{ name: a, action: allow, status: 404 }]\n",
     "a.yaml:4:44: access[].status: only who is blocked is answered\n"},
    {"access: [{ name: a, action: block, status: 200 }]\n",
     "a.yaml:4:44: access[].status: found '200', expected a status from 400 to 599\n"},
    {"access: [{ name: a, rules: all, mode: on }]\n",
     "a.yaml:4:33: access[]: 'mode' has no meaning beside 'rules' (rules.mode says what they "
     "do)\n"},
    {"access: [{ name: a, rules: all }, { name: b, rules: all }]\n",
     "a.yaml:4:53: access[].rules: the rules stand in the list already\n"},
    {"access: [{ name: a, action: allow }, { name: a, action: block }]\n",
     "a.yaml:4:46: access[].name: 'a' stands twice\n"},
    {"rules: { exclusions: [{ rule: 1, path: /a }] }\n",
     "a.yaml:4:23: rules.exclusions[]: 'reason' is missing: expected a text (why, for those who "
     "come after you)\n"},
    {"rules: { exclusions: [{ rule: 94x, reason: r }] }\n",
     "a.yaml:4:31: rules.exclusions[].rule: '94x': this is no rule's id (an id, a range like "
     "942100-942199, or tag:NAME)\n"},
    {"rules: { exclusions: [{ rule: '1, 9-5', reason: r }] }\n",
     "a.yaml:4:35: rules.exclusions[].rule: '9-5': this is no rule's id (an id, a range like "
     "942100-942199, or tag:NAME)\n"},
    {"rules: { exclusions: [{ rule: [1, 'tag:'], reason: r }] }\n",
     "a.yaml:4:36: rules.exclusions[].rule: 'tag:': a tag's name is missing (an id, a range like "
     "942100-942199, or tag:NAME)\n"},
    {"rules: { exclusions: [{ rule: 1, target: 'ARGZ:q', reason: r }] }\n",
     "a.yaml:4:43: unknown variable 'ARGZ' (did you mean 'ARGS'?)\n"},
    {"rules: { exclusions: [{ rule: 1, target: 'ARGS:/(/', reason: r }] }\n",
     "a.yaml:4:50: missing closing parenthesis\n"},
    {"rules: { exclusions: [{ rule: 1, target: \"ARGS:a'b\", reason: r }] }\n",
     "a.yaml:4:42: rules.exclusions[].target: 'ARGS:a'b': a quote cannot stand in it (a pattern "
     "selects too: ARGS:/^a.b$/)\n"},
    {"rules: { exclusions: [{ rule: 1, path: search, reason: r }] }\n",
     "a.yaml:4:40: rules.exclusions[].path: found 'search', expected a path like /search, or the "
     "beginning of one and a star, like /search/*\n"},
    {"rules: { exclusions: [{ rule: 1, path: /a*/b, reason: r }] }\n",
     "a.yaml:4:40: rules.exclusions[].path: '/a*/b': a * stands only at the end (/search/*)\n"},
    {"rules: { exclusions: [{ rule: 1, path: /a/../b, reason: r }] }\n",
     "a.yaml:4:40: rules.exclusions[].path: '/a/../b': no request comes by such a path (as the "
     "access log has it: no dots, no query)\n"},
    {"rules: { exclusions: [{ rule: 1, reason: r, expires: 2026-02-30 }] }\n",
     "a.yaml:4:54: rules.exclusions[].expires: found '2026-02-30', expected a day like "
     "2026-12-31\n"},
    {"rules: { exclusions: [{ rule: 1, reason: r, expire: 2026-02-03 }] }\n",
     "a.yaml:4:45: unknown key 'expire' in rules.exclusions[] (did you mean 'expires'?)\n"},
    {"routes: [{ match: GET /x, rules: { mode: none } }]\n",
     "a.yaml:4:42: routes[].rules.mode: found 'none', expected on, detection_only or off\n"},
    {"routes: [{ match: GET /x, rules: { crs: { paranoia: 2 } } }]\n",
     "a.yaml:4:41: routes[].rules.crs: there is no folder, so that nothing is loaded (add "
     "rules.crs.folder)\n"},
    {"rules: { crs: { folder: /c, paranoia: 3 } }\n"
     "routes: [{ match: GET /x, rules: { crs: { detection_paranoia: 2 } } }]\n",
     "a.yaml:5:63: routes[].rules.crs.detection_paranoia is below the paranoia of this route (a "
     "rule that counts has to run)\n"},
    {"routes: [{ match: GET /x, upstream: apq }]\n",
     "a.yaml:4:37: routes[].upstream: there is no upstream 'apq' (did you mean 'app'?)\n"},
    {"routes: [{ upstream: app }]\n",
     "a.yaml:4:10: routes[]: 'match' is missing: expected a method and a path, like GET "
     "/orders/{id} "
     "or ANY /{proxy+} (method and path: GET /orders/{id}, ANY /{proxy+})\n"},
    {"routes: [{ match: /x }]\n",
     "a.yaml:4:19: routes[].match: found '/x', expected a method and a path, like GET /orders/{id} "
     "or ANY /{proxy+}\n"},
    {"routes: [{ match: get /x }]\n",
     "a.yaml:4:19: routes[].match: 'get /x': the method is not in capitals (methods are "
     "case-sensitive)\n"},
    {"service: { name: \"a ${NOPE}\" }\n", "a.yaml:4:21: the environment has no value for "
                                           "'${NOPE}' (set it, or write ${NAME:-default})\n"},
    {"rules: { crs: { paranoia: 3 } }\n",
     "a.yaml:4:15: rules.crs: there is no folder, so that nothing is loaded (add "
     "rules.crs.folder)\n"},
    {"rules: { crs: { folder: x, paranoia: 3, detection_paranoia: 2 } }\n",
     "a.yaml:4:61: rules.crs.detection_paranoia is below rules.crs.paranoia (a rule that counts "
     "has "
     "to run)\n"},
    {"traces: { exporter: otlp }\n",
     "a.yaml:4:21: traces.exporter: there is no collector to export to (add otlp.endpoint)\n"},
    {"metrics: { exporter: otlp }\n",
     "a.yaml:4:22: metrics.exporter: there is no collector to export to (add otlp.endpoint)\n"},
    {"logs: { otlp: [events, sounds] }\n",
     "a.yaml:4:24: logs.otlp: found 'sounds', expected requests, events or none\n"},
    {"logs: { otlp: events }\n",
     "a.yaml:4:15: logs.otlp: there is no collector to export to (add otlp.endpoint)\n"},
    {"metrics: { otlp: { interval: 10ms } }\n",
     "a.yaml:4:30: metrics.otlp.interval: found '10ms', expected a time with a unit, from 1s to "
     "366d\n"},
    {"otlp: { endpoint: 'http://a:1', headers: { content-type: x } }\n",
     "a.yaml:4:44: otlp.headers: 'content-type': the exporter says this field itself\n"},
    {"otlp: { endpoint: 'http://a:1', headers: { 'x y': z } }\n",
     "a.yaml:4:44: otlp.headers: 'x y': this is no name of a field\n"},
    {"otlp: { endpoint: 'http://a:1', headers: { x: \"s3cret\\r\\n\" } }\n",
     "a.yaml:4:44: otlp.headers: 'x': this is no value of a field\n"},
    {"otlp: { endpoint: 'http://a:1', headers: 'authorization=s3cret' }\n",
     "a.yaml:4:42: otlp.headers: expected fields and their values, like { x-tenant: shop }\n"},
    {"otlp: { endpoint: 'http://a:1', url: 'http://a:1/x', signals: [traces] }\n",
     "a.yaml:4:38: otlp.url: there is an endpoint already (endpoint: alone, or url: alone)\n"},
    {"otlp: { url: 'http://a:1/x' }\n",
     "a.yaml:4:14: otlp.url: this is where one signal goes: which one? (signals: [traces])\n"},
    {"otlp: { endpoint: 'http://a:1', signals: [trace] }\n",
     "a.yaml:4:43: otlp.signals: found 'trace', expected traces, metrics or logs (did you mean "
     "'traces'?)\n"},
    {"otlp: { endpoint: 'http://a:1', protocol: http/json }\n",
     "a.yaml:4:43: otlp.protocol: found 'http/json', expected http/protobuf or grpc\n"},
    {"otlp: { endpoint: 'http://a:1', ca_file: ca.pem }\n",
     "a.yaml:4:42: otlp.ca_file: the receiver is not https:// (endpoint: https://...)\n"},
    {"otlp: { endpoint: 'https://a:1', cert_file: a.yaml }\n",
     "a.yaml:4:45: otlp.cert_file: a certificate and its key go together (cert_file: and "
     "key_file:)\n"},
    {"otlp: [{ endpoint: 'http://a:1' }, { endpoint: 'http://b:1' }]\n",
     "a.yaml:4:36: otlp.name: another receiver of the same signals is called so (give each "
     "receiver its own)\n"},
    {"otlp: [{ endpoint: 'http://a:1', spool: { path: s } },\n"
     "  { name: b, endpoint: 'http://b:1', spool: { path: s } }]\n",
     "a.yaml:5:53: otlp.spool.path: another receiver has this folder (give each receiver its "
     "own)\n"},
    {"otlp: [{ name: a b, endpoint: 'http://a:1' }]\n",
     "a.yaml:4:16: otlp.name: expected letters, digits, _ and -, at most 63\n"},
    {"otlp: 5\n", "a.yaml:4:7: otlp: found a single value, expected a map, or a list of maps\n"},
    {"otlp: { endpiont: 'http://a:1' }\n",
     "a.yaml:4:9: unknown key 'endpiont' in otlp (did you mean 'endpoint'?)\n"},
    {"otlp: { endpoint: 127.0.0.1:4318 }\n",
     "a.yaml:4:19: otlp.endpoint: found '127.0.0.1:4318', expected http://host:port or "
     "https://host:port\n"},
    {"rules: { response_body: { types: [html] } }\n",
     "a.yaml:4:35: rules.response_body.types: 'html': expected a media type like text/html\n"},
    {"admin: { token_file: nowhere }\n",
     "a.yaml:4:22: admin.token_file: 'nowhere': No such file or directory\n"},
    {"upstreams: {}\n",
     "a.yaml:4:1: the key 'upstreams' stands here for the second time; the first is in line 3\n"},
};

TEST(a_broken_setting_is_refused_at_its_place_with_the_nearest_name)
{
    struct folder folder;
    folder_open(&folder);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[1024];
        snprintf(text, sizeof text, "%s%s", NEEDED, rows[i].text);
        check(folder_read(&folder, text, NULL) == NULL);
        check_span(span_text(folder_faults(&folder)), rows[i].said);
    }
    folder_close(&folder);
}

/* Whole files. */
static const struct {
    const char *text, *said;
} files[] = {
    {"", "a.yaml: there is nothing in it\n"},
    {"[1]\n", "a.yaml:1:1: expected a map of settings, like 'version: 1' (version: 1)\n"},
    {"version: 2\nlisteners: [{ address: 127.0.0.1:8080 }]\nupstreams: { a: { targets: "
     "['unix:/x'] } }\n",
     "a.yaml:1:10: version: found '2', expected 1\n"},
    {"version: 1\nlisteners: []\nupstreams: {}\n",
     "a.yaml:2:12: there is no listener: nothing would be accepted (listeners: [{ address: "
     "127.0.0.1:8080 }])\n"
     "a.yaml:3:12: there is no upstream: nobody would answer (upstreams: { app: { targets: "
     "[\"http://127.0.0.1:3000\"] } })\n"},
    {"version: 1\nlisteners: [{ name: x, address: 127.0.0.1:80 }, { name: x, address: "
     "127.0.0.1:80 }]\n"
     "upstreams: { a: { targets: ['unix:/x'] } }\n",
     "a.yaml:2:57: listeners[].name: 'x' stands twice\n"
     "a.yaml:2:69: listeners[].address: '127.0.0.1:80' stands twice\n"},
    {"version: 1\nlisteners: [{ address: 127.0.0.1:80, trusted_proxies: [10.0.0.1/8, nowhere] }]\n"
     "upstreams: { a: { targets: ['unix:/x'] } }\n",
     "a.yaml:2:56: listeners[].trusted_proxies: '10.0.0.1/8': this is no network, or has bits "
     "behind its prefix (10.0.0.0/8, 2001:db8::/32 or one address)\n"
     "a.yaml:2:68: listeners[].trusted_proxies: 'nowhere': this is no network, or has bits "
     "behind its prefix (10.0.0.0/8, 2001:db8::/32 or one address)\n"},
    {"version: 1\nlisteners: [{ address: 127.0.0.1:80 }]\n"
     "upstreams: { a: { targets: ['https://127.0.0.1:1', 'http://b.example:1', "
     "'http://127.0.0.1:0', 'http://127.0.0.1:1/x', 127.0.0.1:1] } }\n",
     "a.yaml:3:52: upstreams.*.targets: 'http://b.example:1': some targets are https:// and some "
     "are not (two upstreams, or the same for all)\n"
     "a.yaml:3:52: upstreams.*.targets: 'http://b.example:1': the host is neither a numeric "
     "address "
     "nor localhost; IPv6 goes in brackets\n"
     "a.yaml:3:74: upstreams.*.targets: 'http://127.0.0.1:0': the port is out of range: expected 1 "
     "to 65535\n"
     "a.yaml:3:96: upstreams.*.targets: 'http://127.0.0.1:1/x': a target has no path (requests "
     "keep "
     "their path)\n"
     "a.yaml:3:120: upstreams.*.targets: '127.0.0.1:1': expected http://host:port, "
     "https://host:port or "
     "unix:/path "
     "(http://127.0.0.1:3000 or unix:/run/app.sock)\n"},
    {"version: 1\nlisteners: [{ address: 127.0.0.1:80 }]\n"
     "upstreams: { a: { targets: ['unix:/x'] }, b: { targets: ['unix:/y'] } }\n",
     "a.yaml:3:12: there are several upstreams and no routes that choose between them (routes: [{ "
     "match: \"ANY /{proxy+}\", upstream: ... }])\n"},
    {"version: 1\nlisteners: [{ address: 127.0.0.1:80 }]\n"
     "upstreams: { a: { targets: ['unix:/x'] }, b: { targets: ['unix:/y'] } }\n"
     "routes: [{ match: GET /x, upstream: b }, { match: GET /y }]\n",
     "a.yaml:4:42: routes[]: there are several upstreams and this route names none (add upstream: "
     "NAME)\n"},
    {"version: 1\nlisteners: [{ address: 127.0.0.1:80 }]\nupstreams: { a.b: { targets: "
     "['unix:/x'] } }\n",
     "a.yaml:3:14: upstreams.*: 'a.b' is no name: expected letters, digits, _ and -, at most 63\n"},
};

TEST(a_broken_file_is_refused_at_its_place)
{
    struct folder folder;
    folder_open(&folder);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        check(folder_read(&folder, files[i].text, NULL) == NULL);
        check_span(span_text(folder_faults(&folder)), files[i].said);
    }
    folder_close(&folder);
}

TEST(one_reading_says_everything_that_is_wrong)
{
    struct folder folder;
    folder_open(&folder);
    check(folder_read(&folder,
                      NEEDED "limts: {}\nlimits: { body: 1 }\nservice: { name: '${NO}' }\n",
                      "timeouts.idle=never", NULL) == NULL);
    check_span(span_text(folder_faults(&folder)),
               "a.yaml:6:19: the environment has no value for '${NO}' (set it, or write "
               "${NAME:-default})\n"
               "a.yaml:4:1: unknown key 'limts' (did you mean 'limits'?)\n"
               "a.yaml:5:17: limits.body: found '1', expected a size with a unit, like 128KiB (up "
               "to 1024GiB)\n"
               "--set timeouts.idle: timeouts.idle: found 'never', expected a time with a unit, "
               "like 10s or 500ms, above 0 and up to 366d\n");
    folder_close(&folder);
}

TEST(a_file_that_is_not_there_is_said)
{
    struct folder folder;
    folder_open(&folder);
    const char *names[] = {"/nowhere/a.yaml"};
    struct settings_source source = folder_source(&folder, names, 1);
    folder.faults = faults_new();
    check(settings_read(&source, folder.faults) == NULL);
    check_span(span_text(folder_faults(&folder)),
               "/nowhere/a.yaml: cannot be read: No such file or directory\n");
    folder_close(&folder);
}

TEST(a_token_that_everybody_may_write_is_refused)
{
    struct folder folder;
    folder_open(&folder);
    folder_write(&folder, "token", "secret\n", 0666);
    check(folder_read(&folder, NEEDED "admin: { token_file: token }\n", NULL) == NULL);
    check_span(
        span_text(folder_faults(&folder)),
        "a.yaml:4:22: admin.token_file: 'token': everybody may write it; take that right away "
        "(chmod o-w)\n");
    folder_close(&folder);
}

int fault_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_broken_setting_is_refused_at_its_place_with_the_nearest_name),
        cmocka_unit_test(a_broken_file_is_refused_at_its_place),
        cmocka_unit_test(one_reading_says_everything_that_is_wrong),
        cmocka_unit_test(a_file_that_is_not_there_is_said),
        cmocka_unit_test(a_token_that_everybody_may_write_is_refused),
    };
    return cmocka_run_group_tests_name("faults", tests, NULL, NULL);
}
