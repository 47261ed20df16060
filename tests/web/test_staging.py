"""Files on their way to disk."""

from __future__ import annotations

import errno
from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from qisd.errors import NoSpace, StoreUnavailable, Unsupported
from qisd.web.bodies import BodyGone, UploadedFile
from qisd.web.staging import Staging
from tests.web.posting import HeldFiles, MemorySink

PIECE = b"x" * 100_000

# So many pieces are worth a turn of a thread.
TURN = 3


class StagingCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.files: Any = HeldFiles()
        self.sink = MemorySink()
        self.told: list[str] = []
        self.errors: list[Exception] = []
        self.staging = Staging(
            self.sink,
            files=self.files,
            hold=lambda: self.told.append("hold"),
            release=lambda: self.told.append("release"),
            failed=self.errors.append,
        )

    def open(self, filename: str = "a.png") -> UploadedFile:
        return self.staging.open(field="files", filename=filename, content_type=None)

    def begin(self) -> None:
        """A file of which so much is there that a thread is at it."""
        self.open()
        for _ in range(TURN):
            self.staging.write(PIECE)

    def settled(self) -> Deferred[None]:
        return Deferred.fromCoroutine(self.staging.settled())


class WritingTests(StagingCase):
    def test_files_are_written_in_order_each_in_its_own(self) -> None:
        first = self.open("a.png")
        for piece in (b"a", b"b", b"c"):
            self.staging.write(piece)
        self.staging.close()
        second = self.open("b.png")
        self.staging.close()
        settled = self.settled()
        self.assertNoResult(settled)
        self.files.work_off()
        self.successResultOf(settled)
        self.assertEqual([(one.filename, one.data, one.finished) for one in self.sink.files], [
            ("a.png", b"abc", True), ("b.png", b"", True),
        ])  # fmt: skip
        self.assertEqual([first.staged, second.staged], self.sink.files)

    def test_one_thread_works_at_a_time(self) -> None:
        self.open()
        for _ in range(10):
            self.staging.write(PIECE)
        self.assertEqual(len(self.files.waiting), 1)

    def test_a_thread_is_not_asked_for_little(self) -> None:
        self.open()
        for _ in range(TURN - 1):
            self.staging.write(PIECE)
        self.assertEqual(self.files.waiting, [])
        self.staging.write(PIECE)
        self.files.work_off()
        self.assertEqual(len(self.sink.files[0].data), TURN * len(PIECE))

    def test_but_for_a_small_file_that_is_complete(self) -> None:
        self.open()
        self.staging.write(b"x")
        self.staging.close()
        self.files.work_off()
        self.assertTrue(self.sink.files[0].finished)

    def test_nothing_more_is_done_in_the_turn_that_brings_a_file_to_the_disk(self) -> None:
        for name in ("a", "b", "c"):
            self.open(name)
            self.staging.close()
        self.files.work()
        self.assertEqual([one.filename for one in self.sink.files], ["a"])
        self.files.work_off()
        self.assertEqual([one.finished for one in self.sink.files], [True] * 3)

    def test_without_files_there_is_nothing_to_wait_for(self) -> None:
        self.successResultOf(self.settled())
        self.staging.discard()
        self.assertEqual(self.files.waiting, [])


class BackpressureTests(StagingCase):
    def test_the_client_waits_when_the_disk_is_a_megabyte_behind(self) -> None:
        self.open()
        for _ in range(10):
            self.staging.write(PIECE)
        self.assertEqual(self.told, [])
        self.staging.write(PIECE)
        self.assertEqual(self.told, ["hold"])
        self.staging.write(PIECE)
        self.assertEqual(self.told, ["hold"])

    def test_it_goes_on_when_the_disk_has_caught_up(self) -> None:
        self.open()
        for _ in range(12):
            self.staging.write(PIECE)
        self.files.work()
        self.files.work()
        self.assertEqual(self.told, ["hold"])
        self.files.work()
        self.assertEqual(self.told, ["hold", "release"])
        for _ in range(12):
            self.staging.write(PIECE)
        self.files.work_off()
        self.assertEqual(self.told, ["hold", "release"] * 2)

    def test_very_many_small_pieces_are_held_up_too(self) -> None:
        self.open()
        for _ in range(5000):
            self.staging.write(b"x")
        self.assertEqual(self.told, ["hold"])


class FailingTests(StagingCase):
    def test_a_full_disk_is_told_at_once_and_leaves_nothing(self) -> None:
        for number in (errno.ENOSPC, errno.EDQUOT):
            self.setUp()
            self.sink.write_error = OSError(number, "full")
            self.begin()
            self.files.work_off()
            self.assertIsInstance(self.errors[0], NoSpace)
            self.assertEqual(self.sink.left, [])
            self.assertIsInstance(self.failureResultOf(self.settled()).value, NoSpace)

    def test_other_faults_of_the_disk_are_no_fault_of_ours(self) -> None:
        self.sink.error = OSError(errno.EIO, "/srv/secret")
        self.begin()
        self.files.work_off()
        (error,) = self.errors
        assert isinstance(error, StoreUnavailable)
        self.assertNotIn("secret", error.message)
        self.assertIn("secret", error.detail)

    def test_what_the_sink_says_is_told_as_it_is(self) -> None:
        self.sink.error = Unsupported("not this")
        self.begin()
        self.files.work_off()
        self.assertEqual([(type(error), str(error)) for error in self.errors], [(Unsupported, "not this")])

    def test_who_waits_is_told_too(self) -> None:
        self.begin()
        self.files.work()
        self.sink.files[0].error = OSError(errno.ENOSPC, "full")
        self.staging.close()
        settled = self.settled()
        self.files.work_off()
        self.assertIsInstance(self.failureResultOf(settled).value, NoSpace)
        self.assertEqual(self.errors, [])
        self.assertEqual(self.sink.left, [])

    def test_a_client_that_was_held_up_is_let_go(self) -> None:
        self.sink.write_error = OSError(errno.EIO, "broken")
        self.open()
        for _ in range(12):
            self.staging.write(PIECE)
        self.files.work_off()
        self.assertEqual(self.told, ["hold", "release"])

    def test_what_comes_after_a_fault_is_dropped(self) -> None:
        self.sink.error = OSError(errno.EIO, "broken")
        self.begin()
        self.files.work_off()
        self.staging.write(PIECE)
        self.staging.close()
        self.open()
        self.assertEqual(self.files.waiting, [])


class DiscardTests(StagingCase):
    def test_what_is_half_written_is_removed(self) -> None:
        self.begin()
        self.files.work()
        self.staging.write(PIECE)
        self.staging.discard()
        self.files.work_off()
        self.assertEqual([(one.discarded, one.finished) for one in self.sink.files], [(1, False)])

    def test_work_that_is_under_way_ends_before(self) -> None:
        self.begin()
        self.staging.discard()
        self.assertEqual(len(self.files.waiting), 1)
        self.files.work_off()
        self.assertEqual(self.sink.files, [])

    def test_work_that_is_under_way_in_a_thread_is_waited_for_however_long(self) -> None:
        self.begin()
        ((work, done),), self.files.waiting = self.files.waiting, []
        self.staging.write(PIECE)
        work()
        self.staging.discard()
        self.assertEqual(self.files.waiting, [])
        self.assertEqual(len(self.sink.left), 1)
        done.errback(StoreUnavailable(detail="took too long"))
        self.files.work_off()
        self.assertEqual(self.sink.left, [])
        self.assertEqual(self.errors, [])

    def test_finished_files_go_as_well(self) -> None:
        self.open()
        self.staging.close()
        self.files.work_off()
        self.staging.discard()
        self.staging.discard()
        self.files.work_off()
        self.assertEqual([one.discarded for one in self.sink.files], [1])

    def test_taken_files_stay(self) -> None:
        taken = self.open("a")
        self.staging.close()
        other = self.open("b")
        self.staging.close()
        self.files.work_off()
        self.assertIs(taken.take(), self.sink.files[0])
        self.assertRaises(BodyGone, taken.take)
        self.staging.discard()
        self.files.work_off()
        self.assertEqual([one.filename for one in self.sink.left], ["a"])
        self.assertRaises(BodyGone, other.take)

    def test_nothing_is_left_to_do_when_all_are_taken(self) -> None:
        file = self.open()
        self.staging.close()
        self.files.work_off()
        file.take()
        self.staging.discard()
        self.assertEqual(self.files.waiting, [])

    def test_who_waits_is_let_go(self) -> None:
        self.open()
        settled = self.settled()
        self.staging.discard()
        self.assertIsInstance(self.failureResultOf(settled).value, BodyGone)
        self.assertIsInstance(self.failureResultOf(self.settled()).value, BodyGone)

    def test_a_file_that_can_not_be_removed_does_not_keep_the_others(self) -> None:
        for name in ("a", "b", "c"):
            self.open(name)
            self.staging.close()
        self.files.work_off()

        def stuck() -> None:
            raise OSError(errno.EACCES, "no")

        self.sink.files[1].discard = stuck  # type: ignore[method-assign]
        self.staging.discard()
        self.files.work_off()
        self.assertEqual([one.filename for one in self.sink.left], ["b"])


class KeepingTests(StagingCase):
    def setUp(self) -> None:
        super().setUp()
        self.staging = Staging(
            self.sink,
            files=self.files,
            hold=lambda: self.told.append("hold"),
            release=lambda: self.told.append("release"),
            failed=self.errors.append,
            keep=True,
        )

    def test_what_has_come_is_written_before_it_is_discarded(self) -> None:
        for busy in (False, True):
            self.sink.files.clear()
            self.setUp()
            uploaded = self.open()
            self.staging.write(b"a")
            if busy:
                for _ in range(2 * TURN):
                    self.staging.write(PIECE)
            self.staging.discard()
            self.staging.discard()
            self.staging.write(b"too late")
            self.files.work_off()
            expected = 1 + 2 * TURN * len(PIECE) * busy
            (file,) = self.sink.files
            self.assertEqual((len(file.data), file.discarded, file.finished), (expected, True, False))
            with self.assertRaises(BodyGone):
                uploaded.take()
            self.assertEqual(self.errors, [])

    def test_nobody_is_held_up_and_nobody_waits(self) -> None:
        self.open()
        for _ in range(12):
            self.staging.write(PIECE)
        self.staging.close()
        settled = self.settled()
        self.staging.discard()
        self.failureResultOf(settled, BodyGone)
        self.assertEqual(self.told, ["hold", "release"])
        self.files.work_off()
        (file,) = self.sink.files
        self.assertEqual((len(file.data), file.finished), (12 * len(PIECE), True))

    def test_what_was_taken_is_not_touched(self) -> None:
        uploaded = self.open()
        self.staging.write(b"a")
        self.staging.close()
        self.files.work_off()
        uploaded.take()
        self.staging.discard()
        self.files.work_off()
        self.assertFalse(self.sink.files[0].discarded)
