"""What somebody may do."""

from __future__ import annotations

from collections.abc import Iterable

from twisted.trial.unittest import SynchronousTestCase

from qisd.access.levels import ALL_FLAGS, Flag, Level, implied
from qisd.access.snapshot import Account, PermissionSnapshot
from qisd.access.visitor import ANONYMOUS, SYSTEM, How, Scope, Visitor
from qisd.errors import Forbidden

SNAPSHOT = PermissionSnapshot(
    accounts={}, groups={}, rows={"": {1: 10, 2: 20}, "press": {2: 70}, "closed": {1: 0, 2: 0}}
)


def visitor(
    *flags: Flag,
    by: How = "token",
    scopes: Iterable[Scope] | None = None,
    folder: str = "",
    groups: Iterable[int] = (2,),
) -> Visitor:
    account = Account(
        id=5,
        username="maria",
        active=True,
        allow_api=True,
        stamp=1,
        groups=frozenset(groups),
        flags=implied(flags),
    )
    wanted = None if scopes is None else frozenset(scopes)
    return Visitor(account=account, by=by, snapshot=SNAPSHOT, scopes=wanted, folder=folder)


class AnonymousTests(SynchronousTestCase):
    def test_strangers_have_what_the_public_has_and_no_flags(self) -> None:
        stranger = Visitor(snapshot=SNAPSHOT)
        self.assertTrue(stranger.anonymous)
        self.assertEqual([stranger.level(folder) for folder in ("", "press", "closed", "closed/a")], [10, 10, 0, 0])
        self.assertEqual(
            (stranger.flags, stranger.user_id, stranger.username, stranger.groups),
            (frozenset(), None, None, frozenset()),
        )

    def test_a_server_that_knows_no_permissions_lets_nobody_in(self) -> None:
        self.assertEqual(ANONYMOUS.level(""), 0)

    def test_the_server_itself_may_everything(self) -> None:
        for one in (SYSTEM, Visitor(by="command")):
            self.assertEqual((one.flags, one.level("closed"), one.anonymous), (ALL_FLAGS, 70, False))


class UserTests(SynchronousTestCase):
    def test_users_have_what_their_groups_have(self) -> None:
        self.assertEqual([visitor().level(folder) for folder in ("", "press", "press/a", "closed")], [20, 70, 70, 0])
        self.assertEqual([visitor(groups=()).level(folder) for folder in ("", "closed")], [10, 0])

    def test_who_administers_files_may_everything_everywhere(self) -> None:
        for flag in (Flag.ADMIN_FILES, Flag.ADMIN_ALL):
            self.assertEqual(visitor(flag).level("closed"), 70)
        for flag in ALL_FLAGS - {Flag.ADMIN_FILES, Flag.ADMIN_ALL}:
            self.assertEqual(visitor(flag).level("closed"), 0)

    def test_what_is_missing_is_told(self) -> None:
        for level, label in (
            (Level.DOWNLOAD, "Download"),
            (Level.EDIT, "Edit"),
            (Level.CREATE_FOLDER, "Create-Folder"),
            (Level.DELETE_FOLDER, "Delete-Folder"),
        ):
            error = self.assertRaises(Forbidden, visitor().require, level, "closed/a")
            self.assertEqual(error.message, f"{label} permission is required for /closed/a")
        self.assertEqual(
            self.assertRaises(Forbidden, visitor(groups=()).require, Level.DOWNLOAD, "").message,
            "Download permission is required for /",
        )
        for flag, label in ((Flag.FOLIOS, "Portfolio"), (Flag.ADMIN_ALL, "Super-user"), (Flag.REPORTS, "Reporting")):
            error = self.assertRaises(Forbidden, visitor().require_flag, flag)
            self.assertEqual(error.message, f"{label} permission is required")
        visitor().require(Level.DELETE_FOLDER, "press/a")
        visitor(Flag.ADMIN_FOLIOS).require_flag(Flag.FOLIOS)


class KeyTests(SynchronousTestCase):
    """Keys are for less than their owners may."""

    def key(self, *scopes: Scope, folder: str = "", flags: Iterable[Flag] = (Flag.ADMIN_ALL,)) -> Visitor:
        return visitor(*flags, by="key", scopes=scopes, folder=folder)

    def test_scopes_are_upper_limits(self) -> None:
        for scopes, level in (
            ((), Level.NONE),
            (("read",), Level.DOWNLOAD),
            (("upload",), Level.UPLOAD),
            (("read", "upload"), Level.UPLOAD),
            (("admin",), Level.DELETE_FOLDER),
        ):
            self.assertEqual(self.key(*scopes).level("anywhere"), level)

    def test_a_scope_gives_nothing_that_its_owner_lacks(self) -> None:
        self.assertEqual(self.key("admin", flags=()).level(""), 20)
        self.assertEqual(self.key("read", flags=()).level("closed"), 0)

    def test_flags_come_with_the_scope_admin_only(self) -> None:
        self.assertEqual(self.key("read", "upload").flags, frozenset())
        self.assertEqual(self.key("admin").flags, ALL_FLAGS)
        self.assertRaises(Forbidden, self.key("read").require_flag, Flag.REPORTS)

    def test_a_key_for_a_folder_opens_nothing_outside_of_it(self) -> None:
        for flags in ((), (Flag.ADMIN_ALL,)):
            key = self.key("admin", folder="press", flags=flags)
            self.assertEqual([key.level(folder) for folder in ("press", "press/a/b")], [70, 70])
            self.assertEqual([key.level(folder) for folder in ("", "pressed", "pres", "closed")], [0, 0, 0, 0])

    def test_a_key_for_a_folder_has_no_flags(self) -> None:
        self.assertEqual(self.key("admin", folder="press").flags, frozenset())
        self.assertRaises(Forbidden, self.key("admin", folder="press").require_flag, Flag.ADMIN_USERS)

    def test_only_a_key_for_everything_stands_for_its_owner(self) -> None:
        self.assertTrue(self.key("admin").whole)
        self.assertTrue(visitor(by="session", folder="press").whole)
        for key in (self.key("admin", folder="press"), self.key("read", "upload"), self.key()):
            self.assertFalse(key.whole)

    def test_a_key_for_reading_writes_nothing(self) -> None:
        for key in (self.key("read"), self.key()):
            self.assertRaises(Forbidden, key.require_writing)
        for one in (self.key("upload"), self.key("read", "admin"), visitor(), SYSTEM):
            one.require_writing()

    def test_sessions_and_tokens_know_no_scopes(self) -> None:
        self.assertEqual(visitor(Flag.ADMIN_ALL, by="session", folder="press").level(""), 70)
