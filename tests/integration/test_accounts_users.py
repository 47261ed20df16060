"""Accounts on a real database: who may read and change which, and what follows."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta

import attrs
from twisted.internet.defer import DeferredList

from qisd.accounts.user_values import NewUser, UserChange
from qisd.errors import (
    AlreadyExists,
    BadParameter,
    Forbidden,
    NotAuthenticated,
    NotFound,
    OutOfDate,
    Refused,
    TooManyRequests,
)
from qisd.store import sessions, users
from tests.integration.accounts import COMMAND, NASTY, AccountsCase, differing, together

IDS_OF_NOBODY = (0, -1, 4711, 2**31, 2**63, 10**30)


class ReadingTests(AccountsCase):
    async def test_a_list_needs_user_administration(self) -> None:
        await self.user("maria", "admin_permissions", "admin_files", "reports")
        await self.fails(NotAuthenticated, self.users.listed(await self.visitor(None)))
        maria = await self.users.named(COMMAND, "MARIA")
        await self.fails(Forbidden, self.users.listed(await self.visitor(maria.id)), "User administration permission")
        part = await self.users.listed(await self.visitor(1))
        self.assertEqual([user.username for user in part.items], ["admin", "maria"])
        self.assertEqual(part.total, 2)

    async def test_a_list_shows_active_users_deleted_ones_or_both(self) -> None:
        gone = await self.user("gone")
        await self.users.delete(COMMAND, gone.id)

        async def names(status: int | None) -> list[str]:
            return [user.username for user in (await self.users.listed(COMMAND, status=status)).items]

        self.assertEqual(await names(1), ["admin"])
        self.assertEqual(await names(0), ["gone"])
        self.assertEqual(await names(None), ["admin", "gone"])

    async def test_a_list_is_sorted_ignoring_case_and_cut(self) -> None:
        for name in ("Zoë", "bert", "Ada"):
            await self.user(name, last_name=name[::-1])
        listed = self.users.listed
        self.assertEqual([u.username for u in (await listed(COMMAND)).items], ["Ada", "admin", "bert", "Zoë"])
        part = await listed(COMMAND, sort="-username", start=1, limit=2)
        self.assertEqual(([u.username for u in part.items], part.total), (["bert", "admin"], 4))
        self.assertEqual((await listed(COMMAND, sort="last_name", limit=0)).items, [])
        for bad in ("password", "username; drop table users", "--username"):
            await self.fails(BadParameter, listed(COMMAND, sort=bad), "sort")
        for start, limit in ((-1, 5), (0, -1), (2**63, 5), (0, 2**63)):
            await self.fails(BadParameter, listed(COMMAND, start=start, limit=limit), "out of range")

    async def test_a_list_is_searched_by_names_and_e_mail_word_for_word(self) -> None:
        maria = await self.user("maria", first_name="Mária", last_name="50%_off", email="m@Example.com")
        for q in ("ARI", "mária", "%_", "@example"):
            self.assertEqual([u.id for u in (await self.users.listed(COMMAND, q=q)).items], [maria.id], q)
        for q in ("%", "_"):
            self.assertEqual((await self.users.listed(COMMAND, q=q)).total, 1, q)
        for q in (NASTY, "'", "a' or 1=1 --"):
            self.assertEqual((await self.users.listed(COMMAND, q=q)).items, [], q)
        await self.fails(BadParameter, self.users.listed(COMMAND, q="a\0"))

    async def test_everybody_may_see_their_own_account_and_no_other(self) -> None:
        maria = await self.user("maria")
        visitor = await self.visitor(maria.id)
        self.assertEqual((await self.users.get(visitor, maria.id)).username, "maria")
        for other in (1, *IDS_OF_NOBODY):
            await self.fails(Forbidden, self.users.get(visitor, other))
        await self.fails(NotAuthenticated, self.users.get(await self.visitor(None), maria.id))

    async def test_an_id_of_nobody_is_not_found(self) -> None:
        for nobody in IDS_OF_NOBODY:
            await self.fails(NotFound, self.users.get(COMMAND, nobody), str(nobody))
            await self.fails(NotFound, self.users.update(COMMAND, nobody, UserChange(email="x")), str(nobody))
            await self.fails(NotFound, self.users.delete(COMMAND, nobody), str(nobody))
            await self.fails(NotFound, self.users.groups_of(COMMAND, nobody), str(nobody))

    async def test_no_record_holds_a_password(self) -> None:
        self.assertNotIn("password", attrs.asdict(await self.users.get(COMMAND, 1)))


class CreatingTests(AccountsCase):
    async def test_a_new_user_is_active_and_in_normal_users_only(self) -> None:
        user = await self.users.create(
            await self.visitor(1),
            NewUser(username="  maria ", password="long-enough", first_name=" M ", email="m@x", allow_api=True),
        )
        self.assertEqual((user.username, user.first_name, user.email), ("maria", " M ", "m@x"))
        self.assertEqual((user.status, user.auth_type, user.allow_api, user.version), (1, 1, True, 1))
        self.assertEqual([group.id for group in await self.users.groups_of(COMMAND, user.id)], [2])
        self.assertEqual(await users.password_hash(self.database, user.id), "hash of long-enough")
        self.assertEqual(self.applied, 1)
        after = {
            "username": "maria",
            "first_name": " M ",
            "last_name": "",
            "email": "m@x",
            "auth_type": 1,
            "allow_api": True,
            "status": 1,
        }
        self.assertEqual(self.audit(), [(1, "user.created", str(user.id), None, after)])
        self.assertEqual(
            self.sql("select actor_name, actor_kind, address, request_id, object_type from audit_log"),
            [("admin", "token", "192.0.2.7", "r1", "user")],
        )

    async def test_it_takes_user_administration(self) -> None:
        maria = await self.user("maria", "admin_permissions", "admin_files", "admin_folios", "reports")
        before = self.everything()
        new = NewUser(username="x", password="long-enough")
        await self.fails(NotAuthenticated, self.users.create(await self.visitor(None), new))
        await self.fails(Forbidden, self.users.create(await self.visitor(maria.id), new))
        self.assertEqual(self.everything(), before)

    async def test_a_name_is_taken_in_any_case_also_by_a_deleted_user(self) -> None:
        gone = await self.user("Maria")
        await self.users.delete(COMMAND, gone.id)
        for name in ("maria", "MARIA", "admin"):
            await self.fails(
                AlreadyExists,
                self.users.create(COMMAND, NewUser(username=name, password="long-enough")),
                "already exists",
            )

    async def test_of_many_who_take_one_name_at_once_one_gets_it(self) -> None:
        new = NewUser(username="maria", password="long-enough")
        results = await DeferredList(together(*(self.users.create(COMMAND, new) for _ in range(6))), consumeErrors=True)
        failures = [result for good, result in results if not good]
        self.assertEqual(len(failures), 5)
        for failure in failures:
            self.assertIs(failure.type, AlreadyExists)
        self.assertEqual(self.sql("select count(*) from users where username = 'maria'"), [(1,)])

    async def test_values_are_checked(self) -> None:
        good = NewUser(username="maria", password="long-enough")
        for field, value in (
            ("username", "  "),
            ("username", "x" * 121),
            ("username", "a\0b"),
            ("username", "a\ud800b"),
            ("password", None),
            ("password", "short"),
            ("password", "x" * 121),
            ("password", "\0" * 10),
            ("password", "qisadmin"),
            ("first_name", "x" * 121),
            ("last_name", "x\0"),
            ("email", "x" * 121),
            ("auth_type", 0),
            ("auth_type", 3),
            ("auth_type", 2**63),
        ):
            error = await self.fails(BadParameter, self.users.create(COMMAND, attrs.evolve(good, **{field: value})))
            self.assertEqual(error.parameter, field)
        error = await self.fails(
            BadParameter, self.users.create(COMMAND, attrs.evolve(good, password="MARIA-maria", username="maria-MARIA"))
        )
        self.assertEqual(error.parameter, "password")
        self.assertEqual(self.sql("select count(*) from users"), [(1,)])

    async def test_texts_are_kept_as_they_are(self) -> None:
        user = await self.users.create(
            COMMAND, NewUser(username=NASTY, password=NASTY[::-1], first_name=NASTY, last_name=NASTY, email=NASTY)
        )
        self.assertEqual({user.username, user.first_name, user.last_name, user.email}, {NASTY})
        self.assertEqual(await self.users.named(COMMAND, NASTY.upper()), user)

    async def test_directory_users_need_no_password_and_get_one_that_nobody_knows(self) -> None:
        made = [
            await self.users.create(COMMAND, NewUser(username=name, password="irrelevant", auth_type=2))
            for name in ("a", "b")
        ]
        hashes = [await users.password_hash(self.database, user.id) for user in made]
        self.assertEqual(len({*hashes, "hash of irrelevant", "hash of "}), 4)


class ChangingTests(AccountsCase):
    async def test_administrators_change_everything(self) -> None:
        maria = await self.user("maria")
        user = await self.users.update(
            await self.visitor(1),
            maria.id,
            UserChange(username=" Mia ", first_name="M", last_name="V", email="e", allow_api=True),
        )
        self.assertEqual(
            (user.username, user.first_name, user.last_name, user.email, user.allow_api), ("Mia", "M", "V", "e", True)
        )
        self.assertEqual(
            differing(user, maria), {"username", "first_name", "last_name", "email", "allow_api", "version"}
        )
        self.assertEqual(
            self.audit()[-1],
            (
                1,
                "user.changed",
                str(maria.id),
                {"username": "maria", "first_name": "", "last_name": "", "email": "", "allow_api": False},
                {"username": "Mia", "first_name": "M", "last_name": "V", "email": "e", "allow_api": True},
            ),
        )

    async def test_what_is_not_given_stays(self) -> None:
        maria = await self.user("maria", first_name="M", email="e", allow_api=True)
        user = await self.users.update(COMMAND, maria.id, UserChange(last_name="V"))
        self.assertEqual(differing(user, maria), {"last_name", "version"})

    async def test_equal_values_change_nothing(self) -> None:
        maria = await self.user("maria", first_name="M", allow_api=True)
        before = self.everything()
        same = UserChange(
            username="maria", first_name="M", allow_api=True, status=1, auth_type=1, password="long-enough"
        )
        self.assertEqual(await self.users.update(COMMAND, maria.id, same), maria)
        self.assertEqual(await self.users.update(COMMAND, maria.id, UserChange(password="")), maria)
        self.assertEqual(self.everything(), before)

    async def test_users_change_names_and_e_mail_of_their_own(self) -> None:
        maria = await self.user("maria")
        visitor = await self.visitor(maria.id)
        same = UserChange(
            username="maria", first_name="M", last_name="V", email="e", auth_type=1, allow_api=False, status=1
        )
        user = await self.users.update(visitor, maria.id, same)
        self.assertEqual(differing(user, maria), {"first_name", "last_name", "email", "version"})

    async def test_users_give_themselves_nothing_else(self) -> None:
        maria = await self.user("maria", "admin_permissions", "admin_files")
        visitor = await self.visitor(maria.id)
        before = self.everything()
        for wanted in (
            UserChange(allow_api=True),
            UserChange(auth_type=2),
            UserChange(username="admin2"),
            UserChange(username="MARIA"),
            UserChange(status=0),
        ):
            await self.fails(Forbidden, self.users.update(visitor, maria.id, wanted), "User administration permission")
        self.assertEqual(self.everything(), before)

    async def test_others_accounts_are_closed_to_users(self) -> None:
        maria = await self.user("maria", "admin_permissions", "admin_files")
        await self.fails(Forbidden, self.users.update(await self.visitor(maria.id), 1, UserChange(email="x")))
        await self.fails(NotAuthenticated, self.users.update(await self.visitor(None), 1, UserChange(email="x")))

    async def test_a_key_without_administration_changes_nothing(self) -> None:
        maria = await self.user("maria", "admin_users")
        key = attrs.evolve(await self.visitor(maria.id, by="key"), scopes=frozenset({"read", "upload"}))
        self.assertEqual((await self.users.get(key, maria.id)).username, "maria")
        await self.fails(Forbidden, self.users.update(key, maria.id, UserChange(email="x")))
        await self.fails(Forbidden, self.users.listed(key))

    async def test_nobody_changes_those_with_powers_that_they_lack(self) -> None:
        boss = await self.user("boss", "admin_users")
        victims = [await self.user(f"with {flag}", flag) for flag in ("admin_files", "admin_all", "reports")]
        visitor = await self.visitor(boss.id)
        before = self.everything()
        for victim in (1, *(user.id for user in victims)):
            for wanted in (
                UserChange(password="other-password"),
                UserChange(email="boss@example.com"),
                UserChange(allow_api=True),
                UserChange(username="x"),
                UserChange(auth_type=2),
                UserChange(),
            ):
                await self.fails(Forbidden, self.users.update(visitor, victim, wanted), "permission is required")
        for victim in victims:
            await self.fails(Forbidden, self.users.delete(visitor, victim.id), "permission is required")
        self.assertEqual(self.everything(), before)

    async def test_those_with_less_powers_can_be_changed(self) -> None:
        boss = await self.user("boss", "admin_users", "admin_folios")
        equal = await self.user("equal", "admin_users", "folios")
        user = await self.users.update(await self.visitor(boss.id), equal.id, UserChange(email="x"))
        self.assertEqual(user.email, "x")

    async def test_powers_that_were_taken_a_moment_ago_count_no_more(self) -> None:
        boss = await self.user("boss", "admin_users")
        maria = await self.user("maria")
        visitor = await self.visitor(boss.id)
        self.sql("update syspermissions set admin_users = false where group_id > 3")
        await self.fails(Forbidden, self.users.update(visitor, maria.id, UserChange(email="x")))
        await self.fails(Forbidden, self.users.create(visitor, NewUser(username="x", password="long-enough")))
        self.sql("update users set status = 0 where id = %s", boss.id)
        await self.fails(NotAuthenticated, self.users.update(visitor, boss.id, UserChange(email="x")))

    async def test_a_name_that_is_taken_is_refused(self) -> None:
        maria = await self.user("maria")
        error = self.fails(AlreadyExists, self.users.update(COMMAND, maria.id, UserChange(username="Admin")))
        self.assertEqual((await error).parameter, "username")

    async def test_values_are_checked(self) -> None:
        for field, value in (
            ("username", " "),
            ("username", "x" * 121),
            ("password", "short"),
            ("password", "qispass"),
            ("password", "aDMIN"),
            ("first_name", "x" * 121),
            ("email", "\0"),
            ("auth_type", 7),
            ("status", 2),
            ("status", -1),
        ):
            error = await self.fails(BadParameter, self.users.update(COMMAND, 1, UserChange(**{field: value})))
            self.assertEqual(error.parameter, field)

    async def test_a_directory_user_keeps_name_and_password(self) -> None:
        maria = await self.users.create(COMMAND, NewUser(username="maria", auth_type=2))
        before = await users.password_hash(self.database, maria.id)
        user = await self.users.update(
            COMMAND, maria.id, UserChange(username="", password="short", auth_type=2, first_name="M")
        )
        self.assertEqual(differing(user, maria), {"first_name", "version"})
        self.assertEqual(await users.password_hash(self.database, maria.id), before)

    async def test_a_change_of_another_version_is_out_of_date(self) -> None:
        maria = await self.user("maria")
        await self.users.update(COMMAND, maria.id, UserChange(email="1"), expected_version=1)
        for old in (0, 1, 3):
            await self.fails(
                OutOfDate, self.users.update(COMMAND, maria.id, UserChange(email="2"), expected_version=old)
            )
            await self.fails(OutOfDate, self.users.delete(COMMAND, maria.id, expected_version=old))
        self.assertEqual((await self.users.get(COMMAND, maria.id)).email, "1")
        await self.users.delete(COMMAND, maria.id, expected_version=2)


class PasswordTests(AccountsCase):
    async def session(self, user_id: int) -> int:
        stamp = self.sql("select stamp from users where id = %s", user_id)[0][0]
        row = await self.database.transaction(
            lambda db: sessions.insert(
                db,
                secret_hash=secrets.token_bytes(32),
                kind="session",
                user_id=user_id,
                stamp=stamp,
                expires=datetime.now(UTC) + timedelta(hours=1),
            )
        )
        return row.id

    async def test_a_new_password_ends_sessions_and_tokens_and_is_recorded_without_it(self) -> None:
        maria = await self.user("maria")
        user = await self.users.update(await self.visitor(1), maria.id, UserChange(password="another-one"))
        self.assertEqual(differing(user, maria), {"stamp"})
        self.assertEqual(self.ended, 1)
        self.assertEqual(await users.password_hash(self.database, maria.id), "hash of another-one")
        self.assertEqual(self.audit()[-1], (1, "user.password_changed", str(maria.id), None, None))

    async def test_who_has_a_session_must_know_the_present_one(self) -> None:
        maria = await self.user("maria", "admin_users")
        visitor = await self.visitor(maria.id, by="session", session=await self.session(maria.id))
        for current in (None, ""):
            wanted = UserChange(password="another-one", current_password=current)
            error = await self.fails(BadParameter, self.users.update(visitor, maria.id, wanted))
            self.assertEqual(error.parameter, "current_password")
        wanted = UserChange(password="another-one", current_password="wrong-guess")
        await self.fails(Forbidden, self.users.update(visitor, maria.id, wanted), "current password")
        self.assertEqual(await users.password_hash(self.database, maria.id), "hash of long-enough")

    async def test_the_session_in_which_it_is_changed_goes_on(self) -> None:
        maria = await self.user("maria")
        visitor = await self.visitor(maria.id, by="session", session=await self.session(maria.id))
        wanted = UserChange(password="another-one", current_password="long-enough")
        user = await self.users.update(visitor, maria.id, wanted)
        self.assertEqual(user.stamp, maria.stamp + 1)
        self.assertEqual(self.sql("select stamp from sessions"), [(user.stamp,)])

    async def test_sessions_that_a_new_password_has_ended_are_not_listed(self) -> None:
        maria = await self.user("maria")
        here = await self.session(maria.id)
        elsewhere = await self.session(maria.id)
        listed = await sessions.of_user(self.database, maria.id, ["session"])
        self.assertEqual([row.id for row in listed], [elsewhere, here])
        visitor = await self.visitor(maria.id, by="session", session=here)
        wanted = UserChange(password="another-one", current_password="long-enough")
        await self.users.update(visitor, maria.id, wanted)
        listed = await sessions.of_user(self.database, maria.id, ["session"])
        self.assertEqual([row.id for row in listed], [here])

    async def test_the_session_ends_when_somebody_else_changes_it(self) -> None:
        maria = await self.user("maria")
        await self.session(maria.id)
        admin = await self.visitor(1, by="session", session=4711)
        user = await self.users.update(admin, maria.id, UserChange(password="another-one"))
        self.assertEqual(self.sql("select stamp from sessions"), [(user.stamp - 1,)])

    async def test_guesses_of_the_present_one_are_bounded(self) -> None:
        maria = await self.user("maria")
        visitor = await self.visitor(maria.id, by="session")
        for guess in range(3):
            wanted = UserChange(password="another-one", current_password=f"guess-{guess}")
            await self.fails(Forbidden, self.users.update(visitor, maria.id, wanted))
        wanted = UserChange(password="another-one", current_password="long-enough")
        await self.fails(TooManyRequests, self.users.update(visitor, maria.id, wanted))

    async def test_a_token_needs_no_present_one(self) -> None:
        maria = await self.user("maria")
        user = await self.users.update(await self.visitor(maria.id), maria.id, UserChange(password="another-one"))
        self.assertEqual(user.stamp, maria.stamp + 1)

    async def test_the_first_password_is_forgotten_with_its_first_change(self) -> None:
        self.sql("update users set password_state = 1 where id = 1")
        maria = await self.user("maria")
        await self.users.update(COMMAND, maria.id, UserChange(password="another-one"))
        await self.users.update(COMMAND, 1, UserChange(email="x"))
        self.assertEqual(self.forgotten, 0)
        self.assertEqual((await self.users.get(COMMAND, 1)).password_state, 1)
        user = await self.users.update(COMMAND, 1, UserChange(password="another-one"))
        self.assertEqual((self.forgotten, user.password_state), (1, 0))

    async def test_what_else_ends_sessions_and_tokens(self) -> None:
        maria = await self.user("maria", allow_api=True)
        stamps = [maria.stamp]
        for wanted in (
            UserChange(email="x", first_name="y", username="z"),
            UserChange(allow_api=False),
            UserChange(allow_api=True),
            UserChange(auth_type=2),
            UserChange(auth_type=1),
            UserChange(status=0),
            UserChange(status=1),
        ):
            stamps.append((await self.users.update(COMMAND, maria.id, wanted)).stamp)
        self.assertEqual([stamp - stamps[0] for stamp in stamps], [0, 0, 1, 1, 2, 3, 4, 5])
        self.assertEqual((await self.users.delete(COMMAND, maria.id)).stamp - stamps[0], 6)


class DeletingTests(AccountsCase):
    async def test_a_deleted_user_stays_with_memberships(self) -> None:
        maria = await self.user("maria", "reports")
        user = await self.users.delete(await self.visitor(1), maria.id)
        self.assertEqual(user.status, 0)
        self.assertIsNotNone(user.deleted)
        self.assertEqual(len(await self.users.groups_of(COMMAND, maria.id)), 2)
        self.assertEqual(self.audit()[-1][:3], (1, "user.deleted", str(maria.id)))
        before = self.everything()
        self.assertEqual(await self.users.delete(COMMAND, maria.id), user)
        self.assertEqual(self.everything(), before)

    async def test_it_takes_user_administration_also_for_oneself(self) -> None:
        maria = await self.user("maria", "admin_permissions")
        await self.fails(Forbidden, self.users.delete(await self.visitor(maria.id), maria.id))
        await self.fails(NotAuthenticated, self.users.delete(await self.visitor(None), maria.id))

    async def test_the_built_in_administrator_stays(self) -> None:
        await self.user("other", "admin_all")
        before = self.everything()
        await self.fails(Refused, self.users.delete(COMMAND, 1))
        await self.fails(Refused, self.users.update(COMMAND, 1, UserChange(status=0)))
        self.assertEqual(self.everything(), before)

    async def test_administrators_may_delete_themselves(self) -> None:
        maria = await self.user("maria", "admin_users")
        user = await self.users.delete(await self.visitor(maria.id), maria.id)
        self.assertEqual((user.status, user.stamp), (0, maria.stamp + 1))

    async def test_the_last_administrator_stays(self) -> None:
        maria = await self.user("maria", "admin_all")
        await self.user("half", "admin_users")
        self.sql("update users set status = 0 where id = 1")  # as an import may have brought it
        for who in (COMMAND, await self.visitor(maria.id)):
            await self.fails(Refused, self.users.delete(who, maria.id), "would lock")
            await self.fails(Refused, self.users.update(who, maria.id, UserChange(status=0)), "would lock")
        self.assertEqual((await self.users.get(COMMAND, maria.id)).status, 1)

    async def test_of_two_last_administrators_who_delete_each_other_one_stays(self) -> None:
        both = [await self.user(name, "admin_all") for name in ("a", "b")]
        self.sql("update users set status = 0 where id = 1")
        first, second = [await self.visitor(user.id) for user in both]
        for _ in range(5):
            results = await DeferredList(
                together(self.users.delete(first, both[1].id), self.users.delete(second, both[0].id)),
                consumeErrors=True,
            )
            self.assertEqual(sorted(good for good, _ in results), [False, True])
            self.assertEqual(self.sql("select count(*) from users where status = 1"), [(1,)])
            self.sql("update users set status = 1, deleted = null where id <> 1")

    async def test_of_two_last_administrators_who_delete_themselves_one_stays(self) -> None:
        both = [await self.user(name, "admin_all") for name in ("a", "b")]
        self.sql("update users set status = 0 where id = 1")
        visitors = [await self.visitor(user.id) for user in both]
        work = [self.users.delete(visitor, user.id) for visitor, user in zip(visitors, both, strict=True)]
        results = await DeferredList(together(*work), consumeErrors=True)
        (failure,) = (result for good, result in results if not good)
        self.assertIn("would lock", failure.value.message)
        self.assertEqual(self.sql("select count(*) from users where status = 1"), [(1,)])

    async def test_who_was_deleted_or_disabled_can_come_back(self) -> None:
        maria = await self.user("maria")
        for remove in (
            self.users.delete(COMMAND, maria.id),
            self.users.update(COMMAND, maria.id, UserChange(status=0)),
        ):
            self.assertEqual((await remove).status, 0)
            user = await self.users.update(await self.visitor(1), maria.id, UserChange(status=1))
            self.assertEqual((user.status, user.deleted), (1, None))
            self.assertEqual(self.audit()[-1][1:], ("user.changed", str(maria.id), {"status": 0}, {"status": 1}))

    async def test_nobody_brings_back_powers_that_they_lack(self) -> None:
        boss = await self.user("boss", "admin_users")
        maria = await self.user("maria", "admin_files")
        await self.users.delete(COMMAND, maria.id)
        await self.fails(Forbidden, self.users.update(await self.visitor(boss.id), maria.id, UserChange(status=1)))

    async def test_long_deleted_users_are_forgotten_and_their_names_free(self) -> None:
        gone = await self.user("gone", "admin_files", first_name="G", email="g@example.com", allow_api=True)
        fresh = await self.user("fresh")
        disabled = await self.user("disabled")
        for user in (gone, fresh):
            await self.users.delete(COMMAND, user.id)
        await self.users.update(COMMAND, disabled.id, UserChange(status=0))
        self.sql("update users set deleted = now() - interval '40 days' where id = %s", gone.id)
        before = datetime.now(UTC) - timedelta(days=30)
        await self.fails(
            Forbidden,
            self.users.anonymise(await self.visitor((await self.user("boss", "admin_users")).id), before=before),
        )
        self.assertEqual(await self.users.anonymise(COMMAND, before=before), 1)
        self.assertEqual(await self.users.anonymise(COMMAND, before=before), 0)
        user = await self.users.get(COMMAND, gone.id)
        self.assertRegex(user.username, f"^deleted-{gone.id}-[0-9a-f]{{12}}$")
        self.assertEqual((user.first_name, user.email, user.allow_api, user.status), ("", "", False, 0))
        self.assertEqual(await self.users.groups_of(COMMAND, gone.id), [])
        self.assertEqual((await self.users.get(COMMAND, disabled.id)).username, "disabled")
        self.assertEqual((await self.users.get(COMMAND, fresh.id)).username, "fresh")
        await self.user("gone")
        self.assertEqual([entry[3:] for entry in self.audit() if entry[1] == "user.anonymised"], [(None, None)])

    async def test_a_hundred_and_more_are_forgotten_too(self) -> None:
        self.sql(
            "insert into users (username, password, status, deleted)"
            " select 'u' || n, 'x', 0, now() - interval '1 day' from generate_series(1, 101) n"
        )
        self.assertEqual(await self.users.anonymise(COMMAND, before=datetime.now(UTC)), 101)
