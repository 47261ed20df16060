"""Compares the library on disk with the database, both ways, and mends what differs if that is wanted."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any

import attrs

from qisd.access.levels import Flag
from qisd.access.visitor import Visitor
from qisd.library.guard import Guard
from qisd.library.registrar import Registrar
from qisd.library.rules import LibraryRules
from qisd.pools.files import FilePool
from qisd.repository.catalogue import extension_of
from qisd.repository.files import FileVersion
from qisd.repository.tree import Kind, Tree
from qisd.store import folders, images
from qisd.store.images import Image
from qisd.store.pool import Database

_PAGE = 500
_EXAMPLES = 20

Progress = Callable[[float, str], Awaitable[None]]


@attrs.define(kw_only=True)
class Findings:
    """How many of each there are, with some examples of their paths. All are mended by a repair.

    :ivar unknown: files without a record, or with one that says deleted.
    :ivar missing: records whose files are gone. ``missing_folders`` likewise.
    :ivar changed: records of another version of the file.
    """

    files: int = 0
    records: int = 0
    unknown: int = 0
    missing: int = 0
    missing_folders: int = 0
    changed: int = 0
    repaired: int = 0
    examples: dict[str, list[str]] = attrs.field(factory=dict)

    def add(self, kind: str, paths: Sequence[str]) -> None:
        setattr(self, kind, getattr(self, kind) + len(paths))
        if paths:
            kept = self.examples.setdefault(kind, [])
            kept.extend(paths[: _EXAMPLES - len(kept)])


async def _silent(percent: float, text: str) -> None:
    pass


class Verification:
    """Goes through everything, in pages, while the library is in use."""

    def __init__(
        self,
        *,
        database: Database,
        files: FilePool,
        tree: Tree,
        registrar: Registrar,
        guard: Guard,
        rules: Callable[[], LibraryRules],
    ) -> None:
        self._database = database
        self._files = files
        self._tree = tree
        self._registrar = registrar
        self._guard = guard
        self._rules = rules

    async def run(self, visitor: Visitor, *, repair: bool = False, progress: Progress = _silent) -> Findings:
        """Compare, and mend if ``repair``: the visitor's word also lifts the limit on how many files may be missing.

        Needs file administration. Nothing is marked deleted while the library is not there.

        :param progress: told percent and a text.
        """
        visitor.require_flag(Flag.ADMIN_FILES)
        findings = Findings()
        total = max(1, await images.count_active(self._database))
        after = ""
        while page := await images.active_below(self._database, "", after=after, limit=_PAGE):
            await self._records(page, findings, repair)
            after = page[-1].src
            await progress(50 * min(1.0, findings.records / total), f"{findings.records} records")
        await self._folders(findings, repair)
        await self._disk(findings, repair, total, progress)
        if repair:
            self._guard.agree()
        return findings

    async def discover(self, *, most: int, progress: Progress = _silent) -> int:
        """Make the records of files that nobody has looked at so far, which search would not find; how many there were.

        Nothing is marked deleted or changed.

        :param most: at which it is enough for this time: all of them will be read as a whole.
        """
        findings = Findings()
        total = max(1, await images.count_active(self._database))
        await self._disk(findings, True, total, progress, most=most)
        return findings.repaired

    async def _records(self, page: list[Image], findings: Findings, repair: bool) -> None:
        versions = await self._files.run(lambda: {one.src: self._tree.version(one.src) for one in page})
        missing = [one.src for one in page if versions[one.src] is None]
        changed = [one.src for one in page if _differs(one, versions[one.src])]
        findings.records += len(page)
        findings.add("missing", missing)
        findings.add("changed", changed)
        if repair:
            findings.repaired += len(await self._registrar.note_missing(missing, agreed=True))
            findings.repaired += len(await self._registrar.images(changed))

    async def _folders(self, findings: Findings, repair: bool) -> None:
        after = ""
        while page := await folders.active_below(self._database, "/", after=after, limit=_PAGE):
            kinds = await self._files.run(partial(self._kinds, page))
            gone = [path[1:] for path, kind in zip(page, kinds, strict=True) if kind != "folder"]
            findings.add("missing_folders", gone)
            for path in gone if repair else []:
                await self._registrar.folder_gone(path, agreed=True)
            after = page[-1]

    async def _disk(
        self, findings: Findings, repair: bool, total: int, progress: Progress, *, most: float = math.inf
    ) -> None:
        waiting = [""]
        while waiting and findings.unknown < most:
            folder = waiting.pop()
            found = await self._files.run(partial(self._entries, folder))
            waiting += [path for path, is_folder in found if is_folder]
            srcs = [path for path, is_folder in found if not is_folder]
            findings.files += len(srcs)
            for start in range(0, len(srcs), _PAGE):
                await self._unknown(srcs[start : start + _PAGE], findings, repair)
            await progress(50 + 50 * min(1.0, findings.files / total), f"{findings.files} files")

    def _kinds(self, page: list[str]) -> list[Kind | None]:
        return [self._tree.kind(path[1:]) for path in page]

    def _entries(self, folder: str) -> list[tuple[str, bool]]:
        """In a thread: supported files and folders of a folder; links to folders are not followed."""
        if folder and self._tree.is_link(folder):
            return []
        found = [(f"{folder}/{one.name}".lstrip("/"), one.folder) for one in self._tree.listing(folder)]
        return [(path, is_folder) for path, is_folder in found if is_folder or self._is_supported(path)]

    async def _unknown(self, srcs: list[str], findings: Findings, repair: bool) -> None:
        known = await images.by_srcs(self._database, srcs)
        unknown = [src for src in srcs if src not in known or not known[src].active]
        findings.add("unknown", unknown)
        if repair and unknown:
            findings.repaired += len(await self._registrar.images(unknown))

    def _is_supported(self, path: str) -> bool:
        return self._rules().is_supported(extension_of(path))


def as_json(findings: Findings) -> dict[str, Any]:
    return attrs.asdict(findings)


def _differs(image: Image, version: FileVersion | None) -> bool:
    if version is None or image.file_size is None:
        return False
    return (image.file_size, image.file_mtime_ns) != (version.size, version.mtime_ns)
