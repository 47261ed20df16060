"""What becomes of single rows of a QIS."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from qisd.imaging.rules import Choices
from qisd.imaging.template import parse_template
from qisd.store import qis_import_rows as rows
from qisd.store.qis_import_findings import CODES, Findings, Weight, visible

CHOICES = Choices(write_formats=frozenset({"jpg", "png"}), profiles=frozenset({"srgb"}))


class FoundMixin:
    """Keeps what is found."""

    def setUp(self) -> None:
        super().setUp()
        self.findings = Findings()

    def found(self) -> dict[str, int]:
        return {finding.code: finding.count for finding in self.findings}


class PathTests(SynchronousTestCase):
    def test_a_path_in_its_one_spelling_stays(self) -> None:
        for path in ("a.jpg", "a/b.jpg", "a/.b/c", "..a/b..", "a.", "...", "a/...", "ä/\u0308", "a\\b", " a / b "):
            self.assertEqual(rows.tidy(path), path)

    def test_slashes_and_dots_are_put_right(self) -> None:
        for path, tidied in (
            ("/", ""),
            ("", ""),
            (".", ""),
            ("//", ""),
            ("/a", "a"),
            ("//a//b/", "a/b"),
            ("a/./b", "a/b"),
            ("./a", "a"),
            ("a/.", "a"),
            ("a/x/../b", "a/b"),
            ("a/..", ""),
            ("a./b", "a./b"),
            (".../b", ".../b"),
        ):
            self.assertEqual(rows.tidy(path), tidied, path)

    def test_what_leaves_the_root_is_no_path(self) -> None:
        for path in ("..", "/..", "../a", "a/../../b", "/../a"):
            self.assertIsNone(rows.tidy(path))

    @given(st.text(alphabet="a./ ", max_size=12))
    def test_it_is_its_own_spelling(self, path: str) -> None:
        tidied = rows.tidy(path)
        if tidied is not None:
            self.assertEqual(rows.tidy(tidied), tidied)
            self.assertFalse({"", ".", ".."} & set(tidied.split("/")) if tidied else set())


class LevelTests(SynchronousTestCase):
    def test_levels_are_rounded_down(self) -> None:
        levels = (70, 60, 50, 40, 30, 20, 10, 0)
        for given_level, level in ((0, 0), (9, 0), (10, 10), (15, 10), (35, 30), (69, 60), (70, 70), (99, 70), (-1, 0)):
            self.assertEqual(rows.rounded_down(given_level, levels), level)


class AccountTests(FoundMixin, SynchronousTestCase):
    def test_users_are_taken_with_their_hashes(self) -> None:
        row = (1, "A", "B", "c@d", "admin", "sha1$x$y", 2, True, 0)
        self.assertEqual(rows.users([row], self.findings), [row])
        self.assertEqual(self.found(), {})

    def test_kinds_and_states_that_there_are_not_are_put_right(self) -> None:
        made = rows.users([(1, "", "", "", "a", "", 7, False, 5)], self.findings)
        self.assertEqual(made, [(1, "", "", "", "a", "!", 1, False, 0)])
        self.assertEqual(self.found(), {"user_fields": 1, "user_password": 1})

    def test_a_missing_administrator_is_made_with_a_name_that_nobody_has(self) -> None:
        made = rows.users([(5, "", "", "", "ADMIN", "x", 1, False, 1)], self.findings)
        self.assertEqual(made[1], (1, "Administrator", "", "", "administrator", "!", 1, True, 1))
        members = rows.memberships([(5, 2), (5, 77), (6, 2)], {1, 5}, {1, 2, 3}, self.findings, admin_made=True)
        self.assertEqual(members, [(1, 2), (1, 3), (5, 2)])
        self.assertEqual(self.found(), {"missing_admin": 1, "orphan_usergroups": 2})

    def test_missing_system_groups_are_made_and_the_systems_stay_the_systems(self) -> None:
        made = rows.groups([(2, "Normal", "d", 2), (4, "Local", "", 9), (5, "LDAP", "", 3)], self.findings)
        self.assertEqual(made[:3], [(2, "Normal", "d", 1), (4, "Local", "", 2), (5, "LDAP", "", 3)])
        self.assertEqual([(row[0], row[3]) for row in made[3:]], [(1, 1), (3, 1)])
        self.assertEqual(self.found(), {"missing_group": 2, "group_type": 2})

    def test_names_that_differ_only_in_case_are_told(self) -> None:
        rows.groups(
            [(1, "a", "", 1), (2, "b", "", 1), (3, "c", "", 1), (4, "Straße", "", 2), (5, "STRASSE", "", 2)],
            self.findings,
        )
        self.assertEqual([finding.examples for finding in self.findings], [["Straße, STRASSE"]])

    def test_every_group_has_flags_and_the_public_has_none(self) -> None:
        given_rows = [(1, *[True] * 7), (4, *[True] * 7), (9, *[True] * 7)]
        made = rows.flags(given_rows, [1, 2, 3, 4], self.findings)
        self.assertEqual(sorted(made), [(1, *[False] * 7), (2, *[False] * 7), (3, *[True] * 7), (4, *[True] * 7)])
        self.assertEqual(self.found(), {"missing_flags": 2, "public_flags": 1, "orphan_syspermissions": 1})


class FolderTests(FoundMixin, SynchronousTestCase):
    def tree(self, *given_rows: tuple[object, ...]) -> rows.FolderTree:
        return rows.FolderTree(given_rows, self.findings)

    def test_names_and_parents_follow_from_paths(self) -> None:
        tree = self.tree((1, "/", None, 1), (2, "/a", 1, 1), (3, "/a/b", 2, 0))
        self.assertEqual(tree.rows(), [(1, "", "/", None, 1), (2, "a", "/a", 1, 1), (3, "b", "/a/b", 2, 0)])
        self.assertEqual(self.found(), {})

    def test_the_root_may_have_an_empty_path(self) -> None:
        self.assertEqual(self.tree((1, "", None, 1)).rows(), [(1, "", "/", None, 1)])
        self.assertEqual(self.found(), {})

    def test_a_missing_root_gets_its_id_if_that_is_free(self) -> None:
        self.assertEqual(self.tree((5, "/a", 1, 1)).root, 1)
        self.assertEqual(self.tree((1, "/a", 5, 1), (7, "/b", 5, 1)).root, 8)
        self.assertEqual(self.tree().root, 1)
        self.assertEqual(self.found()["missing_root"], 3)

    def test_folders_above_are_made_behind_all_ids(self) -> None:
        tree = self.tree((1, "/", None, 1), (9, "/a/b/c", 1, 1))
        self.assertEqual(
            tree.rows(),
            [(1, "", "/", None, 1), (11, "a", "/a", 1, 1), (10, "b", "/a/b", 11, 1), (9, "c", "/a/b/c", 10, 1)],
        )
        self.assertEqual(self.found(), {"folder_made": 2, "folder_parent": 1})

    def test_a_folder_made_for_a_deleted_image_comes_to_life_with_an_active_one(self) -> None:
        tree = self.tree((1, "/", None, 1), (2, "/old", 1, 0))
        tree.of("/new/x", active=False)
        self.assertEqual([row[4] for row in tree.rows()], [1, 0, 0, 0])
        tree.of("/new/x", active=True)
        tree.of("/old", active=True)  # its own row says that it's deleted
        self.assertEqual(
            [row[2:] for row in tree.rows()], [("/", None, 1), ("/new", 1, 1), ("/new/x", 4, 1), ("/old", 1, 0)]
        )

    def test_one_of_two_folders_at_the_same_path_is_kept_the_active_one(self) -> None:
        tree = self.tree((1, "/", None, 1), (2, "/a/", 1, 0), (3, "/a", 1, 1), (4, "//a", 1, 1))
        self.assertEqual([tree.id_of(number) for number in (2, 3, 4)], [3, 3, 3])
        self.assertEqual(len(tree.rows()), 2)
        self.assertEqual(self.found(), {"folder_merged": 2})

    def test_what_leaves_the_root_is_left_out(self) -> None:
        tree = self.tree((1, "/", None, 1), (2, "/../etc", 1, 1), (3, "/b/../c", 1, 7))
        self.assertIsNone(tree.id_of(2))
        self.assertEqual(tree.rows()[1], (3, "c", "/c", 1, 0))
        self.assertEqual(self.found(), {"folder_path": 1, "folder_tidied": 1, "folder_status": 1})

    def test_another_parent_than_the_path_says_is_told(self) -> None:
        self.tree((1, "/", None, 1), (2, "/a", 1, 1), (3, "/b", 2, 1), (4, "/c", None, 1), (5, "/d", 99, 1))
        self.assertEqual(self.found(), {"folder_parent": 3})

    def test_permissions_have_levels_that_there_are(self) -> None:
        tree = self.tree((1, "/", None, 1), (2, "/a", 1, 1), (3, "/a/", 1, 1))
        made = rows.folder_permissions(
            [(1, 1, 1, 10), (2, 1, 2, 10), (3, 2, 4, 35), (4, 3, 4, 70), (5, 99, 4, 10), (6, 1, 99, 10)],
            tree,
            {1, 2, 4},
            self.findings,
        )
        self.assertEqual(made, [(1, 1, 1, 10), (2, 1, 2, 10), (3, 2, 4, 30)])
        self.assertEqual(
            self.found(),
            {"folder_merged": 1, "odd_level": 1, "orphan_folderpermissions": 2, "double_folderpermissions": 1},
        )

    def test_missing_root_permissions_are_made_and_give_nothing(self) -> None:
        made = rows.folder_permissions([(8, 1, 2, 20)], self.tree((1, "/", None, 1)), {1, 2}, self.findings)
        self.assertEqual(made, [(8, 1, 2, 20), (9, 1, 1, 0)])
        self.assertEqual(self.found(), {"missing_root_level": 1})


class ImageTests(FoundMixin, SynchronousTestCase):
    def images(self, *given_rows: tuple[object, ...]) -> list[tuple[object, ...]]:
        self.tree = rows.FolderTree([(1, "/", None, 1), (2, "/a", 1, 1), (3, "/b", 1, 1)], self.findings)
        return list(rows.images(given_rows, self.tree, self.findings))

    def test_an_image_is_in_the_folder_that_its_path_names(self) -> None:
        made = self.images(
            (1, "a/x.jpg", 2, "t", "d", 3, 4, 1, "2024-01-01"),
            (2, "a/y.jpg", 3, "", "", 0, 0, 1, None),
            (3, "a/z.jpg", 99, "", "", 0, 0, 1, None),
            (4, "new/x.jpg", 99, "", "", 0, 0, 1, None),
            (5, "top.jpg", 1, "", "", 0, 0, 1, None),
        )
        self.assertEqual(made[0], (1, "a/x.jpg", 2, "t", "d", 3, 4, 1, "2024-01-01"))
        self.assertEqual([row[2] for row in made], [2, 2, 2, 4, 1])
        self.assertEqual(self.found(), {"folder_made": 1, "image_orphan": 2, "image_folder": 1})

    def test_paths_are_put_right_or_left_out(self) -> None:
        made = self.images(
            (1, "/a/x.jpg", 2, "", "", 0, 0, 1, None),
            (2, "../x.jpg", 2, "", "", 0, 0, 1, None),
            (3, "", 2, "", "", 0, 0, 1, None),
            (4, "a/\n.jpg", 2, "", "", -1, 0, 7, None),
        )
        self.assertEqual([row[1] for row in made], ["a/x.jpg", "a/\n.jpg"])
        self.assertEqual(made[1][5:8], (0, 0, 0))
        self.assertEqual(self.found(), {"image_tidied": 1, "image_path": 2, "image_control": 1, "image_fields": 1})

    def test_history_of_unknown_users_is_nobodys_and_long_texts_are_cut(self) -> None:
        made = list(
            rows.history(
                [(1, 5, 7, 1, "x" * 4096, "t"), (2, 5, 8, 0, "y" * 5000, "t"), (3, 5, None, 9, "", "t")],
                range(5),
                {7},
                self.findings,
                name="imagesaudit",
            )
        )
        self.assertEqual(made, [(1, 5, 7, 1, "x" * 4096, "t"), (2, 5, None, 0, "y" * 4093 + "...", "t")])
        self.assertEqual(self.found(), {"odd_imagesaudit": 1, "cut_imagesaudit": 1, "user_imagesaudit": 1})


class TemplateTests(FoundMixin, SynchronousTestCase):
    def test_stray_entries_go_and_unknown_fields_are_told(self) -> None:
        text = '{"width": {"value": 5, "hint": 1}, "filename": "x", "template": {"value": "y"}, "turbo": {"value": 1}}'
        cleaned = rows.clean(text, CHOICES)
        self.assertEqual(cleaned, rows.Cleaned(document={"width": {"value": 5}}, unknown=("turbo",)))

    def test_options_may_name_a_template_but_no_file(self) -> None:
        text = '{"template": {"value": "Small"}, "filename": {"value": "/etc/passwd"}, "width": {"value": ""}}'
        cleaned = rows.clean(text, CHOICES, stray=("filename",))
        self.assertEqual(cleaned, rows.Cleaned(document={"template": {"value": "Small"}}))
        for bad in ('{"template": "Small"}', '{"template": {"value": 5}}', '{"template": {"value": "a\\u0000"}}'):
            self.assertEqual(rows.clean(bad, CHOICES, stray=("filename",)).document, {})

    def test_what_is_not_valid_is_kept_as_it_was(self) -> None:
        cleaned = rows.clean('{"width": {"value": -5}, "other": 1}', CHOICES)
        self.assertEqual(cleaned.document, {"width": {"value": -5}, "other": 1})
        self.assertIn("width", cleaned.fault or "")

    def test_what_no_database_takes_is_not_kept(self) -> None:
        for text in (
            "",
            "{",
            "[]",
            "null",
            '"x"',
            "1e999",
            '{"width": {"value": 1e999}}',
            '{"width": {"value": NaN}}',
            '{"overlay_src": {"value": "a\\u0000b"}}',
            '{"overlay_src": {"value": "\\ud800"}}',
            '{"width": {"value": "\\ud800"}}',
            "[" * 100_000,
        ):
            cleaned = rows.clean(text, CHOICES)
            self.assertIsNotNone(cleaned.fault, text[:30])
            self.assertEqual(cleaned.document, {}, text[:30])

    def test_bad_templates_are_disabled(self) -> None:
        made = rows.templates(
            [(1, "A", "", '{"format": {"value": "JPG"}}'), (2, "B", "", '{"format": {"value": "exe"}}')],
            CHOICES,
            self.findings,
        )
        self.assertEqual(
            made,
            [
                (1, "A", "", '{"format": {"value": "jpg"}}', False),
                (2, "B", "", '{"format": {"value": "exe"}}', True),
            ],
        )
        self.assertEqual(self.found(), {"template_invalid": 1})

    @given(
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.dictionaries(st.text(), inner)
        )
    )
    def test_whatever_is_kept_without_a_fault_is_a_template(self, document: object) -> None:
        cleaned = rows.clean(json.dumps(document), CHOICES)
        if cleaned.fault is None:
            parse_template(cleaned.document, CHOICES)
        json.dumps(cleaned.document, ensure_ascii=False).encode()


class PortfolioTests(FoundMixin, SynchronousTestCase):
    def test_portfolios_without_owner_go_to_the_administrator(self) -> None:
        made = list(rows.portfolios([(1, "h", "n", "d", 5, "t"), (2, "i", "", "", 6, "t")], {5}, self.findings))
        self.assertEqual([row[4] for row in made], [5, 1])
        self.assertEqual(self.found(), {"folio_owner": 1})

    def test_options_that_are_not_valid_are_none(self) -> None:
        made = list(rows.portfolio_images([(1, 2, 3, '{"width": {"value": "x"}}', "f", 7)], CHOICES, self.findings))
        self.assertEqual(made, [(1, 2, 3, "{}", "f", 7)])
        self.assertEqual(self.found(), {"parameters_invalid": 1})

    def test_levels_are_those_of_portfolios(self) -> None:
        given_rows = [(n, 1, 4, level) for n, level in enumerate((0, 10, 20, 30, 50, 40, 70))] + [(9, 1, 99, 10)]
        made = list(rows.portfolio_permissions(given_rows, {4}, self.findings))
        self.assertEqual([row[3] for row in made], [0, 10, 20, 30, 50, 30, 50])
        self.assertEqual(self.found(), {"odd_folio_level": 2, "orphan_foliopermissions": 1})

    def test_an_export_without_a_file_has_failed(self) -> None:
        made = list(
            rows.exports(
                [(1, 1, "", True, "{}", "a.zip", 5, "c", "k"), (2, 1, "", False, "{}", "", 0, "c", "k")],
                CHOICES,
                self.findings,
            )
        )
        self.assertEqual([(row[5], bool(row[6])) for row in made], [("ready", False), ("failed", True)])
        self.assertEqual(self.found(), {"export_unfinished": 1})

    def test_the_number_of_the_schema_stays_behind(self) -> None:
        given_rows = [("db_migration_version", "1"), ("fp_version", "3"), ("import_source", "x"), ("cluster_id", None)]
        self.assertEqual(rows.properties(given_rows), [("fp_version", "3")])


class FindingsTests(SynchronousTestCase):
    def test_they_come_in_the_order_of_the_report_with_a_few_examples(self) -> None:
        findings = Findings()
        findings.add("folder_merged", "z")
        for number in range(20):
            findings.add("image_path", number)
        findings.add_many("missing_root", 0, ["never"])
        findings.add_many("group_case", 500, ["a", "b"])
        found = list(findings)
        self.assertEqual([finding.code for finding in found], ["group_case", "folder_merged", "image_path"])
        self.assertEqual([finding.count for finding in found], [500, 1, 20])
        self.assertEqual(len(found[2].examples), 10)
        self.assertTrue(findings.left_out)

    def test_only_what_is_left_out_makes_it_incomplete(self) -> None:
        for code, (weight, _) in CODES.items():
            findings = Findings()
            findings.add(code)
            self.assertEqual(findings.left_out, weight is Weight.LEFT_OUT)

    def test_examples_do_nothing_to_a_terminal(self) -> None:
        self.assertEqual(visible("a\x1b[2J\nb\u202ec ä🐧"), "a\\u001b[2J\\u000ab\\u202ec ä🐧")
