"""``qis user``: accounts by command."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from qisd.access.passwords import verify_password
from tests.integration.command import CommandDatabaseCase

PASSWORD = "a long secret\n"


class UserCase(CommandDatabaseCase):
    def add(self, name: str, *flags: str) -> Any:
        return self.done("user", "add", name, *flags, "--json", stdin=PASSWORD).json()

    def user(self, name: str) -> Any:
        (found,) = [one for one in self.done("user", "list", "--all", "--json").json() if one["username"] == name]
        return found

    def session(self, user_id: int, kind: str = "session") -> int:
        ((number,),) = self.sql(
            "insert into sessions (secret_hash, kind, user_id, stamp, expires, address, label)"
            " select %s, %s, id, stamp, now() + interval '1 hour', '192.0.2.7', 'a label' from users where id = %s"
            " returning id",
            sha256(f"{kind}{user_id}".encode()).digest(),
            kind,
            user_id,
        )
        return int(number)

    def audited(self) -> list[str]:
        return [action for (action,) in self.sql("select action from audit_log order by id")]


class AddTests(UserCase):
    def test_an_account_has_all_that_is_given(self) -> None:
        self.sql("insert into groups (id, name) values (7, 'Printers, external')")
        self.sql("insert into syspermissions (group_id) values (7)")
        made = self.add(
            "ann", "--first", "Ann", "--last", "Ö'Hara", "--email", "ann@example.com", "--api", "--groups", "7"
        )
        self.assertEqual(made["groups"], ["Normal users", "Printers, external"])
        self.assertEqual(
            (made["first_name"], made["last_name"], made["email"], made["allow_api"], made["status"]),
            ("Ann", "Ö'Hara", "ann@example.com", True, 1),
        )
        ((stored,),) = self.sql("select password from users where username = 'ann'")
        self.assertTrue(verify_password(stored, PASSWORD.strip()))

    def test_without_json_it_is_a_message(self) -> None:
        outcome = self.done("user", "add", "ann", stdin=PASSWORD)
        self.assertEqual((outcome.out, outcome.err), ("", "added user ann\n"))
        self.assertEqual(self.done("user", "add", "bob", "--quiet", stdin=PASSWORD).err, "")

    def test_an_administrator_may_do_everything(self) -> None:
        self.assertEqual(self.add("ann", "--admin")["groups"], ["Administrators", "Normal users"])

    def test_one_of_the_directory_needs_no_password(self) -> None:
        self.assertEqual(self.done("user", "add", "ann", "--ldap", "--json").json()["auth_type"], 2)

    def test_what_is_wrong_leaves_nothing_behind(self) -> None:
        long = "x" * 121
        for arguments, stdin, text in (
            (("ann", "--groups", "Nobodies"), PASSWORD, "there is no group Nobodies"),
            (("ann", "--groups", "99999999999999999999"), PASSWORD, "there is no group 99999999999999999999"),
            (("ann", "--groups", "Public"), PASSWORD, "nobody can be put into the group Public"),
            (("ann",), "short\n", "Value is too short (min 8)"),
            (("longenough",), "LongEnough\n", "password: must not be the user name"),
            (("ann",), "qisadmin\n", "publicly known"),
            (("ann",), "p" * 121 + "\n", "Value is too long (max 120)"),
            ((long,), PASSWORD, "username: Value is too long (max 120)"),
            (("  ",), PASSWORD, "username: Value is too short (min 1)"),
            (("ann", "--email", long), PASSWORD, "email: Value is too long (max 120)"),
            (("ann\udcff",), PASSWORD, "ann\\udcff: is not in UTF-8"),
            (("ann", "--groups", "a,\udcff"), PASSWORD, "is not in UTF-8"),
            (("ADMIN",), PASSWORD, "user name ADMIN already exists"),
        ):
            self.assertIn(text, self.refused("user", "add", *arguments, stdin=stdin))
        self.assertEqual(self.sql("select count(*) from users"), [(1,)])

    def test_sql_in_a_name_is_a_name(self) -> None:
        name = "'; drop table users; --"
        self.add(name)
        self.assertEqual(self.user(name)["username"], name)


class ListTests(UserCase):
    def test_people_see_a_table_of_active_users(self) -> None:
        self.add("ann", "--first", "Ann", "--last", "Example", "--api")
        self.add("bob")
        self.done("user", "disable", "bob")
        lines = self.done("user", "list").out.splitlines()
        self.assertEqual(len(lines), 3)
        self.assertRegex(lines[0], r"^NAME +FULL NAME +E-MAIL +API +STATE +CREATED +GROUPS$")
        self.assertRegex(lines[2], r"^ann +Ann Example +yes +active +\d{4}-\d\d-\d\d +Normal users$")

    def test_all_shows_disabled_and_deleted_ones(self) -> None:
        self.add("ann")
        self.add("bob")
        self.done("user", "disable", "ann")
        self.done("user", "delete", "bob")
        text = self.done("user", "list", "--all").out
        self.assertRegex(text, r"(?m)^ann .* disabled ")
        self.assertRegex(text, r"(?m)^bob .* deleted ")

    def test_search_finds_parts_of_names_and_e_mail(self) -> None:
        self.add("ann", "--email", "a@example.com")
        self.add("bob", "--last", "Example")
        names = [one["username"] for one in self.done("user", "list", "--search", "eXam", "--json").json()]
        self.assertEqual(names, ["ann", "bob"])
        self.assertEqual(self.done("user", "list", "--search", "%", "--json").json(), [])


class UpdateTests(UserCase):
    def test_only_what_is_given_changes(self) -> None:
        before = self.add("ann", "--first", "Ann", "--last", "Example", "--email", "a@example.com", "--api", "--admin")
        self.done("user", "update", "ANN", "--last", "New")
        self.assertEqual(self.user("ann"), before | {"last_name": "New"})
        self.done("user", "update", "ann", "--last", "", "--no-api")
        self.assertEqual(self.user("ann"), before | {"last_name": "", "allow_api": False})
        after = self.done("user", "update", "ann", "--username", "anna", "--json").json()
        self.assertEqual(after["username"], "anna")

    def test_groups_are_all_that_one_is_in_then(self) -> None:
        for number, name in ((7, "Press"), (8, "Shop")):
            self.sql("insert into groups (id, name) values (%s, %s)", number, name)
            self.sql("insert into syspermissions (group_id) values (%s)", number)
        self.add("ann", "--groups", "Press,Administrators")
        self.done("user", "update", "ann", "--groups", "Shop")
        self.assertEqual(self.user("ann")["groups"], ["Normal users", "Shop"])
        self.done("user", "update", "ann", "--admin")
        self.assertEqual(self.user("ann")["groups"], ["Administrators", "Normal users", "Shop"])
        self.done("user", "update", "ann", "--no-admin")
        self.assertEqual(self.user("ann")["groups"], ["Normal users", "Shop"])
        self.done("user", "update", "ann", "--groups", "")
        self.assertEqual(self.user("ann")["groups"], ["Normal users"])

    def test_the_administrator_stays_one_and_what_else_was_given_is_said_to_be_done(self) -> None:
        self.assertIn("lock", self.refused("user", "update", "admin", "--no-admin"))
        text = self.refused("user", "update", "admin", "--no-admin", "--first", "Root", code=4)
        self.assertIn("the rest is done", text)
        self.assertEqual(self.user("admin")["groups"], ["Administrators", "Normal users"])
        self.assertEqual(self.user("admin")["first_name"], "Root")

    def test_nobody_can_be_changed_who_is_not_there(self) -> None:
        for action in ("update", "disable", "enable", "delete", "sessions"):
            flags = ("--first", "A") if action == "update" else ()
            self.assertEqual(self.refused("user", action, "nobody", *flags), "qis: there is no user nobody\n")
        self.assertIn("nobody", self.refused("user", "password", "nobody", stdin=PASSWORD))

    def test_a_user_of_the_directory_is_called_as_there(self) -> None:
        self.done("user", "add", "ann", "--ldap")
        self.assertIn("directory", self.refused("user", "update", "ann", "--username", "anna"))


class PasswordTests(UserCase):
    def test_a_forgotten_one_is_replaced_sessions_end_and_the_first_one_is_forgotten(self) -> None:
        self.session(1)
        ((stamp,),) = self.sql("select stamp from users where id = 1")
        outcome = self.done("user", "password", "admin", stdin=PASSWORD)
        self.assertEqual(outcome.err, "admin has a new password; sessions and tokens have ended\n")
        ((stored, new_stamp, state),) = self.sql("select password, stamp, password_state from users where id = 1")
        self.assertTrue(verify_password(stored, PASSWORD.strip()))
        self.assertEqual((new_stamp, state), (stamp + 1, 0))
        self.assertEqual(list(self.state.iterdir()), [])

    def test_the_same_one_again_ends_sessions_too(self) -> None:
        ((stamp,),) = self.sql("select stamp from users where id = 1")
        self.done("user", "password", "admin", stdin="wide-awake-penguin\n")
        self.assertEqual(self.sql("select stamp from users where id = 1"), [(stamp + 1,)])
        self.assertEqual(list(self.state.iterdir()), [])

    def test_that_of_somebody_else_leaves_the_first_one_alone(self) -> None:
        self.add("ann")
        self.done("user", "password", "ann", stdin="another secret\n")
        self.assertTrue((self.state / "initial-admin-password").exists())

    def test_it_comes_from_a_file(self) -> None:
        file = self.directory / "password"
        file.write_text("from a file\n")
        self.done("user", "password", "admin", "--password-file", str(file))
        ((stored,),) = self.sql("select password from users where id = 1")
        self.assertTrue(verify_password(stored, "from a file"))

    def test_what_nobody_may_have_is_refused(self) -> None:
        for password in ("short\n", "qisadmin\n", "p" * 121 + "\n"):
            self.refused("user", "password", "admin", stdin=password)
        self.assertTrue((self.state / "initial-admin-password").exists())

    def test_of_a_user_of_the_directory_it_is_there(self) -> None:
        self.done("user", "add", "ann", "--ldap")
        self.assertIn("directory", self.refused("user", "password", "ann", stdin=PASSWORD))


class StatusTests(UserCase):
    def test_disabled_enabled_deleted_and_back(self) -> None:
        self.add("ann")
        for action, status, deleted in (
            ("disable", 0, False),
            ("enable", 1, False),
            ("delete", 0, True),
            ("enable", 1, False),
        ):
            self.done("user", action, "ann")
            user = self.user("ann")
            self.assertEqual((user["status"], user["deleted"] is not None), (status, deleted), action)

    def test_the_last_administrator_stays(self) -> None:
        for action in ("disable", "delete"):
            self.assertIn("built-in administrator", self.refused("user", action, "admin"))
        self.assertEqual(self.user("admin")["status"], 1)

    def test_what_was_done_is_on_record_with_who_did_it_where(self) -> None:
        self.add("ann")
        self.done("user", "disable", "ann")
        self.assertEqual(self.audited(), ["user.created", "user.changed"])
        ((kind, address),) = self.sql("select distinct actor_kind, address from audit_log")
        self.assertEqual(kind, "command")
        self.assertRegex(address, r"^[^@]+@[^@]+$")


class SessionTests(UserCase):
    def test_they_are_listed_and_ended(self) -> None:
        self.add("ann")
        number = self.user("ann")["id"]
        ids = {self.session(number, kind) for kind in ("session", "token", "key")}
        other = self.session(1)
        table = self.done("user", "sessions", "ann").out
        self.assertEqual(len(table.splitlines()), 4)
        self.assertIn("192.0.2.7", table)
        listed = self.done("user", "sessions", "ann", "--json").json()
        self.assertEqual({one["id"] for one in listed}, ids)
        self.assertEqual({one["kind"] for one in listed}, {"session", "token", "key"})
        self.assertEqual(
            self.done("user", "sessions", "ann", "--end").err, "ended 3 sessions, tokens and keys of ann\n"
        )
        self.assertEqual(self.done("user", "sessions", "ann", "--json").json(), [])
        self.assertEqual(self.sql("select id from sessions where revoked is null"), [(other,)])
        self.assertEqual(self.audited()[-3:], ["session.ended"] * 3)
