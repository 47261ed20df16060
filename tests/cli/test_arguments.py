"""Arguments that are refused before a database is asked."""

from __future__ import annotations

from pathlib import Path

from tests.cli.runner import CommandCase


class ArgumentTests(CommandCase):
    def setUp(self) -> None:
        super().setUp()
        # Whoever gets as far as the database gets 3.
        self.environ["QIS_MGMT_DATABASE_CONNECTION"] = "postgresql://nobody@127.0.0.1:1/none"

    def test_what_is_missing_is_1(self) -> None:
        for arguments in (
            ("user",),
            ("user", "add"),
            ("user", "update", "ann"),
            ("user", "password", "ann"),  # and nothing on standard input
            ("user", "add", "ann"),
            ("permissions", "trace"),
            ("permissions", "trace", "/samples"),
            ("tasks", "show"),
            ("tasks", "run"),
            ("stats", "purge"),
            ("database",),
            ("database", "backup"),
            ("completion",),
            ("audit",),
        ):
            outcome = self.qis(*arguments)
            self.assertEqual((outcome.code, outcome.out), (1, ""), (arguments, outcome.err))

    def test_what_is_wrong_is_2(self) -> None:
        for arguments in (
            ("user", "list", "x"),
            ("user", "add", "ann", "--ldap", "--password-file", "-"),
            ("user", "add", "ann", "--no-admin"),
            ("user", "password", "ann", "secret word"),
            ("user", "password", "ann", "--password", "secret word"),
            ("permissions", "trace", "--anonymous", "ann", "/"),
            ("tasks", "show", "-1"),
            ("tasks", "show", "0"),
            ("tasks", "show", "x"),
            ("tasks", "cancel", str(2**63)),
            ("tasks", "run", "move_folder"),
            ("tasks", "run", "roll_up_stats", "--path", "/"),
            ("tasks", "run", "delete_old_temp_files", "--before", "2026-01-01"),
            ("tasks", "list", "--limit", "0"),
            ("tasks", "list", "--limit", "1001"),
            ("tasks", "list", "--status", "late"),
            ("audit", "list", "--limit", "-5"),
            ("audit", "list", "--since", "yesterday"),
            ("stats", "purge", "--before", "2026-02-30"),
            ("stats", "export", "--from", "2026-02-02", "--to", "2026-02-01"),
            ("stats", "reset"),
            ("database", "backup", "/"),
            ("database", "backup", "/nowhere/backup.dump"),
            ("database", "restore", "/nowhere/backup.dump"),
        ):
            outcome = self.qis(*arguments)
            self.assertEqual((outcome.code, outcome.out), (2, ""), (arguments, outcome.err))

    def test_a_database_out_of_reach_is_3(self) -> None:
        file = self.directory / "file"
        file.touch()
        for arguments in (
            ("user", "list"),
            ("user", "delete", "ann"),
            ("permissions", "trace", "--anonymous", "/"),
            ("tasks", "list"),
            ("stats", "reset", "--yes"),
            ("stats", "export"),
            ("audit", "list"),
            ("database", "status"),
            ("database", "migrate"),
            ("database", "backup", str(self.directory / "backup.dump")),
            ("database", "restore", str(file), "--yes"),
            ("database", "shell"),
        ):
            outcome = self.qis(*arguments)
            self.assertEqual((outcome.code, outcome.out), (3, ""), (arguments, outcome.err))
            self.assertTrue(outcome.err.startswith("qis: the database can't be reached: "), outcome.err)
            self.assertNotIn("Traceback", outcome.err)
        self.assertEqual([entry for entry in self.directory.iterdir() if "backup" in entry.name], [])

    def test_without_an_embedded_database_there_is_nothing_to_look_at(self) -> None:
        self.environ["QIS_MGMT_DATABASE_CONNECTION"] = ""
        for arguments in (("database", "status"), ("database", "shell"), ("database", "backup", "backup.dump")):
            outcome = self.qis(*arguments)
            self.assertEqual((outcome.code, outcome.out), (2, ""), outcome.err)
            self.assertIn("there is no embedded database", outcome.err)
        self.assertFalse(Path(self.environ["QIS_STATE_DIR"]).exists())
