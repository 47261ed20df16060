"""The command line."""

import os
from pathlib import Path

from twisted.application.service import IServiceMaker
from twisted.plugin import getPlugins
from twisted.python.usage import UsageError
from twisted.scripts.twistd import ServerOptions
from twisted.trial.unittest import SynchronousTestCase

from qisd.service.options import Options


def parsed(*arguments: str) -> Options:
    options = Options()
    options.parseOptions(arguments)
    return options


class CommandLine(SynchronousTestCase):
    def test_without_flags_the_environment_stays_as_it_is(self) -> None:
        self.assertEqual(parsed().environ({"QIS_HTTP_LISTEN": "x"}), {"QIS_HTTP_LISTEN": "x"})
        self.assertIsNone(parsed().settings_file)

    def test_flags_go_before_the_environment(self) -> None:
        environ = parsed("--http", "127.0.0.1:1", "--https=127.0.0.1:2", "--state-dir", "/s").environ(
            {"QIS_HTTP_LISTEN": "x", "QIS_HTTPS_LISTEN_FILE": "y"}
        )
        self.assertEqual(
            environ,
            {"QIS_HTTP_LISTEN": "127.0.0.1:1", "QIS_HTTPS_LISTEN": "127.0.0.1:2", "QIS_STATE_DIR": "/s"},
        )

    def test_paths_are_meant_from_where_it_was_started(self) -> None:
        options = parsed("--settings", "a.toml", "--state-dir", "s")
        self.assertEqual(options.settings_file, Path.cwd() / "a.toml")
        self.assertEqual(options.environ({})["QIS_STATE_DIR"], os.path.abspath("s"))

    def test_anything_else_is_refused(self) -> None:
        with self.assertRaises(UsageError):
            parsed("--port=80")


class Twistd(SynchronousTestCase):
    def twistd(self, *arguments: str) -> ServerOptions:
        options = ServerOptions()
        options.parseOptions(arguments)
        return options

    def test_twistd_knows_us(self) -> None:
        self.assertIn("qis", [plugin.tapname for plugin in getPlugins(IServiceMaker)])

    def test_twistd_writes_no_log_of_its_own(self) -> None:
        observer = self.twistd("-n", "qis")["logger"]
        self.assertEqual(observer.__module__, "qisd.service.console")

    def test_unless_it_is_told_to(self) -> None:
        self.assertIsNone(self.twistd("-n", "--logfile=-", "qis")["logger"])
