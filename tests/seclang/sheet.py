# SPDX-License-Identifier: Apache-2.0
"""The sheets: a stanza a row. See README.md for how one is written."""
import re
from dataclasses import dataclass, field

KINDS = {  # kind -> its table, the macro of a row there
    "directive": ("rules/language/directives.tbl", "DIRECTIVE"),
    "variable": ("rules/match/variables.tbl", "VARIABLE"),
    "operator": ("rules/match/operators.tbl", "OPERATOR"),
    "transformation": ("rules/match/transformations.tbl", "TRANSFORMATION"),
    "action": ("rules/match/actions.tbl", "ACTION"),
    "ctl": ("rules/match/ctls.tbl", "CTL"),
}
CLAIMS = ("supported", "fault", "notice")
KEYS = ("yes", "no", "sentence", "verdict", "audit", "says", "shown", "file")
ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "0": "\0", "\\": "\\", "s": " "}


@dataclass
class Row:
    kind: str
    word: str
    claim: str
    place: str
    rules: list = field(default_factory=list)
    told: list = field(default_factory=list)  # (key, text), in order

    @property
    def name(self):
        return f"{self.kind} {self.word}: {self.claim}"

    def all(self, key):
        return [text for k, text in self.told if k == key]


@dataclass
class Message:
    """A request, or an answer."""
    words: list
    fields: list
    body: str


def unescape(text):
    text = re.sub(r"\\x([0-9a-f]{2})", lambda m: chr(int(m[1], 16)), text)
    return re.sub(r"\\([nrt0\\s])", lambda m: ESCAPES[m[1]], text)


def read_message(text):
    """`GET /?a=1 [Host: x] [Cookie: a=1] body`, escapes as in C."""
    match = re.match(r"\s*((?:[^\s\[]\S*\s*)*?)\s*((?:\[[^\]]*\]\s*)*)(?:\| (.*))?$", text, re.S)
    fields = [tuple(f.split(": ", 1)) for f in re.findall(r"\[([^\]]*)\]", match[2])]
    return Message(match[1].split(), [(n, unescape(v)) for n, v in fields], unescape(match[3] or ""))


def read_sheet(path, kind):
    rows = []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        head = re.match(r"= (.+): (\w+)$", line)
        if head:
            assert head[2] in CLAIMS, f"{path}:{number}: {head[2]} is no claim"
            rows.append(Row(kind, head[1], head[2], f"{path.name}:{number}"))
        elif line.strip() == "" or line.startswith("#"):
            continue
        else:
            key, _, text = line.partition(" ")
            if key in KEYS:
                rows[-1].told.append((key, text.strip()))
            else:
                rows[-1].rules.append(line)
    return rows


def read_sheets(folder):
    return [row for kind in [*KINDS, "form"] for row in read_sheet(folder / f"{kind}s.txt", kind)]
