# SPDX-License-Identifier: Apache-2.0
"""ModSecurity 3's references, as `o0,3v23,6t:trim`: what matched, and where in the request it stood.

    o OFFSET,LENGTH   what the operator found, in the value after its transformations
    v OFFSET,LENGTH   the value before them, as bytes of the request (of all of them, where it is a size)
    t:NAME            a transformation that it went through

Each part is held against our facts and the request's bytes. ModSecurity counts a request line without its version's digits."""
import base64
import binascii
import re
from urllib.parse import unquote_plus

import corpus

PART = re.compile(r"o(\d+),(\d+)|v(\d+),(\d+)|(t:[A-Za-z][A-Za-z0-9]*?)(?=,|o\d+,\d|v\d+,\d|t:|$),?")
SIZES = ("SIZE", "LENGTH", "SIZES")


def request_text(case):
    request = case.raw.get("request", {})
    head = f"{request.get('method')} {request.get('uri')} HTTP/\n"
    fields = "".join(f"{n}: {v}\n" for n, v in corpus.fields(request.get("headers")))
    return head + fields + "\n" + corpus.body(request)


def values(facts, matched):
    """The texts that a `v` may point at."""
    known = {f["raw"] for f in matched}
    if any(f["name"].endswith(SIZES) for f in matched) or any(f["name"].partition(":")[0].endswith(SIZES) for f in matched):
        for f in facts:
            if f["fact"] in ("argument", "query", "file"):
                known |= {f["name"], f["value"], f.get("content", "")}
    return known


def found_at(f, offset, length):
    return length > 0 and f["value"][offset:offset + length] == f.get("found", f["value"][offset:offset + length])


def says(pattern, case, facts):
    if re.match(r"\d+,\d+v", pattern):
        pattern = "o" + pattern  # a pattern is looked for anywhere, so that it may begin behind its first letter
    if not re.fullmatch(r"[otv,\d:a-z]+", pattern) or not PART.match(pattern):
        return False
    matched = [f for f in facts if f["fact"] == "tried" and f["yes"]]
    text, known = request_text(case), values(facts, matched)
    names = {f["name"].lower() for f in facts if f["fact"] == "transformed"}
    for o, o_len, v, v_len, t in PART.findall(pattern):
        if o and not any(found_at(f, int(o), int(o_len)) for f in matched):
            return False
        if v and not stands(text, int(v), int(v_len), known, case):
            return False
        if t and t[2:].lower() not in names:
            return False
    return bool(matched)


def user_of(credentials):
    """Of `Basic dXNlcjpwYXNz`, which is where a REMOTE_USER stands."""
    try:
        return base64.b64decode(credentials.removeprefix("Basic "), validate=True).decode("latin-1").partition(":")[0]
    except binascii.Error:
        return None


def stands(text, offset, length, known, case):
    line = text.partition("\n")[0] + str(case.raw["request"].get("http_version", 1.1))
    if line[offset:offset + length] in known or (offset == 0 and length == len(line) - 3 and line in known):
        return True
    piece = text[offset:offset + length]
    if user_of(piece) in known:
        return True
    return piece in known or unquote_plus(piece) in known or (length == len(corpus.body(case.raw["request"])) and
                                                              piece == corpus.body(case.raw["request"]))
