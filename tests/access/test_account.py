"""Whom the daemon runs as: :mod:`qisd.access.account`."""

from unittest import mock

import attrs
from twisted.trial.unittest import SynchronousTestCase

from qisd.access.account import account_for
from qisd.errors import StartupError
from qisd.settings import default_settings


class AccountTests(SynchronousTestCase):
    def test_who_is_not_root_stays_who_he_is(self) -> None:
        with mock.patch("os.geteuid", return_value=1000):
            self.assertIsNone(account_for(default_settings()))

    def test_root_becomes_nobody_when_there_is_no_other_user(self) -> None:
        with (
            mock.patch("os.geteuid", return_value=0),
            mock.patch("qisd.access.account._exists", return_value=False),
        ):
            account = account_for(default_settings())
        self.assertEqual(account and account.name, "nobody")
        self.assertGreater(account.uid if account else 0, 0)

    def test_root_becomes_the_user_of_the_settings(self) -> None:
        with mock.patch("os.geteuid", return_value=0):
            account = account_for(attrs.evolve(default_settings(), run_user="daemon"))
        self.assertEqual(account and account.name, "daemon")

    def test_unknown_users_and_groups_are_named(self) -> None:
        with mock.patch("os.geteuid", return_value=0):
            with self.assertRaisesRegex(StartupError, "RUN_USER: there is no user nosuch"):
                account_for(attrs.evolve(default_settings(), run_user="nosuch"))
            with self.assertRaisesRegex(StartupError, "RUN_GROUP: there is no group nosuch"):
                account_for(attrs.evolve(default_settings(), run_user="daemon", run_group="nosuch"))
