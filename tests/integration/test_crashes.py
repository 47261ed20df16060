"""``kill -9`` at any moment leaves the library as it was before or after the change under way, after the next start."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path

from twisted.internet.defer import gatherResults
from twisted.internet.utils import getProcessOutputAndValue
from twisted.trial.unittest import TestCase

from tests.integration.database import TEMPLATE, server
from tests.integration.postgres import REPOSITORY, require_services

KILLS = int(os.environ.get("QISD_KILLS", "300"))
FIRST_SEED = int(os.environ.get("QISD_KILLS_SEED", "1"))
_SIDE_BY_SIDE = 2


class CrashTests(TestCase):
    timeout = 3600

    async def test_disk_and_database_agree_after_a_kill_at_any_moment(self) -> None:
        require_services()
        share = -(-KILLS // _SIDE_BY_SIDE)
        outputs = await gatherResults(
            [self.rounds(number, FIRST_SEED + number * share, share) for number in range(_SIDE_BY_SIDE)]
        )
        for output, errors, code in outputs:
            self.assertEqual(code, 0, (output + errors).decode())
            self.assertIn(f"{share} kills", output.decode())

    def rounds(self, number: int, seed: int, count: int) -> object:
        name = f"crashes{number}"
        server().run_sql("postgres", f"create database {name} template {TEMPLATE}")
        self.addCleanup(server().run_sql, "postgres", f"drop database if exists {name} with (force)")
        memory = Path("/dev/shm")
        room = os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > 2**28
        root = tempfile.mkdtemp(prefix="qt-crashes-", dir=memory if room else None)
        self.addCleanup(shutil.rmtree, root, True)
        return getProcessOutputAndValue(
            sys.executable,
            ["-m", "tests.integration.crash_rounds", server().url(name), root, str(seed), str(count)],
            env=os.environ,
            path=str(REPOSITORY),
        )
