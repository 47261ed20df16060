"""Many visitors on two servers change one library at the same time."""

from __future__ import annotations

import random
from pathlib import Path

from twisted.internet.defer import Deferred, gatherResults

from qisd.errors import AlreadyExists, NotFound, QisError, Refused, Unavailable
from qisd.library.library import Library
from qisd.store import folders, images
from qisd.store.folders import stored
from tests.integration.library_case import LibraryCase, admin, picture

_FOLDERS = ("a", "b", "a/c", "b/d", "e")
_EXPECTED = (NotFound, AlreadyExists, Refused, Unavailable)


class TogetherTests(LibraryCase):
    async def setUp(self) -> None:
        await super().setUp()
        self.other = self.make_library("s2")
        await self.other.start([])
        self.addCleanup(lambda: self.other.stop())
        self.done = 0

    async def change(self, library: Library, dice: random.Random, number: int) -> None:
        """One change of things that others are changing too."""
        folder = dice.choice(_FOLDERS)
        verb = dice.choice(("upload", "upload", "move", "delete", "create", "move folder", "delete folder", "restore"))
        if verb == "upload":
            incoming = library.staging.open(f"{dice.randint(1, 3)}.jpg")
            incoming.write(picture(number, 1))
            incoming.finish()
            overwrite = dice.choice(("no", "yes", "rename"))
            (outcome,) = await library.uploads.store(admin(), [incoming], folder=folder, overwrite=overwrite)  # type: ignore[arg-type]
            if outcome.error:
                raise outcome.error
        elif verb in ("move", "delete"):
            image = await images.by_src(self.database, f"{folder}/{dice.randint(1, 3)}.jpg")
            if image is not None and verb == "move":
                await library.files.move(admin(), image.id, f"{dice.choice(_FOLDERS)}/{dice.randint(1, 3)}.jpg")
            elif image is not None:
                await library.files.delete(admin(), image.id)
        elif verb == "create":
            await library.folders.create(admin(), folder)
        elif verb == "restore":
            entries = await library.trash.entries(admin())
            if entries:
                await library.trash.restore(admin(), dice.choice(entries).id, on_clash=dice.choice(("fail", "rename")))  # type: ignore[arg-type]
        else:
            found = await folders.by_path(self.database, stored(folder))
            if found is not None and verb == "move folder":
                await library.folders.move(admin(), found.id, dice.choice(_FOLDERS))
            elif found is not None:
                await library.folders.delete(admin(), found.id)

    async def visit(self, library: Library, seed: int) -> None:
        dice = random.Random(seed)
        for number in range(1, 13):
            try:
                await self.change(library, dice, seed * 20 + number)
                self.done += 1
            except _EXPECTED:
                pass
            try:
                await library.listing.files(admin(), dice.choice(("", *_FOLDERS)), attributes=True)
            except QisError as error:
                self.assertIsInstance(error, _EXPECTED)

    async def test_disk_and_database_agree_in_the_end(self) -> None:
        for folder in _FOLDERS:
            await self.library.folders.create(admin(), folder)
        visits = [self.visit((self.library, self.other)[seed % 2], seed) for seed in range(8)]
        await gatherResults([Deferred.fromCoroutine(one) for one in visits])
        self.assertGreater(self.done, 30)
        for library in (self.library, self.other):
            await library.registrar.flush()
        # What a listing saw at the wrong moment is noticed at the next look.
        findings = await self.library.verification.run(admin())
        self.assertEqual((findings.missing, findings.changed, findings.missing_folders), (0, 0, 0), findings.examples)
        self.assertEqual(self.left_over(), [])
        for src, width in self.sql("select src, width from images where status = 1"):
            data = Path(self.root / src).read_bytes()
            self.assertEqual(data, picture(width, 1), src)
        places = self.sql(
            "select i.src, f.path from images i join folders f on f.id = i.folder_id"
            " where i.status = 1 and (f.status = 0 or f.path <> '/' || regexp_replace(i.src, '/?[^/]*$', ''))"
        )
        self.assertEqual(places, [])
