# SPDX-License-Identifier: Apache-2.0
"""Attacks with secrets in them: what rules say that they found shows none of them, in any log."""
import json
import os
import urllib.parse
from pathlib import Path

import pytest
from harness import Backend, always_ok
from planting import dice, shown, web_acl

# Forms of a body (or a target, or a head) with SECRET in the value of something that is one by its name; the attack makes rules find it, and
# their matches say what they found. $ is the name.
ATTACK = "' OR 1=1 -- <script>alert(1)</script>"
NAMES = ("password", "login_pass", "userpass", "security_code", "auth_code", "sas_sig", "SAMLResponse")
JSON_BODIES = ('{"value": "SECRET", "id": 7, "name": "$"}', '{"name": "$", "values": "", "value": "SECRET"}', '{"name": "$", "values": ["x"], "value": "SECRET"}', '{"na\\u006de": "$", "value": "SECRET"}', '{"name": "$", "of": {"a": [1]}, "values": ["SECRET"]}', '{"name": "$", "value": "SECRET"}', '[{"op": "add", "path": "/u/$", "value": ["SECRET"]}]', '{"value": "SECRET", "key": "$"}', '{"$": "SECRET"}', '{"$":\n"SECRET"}', '{"$": ["SECRET"]}', '{"$": {"value": "SECRET"}}', '{"a": {"$": [{"b": ["SECRET"]}]}}', '[{"$": "SECRET"}]')
XML_BODIES = ('<a><$ attr="x">SECRET</$></a>', "<a><$><![CDATA[SECRET]]></$></a>", "<a><$\n>SECRET</$></a>", '<n:a xmlns:n="urn:n"><n:$>SECRET</n:$></n:a>',
              '<a $="SECRET"/>', '<a><b $="SECRET">x</b></a>', "<a><$><b><c>SECRET</c></b></$></a>",
              "<a><name>$</name><value>SECRET</value></a>", "<a><value>SECRET</value><name>$</name></a>", "<a><key>$</key><string>SECRET</string></a>", "<a><name>$</name><value/><value>SECRET</value></a>", '<input value="SECRET" name="$"/>')
FORM_BODIES = ("$=SECRET", "a=1&$[0][x]=SECRET&b=2", "$.x=SECRET", "u[$][]=SECRET", "next=%2Fa%3F$%3DSECRET%26b%3D1",
               "name=$&value=SECRET", "name=$&values=SECRET", "value=SECRET&name=$", "p[0][name]=$&p[0][value]=SECRET", "p%5B0%5D%5Bkey%5D=$&p%5B0%5D%5Bvalues%5D%5B%5D=SECRET")
PART = "--B\r\nContent-Disposition: form-data; name{}\r\n\r\nSECRET\r\n--B--\r\n"
MULTIPART_BODIES = tuple(PART.format(name) for name in ('="$"', ' = "$"', "=$", "='$'", '="$[0]"', "*=utf-8''$"))
MULTIPART_BODIES += ('--B\r\nContent-Disposition: form-data; name="name"\r\n\r\n$\r\n' + PART.format('="value"'),)
FIELD_NAMES = ("Ocp-Apim-Subscription-Key", "x-functions-key", "X-Auth-Key", "DD-APPLICATION-KEY", "DD-API-KEY", "X-JWT-Assertion", "Authentication", "Cookie2",
               "X-Amz-Security-Token", "X-Goog-Api-Key", "X-Vault-Token", "X-CSRF-Token", "X-CSRFToken", "X-XSRF-TOKEN")
WORDS = ("SG." + "SECRET." + "a" * 43, "ApiKey SECRET", "Bearer SECRET", 'Digest username="SECRET", response="SECRET"')
TARGETS = ("/a;jsessionid=SECRET", "/reset-password/1SECRET7", "/api/access_token/1SECRET7/b?q=1", "/a?name=password&value=SECRET", "/a?name=password&values=SECRET", "/a?p[0][value]=SECRET&p[0][name]=otp", "/reset/password=SECRET", "/a/token=SECRET/b?q=1", "/a/token%3DSECRET/b", "/a/token%253DSECRET", "/a;jsessionid=SECRET/b?q=1", "/a?next=%2Fb%3Fpassword%3DSECRET", "/a?password%3DSECRET", "/a?q=1%26password%3DSECRET", "/a?cvv=SECRET&mfa_code=SECRET&otp=SECRET",
           '/a?f=%7B%22password%22%3A%22SECRET%22%7D', "/a?password[0][x]=SECRET", "/a?$filter=1;token=SECRET", "/a?pin=SECRET&sig=SECRET&sas_sig=SECRET")


ADDRESSES = ("/api/webhooks/123456789012345678/SECRETSECRETSECRET?a=1", "/a?next=https%3A%2F%2Fu%3ASECRET%40h%2F", "/a?next=https%253A%252F%252Fu%253ASECRET%2540h", "/a?next=https%3A//u%3ASECRET%40h/")
# What JSON and XML may write otherwise, as a text of a member or an element.
SPELLINGS = ("https:\\/\\/u:SECRET@h\\/", "a=1\\u0026password\\u003dSECRET", "\\u003cpassword\\u003eSECRET\\u003c\\/password\\u003e", "{\\u0022password\\u0022:\\u0022SECRET\\u0022}",
             "password\\u003a SECRET", "token\\t=\\tSECRET", "password:\\t SECRET", "token\\t \\t= SECRET", "a\\/Bearer SECRET\\/SECRET")
XML_SPELLINGS = ("password&#58;SECRET", "password&#x3a; SECRET", "&lt;password&gt;SECRET&lt;/password&gt;", "{&quot;password&quot;: &quot;SECRET&quot;}")


def attacks():
    """(method, target, fields, body with SECRET): with an attack in the value, behind it, and with none."""
    kinds = (("application/json", JSON_BODIES), ("text/xml", XML_BODIES), ("application/x-www-form-urlencoded", FORM_BODIES), ("multipart/form-data; boundary=B", MULTIPART_BODIES))
    for kind, bodies in kinds:
        for number, body in enumerate(bodies):
            name = NAMES[number % len(NAMES)]
            text = ATTACK if "json" in kind else urllib.parse.quote(ATTACK) if "urlencoded" in kind else ATTACK if "multipart" in kind else "' OR 1=1 --"
            for names, attack in ((name, text), ("password", ""), ("password", text)):
                yield "POST", "/a?attack=1", [("Content-Type", kind)], body.replace("$", names).replace("SECRET", "SECRET" + attack)
    attacked = "/a?q=" + urllib.parse.quote(ATTACK)
    for target in ADDRESSES:
        yield "GET", f"{target}&q={urllib.parse.quote(ATTACK)}", [], None
    for text in SPELLINGS:
        yield "POST", attacked, [("Content-Type", "application/json")], json.dumps({"text": "SAID"}).replace("SAID", text)
        yield "POST", attacked, [("Content-Type", "text/plain")], json.dumps({"text": "SAID"}).replace("SAID", text)
    for text in XML_SPELLINGS:
        yield "POST", attacked, [("Content-Type", "text/xml")], f"<a><b>{text}</b></a>"
        yield "POST", attacked, [("Content-Type", "text/xml")], f"<a b='{text}'/>"
    yield "POST", "/a", [("Content-Type", "application/json")], '{"\\u0070assword": "SECRET' + ATTACK + '"}'
    yield "POST", "/a", [("Content-Type", "application/x-www-form-urlencoded")], '{"password":"SECRET' + ATTACK + '"}'
    yield "POST", "/a", [("Content-Type", "multipart/form-data; boundary=C")], PART.format('="password"')
    for name in FIELD_NAMES:
        yield "GET", "/a?attack=1", [(name, "SECRET" + ATTACK)], None
    for word in WORDS:
        yield "GET", "/a", [("X-Note", word + " " + ATTACK)], None
    for target in TARGETS:
        yield "GET", target, [], None
        yield "GET", target.replace("SECRET", "SECRET" + urllib.parse.quote(ATTACK)), [], None
    yield "GET", "/a", [("Cookie", f"theme=SECRET{ATTACK.replace(';', '')}; id=SECRET")], None
    yield "GET", "/a", [("Cookie", "SECRET")], None
    yield "GET", "/a", [("Cookie", f"a=1; SECRET{ATTACK.replace(';', '').replace('=', '')}")], None
    yield "GET", "/a", [("Authorization", "Bearer SECRET")], None
    yield "GET", "/a", [("X-Api-Key", f"SECRET{ATTACK}")], None
    yield "GET", "/a", [("Host", "bob:SECRET@x")], None
    yield "GET", "/a?attack=1", [("X-Forwarded-Host", "bob:SECRET@x, y")], None
    yield "GET", "/a?attack=1", [("Forwarded", 'for=192.0.2.1;host="bob:SECRET@x";proto=http')], None
    yield "GET", "/a?attack=1", [("traceparent", "00-" + "ab" * 16 + "-cdcdcdcdcdcdcdcd-01"), ("tracestate", "a=1,b=ghp_SECRETSECRET")], None
    yield "CONNECT", "bob:SECRET@h:443", [], None
    yield "GET", "/a?password=SECRET", [("X-Away", "1")], None


SEES_ALL = """
SecAction "id:1,phase:1,pass,nolog,ctl:auditEngine=On"
SecRule REQUEST_HEADERS:Content-Type "@contains json" "id:2,phase:1,pass,nolog,ctl:requestBodyProcessor=JSON"
SecRule REQUEST_HEADERS:Content-Type "@contains xml" "id:3,phase:1,pass,nolog,ctl:requestBodyProcessor=XML"
SecRule ARGS|REQUEST_HEADERS|REQUEST_COOKIES|REQUEST_COOKIES_NAMES|XML:/*|XML://@*|REQUEST_URI|REQUEST_URI_RAW|REQUEST_LINE|REQUEST_BODY|QUERY_STRING|REQUEST_FILENAME|ARGS_NAMES "@rx (?s)^.*$" "id:4,phase:2,pass,log,auditlog,capture,msg:'saw %{MATCHED_VAR}',logdata:'Matched Data: %{TX.0} found within %{MATCHED_VAR_NAME}: %{MATCHED_VAR}',tag:'%{TX.0}',multiMatch"
SecRule XML:/*|ARGS:password|REQUEST_BODY "@rx [A-Za-z0-9]{24}" "id:5,phase:2,pass,log,auditlog,capture,logdata:'Matched Data: %{TX.0} found within %{MATCHED_VAR_NAME}'"
SecRule ARGS:password|XML:/* "@rx ^(.+)$" "id:6,phase:2,pass,log,auditlog,capture,logdata:'%{TX.1}',chain"
SecRule TX:1 "@rx ." "t:none"
SecRule XML:/*|ARGS "@rx ." "id:7,phase:2,pass,log,auditlog,logdata:'%{MATCHED_VAR}',chain"
SecRule MATCHED_VARS|MATCHED_VAR "@rx ." "t:none"
SecRule REQUEST_HEADERS:Authorization|ARGS:password "@rx ([A-Za-z0-9]{24})" "id:8,phase:2,pass,log,auditlog,capture,msg:'caller %{TX.1}',tag:'t/%{TX.1}'"
SecRule ARGS|REQUEST_HEADERS|REQUEST_COOKIES|XML:/* "@rx ([A-Za-z0-9]{24})" "id:9,phase:2,pass,nolog,capture,setvar:'tx.kept=%{tx.kept} %{TX.1}',setvar:tx.last=%{TX.1},setenv:last=%{TX.1}"
SecRule REQUEST_METHOD "@rx ." "id:10,phase:2,pass,log,auditlog,msg:'kept %{TX.kept}',logdata:'%{TX.last}, %{ENV.last} within %{MATCHED_VAR}',tag:'%{TX.last}'"
SecRule TX:kept|TX:last|ENV:last "@rx (.+)" "id:11,phase:2,pass,log,auditlog,capture,logdata:'Matched Data: %{TX.1} found within %{MATCHED_VAR_NAME}: %{MATCHED_VAR}'"
SecRule ARGS|REQUEST_HEADERS|REQUEST_COOKIES|XML:/* "@rx ([A-Za-z0-9]{24})" "id:12,phase:2,pass,log,auditlog,capture,logdata:'%{TX.1}',chain"
SecRule REQUEST_METHOD "@rx ." "t:none"
SecRule REQUEST_METHOD "!@streq %{ARGS.password}" "id:13,phase:2,pass,log,auditlog,msg:'%{ARGS.password}',logdata:'by %{REQUEST_HEADERS.authorization} %{REQUEST_HEADERS.x-api-key} %{REQUEST_COOKIES.id} %{ARGS.cvv}',tag:'%{REQUEST_HEADERS.dd-api-key}'"
SecRule REQUEST_HEADERS:X-Away "@rx ." "id:14,phase:2,redirect:'https://id.example/?was=%{ARGS.password}',status:302,log,auditlog"
"""


CRS = Path(os.environ.get("SIDEGATE_TEST_DATA", "/nowhere")) / "crs-4"
HAS_CRS = pytest.mark.skipif(not CRS.is_dir(), reason=f"there is no {CRS} (SIDEGATE_TEST_DATA)")


@pytest.mark.parametrize("rules_of", ["baseline", pytest.param("crs", marks=HAS_CRS), "own"])
def test_what_rules_find_shows_no_secret(sidegate, tmp_path, rules_of):
    out, own = tmp_path / "out", tmp_path / "own.conf"
    out.mkdir()
    own.write_text(SEES_ALL if rules_of == "own" else "SecAuditEngine On\n")
    of = {"baseline": "baseline: on", "crs": f"crs: {{ folder: {CRS}, paranoia: 4, detection_paranoia: 4 }}", "own": "mode: on"}[rules_of]
    (tmp_path / "acl.json").write_text(web_acl())
    backend = Backend(always_ok)
    s = sidegate(backend.url, f"""
access: [{{ web_acl: {tmp_path}/acl.json }}]
rules: {{ {of}, files: [{own}], cpu_budget: 30s, log: {{ path: {out}/rules.log }} }}
access_log: {{ path: {out}/access.log }}
audit_log: {{ path: {out}/audit, parts: ABCEFHIJKZ, format: json, when: always }}
waf_log: {{ path: {out}/waf }}
execution_log: {{ path: {out}/execution, level: info, data_trace: on }}
traces: {{ exporter: xray, xray: {{ path: {out}/segments }} }}
sampled_requests: {{ of: all }}
""")
    planted = {}
    for number, (method, target, fields, body) in enumerate(attacks()):
        secret = dice()
        planted[f"{number}: {target} {fields} {body}"] = secret
        put = [(name, value.replace("SECRET", secret)) for name, value in fields]
        s.ask(method, target.replace("SECRET", secret), put, body.replace("SECRET", secret).encode() if body else None)
    assert s.stop(60) == 0
    said = {path.name: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    assert said["rules.log"].count(b"\n") > len(planted) // 2, "rules have found something"
    found = shown(said, planted)
    print(*found, sep="\n")
    assert found == []
