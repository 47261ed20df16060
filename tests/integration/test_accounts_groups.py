"""Groups on a real database: their permissions, their members, and that nobody is ever locked out."""

from __future__ import annotations

from twisted.internet.defer import DeferredList

from qisd.access.levels import ALL_FLAGS, Flag
from qisd.errors import AlreadyExists, BadParameter, Forbidden, NotAuthenticated, NotFound, OutOfDate, Refused
from tests.integration.accounts import COMMAND, NASTY, AccountsCase, together

IDS_OF_NOTHING = (0, -1, 4711, 2**31, 2**63, 10**30)
PUBLIC, NORMAL_USERS, ADMINISTRATORS = 1, 2, 3


class ReadingTests(AccountsCase):
    async def test_it_takes_user_administration(self) -> None:
        maria = await self.user("maria", "admin_permissions", "admin_files")
        for visitor, error in ((await self.visitor(None), NotAuthenticated), (await self.visitor(maria.id), Forbidden)):
            await self.fails(error, self.groups.listed(visitor))
            await self.fails(error, self.groups.get(visitor, 2))
            await self.fails(error, self.groups.get(visitor, 4711))

    async def test_groups_come_by_name_and_in_parts(self) -> None:
        await self.group("editors", "folios")
        part = await self.groups.listed(COMMAND)
        self.assertEqual([g.name for g in part.items], ["Administrators", "editors", "Normal users", "Public"])
        self.assertEqual([sorted(g.flags) for g in part.items], [sorted(ALL_FLAGS), ["folios"], [], []])
        part = await self.groups.listed(COMMAND, sort="-id", start=1, limit=2)
        self.assertEqual(([g.id for g in part.items], part.total), ([3, 2], 4))
        self.assertEqual([g.name for g in (await self.groups.listed(COMMAND, q="EDI")).items], ["editors"])
        self.assertEqual((await self.groups.listed(COMMAND, q=NASTY)).items, [])
        await self.fails(BadParameter, self.groups.listed(COMMAND, sort="description"))

    async def test_a_group_comes_with_its_members_deleted_ones_too(self) -> None:
        maria = await self.user("maria")
        await self.users.delete(COMMAND, maria.id)
        found = await self.groups.get(COMMAND, NORMAL_USERS)
        self.assertEqual([(user.username, user.status) for user in found.members], [("admin", 1), ("maria", 0)])

    async def test_an_id_of_nothing_is_not_found(self) -> None:
        for nothing in IDS_OF_NOTHING:
            await self.fails(NotFound, self.groups.get(COMMAND, nothing), str(nothing))
            await self.fails(NotFound, self.groups.update(COMMAND, nothing, name="x"), str(nothing))
            await self.fails(NotFound, self.groups.delete(COMMAND, nothing), str(nothing))
            await self.fails(NotFound, self.groups.add_member(COMMAND, nothing, 1), str(nothing))
            await self.fails(NotFound, self.groups.remove_member(COMMAND, nothing, 1), str(nothing))


class CreatingTests(AccountsCase):
    async def test_a_group_begins_without_members(self) -> None:
        group = await self.groups.create(
            await self.visitor(1), name=" Editors ", description=" d ", flags=[Flag.REPORTS, Flag.FOLIOS]
        )
        self.assertEqual((group.name, group.description, group.group_type, group.version), ("Editors", " d ", 2, 1))
        found = await self.groups.get(COMMAND, group.id)
        self.assertEqual((found.group, found.members), (group, []))
        after = {"name": "Editors", "description": " d ", "group_type": 2, "flags": ["folios", "reports"]}
        self.assertEqual(self.audit(), [(1, "group.created", str(group.id), None, after)])

    async def test_it_takes_administration_of_users_and_of_permissions(self) -> None:
        for flags in ([], ["admin_users"], ["admin_permissions"], ["admin_files", "admin_folios", "reports"]):
            user = await self.user(f"with {flags}", *flags)
            await self.fails(Forbidden, self.groups.create(await self.visitor(user.id), name="x"))
        await self.fails(NotAuthenticated, self.groups.create(await self.visitor(None), name="x"))
        both = await self.user("both", "admin_users", "admin_permissions")
        await self.groups.create(await self.visitor(both.id), name="x")

    async def test_nobody_gives_what_they_lack(self) -> None:
        boss = await self.user("boss", "admin_users", "admin_permissions", "folios")
        visitor = await self.visitor(boss.id)
        for flag in (Flag.ADMIN_ALL, Flag.ADMIN_FILES, Flag.ADMIN_FOLIOS, Flag.REPORTS):
            await self.fails(Forbidden, self.groups.create(visitor, name=flag, flags=[flag, Flag.FOLIOS]), flag.label)
        self.assertEqual(self.sql("select count(*) from groups"), [(4,)])
        given = [Flag.FOLIOS, Flag.ADMIN_USERS, Flag.ADMIN_PERMISSIONS]
        self.assertEqual((await self.groups.create(visitor, name="x", flags=given)).flags, frozenset(given))

    async def test_a_name_is_taken_in_its_case_only(self) -> None:
        await self.groups.create(COMMAND, name="Editors")
        await self.groups.create(COMMAND, name="editors")
        await self.fails(AlreadyExists, self.groups.create(COMMAND, name="Editors"), "already exists")

    async def test_values_are_checked(self) -> None:
        for name, description, kind, parameter in (
            (" ", "", 2, "name"),
            ("", "", 3, "name"),
            ("x" * 121, "", 2, "name"),
            ("a\0", "", 2, "name"),
            ("a", "x" * 5121, 2, "description"),
            ("a", "\ud800", 2, "description"),
            ("a", "", 0, "group_type"),
            ("a", "", 4, "group_type"),
            ("a", "", 2**31, "group_type"),
        ):
            error = await self.fails(
                BadParameter, self.groups.create(COMMAND, name=name, description=description, group_type=kind)
            )
            self.assertEqual(error.parameter, parameter)
        await self.fails(Refused, self.groups.create(COMMAND, name="a", group_type=1))
        self.assertEqual((await self.groups.create(COMMAND, name="a", group_type=3)).group_type, 3)

    async def test_texts_are_kept_as_they_are(self) -> None:
        group = await self.groups.create(COMMAND, name=NASTY, description=NASTY)
        self.assertEqual((group.name, group.description), (NASTY, NASTY))
        self.assertEqual(await self.groups.named(COMMAND, NASTY), group)


class ChangingTests(AccountsCase):
    async def test_name_description_and_permissions_change(self) -> None:
        number = await self.group("editors", "folios")
        found = await self.groups.update(
            await self.visitor(1), number, name=" Web team ", description="d", flags=[Flag.REPORTS]
        )
        group = found.group
        self.assertEqual((group.name, group.description, group.flags), ("Web team", "d", {"reports"}))
        self.assertEqual(group.version, 2)
        self.assertEqual((await self.groups.get(COMMAND, number)).group, group)
        before = {"name": "editors", "description": "", "flags": ["folios"]}
        after = {"name": "Web team", "description": "d", "flags": ["reports"]}
        self.assertEqual(self.audit(), [(1, "group.changed", str(number), before, after)])

    async def test_equal_values_change_nothing(self) -> None:
        number = await self.group("editors", "folios")
        before = self.everything()
        await self.groups.update(COMMAND, number, name="editors", description="", flags=[Flag.FOLIOS])
        await self.groups.update(COMMAND, number)
        self.assertEqual(self.everything(), before)

    async def test_without_permissions_administration_the_flags_stay(self) -> None:
        boss = await self.user("boss", "admin_users")
        number = await self.group("editors", "folios")
        found = await self.groups.update(await self.visitor(boss.id), number, name="e", flags=[Flag.ADMIN_ALL])
        self.assertEqual((found.group.name, found.group.flags), ("e", {"folios"}))

    async def test_without_user_administration_nothing_changes(self) -> None:
        maria = await self.user("maria", "admin_permissions")
        await self.fails(Forbidden, self.groups.update(await self.visitor(maria.id), 2, description="x"))
        await self.fails(NotAuthenticated, self.groups.update(await self.visitor(None), 2, description="x"))

    async def test_nobody_gives_or_takes_what_they_lack(self) -> None:
        boss = await self.user("boss", "admin_users", "admin_permissions")
        visitor = await self.visitor(boss.id)
        own = (await self.users.groups_of(COMMAND, boss.id))[0].id
        files = await self.group("files", "admin_files")
        before = self.everything()
        given = [Flag.ADMIN_USERS, Flag.ADMIN_PERMISSIONS]
        for flag in (Flag.ADMIN_ALL, Flag.ADMIN_FILES, Flag.FOLIOS):
            await self.fails(Forbidden, self.groups.update(visitor, own, flags=[*given, flag]), flag.label)
        await self.fails(Forbidden, self.groups.update(visitor, files, flags=[]), "File administration")
        self.assertEqual(self.everything(), before)
        found = await self.groups.update(visitor, files, description="d", flags=[Flag.ADMIN_FILES])
        self.assertEqual(found.group.description, "d")
        found = await self.groups.update(visitor, files, flags=[Flag.ADMIN_FILES, Flag.ADMIN_USERS])
        self.assertEqual(found.group.flags, {"admin_files", "admin_users"})

    async def test_being_locked_out_is_told_before_lacking_something(self) -> None:
        boss = await self.user("boss", "admin_users", "admin_permissions")
        own = (await self.users.groups_of(COMMAND, boss.id))[0].id
        await self.fails(
            Refused, self.groups.update(await self.visitor(boss.id), own, flags=[Flag.ADMIN_FILES]), "would lock"
        )

    async def test_system_groups_keep_their_names(self) -> None:
        for number, name in ((1, "Public"), (2, "Normal users"), (3, "Administrators")):
            for wanted in ("x", "", "Public"):
                found = await self.groups.update(COMMAND, number, name=wanted, description=f"d{wanted}")
                self.assertEqual((found.group.name, found.group.group_type), (name, 1))
                self.assertEqual(found.group.description, f"d{wanted}")

    async def test_groups_of_a_directory_keep_their_names(self) -> None:
        group = await self.groups.create(COMMAND, name="staff", group_type=3)
        self.assertEqual((await self.groups.update(COMMAND, group.id, name="x")).group.name, "staff")

    async def test_public_gets_no_permissions(self) -> None:
        await self.fails(Refused, self.groups.update(COMMAND, PUBLIC, flags=[Flag.FOLIOS]), "Public")
        self.assertEqual((await self.groups.update(COMMAND, PUBLIC, flags=[])).group.flags, set())
        self.sql("update syspermissions set reports = true where group_id = 1")  # as an import may have brought it
        self.assertEqual((await self.groups.update(COMMAND, PUBLIC, flags=[])).group.flags, set())

    async def test_normal_users_may_get_some(self) -> None:
        found = await self.groups.update(COMMAND, NORMAL_USERS, flags=[Flag.FOLIOS])
        self.assertEqual(found.group.flags, {"folios"})

    async def test_values_are_checked(self) -> None:
        number = await self.group("editors")
        for name, description in (("  ", ""), ("x" * 121, ""), ("a\0", ""), ("a", "x" * 5121), ("a", "\0")):
            await self.fails(BadParameter, self.groups.update(COMMAND, number, name=name, description=description))
        await self.fails(AlreadyExists, self.groups.update(COMMAND, number, name="Public"), "already exists")

    async def test_a_change_of_another_version_is_out_of_date(self) -> None:
        number = await self.group("editors")
        await self.groups.update(COMMAND, number, description="1", expected_version=1)
        for old in (0, 1, 3):
            await self.fails(OutOfDate, self.groups.update(COMMAND, number, description="2", expected_version=old))
            await self.fails(OutOfDate, self.groups.delete(COMMAND, number, expected_version=old))
        await self.groups.delete(COMMAND, number, expected_version=2)


class DeletingTests(AccountsCase):
    async def test_a_group_goes_with_all_that_hangs_on_it(self) -> None:
        maria = await self.user("maria")
        number = await self.group("editors", "folios", members=[maria.id])
        self.sql("insert into folderpermissions (folder_id, group_id, access) values (1, %s, 70)", number)
        await self.groups.delete(await self.visitor(1), number)
        for table in ("usergroups", "syspermissions", "folderpermissions"):
            self.assertEqual(self.sql(f"select from {table} where group_id = %s", number), [], table)
        await self.fails(NotFound, self.groups.delete(COMMAND, number))
        before = {
            "name": "editors",
            "description": "",
            "group_type": 2,
            "flags": ["folios"],
            "members": [maria.id],
        }
        self.assertEqual(self.audit()[-1], (1, "group.deleted", str(number), before, None))

    async def test_system_groups_stay_and_groups_of_a_directory_can_go(self) -> None:
        for number in (1, 2, 3):
            await self.fails(Refused, self.groups.delete(COMMAND, number))
        await self.groups.delete(COMMAND, (await self.groups.create(COMMAND, name="staff", group_type=3)).id)

    async def test_it_takes_administration_of_users_and_of_permissions(self) -> None:
        number = await self.group("editors")
        for flag in ("admin_users", "admin_permissions", "admin_files"):
            user = await self.user(f"with {flag}", flag)
            await self.fails(Forbidden, self.groups.delete(await self.visitor(user.id), number))
        await self.fails(NotAuthenticated, self.groups.delete(await self.visitor(None), number))

    async def test_nobody_takes_what_they_lack(self) -> None:
        boss = await self.user("boss", "admin_users", "admin_permissions")
        number = await self.group("editors", "folios")
        await self.fails(Forbidden, self.groups.delete(await self.visitor(boss.id), number), "Portfolio permission")


class MemberTests(AccountsCase):
    async def test_members_come_and_go(self) -> None:
        maria = await self.user("maria")
        number = await self.group("editors")
        visitor = await self.visitor(1)
        for _ in range(2):
            await self.groups.add_member(visitor, number, maria.id)
        found = await self.groups.get(COMMAND, number)
        self.assertEqual(([user.id for user in found.members], found.group.version), ([maria.id], 2))
        for _ in range(2):
            await self.groups.remove_member(visitor, number, maria.id)
        found = await self.groups.get(COMMAND, number)
        self.assertEqual((found.members, found.group.version), ([], 3))
        named = {"user_id": maria.id, "username": "maria"}
        self.assertEqual(
            self.audit()[1:],
            [
                (1, "member.added", str(number), None, named),
                (1, "member.removed", str(number), named, None),
            ],
        )

    async def test_an_unknown_user_can_t_be_added_and_need_not_be_removed(self) -> None:
        number = await self.group("editors")
        for nobody in IDS_OF_NOTHING:
            await self.fails(NotFound, self.groups.add_member(COMMAND, number, nobody), str(nobody))
            await self.groups.remove_member(COMMAND, number, nobody)

    async def test_deleted_users_can_be_members(self) -> None:
        maria = await self.user("maria")
        number = await self.group("editors")
        await self.users.delete(COMMAND, maria.id)
        await self.groups.add_member(COMMAND, number, maria.id)
        self.assertEqual(len((await self.groups.get(COMMAND, number)).members), 1)

    async def test_nobody_is_put_into_public_or_taken_out_of_normal_users(self) -> None:
        maria = await self.user("maria")
        await self.fails(Refused, self.groups.add_member(COMMAND, PUBLIC, maria.id), "Public")
        await self.fails(Refused, self.groups.remove_member(COMMAND, NORMAL_USERS, maria.id), "Normal users")
        self.sql("insert into usergroups (user_id, group_id) values (%s, 1)", maria.id)  # an import may have brought it
        await self.groups.remove_member(COMMAND, PUBLIC, maria.id)
        self.assertEqual([group.id for group in await self.users.groups_of(COMMAND, maria.id)], [NORMAL_USERS])

    async def test_it_takes_user_administration(self) -> None:
        maria = await self.user("maria", "admin_permissions", "admin_files")
        number = await self.group("editors")
        for visitor, error in ((await self.visitor(None), NotAuthenticated), (await self.visitor(maria.id), Forbidden)):
            await self.fails(error, self.groups.add_member(visitor, number, maria.id))
            await self.fails(error, self.groups.remove_member(visitor, number, maria.id))

    async def test_nobody_gives_powers_that_they_lack(self) -> None:
        boss = await self.user("boss", "admin_users")
        visitor = await self.visitor(boss.id)
        before = self.everything()
        for flag in Flag:
            number = await self.group(flag, flag)
            if flag is not Flag.ADMIN_USERS:
                await self.fails(Forbidden, self.groups.add_member(visitor, number, boss.id), flag.label)
        await self.fails(Forbidden, self.groups.add_member(visitor, ADMINISTRATORS, boss.id), "Super-user")
        self.assertEqual(self.everything()["usergroups"], before["usergroups"])
        maria = await self.user("maria")
        plain = await self.group("plain")
        await self.groups.add_member(visitor, plain, maria.id)

    async def test_nobody_touches_those_with_powers_that_they_lack(self) -> None:
        boss = await self.user("boss", "admin_users")
        plain = await self.group("plain", members=[1])
        other = await self.group("other")
        visitor = await self.visitor(boss.id)
        await self.fails(Forbidden, self.groups.remove_member(visitor, plain, 1), "Super-user")
        await self.fails(Forbidden, self.groups.add_member(visitor, other, 1), "Super-user")


class LockoutTests(AccountsCase):
    """Every way in which administrators could be locked out."""

    async def refused(self, work: object, text: str = "would lock") -> None:
        before = self.everything()
        await self.fails(Refused, work, text)  # type: ignore[arg-type]
        self.assertEqual(self.everything(), before)

    async def test_the_built_in_administrator_keeps_users_and_permissions(self) -> None:
        await self.user("other", "admin_all")
        for flag in (Flag.ADMIN_USERS, Flag.ADMIN_PERMISSIONS):
            rest = ALL_FLAGS - {flag, Flag.ADMIN_ALL}
            await self.refused(self.groups.update(COMMAND, ADMINISTRATORS, flags=rest))
        await self.refused(self.groups.update(COMMAND, ADMINISTRATORS, flags=[]))
        await self.refused(self.groups.remove_member(COMMAND, ADMINISTRATORS, 1))

    async def test_what_another_group_gives_may_go(self) -> None:
        await self.group("both", "admin_users", "admin_permissions", members=[1])
        await self.groups.remove_member(COMMAND, ADMINISTRATORS, 1)
        await self.groups.add_member(COMMAND, ADMINISTRATORS, 1)
        await self.groups.update(COMMAND, ADMINISTRATORS, flags=[Flag.ADMIN_USERS])

    async def test_the_last_group_that_gives_it_can_t_be_deleted(self) -> None:
        number = await self.group("both", "admin_users", "admin_permissions", members=[1])
        self.sql("delete from usergroups where group_id = 3")
        await self.refused(self.groups.delete(COMMAND, number))
        await self.refused(self.groups.remove_member(COMMAND, number, 1))
        await self.refused(self.groups.update(COMMAND, number, flags=[Flag.ADMIN_USERS]))

    async def test_nobody_takes_user_administration_from_themselves(self) -> None:
        boss = await self.user("boss", "admin_users", "admin_permissions")
        own = (await self.users.groups_of(COMMAND, boss.id))[0].id
        visitor = await self.visitor(boss.id)
        await self.refused(self.groups.update(visitor, own, flags=[Flag.ADMIN_PERMISSIONS]))
        await self.refused(self.groups.remove_member(visitor, own, boss.id))
        await self.refused(self.groups.delete(visitor, own))
        await self.groups.update(visitor, own, flags=[Flag.ADMIN_USERS])
        await self.groups.update(await self.visitor(1), own, flags=[])

    async def test_some_active_user_keeps_both(self) -> None:
        self.sql("update users set status = 0 where id = 1")  # as an import may have brought it
        await self.user("half", "admin_users")
        await self.user("other half", "admin_permissions")
        last = await self.user("last", "admin_users", "admin_permissions")
        own = (await self.users.groups_of(COMMAND, last.id))[0].id
        await self.refused(self.groups.remove_member(COMMAND, own, last.id))
        await self.refused(self.groups.update(COMMAND, own, flags=[Flag.ADMIN_USERS]))
        await self.refused(self.groups.delete(COMMAND, own))

    async def test_an_installation_without_administrator_can_be_mended(self) -> None:
        self.sql("delete from usergroups where group_id = 3")
        await self.groups.update(COMMAND, ADMINISTRATORS, description="x")
        await self.groups.add_member(COMMAND, ADMINISTRATORS, 1)

    async def test_of_two_who_take_it_from_each_other_at_once_one_keeps_it(self) -> None:
        self.sql("update users set status = 0 where id = 1")
        both = [await self.user(name, "admin_users", "admin_permissions") for name in ("a", "b")]
        own = [(await self.users.groups_of(COMMAND, user.id))[0].id for user in both]
        first, second = [await self.visitor(user.id) for user in both]
        results = await DeferredList(
            together(
                self.groups.remove_member(first, own[1], both[1].id),
                self.groups.remove_member(second, own[0], both[0].id),
            ),
            consumeErrors=True,
        )
        (failure,) = (result for good, result in results if not good)
        self.assertIs(failure.type, Forbidden)
        self.assertEqual(self.sql("select count(*) from usergroups where group_id > 3"), [(1,)])

    async def test_of_two_changes_at_once_that_each_leave_one_administrator_one_is_refused(self) -> None:
        self.sql("update users set status = 0 where id = 1")
        both = [await self.user(name, "admin_users", "admin_permissions") for name in ("a", "b")]
        own = [(await self.users.groups_of(COMMAND, user.id))[0].id for user in both]
        for work in (
            lambda: [self.groups.update(COMMAND, number, flags=[]) for number in own],
            lambda: [self.groups.delete(COMMAND, number) for number in own],
            lambda: [self.users.delete(COMMAND, user.id) for user in both],
            lambda: [self.groups.remove_member(COMMAND, own[0], both[0].id), self.users.delete(COMMAND, both[1].id)],
        ):
            saved = self.everything()
            results = await DeferredList(together(*work()), consumeErrors=True)
            (failure,) = (result for good, result in results if not good)
            self.assertIs(failure.type, Refused)
            self.assertIn("would lock", failure.value.message)
            self.restore(saved)

    def restore(self, saved: dict[str, list[tuple[object, ...]]]) -> None:
        self.sql("delete from usergroups")
        self.sql("delete from groups where id > 3")
        self.sql("update users set status = 1, deleted = null where id <> 1")
        for table in ("groups", "syspermissions", "usergroups"):
            for row in saved[table]:
                self.sql(f"insert into {table} values ({', '.join(['%s'] * len(row))}) on conflict do nothing", *row)


class SnapshotTests(AccountsCase):
    async def test_every_change_is_waited_for_until_it_holds_and_no_other_is(self) -> None:
        number = await self.group("editors")
        await self.groups.update(COMMAND, number, description="x")
        self.assertEqual(self.applied, 1)
        await self.fails(Refused, self.groups.delete(COMMAND, 1))
        self.assertEqual(self.applied, 1)
