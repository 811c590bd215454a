# SPDX-License-Identifier: Apache-2.0
"""An issuer of tokens: its keys and their server, which can be slow, broken or dead. Signatures by openssl."""
import base64
import json
import socket
import ssl
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from certificates import openssl


def b64(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


class Key:
    """A key pair of the issuer: EdDSA, or RS256."""

    def __init__(self, folder, key_id, algorithm="EdDSA"):
        self.folder, self.id, self.algorithm, self.file = folder, key_id, algorithm, folder / f"{key_id}.pem"
        if algorithm == "EdDSA":
            openssl("genpkey", "-algorithm", "ed25519", "-out", self.file, folder=folder)
            der = subprocess.run(["openssl", "pkey", "-in", self.file, "-pubout", "-outform", "DER"], capture_output=True, check=True)
            self.jwk = {"kty": "OKP", "crv": "Ed25519", "kid": key_id, "x": b64(der.stdout[-32:])}
        else:
            openssl("genrsa", "-out", self.file, 2048, folder=folder)
            modulus = openssl("rsa", "-in", self.file, "-modulus", "-noout", folder=folder).strip().split("=")[1]
            self.jwk = {"kty": "RSA", "alg": "RS256", "kid": key_id, "n": b64(bytes.fromhex(modulus)), "e": "AQAB"}

    def sign(self, text):
        clear, signed = self.folder / "clear", self.folder / "signed"
        clear.write_bytes(text)
        if self.algorithm == "EdDSA":
            openssl("pkeyutl", "-sign", "-rawin", "-inkey", self.file, "-in", clear, "-out", signed, folder=self.folder)
        else:
            openssl("dgst", "-sha256", "-sign", self.file, "-out", signed, clear, folder=self.folder)
        return signed.read_bytes()


class Issuer:
    """Serves what is put into `pages` by path; `keys` are at /keys."""

    def __init__(self, folder, keys, tls=None):
        self.folder, self.keys, self.tls = folder, list(keys), tls
        self.asked, self.fields = [], []  # paths, and the fields they came with
        self.pages = {}
        self.status, self.cache_control = 200, None
        self.gate = threading.Event()  # closed: nobody is answered
        self.gate.set()
        self.server, self.open = None, set()
        self.start()

    def start(self):
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self):
                super().setup()
                issuer.open.add(self.connection)

            def finish(self):
                issuer.open.discard(self.connection)
                super().finish()

            def do_GET(self):
                issuer.answer(self)

            def do_POST(self):
                issuer.answer(self)

            def log_message(self, *_):
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

            def handle_error(self, *_):  # who does not wait for an answer
                pass

        port = self.server.server_address[1] if self.server else 0
        self.server = Server(("127.0.0.1", port), Handler)
        if self.tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*self.tls)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self):
        """Dead: nobody listens any more. start() brings it back at the same place."""
        self.server.shutdown()
        self.server.server_close()
        for connection in list(self.open):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # it has gone by itself

    @property
    def url(self):
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.server.server_address[1]}"

    def answer(self, handler):
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        self.asked.append(handler.path)
        self.fields.append((dict(handler.headers.items()), body))
        self.gate.wait(20)
        status, text, seconds = self.status, self.page(handler.path, body), self.cache_control
        handler.send_response(status if text is not None else 404)
        if seconds is not None:
            handler.send_header("Cache-Control", seconds)
        data = (text or "").encode()
        handler.send_header("Content-Length", str(len(data)))
        if status // 100 == 3:
            handler.send_header("Location", "/keys")
        handler.end_headers()
        handler.wfile.write(data)

    def page(self, path, body):
        if path == "/keys":
            return json.dumps({"keys": [key.jwk for key in self.keys]})
        page = self.pages.get(path)
        return page(body) if callable(page) else page

    def describe(self, **other):
        self.pages["/.well-known/openid-configuration"] = json.dumps(
            {"issuer": self.url, "jwks_uri": self.url + "/keys", **other})

    def token(self, key=None, header=None, **claims):
        key = key or self.keys[0]
        head = {"alg": key.algorithm, "kid": key.id, **(header or {})}
        head = {name: value for name, value in head.items() if value is not None}
        body = {"iss": self.url, "aud": "orders", "exp": time.time() + 600, "sub": "alice", **claims}
        body = {name: value for name, value in body.items() if value is not None}
        text = ".".join(b64(json.dumps(part).encode()) for part in (head, body))
        return text + "." + b64(key.sign(text.encode()))
