# SPDX-License-Identifier: Apache-2.0
"""Each folder's README names the files that are there: every .c, as NAME.c, NAME.h, `NAME` or by a pattern like `check_*.c`; and no
file that is nowhere. Prints what is wrong; exit code 1 where anything is."""
import fnmatch
import re
import subprocess
import sys
from pathlib import Path

WORD = re.compile(r"(?<![\w/.])[a-z*][a-z0-9_*]*(?=\.[ch]\b)|(?<=`)[a-z*][a-z0-9_*]*(?=`)")
FILE = re.compile(r"(?<![\w/.*])[a-z][a-z0-9_]*\.[ch]\b")


def complaints(folder, text, sources, all_names):
    """What is wrong with the README `text` of a folder whose .c files are `sources` (names without folder); `all_names`: every file's."""
    words = [word for word in WORD.findall(text) if word.strip("*")]
    for source in sources:
        if not any(fnmatch.fnmatchcase(source.removesuffix(".c"), word) for word in words):
            yield f"{folder}/README.md does not name {source}"
    for name in sorted(set(FILE.findall(text)) - all_names):
        yield f"{folder}/README.md names {name}, which is nowhere"


def main():
    top = Path(__file__).resolve().parents[2]
    files = [Path(f) for f in subprocess.run(["git", "ls-files", "rules", "exporters", "sidecar", "tests"], cwd=top, check=True,
                                             capture_output=True, text=True).stdout.split()]
    names = {f.name for f in files}
    wrong = []
    for readme in (f for f in files if f.name == "README.md" and f.parts[0] != "tests"):
        sources = sorted(f.name for f in files if f.parent == readme.parent and f.suffix == ".c")
        wrong += complaints(readme.parent, (top / readme).read_text(), sources, names)
    print("\n".join(wrong))
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
