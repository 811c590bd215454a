# SPDX-License-Identifier: Apache-2.0
"""What benchmarks have in common: CPU time of a program with all its threads and children, and its readiness."""
import glob
import time
from pathlib import Path


def family(pid):
    found = [pid]
    for one in found:
        for path in glob.glob(f"/proc/{one}/task/*/children"):
            found += [int(child) for child in Path(path).read_text().split()]
    return found


def cpu_ns(pid):
    return sum(int(Path(path).read_text().split()[0]) for one in family(pid) for path in glob.glob(f"/proc/{one}/task/*/schedstat"))


def until(served, seconds=30):
    """Looks twenty times a second; False: it did not come to it."""
    end = time.monotonic() + seconds
    while not served():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True
