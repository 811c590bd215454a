# SPDX-License-Identifier: Apache-2.0
"""go-ftw's test files: what each stage sends, byte for byte, and what it expects. Platform overrides are not read."""
import base64
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote_plus, unquote_to_bytes

import yaml

FORM = "application/x-www-form-urlencoded"
# The templates that the corpus uses; go-ftw takes what is no template as it stands.
REPEAT = re.compile(r'\{\{\s*"([^"]*)"\s*\|\s*repeat\s+(\d+)\s*\}\}')


@dataclass
class Stage:
    request: bytes
    method: str
    expect_ids: frozenset
    no_expect_ids: frozenset
    match_regex: str
    no_match_regex: str
    status: int  # 0: any
    expect_error: bool
    retry_once: bool


@dataclass
class Test:
    name: str  # "942100-1"
    family: str  # "942"
    file: Path
    stages: list

    @property
    def kind(self):
        """positive: some rule has to match; negative: some must not; answer: only the answer is looked at."""
        if any(s.expect_ids or s.match_regex for s in self.stages):
            return "positive"
        if any(s.no_expect_ids or s.no_match_regex for s in self.stages):
            return "negative"
        return "answer"


def find(headers, name):
    return next((value for key, value in headers if key.lower() == name), None)


def form_encoded(data):
    """Names and values are escaped, but only where nothing is escaped yet."""
    if re.search(rb"%(?![0-9A-Fa-f]{2})", data) or unquote_to_bytes(data.replace(b"+", b" ")) != data:
        return data
    tokens = data.split(b"&")
    if tokens[-1] == b"":
        tokens.pop()
    return "&".join("=".join(quote_plus(part, safe="") for part in token.split(b"=", 1)) for token in tokens).encode()


def has_body(method):
    """go-ftw's test for methods that get a Content-Length even without data."""
    return method.startswith("POST") or "PUT" in method or "PATCH" in method or method.endswith("DELETE")


def request_bytes(given):
    """The request of one stage's `input`: what is not given is completed, what is given goes out as it is."""
    if given.get("encoded_request"):
        return base64.b64decode(given["encoded_request"])
    complete = given.get("autocomplete_headers", "true") != "false"
    data = REPEAT.sub(lambda m: m[1] * int(m[2]), given.get("data", "")).encode("utf-8", "surrogatepass")
    headers = sorted(given.get("headers", {}).items())
    method = given.get("method", "GET")
    if data and complete:
        if find(headers, "content-type") is None:
            headers.append(("Content-Type", FORM))
        if find(headers, "content-type").lower() == FORM:
            data = form_encoded(data)
    if "multipart/form-data;" in (find(headers, "content-type") or "").lower():
        data = data.replace(b"\n", b"\r\n")
    if complete:
        if find(headers, "connection") is None:
            headers.append(("Connection", "close"))
        if find(headers, "content-length") is None and (data or has_body(method)):
            headers.append(("Content-Length", str(len(data))))
    lines = [f"{method} {given.get('uri', '/')} {given.get('version', 'HTTP/1.1')}"]
    lines += [f"{name}: {value}" for name, value in headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8", "surrogatepass") + data


def read_stage(stage):
    given, output = stage["input"], stage["output"]
    log = output.get("log", {})
    request = request_bytes(given)
    return Stage(request=request, method=request.split(b" ", 1)[0].decode("latin-1"),
                 expect_ids=frozenset(map(int, log.get("expect_ids", []))),
                 no_expect_ids=frozenset(map(int, log.get("no_expect_ids", []))),
                 match_regex=log.get("match_regex", ""), no_match_regex=log.get("no_match_regex", ""),
                 status=int(output.get("status", 0)), expect_error=output.get("expect_error") == "true",
                 retry_once=output.get("retry_once") == "true")


def read_file(path):
    # every scalar is a text: Content-Length: 007 goes out as it is written
    document = yaml.load(path.read_bytes(), Loader=getattr(yaml, "CBaseLoader", yaml.BaseLoader))
    if not document:
        return []
    rule = document["rule_id"]
    return [Test(f"{rule}-{t['test_id']}", rule[:3], path, [read_stage(s) for s in t["stages"]]) for t in document["tests"]]


def read(folder):
    """All tests below a folder, in the order of their files."""
    files = sorted(p for p in Path(folder).rglob("*") if p.suffix in (".yaml", ".yml"))
    return [test for path in files for test in read_file(path)]
