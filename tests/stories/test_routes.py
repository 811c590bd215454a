# SPDX-License-Identifier: Apache-2.0
"""Routes: which upstream a request goes to, by method and path, and what the metrics call it."""
import pytest
from harness import Backend, Sidegate, read_request, run

ROUTES = [  # match, upstream
    ("GET /orders", "list"),
    ("ANY /orders", "orders"),
    ("GET /orders/{id}", "order"),
    ("GET /orders/mine", "mine"),
    ("ANY /orders/{proxy+}", "rest"),
    ("GET /orders/{id}/lines/{line}", "line"),
    ("POST /files/{name+}", "files"),
    ("GET /", "root"),
]

CASES = [  # method, target, upstream or None for 404, template
    ("GET", "/", "root", "/"),
    ("GET", "/orders", "list", "/orders"),
    ("GET", "/orders/", "list", "/orders"),
    ("GET", "/orders?x=/files/a", "list", "/orders"),
    ("POST", "/orders", "orders", "/orders"),
    ("get", "/orders", "orders", "/orders"),
    ("GET", "/orders/7", "order", "/orders/{id}"),
    ("GET", "/orders/mine", "mine", "/orders/mine"),
    ("GET", "/%6frders/%6d%69%6e%65", "mine", "/orders/mine"),
    ("GET", "//orders//mine", "mine", "/orders/mine"),
    ("GET", "/orders/Mine", "order", "/orders/{id}"),
    ("PUT", "/orders/mine", "rest", "/orders/{proxy+}"),
    ("PUT", "/orders/7", "rest", "/orders/{proxy+}"),
    ("GET", "/orders/7/lines", "rest", "/orders/{proxy+}"),
    ("GET", "/orders/mine/lines/3", "line", "/orders/{id}/lines/{line}"),
    ("GET", "/orders/7/lines/3", "line", "/orders/{id}/lines/{line}"),
    ("GET", "/orders/7/lines/3/more", "rest", "/orders/{proxy+}"),
    ("POST", "/files/a", "files", "/files/{name+}"),
    ("POST", "/files/a/b/c", "files", "/files/{name+}"),
    ("POST", "/files", None, None),
    ("GET", "/files/a", None, None),
    ("GET", "/order", None, None),
    ("GET", "/ordersx", None, None),
    ("POST", "/", None, None),
]


def named(name):
    def script(wire):
        while True:
            read_request(wire)
            wire.send(f"HTTP/1.1 200 OK\r\nContent-Length: {len(name)}\r\n\r\n{name}")
    return script


def config(apps, routes=ROUTES):
    lines = ["upstreams:"] + [f'  {name}: {{ targets: ["{app.url}"] }}' for name, app in apps.items()]
    lines += ["routes:"] + [f'  - {{ match: "{match}", upstream: {name} }}' for match, name in routes]
    return "\n".join(lines)


@pytest.fixture(scope="module")
def routed(tmp_path_factory):
    apps = {name: Backend(named(name)) for _, name in ROUTES}
    s = Sidegate(tmp_path_factory.mktemp("routes"), config=config(apps))
    yield s
    assert s.stop() == 0, s.errors()
    for app in apps.values():
        app.close()


@pytest.mark.parametrize("method,target,name,template", CASES)
def test_the_most_special_route_answers(routed, method, target, name, template):
    before = routed.metric("http_server_request_duration_seconds_count", http_route=template) or 0 if template else 0
    answer = routed.ask(method, target)
    if name is None:
        assert answer.status == 404
        return
    assert (answer.status, answer.body.decode()) == (200, name)
    assert routed.metric("http_server_request_duration_seconds_count", http_route=template) == before + 1


def test_the_route_of_what_no_route_answers_is_no_label_of_its_own(routed):
    for i in range(5):
        assert routed.ask(target=f"/nowhere/{i}").status == 404
    assert "/nowhere" not in routed.status("/metrics")[1]


def test_without_routes_all_goes_to_the_only_upstream(sidegate, backend):
    s = sidegate(backend(named("only")).url)
    assert [s.ask(m, t).body for m, t in (("GET", "/"), ("DELETE", "/a/b/c"), ("POST", "/x?y"))] == [b"only"] * 3


def test_a_route_has_a_time_of_its_own(sidegate, backend):
    import threading
    go_on = threading.Event()

    def slow(wire):
        read_request(wire)
        go_on.wait(30)

    app = backend(slow)
    s = sidegate(config=f'upstreams: {{ app: {{ targets: ["{app.url}"] }} }}\n'
                 'routes: [{ match: "GET /slow", timeouts: { request: 100ms } }, { match: "ANY /{proxy+}" }]')
    assert s.ask(target="/slow").status == 504
    go_on.set()


def test_a_reload_changes_routes(sidegate, backend):
    apps = {name: backend(named(name)) for name in ("one", "two")}
    s = sidegate(config=config(apps, [("ANY /{proxy+}", "one")]))
    client = s.client()
    assert client.ask(target="/a").body == b"one"
    s.write(config(apps, [("ANY /{proxy+}", "two")]))
    assert s.status("/api/v1/reload", s.admin_port, "POST")[0] == 200
    assert s.client().ask(target="/a").body == b"two"


@pytest.mark.parametrize("routes,says", [
    ([("GET /a", "one"), ("GET /a", "one")], "same requests"),
    ([("GET /{a}", "one"), ("GET /{b}", "one")], "same requests"),
    ([("GET /{a+}/b", "one")], "only at the end"),
    ([("GET /x{a}", "one")], "whole segment"),
    ([("GET /../a", "one")], "no request comes"),
    ([("GET a", "one")], "/"),
    ([("GET /a", "oen")], "one"),
])
def test_routes_that_cannot_be_meant_are_refused_with_their_place(tmp_path, routes, says):
    file = tmp_path / "sidegate.yaml"
    file.write_text('version: 1\nlisteners: [{ address: "127.0.0.1:8080" }]\nupstreams:\n  one: { targets: ["http://127.0.0.1:9"] }\nroutes:\n'
                    + "\n".join(f'  - {{ match: "{m}", upstream: {u} }}' for m, u in routes) + "\n")
    code, out, err = run("check", "-c", str(file))
    assert code == 3 and f"{file}:{5 + len(routes)}:" in err and says in err, err
