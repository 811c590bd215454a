#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What it costs to tell: CPU time per request with log, metrics and traces and without, side by side (pairs.py).

    telemetry.py --sidegate build/sidegate --nginx NGINX --wrk WRK [--seconds 2] [--rounds 15]

Both are tests/bench/full.yaml; "without" lacks the access log, the traces over OTLP and the page of metrics. A figure counts only
where each request has its line and its trace has left, which is waited for after each round.
"""
import json
import urllib.request

from pairs import HERE, PORTS, Pair, arguments, in_folder, judge

ALLOWED_US = 4.0
TELEMETRY = ("access_log:", "otlp:", "traces:", "metrics:")
SCRIPT = 'function request() return wrk.format("GET", "/products/1?id=42") end\n'


def settings():
    text = (HERE / "full.yaml").read_text()
    kept = [line for line in text.splitlines() if not line.startswith(TELEMETRY)]
    return {"without": "\n".join([*kept, "access_log: { path: off }", "metrics: { prometheus: off, series: 0 }", ""]), "with": text}


def check_accounts():
    """Nothing was lost."""
    drops = json.load(urllib.request.urlopen(f"http://127.0.0.1:{PORTS['with'] + 2}/api/v1/drops", timeout=5))
    lost = {one["destination"]: one["dropped"] for one in drops["destinations"] if any(one["dropped"].values())}
    assert not lost, lost


def main():
    options = arguments()

    def bench(folder):
        with Pair(options, folder, settings(), SCRIPT) as pair:
            figures = pair.measure()
            check_accounts()
            return figures

    return judge(in_folder(bench), "full", "log, metrics and traces cost", ALLOWED_US)


if __name__ == "__main__":
    raise SystemExit(main())
