# SPDX-License-Identifier: Apache-2.0
"""Rules as text, as far as two rule sets are held against each other: targets, operator, transformations, paranoia level."""
import re
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Rule:
    text: str  # with its chain, a link a line
    folder: Path

    @property
    def links(self):
        return [re.match(r'\s*Sec\w+\s+(?:"(?P<quoted>[^"]*)"|(?P<plain>\S+))\s+"(?P<operator>(?:\\.|[^"\\])*)"', line) for line in
                self.text.splitlines()]

    @property
    def targets(self):
        """Of the first link, exclusions left out."""
        link = self.links[0]
        return {t for t in (link["quoted"] or link["plain"]).split("|") if not t.startswith("!")} if link else set()

    @property
    def operators(self):
        """Those of all links; a list of phrases by what the file holds."""
        found = [link["operator"] if link else "" for link in self.links]
        lists = [m[1] for o in found if (m := re.match(r"!?@(?:pmFromFile|pmf)\s+(\S+)", o))]
        return found + [(self.folder / name).read_bytes() for name in lists]

    @property
    def transformations(self):
        return [re.findall(r"\bt:(\w+)", line) for line in self.text.splitlines()]

    @property
    def level(self):
        found = re.search(r"paranoia-level/(\d)", self.text)
        return int(found[1]) if found else 1

    def reads(self, variable):
        """Is `ARGS:x` among the targets?"""
        name = variable.split(":")[0]
        by_pattern = any(re.match(name + ":'?/.*/'?$", t) for t in self.targets)
        return variable in self.targets or name in self.targets or by_pattern


def rules_of(files):
    """{id: Rule}"""
    found = {}
    for file in files:
        text, chained, current = Path(file).read_text("utf-8", "replace"), False, None
        for line in re.sub(r"\\\n", " ", text).splitlines():
            if not re.match(r"\s*Sec(Rule|Action)\s", line):
                continue
            number = re.search(r"\bid:'?(\d+)", line)
            if chained and current:
                found[current].text += "\n" + line
            elif number:
                current = int(number[1])
                found[current] = Rule(line, Path(file).parent)
            chained = bool(re.search(r'[\s,"]chain\b', line))
    return found
