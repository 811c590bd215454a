# SPDX-License-Identifier: Apache-2.0
"""Secrets are planted everywhere where people have them: in heads, queries, paths, bodies, tokens and in the configuration. With every
output turned on none of them is found in any: every file of the program, every byte that a receiver got, every page and every command's
answer is searched, unpacked, for each of them in every spelling."""
import base64
import gzip
import hashlib
import hmac
import json
import os
import signal
import string
import urllib.error
import urllib.parse
import urllib.request

import pytest
from harness import Backend, field, read_request, run, wait_until
from log_receivers import Syslog
from planting import dice, shown, web_acl

def b64(data):
    return base64.urlsafe_b64encode(data if isinstance(data, bytes) else data.encode()).decode().rstrip("=")


def jwt(claims, key=None):
    signed = f'{b64(json.dumps({"alg": "HS256", "kid": "k1"}))}.{b64(json.dumps(claims))}'
    return f"{signed}.{b64(hmac.new(key or os.urandom(32), signed.encode(), hashlib.sha256).digest())}"


# ---- the table: name, and what it looks like; where it is planted is said below by that name ----

SIGNING_KEY = os.urandom(48)
SECRETS = {
    # fields of requests and answers
    "bearer": dice(), "basic password": dice(), "proxy authorization": dice(), "api key of nobody": dice(), "auth token": dice(),
    "vault token": "hvs." + dice(), "client secret field": dice(), "session cookie": dice(), "cookie of any name": dice(),
    "set-cookie": dice(), "token of an answer": dice(), "token of the referer": dice(), "github token in the agent": "ghp_" + dice(36),
    "jwt in a note": jwt({"sub": dice()}), "security token of a session": dice(), "csrf token": dice(), "door": dice(),
    # the query
    "access_token": dice(), "password, encoded": dice() + "/+ä", "user[password]": dice(), "api_key": dice(), "code of oauth": dice(),
    "signature": dice(), "session id": dice(), "jwt in q": jwt({"sub": dice()}), "bearer in q": dice(40),
    "aws key id in q": "AKIA" + dice(16, string.ascii_uppercase + string.digits), "client_secret": dice(), "one-time password": dice(),
    # the path
    "jwt in the path": jwt({"sub": dice()}), "slack token in the path": "xoxb-" + dice(30),
    # bodies
    "password of a form": dice(), "password in JSON": dice(), "nested secret in JSON": dice(), "password in XML": dice(),
    "part of a multipart form": dice(), "jwt in a text": jwt({"sub": dice()}), "private key": dice(60), "password in gzip": dice(),
    "access token of an answer": dice(), "stripe key of an answer": "sk_live_" + dice(),
    # who may pass
    "good jwt": jwt({"iss": "https://id.example/", "aud": "orders", "sub": "ann", "exp": 4e9}, SIGNING_KEY), "jwt of another issuer": jwt({"iss": "https://evil.example/"}),
    "good api key": dice(32), "opaque token": dice(), "signature of aws": hashlib.sha256(os.urandom(9)).hexdigest(),
    # the configuration
    "admin token": dice(), "new admin token": dice(), "signing key": b64(SIGNING_KEY), "client secret of introspection": dice(),
    "secret of an AWS key": dice(40), "access key of firehose": dice(), "query of firehose": dice(), "secret key of cloudwatch": dice(40),
    "otlp header": dice(), "new otlp header": dice(), "otlp header by a file": dice(), "otlp header by the environment": dice(),
    "password of an otlp url": dice(), "query of an otlp url": dice(), "path of a webhook": dice(), "query of a webhook": dice(), "header of a webhook": dice(),
    "token of a command": dice(), "password of a command": dice(), "header of a command": dice(), "key of a command": "glpat-" + dice(), "query of a list": dice(),
    "inserted key": dice(), "inserted token": "ghp_" + dice(36), "salt of the api keys": os.urandom(32).hex(),
}
S = SECRETS
PLANTED_IN_FILES = ("sidegate.yaml", "patient.yaml", "more.yaml", "broken.yaml", "request.http")  # and all of the folder `given`


# ---- who listens ----

class Ear:
    """A receiver of OTLP, Firehose, PutLogEvents and webhooks; what it heard is all bodies. It may go away for a while."""

    def __init__(self):
        self.bodies, self.lines, self.port = [], [], None
        self.open()

    def open(self):
        self.backend = Backend(self.serve, self.port)
        self.port = self.backend.port
        self.url = f"http://127.0.0.1:{self.port}"

    def serve(self, wire):
        while True:
            line, fields, body = read_request(wire)
            if line.startswith("GET /list"):
                wire.send("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 10\r\n\r\n192.0.2.7\n")
                continue
            self.lines.append((line, fields))
            self.bodies.append(gzip.decompress(body) if field(fields, "content-encoding") == "gzip" else body)
            batch = field(fields, "x-amz-firehose-request-id")
            answer = json.dumps({"requestId": batch, "timestamp": 1}) if batch else "{}" if field(fields, "x-amz-target") else ""
            kind = "application/json" if answer else "application/x-protobuf"
            wire.send(f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {len(answer)}\r\n\r\n{answer}")

    def go_away(self):
        self.backend.listener.shutdown(2)
        self.backend.close()

    @property
    def heard(self):
        return b"\n".join(self.bodies)


@pytest.fixture
def ears():
    made = {name: Ear() for name in ("otlp", "firehose", "cloud", "hook")} | {"syslog": Syslog("tcp")}
    yield made
    made["syslog"].close()
    for name in ("otlp", "firehose", "cloud", "hook"):
        made[name].backend.close()


def answer_with_secrets(wire):
    """The backend: its answers have secrets of their own."""
    while True:
        read_request(wire)
        body = json.dumps({"access_token": S["access token of an answer"], "note": f'pay with {S["stripe key of an answer"]}'})
        wire.send(f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nSet-Cookie: id={S['set-cookie']}; Path=/\r\n"
                  f"X-Refresh-Token: {S['token of an answer']}\r\nContent-Length: {len(body)}\r\n\r\n{body}")


def answering_slowly(segments):
    """That backend, whose first answer comes once X-Ray was told of a request that goes on."""
    def answer(wire):
        wait_until(lambda: segments.exists() and '"in_progress":true' in segments.read_text(), "that it goes on", 30)
        answer_with_secrets(wire)
    return answer


def say_no(wire):
    """An authorizer that lets nobody in."""
    while True:
        read_request(wire)
        body = '{"isAuthorized": false, "active": false}'
        wire.send(f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}")


# ---- what is asked ----

FIELDS = [
    ("Authorization", f"Bearer {S['bearer']}"), ("Proxy-Authorization", f"Basic {base64.b64encode(('ann:' + S['basic password']).encode()).decode()}"),
    ("X-Forwarded-Authorization", S["proxy authorization"]), ("X-Auth-Token", S["auth token"]), ("X-Vault-Token", S["vault token"]),
    ("X-Client-Secret", S["client secret field"]), ("X-Api-Key", S["api key of nobody"]), ("X-Csrf-Token", S["csrf token"]),
    ("Cookie", f"session={S['session cookie']}; theme={S['cookie of any name']}"), ("X-Amz-Security-Token", S["security token of a session"]),
    ("Referer", f"https://shop.example/a?token={S['token of the referer']}&b=1"), ("User-Agent", f"tool/1 ({S['github token in the agent']})"),
    ("X-Note", f"by {S['jwt in a note']} alone"), ("X-Door", S["door"])]
QUERY = "&".join((
    f"access_token={S['access_token']}", "password=" + urllib.parse.quote(S["password, encoded"], safe=""), f"user[password]={S['user[password]']}",
    f"api_key={S['api_key']};code={S['code of oauth']}", f"X-Amz-Signature={S['signature']}", f"PHPSESSID={S['session id']}",
    f"q={S['jwt in q']}", f"note=Bearer%20{S['bearer in q']}", f"id={S['aws key id in q']}", f"%63lient_secret={S['client_secret']}", f"otp={S['one-time password']}"))
PATHS = (f"/reset/{S['jwt in the path']}", f"/hooks/{S['slack token in the path']}/now")
BODIES = (
    ("application/x-www-form-urlencoded", f"a=1&password={S['password of a form']}"),
    ("application/json", json.dumps({"password": S["password in JSON"], "of": [{"client_secret": S["nested secret in JSON"]}]})),
    ("application/json", json.dumps({"pem": f"-----BEGIN PRIVATE KEY-----\n{S['private key']}\n-----END PRIVATE KEY-----\n"})),
    ("text/xml", f"<login><password>{S['password in XML']}</password></login>"),
    ("multipart/form-data; boundary=B", f'--B\r\nContent-Disposition: form-data; name="secret"\r\n\r\n{S["part of a multipart form"]}\r\n--B--\r\n'),
    ("text/plain", f"a token: {S['jwt in a text']}, that is all"),
    ("application/json; coding=gzip", gzip.compress(json.dumps({"password": S["password in gzip"]}).encode())))
BROKEN = (f"GET /x?token={S['access_token']}\r\n\r\n", f"GET /?password={S['user[password]']} HTTP/9.9\r\nHost: a\r\n\r\n",
          f"GET /{S['jwt in the path']}?{S['jwt in q']} HTTP/1.1\r\nHost: a\r\nAuthorization Bearer {S['bearer']}\r\n\r\n",
          f"GET /?token={S['access_token']} HTTP/1.1\r\nHost: a b\r\nCookie: session={S['session cookie']}\r\n\r\n",
          f"POST /?token={S['access_token']} HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
          f"G@T /{S['jwt in the path']} HTTP/1.1\r\nHost: a\r\n\r\n")


def with_fields(**others):
    replaced = {name.replace("_", "-").lower(): value for name, value in others.items()}
    return [(name, replaced.get(name.lower(), value)) for name, value in FIELDS]


def ask_all(s):
    """Allowed, blocked, refused, failing and broken ones. How many there were."""
    plain = FIELDS
    asked = [("GET", f"/open?{QUERY}", plain, None), ("GET", f"/open?attack=1&{QUERY}", plain, None), ("GET", f"/down?{QUERY}", plain, None)]
    asked += [("GET", f"{path}?{QUERY}", plain, None) for path in (*PATHS, *(f"/slow{path}" for path in PATHS))]
    asked += [("GET", f"/{name}?{QUERY}", plain, None) for name in ("staff", "door", "opaque", "aws", "keys", "nothing/../here")]
    asked += [("GET", "/staff", with_fields(authorization=f"Bearer {S[name]}"), None) for name in ("good jwt", "jwt of another issuer")]
    asked += [("GET", "/keys", with_fields(x_api_key=S["good api key"]), None),
              ("GET", "/opaque", with_fields(authorization=f"Bearer {S['opaque token']}"), None),
              ("GET", "/aws", with_fields(authorization="AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260101/eu-west-1/execute-api/aws4_request, "
                                          f"SignedHeaders=host, Signature={S['signature of aws']}"), None)]
    for kind, body in BODIES:
        coding = [("Content-Encoding", "gzip")] if isinstance(body, bytes) else []
        data = body if isinstance(body, bytes) else body.encode()
        for target in (f"/open?{QUERY}", "/open?attack=1"):
            asked.append(("POST", target, [*plain, ("Content-Type", kind.split("; coding")[0]), *coding], data))
    for method, target, fields, body in asked:
        s.ask(method, target, fields, body)
    for text in BROKEN:
        client = s.client()
        client.send(text)
        client.rest()
        client.close()
    return len(asked) + len(BROKEN)


# ---- the program with every output ----

VARIABLES = (
    "REQUEST_HEADERS:Authorization", "REQUEST_HEADERS:Proxy-Authorization", "REQUEST_HEADERS:X-Forwarded-Authorization", "REQUEST_HEADERS:X-Auth-Token",
    "REQUEST_HEADERS:X-Vault-Token", "REQUEST_HEADERS:X-Client-Secret", "REQUEST_HEADERS:X-Api-Key", "REQUEST_HEADERS:X-Csrf-Token",
    "REQUEST_HEADERS:Cookie", "REQUEST_HEADERS:X-Amz-Security-Token", "REQUEST_HEADERS:Referer", "REQUEST_HEADERS:User-Agent", "REQUEST_HEADERS:X-Note",
    "REQUEST_HEADERS:X-Door", "REQUEST_COOKIES:session", "ARGS:access_token", "ARGS_GET:password", "ARGS:user[password]", "ARGS:api_key", "ARGS:code",
    "ARGS:X-Amz-Signature", "ARGS:PHPSESSID", "ARGS:q", "ARGS:note", "ARGS:id", "ARGS:client_secret", "ARGS:otp", "ARGS_POST:password", "ARGS:json.password",
    "ARGS:json.of.0.client_secret", "ARGS:json.of.array_0.client_secret", "ARGS:json.pem", "ARGS:secret", "XML:/*", "REQUEST_URI", "REQUEST_URI_RAW", "REQUEST_LINE", "REQUEST_FILENAME", "REQUEST_BASENAME",
    "QUERY_STRING", "REQUEST_BODY", "FULL_REQUEST")
SAYS = "capture,log,auditlog,msg:'saw %{MATCHED_VAR}',logdata:'Matched Data: %{TX.0} found within %{MATCHED_VAR_NAME}: %{MATCHED_VAR}',tag:'%{MATCHED_VAR}'"


def rules():
    lines = ["SecRuleEngine On", "SecRequestBodyAccess On", "SecResponseBodyAccess On", 'SecAction "id:1,phase:1,pass,nolog,ctl:auditEngine=On"',
             'SecRule REQUEST_HEADERS:Content-Type "@contains json" "id:2,phase:1,pass,nolog,ctl:requestBodyProcessor=JSON"',
             'SecRule REQUEST_HEADERS:Content-Type "@contains xml" "id:3,phase:1,pass,nolog,ctl:requestBodyProcessor=XML"']
    for i, variable in enumerate(VARIABLES):
        lines.append(f'SecRule {variable} "@rx (?s)^.*$" "id:{100 + i},phase:2,pass,{SAYS}"')
    for i, variable in enumerate(("RESPONSE_HEADERS:Set-Cookie", "RESPONSE_HEADERS:X-Refresh-Token")):
        lines.append(f'SecRule {variable} "@rx ^.*$" "id:{200 + i},phase:3,pass,{SAYS}"')
    lines += [f'SecRule RESPONSE_BODY "@rx (?s)^.*$" "id:210,phase:4,pass,{SAYS}"',
              'SecRule ARGS:password "@rx ^(.+)$" "id:220,phase:2,pass,log,auditlog,capture,logdata:\'Matched Data: %{TX.0} found within ARGS:password: %{TX.1}\',chain"',
              'SecRule TX:1 "@rx ." "t:none"', 'SecRule ARGS:attack "@streq 1" "id:300,phase:2,deny,log,auditlog"']
    return "\n".join(lines) + "\n"


INSERTED = [{"Name": "x-api-key", "Value": S["inserted key"]}, {"Name": "note", "Value": S["inserted token"]}]


CONTEXT = ("$context.requestId $context.path $context.identity.userAgent $context.identity.apiKeyId $context.authorizer.principalId "
           "$context.authorizer.token $context.error.message $context.authorizer.claims.sub $context.status")


def given_files(folder):
    """What people give the program in files of their own: those hold secrets, and are not searched."""
    given = folder / "given"
    given.mkdir()
    salt = S["salt of the api keys"]
    hashed = hashlib.sha256(bytes.fromhex(salt) + S["good api key"].encode()).hexdigest()
    texts = {
        "rules.conf": rules(), "acl.json": web_acl(INSERTED), "admin-token": S["admin token"], "jwks.json": json.dumps({"keys": [{"kty": "oct", "kid": "k1", "k": S["signing key"]}]}),
        "client-secret": S["client secret of introspection"], "firehose-key": S["access key of firehose"], "cloud-key": S["secret key of cloudwatch"],
        "otlp-headers": f"x-by-file: {S['otlp header by a file']}\n", "aws-keys.yaml": f"keys:\n  AKIDEXAMPLE: {{ secret: {S['secret of an AWS key']}, principal: \"arn:aws:iam::123456789012:user/a\" }}\n",
        "keys.yaml": f'version: 1\nsalt: "{salt}"\nkeys:\n  - {{ id: k1, name: shop, hash: "{hashed}", plans: [basic] }}\n'}
    for name, text in texts.items():
        (given / name).write_text(text)
        (given / name).chmod(0o600)
    return given


ALARMS = """
alarms:
  - { name: quiet, metric: IntegrationLatency, statistic: Maximum, period: 10s, evaluation_periods: 1, threshold: 1, comparison_operator: GreaterThanThreshold,
      treat_missing_data: ignore, actions: [
        { type: webhook, url: "HOOK/services/WEBHOOKPATH?key=WEBHOOKQUERY", headers: { X-Hook: "WEBHOOKHEADER" } },
        { type: command, run: [/bin/false, --token, "COMMANDTOKEN", "--password=COMMANDPASSWORD", -H, "Authorization: Bearer COMMANDHEADER", COMMANDKEY, ops] },
        { type: log }] }
"""


def config(folder, ears, backends, form):
    out, given = folder / "out", folder / "given"
    app, authorizer, down, slow = backends
    away = (f'syslog: {{ address: "{ears["syslog"].address}" }}, firehose: {{ url: "{ears["firehose"].url}/in?token={S["query of firehose"]}", access_key_file: {given}/firehose-key, '
            f'compression: gzip }}, cloudwatch_logs: {{ endpoint: "{ears["cloud"].url}", log_group_name: g, log_stream_name: s, region: eu-west-1, access_key_id: AKIDEXAMPLE, '
            f'secret_access_key_file: {given}/cloud-key }}, rotate: {{ max_size: 64KiB, keep: 50, compress: on }}')
    access_format = "json" if form == "json" else f"'{CONTEXT}'"
    alarms = ALARMS
    for mark, name in (("HOOK/", None), ("WEBHOOKPATH", "path of a webhook"), ("WEBHOOKQUERY", "query of a webhook"), ("WEBHOOKHEADER", "header of a webhook"), ("COMMANDTOKEN", "token of a command"),
                       ("COMMANDPASSWORD", "password of a command"), ("COMMANDHEADER", "header of a command"), ("COMMANDKEY", "key of a command")):
        alarms = alarms.replace(mark, S[name] if name else ears["hook"].url + "/")
    return f"""
process: {{ threads: 1, state_dir: {out}/state }}
service: {{ name: shop }}
upstreams: {{ app: {{ targets: ["{app.url}"] }}, slow: {{ targets: ["{slow.url}"] }}, down: {{ targets: ["{down}"] }} }}
rules: {{ files: [{given}/rules.conf], cpu_budget: 30s, response_body: {{ inspect: 64KiB }}, log: {{ path: {out}/rules.log, {away} }} }}
access: [{{ web_acl: {given}/acl.json }}]
ip_sets: {{ abusers: {{ url: "{ears["hook"].url}/list?key={S["query of a list"]}", on_failure: allow }} }}
access_log: {{ path: {out}/access.log, format: {access_format}, {away} }}
audit_log: {{ path: {out}/audit, parts: ABCEFHIJKZ, format: {form}, when: always, {away} }}
waf_log: {{ path: {out}/waf, {away} }}
execution_log: {{ path: {out}/execution, level: info, data_trace: on, {away} }}
change_log: {{ path: {out}/changes }}
otlp:
  - {{ endpoint: "{ears["otlp"].url}", headers: {{ x-key: "OTLPHEADER", x-more: "${{PLANTED_HEADER}}" }}, headers_file: {given}/otlp-headers, spool: {{ path: {out}/spool }} }}
  - {{ name: second, url: "http://ann:{S["password of an otlp url"]}@127.0.0.1:{ears["otlp"].port}/v1/logs?token={S["query of an otlp url"]}", signals: [logs] }}
logs: {{ otlp: [requests, events] }}
metrics: {{ exporter: otlp, emf: {{ path: {out}/emf, {away} }} }}
traces: {{ exporter: [otlp, xray], xray: {{ in_progress: 200ms, path: {out}/segments, {away} }} }}
aws_keys: {{ file: {given}/aws-keys.yaml }}
policies: {{ api: "arn:aws:execute-api:eu-west-1:123456789012:shop/prod" }}
api_keys: {{ file: {given}/keys.yaml }}
usage_plans: {{ basic: {{ keys: [k1], quota: {{ limit: 1000, period: month }} }} }}
authorizers:
  staff: {{ type: jwt, issuer: "https://id.example/", audience: [orders], algorithms: [HS256], jwks_file: {given}/jwks.json }}
  door: {{ type: http, url: "{authorizer.url}/check", payload: "2.0", identity: [$request.header.X-Door] }}
  opaque: {{ type: introspection, url: "{authorizer.url}/introspect", client_id: sidegate, client_secret_file: {given}/client-secret }}
  aws: {{ type: sigv4, region: eu-west-1 }}
routes:
  - {{ match: ANY /down, upstream: down }}
  - {{ match: "ANY /slow/{{proxy+}}", upstream: slow }}
  - {{ match: ANY /staff, upstream: app, authorizer: staff }}
  - {{ match: ANY /door, upstream: app, authorizer: door }}
  - {{ match: ANY /opaque, upstream: app, authorizer: opaque }}
  - {{ match: ANY /aws, upstream: app, authorizer: aws }}
  - {{ match: ANY /keys, upstream: app, api_key: required }}
  - {{ match: "ANY /{{proxy+}}", upstream: app }}
{alarms}""".replace("OTLPHEADER", S["otlp header"])


# ---- the admin API, the commands ----

PAGES = ("/api/v1/status", "/api/v1/drops", "/api/v1/alarms", "/api/v1/alarms/quiet", "/api/v1/alarms/quiet/history", "/api/v1/ip_sets", "/api/v1/ip_sets/abusers",
         "/api/v1/usage?plan=basic", "/api/v1/sampled_requests?rule=m0", "/api/v1/sampled_requests?rule=default", "/api/v1/sampled_requests", "/api/v1/metrics", "/api/v1/config", "/api/v1/exchanges", "/api/v1/events", "/metrics", "/readyz?verbose", "/nowhere")


def admin(s, path, token="admin token", method="GET", body=None):
    request = urllib.request.Request(f"http://127.0.0.1:{s.admin_port}{path}", None if body is None else json.dumps(body).encode(), method=method,
                                     headers={"Authorization": f"Bearer {S[token]}"} if token else {})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.read()
    except urllib.error.HTTPError as e:
        return str(e.headers).encode() + e.read()


def pages(s):
    found = {f"page {path}": admin(s, path) for path in PAGES}
    found |= {f"status page {path}": s.status(path)[1].encode() for path in ("/metrics", "/readyz?verbose", "/livez")}
    found["page without a token"] = admin(s, "/api/v1/status", None)
    return found


def commands(s, folder, environment):
    at = ["--admin", f"127.0.0.1:{s.admin_port}", "--token-file", f"{folder}/given/admin-token"]
    settings = ["-c", str(s.config), "-c", f"{folder}/more.yaml"]
    (folder / "request.http").write_text("GET /open?attack=1 HTTP/1.1\r\nHost: a\r\n\r\n")
    words = (["config", "print", *settings], ["check", *settings], ["check", *settings, "--json"], ["check", "-c", f"{folder}/broken.yaml"],
             ["explain", *settings, f"{folder}/request.http"], ["rules", "list", *settings], ["status", *at], ["alarms", "list", *at], ["ip-sets", "list", *at],
             ["keys", "list", "--file", f"{folder}/given/keys.yaml"], ["changes", "verify", f"{folder}/out/changes"], ["config", "options"], ["version", "--json"])
    return {" ".join(w[:2]) + " " + w[-1]: "".join(run(*w, environment=environment)[1:]).encode() for w in words}


BROKEN_SETTINGS = f"""version: 1
admin: {{ token_file: {{ a: {S["admin token"]} }} }}
otlp: {{ endpoint: "ftp://ann:{S["password of an otlp url"]}@h:1", headers: {{ "x y": "{S["otlp header"]}" }} }}
access_log: {{ firehose: {{ url: "https://ann:{S["access key of firehose"]}@h/?token={S["query of firehose"]}" }} }}
ip_sets: {{ a: {{ url: "ftp://h/list?key={S["query of a list"]}" }} }}
alarms:
  - {{ name: a, metric: Count, actions: [{{ type: webhook, url: "h/{S["path of a webhook"]}?key={S["query of a webhook"]}", headers: [ "{S["header of a webhook"]}" ] }},
      {{ type: command, run: [page, --token, {S["token of a command"]}, "--password={S["password of a command"]}"] }}] }}
"""


# ---- everything that there is in the end ----

def memory_of_ring(s):
    """What a killed child leaves to the next one."""
    found = {}
    for fd in os.listdir(f"/proc/{s.process.pid}/fd"):
        path = f"/proc/{s.process.pid}/fd/{fd}"
        if "memfd:" in os.readlink(path):
            with open(path, "rb") as memory:
                found[f"memory {os.readlink(path)}"] = memory.read()
    return found


def files_of(folder, *words):
    """All that the program wrote; those with one of these words in their names."""
    files = {str(path.relative_to(folder)): path for path in folder.rglob("*") if path.is_file() and path.name not in PLANTED_IN_FILES}
    return {name: path.read_bytes() for name, path in files.items() if not name.startswith("given/") and (not words or any(word in name for word in words))}


def crash(s):
    child = s.child()
    os.kill(child, signal.SIGSEGV)
    wait_until(lambda: s.child() not in (None, child), "another child", 30)
    wait_until(s.is_ready, "the next child serves", 30)


def give_orders(s):
    """Reloads, orders and alarms: what the log of changes and the journal have to say."""
    for path, method, body in (("/api/v1/ip_sets/abusers/entries", "PUT", {"address": "192.0.2.1", "ttl": "1h", "reason": "a scan"}),
                               ("/api/v1/alarms/quiet/state", "POST", {"state": "ALARM", "reason": "a test"}),
                               ("/api/v1/alarms/quiet/mute", "POST", {"duration": "1h", "reason": "by night"})):
        admin(s, path, method=method, body=body)
    text = s.config.read_text()
    s.config.write_text(text.replace(S["otlp header"], S["new otlp header"]).replace("ops] }", f"pages, '--secret={S['new admin token']}'] }}"))
    before = s.errors().count("is in force")
    s.signal(signal.SIGHUP)
    wait_until(lambda: s.errors().count("is in force") > before or "refused" in s.errors(), "the reload", 30)


class Run:
    """One run of the program; `said` is all that it says, by where it says it."""

    def __init__(self, sidegate, backend, ears, folder, form):
        (folder / "out" / "state").mkdir(parents=True)
        given_files(folder)
        (folder / "broken.yaml").write_text(BROKEN_SETTINGS)
        (folder / "more.yaml").write_text(f"version: 1\nadmin: {{ token_file: {folder}/given/admin-token }}\n")
        backends = backend(answer_with_secrets), backend(say_no), "http://127.0.0.1:9", backend(answering_slowly(folder / "out" / "segments"))
        # a crash is to be the program's own, not the sanitizer's
        self.environment = {"ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":handle_segv=0", "PLANTED_HEADER": S["otlp header by the environment"]}
        self.folder, self.ears, self.before, self.said = folder, ears, set(os.listdir(".")), {}
        self.s = sidegate(backends[0].url, config(folder, ears, backends, form), options=("-c", str(folder / "more.yaml")), environment=self.environment)

    def look(self, when):
        """At what passes: pages, memory, what waits on the disk."""
        now = pages(self.s) | memory_of_ring(self.s) | files_of(self.folder, "state", "spool")
        self.said |= {f"{where} ({when})": data for where, data in now.items()}

    def end(self):
        wait_until(lambda: all(self.ears[name].bodies for name in ("firehose", "cloud", "otlp")), "the receivers have heard", 30)
        assert self.s.stop(60) == 0
        self.said |= files_of(self.folder) | {f"received by {name}": ear.heard for name, ear in self.ears.items() if name != "syslog"}
        self.said["received by syslog"] = "".join(m.data + m.text for m in self.ears["syslog"].messages).encode()


@pytest.mark.parametrize("form", ["json", "native"])
def test_no_planted_secret_appears_in_any_output(sidegate, backend, ears, tmp_path, form):
    assert len(SECRETS) >= 40 and len(set(SECRETS.values())) == len(SECRETS)
    story = Run(sidegate, backend, ears, tmp_path, form)
    ask_all(story.s)
    story.said |= commands(story.s, tmp_path, story.environment)
    ears["otlp"].go_away()
    ask_all(story.s)
    give_orders(story.s)
    wait_until(lambda: any((tmp_path / "out" / "spool").rglob("*")), "the spool")
    story.look("away")
    crash(story.s)
    ears["otlp"].open()
    ask_all(story.s)
    wait_until(lambda: ears["hook"].bodies, "the alarm has told")
    story.look("later")
    story.end()
    found = shown(story.said, SECRETS)
    print(*found, sep="\n")
    assert found == []
    assert [name for name in set(os.listdir(".")) - story.before if "core" in name] == []


def test_a_value_with_an_innocent_name_is_found_wherever_it_is_said(sidegate, backend, ears, tmp_path):
    """This page can fail: what is no secret by its name nor by how it reads stands in plain sight, also where it is packed."""
    secrets = {"a colour": dice(), "a field": dice(), "a member": dice()}
    story = Run(sidegate, backend, ears, tmp_path, "json")
    body = json.dumps({"shape": secrets["a member"]}).encode()
    for _ in range(30):  # enough for a file to be full
        story.s.ask("POST", f"/open?colour={secrets['a colour']}", [("X-Shade", secrets["a field"]), ("Content-Type", "application/json")], body)
    story.look("later")
    story.end()
    found = "\n".join(shown(story.said, secrets))
    for where in ("out/access.log", "out/audit", "out/waf", "out/execution", "out/segments", "received by otlp", "received by firehose", "received by cloud",
                  "received by syslog", "page /api/v1/sampled_requests?rule=m0", "memory /memfd", "out/audit.1.gz"):
        assert f"'a colour' (plain) in {where}" in found, where
    assert "'a field' (plain) in out/audit" in found and "'a member' (JSON)" in found


def test_a_token_of_the_admin_api_that_everybody_may_read_is_warned_of(tmp_path):
    token, config = tmp_path / "token", tmp_path / "a.yaml"
    token.write_text(S["admin token"])
    config.write_text(f'version: 1\nlisteners: [{{ address: "127.0.0.1:1" }}]\nupstreams: {{ app: {{ targets: ["http://127.0.0.1:2"] }} }}\nadmin: {{ token_file: {token} }}\n')
    for mode, warned in ((0o644, True), (0o640, False), (0o600, False)):
        token.chmod(mode)
        code, said, wrong = run("check", "-c", str(config))
        assert code == 0 and ("admin.token_file: everybody may read the file" in said + wrong) == warned, said + wrong
        assert S["admin token"] not in said + wrong


def test_each_spelling_of_a_secret_is_found():
    secret = {"it": 'an "odd" one/+ä' + dice()}
    raw = secret["it"].encode()
    for data in (raw, urllib.parse.quote(raw, safe="").encode(), json.dumps([secret["it"]]).encode(), raw.hex().encode(), b"x" + base64.b64encode(b"ab" + raw + b"c"),
                 base64.urlsafe_b64encode(b"abc" + raw), gzip.compress(b"so " + raw), b"head" + gzip.compress(raw) + b"tail"):
        assert shown({"here": data}, secret) != [], data
        assert shown({"here": data[:len(data) // 2]}, secret) == [], data
