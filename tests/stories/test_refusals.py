# SPDX-License-Identifier: Apache-2.0
"""What cannot be meant is refused before anything starts, with its place and the nearest name."""
import os

import pytest
from harness import run

NEEDED = """version: 1
listeners: [{ address: 127.0.0.1:8080 }]
upstreams: { app: { targets: ["http://127.0.0.1:3000"] } }
"""

ALARM = "alarms: [{ name: a, metric: 5XXError, statistic: Sum, period: 60s, evaluation_periods: 1, threshold: 1, comparison_operator: GreaterThanThreshold, "

ZONED = "mute: [{ schedule: 'cron(0 2 * * *)', duration: 1h, timezone: "

SETTINGS = [  # text, column of its first line, what is said
    ("limts: { url: 9KiB }", 1, "did you mean 'limits'?"),
    ("status: { address: 127.0.0.1:8080 }", 20, "a listener has '127.0.0.1:8080' already"),
    ("limits: { ulr: 9KiB }", 11, "did you mean 'url'?"),
    ("limits: { url: 9000 }", 16, "a size with a unit"),
    ("timeouts: { idle: 5 }", 19, "with a unit"),
    ("timeouts: { idle: 5 parsecs }", 19, "with a unit"),
    ("rules: { mode: detection-only }", 16, "did you mean 'detection_only'?"),
    ("rules: { crs: { paranoia: 5 } }", 27, "1 to 4"),
    ("process: { threads: many }", 21, "auto"),
    ("service: { name: '${SIDEGATE_STORY_UNSET}' }", 19, "SIDEGATE_STORY_UNSET"),
    ("traces: { sampler: always }", 20, "always_on"),
    ("status: { address: 127.0.0.1:99999 }", 20, "127.0.0.1:99999"),
    ("otlp: { endpoint: 'ftp://a/' }", 19, "ftp://a/"),
    ("otlp: { endpoint: 'http://127.0.0.1:99999' }", 19, "otlp.endpoint: the port is out of range: expected 1 to 65535"),
    ("otlp: { endpoint: 'https://me@[::1]:/x' }", 19, "the port is out of range: expected 1 to 65535"),
    ("access_log: { firehose: { url: 'http://logs:99999/' } }", 32, "access_log.firehose.url: the port is out of range"),
    ("ip_sets: { a: { url: 'http://127.0.0.1:99999/' } }", 22, "the port is out of range"),
    (f"{ALARM}actions: [{{ type: webhook, url: 'http://127.0.0.1:99999/' }}] }}]", len(ALARM) + 33, "expected http://host/path or https://host/path"),
    (ALARM + ZONED + "Europe/Berlim }] }]", len(ALARM + ZONED) + 1, "timezone: 'Europe/Berlim': there is no such time zone in /usr/share/zoneinfo"),
    (ALARM + ZONED + "../../../etc/passwd }] }]", len(ALARM + ZONED) + 1, "timezone: '../../../etc/passwd': this is no name of a time zone"),
    (ALARM + "mute: [{ schedule: 'cron(0 2 * * *)', timezone: UTC }] }]", len(ALARM) + 8, "expected `schedule` and `duration`"),
    ("change_log: { path: a.log }\naccess_log: { path: a.log }", 21, "change_log.path: access_log has this file, too (give each its own)"),
    ("change_log: { path: a.log }\nprocess: { log: { path: a.log } }", 21, "change_log.path: process.log has this file, too (give each its own)"),
    ("routes: [{ match: 'GET /a', upstream: ap }]", 39, "did you mean 'app'?"),
    ("routes: [{ match: GET a/b }]", 19, "routes[].match: 'GET a/b': the path does not begin with a slash (did you mean 'GET /a/b'?)"),
    ("routes: [{ match: 'GET /a/{b}?c=1' }]", 19, "routes[].match: 'GET /a/{b}?c=1': a query is no part of the path (did you mean 'GET /a/{b}'?)"),
    ("routes: [{ match: 'GET /a#b' }]", 19, "routes[].match: 'GET /a#b': no request's path has a '#' (did you mean 'GET /a'?)"),
    ("routes: [{ match: 'ANY /{a}/{a}' }]", 19, "routes[].match: 'ANY /{a}/{a}': two variables have the same name (give each its own)"),
    ("routes: [{ match: 'GET http://h/a' }]", 19, "the path does not begin with a slash (like GET /orders/{id} or ANY /{proxy+})"),
    ("access_log: [1]", 13, "access_log"),
    ("limits: { url: 9KiB", 1, ""),
    ("limits: { url: 10MB }", 16, "(the units are B, KiB, MiB and GiB)"),
    ("timeouts: { idle: 5sec }", 19, "(the units are us, ms, s, m, h and d)"),
    ("rules: { baseline: true }", 20, "found 'true', expected on or off (did you mean 'on'?)"),
    ("rules: { mode: No }", 16, "(did you mean 'off'?)"),
    ("access_log: { syslog: { address: 'udp://127.0.0.1:514', severity: warn } }", 67, "or debug (did you mean 'warning'?)"),
    ("process: { log: { level: warning } }", 26, "(did you mean 'warn'?)"),
    ("admin: { port: 7601 }", 10, "unknown key 'port' in admin (its keys are address, token_file)"),
    ("admin: { address: 7601 }", 19, "the host is missing: expected host:port, like 127.0.0.1:8080"),
    ("service: orders", 10, "service: found a single value, expected a map, like { KEY: VALUE } (its keys are name, environment)"),
    ("ip_sets: [a]", 10, "found a list, expected a map by names, like { NAME: { ... } } (its keys are addresses, file, url"),
    ("rules: { files: own.conf }", 17, "expected a list of files or patterns ([own.conf])"),
    ("limits: { url: 1.5KiB }", 16, "(whole numbers alone, of a smaller unit)"),
    ("timeouts: { idle: 1.5s }", 19, "(whole numbers alone, of a smaller unit)"),
]

OF_ERRORS = {"name": "a", "metric": "5XXError", "statistic": "Sum", "period": "60s", "evaluation_periods": "1", "threshold": "1",
             "comparison_operator": "GreaterThanThreshold"}
OF_METRICS = {"metric": None, "statistic": None}


def alarm(**changes):
    """One of errors, with keys that are others, or none (None); ^ stands before what is wrong."""
    keys = {**OF_ERRORS, **changes}
    return "{ " + ", ".join(f"{key}: {value}" for key, value in keys.items() if value is not None) + " }"


COMPOSITE = {key: None for key in OF_ERRORS if key != "name"}
ALARMS = [  # an entry or several, what is said
    (alarm(period="^45s"), "period: expected 10s, 20s, 30s or a number of minutes"),
    (alarm(evaluation_periods="^0"), "evaluation_periods: expected 1 or more"),
    (alarm(period="1h", evaluation_periods="^200"), "evaluation_periods times period: a day at most"),
    (alarm(datapoints_to_alarm="^5"), "datapoints_to_alarm: expected 1 to evaluation_periods"),
    (alarm(datapoints_to_alarm="^0"), "datapoints_to_alarm: expected 1 to evaluation_periods"),
    (alarm(namespace="^Nope"), "namespace: found 'Nope'"),
    (alarm(metric="^5XXErro"), "metric: found '5XXErro'"),
    (alarm(dimensions="{ method: GET, ^rout: /x }"), "dimensions: unknown key 'rout' (did you mean 'route'?)"),
    (alarm(metric="BlockedRequests", dimensions="^{ Rule: y }"), "dimensions: `WebACL` is missing"),
    (alarm(metric="^BlockedRequests"), "dimensions: `WebACL` is missing"),
    (alarm(metric="BlockedRequests", dimensions="{ Rule: y, WebACL: ^x }"), "dimensions: WebACL is the service's name"),
    (alarm(threshold_metric_id="^b"), "threshold_metric_id: this comparison_operator asks for a threshold"),
    (alarm(threshold=None, comparison_operator="LessThanLowerThreshold", threshold_metric_id="^b"), "expected the id of an ANOMALY_DETECTION_BAND"),
    (alarm(comparison_operator="^LessThanLowerThreshold"), "expected the id of an ANOMALY_DETECTION_BAND"),
    (alarm(**OF_METRICS, metrics="[{ id: ^E, metric: Count, statistic: Sum }]"), "id: expected a lower-case letter"),
    (alarm(**OF_METRICS, metrics="[{ id: a, metric: Count, statistic: Sum }, { metric: Count, statistic: Sum, id: ^a }]"), "id: it stands twice"),
    (alarm(**OF_METRICS, metrics="^[{ id: a, metric: Count, statistic: Sum }, { id: b, metric: Count, statistic: Sum }]"), "exactly one has `return_data: true`"),
    (alarm(**OF_METRICS, metrics="[{ id: a, metric: Count, statistic: Sum, return_data: true }, { id: b, metric: Count, statistic: Sum, return_data: ^true }]"),
     "exactly one has `return_data: true`"),
    (alarm(**OF_METRICS, metrics="[{ id: a, metric: ^Cuont, statistic: Sum }]"), "metric: found 'Cuont'"),
    (alarm(**OF_METRICS, metrics="[{ id: a, metric: Count, namespace: ^x, statistic: Sum }]"), "namespace: found 'x'"),
    (alarm(**OF_METRICS, metrics="[{ id: a, metric: Count, statistic: Sum, dimensions: { ^rout: x } }]"), "dimensions: unknown key 'rout'"),
    (alarm(**OF_METRICS, metrics="[{ id: a, metric: Count, ^expression: b, statistic: Sum }]"), "expected either `metric` with `statistic`, or `expression`"),
    (alarm(metric="^Count", metrics="[{ id: a, metric: Count, statistic: Sum }]"), "`metric` and `metrics` exclude each other"),
    (alarm(**OF_METRICS, **{"^statistic": "Sum"}, metrics="[{ id: a, metric: Count, statistic: Sum }]"), "`statistic` has no meaning beside `metrics`"),
    (alarm(**COMPOSITE, rule="ALARM(b)", **{"^period": "60s"}), "`period` has no meaning beside `rule`"),
    (alarm(**COMPOSITE, rule="ALARM(b)", **{"^treat_missing_data": "missing"}), "`treat_missing_data` has no meaning beside `rule`"),
    (alarm(**{"^rule": "ALARM(b)"}), "expected one of `metric`, `metrics` and `rule`"),
    (alarm(**{"^actions_suppressor": "b"}), "`actions_suppressor` has no meaning without `rule`"),
    (alarm(**COMPOSITE, rule="TRUE", **{"^actions_suppressor_wait_period": "60s"}), "`actions_suppressor_wait_period` has no meaning without `actions_suppressor`"),
    (alarm(**COMPOSITE, rule="TRUE", **{"^actions_suppressor_extension_period": "60s"}), "`actions_suppressor_extension_period` has no meaning without `actions_suppressor`"),
    (alarm(evaluation_periods="^-1"), "evaluation_periods: found '-1', expected a whole number from 1"),
    (alarm(datapoints_to_alarm="^1.5"), "datapoints_to_alarm: found '1.5', expected a whole number from 1 to evaluation_periods"),
    (alarm(**COMPOSITE, rule="ALARM(^b)"), "there is no alarm 'b'"),
    (alarm(**COMPOSITE, rule="TRUE", actions_suppressor="^b"), "actions_suppressor: there is no alarm 'b'"),
    (alarm() + ", " + alarm(name="^a"), "name: another alarm is called so"),
    (alarm(name="^" + "x" * 256), "name: expected 1 to 255 bytes"),
    ("^" + alarm(name=None), "`name` is missing"),
    ("{ preset: recommended }, ^{ preset: recommended }", "name: another alarm is called so"),
    (alarm(actions="[{ type: webhook, url: 'http://a', ^url_file: SECRET }]"), "a webhook has either `url` or `url_file`"),
    (alarm(actions="[{ type: webhook, url: 'http://a', ^raw_message_delivery: true }]"), "`raw_message_delivery` goes with format sns"),
    (alarm(actions="[{ type: log, ^timeout: 5s }]"), "`timeout` has no meaning for type log"),
]

RULES = [  # text, column, what is said
    ('SecRul ARGS "@rx x" "id:1,deny"', 1, "did you mean 'SecRule'?"),
    ('SecRule ARGZ "@rx x" "id:1,phase:1,deny"', 9, "did you mean 'ARGS'?"),
    ('SecRule ARGS "@rxx x" "id:1,phase:1,deny"', 16, "did you mean 'rx'?"),
    ('SecRule ARGS "@rx (x" "id:1,phase:1,deny"', 21, "parenthesis"),
    ('SecRule ARGS "@rx x" "id:1,phase:1,denny"', 36, "did you mean 'deny'?"),
    ('SecRule ARGS "@rx x" "id:1,phase:1,deny,t:lowercas"', 43, "did you mean 'lowercase'?"),
    ('SecRule ARGS "@rx x" "phase:1,deny"', 1, "id"),
    ('SecRule ARGS "@rx x" "id:1,phase:7,deny"', 34, "phase is 1, 2, 3, 4, 5"),
    ('SecRule ARGS "@rx x" "id:one,phase:1,deny"', 26, "id is a number"),
    ('SecRule ARGS "@rx x" "id:1,phase:1,ctl:ruleEngin=Off"', 40, "did you mean 'ruleEngine'?"),
    ('SecRule ARGS "@pmFromFile nowhere.data" "id:1,phase:1,deny"', 27, "nowhere.data"),
    ('SecRuleEngine Onn', 15, "did you mean 'On'?"),
    ('SecAction "id:1,phase:1,pass,severity:CRITCAL"', 39, "did you mean 'CRITICAL'?"),
    ('Include nowhere.conf', 9, "nowhere.conf"),
    ('SecRule ARGS', 1, "SecRule"),
]


@pytest.mark.parametrize("text,column,said", SETTINGS)
def test_a_setting_is_refused_at_its_place(tmp_path, text, column, said):
    path = tmp_path / "a.yaml"
    path.write_text(NEEDED + text + "\n")
    code, out, err = run("check", "-c", str(path))
    first = err.splitlines()[0]
    assert code == 3 and out == ""
    assert first.startswith((f"{path}:4:{column}: ", f"{path}:5:{column}: ")) and said in first, err


@pytest.mark.parametrize("entries,said", ALARMS)
def test_what_is_wrong_in_an_alarm_is_said_at_its_value(tmp_path, entries, said):
    path = tmp_path / "a.yaml"
    (tmp_path / "SECRET").touch(mode=0o600)
    (tmp_path / "SECRET").write_text("http://b/\n")
    path.write_text(NEEDED + f"alarms: [{entries.replace('^', '')}]\n")
    code, out, err = run("check", "-c", str(path))
    assert code == 3 and out == ""
    first = err.splitlines()[0]
    assert first.startswith(f"{path}:4:{len('alarms: [') + entries.index('^') + 1}: ") and said in first, err


@pytest.mark.parametrize("text,column,said", RULES)
def test_a_rule_is_refused_at_its_place(tmp_path, text, column, said):
    rules, path = tmp_path / "own.conf", tmp_path / "a.yaml"
    rules.write_text("# a comment\nSecRequestBodyAccess On\n" + text + "\n")
    path.write_text(NEEDED + f"rules: {{ files: [{rules}] }}\n")
    code, out, err = run("check", "-c", str(path))
    first = err.splitlines()[0]
    assert code == 3 and out == ""
    assert first.startswith(f"{rules}:3:{column}: ") and said in first, err


WITHOUT_EFFECT = [  # text, what it warns at, what is said
    ("execution_log: { path: e.log, level: error, data_trace: on }", "on }", "execution_log.data_trace: its lines are of level info"),
    ("execution_log: { data_trace: on }", "{ data", "execution_log: it goes nowhere (add path, or a receiver)"),
    ("waf_log: { redacted_fields: [method] }", "{ red", "waf_log: it goes nowhere"),
    ("traces: { exporter: [none, xray] }", "[none", "traces.exporter: 'none' beside others has no effect"),
    ("traces: { propagators: 'b3, none' }", "'b3", "traces.propagators: 'none' beside others has no effect"),
    ("metrics: { emf: { namespace: Orders } }", "Orders", "metrics.emf.namespace: no line is written"),
    ("routes: [{ match: GET /pets }]\n" + ALARM + "dimensions: { route: /pet } }]", "/pet }", "there is no route '/pet': nothing is counted of it (did you mean '/pets'?)"),
    ("routes: [{ match: GET /pets }]\n" + ALARM + "dimensions: { route: /pets, method: POST } }]", "POST", "no route takes 'POST'"),
    (ALARM + "dimensions: { route: /pets } }]", "/pets", "there is no route '/pets': nothing is counted of it (add routes)"),
    (ALARM + "mute: [{ schedule: at(2020-01-01T00:00), duration: 1h }] }]", "at(", "is over: it mutes nothing"),
    (ALARM + "mute: [{ schedule: 'cron(0 0 31 2 *)', duration: 1h }] }]", "'cron", "mute[].schedule: 'cron(0 0 31 2 *)' never comes: no such month has such a day"),
    (ALARM + "mute: [{ schedule: 'cron(0 0 31 4,6,NOV *)', duration: 1h, timezone: Europe/Berlin }] }]", "'cron", "never comes"),
    ("routes: [{ match: GETT /x }]", "GETT", "routes[].match: 'GETT' is no standard method (did you mean 'GET'?)"),
    ("routes: [{ match: ANNY /x }]", "ANNY", "routes[].match: 'ANNY' is no standard method (did you mean 'ANY'?)"),
    ("routes: [{ match: DELTE /x }]", "DELTE", "(did you mean 'DELETE'?)"),
    ("routes: [{ match: '* /x' }]", "'*", "routes[].match: '*' is no standard method (did you mean 'ANY'?)"),
    ("access: [{ name: a, match: { method: get }, action: block }]", "get", "access[].match: method: 'get' is no standard method (did you mean 'GET'?)"),
    ("access: [{ name: a, match: { not: { method: [GET, PSOT] } }, action: block }]", "PSOT", "(did you mean 'POST'?)"),
    ("access: [{ name: a, match: { path: login/* }, action: block }]", "login", "access[].match: path: 'login/*' fits no request (did you mean '/login/*'?)"),
    ("routes: [{ match: GET /a }]\naccess: [{ name: a, match: { any: [{ host: a }, { route: [/a, b] }] }, action: block }]", "b] }", "access[].match: route: 'b' is no route's path"),
    ("routes: [{ match: 'GET /orders/{id}' }]\naccess: [{ name: a, match: { route: '/oders/{id}' }, action: block }]", "'/oders", "route: '/oders/{id}' is no route's path (did you mean '/orders/{id}'?)"),
    ("access: [{ name: a, match: { route: /a }, action: block }]", "/a }", "access[].match: route: '/a' is no route's path (add routes)"),
    ("access: [{ name: a, match: { method: ANY }, action: block }]", "ANY", "access[].match: method: 'ANY' is no standard method (without `method` any fits)"),
    *[(f"access: [{{ name: a, match: {{ path: '{path}' }}, action: block }}]", "'/" if path[0] == "/" else f"'{path}", f"access[].match: path: '{path}' fits no request (did you mean '{meant}'?)") for path, meant in (
        ("/a#b", "/a"), ("/%61dmin/*", "/admin/*"), ("/a%2fb", "/a%2Fb"), ("/a//b", "/a/b"), ("/a/../b", "/b"), ("/a/.", "/a/"), ("*//b", "*/b"), ("a//b#c", "/a/b"))],
    ("access: [{ name: a, match: { path: '/search?q=*' }, action: block }]", "'/search", "path: '/search?q=*' asks for a query, which is no part of the path (ask for it by `query`)"),
    (ALARM + "dimensions: { method: GETT } }]", "GETT", "dimensions.method: 'GETT' is no standard method: nothing is counted of it (did you mean 'GET'?)"),
    ("routes: [{ match: ANY /pets }]\n" + ALARM + "dimensions: { route: /pets, method: get } }]", "get", "dimensions.method: 'get' is no standard method: nothing is counted of it (did you mean 'GET'?)"),
    ("routes: [{ match: GET /pets }]\n" + ALARM + "dimensions: { route: /pets, method: GTE } }]", "GTE", "dimensions.method: no route takes 'GTE': nothing is counted of it (did you mean 'GET'?)"),
    ("routes: [{ match: ANY /pets }]\n" + ALARM + "dimensions: { method: ANY } }]", "ANY }", "dimensions.method: 'ANY' is no standard method: nothing is counted of it (without `method` all are counted)"),
    (ALARM + "evaluate_low_sample_count_percentile: ignore }]", "ignore", "evaluate_low_sample_count_percentile: no statistic is a percentile, so that it has no effect (like p99)"),
    (ALARM + "actions: [{ type: command, run: [/nowhere/page, ops] }] }]", "/nowhere", "'/nowhere/page' cannot be run: No such file or directory"),
    (ALARM + "ok_actions: [{ type: command, run: [/etc/passwd] }] }]", "/etc/", "'/etc/passwd' cannot be run: who asks may not execute it"),
    ("access_log: { format: clf }\nmetric_filters: [{ pattern: '{ $.status = 5* }', metric: m }]", "'{", "it reads JSON, and the access log's lines are none"),
    ("access_log: { format: clf }\nmetric_filters: [{ pattern: timeout, metric: m, value: $.duration_us }]", "timeout", "it reads JSON, and the access log's lines are none"),
    ("metric_filters: [{ pattern: '[ip, status = 5*]', metric: m }]", "'[ip", "it reads fields between spaces, and the access log's lines are JSON"),
    ("metric_filters: [{ pattern: '{ $.statsu = 5* }', metric: m }]", "'{", "metric_filters[].pattern: no line of the access log has 'statsu' (did you mean 'status'?)"),
    ("metric_filters: [{ pattern: '{ $.status = 5* && $.upstream.status = 5* && $.tsl.version EXISTS }', metric: m }]", "'{", "has 'tsl' (did you mean 'tls'?)"),
    ("metric_filters: [{ pattern: timeout, metric: m, value: $.duration }]", "$.dur", "metric_filters[].value: no line of the access log has 'duration'"),
    ("metric_filters: [{ pattern: timeout, metric: m, dimensions: { Method: $.methd } }]", "$.methd", "metric_filters[].dimensions: no line of the access log has 'methd'"),
    ("access_log: { format: '{ \"id\": $context.requestId, \"code\": $context.status }' }\nmetric_filters: [{ pattern: '{ $.code = 5* && $.status = 5* }', metric: m }]", "'{ $",
     "metric_filters[].pattern: no line of the access log has 'status'"),
    ("traces: { ratio: 0.5 }", "0.5", "traces.ratio: no sampler asks for it (set traces.sampler to parentbased_traceidratio)"),
    ("traces: { xray: { in_progress: 5s } }", "5s", "traces.xray.in_progress: nothing goes to X-Ray (add xray to traces.exporter)"),
    ("otlp: { endpoint: 'http://127.0.0.1:1/v1/traces' }", "'http", "otlp.endpoint: /v1/traces goes behind it, and would be there twice (leave that path out)"),
    ("otlp: { endpoint: 'http://127.0.0.1:1/x/v1/logs/' }", "'http", "otlp.endpoint: /v1/logs goes behind it, and would be there twice (leave that path out)"),
    ("traces: { slow: 5s }", "5s", "traces.slow: nobody asks what is slow (add slow to traces.always)"),
    ("metrics: { otlp: { interval: 10s } }", "10s", "metrics.otlp.interval: metrics are not pushed (set metrics.exporter to otlp)"),
    ("metrics: { otlp: { temporality: delta } }", "delta", "metrics.otlp.temporality: metrics are not pushed"),
    ("metrics: { otlp: { histograms: exponential } }", "expo", "metrics.otlp.histograms: metrics are not pushed"),
    ("logs: { limits: { attributes: 5 } }", "5 }", "logs.limits.attributes: no log record is made (set logs.otlp)"),
    ("logs: { batch: { size: 5 } }", "5 }", "logs.batch.size: no log record is made (set logs.otlp)"),
    ("access_log: { path: a.log }\nwaf_log: { path: './a.log' }\nexecution_log: { path: a.log, level: info }", "a.log, ", "execution_log.path: access_log has this file, too: their lines are mixed"),
    *[(text.replace("PATH", "/nowhere/x"), "/nowhere", f"{key}: it cannot be written: /nowhere: No such file or directory (make the folder first)") for key, text in (
        ("access_log.path", "access_log: { path: PATH }"), ("audit_log.path", "audit_log: { path: PATH }"),
        ("execution_log.path", "execution_log: { path: PATH }"), ("waf_log.path", "waf_log: { path: PATH }"),
        ("change_log.path", "change_log: { path: PATH }"), ("rules.log.path", "rules: { mode: off, log: { path: PATH } }"),
        ("metrics.emf.path", "metrics: { emf: { path: PATH } }"), ("process.log.path", "process: { log: { path: PATH } }"),
        ("traces.xray.path", "traces: { exporter: xray, xray: { path: PATH } }"))],
    ("audit_log: { path: a.log, type: concurrent, storage_dir: /nowhere }", "/nowhere", "audit_log.storage_dir: it cannot be written: /nowhere: No such file"),
    *([("process: { user: nobody-of-that-name }", "nobody", "process.user: there is no user 'nobody-of-that-name' here")] if os.getuid() == 0 else []),
    ("access_log: { path: /etc }", "/etc", "access_log.path: it cannot be written: /etc: this is a folder"),
    ("process: { state_dir: /etc/passwd }", "/etc", "process.state_dir: it cannot be written: /etc/passwd: this is no folder"),
    ("process: { state_dir: /etc/passwd/x/y }", "/etc", "process.state_dir: it cannot be written: /etc/passwd/x: Not a directory"),
    ("otlp: { endpoint: 'http://127.0.0.1:1', spool: { path: /etc/passwd } }", "/etc", "otlp.spool.path: it cannot be written: /etc/passwd: this is no folder"),
]


@pytest.mark.parametrize("text,at,said", WITHOUT_EFFECT)
def test_what_has_no_effect_or_will_fail_is_warned_of_at_its_place(tmp_path, text, at, said):
    path = tmp_path / "a.yaml"
    path.write_text(NEEDED + text + "\n")
    line = text.count("\n", 0, text.index(at)) + 4
    column = text.index(at) - (text.rfind("\n", 0, text.index(at)) + 1) + 1
    code, out, err = run("check", "-c", str(path))
    assert code == 0, err
    first = out.splitlines()[0]
    assert first.startswith(f"{path}:{line}:{column}: warning: ") and said in first, out
    assert out.splitlines()[-1].endswith("warnings 1"), out


def test_what_has_its_effect_is_not_warned_of(tmp_path):
    """The same settings where they mean something, and files that a start would make."""
    (tmp_path / "there.log").write_text("")
    path = tmp_path / "a.yaml"
    path.write_text(NEEDED + "execution_log: { path: there.log, level: info, data_trace: on }\n"
                    "process: { state_dir: made/at/the/start }\nwaf_log: { path: off, redacted_fields: [method] }\n"
                    "metrics: { emf: { path: /dev/stdout, namespace: Orders }, exporter: otlp, otlp: { interval: 10s } }\nrules: { mode: off, log: { path: rules.log } }\n"
                    "routes: [{ match: GET /pets }, { match: ANY /x }, { match: PROPFIND /x }, { match: PURGE /x }, { match: GETATTR /x }, { match: GET /%7Eme }]\n"
                    "access: [{ name: a, match: { method: [GET, G*, LINK], path: ['*.php', '?x', /login, '/a?', '*..', '/.*', '/100%', '/a%2Fb', /x/], route: ['/x', '/p*'] }, action: block }]\naccess_log: { path: /dev/stdout }\naudit_log: { path: /dev/stdout }\n"
                    "metric_filters: [{ pattern: '{ $.status = 5* && $.upstream.status = 5* && $.client_asn = 1 }', metric: m }, { pattern: timeout, metric: n }, { pattern: '{ $.status = 5* }', metric: o, dimensions: { method: $.method, route: $.path } }]\n"
                    "traces: { sampler: traceidratio, ratio: 0.5, exporter: xray, xray: { in_progress: 5s }, always: [slow], slow: 5s }\n"
                    "otlp: { endpoint: 'http://127.0.0.1:1' }\nlogs: { otlp: events, limits: { attributes: 5 }, batch: { size: 5 } }\n"
                    + ALARM + "dimensions: { route: /x, method: POST }, mute: [{ schedule: at(2999-01-01T00:00), duration: 1h }, { schedule: 'cron(0 0 29 2 *)', duration: 1h }, { schedule: 'cron(0 0 31 2 MON)', duration: 1h }], "
                    "actions: [{ type: command, run: [/bin/true] }] },\n"
                    "  { name: b, metric: Latency, statistic: p99, evaluate_low_sample_count_percentile: ignore, dimensions: { method: PROPFIND }, period: 60s, evaluation_periods: 1, threshold: 1, comparison_operator: GreaterThanThreshold },\n"
                    "  { name: c, metric: Latency, statistic: Average, evaluate_low_sample_count_percentile: evaluate, period: 60s, evaluation_periods: 1, threshold: 1, comparison_operator: GreaterThanThreshold },\n"
                    "  { name: d, metric: o, statistic: Sum, dimensions: { method: GETT, route: x }, period: 60s, evaluation_periods: 1, threshold: 1, comparison_operator: GreaterThanThreshold }]\n")
    code, out, _ = run("check", "--strict", "-c", str(path))
    assert code == 0 and out.endswith("warnings 0\n"), out


ONCE = [  # settings with one mistake, and what is said of it
    ("access_log: { path: a.log, rotate: { max_size: 10MB } }", "access_log.rotate.max_size: found '10MB'"),
    ("access_log: { path: a.log, rotate: { max_sise: 10MiB } }", "unknown key 'max_sise'"),
    ("access_log: { paht: a.log, rotate: { max_size: 10MiB } }", "unknown key 'paht'"),
    ("access_log: { syslog: { adress: 'udp://127.0.0.1:514' } }", "unknown key 'adress'"),
    ("access_log: { syslog: { address: 'udp//127.0.0.1:514' } }", "access_log.syslog.address: found 'udp//127.0.0.1:514'"),
    ("access_log: { syslog: { address: 'tls://127.0.0.1:6514', cert_file: a.pem, key_fil: a.key } }", "unknown key 'key_fil'"),
    ("rules: { mode: off, log: { firehose: { ulr: 'http://127.0.0.1/' } } }", "unknown key 'ulr'"),
    ("access_log: { cloudwatch_logs: { endpoint: 'http://127.0.0.1:1', log_group_name: x, region: eu, access_key_id: a, secret_access_key_file: open.txt } }",
     "everybody may read it"),
    ("audit_log: { path: a.log, type: concurrent, storage_dr: / }", "unknown key 'storage_dr'"),
    ("traces: { exporter: [xrai], xray: { address: 127.0.0.1:2000 } }", "did you mean 'xray'?"),
    ("traces: { sampler: xrai, xray: { sampling: { endpoint: 'http://127.0.0.1:1' } } }", "did you mean 'xray'?"),
    ("otlp: { endpiont: 'http://127.0.0.1:1' }\nmetrics: { exporter: otlp }", "unknown key 'endpiont'"),
    ("otlp: { endpoint: 'https://127.0.0.1:1', cert_file: /etc/passwd, key_fil: x }", "unknown key 'key_fil'"),
    ("rules: { crs: { foldr: /usr/share/modsecurity-crs } }", "unknown key 'foldr'"),
    ("rules: { exclusions: [{ rule: 1, raeson: x }] }", "unknown key 'raeson'"),
    ("admin: { address: 0.0.0.0:7601, token_fil: x }", "unknown key 'token_fil'"),
    ("ip_sets: { a: { adresses: [127.0.0.1] } }", "unknown key 'adresses'"),
    ("ip_sets: { a: { ulr: 'http://127.0.0.1/', timeout: 1s } }", "unknown key 'ulr'"),
    ("access: [{ nam: a, match: { path: /x }, action: block }]", "unknown key 'nam'"),
    ("access: [{ name: a, match: { path: /x }, acton: block }]", "unknown key 'acton'"),
    ("routes: [{ match: GET /a, rate_limits: [x], authorizer: a }]\nrate_limits: { x: { key: [jwt.sub], rate: 1/s } }",
     "there is no authorizer 'a'"),
    ("routes: [{ match: GET /a, scopes: [x], authorizr: a }]", "unknown key 'authorizr'"),
    ("rate_limits: { x: { rat: 1/s } }", "unknown key 'rat'"),
    ("api_keys: { fil: x }\nusage_plans: { a: { throttle: { rate: 1/s } } }\nprocess: { state_dir: . }", "unknown key 'fil'"),
    ("authorizers: { a: { type: jwtt, issuer: 'https://a/' } }", "authorizers.*.type"),
    ("authorizers: { a: { type: jwt, isuer: 'https://a/', algorithms: [RS256] } }", "unknown key 'isuer'"),
    ("authorizers: { a: { type: jwt, issuer: a, algorithms: [RS256], jwks_fil: x } }", "unknown key 'jwks_fil'"),
    ("authorizers: { a: { type: http, url: 'http://127.0.0.1:1', identity: [$request.heder.x] } }", "$request.heder.x"),
    ("authorizers: { a: { type: introspection, url: 'http://127.0.0.1:1', bearer_token_fil: x } }", "unknown key 'bearer_token_fil'"),
    ("listeners: [{ address: 127.0.0.1:1, tls: { certificats: [] } }]", "unknown key 'certificats'"),
    ("listeners: [{ address: 127.0.0.1:1, tls: { certificates: [{ cert_file: open.txt, key_file: /nowhere }] } }]",
     "key_file: '/nowhere': No such file or directory"),
    ("rules: { crs: { folder: /nowhere } }", "rules.crs.folder: there is no folder '/nowhere' (Debian's package is modsecurity-crs"),
    ("otlp: { endpoint: 'https://127.0.0.1:1', ca_file: /nowhere }", "otlp.ca_file: '/nowhere': No such file or directory"),
    ("access: [{ name: x, match: { path: /x }, action: count }, { web_acl: /nowhere }]", "a.yaml:4:70: access[].web_acl: '/nowhere': No such file"),
    ("listeners: [{ address: 127.0.0.1:1, tls: { certificates: [{ cert_fil: a, key_file: b }] } }]", "unknown key 'cert_fil'"),
    ("access: { name: a, match: { path: /x }, action: block }", "access: found a map, expected a list"),
    ("access_log: { path: '${SIDEGATE_STORY_UNSET}/a.log' }", "SIDEGATE_STORY_UNSET"),
    ("service:\n  name: a: b", "(a text with ': ' in it stands in quotes; keys of one map have one indentation)"),
    (ALARM.replace("statistic", "statistik") + "}]", "unknown key 'statistik'"),
    (ALARM.replace("period:", "perod:") + "}]", "unknown key 'perod'"),
    (ALARM + "actions: [{ typ: log }] }]", "unknown key 'typ'"),
    (ALARM + "actions: [{ type: webhook, ulr: 'http://127.0.0.1/' }] }]", "unknown key 'ulr'"),
    (ALARM + "mute: [{ schedul: cron(0 2 * * *) }] }]", "unknown key 'schedul'"),
]


@pytest.mark.parametrize("text,said", ONCE)
def test_one_mistake_is_one_fault(tmp_path, text, said):
    """What was given and is wrong is not reported as missing as well."""
    secret, path = tmp_path / "open.txt", tmp_path / "a.yaml"
    secret.write_text("secret\n")
    secret.chmod(0o644)
    path.write_text((NEEDED if "listeners" not in text else NEEDED.replace("listeners: [{ address: 127.0.0.1:8080 }]\n", "")) + text + "\n")
    code, _, err = run("check", "-c", str(path))
    assert code == 3 and said in err.splitlines()[0], err
    assert err.endswith("refused: errors 1, warnings 0\n"), err


@pytest.mark.parametrize("wrong", ["listner: [{ address: 127.0.0.1:8080 }]", "listeners: { address: 127.0.0.1:8080 }"])
def test_a_section_that_was_refused_is_not_missing_as_well(tmp_path, wrong):
    path = tmp_path / "a.yaml"
    path.write_text(NEEDED.replace("listeners: [{ address: 127.0.0.1:8080 }]", wrong))
    code, _, err = run("check", "-c", str(path))
    assert code == 3 and err.endswith("refused: errors 1, warnings 0\n"), err


def test_all_faults_are_told_at_once(tmp_path):
    rules, path = tmp_path / "own.conf", tmp_path / "a.yaml"
    rules.write_text("\n".join(text.replace("id:1,", f"id:{i + 1},") for i, (text, _, _) in enumerate(RULES[:6])) + "\n")
    path.write_text(NEEDED + f"rules: {{ files: [{rules}] }}\nlimts: {{}}\n")
    code, _, err = run("check", "-c", str(path))
    assert code == 3 and f"{path}:5:1: " in err
    path.write_text(NEEDED + f"rules: {{ files: [{rules}] }}\n")
    code, _, err = run("check", "-c", str(path))
    assert code == 3 and [f"{rules}:{line}:" in err for line in range(1, 7)] == [True] * 6, err


def cannot_start(tmp_path, text):
    """`run` and `check` say the same one sentence, and nothing is started."""
    path = tmp_path / "a.yaml"
    path.write_text(text)
    codes = []
    for command in ("check", "run"):
        code, out, err = run(command, "-c", str(path))
        assert out == "" and "Sanitizer" not in err, err
        codes.append(code)
    assert codes == [3, 3], err
    return err


def test_a_folder_without_the_core_rule_set_is_named(tmp_path):
    assert f"{tmp_path}/nowhere" in cannot_start(tmp_path, NEEDED + f"rules: {{ crs: {{ folder: {tmp_path}/nowhere }} }}\n")
    (tmp_path / "empty").mkdir()
    assert f"{tmp_path}/empty" in cannot_start(tmp_path, NEEDED + f"rules: {{ crs: {{ folder: {tmp_path}/empty }} }}\n")


def test_a_rule_file_that_is_not_there_is_named(tmp_path):
    assert f"{tmp_path}/nowhere.conf" in cannot_start(tmp_path, NEEDED + f"rules: {{ files: [{tmp_path}/nowhere.conf] }}\n")


def test_a_rule_file_that_everybody_may_write_is_named(tmp_path):
    rules = tmp_path / "own.conf"
    rules.write_text("SecRuleEngine On\n")
    rules.chmod(0o666)
    said = cannot_start(tmp_path, NEEDED + f"rules: {{ files: [{rules}] }}\n")
    assert f"{rules}" in said and "everybody may write it" in said


def test_a_configuration_that_cannot_be_read_is_named(tmp_path):
    code, _, err = run("run", "-c", str(tmp_path / "nowhere.yaml"))
    assert code == 3 and f"{tmp_path}/nowhere.yaml" in err and "No such file" in err
    code, _, err = run("check", "-c", str(tmp_path))
    assert code == 3 and f"{tmp_path}" in err


def test_a_token_file_that_is_not_there_is_named(tmp_path):
    assert f"{tmp_path}/token" in cannot_start(tmp_path, NEEDED + f"admin: {{ token_file: {tmp_path}/token }}\n")


def test_an_admin_address_for_everybody_needs_a_token(tmp_path):
    assert "admin.token_file" in cannot_start(tmp_path, NEEDED + "admin: { address: 0.0.0.0:7601 }\n")


@pytest.mark.skipif(os.getuid() != 0, reason="only root becomes somebody else")
def test_a_user_that_is_not_there_is_named(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text(NEEDED.replace("8080", "0") + "process: { user: nobody-of-that-name }\nstatus: { address: off }\nadmin: { address: off }\n")
    code, _, err = run("run", "-c", str(path))
    assert code in (1, 3) and "nobody-of-that-name" in err
