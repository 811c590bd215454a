# SPDX-License-Identifier: Apache-2.0
"""libinjection's verdicts, taken through @detectSQLi and @detectXSS of libmodsecurity in Debian's nginx."""
import hashlib
import sys
import tempfile
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(TOP / "tests" / "stories"), str(TOP / "tests" / "audit")]
import compare  # noqa: E402  (tests/audit: the unpacked nginx)
from harness import Client, wait_until  # noqa: E402

# Every request is answered by a rule, and its status is the verdict. The value is an argument of the body: what arrived is held
# against its digest, so that no byte can be lost on the way.
RULES = """SecRuleEngine On
SecRequestBodyAccess On
SecRequestBodyLimit 1048576
SecRequestBodyNoFilesLimit 1048576
SecAuditEngine Off
SecRule ARGS:value "!@streq %{ARGS.digest}" "id:1,phase:2,t:none,t:sha1,t:hexEncode,deny,nolog,status:464"
SecRule ARGS:value "@detectSQLi" "id:2,phase:2,t:none,capture,pass,nolog,setvar:tx.sqli=1,setvar:'tx.print=%{TX.0}'"
SecRule ARGS:value "@detectXSS" "id:3,phase:2,t:none,pass,nolog,setvar:tx.xss=1"
SecRule TX:sqli "@eq 1" "id:4,phase:2,t:none,deny,log,logdata:'%{TX.print}',status:463,chain"
SecRule TX:xss "@eq 1" "t:none"
SecRule TX:sqli "@eq 1" "id:5,phase:2,t:none,deny,log,logdata:'%{TX.print}',status:461"
SecRule TX:xss "@eq 1" "id:6,phase:2,t:none,deny,nolog,status:462"
SecAction "id:7,phase:2,t:none,deny,nolog,status:460"
"""
VERDICTS = {460: (False, False), 461: (True, False), 462: (False, True), 463: (True, True)}


def request(value):
    encoded = "".join(f"%{byte:02x}" for byte in value)
    body = f"value={encoded}&digest={hashlib.sha1(value).hexdigest()}"
    return ("POST / HTTP/1.1\r\nHost: test.example\r\nContent-Type: application/x-www-form-urlencoded\r\n"
            f"Content-Length: {len(body)}\r\n\r\n{body}")


def verdicts(values):
    """[(SQLi, XSS)] of libinjection."""
    cache = compare.unpacked()
    found = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (folder / "temporary").mkdir()
        rules = folder / "rules.conf"
        rules.write_text(RULES)
        port, nginx = compare.start_nginx(folder, cache, rules, "http://127.0.0.1:9")
        wait_until(lambda: compare.listens(port, nginx), "nginx listens", 60)
        client = Client(port)
        for i, value in enumerate(values):
            if i % 900 == 899:  # nginx closes a connection after 1,000 requests
                client.close()
                client = Client(port)
            client.send(request(value))  # at once: a body sent later waits for an acknowledgement
            status = client.answer("POST").status
            if status not in VERDICTS:
                sys.exit(f"{value!r} did not arrive whole: {status}")
            found.append(VERDICTS[status])
        client.close()
        nginx.terminate()
        nginx.wait(30)
    return found
