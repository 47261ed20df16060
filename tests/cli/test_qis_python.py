"""Python settings, read and not run."""

from __future__ import annotations

import ast
import contextlib
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from qisd.cli.qis_python import PythonSettings, read_python


def read(text: str, **before: object) -> PythonSettings:
    return read_python(text.encode(), before=before)


class ValueTests(SynchronousTestCase):
    def values(self, text: str, **before: object) -> dict[str, object]:
        found = read(text, **before)
        self.assertEqual(found.unread, [])
        return {name: assigned.value for name, assigned in found.values.items()}

    def test_literals_are_values(self) -> None:
        text = (
            "# a comment\nA = 'x'\nB = b'\\x00y'\nC = 0o644\nD = True; E = None\nF = -5\nG = 1.5\n"
            "H = ['a', ('b', 2)]\nI = {'k': ('n', 'm')}\nJ = 'one' 'two'\nK: int = 7\nL = not True\n"
        )
        self.assertEqual(
            self.values(text),
            {
                "A": "x",
                "B": b"\x00y",
                "C": 0o644,
                "D": True,
                "E": None,
                "F": -5,
                "G": 1.5,
                "H": ["a", ["b", 2]],
                "I": {"k": ["n", "m"]},
                "J": "onetwo",
                "K": 7,
                "L": False,
            },
        )

    def test_sums_differences_and_products_are_computed(self) -> None:
        text = "A = 2 * 1024 * 1024\nB = A - 1 + 0.5\nC = 'a' + \"b\" + 'c'\nD = [1] + [2]\nE = b'a' + b'b'\n"
        self.assertEqual(self.values(text), {"A": 2097152, "B": 2097151.5, "C": "abc", "D": [1, 2], "E": b"ab"})

    def test_names_stand_for_what_they_were_set_to_here_or_before(self) -> None:
        text = "ROOT = BASE + 'x/'\nDIR = ROOT + 'images/'\nROOT = 'later'\n"
        self.assertEqual(self.values(text, BASE="/opt/"), {"ROOT": "later", "DIR": "/opt/x/images/"})

    def test_tables_and_numbers_can_be_changed(self) -> None:
        text = "F['webp'] = ('WebP', 'image/webp')\nN = 5\nN += 2\nN *= 3\n"
        self.assertEqual(self.values(text, F={"a": 1}), {"F": {"a": 1, "webp": ["WebP", "image/webp"]}, "N": 21})

    def test_imports_and_doc_strings_are_nothing(self) -> None:
        self.assertEqual(self.values("'''Doc'''\nimport os\nfrom x import *\npass\nA = B = 1\n"), {"A": 1, "B": 1})

    def test_the_line_is_known(self) -> None:
        self.assertEqual(read("\n\nA = 1\n").values["A"].line, 3)

    def test_another_encoding_is_understood_as_python_does(self) -> None:
        source = "# -*- coding: latin-1 -*-\nA = 'ä'\n".encode("latin-1")
        self.assertEqual(read_python(source).get("A"), "ä")


class UnreadTests(SynchronousTestCase):
    def test_nothing_is_run(self) -> None:
        marker = Path(self.mktemp()).absolute()
        text = (
            f"import os\nA = os.system('touch {marker}')\nB = open({str(marker)!r}, 'w')\nC = __import__('os')\n"
            f"open({str(marker)!r}, 'w')\nD = [open(x, 'w') for x in [{str(marker)!r}]]\nE = (lambda: 1)()\n"
            f"F = f\"{{open({str(marker)!r}, 'w')}}\"\nassert open({str(marker)!r}, 'w')\n"
        )
        found = read(text)
        self.assertEqual(found.values, {})
        self.assertFalse(marker.exists())
        self.assertEqual([unread.name for unread in found.unread], ["A", "B", "C", "", "D", "E", "F", ""])

    def test_what_is_set_under_conditions_is_not_known(self) -> None:
        found = read("A = 1\nB = 2\nif X:\n    A = 5\nfor C in []:\n    D = 1\nwith y as E: pass\n")
        self.assertEqual(found.get("B"), 2)
        self.assertEqual(
            [(unread.line, unread.name) for unread in found.unread], [(3, "A"), (5, "C"), (5, "D"), (7, "E")]
        )

    def test_what_is_changed_by_a_call_is_not_known(self) -> None:
        found = read("A = [1]\nA.append(2)\nB = {'k': 1}\ndel B['k']\nC = A\n")
        self.assertEqual(found.values, {})
        self.assertEqual([unread.name for unread in found.unread], ["A", "B", "C"])

    def test_what_depends_on_something_unknown_is_not_known_either(self) -> None:
        found = read("A = f()\nB = A + 'x'\nC = HOME + 'y'\nA = 1\n", A="before")
        self.assertEqual({name: one.value for name, one in found.values.items()}, {"A": 1})
        self.assertEqual([unread.name for unread in found.unread], ["A", "B", "C"])

    def test_functions_and_classes_set_nothing(self) -> None:
        found = read("def f():\n    A = 1\nclass B:\n    A = 2\n")
        self.assertEqual(found.values, {})
        self.assertEqual([unread.name for unread in found.unread], ["", ""])

    def test_no_expression_eats_memory(self) -> None:
        huge = (
            "'a' * 10**9",
            "2 ** 10**9",
            "[0] * 10**9",
            "1 << 10**9",
            "9**9**9",
            "2**63 * 2**63",
            "'%999999999d' % 1",
        )
        for expression in huge:
            self.assertEqual(read(f"A = {expression}\n").values, {}, expression)
        self.assertEqual(read("A = 9223372036854775807 * 9223372036854775807\n").values, {})
        doubling = "A = 'xxxxxxxxxxxxxxxx'\n" + "A = A + A\n" * 60
        self.assertEqual(read(doubling).values, {})

    def test_no_python_is_told_with_its_line(self) -> None:
        with self.assertRaisesRegex(ValueError, "line 2: "):
            read("A = 1\nB = = 2\n")
        for source in (b"A = '\0'", b"A = 0644\n", b"\xff\xfe\xff", b"A = " + b"(" * 10_000 + b")" * 10_000):
            with self.assertRaises(ValueError):
                read_python(source)

    @given(st.text())
    def test_any_text_is_read_or_refused(self, text: str) -> None:
        try:
            source = text.encode()
        except UnicodeEncodeError:
            return
        with contextlib.suppress(ValueError):
            read_python(source)

    @given(
        st.recursive(
            st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.text() | st.binary(),
            lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
            max_leaves=10,
        )
    )
    def test_a_literal_is_read_as_python_reads_it(self, value: object) -> None:
        text = f"A = {value!r}\n"
        self.assertEqual(read(text).get("A"), ast.literal_eval(repr(value)))
