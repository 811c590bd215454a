#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What it costs to ask who may pass: CPU time per request with the guards and without, side by side (pairs.py).

    guards.py --sidegate build/sidegate --nginx NGINX --wrk WRK [--base full|bare] [--seconds 2] [--rounds 15]

Two programs stand beside each other with the same configuration (tests/bench/full.yaml or bare.yaml), one of them with a list of
100,000 addresses, a question about the country, a rate by address and an authorizer for JSON Web Tokens (ES256, the same token
each time). Both get the same requests, from a thousand addresses by X-Forwarded-For. What a stranger gets, 401 and 403, is asked
for first.
"""
import base64
import json
import random
import subprocess
import time
import urllib.error
import urllib.request

from pairs import DATA, HERE, PORTS, Pair, arguments, in_folder, judge

ALLOWED_US = 3.0

GUARDS = """ip_sets: {{ abusers: {{ file: {folder}/abusers.txt }} }}
geo: {{ country_db: {country} }}
access:
  - {{ name: abusers, match: {{ ip_set: abusers }}, action: block }}
  - {{ name: abroad, match: {{ country: [KP] }}, action: block }}
  - {{ name: often, match: {{ path: "/*" }}, rate: {{ limit: 1000000000, window: 60s, key: [client_address] }}, action: block, status: 429 }}
authorizers:
  staff: {{ type: jwt, issuer: "https://id.example/", audience: [orders], algorithms: [ES256], jwks_file: {folder}/keys.json }}
routes: [{{ match: "ANY /{{proxy+}}", authorizer: staff }}]
"""
SCRIPT = """local addresses = {{}}
for line in io.lines("{folder}/clients.txt") do addresses[#addresses + 1] = line end
local at = 0
function request()
  at = at % #addresses + 1
  wrk.headers["X-Forwarded-For"] = addresses[at]
  wrk.headers["Authorization"] = "Bearer {token}"
  return wrk.format("GET", "/products/1?id=42")
end
"""


def b64(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def openssl(*words, data=None):
    return subprocess.run(["openssl", *map(str, words)], input=data, check=True, capture_output=True).stdout


def raw_of_der(der):
    """A signature as JSON Web Algorithms want it: r and s of 32 bytes each (RFC 7518, 3.4)."""
    numbers, at = [], 2
    for _ in range(2):
        length = der[at + 1]
        numbers.append(der[at + 2:at + 2 + length].lstrip(b"\0").rjust(32, b"\0"))
        at += 2 + length
    return b"".join(numbers)


def make_token(folder):
    key = folder / "key.pem"
    openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", key)
    point = openssl("ec", "-in", key, "-pubout", "-outform", "DER")[-64:]
    (folder / "keys.json").write_text(json.dumps({"keys": [
        {"kty": "EC", "crv": "P-256", "kid": "k1", "alg": "ES256", "x": b64(point[:32]), "y": b64(point[32:])}]}))
    claims = {"iss": "https://id.example/", "aud": "orders", "sub": "alice", "exp": int(time.time()) + 3600, "scope": "orders.read"}
    text = ".".join(b64(json.dumps(part).encode()) for part in ({"alg": "ES256", "kid": "k1", "typ": "JWT"}, claims))
    return f"{text}.{b64(raw_of_der(openssl('dgst', '-sha256', '-sign', key, data=text.encode())))}"


def write_lists(folder):
    """The clients are in no list: they come from networks that documentation and tests use, the list from others."""
    draw = random.Random(1)
    (folder / "abusers.txt").write_text("".join(
        f"{draw.randrange(11, 80)}.{draw.randrange(256)}.{draw.randrange(256)}.{draw.randrange(256)}\n" if i % 4 else
        f"2001:db8:{i & 0xffff:x}:{draw.randrange(65536):x}::/64\n" for i in range(100000)))
    (folder / "clients.txt").write_text("".join(f"{draw.choice([81, 89, 175, 202])}.{draw.randrange(256)}.{draw.randrange(256)}."
                                                f"{draw.randrange(1, 255)}\n" for _ in range(1000)))


def ask(port, fields):
    request = urllib.request.Request(f"http://127.0.0.1:{port}/products/1?id=42", headers=fields)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status
    except urllib.error.HTTPError as refused:
        return refused.code


def settings(folder, base):
    """The configuration that the folder keeps, with addresses believed as the proxy before it writes them."""
    text = (HERE / f"{base}.yaml").read_text().replace('address: "${BENCH_LISTEN}"',
                                                       'address: "${BENCH_LISTEN}", trusted_proxies: [127.0.0.1]')
    country = DATA / "geo-maxmind-db/test-data/GeoLite2-Country-Test.mmdb"
    return {"without": text, "with": text + GUARDS.format(folder=folder, country=country)}


def check_guards(folder, token):
    """A figure counts only where the guards guard."""
    bearer = {"Authorization": f"Bearer {token}"}
    abuser = (folder / "abusers.txt").read_text().splitlines()[1]
    port = PORTS["with"]
    assert ask(port, {"X-Forwarded-For": "81.2.3.4", **bearer}) == 200
    assert ask(port, {"X-Forwarded-For": "81.2.3.4"}) == 401
    assert ask(port, {"X-Forwarded-For": "81.2.3.4", "Authorization": f"Bearer {token[:-4]}AAAA"}) == 401
    assert ask(port, {"X-Forwarded-For": abuser, **bearer}) == 403
    assert ask(PORTS["without"], {"X-Forwarded-For": abuser}) == 200


def main():
    options = arguments(base=("full", ["full", "bare"]))

    def bench(folder):
        token = make_token(folder)
        write_lists(folder)
        script = SCRIPT.format(folder=folder, token=token)
        with Pair(options, folder, settings(folder, options.base), script) as pair:
            check_guards(folder, token)
            return pair.measure()

    return judge(in_folder(bench), options.base, "the guards cost", ALLOWED_US)


if __name__ == "__main__":
    raise SystemExit(main())
