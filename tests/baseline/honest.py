# SPDX-License-Identifier: Apache-2.0
"""Requests of honest people: prose as an argument, as headers and as a JSON value, and what a shop's visitors send."""
import json
import sys
from pathlib import Path
from urllib.parse import quote, quote_plus

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import prose  # noqa: E402

BROWSER = (("Host", "shop.example.com"),
           ("User-Agent", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"),
           ("Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"),
           ("Accept-Language", "en-US,en;q=0.5"), ("Accept-Encoding", "gzip, deflate"),
           ("Referer", "https://shop.example.com/catalog?page=2"),
           ("Cookie", "session=8f14e45fceea167a5a36dedd4bea2543; theme=dark; cart=3"))
FORM, JSON = "application/x-www-form-urlencoded", "application/json"
WORDS = ("garden", "window", "Marlene", "42nd street", "second floor", "blue", "on Tuesday", "(left door)", "o'clock", "A-17")
NOTES = ("please leave at the front door, thanks", "ring twice", "gift wrap (red)", "call 555-0134 before noon", "no rush",
         "fragile: glass", "as last time")
STREETS = ("Main Street", "Rue de l'Eglise", "Hauptstr.", "5th Avenue", "Via Roma")


def request(target, kind=None, body=b"", **changed):
    """A browser's request; `changed` replaces or adds headers (X_Comment stands for X-Comment)."""
    fields = dict(BROWSER, **{name.replace("_", "-"): value for name, value in changed.items()})
    if kind:
        fields.update({"Content-Type": kind, "Content-Length": str(len(body))})
    head = f"{'POST' if kind else 'GET'} {target} HTTP/1.1\r\n" + "".join(f"{n}: {v}\r\n" for n, v in fields.items())
    return head.encode() + b"\r\n" + body


# ---- prose: {way: request of a line} ----

WAYS = {
    "argument": lambda line: request(f"/search?text={quote_plus(line)}"),
    "header": lambda line: request("/", User_Agent=line, Referer=line, X_Comment=line),
    "JSON value": lambda line: request("/notes", JSON, json.dumps({"text": line}).encode()),
}


def typed():
    """What people type that resembles an attack, and is none."""
    return (Path(__file__).resolve().parent / "typed.txt").read_text("utf-8").splitlines()


def written(lines, prefix=""):
    """{way: [(line, request)]}"""
    return {prefix + way: [(line, make(line)) for line in lines] for way, make in WAYS.items()}


# ---- a shop's visitors ----

def catalogue(n):
    return request(f"/products/search?q=blue+running+shoes&page={n % 50}&sort=price_asc&category=sports-outdoor")


def stranger(n):
    name = f"{n * 2654435761 % 2**32:08x}"
    agent = dict(BROWSER)["User-Agent"].replace("x86_64)", f"x86_64; {name})")
    return request(f"/products/search?q=shoes+{name}&page={n}&sort=price{name}&category=outdoor{name}", User_Agent=agent,
                   Cookie=f"session={name}{name}; theme=dark{name}; cart={n}")


def account(n):
    texts = [f"{WORDS[(n * 7 + i) % len(WORDS)]} {(n * 31 + i * 17) % 100000} with text" if i % 2 == 0 else
             f"some ordinary value number {i} with text" for i in range(1, 21)]
    return request("/account/update", FORM, "&".join(f"field{i + 1}={quote_plus(t)}" for i, t in enumerate(texts)).encode())


def order(n):
    ids = [(n * 13 + i * 7) % 9000 + 1000 for i in range(1, 13)]
    items = [{"sku": f"SKU-{i}", "qty": i % 9 + 1, "note": NOTES[i % len(NOTES)], "price": i * 0.25} for i in ids]
    customer = {"name": "Jane Doe", "email": f"jane{n % 10000}@example.com",
                "address": f"{n % 300} {STREETS[n % len(STREETS)]}, Springfield"}
    return request("/orders", JSON, json.dumps({"customer": customer, "items": items}).encode())


VISITS = {
    "catalogue search": catalogue, "search, never twice the same": stranger, "form of 20 fields": account, "order as JSON": order,
    "page": lambda n: request("/page.html"), "product": lambda n: request(f"/products/{n}?id={n}"),
    "fields": lambda n: request("/account/update", FORM, "&".join(f"field{i}=value+{i + n}" for i in range(20)).encode()),
    "keys": lambda n: request("/orders", JSON, json.dumps({f"key{i}": f"value {i + n}" for i in range(50)}).encode()),
    "path of words": lambda n: request("/" + quote(f"Größen und {WORDS[n % len(WORDS)]}/{NOTES[n % len(NOTES)]}")),
}


def visits(count):
    """{workload: [(what, request)]}"""
    return {name: [(f"number {n}", make(n)) for n in range(count)] for name, make in VISITS.items()}
