from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from qisd.access.levels import ALL_FLAGS, Flag
from qisd.accounts.trace import bypassing, final_level, traced
from qisd.store.folder_permissions import NearestRow
from qisd.store.groups import Group


class TraceTests(SynchronousTestCase):
    def test_the_highest_level_counts_and_nothing_gives_nothing(self) -> None:
        self.assertEqual(final_level(frozenset(), [10, 0, 40]), 40)
        self.assertEqual(final_level(frozenset(), []), 0)
        self.assertEqual(final_level(frozenset({Flag.ADMIN_FILES}), [0]), 70)

    def test_only_administration_of_files_and_super_users_pass_by_the_rows(self) -> None:
        self.assertEqual(bypassing(ALL_FLAGS), {Flag.ADMIN_FILES, Flag.ADMIN_ALL})
        self.assertEqual(bypassing(ALL_FLAGS - {Flag.ADMIN_FILES, Flag.ADMIN_ALL}), set())

    def test_each_group_has_its_row(self) -> None:
        groups = [
            Group(id=number, name=name, description="", group_type=2, flags=frozenset(), version=1)
            for number, name in ((5, "a"), (4, "b"))
        ]
        found = traced(groups, [NearestRow(group_id=4, access=0, path="/x")])
        self.assertEqual(
            [(group.name, group.level, group.folder) for group in found], [("a", None, None), ("b", 0, "/x")]
        )
