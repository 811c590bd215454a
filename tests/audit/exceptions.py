# SPDX-License-Identifier: Apache-2.0
"""What may differ between the two audit logs: name, reason, and a predicate over (path, theirs, ours, both records)."""
import re
from pathlib import Path

EXCEPTIONS = []


def exception(name, reason):
    def keep(predicate):
        EXCEPTIONS.append((name, reason, predicate))
        return predicate
    return keep


@exception("producer", "the product's own name and version")
def _(path, theirs, ours, pair):
    return path in ("producer.modsecurity", "producer.connector")


@exception("component quote", "libmodsecurity keeps the closing quote of SecComponentSignature")
def _(path, theirs, ours, pair):
    return path == "producer.components.0" and theirs == f'{ours}"'


@exception("reference", "offsets into libmodsecurity's own buffers; ours is empty")
def _(path, theirs, ours, pair):
    return path.endswith(".details.reference") and ours == ""


@exception("own page", "each server answers a refusal with its own page and its own fields")
def _(path, theirs, ours, pair):
    return pair.ours["response"]["http_code"] == 403 and (path == "response.body" or path.startswith("response.headers"))


@exception("server fields", "nginx puts its own Server, Date and Connection into the answer; ours passes the backend's and adds its id")
def _(path, theirs, ours, pair):
    return path in ("response.headers.server", "response.headers.date", "response.headers.connection", "response.headers.x-request-id")


@exception("framing", "our codec frames the body behind the log, by the version that the client speaks")
def _(path, theirs, ours, pair):
    return path in ("response.headers.content-length", "response.headers.transfer-encoding")


@exception("repeated field", "libmodsecurity writes a key twice, of which readers see the last; ours is a list of all")
def _(path, theirs, ours, pair):
    return path.startswith("response.headers.") and isinstance(ours, list) and theirs == ours[-1]


@exception("I, J, K", "libmodsecurity leaves these parts out; ours are filled")
def _(path, theirs, ours, pair):
    return theirs is None and (path == "request.fake_body" or path.startswith(("uploads.", "matched_rules.")))


def operator(text):
    """(operator, argument, variable, value) of a reason."""
    match = re.match(r"Matched \"Operator `!?(\w+)' with parameter `(.*)' against variable `([^`]*)' \(Value: `(.*)' \)$", text, re.S)
    return match.groups() if match else None


def cut(text):
    """What stands before the mark of a text that was cut, and whether it was."""
    match = re.match(r"(.*?)(?:\.\.\.| \(\d+ characters omitted\))$", text, re.S)
    return (match.group(1), True) if match else (text, False)


def same_cut(a, b):
    (a, a_cut), (b, b_cut) = cut(a), cut(b)
    return a == b if not (a_cut or b_cut) else a.startswith(b) or b.startswith(a)


def plain(text):
    """A value as it came: libmodsecurity writes control bytes as \\xHH."""
    return re.sub(r"\\x([0-9a-f]{2})", lambda m: chr(int(m.group(1), 16)), text)


def folded(text):
    """What transformations of the CRS leave of a value: letters and digits, without case."""
    return re.sub(r"[^a-z0-9]", "", plain(text).lower())


def reasons(path, theirs, ours):
    if not path.endswith(".details.match"):
        return None
    a, b = operator(theirs or ""), operator(ours or "")
    return (a, b) if a and b and a[2].lower() == b[2].lower() else None


def same_rule(a, b):
    return a[0].lower() == b[0].lower() and same_cut(a[1].replace('\\"', '"'), b[1].replace('\\"', '"'))


@exception("reason's words", "operators are spelled as in the rule (rx, not Rx) and without the quotes' backslashes; what is long is cut at another length")
def _(path, theirs, ours, pair):
    both = reasons(path, theirs, ours)
    return bool(both) and same_rule(*both) and same_cut(plain(both[0][3]), plain(both[1][3]))


@exception("reason's value", "libmodsecurity shows the value before its transformations, ours as the operator saw it")
def _(path, theirs, ours, pair):
    both = reasons(path, theirs, ours)
    return bool(both) and same_rule(*both) and same_cut(folded(both[0][3]), folded(both[1][3]))


@exception("detectors' reason", "libmodsecurity says 'detected SQLi using libinjection.'; ours names operator, variable and value")
def _(path, theirs, ours, pair):
    return path.endswith(".details.match") and re.match(r"detected (SQLi|XSS) using libinjection", theirs or "") and "`detect" in (ours or "")


def masks(theirs, ours):
    """Is ours the same text, or list of texts, with something masked?"""
    if isinstance(theirs, list) and isinstance(ours, list) and len(theirs) == len(ours):
        return all(t == o or masks(t, o) for t, o in zip(theirs, ours))
    shown = str(ours[-1] if isinstance(ours, list) else ours)
    return "REDACTED" in shown and bool(re.fullmatch(re.escape(shown).replace("REDACTED", ".+"), str(theirs), re.S))


@exception("secrets", "what is a secret by its name or by how it reads is masked in ours")
def _(path, theirs, ours, pair):
    return masks(theirs, ours)


@exception("fingerprint", "the detector is our own and says how it saw the text in signs of its own")
def _(path, theirs, ours, pair):
    pattern = r"Matched Data: (\S+) found within (.*)"
    a, b = (re.match(pattern, text or "", re.S) for text in (theirs, ours))
    rule = pair.ours["messages"][int(path.split(".")[1])]["details"]["ruleId"] if path.endswith(".details.data") else None
    return bool(rule == "942100" and a and b and a.group(2) == b.group(2))


@exception("lost tags", "libmodsecurity loses the tags of rules that match in certain ways; ours always has them")
def _(path, theirs, ours, pair):
    found = re.match(r"messages\.(\d+)\.details\.tags(\.\d+)?$", path)
    return bool(found) and pair.theirs["messages"][int(found.group(1))]["details"]["tags"] == []


@exception("no severity", "a rule without one: libmodsecurity says 0, which is EMERGENCY; ours says nothing")
def _(path, theirs, ours, pair):
    return path.endswith(".details.severity") and theirs == "0" and ours == ""


@exception("NUL", "libmodsecurity ends logdata at the first NUL")
def _(path, theirs, ours, pair):
    return path.endswith(".details.data") and "\0" in (ours or "") and theirs == ours.split("\0")[0]


@exception("line", "libmodsecurity miscounts lines behind certain comments; ours is where the rule begins, as the file shows")
def _(path, theirs, ours, pair):
    if not path.endswith(".details.lineNumber"):
        return False
    details = pair.ours["messages"][int(path.split(".")[1])]["details"]
    return Path(details["file"]).read_text().splitlines()[int(ours) - 1].startswith("Sec")
