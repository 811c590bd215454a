# SPDX-License-Identifier: Apache-2.0
"""Who signs requests: a signer of our own (the forms that others do not make, and stories without a network), and botocore and awscrt,
fetched once into the cache with Debian's pip, which is unpacked and never installed."""
import datetime
import hashlib
import hmac
import importlib
import os
import subprocess
import sys
from urllib.parse import quote

from harness import TOP

KEY_ID, SECRET = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
REGION, SERVICE, HOST = "eu-west-1", "execute-api", "api.example"
EMPTY = hashlib.sha256(b"").hexdigest()
FETCH = """
set -e
. "$top/sidecar/setup"
mkdir -p "$cache"
exec 9>"$cache/signers.lock"
flock 9
if [ ! -e "$cache/signers/.whole" ]; then
  unpack python3-pip
  PYTHONPATH="$cache/python3-pip/usr/lib/python3/dist-packages" /usr/bin/python3 -m pip install -q --disable-pip-version-check --no-input \\
    --target "$cache/signers" 'botocore>=1.34' 'awscrt>=0.20'
  : >"$cache/signers/.whole"
fi
echo "$cache/signers"
"""


def others():
    """(botocore, awscrt), or why they are not there."""
    done = subprocess.run(["bash", "-c", FETCH], capture_output=True, text=True, env=dict(os.environ, top=str(TOP)), check=False)
    if done.returncode != 0:
        return f"botocore and awscrt could not be fetched from PyPI: {done.stderr.strip()[-300:]}"
    sys.path.append(done.stdout.strip().splitlines()[-1])
    try:
        return importlib.import_module("botocore"), importlib.import_module("awscrt")
    except ImportError as e:
        return f"botocore or awscrt cannot be loaded: {e}"


def now():
    return datetime.datetime.now(datetime.timezone.utc)


def stamp(when):
    return when.strftime("%Y%m%dT%H%M%SZ")


def mac(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def signing_key(day, region=REGION, service=SERVICE, secret=SECRET):
    key = ("AWS4" + secret).encode()
    for part in (day, region, service, "aws4_request"):
        key = mac(key, part)
    return key


def canonical(method, path, query, fields, signed, payload):
    pairs = sorted((quote(n, safe="-_.~"), quote(v, safe="-_.~")) for n, v in query)
    have = {n.lower(): " ".join(v.split()) for n, v in fields}
    return "\n".join([method, quote(path, safe="/-_.~"), "&".join(f"{n}={v}" for n, v in pairs),
                      *[f"{n}:{have[n]}" for n in signed], "", ";".join(signed), payload])


class Signed:
    """A request with its signature, ready to be sent and to be spoiled."""

    def __init__(self, method="GET", path="/orders", query=(), fields=(), body=b"", when=None, region=REGION, service=SERVICE,
                 key_id=KEY_ID, secret=SECRET, token=None, payload=None, say_payload=False, by_query=False, expires=60,
                 http_date=False):
        self.method, self.path, self.query, self.body = method, path, list(query), body
        self.when = when or now()
        self.day, self.scope_of = self.when.strftime("%Y%m%d"), (region, service, secret)
        self.scope = f"{self.day}/{region}/{service}/aws4_request"
        self.fields = [("Host", HOST), *fields]
        payload_hash = payload or hashlib.sha256(body).hexdigest()
        if not by_query:
            self.fields.append(("Date", self.when.strftime("%a, %d %b %Y %H:%M:%S GMT")) if http_date else ("X-Amz-Date", stamp(self.when)))
            self.fields += [("X-Amz-Security-Token", token)] if token else []
        if payload or say_payload:
            self.fields.append(("X-Amz-Content-Sha256", payload_hash))
        signed = sorted(n.lower() for n, _ in self.fields)
        if by_query:
            self.query += [("X-Amz-Algorithm", "AWS4-HMAC-SHA256"), ("X-Amz-Credential", f"{key_id}/{self.scope}"),
                           ("X-Amz-Date", stamp(self.when)), ("X-Amz-Expires", str(expires)), ("X-Amz-SignedHeaders", ";".join(signed))]
            self.query += [("X-Amz-Security-Token", token)] if token else []
        text = canonical(method, path, self.query, self.fields, signed, payload_hash)
        to_sign = f"AWS4-HMAC-SHA256\n{stamp(self.when)}\n{self.scope}\n{hashlib.sha256(text.encode()).hexdigest()}"
        self.signature = mac(signing_key(self.day, *self.scope_of), to_sign).hex()
        if by_query:
            self.query.append(("X-Amz-Signature", self.signature))
        else:
            self.fields.append(("Authorization", f"AWS4-HMAC-SHA256 Credential={key_id}/{self.scope}, SignedHeaders={';'.join(signed)}, "
                                                 f"Signature={self.signature}"))

    @property
    def target(self):
        return self.path + ("?" + "&".join(f"{quote(n, safe='')}={quote(v, safe='')}" for n, v in self.query) if self.query else "")

    def replace(self, name, value):
        """The same with another value of a field, signature and all."""
        self.fields = [(n, value if n.lower() == name.lower() else v) for n, v in self.fields]
        return self

    def send(self, s, body=None):
        body = self.body if body is None else body
        return s.ask(self.method, self.target, fields=self.fields, body=body or None)


def chunked(seed, when, pieces, trailer=None, region=REGION, service=SERVICE):
    """A body in signed chunks behind a head whose signature is `seed`: the bytes."""
    day = when.strftime("%Y%m%d")
    key, before = signing_key(day, region, service), seed
    head = f"{stamp(when)}\n{day}/{region}/{service}/aws4_request"
    out = b""
    for piece in [*pieces, b""]:
        before = mac(key, f"AWS4-HMAC-SHA256-PAYLOAD\n{head}\n{before}\n{EMPTY}\n{hashlib.sha256(piece).hexdigest()}").hex()
        out += f"{len(piece):x};chunk-signature={before}\r\n".encode() + (piece + b"\r\n" if piece else b"")
    if trailer is None:
        return out + b"\r\n"
    name, value = trailer
    signed = hashlib.sha256(f"{name}:{value}\n".encode()).hexdigest()
    end = mac(key, f"AWS4-HMAC-SHA256-TRAILER\n{head}\n{before}\n{signed}").hex()
    return out + f"{name}:{value}\r\nx-amz-trailer-signature:{end}\r\n\r\n".encode()
