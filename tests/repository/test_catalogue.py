"""What is known of source files: :mod:`qisd.repository.catalogue`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image
from twisted.internet.defer import CancelledError, Deferred, maybeDeferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from qisd.errors import NotFound, StoreUnavailable
from qisd.imaging.render import RenderSettings
from qisd.repository.catalogue import Catalogue, SourceFacts
from qisd.repository.files import Repository


class Files:
    """Does the work at once; while :attr:`hangs`, when it is told to."""

    def __init__(self) -> None:
        self.hangs = False
        self.asked = 0
        self._waiting: list[tuple[Deferred[Any], Callable[[], Any]]] = []

    async def run(self, work: Callable[[], Any]) -> Any:
        self.asked += 1
        if not self.hangs:
            return work()
        waiting: Deferred[Any] = Deferred()
        self._waiting.append((waiting, work))
        return await waiting

    def go_on(self) -> None:
        self.hangs = False
        for waiting, work in self._waiting:
            if not waiting.called:
                maybeDeferred(work).chainDeferred(waiting)
        self._waiting.clear()

    def give_up(self) -> None:
        """The time that work may take is over."""
        for waiting, _ in self._waiting:
            waiting.errback(StoreUnavailable(detail="took too long"))
        self._waiting.clear()


class CatalogueTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.root = Path(self.mktemp()).absolute()
        self.root.mkdir()
        self.save(30)
        self.clock, self.files = Clock(), Files()
        self.catalogue = Catalogue(
            self.clock,
            repository=Repository(self.root),
            files=self.files,  # type: ignore[arg-type]
        )

    def save(self, width: int) -> None:
        Image.new("RGB", (width, 20)).save(self.root / "a.png")

    def look(self, path: str = "a.png") -> Deferred[SourceFacts]:
        return Deferred.fromCoroutine(self.catalogue.look(path, page=None, settings=RenderSettings()))

    def width(self) -> int:
        return self.successResultOf(self.look()).info.width

    def test_a_file_is_not_looked_at_again_within_a_second(self) -> None:
        self.assertEqual(self.width(), 30)
        self.save(40)
        self.assertEqual((self.width(), self.files.asked), (30, 1))
        self.clock.advance(1.01)
        self.assertEqual((self.width(), self.files.asked), (40, 2))

    def test_those_who_ask_together_are_answered_together(self) -> None:
        self.files.hangs = True
        asked = [self.look() for _ in range(3)]
        self.files.go_on()
        self.assertEqual([self.successResultOf(one).info.width for one in asked], [30] * 3)
        self.assertEqual(self.files.asked, 1)

    def test_while_the_library_hangs_what_is_known_is_believed_after_a_second(self) -> None:
        self.width()
        self.clock.advance(1.01)
        self.files.hangs = True
        first = self.look()
        self.assertNoResult(first)
        self.clock.advance(1.0)
        self.assertEqual(self.successResultOf(first).info.width, 30)
        self.assertEqual((self.width(), self.files.asked), (30, 2))

    def test_it_is_tried_again_every_few_seconds(self) -> None:
        self.width()
        self.clock.advance(1.01)
        self.files.hangs = True
        self.look()
        self.clock.advance(1.0)
        self.clock.advance(5.0)
        again = self.look()
        self.assertNoResult(again)
        self.assertEqual(self.files.asked, 3)
        self.files.give_up()
        self.assertEqual(self.successResultOf(again).info.width, 30)
        self.assertEqual((self.width(), self.files.asked), (30, 3))

    def test_when_it_goes_on_what_it_says_holds(self) -> None:
        self.width()
        self.clock.advance(1.01)
        self.files.hangs = True
        self.look()
        self.clock.advance(1.0)
        self.save(40)
        self.files.go_on()
        self.assertEqual(self.width(), 40)

    def test_who_asks_for_what_is_not_known_waits_and_is_told(self) -> None:
        self.files.hangs = True
        asked = self.look()
        self.clock.advance(9.0)
        self.assertNoResult(asked)
        self.files.give_up()
        self.failureResultOf(asked, StoreUnavailable)

    def test_a_file_that_is_gone_is_not_believed_to_be_there(self) -> None:
        self.width()
        (self.root / "b.png").touch()  # without any, it could be that the library is not mounted
        (self.root / "a.png").unlink()
        self.clock.advance(1.01)
        self.failureResultOf(self.look(), NotFound)

    def test_those_who_leave_while_they_wait_are_missed_by_nobody(self) -> None:
        self.width()
        for moment in (0.5, 1.5):
            self.clock.advance(1.01)
            self.files.hangs = True
            gone = self.look()
            gone.cancel()
            self.failureResultOf(gone, CancelledError)
            self.clock.advance(moment)
            self.files.go_on()
        self.assertEqual(self.width(), 30)
        self.assertEqual(self.flushLoggedErrors(), [])

    def test_a_late_no_is_an_answer_too(self) -> None:
        self.width()
        (self.root / "b.png").touch()
        self.clock.advance(1.01)
        self.files.hangs = True
        self.look()
        self.clock.advance(1.0)
        (self.root / "a.png").unlink()
        self.files.go_on()
        self.failureResultOf(self.look(), NotFound)
