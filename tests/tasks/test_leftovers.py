from __future__ import annotations

import os
import socket
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from qisd.tasks import leftovers
from qisd.tasks.leftovers import remove_leftovers

DAY = 86_400.0


class LeftoverTests(SynchronousTestCase):
    """What is removed from a directory that may be everybody's."""

    def setUp(self) -> None:
        self.place = Path(self.mktemp())
        self.place.mkdir()

    def file(self, name: str, *, old: bool = True) -> Path:
        path = self.place / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("x")
        self.age(path, old=old)
        return path

    def age(self, path: Path, *, old: bool = True) -> None:
        if old:
            os.utime(path, (1, 1), follow_symlinks=False)

    def left(self) -> list[str]:
        return sorted(path.name for path in self.place.iterdir())

    def test_old_files_of_ours_go_and_new_ones_and_those_of_others_stay(self) -> None:
        self.file("qis-old.zip")
        self.file("qisold")
        self.file("qis-new", old=False)
        self.file("other")
        self.file("my-qis-file")
        self.assertEqual(remove_leftovers(self.place, older_than=DAY), 2)
        self.assertEqual(self.left(), ["my-qis-file", "other", "qis-new"])

    def test_old_directories_go_with_all_that_is_in_them(self) -> None:
        self.file("qis-old/a")
        self.age(self.place / "qis-old")
        self.assertEqual(remove_leftovers(self.place, older_than=DAY), 1)
        self.assertEqual(self.left(), [])

    def test_a_directory_in_which_something_is_new_stays_whole(self) -> None:
        self.file("qis-used/old")
        self.file("qis-used/new", old=False)
        self.age(self.place / "qis-used")
        self.assertEqual(remove_leftovers(self.place, older_than=DAY), 0)
        self.assertEqual(sorted(path.name for path in (self.place / "qis-used").iterdir()), ["new", "old"])

    def test_links_are_neither_followed_nor_removed(self) -> None:
        target = self.file("precious")
        (self.place / "qis-link").symlink_to(target)
        (self.place / "qis-dir").mkdir()
        (self.place / "qis-dir" / "link").symlink_to(target)
        (self.place / "qis-gone").symlink_to(self.place / "nowhere")
        for name in ("qis-link", "qis-dir/link", "qis-dir", "qis-gone"):
            self.age(self.place / name)
        self.assertEqual(remove_leftovers(self.place, older_than=DAY), 0)
        self.assertEqual(self.left(), ["precious", "qis-dir", "qis-gone", "qis-link"])

    def test_a_directory_with_a_socket_is_in_use(self) -> None:
        (self.place / "qis-run").mkdir()
        here = Path.cwd()
        with socket.socket(socket.AF_UNIX) as listening:
            os.chdir(self.place / "qis-run")  # the path of a socket must be short
            try:
                listening.bind("s")
            finally:
                os.chdir(here)
            self.age(self.place / "qis-run" / "s")
            self.age(self.place / "qis-run")
            self.assertEqual(remove_leftovers(self.place, older_than=DAY), 0)

    def test_files_of_another_user_stay(self) -> None:
        self.file("qis-theirs")
        self.patch(leftovers.os, "geteuid", lambda: 987654)
        self.assertEqual(remove_leftovers(self.place, older_than=DAY), 0)

    def test_what_can_not_be_removed_does_not_keep_the_rest(self) -> None:
        self.file("qis-1")
        self.file("qis-2")
        unlink = Path.unlink

        def refuse(path: Path) -> None:
            if path.name == "qis-1":
                raise PermissionError(path)
            unlink(path)

        self.patch(Path, "unlink", refuse)
        self.assertEqual(remove_leftovers(self.place, older_than=DAY), 1)
        self.assertEqual(self.left(), ["qis-1"])
