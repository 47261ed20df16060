"""One image that many want at once from two servers, which share two Memcached servers: all of it but HTTP."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import attrs
from PIL import Image
from twisted.internet import reactor
from twisted.internet.defer import Deferred, gatherResults
from twisted.trial.unittest import TestCase

from qisd import images as images_module
from qisd.access.snapshot import PermissionSnapshot
from qisd.access.visitor import Visitor
from qisd.images import ImageBytes, Images
from qisd.imaging.template import TemplateSnapshot, TemplateValues
from qisd.pools.files import FilePool
from qisd.pools.render import RenderPool
from qisd.repository.files import Repository
from qisd.service.floors import Floors
from qisd.service.image_rules import image_rules
from qisd.settings import default_settings
from tests.integration.memcached import Memcached, started

STRANGER = Visitor(snapshot=PermissionSnapshot(accounts={}, groups={}, rows={"": {1: 20}}))
TEMPLATES = TemplateSnapshot(templates={}, default=TemplateValues())


class NobodyLooks:
    def saw(self, path: str, facts: object) -> None: ...

    def missed(self, path: str) -> None: ...


class MadeOnceTests(TestCase):
    timeout = 120

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name).resolve()
        self.library = self.folder / "library"
        self.library.mkdir()
        Image.frombytes("RGB", (1600, 1200), os.urandom(1600 * 1200 * 3)).save(self.library / "a.png", compress_level=1)
        self.memcached = [started(self), started(self)]
        self.files = FilePool(reactor)
        self.renders = RenderPool(reactor, threads=2, memory=10**9, queue_max=2000, timeout=60)
        for pool in (self.files, self.renders):
            pool.start()
            self.addCleanup(pool.stop)
        self.servers = [self.server("one"), self.server("other")]
        self.rendered = 0
        render = images_module.render

        def counted(*args: object, **kwargs: object) -> object:
            self.rendered += 1
            return render(*args, **kwargs)  # type: ignore[arg-type]

        self.patch(images_module, "render", counted)

    def server(self, name: str) -> Images:
        (self.folder / name).mkdir()
        settings = attrs.evolve(
            default_settings(),
            state_dir=self.folder / name,
            memcached_servers=tuple(one.address for one in self.memcached),
            memcached_max_object_mb=1,
            memcached_timeout_ms=2000,
        )
        floors = Floors(settings, reactor=reactor)
        for pool in floors.pools:
            pool.start()
            self.addCleanup(pool.stop)
        floors.start()
        self.addCleanup(lambda: Deferred.fromCoroutine(floors.stop()))
        return Images(
            reactor,  # type: ignore[arg-type]
            rules=image_rules(settings),
            repository=Repository(self.library),
            files=self.files,
            renders=self.renders,
            cache=floors.cache,
            leases=floors.leases(name),
            templates=lambda: TEMPLATES,
            track=lambda url: None,
            witness=NobodyLooks(),
        )

    async def get(self, server: Images, **query: str) -> bytes:
        found = await server.fetch(await server.prepare({"src": "a.png", **query}, STRANGER))
        assert isinstance(found, ImageBytes)
        return found.data

    async def all_get(self, count: int, **query: str) -> set[bytes]:
        asked = [self.get(self.servers[number % 2], **query) for number in range(count)]
        return set(await gatherResults([Deferred.fromCoroutine(one) for one in asked]))

    async def test_a_thousand_askers_get_one_render(self) -> None:
        self.assertEqual(len(await self.all_get(1000, width="300", format="jpg")), 1)
        self.assertEqual(self.rendered, 1)

    async def test_what_is_too_large_to_be_shared_each_server_makes_for_itself(self) -> None:
        (data,) = await self.all_get(100, width="1000")
        self.assertGreater(len(data), 2**20)
        self.assertEqual(self.rendered, 2)

    async def test_nobody_notices_that_memcached_goes_and_comes_but_by_the_time(self) -> None:
        def gone(server: Memcached) -> None:
            server.stop()

        for width in range(100, 112):
            reactor.callLater(0.01, gone, self.memcached[width % 2])  # type: ignore[attr-defined]
            self.assertEqual(len(await self.all_get(50, width=str(width), format="jpg")), 1)
            self.memcached[width % 2].start()
        self.assertTrue(12 <= self.rendered <= 24, self.rendered)
