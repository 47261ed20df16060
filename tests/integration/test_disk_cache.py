"""Finished images on disk, with a real daemon: what outlives a restart, and what may become of the directory."""

from __future__ import annotations

import http.client
import shutil
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.integration.process import Home, Run, until

TARGET = "/image?src=/samples/penguin.jpg&width="


class DiskCacheTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.home = Home(DISK_CACHE_MB="50", DISK_CACHE_MIN_MS="0")
        self.addCleanup(self.home.remove)

    @property
    def cache(self) -> Path:
        return self.home.path / "state" / "cache"

    def files(self) -> list[Path]:
        return [path for path in self.cache.glob("??/*") if not path.name.startswith(".")]

    def get(self, run: Run, width: int) -> tuple[bytes, str | None]:
        """The image and what the answer says of where it came from."""
        connection = run.connect()
        self.addCleanup(connection.close)
        connection.request("GET", f"{TARGET}{width}")
        response = connection.getresponse()
        self.assertEqual(response.status, http.client.OK)
        return response.read(), response.headers["X-From-Cache"]

    def test_images_outlive_a_restart_and_are_made_anew_where_the_disk_lost_them(self) -> None:
        run = self.home.start().ready()
        made = {width: self.get(run, width) for width in (100, 120, 140)}
        self.assertEqual({origin for _, origin in made.values()}, {"False"})
        self.assertEqual(run.stop(), 0)  # which waits for what is being written
        self.assertEqual(len(self.files()), 3)

        run = self.home.start(workers=True).ready()
        for width, (body, _) in made.items():
            self.assertEqual(self.get(run, width), (body, "True"))
        self.assertEqual(run.stop(), 0)

        for path in self.files():
            path.write_bytes(path.read_bytes()[:-1])
        run = self.home.start().ready()
        self.assertEqual(self.get(run, 100), (made[100][0], "False"))
        until(lambda: len(self.files()) == 3, "the damaged file to be replaced")
        shutil.rmtree(self.cache)
        self.assertEqual(self.get(run, 120), (made[120][0], "False"))
        self.assertEqual(run.stop(), 0)
        self.assertEqual(len(self.files()), 1)
        self.assertNotIn("Traceback", self.home.log() + run.console)
