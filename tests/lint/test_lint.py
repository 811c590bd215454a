#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The linters' own tests: each finds the fault that it is for, and leaves honest code alone."""
import pathlib
import subprocess
import tempfile
import unittest

import layers
import readmes
import words

TABLE = layers.read_table("rules/base:\nrules: rules/base\nexporters: rules/base rules/match/result.h\nrules/match: rules/base\n")


class Layers(unittest.TestCase):
    def test_an_arrow_that_points_up_is_a_fault(self):
        self.assertEqual(len(list(layers.faults("rules/base/a.c", '#include "rules/inspection.h"\n', TABLE))), 1)

    def test_an_arrow_that_points_down_is_none(self):
        self.assertEqual(list(layers.faults("rules/a.c", '#include "rules/base/span.h"\n', TABLE)), [])

    def test_a_single_header_may_be_allowed(self):
        self.assertEqual(list(layers.faults("exporters/a.c", '#include "rules/match/result.h"\n', TABLE)), [])
        self.assertEqual(len(list(layers.faults("exporters/a.c", '#include "rules/match/action.h"\n', TABLE))), 1)

    def test_an_include_not_from_the_root_is_a_fault_with_its_line(self):
        self.assertEqual([line for line, _ in layers.faults("rules/a.c", '\n#include "span.h"\n', TABLE)], [2])


class Words(unittest.TestCase):
    def test_a_banned_call_is_found_with_its_line(self):
        self.assertEqual(list(words.faults("int x;\nstrcpy(a, b);\n")), [(2, "strcpy")])
        self.assertEqual(list(words.faults("nanosleep(&pause, NULL);\n")), [(1, "nanosleep")])

    def test_comments_strings_and_longer_names_are_left_alone(self):
        self.assertEqual(list(words.faults('/* atoi() */ puts("gets("); snprintf(a, 1, "x"); operand(1);')), [])


class Readmes(unittest.TestCase):
    def test_a_file_is_named_by_itself_its_header_or_a_pattern(self):
        text = "`check_*.c` and `queue` do; the walk is in walk.h, of which `queue.c` and `check_tls.c` know nothing.\n"
        sources, names = ["check_tls.c", "queue.c", "walk.c"], {"check_tls.c", "queue.c", "walk.h"}
        self.assertEqual(list(readmes.complaints("a", text, sources, names)), [])

    def test_a_file_that_is_not_named_is_a_fault(self):
        self.assertEqual(list(readmes.complaints("a", "a queue, `wait_*.c`, `*`\n", ["queue.c"], {"queue.c"})), ["a/README.md does not name queue.c"])

    def test_a_name_without_a_file_is_a_fault(self):
        self.assertEqual(list(readmes.complaints("a", "`gone.c`, b/gone.h\n", [], set())), ["a/README.md names gone.c, which is nowhere"])


class ClangTidy(unittest.TestCase):
    def test_what_only_clang_warns_of_is_a_fault(self):
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder, "a.c")
            file.write_text("struct in { int a, b; };\nstruct out { struct in in; int c; };\nstruct out out = {.in = {1}, .c = 2};\n")
            checks = pathlib.Path(__file__).with_name("clang-tidy")
            told = subprocess.run(["clang-tidy", "--quiet", f"--config-file={checks}", file, "--", "-Wextra"], capture_output=True, text=True)
            self.assertIn("missing field 'b' initializer", told.stdout)
            self.assertNotEqual(told.returncode, 0)


if __name__ == "__main__":
    unittest.main()
