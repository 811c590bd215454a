#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The shape of the code in figures, each with its worst ten. It informs; it fails nothing."""
import re
import statistics
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.S)
TEXT = re.compile(r'"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'')
HEAD = re.compile(r"^(?!static const|struct [a-z_0-9]+ \{|enum|union)[A-Za-z_][^;{}=#]*?\b([a-z_0-9]+)\(([^;{}]*)\)\s*\n\{", re.M)
DECISION = re.compile(r"\b(?:if|for|while|case)\b|&&|\|\||\?")
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.M)


def blank(text, pattern):
    return pattern.sub(lambda m: re.sub(r"[^\n]", " ", m.group()), text)


def functions(text):
    """(name, lines, decisions + 1, parameters) of each function; braces in column 0 end them."""
    code = blank(blank(text, COMMENT), TEXT)
    for head in HEAD.finditer(code):
        end = code.find("\n}", head.end())
        body = code[head.end():end]
        parameters = 0 if head.group(2).strip() in ("", "void") else head.group(2).count(",") + 1
        yield head.group(1), code.count("\n", head.start(1), end) + 2, len(DECISION.findall(body)) + 1, parameters


def dragged(path, seen):
    """Project header lines that a file includes, directly or not."""
    for name in INCLUDE.findall(path.read_text()):
        target = TOP / name
        if name not in seen and target.exists():
            seen[name] = target.read_text().count("\n")
            dragged(target, seen)
    return sum(seen.values())


def show(title, aim, rows):
    """rows: (figure, where)."""
    values = sorted(r[0] for r in rows)
    if not values:
        return
    p90 = values[min(len(values) - 1, int(len(values) * 0.9))]
    print(f"{title}: median {statistics.median(values):g}, p90 {p90:g}, most {values[-1]:g} (aim: {aim})")
    print("   " + ", ".join(f"{where} {figure:g}" for figure, where in sorted(rows, reverse=True)[:10]))


def main():
    sources = sorted(p for d in ("rules", "exporters", "sidecar") for p in (TOP / d).rglob("*.c"))
    headers = sorted(p for d in ("rules", "exporters", "sidecar") for p in (TOP / d).rglob("*.h"))
    name = {p: p.relative_to(TOP).as_posix() for p in sources + headers}
    texts = {p: p.read_text() for p in sources + headers}
    found = [(f, name[p]) for p in sources for f in functions(texts[p])]
    show("function lines", "median <= 15, p90 <= 45, none over 80", [(f[1], f"{w}:{f[0]}") for f, w in found])
    show("cyclomatic", "p90 <= 8, none over 20", [(f[2], f"{w}:{f[0]}") for f, w in found])
    show("parameters", "p90 <= 4", [(f[3], f"{w}:{f[0]}") for f, w in found])
    show("file lines", "median <= 300, none over 700", [(texts[p].count("\n"), name[p]) for p in sources])
    tests = sorted((TOP / "tests").rglob("*.[ch]")) + sorted((TOP / "tests").rglob("*.py"))
    show("file lines of tests", "none over 700", [(p.read_text().count("\n"), p.relative_to(TOP).as_posix()) for p in tests])
    show("header lines", "<= 150", [(texts[p].count("\n"), name[p]) for p in headers])
    show("header lines dragged in", "median <= 1200", [(dragged(p, {}), name[p]) for p in sources])
    lines = sum(t.count("\n") for t in texts.values()) or 1
    comment = sum(m.count("\n") + 1 for t in texts.values() for m in COMMENT.findall(t))
    named = {s for p in headers for s in re.findall(r"^struct ([a-z_0-9]+);", texts[p], re.M)}
    shown = {s for p in headers for s in re.findall(r"^struct ([a-z_0-9]+) \{", texts[p], re.M)}
    rate = lambda pattern: 1000 * sum(len(re.findall(pattern, t, re.M)) for t in texts.values()) / lines
    mutable = r"^static (?!const|inline|_Thread_local const|_Noreturn|void|bool|struct [a-z_ ]*\*?[a-z_]+\()[^()\n]*(=|;)[^()\n]*$"
    loose = [(name[p], m.group().strip()) for p in sources for m in re.finditer(mutable, texts[p], re.M)
             if "const" not in m.group()]
    print(f"lines {lines}; comment lines {100 * comment / lines:.0f} % (aim 15-30 %); structs only named in headers "
          f"{100 * len(named - shown) / max(1, len(named | shown)):.0f} % (aim >= 40 %)")
    print(f"must() a kLOC {rate(r'must[(]'):.0f} (aim 20-60); #if a kLOC {rate(r'^#if(?!ndef SIDEGATE)'):.1f} (aim <= 5); "
          f"file-scope mutable variables {len(loose)}: " + "; ".join(f"{w}: {v}" for w, v in loose[:10]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
