# SPDX-License-Identifier: Apache-2.0
"""`sidegate keys`: a key is made and shown once, listed, revoked, imported; and what keys used is shown and granted."""
import json
import re
import threading
import time
import urllib.error
import urllib.request

import pytest
from api_keys import ALL, GOOD, OTHER, write_keys
from harness import always_ok, run, wait_until
from test_keys import QUOTA, ask, config, kept, started, until_429

TODAY = time.strftime("%Y-%m-%d", time.gmtime())


def keys(word, *words):
    return run("keys", word, *map(str, words))


def made(said):
    """(id, value) of what `keys add` says."""
    return re.fullmatch(r"id   (\S+)\nkey  ([A-Za-z0-9]{40})\n", said).groups()


def test_a_key_is_made_shown_once_let_in_and_revoked(sidegate, backend, tmp_path):
    path = tmp_path / "keys.yaml"
    code, said, _ = keys("add", "--file", path, "--name", "a shop: \"new\"\n#", "--plan", "basic", "--description", "it's ours")
    assert code == 0
    key_id, value = made(said)
    assert re.fullmatch(r"[a-z0-9]{10}", key_id) and value not in path.read_text() and path.stat().st_mode & 0o777 == 0o600
    code, said, _ = keys("add", "--file", path, "--name", "other", "--id", "k1", "--disabled")
    assert code == 0 and made(said)[0] == "k1"
    code, said, _ = keys("list", "--file", path)
    assert code == 0 and value not in said
    assert said == f'{key_id:24} enabled  basic a shop: "new"\\n#\n{"k1":24} disabled - other\n'
    s = sidegate(backend(always_ok).url, config(tmp_path, keys=", refresh: 100ms"))
    assert ask(s, value).status == 200
    assert keys("revoke", "--file", path, key_id)[0] == 0
    wait_until(lambda: ask(s, value).status == 403, "it is revoked")
    assert keys("list", "--file", path)[1].startswith(f"{key_id:24} disabled basic ")
    assert value not in s.log.read_text() + s.errors()


def test_what_a_file_of_keys_says_stays_the_same_when_it_is_written_again(tmp_path):
    path = tmp_path / "keys.yaml"
    assert keys("add", "--file", path, "--id", "k1", "--name", "costs ${PRICE}, and\u0085more\u2028of it \ufeff\uffff \x7f")[0] == 0
    first = path.read_text()
    for other in ("k2", "k3"):
        assert keys("add", "--file", path, "--id", other, "--name", "x")[0] == 0
    assert first in path.read_text()


def test_a_file_keeps_its_rights_and_what_it_cannot_read_stays_as_it_is(tmp_path):
    path = write_keys(tmp_path / "keys.yaml")
    path.chmod(0o640)
    assert keys("revoke", "--file", path, "k1")[0] == 0
    assert path.stat().st_mode & 0o777 == 0o640
    path.write_text("version: 1\nsalt: no\n")
    before = path.read_bytes()
    for words in (("add", "--name", "x"), ("revoke", "k1"), ("list",)):
        code, said, why = keys(words[0], "--file", path, *words[1:])
        assert code == 3 and said == "" and "'salt' is missing" in why
    assert path.read_bytes() == before


@pytest.mark.parametrize("words,code,why", [
    (("add", "--name", "x"), 2, "--file is missing"),
    (("add", "--file", "FILE"), 2, "--name is missing"),
    (("add", "--file", "FILE", "--name", "x", "--id", "a b"), 2, "--id: letters"),
    (("add", "--file", "FILE", "--name", "x", "--plan", "a b"), 2, "--plan: this is no name"),
    (("add", "--file", "FILE", "--name", "x", "--id", "k1"), 1, "there is a key of this id already"),
    (("revoke", "--file", "FILE"), 2, "its id is missing"),
    (("revoke", "--file", "FILE", "nobody"), 1, "there is no key of this id"),
    (("list", "--file", "FILE.none"), 3, "No such file"),
    (("import", "--file", "FILE"), 2, "which CSV file?"),
    (("import", "--file", "FILE", "none.csv"), 1, "No such file"),
    (("ad",), 2, "did you mean 'add'?"),
    (("usage",), 2, "--plan is missing"),
    (("usage", "--plan", "basic", "--state-dir", "/nowhere"), 1, "there is none"),
    (("usage", "--plan", "a b", "--admin", "127.0.0.1:9"), 2, "this is none"),
    (("usage", "--plan", "basic", "--admin", "127.0.0.1:9"), 4, "nobody answers"),
    (("usage", "--plan", "basic", "--grant", "x", "--key", "k1"), 2, "--grant: expected a number"),
])
def test_what_is_wrong_is_said(tmp_path, words, code, why):
    path = write_keys(tmp_path / "keys.yaml")
    before = path.read_bytes()
    got, _, said = keys(*[str(path) + w[4:] if w.startswith("FILE") else w for w in words])
    assert got == code and why in said, (got, said)
    assert path.read_bytes() == before


def test_many_who_add_at_once_undo_nobodys_work(tmp_path):
    path = tmp_path / "keys.yaml"
    threads = [threading.Thread(target=keys, args=("add", "--file", path, "--name", f"shop {i}")) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert keys("list", "--file", path)[1].count("enabled") == 8


CSV = f"""\ufeffusageplanids,NAME,Description,Owner,key,Enabled\r
basic,shop,"of ""us"", here",me,{"i" * 20},\r
'basic, gold',"two\nlines",,,{"j" * 40},FALSE\r
\r
"basic,gold",again,,,{GOOD},true\r
"""


def test_what_api_gateway_imports_is_imported(tmp_path):
    path = write_keys(tmp_path / "keys.yaml")
    csv = tmp_path / "keys.csv"
    csv.write_bytes(CSV.encode())
    code, said, why = keys("import", "--file", path, csv)
    assert (code, said) == (0, "2 new, 1 written over\n"), why
    lines = keys("list", "--file", path)[1].splitlines()
    assert lines[0] == f'{"k1":24} enabled  basic,gold again'
    assert [l.split(None, 1)[1] for l in lines[4:]] == ["enabled  basic shop", "disabled basic,gold two\\nlines"]
    assert 'of \\"us\\", here' in path.read_text()
    assert keys("import", "--file", path, csv)[1] == "0 new, 3 written over\n"
    assert len(keys("list", "--file", path)[1].splitlines()) == 6
    fresh = tmp_path / "fresh.yaml"
    assert keys("import", "--file", fresh, csv)[1] == "3 new, 0 written over\n"


@pytest.mark.parametrize("text,fault", [
    ("Name,Kee\na,b\n", ":1: the first line has to name the columns Name and Key"),
    ("", ":1: the first line has to name the columns Name and Key"),
    ("Name,Key\nshop,short-secret\n", ":2: Key: expected 20 to 128 visible characters"),
    (f"Name,Key\n,{'s' * 20}\n", ":2: Name: expected"),
    (f"Name,Key,Enabled\nok,{'t' * 20},\nshop,{'s' * 20},perhaps\n", ":3: Enabled: expected true or false"),
    (f"Name,Key,UsagePlanIds\nshop,{'s' * 20},'a b'\n", ":2: UsagePlanIds: expected names"),
    (f'Name,Key\n"shop,{"s" * 20}\n', ":2: a quote has no end"),
    (f'Name,Key\n"shop"x,{"s" * 20}\n', ":2: something stands behind a quote"),
])
def test_a_csv_with_a_fault_changes_nothing_and_its_keys_are_not_said(tmp_path, text, fault):
    path = write_keys(tmp_path / "keys.yaml")
    before = path.read_bytes()
    csv = tmp_path / "keys.csv"
    csv.write_text(text)
    code, _, said = keys("import", "--file", path, csv)
    assert code == 3 and fault in said, said
    assert path.read_bytes() == before and "short-secret" not in said and "s" * 20 not in said


# ---- usage ----

def api(s, query, method="GET", body=None, token=None):
    request = urllib.request.Request(f"http://127.0.0.1:{s.admin_port}/api/v1/usage{query}", method=method,
                                     data=None if body is None else json.dumps(body).encode(),
                                     headers={"Authorization": f"Bearer {token}"} if token else {})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as e:
        return e.code, json.load(e)


def remaining(value, path="/remaining", op="replace"):
    return {"patchOperations": [{"op": op, "path": path, "value": value}]}


def test_usage_is_told_in_the_shape_of_api_gateway(sidegate, backend, tmp_path):
    s, _ = started(sidegate, backend, tmp_path, plans=QUOTA.replace("limit: 5", "limit: 9"))
    for _ in range(3):
        ask(s, GOOD)
    ask(s, OTHER)
    status, told = api(s, f"?plan=basic&startDate={TODAY}&endDate={TODAY}")
    assert status == 200
    assert told == {"usagePlanId": "basic", "startDate": TODAY, "endDate": TODAY, "values": {"k1": [[3, 6]], "k2": [[1, 8]]}}
    told = api(s, "?plan=basic&key=k1")[1]
    assert told["startDate"] == TODAY[:8] + "01" and told["endDate"] == TODAY
    assert told["values"]["k1"] == [[0, 9]] * (int(TODAY[8:]) - 1) + [[3, 6]]
    assert api(s, "?plan=basic&key=nobody")[1]["values"] == {}
    told = api(s, f"?plan=basic&limit=1&startDate={TODAY}")[1]
    assert told["values"] == {"k1": [[3, 6]]} and told["position"] == "k1"
    told = api(s, f"?plan=basic&limit=1&position=k1&startDate={TODAY}")[1]
    assert told["values"] == {"k2": [[1, 8]]} and "position" not in told


def test_more_may_be_granted_for_the_period_that_runs(sidegate, backend, tmp_path):
    s, _ = started(sidegate, backend, tmp_path, **kept(tmp_path, 5))
    assert until_429(s) == 5
    status, told = api(s, "?plan=basic&key=k1", "PATCH", remaining("3"))
    assert (status, told["values"]) == (200, {"k1": [[5, 3]]})
    assert until_429(s) == 3
    code, said, why = keys("usage", "--plan", "basic", "--key", "k1", "--grant", 2, "--admin", f"127.0.0.1:{s.admin_port}")
    assert code == 0 and said.split() == ["k1", TODAY, "8", "2"], why
    wait_until(lambda: "k1 has 2 requests left in the usage plan basic" in s.errors(), "it is said")
    s.stop()
    s = sidegate(s.upstream, config(tmp_path, **kept(tmp_path, 5)))
    assert until_429(s) == 2


@pytest.mark.parametrize("method,query,body,status", [
    ("GET", "", None, 400), ("GET", "?plan=gold", None, 404), ("GET", "?plan=basic&startDate=yesterday", None, 400),
    ("GET", "?plan=basic&startDate=2026-01-01&endDate=2026-12-31", None, 400),
    ("GET", "?plan=basic&startDate=2026-01-02&endDate=2026-01-01", None, 400), ("GET", "?plan=basic&limit=501", None, 400),
    ("POST", "?plan=basic", {}, 405), ("PATCH", "?plan=basic", remaining("1"), 400), ("PATCH", "?plan=basic&key=nobody", remaining("1"), 404),
    ("PATCH", "?plan=open&key=k2", remaining("1"), 409), ("PATCH", "?plan=basic&key=k1", remaining("-1"), 400),
    ("PATCH", "?plan=basic&key=k1", remaining("1", path="/used"), 400), ("PATCH", "?plan=basic&key=k1", remaining("1", op="add"), 400),
    ("PATCH", "?plan=basic&key=k1", [], 400), ("PATCH", "?plan=basic&key=k1", remaining("10000000000"), 400)])
def test_what_is_no_question_is_refused(sidegate, backend, tmp_path, method, query, body, status):
    s, _ = started(sidegate, backend, tmp_path, plans=QUOTA + "\n", lines=ALL.replace("plans: [basic]", "plans: [open]"))
    s.write(config(tmp_path, plans=QUOTA[:-1] + ", open: {} }"))
    assert s.status("/api/v1/reload", s.admin_port, "POST")[0] == 200, s.errors()
    assert api(s, query, method, body)[0] == status


def test_usage_wants_the_token_where_there_is_one(sidegate, backend, tmp_path):
    (tmp_path / "token").write_text("a-token-for-the-admin-api\n")
    (tmp_path / "token").chmod(0o600)
    write_keys(tmp_path / "keys.yaml")
    s = sidegate(backend(always_ok).url, config(tmp_path))
    s.write(config(tmp_path, more=f"admin: {{ address: 127.0.0.1:{s.admin_port}, token_file: {tmp_path / 'token'} }}"))
    assert s.status("/api/v1/reload", s.admin_port, "POST")[0] == 200
    assert api(s, "?plan=basic")[0] == 401
    assert api(s, "?plan=basic", token="a-token-for-the-admin-api")[0] == 200
    code, _, said = keys("usage", "--plan", "basic", "--admin", f"127.0.0.1:{s.admin_port}")
    assert code == 1 and "--token-file" in said


def test_usage_is_shown_by_the_command_running_and_from_its_folder(sidegate, backend, tmp_path):
    s, _ = started(sidegate, backend, tmp_path, **kept(tmp_path, 9))
    for value in (GOOD, GOOD, OTHER):
        ask(s, value)
    want = [["k1", TODAY, "2", "7"], ["k2", TODAY, "1", "8"]]
    code, said, why = keys("usage", "--plan", "basic", "--admin", f"127.0.0.1:{s.admin_port}")
    assert code == 0 and [l.split() for l in said.splitlines()] == want, why
    code, said, _ = keys("usage", "--plan", "basic", "--json", "--key", "k2", "--from", TODAY, "--admin", f"127.0.0.1:{s.admin_port}")
    assert json.loads(said)["values"] == {"k2": [[1, 8]]}
    s.stop()
    code, said, why = keys("usage", "--plan", "basic", "--state-dir", tmp_path / "state")
    assert code == 0 and sorted(l.split() for l in said.splitlines()) == want, why
    assert keys("usage", "--plan", "basic", "--state-dir", tmp_path / "state", "--to", "2020-01-01")[1] == ""
    assert keys("usage", "--plan", "gold", "--state-dir", tmp_path / "state")[1] == ""


@pytest.mark.parametrize("value,status,said", [
    (GOOD, 200, "usage plan basic"), (None, 403, "key_missing"), ("x" * 40, 403, "key_unknown")])
def test_explain_says_what_a_key_comes_to_as_the_running_one_does(sidegate, backend, tmp_path, value, status, said):
    s, _ = started(sidegate, backend, tmp_path)
    assert ask(s, value).status == status
    request = tmp_path / "request.http"
    request.write_bytes(b"GET /pets HTTP/1.1\r\nHost: a.example\r\n" + (f"x-api-key: {value}\r\n".encode() if value else b"") + b"\r\n")
    code, text, why = run("explain", "-c", str(s.config), str(request))
    assert said in text and (value is None or value not in text), why
    told = json.loads(run("explain", "--json", "-c", str(s.config), str(request))[1])
    one = [d for d in told["decisions"] if d["control"] == "api_key"]
    assert one[0]["reason"] == said and one[0]["decision"] == ("allow" if status == 200 else "block")
