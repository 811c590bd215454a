# SPDX-License-Identifier: Apache-2.0
"""Who the client is, behind proxies that are trusted and others that are not."""
import pytest
from harness import Backend, Sidegate


@pytest.fixture(scope="module")
def behind(tmp_path_factory):
    """A program behind trusted proxies, with a rule for one network."""
    folder = tmp_path_factory.mktemp("behind")
    (folder / "own.conf").write_text('SecRule REMOTE_ADDR "@ipMatch 192.0.2.0/24,2001:db8::/32" "id:1,phase:1,deny,status:403,log"\n')
    app = Backend()
    s = Sidegate(folder, app.url, f"rules: {{ files: [{folder}/own.conf] }}", trusted="127.0.0.0/8, 10.0.0.0/8")
    s.asked = 0
    yield s
    assert s.stop() == 0, s.errors()
    app.close()


@pytest.mark.parametrize("lines,client,status", [
    (["192.0.2.1"], "192.0.2.1", 403),
    (["198.51.100.1"], "198.51.100.1", 200),
    (["192.0.2.1, 198.51.100.1"], "198.51.100.1", 200),
    (["198.51.100.1, 192.0.2.1"], "192.0.2.1", 403),
    (["192.0.2.1", "198.51.100.1"], "198.51.100.1", 200),
    (["198.51.100.1, 192.0.2.1, 10.1.2.3"], "192.0.2.1", 403),
    (["198.51.100.1", "192.0.2.1,10.1.2.3,  10.9.9.9"], "192.0.2.1", 403),
    (["192.0.2.1:4711"], "192.0.2.1", 403),
    (["2001:db8::1"], "2001:db8::1", 403),
    (["[2001:db8::1]:443"], "2001:db8::1", 403),
    (["::ffff:192.0.2.1"], None, 403),
    (["10.1.2.3"], "10.1.2.3", 200),
    # what is no address ends the walk: the last good one stands
    (["unknown"], "127.0.0.1", 200),
    (["192.0.2.1, unknown"], "127.0.0.1", 200),
    (["192.0.2.1, unknown, 10.1.2.3"], "10.1.2.3", 200),
    (["192.0.2.1,"], "127.0.0.1", 200),
    (["0300.0.2.1"], "127.0.0.1", 200),
    (["192.0.2.01"], "127.0.0.1", 200),
    (["3221225985"], "127.0.0.1", 200),
    (["0xc0.0.2.1"], "127.0.0.1", 200),
    (["fe80::1%eth0"], "127.0.0.1", 200),
    (["192.0.2.1 198.51.100.1"], "127.0.0.1", 200),
    ([""], "127.0.0.1", 200),
])
def test_the_client_is_the_rightmost_that_no_trusted_proxy_is(behind, lines, client, status):
    answer = behind.ask(fields=[("X-Forwarded-For", line) for line in lines])
    behind.asked += 1
    assert answer.status == status
    line = behind.lines(behind.asked)[-1]
    assert line["request_id"] == answer["x-request-id"]
    assert client is None or line["client_address"] == client
