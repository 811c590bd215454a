# SPDX-License-Identifier: Apache-2.0
"""Which sentence of ModSecurity's logs says which fact of ours.

An expectation is a pattern over ModSecurity 3's debug or error log. Each of our facts is told here in the words that
ModSecurity has for it, in the order in which they happened, and the pattern is looked for in that text. A fact that we do
not have has no sentence, so a case cannot pass by wording alone.
"""
import re


def shown(text):
    """As ModSecurity prints values: bytes that do not print as \\x and two digits."""
    return "".join(c if 32 <= ord(c) < 127 else "\\x%02x" % ord(c) for c in text)


# What operators are called there.
OPERATORS = {
    "rx": "Rx", "rxglobal": "RxGlobal", "pm": "Pm", "pmfromfile": "PmFromFile", "pmf": "PmFromFile", "streq": "StrEq",
    "strmatch": "StrMatch", "contains": "Contains", "containsword": "ContainsWord", "beginswith": "BeginsWith",
    "endswith": "EndsWith", "within": "Within", "eq": "Eq", "ge": "Ge", "gt": "Gt", "le": "Le", "lt": "Lt",
    "ipmatch": "IpMatch", "ipmatchfromfile": "IpMatchFromFile", "ipmatchf": "IpMatchF", "detectsqli": "DetectSQLi",
    "detectxss": "DetectXSS", "validatebyterange": "ValidateByteRange", "validateurlencoding": "ValidateUrlEncoding",
    "validateutf8encoding": "ValidateUtf8Encoding", "validateschema": "ValidateSchema", "validatedtd": "ValidateDTD",
    "verifycc": "VerifyCC", "verifycpf": "VerifyCPF", "verifyssn": "VerifySSN", "verifysvnr": "VerifySVNR",
    "geolookup": "GeoLookup", "rbl": "Rbl", "unconditionalmatch": "UnconditionalMatch", "nomatch": "NoMatch",
}


def operator(name):
    return OPERATORS[name.lower()]


def target(t):
    selector = ""
    if t["selector"]:
        selector = ":/" + t["selector"] + "/" if t["pattern"] else ":" + t["selector"]
    return ("&" if t["counted"] else "!" if t["excluded"] else "") + t["variable"] + selector


def link(f):
    if not f["name"]:
        return f"(Rule: {f['rule']}) Executing unconditional rule..."
    targets = "|".join(target(t) for t in f["targets"])
    spaces = "".join(f"Registered XML namespace href \"{n['place']}\" prefix \"{n['prefix']}\"\n" for n in f["namespaces"])
    return spaces + f"(Rule: {f['rule']}) Executing operator \"{operator(f['name'])}\" with param \"{f['value']}\" against {targets}."


def stored(f):
    collection, _, name = f["name"].partition(":")
    if collection == "ENV":
        return f"Setting environment variable: {name} to {f['value']}"
    return f"Saving variable: {f['name']} with value: {f['value']}"


def acted(f):
    """ctl's options say what they did."""
    if f["name"] == "ruleEngine":
        to = {"on": "Enabled", "off": "Disabled", "detectiononly": "DetectionOnly"}[f["value"].lower()]
        return f"Setting SecRuleEngine to {to} as requested by a ctl:ruleEngine action"
    return f"Running action: {f['name']}"


def decided(f):
    if f["name"].startswith("allow"):
        return "Dropping the evaluation of upcoming rules in favor of an `allow' action"
    if f["yes"] and f["name"] != "pass":
        return f"Running (disruptive)     action: {f['name']}.\n Running action {f['name']}"
    return ""


# fact -> the sentence that says it
SENTENCES = {
    "link": link,
    "acted": acted,
    "passed": lambda f: f"Skipped rule id '{f['rule']}' due to a `skip' action." if f["name"] == "skip" else
                        f"Skipped rule id '{f['file']}:{f['line']}' as request trough the utilization of an `allow' action\n"
                        f"Skipped rule id '{f['rule']}' as request trough the utilization of an `allow' action",
    "decided": decided,
    "absent": lambda f: f"Skipped rule id '{f['rule']}'. Removed by an SecRuleRemove directive.\n"
                        f"Skipped rule id '{f['rule']}'. Removed by a SecRuleRemoveByMsg directive.\n"
                        f"Skipped rule id '{f['rule']}'. Removed by a SecRuleRemoveByTag directive.",
    "request body": lambda f: "" if f["yes"] else
                    "Request body processing is enabled, but disabled to this transaction due to ctl:requestBodyAccess action",
    "transformed": lambda f: f" T (0) t:{f['name'].lower()}: \"{shown(f['value'])}\"",
    "tried": lambda f: f"Target value: \"{shown(f['value'])}\" (Variable: {f['name']})"
                       + ("\nMatched vars updated." if f["yes"] else ""),
    "returned": lambda f: "Rule returned 1." if f["yes"] else "Rule returned 0.",
    "removed": lambda f: f"Rule id: {f['rule']} was skipped due to a ruleRemoveById action...\n"
                         f"Skipped rule id '{f['rule']}'. Skipped due to a ruleRemoveByTag action.",
    "stored": stored,
    "argument": lambda f: f"Adding request argument (BODY): name \"{shown(f['name'])}\", value \"{shown(f['value'])}\"\n"
                          f"Added data for variable; name: {shown(f['name'])}, variable: {shown(f['value'])}",
    "file": lambda f: f"Added file part to the list: name \"{shown(f['name'])}\" file name \"{shown(f['value'])}\" "
                      f"(offset {f['offset']}, length {len(f['content'])})",
}


def match_line(f, disruptive):
    """The error log's line of a rule that matched."""
    start = f"Access denied with code {disruptive} (phase {f['phase']})" if f["disruptive"] else "Warning"
    if f["operator"] == "unconditionalMatch" and not f["name"]:
        reason = "Unconditional match in SecAction."
    else:
        reason = (f"Matched \"Operator `{operator(f['operator'])}' with parameter `{f['argument']}' against variable "
                  f"`{f['name']}' (Value: `{shown(f['value'])}' )")
    severity = 0 if f["severity"] == 8 else f["severity"]
    tags = "".join(f" [tag \"{t}\"]" for t in f["tags"])
    return (f"ModSecurity: {start}. {reason} [file \"{f['file']}\"] [line \"{f['line']}\"] [id \"{f['rule']}\"] "
            f"[rev \"{f['rev']}\"] [msg \"{f['msg']}\"] [data \"{f['data']}\"] [severity \"{severity}\"] "
            f"[ver \"{f['ver']}\"] [maturity \"{f['maturity']}\"] [accuracy \"{f['accuracy']}\"]{tags}")


# How a body was read -> the sentence
FLAGS = {
    "boundary quoted": "Multipart: Warning: boundary was quoted.",
    "boundary whitespace": "Multipart: Warning: boundary whitespace in C-T header.",
    "data before": "Multipart: Warning: seen data before first boundary.",
    "data after": "Multipart: Warning: seen data after last boundary.",
    "header folding": "Multipart: Warning: header folding used.",
    "lf line": "Multipart: Warning: incorrect line endings used (LF).",
    "crlf line": "Multipart: Warning: mixed line endings used (CRLF/LF).",
    "missing semicolon": "Multipart: Warning: missing semicolon in C-T header.",
    "invalid quoting": "Multipart: Warning: invalid quoting used.",
    "invalid header folding": "Multipart: Warning: invalid header folding used.",
    "file limit exceeded": "Multipart: Upload file limit exceeded",
    "too many arguments": "Skipping request argument, over limit",
    "pattern limit": "rx: regex error 'MATCH_LIMIT' for pattern",
}

CAPTURES = {"rx": "regex subexpression", "rxGlobal": "regex subexpression", "detectSQLi": "DetectSQLi match",
            "detectXSS": "DetectXSS match", "verifyCC": "VerifyCC match", "verifyCPF": "VerifyCPF match",
            "verifySSN": "VerifySSN match", "verifySVNR": "VerifySVNR match"}


def validated(f, how, file):
    """A document against a schema or a document type."""
    if not f["yes"]:
        return f"XML: Successfully validated payload against {how}: {file}"
    if "found" not in f:
        return f"XML: {how} validation failed because content is not well formed"
    return "\n".join(f"XML Error: {line}" for line in f["found"].split("\n"))


# A fault when rules are loaded -> what is said there when they run
FAULTS = (
    (r"the file is no XML Schema: (\S+)", "XML: Failed to load Schema: {0}. XML Error: Failed to parse the XML resource '{0}'"),
    (r"the file is no document type definition: (\S+)", "XML: Failed to load DTD: {}"),
    (r"missing closing parenthesis()", "Error with regular expression{}"),
)


def fault_text(faults):
    found = ((re.search(pattern, f["message"]), sentence) for f in faults for pattern, sentence in FAULTS)
    return "\n".join(sentence.format(match[1]) for match, sentence in found if match)


# What is wrong with a Content-Disposition -> its number there
DISPOSITIONS = (
    ("(filename* without a character set)", "Multipart: Invalid Content-Disposition header (-16)"),
    ("(filename* without a language)", "Multipart: Invalid Content-Disposition header (-17)"),
    ("(filename* with a broken escape)", "Multipart: Invalid Content-Disposition header (-18)"),
)


def body_lines(case, f):
    for ours, theirs in DISPOSITIONS:
        if ours in f["why"]:
            yield theirs
    if "invalid part" in f["flags"] and "failed" not in f["flags"]:
        yield "Multipart: Warning: no filename= but filename*"
    yield f["why"]
    boundary = re.search(r"boundary=\"?([^;\"]+)(\"?;)?", str(case.raw.get("request", {}).get("headers", "")))
    if f["processor"] == 2 and boundary and "in C-T" not in f["why"]:
        yield f"Multipart: Boundary: {boundary[1]}"
        if boundary[2]:
            yield "Multipart: Invalid parameter after boundary in C-T (tolerated)"
    for flag in f["flags"]:
        if flag:
            yield FLAGS.get(flag, "")
    # what is wrong and the flags are one fact: neither comes first
    yield f["why"]
    yield f["parser_why"]
    if f["why"] or "failed" in f["flags"]:
        yield "Failed to parse request body"


def from_store(name, opened, app):
    """IP:x of an opened collection is called IP:key::app::x there."""
    collection, _, rest = name.partition(":")
    return f"{collection}:{opened[collection]}::{app}::{rest}" if collection in opened else None


def debug_text(case, facts):
    """Every fact's sentence in the order in which they happened."""
    lines, operator_name, argument, opened = [], "", "", {}
    app = (re.search(r"SecWebAppId (\S+)", case.rules) or [0, ""])[1]
    types = " ".join(v for n, v in corpus_fields(case) if n.lower() == "content-type")
    for f in facts:
        kind = f["fact"]
        if kind == "link":
            operator_name, argument = f["name"], f["value"]
        if kind == "tried" and operator_name in ("validateSchema", "validateDTD"):
            lines.append(validated(f, operator_name[8:], argument))
        if kind in SENTENCES:
            lines.append("[9] " + SENTENCES[kind](f))
        if kind == "stored" and re.fullmatch(r"TX:\d", f["name"]) and operator_name in CAPTURES:
            lines.append(f"Added {CAPTURES[operator_name]} TX.{f['name'][3:]}: {f['value']}")
        if kind == "opened":
            opened[f["name"]] = f["value"]
        if kind in ("tried", "stored") and from_store(f["name"], opened, app):
            lines.append(SENTENCES[kind]({**f, "name": from_store(f["name"], opened, app)}))
        if kind == "tried" and f["name"].startswith("&"):
            lines.append(SENTENCES[kind]({**f, "name": f["name"][1:]}))
        if kind == "body":
            lines += body_lines(case, f)
        if kind == "response body" and not f["yes"]:
            lines.append(f"Response Content-Type is {types}. It is not marked to be inspected.")
        if kind == "engine off":
            lines.append("Rule engine disabled, returning...")
        if kind == "matched":
            lines += [f"Saving msg: {f['msg']}"] + [f"Rule tag: {tag}" for tag in f["tags"]]
            lines += [] if f["audit_only"] else ["Running action: log"]
            lines += ["Request was relevant to be saved."] if f["audit"] else []
    return "\n".join(lines)


def corpus_fields(case):
    headers = case.raw.get("response", {}).get("headers") or {}
    return [(n, str(v)) for n, v in headers.items()]


def error_text(facts):
    status = next((f["status"] for f in facts if f["fact"] == "verdict"), 200)
    return "\n".join(match_line(f, status) for f in facts if f["fact"] == "matched" and not f["audit_only"])


def says(pattern, text):
    return re.search(pattern.replace(r"\z", r"\Z"), text, re.S | re.M) is not None


def audit_text(case, facts):
    """The audit log as far as it is expected: which parts are written, and the messages of rules with auditlog."""
    del case
    audit = next((f for f in facts if f["fact"] == "audit"), None)
    parts = "".join(f"--{part}--\n" for part in audit["parts"]) if audit and audit["always"] else ""
    status = next((f["status"] for f in facts if f["fact"] == "verdict"), 200)
    return parts + "\n".join(match_line(f, status) for f in facts if f["fact"] == "matched" and f["audit"])
