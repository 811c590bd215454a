# SPDX-License-Identifier: Apache-2.0
"""Secrets for stories: made, and looked for in all that was said, unpacked and in every spelling."""
import base64
import json
import random
import re
import string
import urllib.parse
import zlib

DICE = random.SystemRandom()


def dice(length=24, letters=string.ascii_letters + string.digits):
    return "".join(DICE.choice(letters) for _ in range(length))


def spellings(secret):
    """name of the spelling -> bytes. What is encoded in base64 begins at any of three places of a group."""
    raw = secret.encode()
    found = {"plain": raw, "percent": urllib.parse.quote(secret, safe="").encode(), "form": urllib.parse.quote_plus(secret).encode(),
             "JSON": json.dumps(secret)[1:-1].encode(), "hex": raw.hex().encode(), "HEX": raw.hex().upper().encode(),
             "backslashes": re.sub(rb"[^ -~]", lambda m: b"\\x%02x" % m.group()[0], raw)}
    for skip in range(3):
        coded = base64.b64encode(b"\0" * skip + raw)
        coded = coded[(0, 2, 3)[skip]:len(coded) - (4 if (skip + len(raw)) % 3 else 0)]
        found[f"base64+{skip}"] = coded
        found[f"base64url+{skip}"] = coded.translate(bytes.maketrans(b"+/", b"-_"))
    return found


def spelled(secrets):
    return [(name, spelling, text) for name, secret in secrets.items() for spelling, text in spellings(secret).items()]


def unpacked(data):
    """The bytes, and those that are packed in them."""
    yield data
    for member in re.finditer(rb"\x1f\x8b\x08", data):
        try:
            yield zlib.decompressobj(31).decompress(data[member.start():])
        except zlib.error:
            pass
    for coded in re.findall(rb'"data": ?"([A-Za-z0-9+/=]{16,})"', data):  # Firehose's records
        yield base64.b64decode(coded)


def shown(said, secrets):
    """What stands where: sentences. What is said twice is searched once; memory that nobody wrote to is left out."""
    texts = {}  # where each was seen first
    for where, data in said.items():
        for one in unpacked(data):
            texts.setdefault(re.sub(rb"\0{64,}", b"\0", one), where)
    rest, found = b"\n".join(texts), []
    for name, spelling, text in spelled(secrets):
        if text in rest:
            found += [f"{name!r} ({spelling}) in {where}: {one[max(0, one.find(text) - 100):][:200]}" for one, where in texts.items() if text in one]
    return found


def web_acl(inserted=({"Name": "note", "Value": "seen"},)):
    """As JSON: a rule that says what it found in a field, and one for the query."""
    def seen(metric):
        return {"SampledRequestsEnabled": True, "CloudWatchMetricsEnabled": True, "MetricName": metric}

    def rule(priority, place, every=False):
        where = {"FieldToMatch": place, "TextTransformations": [{"Priority": 0, "Type": "NONE"}]}
        what = {"ByteMatchStatement": {"PositionalConstraint": "STARTS_WITH", "SearchString": "Lw==", **where}} if every else {"SqliMatchStatement": where}
        return {"Name": f"r{priority}", "Priority": priority, "Statement": what, "Action": {"Count": {"CustomRequestHandling": {"InsertHeaders": list(inserted)}}},
                "VisibilityConfig": seen(f"m{priority}")}

    places = ({"SingleHeader": {"Name": "authorization"}}, {"QueryString": {}}, *({of: {"MatchPattern": {"All": {}}, "MatchScope": "ALL", "OversizeHandling": "CONTINUE"}} for of in ("Cookies", "Headers")))
    return json.dumps({"WebACL": {"Name": "shop", "Id": "1", "ARN": "arn:aws:wafv2:eu-west-1:123456789012:regional/webacl/shop/1", "DefaultAction": {"Allow": {}},
                                  "Rules": [rule(0, {"UriPath": {}}, True), *(rule(i + 1, place) for i, place in enumerate(places))], "VisibilityConfig": seen("default"), "Capacity": 60}})
