"""Permissions as one value: what a naive reading of the rules gives, the snapshot gives."""

from __future__ import annotations

from collections.abc import Mapping

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from qisd.access.levels import ALL_FLAGS, Flag, Level, implied
from qisd.access.permissions import making, snapshot_of
from qisd.access.snapshot import (
    EMPTY,
    Decision,
    Group,
    PermissionSnapshot,
    Validity,
    flags_of,
    nearest_level,
)
from qisd.store.permissions import PermissionRows

PUBLIC, NORMAL, STAFF = 1, 2, 7

Rows = Mapping[str, Mapping[int, int]]


def snapshot(rows: Rows) -> PermissionSnapshot:
    return PermissionSnapshot(accounts={}, groups={}, rows=rows)


def naive(rows: Rows, groups: frozenset[int], folder: str) -> int:
    """For each group the row of the folder itself, else that of its parent, and so on; of all the highest."""
    best = 0
    for group in groups | {PUBLIC}:
        place = folder
        while True:
            if group in rows.get(place, {}):
                best = max(best, rows[place][group])
                break
            if not place:
                break
            place = place.rpartition("/")[0]
    return best


_names = st.sampled_from(["a", "b", "ab", "a b"])
_folders = st.lists(_names, max_size=4).map("/".join)
_groups = st.frozensets(st.integers(1, 5), max_size=4)
_rows = st.dictionaries(
    _folders,
    st.dictionaries(st.integers(1, 5), st.sampled_from([int(level) for level in Level]), min_size=1),
    max_size=8,
)


class LevelTests(SynchronousTestCase):
    def test_the_example(self) -> None:
        shown = snapshot({"": {PUBLIC: 10, NORMAL: 20}, "a": {STAFF: 40}, "a/x": {PUBLIC: 0}})
        for groups, levels in (
            (frozenset(), (10, 10, 0)),
            (frozenset({NORMAL}), (20, 20, 20)),
            (frozenset({NORMAL, STAFF}), (20, 40, 40)),
            (frozenset({STAFF}), (10, 40, 40)),
            (frozenset({99}), (10, 10, 0)),
        ):
            self.assertEqual(tuple(shown.level(groups, folder) for folder in ("", "a", "a/x")), levels)

    def test_a_folder_whose_name_begins_alike_is_another(self) -> None:
        shown = snapshot({"": {PUBLIC: 10}, "press": {PUBLIC: 0}})
        self.assertEqual([shown.level(frozenset(), one) for one in ("press", "press/a", "pressed")], [0, 0, 10])

    def test_what_does_not_exist_is_as_what_is_above_it(self) -> None:
        shown = snapshot({"": {PUBLIC: 10}, "a": {PUBLIC: 30}})
        self.assertEqual(shown.level(frozenset(), "a/b/c/d"), 30)

    def test_without_rows_nobody_may_anything(self) -> None:
        self.assertEqual(EMPTY.level(frozenset({1, 2, 3}), "a"), 0)

    @settings(deadline=None, max_examples=500, derandomize=True)
    @given(_rows, st.lists(st.tuples(_groups, _folders), min_size=1, max_size=6))
    def test_it_gives_what_the_rules_say(self, rows: Rows, asked: list[tuple[frozenset[int], str]]) -> None:
        shown = snapshot(rows)
        for groups, folder in [*asked, *asked]:  # the second time from memory
            self.assertEqual(shown.level(groups, folder), naive(rows, groups, folder))

    @settings(deadline=None, max_examples=200, derandomize=True)
    @given(_rows, _groups, _folders)
    def test_reasons_lead_to_the_same_level(self, rows: Rows, groups: frozenset[int], folder: str) -> None:
        reasons = snapshot(rows).decisions(groups, folder)
        self.assertEqual([one.group for one in reasons], sorted(groups))
        for one in reasons:
            if one.folder is None:
                self.assertIsNone(one.level)
            else:
                self.assertEqual(rows[one.folder][one.group], one.level)
                self.assertTrue(f"{folder}/".startswith(f"{one.folder}/") or not one.folder)
        highest = max((one.level or 0 for one in reasons), default=0)
        self.assertEqual(max(highest, naive(rows, frozenset(), folder)), naive(rows, groups, folder))

    def test_a_row_of_0_ends_the_search_for_its_group(self) -> None:
        shown = snapshot({"": {NORMAL: 70}, "a": {NORMAL: 0}})
        self.assertEqual(shown.decisions(frozenset({NORMAL}), "a/b"), [Decision(group=NORMAL, level=0, folder="a")])

    def test_memory_is_bounded(self) -> None:
        shown = snapshot({"": {PUBLIC: 10}})
        for number in range(20_010):
            shown.level(frozenset(), f"f{number}")
        self.assertLessEqual(len(shown._memo), 20_000)


class RowTests(SynchronousTestCase):
    """From what the database has."""

    def rows(self, **changes: object) -> PermissionRows:
        fields: dict[str, object] = {
            "users": [(1, "admin", True, 3, 0), (2, "maria", False, 1, 2), (3, "lone", True, 1, 0)],
            "groups": [
                (1, "Public", *[False] * 7),
                (2, "Normal", *[False] * 7),
                (3, "Administrators", *[flag is Flag.ADMIN_ALL for flag in Flag]),
                (4, "Folios", *[flag is Flag.ADMIN_FOLIOS for flag in Flag]),
            ],
            "members": [(1, 2), (1, 3), (2, 2), (2, 4), (99, 2), (2, 98)],
            "levels": [("/", 1, 10), ("/", 2, 20), ("/a/x", 1, 0)],
            "validity": [("a/b.jpg", None, 100), ("c.jpg", 5.5, None)],
        }
        return PermissionRows(**(fields | changes))  # type: ignore[arg-type]

    def test_users_have_the_flags_of_their_groups_with_all_that_they_imply(self) -> None:
        shown = snapshot_of(self.rows())
        self.assertEqual({number: one.flags for number, one in shown.accounts.items()}, {
            1: ALL_FLAGS,
            2: frozenset({Flag.ADMIN_FOLIOS, Flag.FOLIOS}),
            3: frozenset(),
        })  # fmt: skip
        maria = shown.account(2)
        assert maria is not None
        self.assertEqual((maria.username, maria.allow_api, maria.stamp, maria.password_state), ("maria", False, 1, 2))
        self.assertIsNone(shown.account(99))

    def test_of_many_users_it_can_be_made_in_pieces(self) -> None:
        users = [(number, f"user{number}", True, 1, 0) for number in range(1, 1001)]
        members = [(number, group) for number in range(1, 1001) for group in (2, 3)]
        levels = [(f"/{number}", 1, 10) for number in range(1000)]
        self.assertGreater(sum(1 for _ in making(self.rows(users=users, members=members, levels=levels))), 15)

    def test_paths_lose_their_slashes(self) -> None:
        self.assertEqual(snapshot_of(self.rows()).rows, {"": {1: 10, 2: 20}, "a/x": {1: 0}})

    def test_images_may_have_times(self) -> None:
        self.assertEqual(
            snapshot_of(self.rows()).validity,
            {"a/b.jpg": Validity(begins=None, ends=100.0), "c.jpg": Validity(begins=5.5, ends=None)},
        )

    def test_users_of_the_same_groups_share_them(self) -> None:
        shown = snapshot_of(self.rows(members=[(1, 2), (2, 2), (3, 2)]))
        self.assertIs(shown.accounts[1].groups, shown.accounts[2].groups)


class SmallTests(SynchronousTestCase):
    def test_a_time_holds_from_its_beginning_to_before_its_end(self) -> None:
        self.assertEqual(
            [Validity(begins=5, ends=10).holds(now) for now in (4.9, 5, 9.9, 10)], [False, True, True, False]
        )
        self.assertTrue(Validity(begins=None, ends=None).holds(0))

    def test_flags_imply_others(self) -> None:
        self.assertEqual(implied([Flag.ADMIN_ALL]), ALL_FLAGS)
        self.assertEqual(implied([Flag.ADMIN_FOLIOS]), {Flag.ADMIN_FOLIOS, Flag.FOLIOS})
        self.assertEqual(implied([Flag.ADMIN_FILES, Flag.REPORTS]), {Flag.ADMIN_FILES, Flag.REPORTS})
        self.assertEqual(implied([]), frozenset())

    def test_groups_that_are_not_there_give_nothing(self) -> None:
        groups = {1: Group(id=1, name="x", flags=frozenset({Flag.REPORTS}))}
        self.assertEqual(flags_of(groups, frozenset({1, 2})), {Flag.REPORTS})

    def test_levels_in_between_mean_the_next_lower_one(self) -> None:
        self.assertEqual([nearest_level(number) for number in (-5, 0, 9, 10, 35, 70, 1000)], [0, 0, 0, 10, 30, 70, 70])
