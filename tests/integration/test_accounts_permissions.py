"""Folder permissions on a real database, and the explanation of what they come to."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import DeferredList

from qisd.access.levels import Level
from qisd.access.snapshot import PermissionSnapshot
from qisd.accounts.permissions import FolderPermissions
from qisd.accounts.trace import Trace
from qisd.errors import AlreadyExists, BadParameter, Forbidden, NotAuthenticated, NotFound, OutOfDate, Refused
from qisd.store import administrators
from tests.integration.accounts import COMMAND, AccountsCase, together

IDS_OF_NOTHING = (0, -1, 4711, 2**31, 2**63, 10**30)


class PermissionsCase(AccountsCase):
    async def setUp(self) -> None:
        await super().setUp()
        self.permissions = FolderPermissions(self.database, self.changes)

    def folder(self, path: str, *, status: int = 1) -> int:
        parent = path.rpartition("/")[0] or "/"
        ((number,),) = self.sql(
            "insert into folders (name, path, parent_id, status)"
            " select %s, %s, id, %s from folders where path = %s returning id",
            path.rpartition("/")[2],
            path,
            status,
            parent,
        )
        return int(number)


class FolderPermissionTests(PermissionsCase):
    async def test_it_takes_permissions_administration(self) -> None:
        maria = await self.user("maria", "admin_users", "admin_files")
        for visitor, error in ((await self.visitor(None), NotAuthenticated), (await self.visitor(maria.id), Forbidden)):
            await self.fails(error, self.permissions.listed(visitor))
            await self.fails(error, self.permissions.get(visitor, 1))
            await self.fails(error, self.permissions.create(visitor, folder_id=1, group_id=3, access=11))
            await self.fails(error, self.permissions.update(visitor, 4711, access=11))
            await self.fails(error, self.permissions.delete(visitor, 1))

    async def test_a_group_gets_a_level(self) -> None:
        chief = await self.user("chief", "admin_permissions")
        folder = self.folder("/a")
        made = await self.permissions.create(await self.visitor(chief.id), folder_id=folder, group_id=1, access=70)
        self.assertEqual((made.folder_id, made.group_id, made.access, made.version), (folder, 1, 70, 1))
        self.assertEqual(await self.permissions.get(COMMAND, made.id), made)
        after = {"folder_id": folder, "group_id": 1, "access": 70}
        self.assertEqual(self.audit()[-1], (chief.id, "permission.created", str(made.id), None, after))

    async def test_lists_come_by_id_for_a_folder_or_a_group_and_in_parts(self) -> None:
        folder = self.folder("/a")
        made = [await self.permissions.create(COMMAND, folder_id=folder, group_id=group, access=0) for group in (3, 1)]

        async def ids(**wanted: Any) -> list[int]:
            return [one.id for one in (await self.permissions.listed(COMMAND, **wanted)).items]

        self.assertEqual(await ids(), [1, 2, made[0].id, made[1].id])
        self.assertEqual(await ids(folder_id=folder), [made[0].id, made[1].id])
        self.assertEqual(await ids(group_id=1), [1, made[1].id])
        self.assertEqual(await ids(group_id=1, folder_id=1), [1])
        self.assertEqual(await ids(start=1, limit=2), [2, made[0].id])
        self.assertEqual((await self.permissions.listed(COMMAND, limit=0)).total, 4)
        for nothing in IDS_OF_NOTHING:
            self.assertEqual(await ids(folder_id=nothing), [])
            self.assertEqual(await ids(group_id=nothing), [])

    async def test_only_the_eight_levels_exist(self) -> None:
        number = await self.group("g")
        for access in (-10, 5, 15, 69, 71, 80, 2**31, 2**63):
            for work in (
                self.permissions.create(COMMAND, folder_id=1, group_id=number, access=access),
                self.permissions.update(COMMAND, 1, access=access),
            ):
                error = await self.fails(BadParameter, work, "Value is not one of: 0, 10, 20, 30, 40, 50, 60, 70")
                self.assertEqual(error.parameter, "access")
        for level in Level:
            self.assertEqual((await self.permissions.update(COMMAND, 1, access=level)).access, level)

    async def test_groups_and_folders_must_be_there_the_group_first(self) -> None:
        for nothing in IDS_OF_NOTHING:
            create = self.permissions.create
            await self.fails(NotFound, create(COMMAND, folder_id=4712, group_id=nothing, access=10), str(nothing))
            await self.fails(NotFound, create(COMMAND, folder_id=nothing, group_id=3, access=10), str(nothing))
            await self.fails(NotFound, self.permissions.get(COMMAND, nothing), str(nothing))
            await self.fails(NotFound, self.permissions.update(COMMAND, nothing, access=10), str(nothing))
            await self.fails(NotFound, self.permissions.delete(COMMAND, nothing), str(nothing))

    async def test_a_deleted_folder_may_have_permissions(self) -> None:
        await self.permissions.create(COMMAND, folder_id=self.folder("/gone", status=0), group_id=1, access=10)

    async def test_a_group_has_one_level_in_a_folder(self) -> None:
        await self.fails(
            AlreadyExists, self.permissions.create(COMMAND, folder_id=1, group_id=1, access=20), "already exists"
        )
        work = [self.permissions.create(COMMAND, folder_id=1, group_id=3, access=20) for _ in range(4)]
        results = await DeferredList(together(*work), consumeErrors=True)
        self.assertEqual([good for good, _ in results].count(True), 1)

    async def test_a_folder_that_goes_meanwhile_is_not_found(self) -> None:
        folder = self.folder("/a")
        blocker = self.database.transaction

        async def hold(db: Any) -> Any:
            await administrators.take_turns(db)
            (creating,) = together(self.permissions.create(COMMAND, folder_id=folder, group_id=1, access=10))
            await db.execute("delete from folders where id = %s", (folder,))
            return creating

        holding = await blocker(lambda db: _boxed(hold(db)))
        await self.fails(NotFound, holding[0])

    async def test_only_the_level_changes(self) -> None:
        changed = await self.permissions.update(await self.visitor(1), 2, access=20)
        self.assertEqual((changed.folder_id, changed.group_id, changed.access, changed.version), (1, 2, 20, 2))
        self.assertEqual(self.audit(), [(1, "permission.changed", "2", {"access": 10}, {"access": 20})])
        before = self.everything()
        self.assertEqual(await self.permissions.update(COMMAND, 2, access=20), changed)
        self.assertEqual(self.everything(), before)

    async def test_a_change_of_another_version_is_out_of_date(self) -> None:
        folder = self.folder("/a")
        made = await self.permissions.create(COMMAND, folder_id=folder, group_id=1, access=10)
        await self.permissions.update(COMMAND, made.id, access=20, expected_version=1)
        await self.fails(OutOfDate, self.permissions.update(COMMAND, made.id, access=30, expected_version=1))
        await self.fails(OutOfDate, self.permissions.delete(COMMAND, made.id, expected_version=1))
        await self.permissions.delete(COMMAND, made.id, expected_version=2)

    async def test_permissions_of_system_groups_for_the_root_stay(self) -> None:
        folder = self.folder("/a")
        number = await self.group("g")
        administrators = await self.permissions.create(COMMAND, folder_id=1, group_id=3, access=10)
        for fixed in (1, 2, administrators.id):
            await self.fails(Refused, self.permissions.delete(COMMAND, fixed))
        for group, where in ((1, folder), (number, 1)):
            made = await self.permissions.create(COMMAND, folder_id=where, group_id=group, access=10)
            await self.permissions.delete(await self.visitor(1), made.id)
            before = {"folder_id": where, "group_id": group, "access": 10}
            self.assertEqual(self.audit()[-1], (1, "permission.deleted", str(made.id), before, None))
            await self.fails(NotFound, self.permissions.delete(COMMAND, made.id))


class TraceTests(PermissionsCase):
    async def setUp(self) -> None:
        await super().setUp()
        self.held: PermissionSnapshot | None = None
        self.trace = Trace(self.database, snapshot=self._snapshot)

    def _snapshot(self) -> PermissionSnapshot:
        assert self.held is not None
        return self.held

    async def example(self) -> tuple[int, int, int]:
        """The example of the specification: two users, in Normal and Staff, in Normal only; and Staff."""
        both = await self.user("both")
        normal = await self.user("normal")
        staff = await self.group("Staff", "reports", members=[both.id])
        self.sql("update folderpermissions set access = 20 where id = 2")
        folders = {path: self.folder(path) for path in ("/a", "/a/x")}
        await self.permissions.create(COMMAND, folder_id=folders["/a"], group_id=staff, access=40)
        await self.permissions.create(COMMAND, folder_id=folders["/a/x"], group_id=1, access=0)
        self.held = await self.snapshot()
        return both.id, normal.id, staff

    async def test_levels_are_those_of_the_best_group(self) -> None:
        both, normal, _ = await self.example()
        self.sql("delete from usergroups where user_id = %s", normal)
        nobody = normal
        normal = (await self.user("another")).id
        self.held = await self.snapshot()
        for user, levels in (
            (None, (10, 10, 0)),
            (normal, (20, 20, 20)),
            (both, (20, 40, 40)),
            (nobody, (10, 10, 0)),
            (1, (70, 70, 70)),
        ):
            for path, level in zip(("/", "a", "/a/x/"), levels, strict=True):
                trace = await self.trace.folder(COMMAND, path, user_id=user)
                self.assertEqual((trace.level, trace.consistent), (level, True), (user, path))

    async def test_each_group_is_told_with_the_row_that_counts(self) -> None:
        both, _, staff = await self.example()
        trace = await self.trace.folder(await self.visitor(1), "/a/x", user_id=both)
        self.assertEqual((trace.folder, trace.folder_status, trace.image), ("/a/x", 1, None))
        self.assertEqual((trace.user_id, trace.username, trace.active, trace.bypass), (both, "both", True, set()))
        self.assertEqual(
            [(group.id, group.name, group.level, group.folder, sorted(group.flags)) for group in trace.groups],
            [
                (1, "Public", 0, "/a/x", []),
                (2, "Normal users", 20, "/", []),
                (staff, "Staff", 40, "/a", ["reports"]),
            ],
        )

    async def test_a_group_without_any_row_is_told_so(self) -> None:
        await self.example()
        trace = await self.trace.folder(COMMAND, "/a", user_id=1)
        administrators = trace.groups[1]
        self.assertEqual(
            (administrators.name, administrators.level, administrators.folder), ("Administrators", None, None)
        )
        self.assertEqual(trace.bypass, {"admin_files", "admin_all"})

    async def test_an_image_is_traced_in_its_folder(self) -> None:
        both, *_ = await self.example()
        self.sql("insert into images (src, folder_id) select 'a/p.jpg', id from folders where path = '/a'")
        trace = await self.trace.folder(COMMAND, "/a/p.jpg", user_id=both)
        self.assertEqual((trace.image, trace.folder, trace.level), ("a/p.jpg", "/a", 40))

    async def test_what_nobody_has_heard_of_counts_as_in_the_nearest_folder(self) -> None:
        both, *_ = await self.example()
        trace = await self.trace.folder(COMMAND, "/a/x/neither/nor.jpg", user_id=both)
        self.assertEqual((trace.folder_status, trace.level, trace.consistent), (None, 40, True))
        self.assertEqual(trace.groups[0].folder, "/a/x")

    async def test_rows_of_deleted_folders_count(self) -> None:
        await self.example()
        self.sql("update folders set status = 0 where path = '/a/x'")
        trace = await self.trace.folder(COMMAND, "/a/x")
        self.assertEqual((trace.folder_status, trace.level, trace.consistent), (0, 0, True))

    async def test_disabled_users_are_explained_as_if_they_were_not(self) -> None:
        both, *_ = await self.example()
        await self.users.delete(COMMAND, both)
        self.held = await self.snapshot()
        trace = await self.trace.folder(COMMAND, "/a", user_id=both)
        self.assertEqual((trace.active, trace.level, trace.consistent), (False, 40, True))

    async def test_a_snapshot_that_says_otherwise_is_told(self) -> None:
        both, *_ = await self.example()
        self.sql("update folderpermissions set access = 60 where access = 40")
        trace = await self.trace.folder(COMMAND, "/a", user_id=both)
        self.assertEqual((trace.level, trace.snapshot_level, trace.consistent), (60, 40, False))

    async def test_it_takes_permissions_administration(self) -> None:
        maria = await self.user("maria", "admin_users", "admin_files")
        await self.fails(Forbidden, self.trace.folder(await self.visitor(maria.id), "/"))
        await self.fails(NotAuthenticated, self.trace.folder(await self.visitor(None), "/"))

    async def test_unknown_users_and_bad_paths_are_refused(self) -> None:
        self.held = await self.snapshot()
        for nobody in IDS_OF_NOTHING:
            await self.fails(NotFound, self.trace.folder(COMMAND, "/", user_id=nobody), str(nobody))
        await self.fails(BadParameter, self.trace.folder(COMMAND, "/a\0"))
        await self.fails(BadParameter, self.trace.folder(COMMAND, "/a\ud800"))
        await self.fails(Forbidden, self.trace.folder(COMMAND, "/../etc"))
        for path in ("%", "/_", "'; drop table folders; --"):
            self.assertEqual((await self.trace.folder(COMMAND, path)).level, 10)


async def _boxed(work: Any) -> tuple[Any]:
    """The result in a tuple, so that a Deferred isn't waited for."""
    return (await work,)
