# SPDX-License-Identifier: Apache-2.0
"""What the fuzzers begin with: seeds out of the suites that others wrote and out of our own tests, and a dictionary for each
target out of the tables. Nothing of it is committed; without the suites there are fewer seeds.

  seeds.py FOLDER   writes FOLDER/TARGET/* and FOLDER/TARGET.dict"""
import ctypes
import ctypes.util
import gzip
import hashlib
import json
import os
import re
import ssl
import struct
import sys
import zlib
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests" / "stories"))
from packers import brotli, zstd  # noqa: E402

DATA = Path(os.environ.get("SIDEGATE_TEST_DATA", TOP.parent / "shared" / "data"))
MOST_BYTES = 16384
MATCH = TOP / "rules" / "match"


def rows(table, macro):
    """The names in a table's rows: the first argument, or the second where an identifier stands before it."""
    return re.findall(rf'^{macro}\((?:[A-Z0-9_]+, )?"?(\w+)"?', (TOP / table).read_text(), flags=re.M)


TRANSFORMATIONS = rows("rules/match/transformations.tbl", "TRANSFORMATION")
OPERATORS = rows("rules/match/operators.tbl", "OPERATOR")


class Seeds:
    def __init__(self, folder):
        self.folder = Path(folder)

    def add(self, target, content):
        if isinstance(content, str):
            content = content.encode("utf-8", "surrogateescape")
        if not content or len(content) > MOST_BYTES:
            return
        to = self.folder / target
        to.mkdir(parents=True, exist_ok=True)
        (to / hashlib.sha1(content).hexdigest()[:16]).write_bytes(content)

    def dictionary(self, target, words):
        self.folder.mkdir(parents=True, exist_ok=True)
        escaped = (re.sub(rb'[^ -~]|["\\]', lambda m: b"\\x%02x" % m[0][0], w.encode("latin-1")) for w in sorted(set(words)))
        (self.folder / f"{target}.dict").write_bytes(b"".join(b'"%s"\n' % w for w in escaped if w))


def directives_of(text):
    """A rule file's directives, each with its continued lines."""
    joined = re.sub(r"^\s*#.*\n", "", text, flags=re.M)
    return re.findall(r"^[ \t]*Sec\w+(?:.*\\\n)*.*$", joined, flags=re.M)


def rule_files():
    for folder in (DATA / "crs-4", DATA / "crs-4" / "rules", TOP / "rules" / "sets"):
        yield from sorted(folder.glob("*.conf*")) if folder.is_dir() else []


def fields_text(headers):
    return "\n".join(f"{name}: {value}" for name, value in headers.items())


def mapping(value):
    return value if isinstance(value, dict) else {}


def body_seed(seeds, headers, body):
    kinds = [value for name, value in headers.items() if name.lower() == "content-type"]
    if body and kinds:
        seeds.add("body_fuzz", f"{kinds[0]}\n!{body}")


def add_rules(seeds):
    for path in rule_files():
        chain = ""
        for directive in directives_of(path.read_text(errors="replace")):
            chain += directive + "\n"
            if not re.search(r"[\s,\"]chain\b", directive):
                seeds.add("seclang_fuzz", chain)
                chain = ""
            seen = re.search(r'"!?@(\w+) ((?:[^"\\]|\\.)*)"', directive)
            if seen and seen[1] in OPERATORS:
                seeds.add("operator_fuzz", f"{seen[1]} {seen[2]}\n<script>alert(1)</script> union select 1")


def add_regressions(seeds):
    """ModSecurity's regression tests: rules and the request that they were written for."""
    for path in sorted((DATA / "waf-modsecurity-regression" / "regression").glob("*.json")):
        for case in json.loads(path.read_text(errors="replace")):
            request = case.get("request", {})
            rules = "\n".join(case.get("rules", []))
            body = request.get("body", "")
            body = "\r\n".join(body) if isinstance(body, list) else str(body)
            headers = mapping(request.get("headers"))
            seeds.add("seclang_fuzz", rules)
            seeds.add("inspection_fuzz", f"{rules}\0{request.get('uri', '/')}\0{fields_text(headers)}\0{body}")
            body_seed(seeds, headers, body)


def add_crs_tests(seeds):
    """Each rule of the CRS that names no file, with the first requests of its tests."""
    try:
        import yaml
    except ImportError:
        return
    rules = {}
    for path in rule_files():
        for directive in directives_of(path.read_text(errors="replace")):
            number = re.search(r"\bid:(\d+)", directive)
            if number and "FromFile" not in directive and "chain" not in directive:
                rules[number[1]] = directive
    for path in sorted((DATA / "crs-4" / "tests").glob("*/*.yaml")):
        tests = yaml.load(path.read_text(errors="replace"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        for test in mapping(tests).get("tests", []) if path.stem in rules else []:
            given = mapping(test["stages"][0].get("input"))
            headers, body = mapping(given.get("headers")), str(given.get("data") or "")
            seeds.add("inspection_fuzz", f"{rules[path.stem]}\0{given.get('uri', '/')}\0{fields_text(headers)}\0{body}")
            body_seed(seeds, headers, body)
            add_value(seeds, str(given.get("uri", "")))
            if body:
                add_value(seeds, body)


def add_value(seeds, value):
    seeds.add("detectors_fuzz", value)
    index = TRANSFORMATIONS.index
    for chain in (["urlDecodeUni", "htmlEntityDecode", "jsDecode", "cssDecode", "lowercase"],
                  ["urlDecodeUni", "replaceComments", "compressWhitespace", "normalizePathWin"]):
        seeds.add("transformation_fuzz", bytes(ord("0") + index(name) for name in chain) + b"\n" + value.encode())


def add_lines(seeds):
    """Attacks and honest lines."""
    for path in sorted((DATA / "waf-libinjection" / "data").glob("*.txt")):
        for line in path.read_text(errors="replace").splitlines()[:300]:
            add_value(seeds, line)
    strange = DATA / "waf-blns" / "blns.json"
    for line in json.loads(strange.read_text()) if strange.exists() else []:
        add_value(seeds, line)


def add_vectors(seeds):
    for path in sorted((DATA / "waf-secrules-language-tests" / "transformations").glob("*.json")):
        for case in json.loads(path.read_text(errors="replace")):
            name = case.get("name", "")
            if name in TRANSFORMATIONS:
                number = TRANSFORMATIONS.index(name)
                seeds.add("transformation_fuzz", f"{chr(ord('0') + number)}\n{case.get('input', '')}")
    for path in sorted((DATA / "waf-secrules-language-tests" / "operators").glob("*.json")):
        for case in json.loads(path.read_text(errors="replace"))[:100]:
            if case.get("name") in OPERATORS:
                seeds.add("operator_fuzz", f"{case['name']} {case.get('param', '')}\n{case.get('input', '')}")


def add_json(seeds):
    for path in sorted((DATA / "http-jsontestsuite" / "test_parsing").glob("*.json")):
        seeds.add("body_fuzz", b"application/json\n!" + path.read_bytes())


def add_strings_of_tests(seeds):
    """The literals of our unit tests of bodies: each is one kind of trouble."""
    kinds = {"xml": "text/xml", "json": "application/json", "urlencoded": "application/x-www-form-urlencoded",
             "multipart": "multipart/form-data; boundary=b"}
    for path in sorted((TOP / "tests" / "unit" / "body").glob("*_test.c")):
        for kind, content_type in kinds.items():
            if path.name.startswith(kind):
                for literal in re.findall(r'"((?:[^"\\\n]|\\.)*)"', path.read_text()):
                    text = literal.encode().decode("unicode_escape").encode("latin-1")
                    seeds.add("body_fuzz", content_type.encode() + b"\n!" + text)


def pack_brotli(text):
    """By the library itself, since Python has none; empty where it is not there."""
    path = ctypes.util.find_library("brotlienc")
    if path is None:
        return b""
    room = ctypes.create_string_buffer(2 * len(text) + 1024)
    size = ctypes.c_size_t(len(room))
    ctypes.CDLL(path).BrotliEncoderCompress(9, 22, 0, ctypes.c_size_t(len(text)), text, ctypes.byref(size), room)
    return room.raw[:size.value]


def pack_zstd(text):
    path = ctypes.util.find_library("zstd")
    if path is None:
        return b""
    compress = ctypes.CDLL(path).ZSTD_compress
    compress.restype = ctypes.c_size_t
    room = ctypes.create_string_buffer(2 * len(text) + 1024)
    return room.raw[:compress(room, ctypes.c_size_t(len(room)), text, ctypes.c_size_t(len(text)), 9)]


def add_packed(seeds):
    texts = [b"id=1&q=union select", b'{"a":[1,2,3]}', b"x" * 200, (TOP / "README.md").read_bytes()[:3000]]
    for text in texts:
        bare = zlib.compressobj(9, zlib.DEFLATED, -15)
        seeds.add("decoding_fuzz", b"gzip\n" + gzip.compress(text, mtime=0))
        seeds.add("decoding_fuzz", b"gzip\n" + gzip.compress(text, mtime=0) + gzip.compress(text[:9], mtime=0))
        seeds.add("decoding_fuzz", b"deflate\n" + zlib.compress(text))
        seeds.add("decoding_fuzz", b"deflate\n" + bare.compress(text) + bare.flush())
        seeds.add("decoding_fuzz", b"br\n" + pack_brotli(text))
        seeds.add("decoding_fuzz", b"zstd\n" + pack_zstd(text) + pack_zstd(text[:9]))
        seeds.add("decoding_fuzz", b"br, zstd\n" + pack_zstd(pack_brotli(text)))
        seeds.add("decoding_fuzz", b"deflate, gzip\n" + gzip.compress(zlib.compress(text), mtime=0))
        seeds.add("decoding_fuzz", b"br\n" + brotli(text))
        seeds.add("decoding_fuzz", b"zstd\n" + zstd(text) + zstd(text[:9]))
        seeds.add("decoding_fuzz", b"br, zstd\n" + zstd(brotli(text)))


def add_policies(seeds):
    condition = '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":%s}}'
    document = ""
    for line in (TOP / "tests/unit/guard/policy_cases.txt").read_text().splitlines():
        word, _, rest = line.partition(" ")
        if word in ("identity", "resource", "boundary", "session", "condition"):
            document = condition % rest if word == "condition" else rest
        elif "<<" in line and document:
            seeds.add("policy_fuzz", document + "\0" + line.partition("<<")[2].strip().replace("; ", "\n"))
    operators = rows("sidecar/guard/policy_operators.tbl", "POLICY_OPERATOR")
    seeds.dictionary("policy_fuzz", operators + ["IfExists", "ForAnyValue:", "ForAllValues:", "${aws:username", ", 'x'}", "${*}",
                                                 "arn:aws:execute-api:", "execute-api:/", "NotAction", "NotResource", "NotPrincipal"])


def add_signatures(seeds):
    for path in sorted((DATA / "auth-sigv4-aws-c-auth").glob("v4*/*/*-signed-request.txt")):
        seeds.add("sigv4_fuzz", path.read_bytes().replace(b" HTTP/1.1\n", b"\n", 1))
    chunk = "1;chunk-signature=" + 64 * "a" + "\r\nx\r\n0;chunk-signature=" + 64 * "b" + "\r\n"
    seeds.add("sigv4_fuzz", "PUT /\n\n" + chunk + "\r\n")
    seeds.add("sigv4_fuzz", "PUT /\n\n" + chunk + "x-amz-trailer-signature:" + 64 * "c" + "\r\n\r\n")
    names = ["Credential=", "SignedHeaders=", "Signature=", "AWS4-HMAC-SHA256 ", "AWS4-ECDSA-P256-SHA256 ", "/aws4_request", "Authorization:",
             "X-Amz-Date", "X-Amz-Expires=", "X-Amz-Algorithm=", "X-Amz-Security-Token", "X-Amz-Region-Set", "x-amz-content-sha256:",
             "UNSIGNED-PAYLOAD", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "20150830T123600Z"]
    seeds.dictionary("sigv4_fuzz", names)


def add_authorizers(seeds):
    policy = '"policyDocument":{"Version":"2012-10-17","Statement":[{"Action":"execute-api:Invoke","Effect":"Allow","Resource":["*"]}]}'
    answers = ['{"principalId":"u",%s,"context":{"n":1,"b":true},"usageIdentifierKey":"k"}' % policy, '{"isAuthorized":true,"context":{"o":{}}}',
               '{"errorMessage":"Unauthorized"}']
    for kind in range(12):
        for answer in answers:
            seeds.add("authorizer_answer_fuzz", bytes([kind]) + answer.encode())
    for source in ("$request.header.x-a", "method.request.querystring.q", "$context.routeKey", "$context.identity.sourceIp"):
        seeds.add("authorizer_event_fuzz", source + "\n/orders/7?q=1&q=%2c&%71\nX-A: 1\nx-a: 2\nCookie: a=1; b=2\nUser-Agent: t")
    seeds.dictionary("authorizer_answer_fuzz", ["principalId", "policyDocument", "isAuthorized", "context", "usageIdentifierKey", "errorMessage", "Statement"])
    seeds.dictionary("authorizer_event_fuzz", ["$request.header.", "method.request.querystring.", "$context.", "stageVariables.", "cookie:", "%", "&"])


def add_rates(seeds):
    parts = rows("sidecar/guard/rate_parts.tbl", "RATE_PART")
    for key in ("client_address", "query:user", "cookie:sid header:x-user", "host path method route", "query:a query:b client_address"):
        seeds.add("rate_fuzz", key + "\ntheme=dark; sid=1\n192.0.2.1\nuser=a%20b&a=%61&b")
        seeds.add("rate_fuzz", key + "\nsid=\n2001:db8::1\n%75ser=+&a&b=%zz")
    seeds.dictionary("rate_fuzz", parts + ["header:", "cookie:", "query:", "client_address", "%41", "%", "; sid=", "&user="])


def add_templates(seeds):
    values = 'a"b\\,<c> d=[e]\r\n\x85'
    for template in ('$context.requestId "$context.path" $context.identity.userAgent,$context.status', '{"a":$context.requestId,"b":"$context.error.message"}',
                     "<r id='$context.requestId'>$context.authorizer.claims.sub</r>"):
        seeds.add("access_template_fuzz", template + "\n" + values)
    names = re.findall(r'^CONTEXT_\w+\("([^"]+)"', (TOP / "exporters/context_variables.tbl").read_text(), flags=re.M)
    seeds.dictionary("access_template_fuzz", ["$context." + name for name in names] + ["$context.error.messageString", '{"a":', "\\n"])


def add_keys(seeds):
    """Usage, and API keys in both forms."""
    seeds.add("usage_fuzz", "k basic k1 month 20758 1203 -5 20778 17 8797\np basic 20750\nk basic k1 month 20758 1204 0 20779 1 8796\n")
    seeds.add("usage_fuzz", "k gold k-2 week 20778 1 0 20778 1 18446744073709551615\nk gold k-2 day 20779 1 0 20779 1 4\n")
    seeds.dictionary("usage_fuzz", ["k ", "p ", " day ", " week ", " month ", "basic", "k1", "20778", "18446744073709551615", "-1"])
    key = "a" * 20
    seeds.add("api_key_fuzz", f'\x01Name,key,description,Enabled,usageplanids\r\nshop,{key},"a ""b"", c",TRUE,"basic,gold"\r\n\'x\ny\',{key}b,,false,\n')
    seeds.add("api_key_fuzz", f'\x02version: 1\nsalt: "{"0" * 64}"\nkeys:\n  - {{ id: k1, name: "a \\"b\\"", hash: "{"1" * 64}", '
              'enabled: false, plans: [basic, gold], description: "x\\n" }\n')
    seeds.dictionary("api_key_fuzz", ["id: ", "name: ", "hash: ", "enabled: ", "plans: ", "description: ", "salt: ", "keys:", "Key", "Name",
                                      "Description", "Enabled", "UsagePlanIds", "0" * 64, key, "true", "false", '""', "\xef\xbb\xbf"])


def add_places(seeds):
    """Databases as they are, broken ones too, and lists of the addresses that their sources name."""
    for path in sorted((DATA / "geo-maxmind-db/test-data").glob("*.mmdb")):
        seeds.add("geo_fuzz", path.read_bytes())
    for path in sorted((DATA / "geo-maxmind-db/source-data").glob("*.json")):
        networks = [network for entry in json.loads(path.read_text()) for network in entry]
        seeds.add("list_fuzz", "# " + path.name + "\n" + "\n".join(networks[:200]) + "\n")
    seeds.add("list_fuzz", "192.0.2.1-192.0.2.9 ; a range\n\n10.0.0.0/8 # inside\n::ffff:192.0.2.77\n")
    seeds.dictionary("geo_fuzz", ["\xab\xcd\xefMaxMind.com", "node_count", "record_size", "ip_version", "database_type",
                                  "country", "iso_code", "subdivisions", "autonomous_system_number", "is_anonymous"])


def write_dictionaries(seeds):
    variables = rows("rules/match/variables.tbl", "VARIABLE")
    actions = rows("rules/match/actions.tbl", "ACTION")
    ctls = rows("rules/match/ctls.tbl", "CTL")
    directives = rows("rules/language/directives.tbl", "DIRECTIVE")
    seclang = ([f"{d} " for d in directives] + [f"@{o} " for o in OPERATORS] + [f"t:{t}," for t in TRANSFORMATIONS] + actions +
               [f"ctl:{c}=" for c in ctls] + variables + [f"%{{{v}." for v in ("tx", "args", "rule", "matched_var")] +
               ["id:1,", "phase:2,", "pass,", "deny,", "block,", "chain", "\\\n", "|", "!ARGS:", "&ARGS", ":/^a/", "|XML:/*", "&"])
    words = re.findall(r'"([^"]+)"', (MATCH / "sqli_words.tbl").read_text() + (MATCH / "xss_names.tbl").read_text())
    marks = ["'", '"', "`", "--", "/*", "*/", "/*!", "#", "<", "</", "=", "&#x3a;", "&#58", "javascript:", "0x", "@@", "||", "<!--"]
    bodies = ["\r\n--b", "\r\n--b--\r\n", "Content-Disposition: form-data; name=", "; filename=", "; filename*=", "Content-Type: ",
              "%u", "%00", "\\u", "\\ud83d", "\xef\xbb\xbf", "<?xml version='1.0' encoding='", "utf-16", "<!DOCTYPE", "<!ENTITY",
              "<![CDATA[", "]]>", "&amp;", "&#x", "xmlns:", "/>", "</", "boundary=", "application/json", "text/xml",
              "multipart/form-data", "[[[[", '{"', "true", "null", "1e"]
    seeds.dictionary("seclang_fuzz", seclang)
    seeds.dictionary("inspection_fuzz", seclang + bodies)
    seeds.dictionary("operator_fuzz", [f"{o} " for o in OPERATORS] + marks + ["%{tx.a}", "(?i)", "(?:", "\\b", "[^", "{2,}", "1.2.3.0/24"])
    seeds.dictionary("detectors_fuzz", words + marks)
    seeds.dictionary("transformation_fuzz", marks + ["%u0", "%2", "\\x", "\\u00", "\\0", "&lt;", "&nbsp", "/../", "/./", "//", "\\..\\"])
    seeds.dictionary("body_fuzz", bodies)
    seeds.dictionary("decoding_fuzz", ["gzip", "deflate", "br", "zstd", "identity", ", ", "\x1f\x8b\x08", "\x78\x9c", "\x28\xb5\x2f\xfd"])


def add_jose(seeds):
    """Keys and tokens of the JOSE vectors, and headers that attacks come with."""
    for path in sorted((DATA / "auth-jose-vectors" / "latchset").glob("*")):
        target = "jwk_fuzz" if path.suffix.startswith(".jwk") else "jws_fuzz"
        seeds.add(target, path.read_bytes().strip())
    for name in ("jwk", "jws"):
        for text in re.findall(r'"(\{\\".*\})"', (TOP / f"tests/unit/guard/{name}_test.c").read_text()):
            text = text.replace('\\"', '"')
            seeds.add("jwk_fuzz" if name == "jwk" else "jws_fuzz", text if name == "jwk" else text + '\n{"sub":"a"}')
    for claims in ('"exp":2000', '"exp":1e9,"nbf":1,"iat":2.5,"sub":"x","scope":"a b"', '"exp":2000,"scp":["a"],"n":[1,{"b":null}]'):
        seeds.add("jws_fuzz", '{"alg":"HS256","kid":"a"}\n{"iss":"i","aud":"a",' + claims + "}")
    for text in ('{"issuer":"http://i","jwks_uri":"http://i/keys"}', '{"issuer":"https://i","jwks_uri":"https://i/keys"}',
                 '{"active":true,"exp":2000,"scope":"a b","sub":"x"}', '{"active":false}', "public, max-age=3600, no-cache",
                 "eu-west-1_AbC123", "arn:aws:cognito-idp:us-east-2:123456789012:userpool/us-east-2_XYZ"):
        seeds.add("issuer_fuzz", text)
    names = ["iss", "aud", "exp", "nbf", "iat", "sub", "scope", "scp", "client_id", "alg", "kid", "kty", "crv", "use", "key_ops", "keys", "crit", "b64", "jku", "jwk", "x5u", "x5c", "enc", "typ", "none"]
    values = ["RS256", "PS512", "ES256", "HS256", "EdDSA", "RSA", "EC", "OKP", "oct", "P-256", "P-521", "Ed25519", "Ed448", "sig"]
    for target in ("jwk_fuzz", "jws_fuzz"):
        seeds.dictionary(target, [f'"{word}"' for word in names + values] + ['":"', ",", "{}", "[]", "AQAB", "."])


def add_web_acls(seeds):
    for path in sorted((TOP / "tests/web_acl").glob("*.json")):
        for case in json.loads(path.read_text()):
            rule = {"Name": "r", "Priority": 0, "Statement": case.get("statement"), "Action": {"Block": {}}}
            acl = case.get("acl") or {"Name": "a", "DefaultAction": {"Allow": {}}, "Rules": [rule], **case.get("with", {})}
            asks = case.get("hits", []) + [ask[0] for ask in case.get("asks", []) + case.get("steps", [])]
            for asked in (asks or [""])[:2]:
                seeds.add("web_acl_fuzz", json.dumps(acl) + "\0" + asked.partition("\n\n")[2])
    seeds.dictionary("web_acl_fuzz", rows("sidecar/guard/web_acl_managed.tbl", "GROUP") + ["Statement", "FieldToMatch", "Priority"])


def add_alarms(seeds):
    """The cases of metric math and of rules; ids that they name become those of the target."""
    for line in (TOP / "tests/unit/alarms/math_cases.txt").read_text().splitlines():
        if "=> " in line or "=! " in line:
            seeds.add("metric_math_fuzz", re.sub(r"\b(b|z|n|requests)\b", "errors", re.split("=[>!] ", line)[0].strip()))
    functions = rows("exporters/alarms/math_functions.tbl", "FUNCTION")
    seeds.dictionary("metric_math_fuzz", [f"{name}(" for name in functions] + ["REPEAT", "LINEAR", "DESC", "ASC", " AND ", "||"])
    for rule in re.findall(r'\{"((?:[^"\\]|\\.)*)",', (TOP / "tests/unit/alarms/composite_test.c").read_text()):
        rule = rule.replace('\\"', '"').replace("\\n", "\n").replace("slow", "a").replace("quiet", "errors")
        seeds.add("alarm_rule_fuzz", rule)
    seeds.dictionary("alarm_rule_fuzz", ["ALARM(", "OK(down)", "INSUFFICIENT_DATA(", "AT_LEAST(2, ", "50%", "NOT ", " AND ", " OR ",
                                         '"a b"', "TRUE", "FALSE"])


def add_masks(seeds):
    for before, behind in (('{"a":"b",', ',"c":1}'), ("<a b='c'>", "</a>"), ("a=1&b=%7B", "&c=2"), ('form-data; name="x"\r\n\r\n', "\r\n--B--"), ("<input name='user' ", ">")):
        seeds.add("mask_fuzz", before.encode() + b"\0" + behind.encode())


def add_xray(seeds):
    """Rules of both shapes and their members; texts of a request, cut at NULs."""
    local = '{"version": 2, "rules": [{"description": "a", "host": "*", "http_method": "GET", "url_path": "/o*", "fixed_target": 1, ' \
        '"rate": 0.05}], "default": {"fixed_target": 1, "rate": 0.1}}'
    record = '{"SamplingRuleRecords": [{"SamplingRule": {"RuleName": "own", "Priority": 5, "FixedRate": 0.5, "ReservoirSize": 3, ' \
        '"Version": 1, "Host": "*", "Attributes": {"x-tenant": "a*"}}}], "NextToken": null}'
    for kind in (0, 1):
        for rules in (local, record):
            seeds.add("sampling_fuzz", bytes([kind]) + rules.encode())
    seeds.dictionary("sampling_fuzz", re.findall(r'"(\w+)"', local + record) + ["ServiceName", "ServiceType", "HTTPMethod", "URLPath",
                                                                                 "ResourceARN", "Default", "RuleARN", "CreatedAt"])
    texts = b"id\0GET\0shop.example\0/orders/7\0q=1&token=x\0curl/8\0" b"192.0.2.1\0" b"192.0.2.2\0/o/{id}\0waf_blocked\0no\0jwt\0alice"
    for head in (b"\0\xc8\0\0", b"\1\x93\2\1", b"\0\0\1\1"):
        seeds.add("xray_fuzz", head + texts)
        seeds.add("xray_fuzz", head + texts.replace(b"/", b"\\\"\xff\xe2\x82\xac" * 90))


def add_hellos(seeds):
    """What clients begin with, the cut before it, and a server_name extension's body."""
    for name, protocols in ((None, []), ("a.example", ["http/1.1"]), ("*.w.example", ["h2", "http/1.1"]), ("x" * 60 + ".example", [])):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.set_alpn_protocols(protocols)
        out = ssl.MemoryBIO()
        try:
            context.wrap_bio(ssl.MemoryBIO(), out, server_hostname=name).do_handshake()
        except ssl.SSLWantReadError:
            pass
        hello = out.read()
        for cut in (0, 6, 255):
            seeds.add("tls_fuzz", bytes([cut]) + hello)
    seeds.add("tls_fuzz", b"\xff\0\x0c\0\0\x09a.example")


def crc32c(data, crc=0):
    crc ^= 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def add_otlp_answers(seeds):
    """Trailers of gRPC, frames, messages and items of a batch: exporters/otlp_grpc.c, otlp_pieces.c."""
    details = b"CAgSBWxhdGVyGjYKKHR5cGUuZ29vZ2xlYXBpcy5jb20vZ29vZ2xlLnJwYy5SZXRyeUluZm8SCgoICBQQgMq17gE"
    seeds.add("otlp_answer_fuzz", b"grpc-status: 8\r\ngrpc-message: too%20much\r\ngrpc-status-details-bin: " + details + b"\r\n")
    seeds.add("otlp_answer_fuzz", b"grpc-status: 99\ngrpc-message: %4\n")
    seeds.add("otlp_answer_fuzz", b"\0\0\0\0\x09\x0a\x07\x08\x02\x12\x03old")
    seeds.add("otlp_answer_fuzz", b"\x0a\x07\x08\x02\x12\x03old")
    seeds.add("otlp_answer_fuzz", b"\x12\x0c\x0a\x01n\x3a\x07\x0a\x01x\x0a\x00\x18\x01\x12\x04\x2a\x02\x0a\x00\x12\x03\x0a\x01n")


def add_spools(seeds):
    """Segments with frames, whole and cut, and a ledger's slot: exporters/spool_frame.c and spool_ledger.c."""
    def frame(sequence, units, record):
        head = struct.pack("<4sIIIQQQI", b"SGfH", len(record), 2, 1, sequence, units, 7, crc32c(record))
        tail = struct.pack("<QQ", sequence + 1, units + 2)
        return (head + struct.pack("<I", crc32c(head)) + record + b"SGfT" +
                struct.pack("<I", crc32c(tail, crc32c(b"SGfT"))) + tail)

    head = b"SGspool1" + struct.pack("<QQQIII", 5, 10, 7, 3, crc32c(b"who"), 0)
    segment = head + struct.pack("<I", crc32c(head)) + b"who"
    frames = [frame(5 + i, 10 + 2 * i, bytes(range(i * 9))) for i in range(4)]
    seeds.add("spool_fuzz", segment + b"".join(frames))
    seeds.add("spool_fuzz", b"".join(frames))
    seeds.add("spool_fuzz", frames[0] + frames[1][:30] + frames[2] + b"x" + frames[3])
    seeds.add("spool_fuzz", frames[0][48:] + frames[1])
    lost = [0, 4] + [0] * 14
    ledger = struct.pack("<QQQQQQ16QQQQQ16sQQQ", 3, 50, 100, 26, 2, 4, *lost, 0, 9, 8, 7, b"boot", 1, 2, 2)
    ledger += struct.pack("<64Q", *([0, 0, 10, 20, 12, 24, 15, 30] + [0] * 56))
    seeds.add("spool_fuzz", b"SGledgr1" + struct.pack("<II", len(ledger), crc32c(ledger)) + ledger)


def main():
    seeds = Seeds(sys.argv[1])
    for add in (add_rules, add_regressions, add_crs_tests, add_lines, add_vectors, add_json, add_strings_of_tests, add_packed,
                add_policies, add_signatures, add_rates, add_templates, add_authorizers, add_keys, add_places, write_dictionaries, add_jose, add_hellos, add_web_acls,
                add_spools, add_otlp_answers, add_alarms, add_masks, add_xray):
        add(seeds)
    for folder in sorted(p for p in seeds.folder.iterdir() if p.is_dir()):
        print(f"{folder.name}: {len(list(folder.iterdir()))} seeds")


if __name__ == "__main__":
    main()
