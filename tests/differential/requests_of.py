# SPDX-License-Identifier: Apache-2.0
"""What is sent: the requests of the CRS's own tests, and crafted ones for what the engine itself does."""
import re
from dataclasses import dataclass

from corpus import read


@dataclass
class Request:
    name: str
    bytes: bytes
    method: str
    status: int = 0          # the answer that the CRS's test expects; 0: any
    is_attack: bool = False  # the CRS's test expects a rule of its family to match

    @property
    def request(self):
        return self.bytes


def regression(folder):
    """Those of the CRS's own tests: 942100-1, or 942100-1.0 where it has more than one stage."""
    return [Request(t.name if len(t.stages) == 1 else f"{t.name}.{i}", s.request, s.method, s.status,
                    bool(s.expect_ids) and bool(re.match("9(3[0-4]|4[1-4])", t.name)))
            for t in read(folder) for i, s in enumerate(t.stages)]


FORM = "application/x-www-form-urlencoded"
BOUNDARY = "xYzZY0123"


def make(name, target="/", body=None, kind=FORM, fields=(), method=None):
    body = body.encode("latin-1") if isinstance(body, str) else body
    method = method or ("GET" if body is None else "POST")
    lines = [f"{method} {target} HTTP/1.1", "Host: shop.example", "User-Agent: differential", "Accept: */*",
             *(f"{n}: {v}" for n, v in fields), "Connection: close"]
    if body is not None:
        lines += [f"Content-Type: {kind}"] * bool(kind) + [f"Content-Length: {len(body)}"]
    return Request(f"own-{name}", "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + (body or b""), method)


# Texts for each transformation, as bytes of a query.
VALUES = (
    "plain UPPER %20+x", "%2541%41", "%u0041%u00e4%u2215", "%zz%4", "%%34%31", "&lt;b&gt;&#65;&#x42;&#x43&amp", "&nbsp;&quot;&bogus;&#0;",
    "\\u0041\\x42\\103\\n\\q", "\\u00", "\\x", "\\41 \\000041x\\26 y", "\\\\", "a\\n\\t\\0b\\x41\\x4", "%00a%00b", "%20%09%0a%0d%0b a%20%20 b%20",
    "/*x*/a/**/b/*", "a--b", "a%23b", "*/a*/", "<!--x-->y<!--", "/a/./b/../c//d", "../../etc/passwd", "/../x", "./", "a/..", "..", "/",
    "a\\b\\..\\c", "C:\\x\\.\\y", "SGVsbG8=", "SGVsbG8", "SGV%20sbG8=", "!!SGVs", "SGVsbG8%3D%3D%3D", "0x414243", "0x4", "0xzz", "414243", "4",
    "41zz", "4142 43", "c^at /e\"tc/pas'swd", "C,A;T  X  (/y", "a%C3%A4%E2%82%AC", "%FF%FE", "%C0%AF", "%E2%82", "%F0%9F%98%80", "%ED%A0%80",
    "%80%C1abc", "a%09b%0Ac", "%C2%A0x%C2%A0", "1%000", "%26%23x3c%3Bscript%26%23x3e%3B", "%253Cscript%253E", "%26lt;", "%u003c", "%e9", "--",
    "%3c%2f%73", "'%22%5c%5c", "a%5c'b", "%5c%75%30%30%36%31", "%5c%61", "%5c%0a", "%5c%65%66%67", "&#x3C", "&#60", "&LT;", "&lt", "&#xg;",
    "&#99999999;", "a%20--%20b", "a;rm%20-rf%20/", "ab%2Fcd", "%2e%2e%2f", "%u2025%u002f", "%uff0e", "+", "%2B", "%2b%20+", "%25", "%", "%a",
)

QUERIES = (
    "a=ab&b=b", "a=xaq&b=y&c=a", "a=xaq&b=y&c=z", "a=x&b=y", "a=foo&b=boo&c=zoooo", "a=qw", "a=1", "a=&b", "a", "=x", "&&a=1&&", "a=1&a=2&A=3",
    "a%00b=c", "a=b=c", "a;b=c", "a[]=1&a[x]=2", "A=x", "a=ab", "a=xab", "a=abx ab", "a=x.ab.y", "a=xyz", "a=bc", "a=b c", "a=ALPHA", "a=alphabet",
    "a=%22q%22", "a=b|c", "a=a%0ac", "a=abc%0a", "a=%0aabc", "a=plain", "a=plain%0a", "a=A%0Ab", "a=4111111111111111", "a=4111111111111112",
    "a=4111-1111-1111-1111", "a=078-05-1120", "a=123-45-6789", "a=529.982.247-25", "a=111.111.111-11", "a=%c3%28", "a=%c3%a4", "a=%f4%90%80%80",
    "a=10.1.2.3", "a=192.168.1.7", "a=192.168.1.70", "a=2001:db8::1", "a=notip", "a=%e4%00", "a=09%0d", "a=%7f", "n=10", "n=010", "n=10abc",
    "n=abc", "n=-1", "n=", "n=%2010", "n=99999999999", "n=4294967306", "n=9223372036854775808", "n=7", "n=6", "n=5.9", "n=%2b10", "n=0x0a",
    "m=%26lt;", "m=%2526lt;", "m=<%26lt;", "m=%20Abc", "m=SCRIPT", "s=1", "s=2", "s=3", "s=4", *(f"k={i}&other=1" for i in range(11)), "u=1", "v=1",
    "u=1&v=1", "w=3", "w=x", "w=ac", "w=abc", "w=-9", "g=1", "x=%", "x=%4", "x=%zz&y=%41", "a=%u0041", "a=%2", "?a=b", "a=b?c=d", "a=b#c=d",
    "a=b/../c", "a+b=c+d", "a%3Db=c", "a&a&a", "other=1&k=1", "a=<script>alert(1)</script>", "a=1'+or+'1'='1", "a=../../etc/passwd", "a=;cat+/etc/passwd",
)

TARGETS = ("/a/b.php", "/a/b.php/c/d", "//a//b", "/a/%2e%2e/b", "/a%2Fb", "/%61?x=%61", "/a;v=1/b", "/a/../b?c", "/?", "/??", "/a.b.c",
           "/%C3%A4", "/a%20b", "/a+b", "/a%3Fb=c", "/a%3Fb?c=d", "http://shop.example/a?b=c", "/\\x", "/.", "/a/", "/%25", "/~x", "/a%00b", "/A/B")


def part(name="a", data="1", disposition=None, more=(), end="\r\n"):
    head = disposition if disposition is not None else f'Content-Disposition: form-data; name="{name}"'
    return end.join([f"--{BOUNDARY}", *([head] if head else []), *more, "", data, ""])


def multiparts():
    """(name, body, boundary parameter)"""
    file = 'Content-Disposition: form-data; name="f"; filename="{}"'
    last = f"--{BOUNDARY}--\r\n"
    disposition = "Content-Disposition: form-data; "
    bodies = {
        "plain": part() + part("b", "2") + last,
        "same name": part() + part("a", "2") + last,
        "file": part(disposition=file.format("x.txt"), more=["Content-Type: text/plain"]) + last,
        "two files": part(disposition=file.format("x.txt")) + part(disposition=file.format("y.php")) + last,
        "empty file name": part(disposition=file.format("")) + last,
        "path in file name": part(disposition=file.format("../../x")) + last,
        "backslash in file name": part(disposition=file.format("C:\\x\\y.txt")) + last,
        "escaped quote": part(disposition=file.format('a\\"b')) + last,
        "single quotes": part(disposition=disposition + "name='a'") + last,
        "no quotes": part(disposition=disposition + "name=a") + last,
        "no name": part(disposition="Content-Disposition: form-data") + last,
        "empty name": part(disposition=disposition + 'name=""') + last,
        "name twice": part(disposition=disposition + 'name="a"; name="b"') + last,
        "no space": part(disposition='Content-Disposition:form-data;name="a"') + last,
        "no semicolon": part(disposition='Content-Disposition: form-data name="a"') + last,
        "unknown parameter": part(disposition=disposition + 'name="a"; x="y"') + last,
        "upper case": part(disposition='CONTENT-DISPOSITION: FORM-DATA; NAME="a"') + last,
        "attachment": part(disposition='Content-Disposition: attachment; name="a"') + last,
        "no headers": part(disposition="") + last,
        "other header": part(disposition="X-Y: z") + last,
        "two dispositions": part(more=[disposition + 'name="b"']) + last,
        "folded": part(disposition='Content-Disposition: form-data;\r\n name="a"') + last,
        "folded by tab": part(disposition='Content-Disposition: form-data;\r\n\tname="a"') + last,
        "charset": part(more=["Content-Type: text/plain; charset=utf-8"]) + last,
        "transfer encoding": part(more=["Content-Transfer-Encoding: base64"]) + last,
        "header without colon": part(more=["nonsense"]) + last,
        "data before": "hello\r\n" + part() + last,
        "data after": part() + last + "hello\r\n",
        "empty line after": part() + last + "\r\n",
        "no last line end": part() + last[:-2],
        "no final": part(),
        "cut in a part": part()[:-4],
        "cut in headers": part().split("\r\n\r\n")[0],
        "only final": last,
        "no boundary at all": "a=1&b=2",
        "line feeds": (part() + last).replace("\r\n", "\n"),
        "mixed ends": part() + part("b", "2", end="\n") + last,
        "other boundary": part(data="x\r\n--other\r\ny") + last,
        "longer boundary": part(data=f"x\r\n--{BOUNDARY}x\r\ny") + last,
        "boundary with space": part() + f"--{BOUNDARY} \r\n" + last,
        "boundary in data": part(data=f"x --{BOUNDARY} y") + last,
        "dashes": part(data="x\r\n--\r\ny") + last,
        "NUL": part(data="x\0y") + last,
        "high bytes": part(data="\xff\xe4") + last,
        "empty data": part(data="") + last,
        "long line": part(data="x" * 5000) + last,
        "attack": part(data="1' or '1'='1") + last,
        "attack in a name": part("<script>alert(1)</script>") + last,
        "attack in a file name": part(disposition=file.format("<script>alert(1)</script>")) + last,
        "attack in a file": part(disposition=file.format("x"), data="<script>alert(1)</script>") + last,
        "many": "".join(part(f"n{i}", str(i)) for i in range(4)) + last,
    }
    kinds = {"quoted": f'boundary="{BOUNDARY}"', "space before": f"boundary= {BOUNDARY}", "space in": f"boundary ={BOUNDARY}",
             "none": "", "empty": "boundary=", "two": f"boundary={BOUNDARY}; boundary=x", "more": f"boundary={BOUNDARY}; charset=utf-8",
             "half quoted": f'boundary="{BOUNDARY}', "upper case": f"BOUNDARY={BOUNDARY}", "comma": f"boundary={BOUNDARY},x", "long": "boundary=" + "b" * 90}
    plain = part() + part("b", "2") + last
    return [(name, body, f"boundary={BOUNDARY}") for name, body in bodies.items()] + [
        (f"parameter {name}", plain, kind) for name, kind in kinds.items()]


JSONS = (
    '{"a":"x","b":1}', '{"a":{"b":"c"}}', '{"a":[1,2,"x"]}', '{"a":[{"b":"c"},{"b":"d"}]}', '[1,"x"]', '["a",["b",["c"]]]', '"text"', "12", "null",
    "true", "{}", "[]", '{"a":null}', '{"a":true,"b":false}', '{"a":1.50,"b":-0,"c":1e3}', '{"a":12345678901234567890}', '{"a":""}', '{"":"x"}',
    '{"a":"\\u0041\\n\\"\\\\\\/"}', '{"a":"\\ud83d\\ude00"}', '{"a":"\\ud83d"}', '{"a":"x\\u0000y"}', '{"a.b":"c"}', '{"a":"x","a":"y"}', '{"A":"x"}',
    '{"a":"x"', '{"a":}', '{a:1}', "{'a':1}", '{"a":1,}', '[1,]', '{"a":1} x', '{"a":1}{"b":2}', "", " ", '\xef\xbb\xbf{"a":1}', '{"a":"\x01"}',
    '{"a":"\xff"}', '{"a":"1\' or \'1\'=\'1"}', '{"<script>alert(1)</script>":1}', "[" * 20 + "]" * 20, "[" * 600 + "]" * 600, '{"a":' * 30 + "1" + "}" * 30,
    '{"a" : [ ] , "b" : { } }', "nul", "01", "1 2", '{"a":/*x*/1}', '{"a":"<b>"}', '{"a":[[1,2],[3]]}', '[{"a":1},{"a":2}]', '{"a":"x"}\n', "-", '"',
)

XMLS = (
    "<a><b>x</b></a>", '<a c="d"><b>x</b></a>', "<a><b>x</b><b>y</b></a>", "<a/>", '<?xml version="1.0"?><a><b>x</b></a>', "<a>x<b>y</b>z</a>",
    "<a><b>&lt;script&gt;</b></a>", "<a><![CDATA[<script>alert(1)</script>]]></a>", "<a><!-- c --><b>x</b></a>", '<a c="&quot;&#65;"/>', "<a><b>x</a>", "<a>",
    "", "no", "<a></a><b></b>", '<!DOCTYPE a [<!ENTITY e "x">]><a>&e;</a>', '<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>', "<a>&undefined;</a>",
    '<x:a xmlns:x="urn:x"><x:b>y</x:b></x:a>', '<?xml version="1.0" encoding="ISO-8859-1"?><a>\xe4</a>', "<a>\xe4</a>", "<a> <b> x </b> </a>",
    "<a><?php echo 1 ?></a>", '<a b="1" b="2"/>', "<a>1' or '1'='1</a>", "<a c=\"1' or '1'='1\"/>", " <a/>", "<a/>\n", "<a/>x", "<A><B>x</B></A>",
    "<a>\r\n<b>x</b>\r\n</a>", "<a>" * 40 + "x" + "</a>" * 40, '<a c="x" d="y"><b e="z"/></a>', "<a><b/></a>",
)

FIELDS = (
    [("Cookie", "a=b; c=d")], [("Cookie", "a=b;c=d;;e")], [("Cookie", "a=%41; b=\"x\"")], [("Cookie", " a = b ; c")], [("Cookie", "a=b"), ("Cookie", "c=d")],
    [("Cookie", "a=b=c; =x; a=2")], [("Cookie", "")], [("Cookie", "a=<script>alert(1)</script>")], [("Cookie", "a=b, c=d")], [("Cookie", "$Version=1; a=b")],
    [("X-A", "x")], [("x-a", "X")], [("X-A", "1"), ("X-A", "x")], [("X-A", "")], [("X-A", "  x  ")], [("X-A", "a\tb")], [("X_A", "x")], [("X.A", "x")],
    [("Authorization", "Basic dXNlcjpwYXNz")], [("Authorization", "Bearer abc")], [("Authorization", "basic dXNlcjpwYXNz")], [("Authorization", "Basic !!")],
    [("Referer", "http://x/?a=<script>alert(1)</script>")], [("X-Forwarded-For", "10.0.0.1")], [("Range", "bytes=0-1")], [("Accept-Encoding", "gzip")],
    [("Content-Type", "application/json")], [("X-A", "\xe4\xff")], [("X-A", "%41")], [("Accept", "text/html"), ("Accept-Charset", "utf-8")],
)


def crafted():
    """A few hundred, for what the engine itself does: each of them goes through every run."""
    found = [make(f"value {i}", f"/?t={v}".replace(" ", "%20").replace("#", "%23")) for i, v in enumerate(VALUES)]
    found += [make(f"query {i}", f"/p/x.php?{q}".replace(" ", "%20").replace("#", "%23")) for i, q in enumerate(QUERIES)]
    found += [make(f"form {i}", "/p", q) for i, q in enumerate(QUERIES)]
    found += [make(f"target {i}", t) for i, t in enumerate(TARGETS)]
    found += [make(f"multipart {name}", "/p?z=1", body, f"multipart/form-data; {kind}".rstrip("; ")) for name, body, kind in multiparts()]
    found += [make(f"json {i}", "/p?k=0", text, "application/json") for i, text in enumerate(JSONS)]
    found += [make(f"xml {i}", "/p?k=0", text, "text/xml") for i, text in enumerate(XMLS)]
    found += [make(f"fields {i}", "/", None, FORM, fields) for i, fields in enumerate(FIELDS)]
    found += [make(f"kind {i}", "/", "a=1&b=2", kind) for i, kind in enumerate(
        ("text/plain", "application/x-www-form-urlencoded; charset=utf-8", "APPLICATION/X-WWW-FORM-URLENCODED", "application/x-www-form-urlencodedx",
         "application/json; charset=utf-8", "application/vnd.x+json", "application/soap+xml", "multipart/related", "", "x", "application/octet-stream"))]
    found += [make(f"method {m}", "/?a=ab", method=m) for m in ("HEAD", "PUT", "DELETE", "PATCH", "PROPFIND", "FOO")]
    return found
