"""Accounts and directories. What needs root is seen in the tests of the whole daemon."""

import os
import stat
from pathlib import Path
from unittest import mock

from twisted.trial.unittest import SynchronousTestCase

from qisd.access import privileges
from qisd.access.account import Account
from qisd.errors import StartupError


class Accounts(SynchronousTestCase):
    def test_root_rights_that_stay_stop_the_start(self) -> None:
        account = Account(name="someone", uid=12345, gid=12345, groups=())
        with (
            mock.patch.multiple("os", setgroups=mock.DEFAULT, setgid=mock.DEFAULT, setuid=mock.DEFAULT),
            mock.patch("os.getresuid", return_value=(12345, 12345, 0)),
            self.assertRaisesRegex(StartupError, "someone"),
        ):
            privileges.become(account)


class Directories(SynchronousTestCase):
    def test_a_missing_one_is_made_with_its_mode(self) -> None:
        path = Path(self.mktemp()) / "a" / "b"
        privileges.make_directory(path, mode=0o750, account=None, setting="STATE_DIR")
        self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o750)
        self.assertEqual(stat.S_IMODE(path.parent.stat().st_mode), 0o755)

    def test_only_one_that_is_made_changes_hands(self) -> None:
        there, new = Path(self.mktemp()), Path(self.mktemp())
        there.mkdir()
        account = Account(name="someone", uid=12345, gid=12346, groups=())
        with mock.patch("os.chown") as chown:
            privileges.make_directory(there, mode=0o750, account=account, setting="STATE_DIR")
            privileges.make_directory(new, mode=0o750, account=account, setting="STATE_DIR")
        chown.assert_called_once_with(new, 12345, 12346)

    def test_one_that_cannot_be_made_is_named_with_its_setting(self) -> None:
        file = Path(self.mktemp())
        file.touch()
        with self.assertRaisesRegex(StartupError, "STATE_DIR: .* can't be made"):
            privileges.make_directory(file / "a", mode=0o750, account=None, setting="STATE_DIR")

    def test_one_that_cannot_be_written_is_named_with_the_user(self) -> None:
        with (
            mock.patch("os.access", return_value=False),
            self.assertRaisesRegex(StartupError, "STATE_DIR: /srv can't be written by the user"),
        ):
            privileges.check_writable(Path("/srv"), setting="STATE_DIR")


class OpenFiles(SynchronousTestCase):
    def test_the_limit_is_raised_as_far_as_it_goes(self) -> None:
        with mock.patch("qisd.access.privileges.resource") as limits:
            limits.getrlimit.return_value = (1024, 4000)
            self.assertEqual(privileges.raise_file_limit(wanted=65536), 4000)
            limits.setrlimit.assert_called_once_with(limits.RLIMIT_NOFILE, (4000, 4000))

    def test_a_limit_that_is_high_enough_stays(self) -> None:
        with mock.patch("qisd.access.privileges.resource") as limits:
            limits.getrlimit.return_value = (100_000, 100_000)
            self.assertEqual(privileges.raise_file_limit(wanted=65536), 100_000)
            limits.setrlimit.assert_not_called()


class Acting(SynchronousTestCase):
    def test_root_is_root_again_afterwards(self) -> None:
        if os.geteuid() != 0:
            # Nothing to switch: then it changes nothing either.
            with privileges.acting_as(None):
                pass
            return
        before = (os.geteuid(), os.getegid(), os.getgroups())
        account = Account(name="nobody", uid=65534, gid=65534, groups=(65534,))
        with privileges.acting_as(account):
            self.assertEqual((os.geteuid(), os.getegid(), os.getgroups()), (65534, 65534, [65534]))
        self.assertEqual((os.geteuid(), os.getegid(), os.getgroups()), before)
