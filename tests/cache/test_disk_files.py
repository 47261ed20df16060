"""Renditions as files: :mod:`qisd.cache.disk_files`."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from qisd.cache.disk_files import SHARDS, DiskFiles, Place, size_on_disk
from qisd.cache.interfaces import CachedRendition

PICTURE = CachedRendition(data=b"\xff\xd8 a picture", format="jpg", seconds=1.5)
GIBIBYTE = 2**30

WRITER = """
import sys, time
from pathlib import Path
from qisd.cache.disk_files import DiskFiles
from qisd.cache.interfaces import CachedRendition
files = DiskFiles(Path(sys.argv[1]), now=time.time)
for number in range(150):
    key = f"{sys.argv[2]} {number}" if number % 2 else f"of all {number}"
    files.write(key, CachedRendition(data=key.encode() * 900, format="png"), capacity=1_000_000, min_free=0)
"""


class DiskFilesTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.time = 1_000_000.0
        self.root = Path(self.mktemp()).resolve()
        self.files = self.open()
        self.files.prepare()

    def open(self) -> DiskFiles:
        """As another process, or the next one, has it."""
        return DiskFiles(self.root, now=lambda: self.time)

    def write(
        self, key: str, rendition: CachedRendition = PICTURE, *, capacity: int = GIBIBYTE, used: float = 0
    ) -> int:
        size = self.files.write(key, rendition, capacity=capacity, min_free=0)
        if self.path(key).exists():
            os.utime(self.path(key), (used or self.time, used or self.time))
        return size

    def path(self, key: str) -> Path:
        place = Place.of(key)
        return self.root / place.shard / place.name

    def there(self) -> list[Path]:
        return [path for shard in self.root.iterdir() if shard.is_dir() for path in shard.iterdir()]

    def used(self) -> int:
        return self.files.add(0)

    def test_what_was_written_is_read_by_the_next_process(self) -> None:
        self.write("a")
        found = self.open().read("a")
        assert found is not None
        self.assertEqual((found.data, found.format, found.seconds), (PICTURE.data, "jpg", 1.5))
        self.assertIsNone(self.open().read("b"))

    def test_the_directory_is_made_for_the_server_alone_and_marked_as_a_cache(self) -> None:
        self.write("a")
        modes = [path.stat().st_mode & 0o777 for path in (self.root, self.path("a").parent, self.path("a"))]
        self.assertEqual(modes, [0o700, 0o700, 0o600])
        tag = (self.root / "CACHEDIR.TAG").read_bytes()
        self.assertTrue(tag.startswith(b"Signature: 8a477f597d28d172789f06886806bc55\n"))

    def test_whatever_is_in_a_key_stays_inside_the_directory(self) -> None:
        for key in ("../../etc/passwd", "a/b", "", "ä\0\n"):
            self.write(key)
            self.assertEqual(self.files.read(key), PICTURE)
            self.assertEqual(self.path(key).parent.parent, self.root)

    def test_a_cut_file_is_a_miss_and_removed_wherever_it_is_cut(self) -> None:
        self.write("a")
        whole = self.path("a").read_bytes()
        for length in range(len(whole)):
            self.path("a").parent.mkdir(exist_ok=True)
            self.path("a").write_bytes(whole[:length])
            self.assertIsNone(self.files.read("a"))
            self.assertEqual(self.there(), [])

    def test_a_changed_or_foreign_file_is_a_miss_and_removed(self) -> None:
        self.write("a")
        whole = self.path("a").read_bytes()
        changed = [whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :] for at in range(len(whole))]
        for content in [*changed, whole + b"\0", b"", b"GIF89a", b"qisd-rd1" + b"\xff" * 100]:
            self.path("a").write_bytes(content)
            self.assertIsNone(self.files.read("a"))
            self.assertEqual(self.there(), [])

    def test_the_file_of_another_key_is_a_miss_and_removed(self) -> None:
        self.write("a")
        self.path("b").parent.mkdir()
        self.path("a").rename(self.path("b"))
        self.assertIsNone(self.files.read("b"))
        self.assertEqual(self.there(), [])

    def test_a_link_is_not_followed_and_a_directory_is_a_miss(self) -> None:
        self.write("a")
        outside = self.root.with_name("outside")
        self.path("a").rename(outside)
        self.path("a").symlink_to(outside)
        self.assertIsNone(self.files.read("a"))
        self.assertEqual((self.there(), outside.exists()), ([], True))
        self.path("a").mkdir()
        self.assertIsNone(self.files.read("a"))

    def test_all_that_is_kept_is_counted_and_what_goes_no_longer(self) -> None:
        self.assertEqual(self.write("a"), size_on_disk(1))
        self.assertEqual(self.write("b", CachedRendition(data=b"x" * 5_000, format="jpg")), size_on_disk(1) * 3)
        self.assertEqual(self.write("a"), size_on_disk(1) * 3)
        self.path("b").write_bytes(self.path("b").read_bytes()[:-1])
        self.files.read("b")
        self.assertEqual(self.open().add(0), size_on_disk(1))

    def test_a_lost_or_damaged_count_begins_anew(self) -> None:
        for damaged in (b"", b"\xff" * 8):
            (self.root / "used").write_bytes(damaged)
            self.assertEqual((self.used(), self.files.add(10), self.used()), (0, 10, 10))
        (self.root / "used").unlink()
        self.assertEqual(self.used(), 0)

    def test_what_does_not_fit_is_not_kept(self) -> None:
        self.write("a", capacity=size_on_disk(1))
        self.assertGreater(self.write("b", capacity=size_on_disk(1)), size_on_disk(1))
        self.assertEqual((self.files.read("b"), self.used()), (None, size_on_disk(1)))

    def test_what_must_stay_free_stays_free(self) -> None:
        with self.assertRaises(OSError) as caught:
            self.files.write("a", PICTURE, capacity=GIBIBYTE, min_free=self.files.free() + GIBIBYTE)
        self.assertEqual(caught.exception.strerror, "the disk is nearly full")
        self.assertEqual((self.there(), self.used()), ([], 0))

    def test_a_disk_that_is_full_in_the_middle_leaves_nothing(self) -> None:
        def full(self: Path, target: Path) -> None:
            raise OSError(28, "No space left on device")

        self.patch(Path, "rename", full)
        with self.assertRaises(OSError):
            self.write("a")
        self.assertEqual((self.there(), self.used()), ([], 0))

    def test_a_directory_that_was_emptied_is_filled_again_but_one_above_it_is_not_made(self) -> None:
        above = self.root.parent / "above"
        self.root = above / "cache"
        above.mkdir()
        self.files = self.open()
        self.write("a")
        self.assertEqual(self.files.read("a"), PICTURE)
        self.assertTrue((self.root / "CACHEDIR.TAG").exists())
        self.root = above / "missing" / "cache"
        self.files = self.open()
        self.assertIsNone(self.files.read("a"))
        with self.assertRaises(FileNotFoundError):
            self.write("a")
        self.assertFalse(self.root.parent.exists())

    def test_a_use_is_noted_once_a_minute(self) -> None:
        self.write("a")
        noted = []
        for later in (59, 1, 30, 60):
            self.time += later
            self.files.read("a")
            noted.append(self.path("a").stat().st_mtime - 1_000_000.0)
        self.assertEqual(noted, [0, 60, 60, 150])

    def test_a_use_in_the_future_after_the_clock_was_set_back_is_put_right(self) -> None:
        self.write("a", used=self.time + 10_000)
        self.files.read("a")
        self.assertEqual(self.path("a").stat().st_mtime, self.time)

    def test_walking_finds_the_bytes_by_the_minute_of_their_last_use(self) -> None:
        self.write("a", used=600)
        self.write("b", used=659)
        self.write("c", used=660)
        uses: Counter[int] = Counter()
        for shard in SHARDS:
            uses += self.files.last_uses(shard)
        self.assertEqual(uses, {10: 2 * size_on_disk(1), 11: size_on_disk(1)})

    def test_only_what_was_used_before_a_minute_is_removed_and_part_of_what_was_used_in_it(self) -> None:
        times = {"old": 60, "in it": 600, "in it too": 610, "and this": 620, "new": 660}
        for key, used in times.items():
            self.write(key, used=used)
        most = size_on_disk(1) + 1
        for shard in SHARDS:
            most -= self.files.remove(shard, before=10, most=most)
        left = [key for key in times if self.path(key).exists()]
        self.assertEqual((len(left), left[-1], "old" in left), (2, "new", False))
        self.assertEqual(self.used(), 2 * size_on_disk(1))

    def test_what_a_crash_has_left_is_removed_after_an_hour_and_foreign_files_never(self) -> None:
        self.write("a")
        shard = self.path("a").parent
        part, foreign = shard / ".0123456789abcdef.part", shard / "thesis.txt"
        for path in (part, foreign):
            path.write_bytes(b"x")
            os.utime(path, (self.time, self.time))
        self.files.last_uses(shard.name)
        self.assertTrue(part.exists())
        self.time += 3601
        self.files.last_uses(shard.name)
        self.files.remove(shard.name, before=2**62)
        self.assertEqual(self.there(), [foreign])

    def test_one_at_a_time_clears_up(self) -> None:
        lock = self.files.lock()
        assert lock is not None
        self.assertIsNone(self.open().lock())
        lock.close()
        again = self.open().lock()
        assert again is not None
        again.close()

    def test_several_processes_keep_to_one_bound_together_and_count_right(self) -> None:
        writers = [
            subprocess.Popen([sys.executable, "-c", WRITER, str(self.root), str(number)], cwd=Path(__file__).parents[2])
            for number in range(3)
        ]
        self.assertEqual([writer.wait(60) for writer in writers], [0, 0, 0])
        total = sum(size_on_disk(path.stat().st_size) for path in self.there())
        self.assertLessEqual(total, 1_000_000)
        self.assertGreater(total, 900_000)
        self.assertEqual(self.used(), total)
        for number in (0, 74):
            found = self.files.read(f"of all {number}")
            self.assertIn(found and found.data, (None, f"of all {number}".encode() * 900))

    def test_a_process_that_is_killed_while_it_writes_leaves_nothing_wrong(self) -> None:
        program = WRITER.replace("range(150)", "range(10**9)").replace(
            "min_free=0)", "min_free=0); print(key, flush=True)"
        )
        command = [sys.executable, "-c", program, str(self.root), "killed"]
        with subprocess.Popen(command, cwd=Path(__file__).parents[2], stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdout is not None
            written = [writer.stdout.readline().rstrip() for _ in range(40)]
            writer.kill()
            written += writer.stdout.read().split("\n")[:-1]  # the last line may be cut
        finished = [path for path in self.there() if not path.name.endswith(".part")]
        total = sum(size_on_disk(path.stat().st_size) for path in finished)
        self.assertIn(len(finished) - len(written), (0, 1))
        self.assertIn(total - self.used(), range(size_on_disk(14_000) + 1))
        for key in written:
            found = self.files.read(key)
            assert found is not None
            self.assertEqual(found.data, key.encode() * 900)

    @given(st.binary(max_size=300), st.text("abcpngjifäöü", max_size=9), st.text(max_size=50).map(ascii))
    def test_any_rendition_comes_back_as_it_was(self, data: bytes, name: str, key: str) -> None:
        rendition = CachedRendition(data=data, format=name, seconds=0.25)
        self.files.remove(Place.of(key).shard, before=2**62)
        self.write(key, rendition)
        self.assertEqual(self.files.read(key), rendition)
