"""The render pool: :mod:`qisd.pools.render`."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable

from twisted.internet import reactor
from twisted.internet.defer import CancelledError, Deferred
from twisted.trial.unittest import TestCase

from qisd.errors import Busy, RenderCancelled, RenderTimeout, SourceTooLarge, Unsupported
from qisd.pools.render import Checkpoint, RenderPool


def _forbidden(*arguments: object) -> None:
    raise PermissionError


class PoolCase(TestCase):
    timeout = 20

    def pool(self, *, threads: int = 2, memory: int = 100, queue_max: int = 3, timeout: float = 10) -> RenderPool:
        pool = RenderPool(reactor, threads=threads, memory=memory, queue_max=queue_max, timeout=timeout)
        pool.start()
        self.addCleanup(pool.stop)
        return pool

    def gate(self) -> tuple[threading.Event, Callable[[Checkpoint], str]]:
        """An event, and a job that runs until it is set."""
        event = threading.Event()
        self.addCleanup(event.set)

        def job(checkpoint: Checkpoint) -> str:
            event.wait(10)
            checkpoint()
            return "rendered"

        return event, job


class RenderPoolTests(PoolCase):
    async def test_the_result_of_the_job_comes_back(self) -> None:
        self.assertEqual(await self.pool().run(lambda checkpoint: 42, memory=1, label="a"), 42)

    async def test_where_the_priority_may_not_be_changed_images_are_made_all_the_same(self) -> None:
        self.patch(os, "getpriority", lambda which, who: 0)
        self.patch(os, "setpriority", _forbidden)
        self.assertEqual(await self.pool().run(lambda checkpoint: 42, memory=1, label="a"), 42)

    async def test_a_priority_that_is_lower_already_is_left_alone(self) -> None:
        asked: list[object] = []
        self.patch(os, "getpriority", lambda which, who: 19)
        self.patch(os, "setpriority", lambda *arguments: asked.append(arguments))
        await self.pool().run(lambda checkpoint: 42, memory=1, label="a")
        self.assertEqual(asked, [])

    async def test_a_failure_of_the_job_comes_back(self) -> None:
        def job(checkpoint: Checkpoint) -> None:
            raise ZeroDivisionError

        with self.assertRaises(ZeroDivisionError):
            await self.pool().run(job, memory=1, label="a")

    async def test_an_error_of_ours_comes_back_without_what_the_job_had_in_hand(self) -> None:
        def job(checkpoint: Checkpoint) -> None:
            try:
                raise OSError
            except OSError as cause:
                raise Unsupported("broken", detail="cut") from cause

        with self.assertRaises(Unsupported) as raised:
            await self.pool().run(job, memory=1, label="a")
        error = raised.exception
        self.assertEqual(
            (error.message, error.detail, error.__cause__, error.__context__), ("broken", "cut", None, None)
        )

    async def test_no_more_than_the_threads_run_at_once_and_the_rest_wait_in_order(self) -> None:
        pool = self.pool(threads=2)
        event, job = self.gate()
        results = [pool.run(job, memory=1, label=str(number)) for number in range(4)]
        self.assertEqual((pool.active, pool.waiting), (2, 2))
        self.assertEqual(pool.labels()[2:], ["waiting 2", "waiting 3"])
        event.set()
        self.assertEqual([await result for result in results], ["rendered"] * 4)
        self.assertEqual((pool.active, pool.waiting), (0, 0))

    async def test_renders_that_together_exceed_the_memory_wait(self) -> None:
        pool = self.pool(threads=2, memory=100)
        event, job = self.gate()
        first, second = pool.run(job, memory=60, label="a"), pool.run(job, memory=60, label="b")
        self.assertEqual((pool.active, pool.waiting), (1, 1))
        event.set()
        self.assertEqual([await first, await second], ["rendered"] * 2)

    async def test_a_render_that_could_never_fit_is_refused(self) -> None:
        with self.assertRaises(SourceTooLarge):
            await self.pool(memory=100).run(lambda checkpoint: None, memory=101, label="huge")

    async def test_a_full_queue_refuses_at_once(self) -> None:
        pool = self.pool(threads=1, queue_max=2)
        event, job = self.gate()
        results = [pool.run(job, memory=1, label="a") for _ in range(3)]
        with self.assertRaises(Busy) as raised:
            await pool.run(job, memory=1, label="one too many")
        self.assertGreater(raised.exception.retry_after or 0, 0)
        event.set()
        for result in results:
            await result

    async def test_a_queue_of_none_still_lets_free_threads_work(self) -> None:
        self.assertEqual(await self.pool(queue_max=0).run(lambda checkpoint: 1, memory=1, label="a"), 1)

    async def test_a_waiting_job_that_is_cancelled_leaves_the_queue_and_never_runs(self) -> None:
        pool = self.pool(threads=1)
        event, job = self.gate()
        ran: list[int] = []
        first = pool.run(job, memory=1, label="a")
        second = pool.run(lambda checkpoint: ran.append(1), memory=1, label="b")
        second.cancel()
        with self.assertRaises(CancelledError):
            await second
        self.assertEqual(pool.waiting, 0)
        event.set()
        await first
        self.assertEqual(ran, [])

    async def test_cancelling_the_large_job_at_the_head_lets_those_behind_it_start(self) -> None:
        pool = self.pool(threads=2, memory=100)
        event, job = self.gate()
        first = pool.run(job, memory=60, label="a")
        large = pool.run(job, memory=90, label="large")
        small = pool.run(job, memory=10, label="small")
        self.assertEqual(pool.active, 1)
        large.cancel()
        self.failureResultOf(large, CancelledError)
        self.assertEqual(pool.active, 2)
        event.set()
        self.assertEqual([await first, await small], ["rendered"] * 2)

    async def test_a_running_job_that_is_cancelled_ends_at_its_next_checkpoint(self) -> None:
        pool = self.pool(threads=1)
        event = threading.Event()
        begun: Deferred[None] = Deferred()
        ended: Deferred[str] = Deferred()
        self.addCleanup(event.set)

        def job(checkpoint: Checkpoint) -> None:
            reactor.callFromThread(begun.callback, None)
            event.wait(10)
            try:
                checkpoint()
            except RenderCancelled:
                reactor.callFromThread(ended.callback, "ended early")
                raise

        result = pool.run(job, memory=1, label="a")
        await begun
        result.cancel()
        self.failureResultOf(result, CancelledError)
        self.assertEqual(pool.active, 1)  # its thread is not free yet
        event.set()
        self.assertEqual(await ended, "ended early")

    async def test_a_job_that_takes_too_long_fails_but_keeps_its_place_until_it_ends(self) -> None:
        pool = self.pool(threads=1, timeout=0.05)
        event, job = self.gate()
        with self.assertRaises(RenderTimeout):
            await pool.run(job, memory=70, label="slow")
        self.assertEqual(pool.active, 1)
        event.set()
        self.assertEqual(await pool.run(lambda checkpoint: "next", memory=70, label="next"), "next")


class FairnessTests(PoolCase):
    """Who asks for much does not keep others waiting."""

    async def order(self, pool: RenderPool, *asked: tuple[str, str, bool]) -> list[str]:
        """The labels of renders in the order in which they were done, all having waited for one in front of them."""
        event, job = self.gate()
        first = pool.run(job, memory=1, label="in front")
        done: list[str] = []
        results = [
            pool.run(lambda _, label=label: done.append(label), memory=1, label=label, client=client, background=later)
            for client, label, later in asked
        ]
        event.set()
        for result in (first, *results):
            await result
        return done

    async def test_clients_take_turns(self) -> None:
        pool = self.pool(threads=1, queue_max=10)
        asked = [("a", f"a{number}", False) for number in range(4)] + [("b", "b0", False), ("c", "c0", False)]
        self.assertEqual(await self.order(pool, *asked), ["a0", "b0", "c0", "a1", "a2", "a3"])

    async def test_what_nobody_waits_for_comes_last(self) -> None:
        pool = self.pool(threads=1, queue_max=10)
        asked = [("", "later", True), ("a", "a0", False), ("b", "b0", False)]
        self.assertEqual(await self.order(pool, *asked), ["a0", "b0", "later"])

    async def test_in_a_full_queue_the_greediest_gives_way(self) -> None:
        pool = self.pool(threads=1, queue_max=4)
        event, job = self.gate()
        first = pool.run(job, memory=1, label="in front")
        greedy = [pool.run(job, memory=1, label=f"a{number}", client="a") for number in range(4)]
        modest = [pool.run(job, memory=1, label=f"{client}0", client=client) for client in "bc"]
        self.assertEqual([self.failureResultOf(one, Busy).type for one in greedy[2:]], [Busy] * 2)
        self.failureResultOf(pool.run(job, memory=1, label="a4", client="a"), Busy)
        self.failureResultOf(pool.run(job, memory=1, label="b1", client="b"), Busy)
        self.assertEqual(pool.waiting, 4)
        event.set()
        for result in (first, *greedy[:2], *modest):
            self.assertEqual(await result, "rendered")

    async def test_what_nobody_waits_for_gives_way_first(self) -> None:
        pool = self.pool(threads=1, queue_max=2)
        event, job = self.gate()
        first = pool.run(job, memory=1, label="in front")
        later = [pool.run(job, memory=1, label="later", background=True) for _ in range(2)]
        wanted = pool.run(job, memory=1, label="a", client="a")
        self.failureResultOf(later[1], Busy)
        self.failureResultOf(pool.run(job, memory=1, label="later", background=True), Busy)
        event.set()
        for result in (first, later[0], wanted):
            self.assertEqual(await result, "rendered")
