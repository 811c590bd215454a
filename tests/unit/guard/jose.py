# SPDX-License-Identifier: Apache-2.0
"""Every signature of the IETF's JOSE cookbook and of latchset's vectors (RFC 7515, 7520, 8037) holds, and with one letter of
it changed none does; what is not encoded (RFC 7797), not signed or encrypted is refused.

jose.py DRIVER   (data: $SIDEGATE_TEST_DATA/auth-jose-vectors; without it: 77, skipped)
"""
import base64
import json
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[3]
DATA = pathlib.Path(os.environ.get("SIDEGATE_TEST_DATA", ROOT.parent / "shared" / "data")) / "auth-jose-vectors"


def encode(text):
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode_json(text):
    return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))) if text else {}


def changed(text):
    middle = len(text) // 2
    return text[:middle] + ("A" if text[middle] != "A" else "B") + text[middle + 1:]


class Cases:
    """What is asked of the driver, and what it should say."""

    def __init__(self):
        self.tasks, self.kinds, self.files = [], {}, set()

    def add(self, kind, name, want, task):
        self.tasks.append((kind, name, want, task))

    def token(self, name, keys, token, want=("holds",), kind="compact"):
        self.add(kind, name, want, {"keys": keys, "token": token})
        if want == ("holds",):
            head, signature = token.rsplit(".", 1)
            self.add("changed", name, None, {"keys": keys, "token": head + "." + changed(signature)})

    def signature(self, name, keys, one, payload):
        """One of a JSON serialization: as a compact token where its protected header can stand alone."""
        protected, header = one.get("protected", ""), one.get("header", {})
        said = {**decode_json(protected), **header}
        if said.get("b64") is False:
            self.token(name, keys, f"{protected}.{payload}.{one['signature']}",
                       ("payload_unencoded", "token_malformed"), "b64=false")
            return
        task = {"keys": keys, "alg": said["alg"], "signed": f"{protected}.{payload}", "signature": one["signature"]}
        self.add("JSON", name, ("holds",), task)
        self.add("changed", name, None, {**task, "signature": changed(one["signature"])})
        if "alg" in decode_json(protected) and ("kid" in decode_json(protected) or "kid" not in header):
            self.token(name, keys, f"{protected}.{payload}.{one['signature']}")

    def document(self, name, keys, document, payload):
        for one in document.get("signatures", [document]):
            self.signature(name, keys, one, document.get("payload", payload))

    def encrypted(self, name, keys, document):
        for one in document.get("recipients", [document]):
            parts = [document.get("protected", ""), one.get("encrypted_key", ""), document.get("iv", ""),
                     document["ciphertext"], document.get("tag", "")]
            self.token(name, keys, ".".join(parts), ("token_encrypted",), "JWE")


def latchset_keys(folder, stem):
    for name in (stem + ".jwkset", stem + ".jwk"):
        path = folder / name
        if path.is_file():
            text = path.read_text().strip()
            return json.loads(text if text.startswith("{") else (folder / text).read_text())
    return json.loads((folder / "rfc7515_A.3.jwk").read_text())  # whatever it is, it does not help


def latchset(cases, folder):
    for path in sorted(folder.iterdir()):
        stem, kind, name = path.stem, path.suffix, path.name
        if not (kind.startswith(".jws") or kind.startswith(".jwe")):
            continue
        keys, text = latchset_keys(folder, stem), path.read_text().strip()
        payload = encode((folder / (stem + ".payl")).read_text()) if (folder / (stem + ".payl")).is_file() else ""
        cases.files.add(name)
        if kind == ".jwec":
            cases.token(name, latchset_keys(folder, "rfc7515_A.3"), text, ("token_encrypted",), "JWE")
        elif kind.startswith(".jwe"):
            cases.encrypted(name, latchset_keys(folder, "rfc7515_A.3"), json.loads(text))
        elif kind != ".jwsc":
            cases.document(name, keys, json.loads(text), payload)
        elif stem == "rfc7515_A.5":
            cases.token(name, keys, text, ("algorithm_none",), "none")
        else:
            cases.token(name, keys, text.replace("..", f".{payload}."))


def cookbook_signed(cases, name, part):
    key = part["input"]["key"]
    keys, payload = {"keys": key if isinstance(key, list) else [key]}, encode(part["input"]["payload"])
    out = part["output"]
    plain = part["signing"]["protected"].get("b64") is False if "protected" in part["signing"] else False
    if "compact" in out and plain:
        cases.token(name, keys, out["compact"], ("payload_unencoded", "token_malformed"), "b64=false")
    elif "compact" in out:
        cases.token(name, keys, out["compact"].replace("..", f".{payload}."))
    for form in ("json", "json_flat"):
        if form in out:
            cases.document(name, keys, out[form], payload)


def cookbook_encrypted(cases, name, part):
    keys = json.loads((DATA / "latchset" / "rfc7515_A.3.jwk").read_text())
    if "compact" in part["output"]:
        cases.token(name, keys, part["output"]["compact"], ("token_encrypted",), "JWE")
    for form in ("json", "json_flat"):
        if form in part["output"]:
            cases.encrypted(name, keys, part["output"][form])


def cookbook(cases, folder):
    for path in sorted(folder.rglob("*.json")):
        document, name = json.loads(path.read_text()), str(path.relative_to(folder))
        for part in (document, document.get("sign", {}), document.get("encrypt", {})):
            if not isinstance(part, dict) or "output" not in part:
                continue
            cases.files.add(name)
            if isinstance(part.get("signing"), list):
                part["signing"] = part["signing"][0]
            if "signing" in part:
                cookbook_signed(cases, name, part)
            else:
                cookbook_encrypted(cases, name, part)


def main():
    if not DATA.is_dir():
        print(f"skipped: there is no {DATA} (SIDEGATE_TEST_DATA)")
        return 77
    cases = Cases()
    latchset(cases, DATA / "latchset")
    cookbook(cases, DATA / "ietf-jose-cookbook")
    text = "\n".join(json.dumps(task) for _, _, _, task in cases.tasks)
    lines = subprocess.run([sys.argv[1]], input=text, text=True, capture_output=True, check=True).stdout.splitlines()
    failed, counts = len(lines) != len(cases.tasks), {}
    for (kind, name, want, _), line in zip(cases.tasks, lines):
        good = line in want if want else line.startswith("signature_")
        counts[kind] = counts.get(kind, 0) + good
        failed += not good
        if not good:
            print(f"{name}: {kind}: {line}, wanted {want or 'signature_...'}")
    print(f"{len(cases.files)} files; held: {counts.get('compact', 0)} compact, {counts.get('JSON', 0)} of JSON forms; "
          f"refused: {counts.get('changed', 0)} changed, {counts.get('JWE', 0)} JWE, {counts.get('b64=false', 0)} "
          f"b64=false, {counts.get('none', 0)} none")
    print(f"{sum(counts.values())} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
