# SPDX-License-Identifier: Apache-2.0
"""Debian packages that stories use, unpacked into the cache by sidecar/setup and never installed."""
import subprocess
import sys
from pathlib import Path

from harness import TOP


def unpacked(*packages):
    """Their folders in order, or why they are not there."""
    script = f'top={TOP}; . {TOP}/sidecar/setup; mkdir -p "$cache"; exec 9>"$cache/packages.lock"; flock 9; ' \
             f'unpack {" ".join(packages)} && echo "$cache"'
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        return done.stderr.strip()[-300:] or f"{' '.join(packages)} could not be unpacked"
    cache = Path(done.stdout.strip().splitlines()[-1])
    return [cache / package for package in packages]


def python_packages(*packages):
    """Puts Debian's Python packages on the path; None, or why that cannot be."""
    found = unpacked(*packages)
    if isinstance(found, str):
        return found
    sys.path[:0] = [str(folder / "usr/lib/python3/dist-packages") for folder in found]
    return None
