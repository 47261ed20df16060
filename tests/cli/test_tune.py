"""``qis tune``."""

from __future__ import annotations

from pathlib import Path

from qisd.cli import tune
from tests.cli.runner import CommandCase, Terminal

MACHINE = ("--cpus", "8", "--memory", "32G", "--local-postgres", "--local-memcached")


class TuneTests(CommandCase):
    def setUp(self) -> None:
        super().setUp()
        self.memcached = Path(self.directory / "memcached.conf")
        self.patch(tune, "MEMCACHED_FILE", self.memcached)

    def test_it_shows_the_numbers_with_their_reasons(self) -> None:
        outcome = self.qis("tune", *MACHINE)
        self.assertEqual((outcome.code, outcome.err), (0, ""))
        self.assertIn("8 processors, 32768 MiB of memory; PostgreSQL and Memcached on it\n", outcome.out)
        rows = {line.split()[0]: line.split()[1:] for line in outcome.out.splitlines() if line}
        self.assertEqual(rows["HTTP_PROCESSES"][:3], ["6", "8", "processors"])
        self.assertEqual(rows["HTTPS_PROCESSES"][0], "2")
        self.assertRegex(outcome.out, r"Memcached, in .*memcached.conf: -m [0-9]+ -c 118\n")

    def test_a_machine_of_1_2_4_and_8_processors(self) -> None:
        found = [self.qis("tune", *MACHINE[2:], "--cpus", str(count), "--json").json() for count in (1, 2, 4, 8)]
        self.assertEqual([one["settings"]["HTTP_PROCESSES"] for one in found], [2, 2, 2, 6])

    def test_without_flags_the_settings_say_what_is_here(self) -> None:
        self.settings(
            'MEMCACHED_SERVERS = ["127.0.0.1:11211"]\nMGMT_DATABASE_CONNECTION = "postgresql://db.example/q"\n'
        )
        machine = self.qis("tune", "--json").json()["machine"]
        self.assertEqual((machine["postgres_here"], machine["memcached_here"]), (False, True))

    def test_it_writes_when_it_is_told_to(self) -> None:
        self.settings("# Ours.\nHTTP_THREADS = 15\n# HTTP_PROCESSES = 2\n")
        self.memcached.write_text("# big\n-m 64\n-p 11211\n")
        self.assertEqual(self.qis("tune", *MACHINE, "--apply", stdin=Terminal("y\n")).code, 0)
        self.assertEqual(
            self.path.read_text(), "# Ours.\nHTTP_THREADS = 15\n# HTTP_PROCESSES = 2\nHTTP_PROCESSES = 6\n"
        )
        self.assertRegex(self.memcached.read_text(), "^# big\n-m [0-9]{4,}\n-p 11211\n-c 118\n$")
        self.assertIn("everything is so already", self.qis("tune", *MACHINE, "--apply").err)

    def test_what_goes_by_the_rule_already_stays_so(self) -> None:
        self.settings('HTTP_PROCESSES = "auto"\n')
        self.assertIn("everything is so already", self.qis("tune", *MACHINE, "--apply", "--yes").err)

    def test_no_means_no_and_so_does_nobody(self) -> None:
        self.settings("# Ours.\n")
        for stdin, code in ((Terminal("n\n"), 130), ("", 2)):
            self.assertEqual(self.qis("tune", *MACHINE, "--apply", stdin=stdin).code, code)
            self.assertEqual(self.path.read_text(), "# Ours.\n")

    def test_what_the_environment_gives_beats_the_file_and_that_is_told(self) -> None:
        self.settings("")
        self.environ["QIS_HTTP_PROCESSES"] = "3"
        self.assertIn(
            "warning: HTTP_PROCESSES is given by the environment", self.qis("tune", *MACHINE, "--apply", "--yes").err
        )

    def test_sizes_and_numbers_have_bounds(self) -> None:
        for arguments in (("--cpus", "0"), ("--cpus", "x"), ("--memory", "10M"), ("--memory", "4X")):
            self.assertEqual(self.qis("tune", *arguments).code, 2)
