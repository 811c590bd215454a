# SPDX-License-Identifier: Apache-2.0
"""An authority of a story's own: certificates of servers and clients, revocation lists, all made by openssl."""
import os
import subprocess


def openssl(*words, folder):
    done = subprocess.run(["openssl", *map(str, words)], cwd=folder, capture_output=True, text=True, timeout=60,
                          check=False)
    assert done.returncode == 0, f"openssl {' '.join(map(str, words))}\n{done.stderr}"
    return done.stdout


SETTINGS = """
[ca]
default_ca = own
[own]
database = {name}.index
crlnumber = {name}.crlnumber
default_md = sha256
"""


class Authority:
    """Signs; its files lie in the folder under its name."""

    def __init__(self, folder, name="ca"):
        self.folder, self.name = folder, name
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", 30, "-subj",
                f"/CN={name}", "-addext", "keyUsage=critical,keyCertSign,cRLSign", "-keyout", f"{name}.key", "-out",
                f"{name}.crt", folder=folder)
        (folder / f"{name}.index").write_text("")
        (folder / f"{name}.crlnumber").write_text("01\n")
        (folder / f"{name}.cnf").write_text(SETTINGS.format(name=name))

    @property
    def file(self):
        return self.folder / f"{self.name}.crt"

    def issue(self, name, sans=(), subject=None, days=30, usage="serverAuth"):
        """name.crt and name.key; `sans` like "DNS:a.example"."""
        openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
                subject or f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.csr", folder=self.folder)
        extensions = [f"extendedKeyUsage={usage}"]
        extensions += ["subjectAltName=" + ",".join(sans)] if sans else []
        (self.folder / f"{name}.ext").write_text("\n".join(extensions) + "\n")
        openssl("x509", "-req", "-in", f"{name}.csr", "-CA", f"{self.name}.crt", "-CAkey", f"{self.name}.key",
                "-CAcreateserial", "-days", days, "-extfile", f"{name}.ext", "-out", f"{name}.crt", folder=self.folder)
        os.chmod(self.folder / f"{name}.key", 0o600)
        return self.folder / f"{name}.crt", self.folder / f"{name}.key"

    def revoke(self, *names):
        """ca.crl with these on it."""
        settings = ("-config", f"{self.name}.cnf", "-keyfile", f"{self.name}.key", "-cert", f"{self.name}.crt")
        for name in names:
            openssl("ca", *settings, "-revoke", f"{name}.crt", folder=self.folder)
        openssl("ca", *settings, "-gencrl", "-crldays", 30, "-out", f"{self.name}.crl", folder=self.folder)
        return self.folder / f"{self.name}.crl"
