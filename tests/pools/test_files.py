"""The file pool: :mod:`qisd.pools.files`."""

from __future__ import annotations

import threading

from twisted.internet import reactor
from twisted.trial.unittest import TestCase

from qisd.errors import StoreUnavailable
from qisd.pools.files import FilePool


class FilePoolTests(TestCase):
    async def test_work_runs_in_another_thread(self) -> None:
        pool = FilePool(reactor)
        pool.start()
        self.addCleanup(pool.stop)
        self.assertNotEqual(await pool.run(threading.get_ident), threading.get_ident())

    async def test_a_disk_that_hangs_is_reported_in_time(self) -> None:
        pool = FilePool(reactor, timeout=0.05)
        pool.start()
        released = threading.Event()
        self.addCleanup(pool.stop)
        self.addCleanup(released.set)
        with self.assertRaises(StoreUnavailable):
            await pool.run(lambda: released.wait(10))
        released.set()
