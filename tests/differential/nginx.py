# SPDX-License-Identifier: Apache-2.0
"""Debian's nginx with libmodsecurity: its packages are unpacked into the cache (sidecar/setup), never installed."""
import os
import subprocess
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests" / "stories"))
from harness import Client, free_port, wait_until  # noqa: E402

LIBRARIES = ("libmodsecurity3", "libcurl3-gnutls", "libfuzzy2", "libgeoip1", "liblua5.3-0", "libmaxminddb0", "libyajl2")
PACKAGES = ("nginx", "nginx-common", "libnginx-mod-http-modsecurity", "modsecurity-crs", *LIBRARIES)
# As much through to the rules as nginx lets.
NGINX_AS_OPEN = ("underscores_in_headers on; ignore_invalid_headers off; merge_slashes off; large_client_header_buffers 8 64k;"
                 "client_max_body_size 0; client_body_buffer_size 4m; client_header_timeout 1s; client_body_timeout 1s;")
TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


def unpacked(packages=PACKAGES):
    """The folder that the packages were unpacked into."""
    script = f'top={TOP}; . {TOP}/sidecar/setup; unpack {" ".join(packages)} && echo "$cache"'
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{done.stderr}0 passed, 1 failed")
    return Path(done.stdout.strip())


def listens(port, process):
    assert process.poll() is None, "a server ended at its start"
    try:
        Client(port).close()
        return True
    except OSError:
        return False


class Nginx:
    """One nginx process before a backend, with a rules file. `settings`: more lines of its http section."""

    def __init__(self, folder, cache, rules, upstream, settings=""):
        self.port = free_port()
        (folder / "temporary").mkdir(parents=True, exist_ok=True)
        temporary = "".join(f"{kind}_temp_path {folder}/temporary;" for kind in TEMPORARY)
        (folder / "nginx.conf").write_text(
            f"load_module {cache}/libnginx-mod-http-modsecurity/usr/lib/nginx/modules/ngx_http_modsecurity_module.so;\n"
            f"daemon off; master_process off; pid {folder}/nginx.pid; error_log {folder}/nginx.error;\nevents {{}}\n"
            f"http {{ access_log off; {temporary} {settings}\n"
            f"server {{ listen 127.0.0.1:{self.port}; modsecurity on; modsecurity_rules_file {rules};\n"
            f"location / {{ proxy_pass {upstream}; proxy_pass_header Date; proxy_http_version 1.1; }} }} }}\n")
        paths = ":".join(str(cache / name / "usr/lib/x86_64-linux-gnu") for name in LIBRARIES)
        with open(folder / "nginx.said", "wb") as said:
            self.process = subprocess.Popen(
                [str(cache / "nginx/usr/sbin/nginx"), "-c", str(folder / "nginx.conf"), "-e", str(folder / "nginx.error")],
                env=dict(os.environ, LD_LIBRARY_PATH=paths), stdout=said, stderr=said)
        wait_until(lambda: listens(self.port, self.process), "nginx listens", 60)

    def stop(self):
        self.process.terminate()
        self.process.wait(30)
