# SPDX-License-Identifier: Apache-2.0
"""Holds our HTTP/1 parsers against the strict cases of llhttp: what it refuses we refuse, what it takes we take,
with the same methods, targets and field names. Where we differ on purpose the case stands below with its reason; a
difference that is not listed fails, and so does a listed one that has gone.

llhttp.py DRIVER   (data: $SIDEGATE_TEST_DATA/http-llhttp/cases.json; without it: 77, skipped)
"""
import json
import os
import re
import subprocess
import sys

CLOSED, PAUSED = 5, (21, 22, 23, 24)  # error codes that do not say that the bytes are wrong

NEW_LINES = "a backend that sends more than its answer says is not trusted with another request"
OTHER_PROTOCOL = "no protocol but HTTP"
CODING = "of an answer only exactly chunked is taken: how else it ends could be read in two ways"
FRAGMENT = "'#' has no place in a request target"
UPGRADE = "we ask for no upgrade, so a 101 with a body's length is refused at once"

STRICTER = {  # kind, file, title: why we differ
    ("request", "invalid.md", "HTTP protocol and ANNOUNCE method"): "any token is a method; rules judge it",
    ("request", "invalid.md", "Invalid method"): "any token is a method; rules judge it",
    ("request", "method.md", "M-SEARCH request"): "'*' is for OPTIONS alone, RFC 9112 3.2.4",
    ("request", "method.md", "SOURCE request with ICE"): OTHER_PROTOCOL,
    ("request", "method.md", "OPTIONS request with RTSP"): OTHER_PROTOCOL,
    ("request", "method.md", "ANNOUNCE request with RTSP"): OTHER_PROTOCOL,
    ("request", "method.md", "PRI request HTTP2"): "HTTP/2's preface is no HTTP/1 request",
    ("request", "sample.md", "No HTTP version"): "HTTP/0.9 is closed in silence",
    ("request", "transfer-encoding.md", "POST with `chunked` as last transfer-encoding"): FRAGMENT,
    ("request", "transfer-encoding.md", "POST with `chunked` as last transfer-encoding (multiple headers)"): FRAGMENT,
    ("request", "uri.md", "Fragment in URI"): FRAGMENT,
    ("request", "uri.md", "`host:port` and basic auth"): "no user part in a target, RFC 9110 4.2.4",
    ("response", "connection.md", "HTTP 101 response with Upgrade and Content-Length header"): UPGRADE,
    ("response", "connection.md", "HTTP 101 response with Upgrade and Transfer-Encoding header"): UPGRADE,
    ("response", "connection.md", "HTTP 304 with Content-Length"): NEW_LINES,
    ("response", "connection.md", "HTTP 100 first, then 400"): NEW_LINES,
    ("response", "pipelining.md", "Should parse multiple events"): NEW_LINES,
    ("response", "sample.md", "Response starting with CRLF"): NEW_LINES,
    ("response", "sample.md", "RTSP response"): OTHER_PROTOCOL,
    ("response", "sample.md", "ICE response"): OTHER_PROTOCOL,
    ("response", "sample.md", "HTTP version 0.9"): "HTTP/1.0 and 1.1 alone",
    ("response", "transfer-encoding.md", "`chunked` before other transfer-encoding"): CODING,
    ("response", "transfer-encoding.md", "multiple transfer-encoding where chunked is not the last one"): CODING,
    ("response", "transfer-encoding.md",
     "`chunkedchunked` transfer-encoding does not enable chunked enconding"): CODING,
}


def data_folder():
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
    return os.environ.get("SIDEGATE_TEST_DATA", os.path.join(os.path.dirname(root), "shared", "data"))


def is_ours(case):
    """Not the lenient ones; nor those that skip bodies, which is HEAD's; nor where the conversion ran into the next."""
    return (case["meta"]["type"] in ("request", "response") and "skipBody" not in case["meta"] and
            "\n```" not in case["raw_latin1"])


def case_bytes(case):
    """The conversion cut the last empty line off; the log's offsets say where it was."""
    raw = case["raw_latin1"].encode("latin-1")
    ends = [int(at) + int(length or 0) for at, length in re.findall(r"off=(\d+)(?: len=(\d+))?", case["log"])]
    while ends and len(raw) < max(ends):
        raw += b"\r\n"
    return raw


def run(driver, kind, text):
    out = subprocess.run([driver, kind], input=text, capture_output=True, check=True)
    return out.stdout.decode("latin-1").split("\n")[:-1]


def read(driver, case):
    """llhttp refuses as soon as it can, we may wait for the head's end before we do: then it gets one."""
    text = case_bytes(case)
    lines = run(driver, case["kind"], text)
    if case["error"] and lines and lines[-1] in ("more", "open"):
        lines = run(driver, case["kind"], text + b"\r\n\r\n")
    return lines


def is_refusal(line):
    """Most cases have no Host, which a parser of heads alone does not ask for."""
    return line.startswith("refused") or (line.startswith("judged") and not line.endswith("no_host"))


def spans(log, name):
    return re.findall(r'span\[' + name + r'\]="(.*)"\n', log)


def compare(case, lines):
    """What differs, or None."""
    code = case["error"]["code"] if case["error"] else 0
    refused = [line for line in lines if is_refusal(line)]
    if code and code != CLOSED and code not in PAUSED:
        return None if refused else "taken, llhttp refuses: " + case["error"]["reason"]
    if code in PAUSED and "complete" in lines:
        return None  # it stops at an upgrade; what follows there is no HTTP/1
    if refused:
        return "we say " + refused[0]
    complete = lines.count("complete")
    if complete != case["complete"] and not (code == CLOSED and complete > case["complete"]):
        return "%d complete messages, llhttp %d" % (complete, case["complete"])
    return compare_messages(case, [line.split(" ") for line in lines if line.startswith("message")])


def compare_messages(case, messages):
    if case["kind"] == "request":
        for index, name in ((1, "method"), (2, "url")):
            ours, theirs = [message[index] for message in messages], spans(case["log"], name)
            if ours[:len(theirs)] != theirs:
                return "%s %s, llhttp %s" % (name, ours, theirs)
    names = [name for message in messages if len(message) > 3 for name in message[3].split(",")]
    theirs = spans(case["log"], "header_field")
    return None if names == theirs[:len(names)] else "fields %s, llhttp %s" % (names, theirs)


def main():
    path = os.path.join(data_folder(), "http-llhttp", "cases.json")
    if not os.path.exists(path):
        print("skipped: no " + path)
        return 77
    with open(path, encoding="utf-8") as file:
        everything = json.load(file)
    cases = [case for case in everything if is_ours(case)]
    passed, failed, stricter = 0, 0, dict(STRICTER)
    for case in cases:
        key = (case["kind"], case["file"], case["title"])
        differs = compare(case, read(sys.argv[1], case))
        reason = stricter.get(key)
        if (differs is None) == (reason is None):
            passed += 1
            continue
        failed += 1
        print("%s: %s" % (" / ".join(key), differs or "no longer differs"))
    seen = {(case["kind"], case["file"], case["title"]) for case in cases}
    for key in set(stricter) - seen:
        failed += 1
        print("%s: there is no such case" % " / ".join(key))
    print("%d passed, %d failed (%d differ on purpose)" % (passed, failed, len(stricter)))
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
