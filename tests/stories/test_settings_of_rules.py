# SPDX-License-Identifier: Apache-2.0
"""What the settings say of rules over what the rule sets say: exclusions, modes and levels by route, plugins. With the real CRS."""
import json
import os
import shutil
from pathlib import Path

import pytest
from harness import DATA, run

DEBIAN = [Path(os.environ.get("SIDEGATE_CRS3", "/")), Path("/"), Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "sidegate/modsecurity-crs"]
SQL = "1%27%20or%20%271%27=%271"
PLAIN = [("User-Agent", "story"), ("Accept", "*/*")]


def crs(folder, version):
    """A folder with that rule set: links to the rules, a setup file of its own."""
    if version == 4:
        rules, setup = DATA / "crs-4/rules", DATA / "crs-4/crs-setup.conf.example"
    else:
        root = next((r for r in DEBIAN if (r / "usr/share/modsecurity-crs/rules").exists()), DEBIAN[0])
        rules, setup = root / "usr/share/modsecurity-crs/rules", root / "etc/modsecurity/crs/crs-setup.conf"
    if not rules.exists() or not setup.exists():
        pytest.skip(f"CRS {version} is not on this machine ({rules})")
    made = folder / f"crs{version}"
    made.mkdir()
    (made / "rules").symlink_to(rules)
    shutil.copy(setup, made / "crs-setup.conf")
    return made


def request_file(folder, target):
    path = folder / "request.http"
    path.write_bytes(f"GET {target} HTTP/1.1\r\nHost: test.example\r\nUser-Agent: story\r\nAccept: */*\r\n\r\n".encode())
    return str(path)


def explained(s, folder, target, *words):
    """What `explain` says of the same request with the same configuration."""
    code, out, err = run("explain", "-c", str(s.config), "--set", "rules.cpu_budget=30s", request_file(folder, target), "--json", *words)
    assert code in (0, 1), err
    return json.loads(out)


def wafs(s, *paths):
    """What the access log says of the latest request to each path; lines of the security lane may come first."""
    found = {line["path"]: line["waf"] for line in s.lines(len(paths))}
    return [found[path] for path in paths]


# ---- exclusions ----

def test_an_exclusion_lets_its_argument_through_at_its_path_alone(sidegate, backend, tmp_path):
    s = sidegate(backend().url, config=f"""rules:
  crs: {{ folder: {crs(tmp_path, 3)} }}
  exclusions:
    - {{ rule: "tag:attack-sqli", target: "ARGS:q", path: /search, reason: full text search }}
""")
    assert s.ask(target=f"/search?q={SQL}", fields=PLAIN).status == 200
    assert s.ask(target=f"/search?p={SQL}", fields=PLAIN).status == 403
    assert s.ask(target=f"/other?q={SQL}", fields=PLAIN).status == 403
    assert s.ask(target=f"/search?q=%3Cscript%3Ealert(1)%3C/script%3E", fields=PLAIN).status == 403
    assert sorted(line["waf"]["action"] for line in s.lines(4)) == ["block", "block", "block", "pass"]
    assert explained(s, tmp_path, f"/search?q={SQL}")["status"] == 200
    said = explained(s, tmp_path, f"/search?q={SQL}", "--rule", "942100")["rule"]
    assert f"the exclusion of {s.config}:" in said and "full text search" in said


def test_a_rule_that_is_excluded_whole_says_who_did_it(tmp_path):
    (tmp_path / "own.conf").write_text("SecRuleRemoveById 942140\nSecRuleUpdateTargetById 942150 \"!ARGS:free\"\n")
    config = tmp_path / "a.yaml"
    config.write_text(f"""version: 1
listeners: [{{ address: 127.0.0.1:8080 }}]
upstreams: {{ app: {{ targets: ["http://127.0.0.1:3000"] }} }}
rules:
  crs: {{ folder: {crs(tmp_path, 3)} }}
  files: [own.conf]
  exclusions:
    - {{ rule: 942100, reason: "it is only a demo" }}
    - {{ rule: 1, reason: nobody has it }}
    - {{ rule: 942110, reason: gone, expires: 2020-01-01 }}
""")
    code, out, err = run("check", "-c", str(config))
    assert code == 0, err
    assert f"{config}:9:15: warning: rules.exclusions[].rule: no rule that is loaded is meant by '1'" in out
    assert f"{config}:10:46: warning: rules.exclusions[].expires: this day has come" in out
    assert f"acts: SecRuleRemoveById 942140 ({tmp_path}/own.conf:1): rules 1" in out
    assert f"acts: SecRuleUpdateTargetById 942150 !ARGS:free ({tmp_path}/own.conf:2): rules 1" in out
    assert f"acts: exclusion ({config}:8) 942100: it is only a demo: rules 1" in out
    assert f"acts no more: exclusion ({config}:10) 942110 until 2020-01-01: gone: rules 1" in out
    code, out, _ = run("check", "--json", "-c", str(config))
    acts = [(a["line"], a["text"], a["rules"]) for a in json.loads(out)["acts"]]
    assert acts == [(1, "SecRuleRemoveById 942140", 1), (2, "SecRuleUpdateTargetById 942150 !ARGS:free", 1),
                    (8, "942100: it is only a demo", 1), (9, "1: nobody has it", 0)]
    code, out, _ = run("rules", "show", "942100", "-c", str(config))
    assert code == 0 and f"removed by the exclusion of {config}:8, it is only a demo: ctl:ruleRemoveById=942100" in out
    code, out, _ = run("rules", "show", "942150", "-c", str(config))
    assert code == 0 and f"changed by SecRuleUpdateTargetById 942150 !ARGS:free ({tmp_path}/own.conf:2)" in out
    code, _, err = run("rules", "show", "942140", "-c", str(config))
    assert code == 1 and f"removed by SecRuleRemoveById 942140 ({tmp_path}/own.conf:1)" in err
    request = request_file(tmp_path, f"/?q={SQL}")
    _, out, _ = run("explain", "-c", str(config), request, "--rule", "942100")
    assert f"was not run: removed for this request by ctl:ruleRemoveById=942100 (the exclusion of {config}:8" in out
    _, out, _ = run("explain", "-c", str(config), request, "--rule", "942140")
    assert f"is not loaded; SecRuleRemoveById 942140 ({tmp_path}/own.conf:1) removed it" in out
    _, out, _ = run("explain", "-c", str(config), request, "--rule", "942150")
    assert f"SecRuleUpdateTargetById 942150 !ARGS:free ({tmp_path}/own.conf:2) changed it" in out


# ---- by route ----

HIGHER = "/{}?q=" + "%27%60" * 3  # quotes and backticks: nothing for level 1, repeated special characters for level 3

LEVELS = """rules: {{ crs: {{ folder: {} }} }}
routes:
  - {{ match: "ANY /{{proxy+}}" }}
  - {{ match: ANY /strict, rules: {{ crs: {{ paranoia: 4 }} }} }}
  - {{ match: ANY /watched, rules: {{ crs: {{ detection_paranoia: 4 }} }} }}
  - {{ match: ANY /patient, rules: {{ crs: {{ paranoia: 4, inbound_threshold: 1000 }} }} }}
"""


@pytest.mark.parametrize("version", [3, 4])
def test_the_same_request_passes_at_level_1_and_is_refused_where_a_route_wants_more(sidegate, backend, tmp_path, version):
    folder = crs(tmp_path, version)
    s = sidegate(backend().url, config=LEVELS.format(folder))
    got = [s.ask(target=HIGHER.format(route), fields=PLAIN).status for route in ("calm", "strict", "watched", "patient")]
    assert got == [200, 403, 200, 200]
    calm, strict, watched, patient = wafs(s, "/calm", "/strict", "/watched", "/patient")
    assert calm["rules"] == [] and calm["score"] == 0
    assert strict["action"] == "block" and strict["score"] >= 5
    assert patient["score"] == strict["score"] and patient["action"] == "pass"
    higher = [i for i in strict["rules"] if i < 949000]
    assert higher and [i for i in watched["rules"] if i < 949000] == higher and watched["score"] == 0
    for route, waf in (("calm", calm), ("strict", strict), ("watched", watched), ("patient", patient)):
        said = explained(s, tmp_path, HIGHER.format(route))["waf"]
        assert (said["action"], said["rules"], said["score"]) == (waf["action"], waf["rules"], waf["score"])


@pytest.mark.parametrize("version", [3, 4])
def test_a_routes_level_wins_over_the_setup_file_and_takes_detection_with_it(sidegate, backend, tmp_path, version):
    folder = crs(tmp_path, version)
    name = ("paranoia_level", "executing_paranoia_level") if version == 3 else ("blocking_paranoia_level", "detection_paranoia_level")
    with open(folder / "crs-setup.conf", "a") as setup:
        setup.write(f'\nSecAction "id:900999,phase:1,pass,nolog,setvar:tx.{name[0]}=1,setvar:tx.{name[1]}=1"\n')
    s = sidegate(backend().url, config=LEVELS.format(folder))
    assert s.ask(target=HIGHER.format("calm"), fields=PLAIN).status == 200
    assert s.ask(target=HIGHER.format("strict"), fields=PLAIN).status == 403


MODES = """rules: {{ mode: {}, files: [own.conf] }}
routes:
  - {{ match: "ANY /{{proxy+}}" }}
  - {{ match: ANY /refused, rules: {{ mode: on }} }}
  - {{ match: ANY /watched, rules: {{ mode: detection_only }} }}
  - {{ match: "GET /free/{{proxy+}}", rules: {{ mode: off }} }}
"""


@pytest.mark.parametrize("top,wanted", [("on", 403), ("detection_only", 200), ("off", 200)])
def test_a_route_has_a_mode_of_its_own_and_log_and_metrics_tell_it(sidegate, backend, tmp_path, top, wanted):
    (tmp_path / "own.conf").write_text('SecRule ARGS "@streq evil" "id:1,phase:1,deny"\nSecRule ARGS "@streq evil" "id:2,phase:5,pass,log"\n')
    s = sidegate(backend().url, config=MODES.format(top))
    targets = ("/top", "/refused", "/watched", "/free/a")
    assert [s.ask(target=f"{t}?q=evil").status for t in targets] == [wanted, 403, 200, 200]
    said = wafs(s, *targets)
    assert [w["mode"] for w in said] == [top, "on", "detection_only", "off"]
    assert said[1]["action"] == "block" and said[2]["action"] == "would_block" and said[3]["rules"] == []
    assert [explained(s, tmp_path, f"{t}?q=evil")["status"] for t in targets] == [wanted, 403, 200, 200]
    page = s.status("/metrics")[1].splitlines()
    assert f"sidegate_waf_effective {int(top == 'on')}" in page
    assert 'sidegate_waf_effective{http_request_method="ANY",http_route="/refused"} 1' in page
    assert 'sidegate_waf_effective{http_request_method="ANY",http_route="/watched"} 0' in page
    assert 'sidegate_waf_effective{http_request_method="GET",http_route="/free/{proxy+}"} 0' in page


def test_a_doubtful_path_does_not_lead_around_the_rules(sidegate, backend, tmp_path):
    (tmp_path / "own.conf").write_text('SecRule ARGS "@streq evil" "id:1,phase:1,deny"\n')
    s = sidegate(backend().url, config=MODES.format("on") + "limits: { doubtful_paths: pass }")
    assert s.ask(target="/free/..%2ftop?q=evil").status == 403
    assert s.ask(target="/free/a?q=evil").status == 200


def test_a_rule_may_change_the_mode_of_a_request_and_the_log_tells_it(sidegate, backend, tmp_path):
    (tmp_path / "own.conf").write_text('SecRule ARGS:d "@streq 1" "id:1,phase:1,pass,nolog,ctl:ruleEngine=DetectionOnly"\n'
                                       'SecRule ARGS "@streq evil" "id:2,phase:2,deny"\n')
    s = sidegate(backend().url, config="rules: { files: [own.conf], request_body: { inspect: 8B } }")
    assert s.ask("POST", "/watched?d=1", body=b"a=evil&b=123456789").status == 200
    assert s.ask("POST", "/on?d=2", body=b"a=evil&b=123456789").status == 413
    assert [w["mode"] for w in wafs(s, "/watched", "/on")] == ["detection_only", "on"]


def test_a_reload_changes_a_routes_mode_and_the_metric(sidegate, backend, tmp_path):
    (tmp_path / "own.conf").write_text('SecRule ARGS "@streq evil" "id:1,phase:1,deny"\n')
    s = sidegate(backend().url, config=MODES.format("on"))
    assert s.ask(target="/watched?q=evil").status == 200
    s.write(MODES.format("on").replace("detection_only", "on"))
    code, _, err = run("reload", "--admin", f"127.0.0.1:{s.admin_port}")
    assert code == 0, err
    assert s.ask(target="/watched?q=evil").status == 403
    assert s.metric("sidegate_waf_effective", http_route="/watched") == 1


def test_a_reload_changes_an_exclusion(sidegate, backend, tmp_path):
    (tmp_path / "own.conf").write_text('SecRule ARGS "@streq evil" "id:1,phase:1,deny"\n')
    config = "rules: {{ files: [own.conf], exclusions: [{{ rule: 1, path: {}, reason: a story }}] }}"
    s = sidegate(backend().url, config=config.format("/a"))
    assert [s.ask(target=f"{path}?q=evil").status for path in ("/a", "/b")] == [200, 403]
    s.write(config.format("/b"))
    code, _, err = run("reload", "--admin", f"127.0.0.1:{s.admin_port}")
    assert code == 0, err
    assert [s.ask(target=f"{path}?q=evil").status for path in ("/a", "/b")] == [403, 200]


# ---- plugins of CRS 4 ----

def test_a_plugins_three_files_stand_around_the_rules(sidegate, backend, tmp_path):
    """As the CRS's documentation has it: config sets, before excludes, after looks at what the rules found."""
    folder = crs(tmp_path, 4)
    plugins = folder / "plugins"
    plugins.mkdir()
    (plugins / "story-config.conf").write_text('SecAction "id:9500010,phase:1,pass,nolog,setvar:tx.story-plugin_enabled=1"\n')
    (plugins / "story-before.conf").write_text(
        'SecRule TX:story-plugin_enabled "@eq 0" "id:9500100,phase:1,pass,nolog,ctl:ruleRemoveById=9500100-9500999"\n'
        'SecRule REQUEST_FILENAME "@streq /search" "id:9500110,phase:1,pass,nolog,ctl:ruleRemoveTargetByTag=attack-sqli;ARGS:q"\n')
    (plugins / "story-after.conf").write_text(
        'SecRule TX:blocking_inbound_anomaly_score "@ge 5" "id:9500200,phase:2,pass,log,msg:\'The plugin saw a score\'"\n'
        'SecRule TX:sql_injection_score "@ge 1" "id:9500210,phase:2,pass,log,msg:\'The plugin saw SQL\'"\n')
    s = sidegate(backend().url, config=f"rules: {{ mode: detection_only, crs: {{ folder: {folder} }} }}")
    for target in (f"/search?q={SQL}", f"/other?q={SQL}"):
        assert s.ask(target=target, fields=PLAIN).status == 200
    excluded, seen = [w["rules"] for w in wafs(s, "/search", "/other")]
    assert [i for i in excluded if 942000 <= i < 943000 or i > 9500000] == []
    assert 942100 in seen and seen.index(9500210) > seen.index(942100)
    code, out, _ = run("rules", "list", "-c", str(s.config))
    ids = [int(line.split()[0]) for line in out.splitlines() if line.split() and line.split()[0].isdigit()]
    order = [ids.index(i) for i in (9500010, 9500110)]
    assert order == sorted(order) and ids.index(9500110) < ids.index(901001)


def test_a_plugin_is_switched_off_by_its_own_config(sidegate, backend, tmp_path):
    folder = crs(tmp_path, 4)
    plugins = folder / "plugins"
    plugins.mkdir()
    (plugins / "story-config.conf").write_text('SecAction "id:9500010,phase:1,pass,nolog,setvar:tx.story-plugin_enabled=0"\n')
    (plugins / "story-before.conf").write_text(
        'SecRule TX:story-plugin_enabled "@eq 0" "id:9500100,phase:1,pass,nolog,ctl:ruleRemoveById=9500100-9500999"\n'
        'SecRule REQUEST_FILENAME "@streq /search" "id:9500110,phase:1,pass,nolog,ctl:ruleRemoveTargetByTag=attack-sqli;ARGS:q"\n')
    s = sidegate(backend().url, config=f"rules: {{ crs: {{ folder: {folder} }} }}")
    assert s.ask(target=f"/search?q={SQL}", fields=PLAIN).status == 403
