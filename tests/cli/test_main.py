"""The ``qis`` command as a whole: flags, exit codes, what goes where."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

from qisd import __version__
from qisd.cli import settings
from qisd.cli.console import Console
from qisd.settings.model import Setting
from tests.cli.runner import CommandCase


class ExitCodeTests(CommandCase):
    def test_a_missing_argument_is_1(self) -> None:
        for arguments in ((), ("settings",), ("settings", "get"), ("settings", "explain")):
            outcome = self.qis(*arguments)
            self.assertEqual((outcome.code, outcome.out), (1, ""), arguments)
            self.assertIn("required", outcome.err)

    def test_a_bad_argument_is_2(self) -> None:
        for arguments in (
            ("nonsense",),
            ("settings", "nonsense"),
            ("--nonsense", "secret"),
            ("secret", "x"),
            ("--settings",),
        ):
            outcome = self.qis(*arguments)
            self.assertEqual((outcome.code, outcome.out), (2, ""), arguments)
            self.assertIn("usage: ", outcome.err)

    def test_bad_settings_are_2_with_all_faults_on_stderr(self) -> None:
        self.settings("HTTP_THREADS = 0\nFOO = 1\n")
        outcome = self.qis("settings", "show")
        self.assertEqual((outcome.code, outcome.out), (2, ""))
        self.assertEqual(len(outcome.err.splitlines()), 2)
        self.assertTrue(outcome.err.startswith(f"{self.path}:1: HTTP_THREADS: "))

    def test_a_bug_is_70(self) -> None:
        def fail(console: Console) -> None:
            raise ZeroDivisionError

        self.patch(Console, "load", fail)
        outcome = self.qis("settings", "show")
        self.assertEqual(outcome.code, 70)
        self.assertIn("ZeroDivisionError", outcome.err)
        self.assertIn("this is a bug", outcome.err)

    def test_an_interruption_is_130(self) -> None:
        def interrupt(*arguments: object) -> None:
            raise KeyboardInterrupt

        self.patch(settings, "_find", interrupt)
        outcome = self.qis("settings", "get", "HTTP_THREADS")
        self.assertEqual((outcome.code, outcome.out, outcome.err), (130, "", ""))

    def test_so_is_a_request_to_end(self) -> None:
        for number in (signal.SIGTERM, signal.SIGHUP):
            self.patch(settings, "_find", lambda name, number=number: signal.raise_signal(number))
            self.assertEqual(self.qis("settings", "get", "HTTP_THREADS").code, 130)

    def test_a_request_that_was_to_be_ignored_is(self) -> None:
        self.addCleanup(signal.signal, signal.SIGHUP, signal.signal(signal.SIGHUP, signal.SIG_IGN))
        find = settings._find

        def hang_up(name: str) -> Setting:
            signal.raise_signal(signal.SIGHUP)
            return find(name)

        self.patch(settings, "_find", hang_up)
        self.assertEqual(self.qis("settings", "get", "HTTP_THREADS").code, 0)

    def test_help_is_a_result(self) -> None:
        outcome = self.qis("--help")
        self.assertEqual((outcome.code, outcome.err), (0, ""))
        for word in ("check", "settings", "secret", "version", "--settings FILE", "--json", "--quiet", "--yes"):
            self.assertIn(word, outcome.out)


class FlagTests(CommandCase):
    def test_common_flags_stand_before_or_after_the_command(self) -> None:
        other = self.directory / "other.toml"
        other.write_text("HTTP_THREADS = 7\n")
        for arguments in (
            ("--settings", str(other), "settings", "get", "HTTP_THREADS"),
            ("settings", "--settings", str(other), "get", "HTTP_THREADS"),
            ("settings", "get", "HTTP_THREADS", f"--settings={other}"),
        ):
            self.assertEqual(self.qis(*arguments).out, "7\n", arguments)

    def test_the_variable_names_the_file_as_well(self) -> None:
        other = self.directory / "other.toml"
        other.write_text("HTTP_THREADS = 7\n")
        self.environ["QIS_SETTINGS"] = str(other)
        self.assertEqual(self.qis("settings", "get", "HTTP_THREADS").out, "7\n")

    def test_warnings_are_messages_that_quiet_leaves_out(self) -> None:
        self.settings("DEBUG = true\n")
        outcome = self.qis("settings", "get", "HTTP_THREADS")
        self.assertEqual(outcome.out, "15\n")
        self.assertEqual(outcome.err, f"warning: {self.path}:1: DEBUG: is ignored: use LOG_LEVEL\n")
        outcome = self.qis("settings", "get", "HTTP_THREADS", "--quiet")
        self.assertEqual((outcome.out, outcome.err), ("15\n", ""))


class SmallCommandTests(CommandCase):
    def test_a_secret_is_32_letters_and_digits(self) -> None:
        first, second = self.qis("secret"), self.qis("secret", "--json")
        self.assertTrue(re.fullmatch("[A-Za-z0-9]{32}\n", first.out), first.out)
        self.assertTrue(re.fullmatch("[A-Za-z0-9]{32}", second.json()["secret"]))
        self.assertNotEqual(first.out.strip(), second.json()["secret"])
        self.assertEqual((first.code, first.err), (0, ""))

    def test_a_secret_needs_no_valid_settings(self) -> None:
        self.settings("FOO = 1\n")
        self.assertEqual(self.qis("secret").code, 0)

    def test_the_version_is_told_in_two_ways(self) -> None:
        for arguments in (("version",), ("--version",)):
            outcome = self.qis(*arguments)
            self.assertEqual((outcome.code, outcome.out, outcome.err), (0, f"qis {__version__}\n", ""))
        self.assertEqual(self.qis("version", "--json").json(), {"version": __version__})


class ProcessTests(CommandCase):
    """What only a process of its own can tell: what becomes of its streams."""

    def run_apart(self, *arguments: str, redirect: str = "", **environ: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "qisd.cli.main", *arguments]
        return subprocess.run(
            ["/bin/sh", "-c", f"exec {shlex.join(command)} {redirect}"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            env=self.environ | {"PATH": os.environ["PATH"], "QIS_SETTINGS": str(self.path)} | environ,
            cwd=Path(__file__).parents[2],
            check=False,
            timeout=60,
        )

    def test_a_reader_that_goes_away_is_no_error(self) -> None:
        read, write = os.pipe()
        os.close(read)
        process = subprocess.run(
            [sys.executable, "-m", "qisd.cli.main", "settings", "show"],
            stdout=write,
            stderr=subprocess.PIPE,
            env={"PATH": os.environ["PATH"]},
            cwd=Path(__file__).parents[2],
            check=False,
            timeout=60,
        )
        os.close(write)
        self.assertEqual((process.returncode, process.stderr), (0, b""))

    def test_a_result_that_can_not_be_written_is_4(self) -> None:
        for arguments in (("version",), ("--help",)):
            done = self.run_apart(*arguments, redirect=">/dev/full")
            self.assertEqual(done.returncode, 4, done.stderr)
            self.assertEqual(done.stderr, "qis: the result can't be written: No space left on device\n")

    def test_a_message_that_can_not_be_written_changes_nothing(self) -> None:
        self.settings("DEBUG = true\n")
        done = self.run_apart("settings", "get", "HTTP_THREADS", redirect="2>/dev/full")
        self.assertEqual((done.returncode, done.stdout), (0, "15\n"))

    def test_closed_streams_lead_nowhere(self) -> None:
        done = self.run_apart("version", redirect=">&- <&-")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        done = self.run_apart("stats", "reset", redirect="<&-")
        self.assertEqual(done.returncode, 2)
        self.assertIn("Nobody is there to answer", done.stderr)

    def test_letters_that_the_output_does_not_have_are_escaped(self) -> None:
        done = self.run_apart("user", "add", "--help", PYTHONIOENCODING="ascii:strict")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("GROUP,\\u2026", done.stdout)
