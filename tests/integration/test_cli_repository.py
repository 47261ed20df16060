"""``qis repository verify`` on a real library, and whether tasks that commands start are those that daemons know."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

from PIL import Image

from qisd.cli.tasks import RUNNABLE
from tests.cli.runner import Outcome
from tests.integration.api import ApiCase
from tests.integration.command import CommandDatabaseCase


class VerifyTests(CommandDatabaseCase):
    def setUp(self) -> None:
        super().setUp()
        self.library = Path(self.environ["QIS_IMAGES_BASE_DIR"])
        for name in ("a.png", "press/b.png", "press/c.png"):
            self.paint(name)
        (self.library / "notes.txt").write_text("no image")

    def paint(self, name: str, size: int = 8) -> None:
        (self.library / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (size, size)).save(self.library / name)

    def verify(self, *flags: str, code: int = 0) -> Outcome:
        outcome = self.qis("repository", "verify", *flags)
        self.assertEqual((outcome.code, outcome.err), (code, ""))
        return outcome

    def active(self) -> list[str]:
        return [src for (src,) in self.sql("select src from images where status = 1 order by src")]

    def test_files_that_nobody_has_asked_for_are_normal_and_nothing_is_written(self) -> None:
        out = self.verify().out
        self.assertIn("3 files, 0 records", out)
        self.assertIn("3 files that the database doesn't know:\n  /a.png\n", out)
        self.assertEqual(self.active(), [])

    def test_a_repair_brings_the_database_along_and_then_they_agree(self) -> None:
        self.assertIn("3 records brought up to date", self.verify("--repair").out)
        self.assertEqual(self.active(), ["a.png", "press/b.png", "press/c.png"])
        self.assertIn("They agree", self.verify().out)
        found = self.verify("--json").json()
        self.assertEqual((found["files"], found["records"], found["unknown"], found["missing"]), (3, 3, 0, 0))

    def test_records_that_are_not_so_any_more_are_5_until_they_are_repaired(self) -> None:
        self.verify("--repair")
        self.paint("a.png", size=9)
        shutil.rmtree(self.library / "press")
        out = self.verify(code=5).out
        for text in ("1 files that have changed", "  /a.png", "2 records whose files are gone", "1 records of folders"):
            self.assertIn(text, out)
        self.assertEqual(len(self.active()), 3)
        self.verify("--repair")
        self.assertEqual(self.active(), ["a.png"])
        self.assertEqual(self.sql("select width from images where src = 'a.png'"), [(9,)])
        self.verify()

    def test_files_that_the_disk_has_damaged_are_found_by_their_hashes_and_are_5(self) -> None:
        self.verify("--repair")
        for name in self.active():
            digest = hashlib.sha256((self.library / name).read_bytes()).hexdigest()
            self.sql("update images set content_hash = decode(%s, 'hex') where src = %s", digest, name)
        out = self.verify("--hashes").out
        self.assertIn("3 files read\nThey hold what they held\n", out)
        file = self.library / "press/b.png"
        status, data = file.stat(), file.read_bytes()
        with file.open("r+b") as opened:
            opened.write(data[:-1] + bytes([data[-1] ^ 1]))
        os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
        self.verify()
        outcome = self.qis("repository", "verify", "--hashes")
        self.assertEqual(outcome.code, 5)
        self.assertIn("although nobody has written to them:\n  /press/b.png\n", outcome.out)
        found = self.qis("repository", "verify", "--hashes", "--json").json()["hashes"]
        self.assertEqual((found["checked"], found["damaged"]), (3, 1))

    def test_a_library_that_is_out_of_sight_is_not_taken_for_deleted(self) -> None:
        self.verify("--repair")
        self.library.rename(self.directory / "elsewhere")
        self.library.mkdir()
        for flags in ((), ("--repair",)):
            outcome = self.qis("repository", "verify", *flags)
            self.assertEqual((outcome.code, outcome.out), (3, ""))
            self.assertIn("the image library is not in", outcome.err)
        self.assertEqual(len(self.active()), 3)

    def test_no_name_of_a_file_is_obeyed_by_the_terminal(self) -> None:
        self.paint("\u202egpj.exe.png")
        self.assertIn("  /\\u202egpj.exe.png\n", self.verify().out)


class RunnableTests(ApiCase):
    async def test_tasks_that_can_be_started_by_command_are_those_that_the_daemon_knows(self) -> None:
        params = {"folder_id": 5}
        for kind in RUNNABLE:
            known = self.domain.background.types[kind.name]
            titles = [one.title(params) if callable(one.title) else one.title for one in (kind, known)]
            self.assertEqual(titles[0], titles[1])
            self.assertEqual((kind.priority, kind.max_attempts), (known.priority, known.max_attempts))
