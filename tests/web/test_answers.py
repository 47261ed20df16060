from __future__ import annotations

import io
from collections.abc import Callable

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from qisd.web.answers import FileContent, FileShrunkError, MemoryContent, partial, whole
from qisd.web.ranges import ByteRange
from tests.web.support import Door, request

JPEG = [("Content-Type", "image/jpeg"), ("X-Kept", "yes")]
LARGE = bytes(range(251)) * 4000


class SlowFiles:
    """File work done when the test says so."""

    def __init__(self) -> None:
        self.waiting: list[tuple[Callable[[], object], Deferred[object]]] = []
        self.cancelled = 0

    async def run(self, work: Callable[[], object]) -> object:
        def cancelled(_: object) -> None:
            self.cancelled += 1

        done: Deferred[object] = Deferred(cancelled)
        self.waiting.append((work, done))
        return await done

    def work(self) -> None:
        work, done = self.waiting.pop(0)
        done.callback(work())


class BodyTests(SynchronousTestCase):
    def test_the_length_is_known_before_a_byte_is_read(self) -> None:
        content = MemoryContent(b"0123456789")
        self.assertEqual(whole(content, media_headers=JPEG).length, 10)
        body = partial(content, [ByteRange(0, 1), ByteRange(5, 5)], media_headers=JPEG)
        pieces = b"".join(
            piece if isinstance(piece, bytes) else content.data[piece.first : piece.last + 1] for piece in body.pieces
        )
        self.assertEqual(body.length, len(pieces))

    def test_other_headers_of_the_content_stay_with_its_parts(self) -> None:
        content = MemoryContent(b"0123456789")
        for ranges in ([ByteRange(0, 1)], [ByteRange(0, 1), ByteRange(5, 5)]):
            self.assertIn(("X-Kept", "yes"), partial(content, ranges, media_headers=JPEG).headers)

    def test_a_file_that_has_shrunk_is_noticed(self) -> None:
        content = FileContent(stream=io.BytesIO(b"short"), size=10, files=Door().files)
        read = Deferred.fromCoroutine(content.read(0, 10))
        self.failureResultOf(read, FileShrunkError)


class FileTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.files = SlowFiles()
        self.door = Door(files=self.files)
        self.door.images.data = LARGE

    def test_a_large_file_is_never_read_as_a_whole(self) -> None:
        wire = self.door.wire()
        wire.send(request("/original?src=a"))
        read = 0
        while self.files.waiting:
            self.files.work()
            self.assertLessEqual(len(wire.received()) - read, 270_000)
            read = len(wire.received())
        (answer,) = wire.answers()
        self.assertEqual(answer.body, LARGE)
        opened = self.door.images.opened
        assert opened is not None
        self.assertTrue(opened.closed)

    def test_a_range_of_a_large_file_is_all_that_is_read(self) -> None:
        wire = self.door.wire()
        wire.send(request("/original?src=a", Range="bytes=1000-1009"))
        self.files.work()
        (answer,) = wire.answers()
        self.assertEqual(answer.body, LARGE[1000:1010])

    def test_nothing_is_read_while_the_client_takes_nothing(self) -> None:
        wire = self.door.wire()
        wire.send(request("/original?src=a"))
        wire.channel.pauseProducing()
        for _ in range(2):
            if self.files.waiting:
                self.files.work()
        self.assertEqual(self.files.waiting, [])
        wire.channel.resumeProducing()
        self.assertEqual(len(self.files.waiting), 1)

    def test_a_client_that_leaves_ends_the_reading_and_the_file_is_closed(self) -> None:
        wire = self.door.wire()
        wire.send(request("/original?src=a"))
        self.files.work()
        wire.leave()
        self.assertEqual(self.files.cancelled, 1)
        self.files.waiting.pop(0)
        self.files.work()
        opened = self.door.images.opened
        assert opened is not None
        self.assertTrue(opened.closed)
        self.assertEqual(self.flushLoggedErrors(), [])
        self.assertEqual(self.door.entries[0].status, 499)

    def test_an_answer_that_can_not_be_completed_is_cut_not_ended(self) -> None:
        self.door.images.original_fields = {"size": len(LARGE) + 10}
        wire = self.door.wire()
        wire.send(request("/original?src=a"))
        while self.files.waiting:
            work, done = self.files.waiting.pop(0)
            try:
                result = work()
            except FileShrunkError as error:
                done.errback(error)
            else:
                done.callback(result)
        self.assertTrue(wire.transport.ended)
        self.assertEqual(wire.received().count(b"HTTP/1.1"), 1)
        self.assertEqual(len(self.flushLoggedErrors(FileShrunkError)), 1)
        self.assertEqual([entry.status for entry in self.door.entries], [500])
