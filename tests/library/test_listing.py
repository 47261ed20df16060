"""Whose turn it is to look into folders: :mod:`qisd.library.listing`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from qisd.errors import Unavailable
from qisd.library import listing
from qisd.library.listing import _Looks
from qisd.repository.files import FileVersion
from qisd.repository.tree import Listed


class HeldPool:
    """A pool of threads in which work is only done when the test says so."""

    def __init__(self) -> None:
        self.held: list[Deferred[None]] = []

    async def run(self, work: Callable[[], Any]) -> Any:
        turn: Deferred[None] = Deferred()
        self.held.append(turn)
        await turn
        return work()

    def go_on(self) -> None:
        self.held.pop(0).callback(None)


class CountingTree:
    """A library in which every name is that of a file of one byte."""

    def __init__(self) -> None:
        self.looks = 0
        self.asked: list[int] = []

    def listing(self, path: str) -> list[Listed]:
        self.looks += 1
        return [Listed("a.jpg", False)]

    def facts(self, path: str, names: Iterable[str]) -> dict[str, FileVersion]:
        found = {name: FileVersion(size=1, mtime_ns=0, inode=0) for name in names}
        self.asked.append(len(found))
        return found


class TurnTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.pool, self.tree = HeldPool(), CountingTree()
        self.looks = self.make()

    def make(self, **more: Any) -> _Looks:
        return _Looks(self.pool, self.tree, **more)  # type: ignore[arg-type]

    def begin(self, work: Any) -> Deferred[Any]:
        return Deferred.fromCoroutine(work)

    def test_two_jobs_run_at_a_time_whatever_they_find_out(self) -> None:
        self.begin(self.looks.into("a"))
        self.begin(self.looks.facts("a", ["x"]))
        last = self.begin(self.looks.run(lambda: "done"))
        self.assertEqual(len(self.pool.held), 2)
        self.pool.go_on()
        self.assertEqual(len(self.pool.held), 2)
        self.pool.go_on()
        self.pool.go_on()
        self.assertEqual(self.successResultOf(last), "done")

    def test_those_who_wait_for_the_same_folder_share_one_look(self) -> None:
        for folder in ("x", "y"):
            self.begin(self.looks.into(folder))
        waiting = [self.begin(self.looks.into("a")) for _ in range(3)]
        while self.pool.held:
            self.pool.go_on()
        self.assertEqual(len([self.successResultOf(one) for one in waiting]), 3)
        self.assertEqual(self.tree.looks, 3)

    def test_one_who_asks_while_a_look_is_under_way_gets_another(self) -> None:
        self.begin(self.looks.into("a"))
        self.begin(self.looks.into("a"))
        self.assertEqual(len(self.pool.held), 2)

    def test_of_very_many_files_some_are_asked_about_at_a_time(self) -> None:
        self.patch(listing, "_FACTS_AT_ONCE", 3)
        found = self.begin(self.looks.facts("a", ["1", "2", "3", "4", "5", "6", "7"]))
        while self.pool.held:
            self.pool.go_on()
        self.assertEqual((len(self.successResultOf(found)), self.tree.asked), (7, [3, 3, 1]))

    def test_when_too_many_wait_the_next_one_is_told_to_come_again(self) -> None:
        looks = self.make(waiting_max=1)
        waiting = [self.begin(looks.run(lambda: None)) for _ in range(3)]
        refused = self.failureResultOf(self.begin(looks.run(lambda: None)), Unavailable)
        self.assertTrue(refused.value.retry_after)
        while self.pool.held:
            self.pool.go_on()
        for one in waiting:
            self.successResultOf(one)
