"""The threads in which passwords are hashed."""

from __future__ import annotations

import os
from unittest import mock

from twisted.internet import reactor
from twisted.trial.unittest import TestCase

from qisd.pools.hashing import HashingPool


class HashingTests(TestCase):
    async def test_where_no_priority_may_be_set_the_work_is_done_all_the_same(self) -> None:
        pool = HashingPool(reactor)
        pool.start()
        self.addCleanup(pool.stop)
        with mock.patch.object(os, "setpriority", side_effect=PermissionError):
            self.assertEqual(await pool.run(lambda: "done"), "done")
