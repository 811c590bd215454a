# SPDX-License-Identifier: Apache-2.0
"""One row tried: its rules are loaded, its requests sent, and what it claims is looked for among the facts."""
import json
import re
import subprocess

from sheet import read_message, unescape

ACTIONS = ("pass", "deny", "drop", "redirect")


class TrialFailed(Exception):
    pass


def demand(holds, why):
    if not holds:
        raise TrialFailed(why)


def framed(items):
    return b"".join(b"%s %d\n%s\n" % (k.encode(), len(v), v) for k, v in ((k, v.encode("latin-1")) for k, v in items))


def facts_of(program, row, text, folder):
    """The facts of one transaction: `METHOD TARGET ... => STATUS ...`."""
    asked, _, answered = text.partition(" => ")
    request, answer = read_message(asked), read_message(answered or "200")
    items = [("rules", "\n".join(["SecRuleEngine On"] + row.rules) + "\n"), ("client", "192.0.2.7"), ("client-port", "40000"),
             ("server", "198.51.100.1"), ("server-port", "443"), ("method", request.words[0]), ("target", request.words[1]),
             ("protocol", "HTTP/1.1"), ("body", request.body), ("answer", answer.words[0]),
             ("answer-protocol", "HTTP/1.1"), ("answer-body", answer.body)]
    items += [("field", f"{n}\n{v}") for n, v in request.fields]
    items += [("answer-field", f"{n}\n{v}") for n, v in answer.fields]
    done = subprocess.run([program], input=framed(items), cwd=folder, capture_output=True, timeout=60, check=False)
    demand(done.returncode == 0, "the program ended badly: " + done.stderr.decode("latin-1")[-1000:])
    return [json.loads(line) for line in done.stdout.decode("latin-1").splitlines()]


def only(facts, kind):
    return [f for f in facts if f["fact"] == kind]


def check_loads(facts):
    said = [f["message"] for f in facts if f["fact"] in ("fault", "warning")]
    demand(not said, "loading says: " + "; ".join(said))


def check_said(row, facts):
    """A row that is refused, or has no effect, says so with its own sentence; a notice is no fault."""
    kind = "fault" if row.claim == "fault" else "warning"
    sentences = row.all("sentence")
    demand(sentences, "a sentence is missing in the row")
    said = [f["message"] for f in only(facts, kind)]
    for sentence in sentences:
        demand(any(sentence in m for m in said), f"no {kind} has '{sentence}': {said}")
    demand(not re.search(r"unknown|no such", " ".join(said)), f"the {kind} is not about the word: {said}")
    demand(row.claim == "fault" or not only(facts, "fault"), f"a notice that is a fault: {only(facts, 'fault')}")


def check_verdict(want, facts):
    verdict = only(facts, "verdict")[0]
    said = "would refuse" if verdict["would"] else ACTIONS[verdict["action"]]
    if verdict["action"] in (1, 3) or verdict["would"]:
        said += f" {verdict['status']}"
    if verdict["redirect"]:
        said += " " + verdict["redirect"]
    demand(said == want, f"the verdict is '{said}', not '{want}'")


def check_audit(want, facts):
    audit = only(facts, "audit")[0]
    said = ("always " if audit["always"] else "never " if audit["never"] else "relevant ") + audit["parts"]
    demand(said == want, f"the audit is '{said}', not '{want}'")


def matched(facts, rule):
    return [f for f in only(facts, "matched") if f["rule"] == rule]


def check_told(row, facts):
    for key, text in row.told:
        if key == "verdict":
            check_verdict(text, facts)
        elif key == "audit":
            check_audit(text, facts)
        elif key == "says":
            name, _, want = text.partition(" ")
            got = matched(facts, 1)[0][name]
            got = got if isinstance(got, str) else json.dumps(got)
            demand(got == unescape(want), f"{name} is '{got}', not '{want}'")


def check_behaviour(program, row, folder):
    """`yes`: rule 1 matches and no rule 2 does; `no`: rule 1 does not."""
    demand(row.all("no") or "id:2" in "".join(row.rules), "nothing in the row could fail: add `no`, or a rule 2")
    for key, text in row.told:
        if key not in ("yes", "no"):
            continue
        facts = facts_of(program, row, text, folder)
        check_loads(facts)
        demand(bool(matched(facts, 1)) == (key == "yes"), f"rule 1 {'does not match' if key == 'yes' else 'matches'}: {text}")
        demand(key == "no" or not matched(facts, 2), f"rule 2 matches: {text}")
        if key == "yes":
            check_told(row, facts)


def check_shown(row, top):
    """`shown FILE TEST`: a test of that name is there, and its file is about the word."""
    for text in row.all("shown"):
        path, name = text.split()
        there = (top / path).exists() and (top / path).read_text()
        demand(there and re.search(rf"^(TEST\({name}\)|def {name}\()", there, re.M), f"{path} has no test {name}")


def try_row(program, row, folder, top):
    for text in row.all("file"):
        name, _, content = text.partition(" ")
        (folder / name).write_bytes(unescape(content).encode("latin-1"))
    check_shown(row, top)
    if row.claim != "supported":
        check_said(row, facts_of(program, row, "GET /", folder))
    elif row.all("yes"):
        check_behaviour(program, row, folder)
    else:
        demand(row.all("shown"), "no test shows it")
        check_loads(facts_of(program, row, "GET /", folder))
