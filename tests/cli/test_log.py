"""``qis log``."""

from __future__ import annotations

import os
import subprocess

from tests.cli.runner import CommandCase


class TailTests(CommandCase):
    def setUp(self) -> None:
        super().setUp()
        logs = self.directory / "logging_base_dir"
        logs.mkdir()
        for name in ("qis", "access", "audit"):
            (logs / f"{name}.log").write_text("".join(f"{name} {number}\n" for number in range(100)))

    def test_the_last_lines_are_shown(self) -> None:
        self.assertEqual(self.qis("log", "tail").out.splitlines(), [f"qis {number}" for number in range(80, 100)])
        self.assertEqual(self.qis("log", "tail", "audit", "-n", "1").out, "audit 99\n")

    def test_faults_in_the_settings_are_no_reason_not_to_see_what_the_server_says_of_them(self) -> None:
        self.settings("HTTP_THREADS = 0\n")
        outcome = self.qis("log", "tail", "-n", "1")
        self.assertEqual((outcome.code, outcome.out), (0, "qis 99\n"))
        self.assertIn("`qis check`", outcome.err)
        self.environ["QIS_HTTP_THREADS"] = "0"
        self.assertEqual(self.qis("log", "tail").code, 2)

    def test_a_log_that_is_not_there_is_3(self) -> None:
        (self.directory / "logging_base_dir" / "qis.log").unlink()
        outcome = self.qis("log", "tail")
        self.assertEqual(outcome.code, 3)
        self.assertIn("qis.log", outcome.err)

    def test_following_becomes_the_program_that_does_it(self) -> None:
        became: list[list[str]] = []
        self.patch(os, "execvp", lambda program, command: became.append(command))
        self.patch(subprocess, "run", lambda *_, **__: subprocess.CompletedProcess([], 0, "", ""))
        self.qis("log", "tail", "access", "-f", "-n", "5")
        self.assertEqual(became[0][:5], ["tail", "-n", "5", "-F", "--"])
        self.settings('LOG_TARGET = "journal"\n')
        self.qis("log", "tail", "audit", "--follow")
        self.assertEqual(became[1][0], "journalctl")
        self.assertIn("QIS_AREA=audit", became[1])

    def test_on_standard_output_it_is_elsewhere(self) -> None:
        self.settings('LOG_TARGET = "stdout"\n')
        outcome = self.qis("log", "tail")
        self.assertEqual(outcome.code, 2)
        self.assertIn("LOG_TARGET", outcome.err)


class LevelTests(CommandCase):
    def test_what_makes_no_sense_is_refused_before_the_server_is_asked(self) -> None:
        for arguments in (
            ("loud",),
            ("debug", "no.such.part"),
            ("debug", "..."),
            ("debug", "--for", "soon"),
            ("debug", "--for", "25h"),
        ):
            self.assertEqual(self.qis("log", "level", *arguments).code, 2, arguments)

    def test_without_a_server_it_is_3(self) -> None:
        self.assertEqual(self.qis("log", "level", "debug", "store.pool", "--for", "10s").code, 3)
