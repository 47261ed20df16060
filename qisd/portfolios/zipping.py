"""From the images of a portfolio to a zip on disk, one image at a time."""

from __future__ import annotations

import json
import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, BinaryIO, Protocol

import attrs
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure

from qisd.access.visitor import SYSTEM
from qisd.errors import Busy, QisError, StoreUnavailable, Unavailable, Unsupported
from qisd.images import ImageBytes, ImageFile, Images, download_name
from qisd.imaging.formats import Format
from qisd.imaging.urls import query_of
from qisd.pools.files import FilePool
from qisd.portfolios.entry_names import EntryNames
from qisd.portfolios.export_files import ExportFiles, new_name
from qisd.portfolios.zip_writer import ZipWriter
from qisd.repository.files import FileVersion, Repository, version_of
from qisd.store.portfolio_exports import Export
from qisd.store.portfolio_images import Description, PortfolioImage

_log = Logger()

_MANIFEST = "index.json"

_HANDLING = frozenset({"attach", "stats"})

_ATTEMPTS = 6
_PAUSE = 5.0
"""Seconds after which an image is tried again that could not be made because of others."""


@attrs.frozen(kw_only=True)
class Rendered:
    """An image in the form in which it goes into a zip; whoever gets it closes its stream, if it has one.

    :param modified: time of the last change of its source, in seconds since 1970.
    """

    made: ImageBytes | ImageFile
    format: Format
    modified: float


Render = Callable[[str, Mapping[str, Any]], Awaitable[Rendered]]
"""Makes the image at a path, with options in the form of a template."""


class Progress(Protocol):
    """Is told how far a zip is; may raise when it is not wanted any more."""

    async def __call__(self, done: int, total: int) -> None: ...


@attrs.frozen(kw_only=True)
class FinishedZip:
    """``size`` in bytes."""

    filename: str
    size: int


@attrs.frozen(kw_only=True)
class _File:
    """A file for the zip: its bytes, or where they come from."""

    name: str
    modified: float
    size: int
    data: bytes = b""
    stream: BinaryIO | None = None


async def render_by(images: Images, src: str, document: Mapping[str, Any]) -> Rendered:
    """The image that the URL with these options shows to those who may see everything; it is not put into the cache.

    Nobody's permission is asked for: that was done when the zip was ordered.
    """
    options = [(name, value) for name, value in query_of(document) if name not in _HANDLING]
    prepared = await images.prepare({"src": src, "cache": "0", **dict(options)}, SYSTEM)
    format_ = prepared.rules.rendering.formats.by_extension(prepared.output)
    if format_ is None:
        raise Unsupported(f"The file '{src}' is not a supported image.")
    return Rendered(made=await images.fetch(prepared, background=True), format=format_, modified=prepared.last_modified)


class ZipMaker:
    """Makes zips of portfolios. It holds one image in memory, and of originals only a piece.

    :param patient_files: threads that may be at something for minutes: bringing a zip to where it is kept.
    :param render: makes the images that are not handed out as they are.
    """

    def __init__(
        self,
        *,
        files: FilePool,
        patient_files: FilePool,
        zips: ExportFiles,
        repository: Repository,
        render: Render,
        reactor: IReactorTime,
    ) -> None:
        self._files = files
        self._patient_files = patient_files
        self._zips = zips
        self._repository = repository
        self._render = render
        self._reactor = reactor

    async def make(
        self,
        export: Export,
        entries: Sequence[PortfolioImage],
        descriptions: Mapping[int, Description],
        *,
        progress: Progress,
    ) -> FinishedZip:
        """Make the zip of an export; until it is complete there is no file of its name.

        :raises QisError: the first image that can't be had, with its name in the text.
        """
        writer = await self._files.run(lambda: self._zips.create(export.folio_id))
        try:
            names = EntryNames()
            listed: list[dict[str, str]] = []
            for number, entry in enumerate(entries):
                await progress(number, len(entries))
                name = await self._add(writer, export, entry, names)
                listed.append(_line(name, descriptions.get(entry.image_id)))
            await progress(len(entries), len(entries))
            if export.manifest:
                await self._add_manifest(writer, names.take(_MANIFEST), listed)
            filename = new_name()
            size = await self._files.run(lambda: writer.finish(filename))
            await self._patient_files.run(lambda: self._zips.keep(export.folio_id, filename))
        except BaseException:
            await self._discard(writer)
            raise
        return FinishedZip(filename=filename, size=size)

    async def _add(self, writer: ZipWriter, export: Export, entry: PortfolioImage, names: EntryNames) -> str:
        """Put one image in; the name it got."""
        try:
            file = await self._file(export, entry)
        except QisError as error:
            raise _about(entry, error) from error
        name = names.take(file.name)
        if file.stream is None:
            await self._files.run(lambda: writer.add(name, file.data, modified=file.modified))
            return name
        stream = file.stream
        try:
            before = await self._files.run(lambda: _begin(writer, name, file, stream))
            while await self._files.run(lambda: writer.copy(stream)):
                pass
            await self._files.run(lambda: _end(writer, entry, before, stream))
        finally:
            await self._files.run(stream.close)
        return name

    async def _file(self, export: Export, entry: PortfolioImage) -> _File:
        own_name = entry.filename or entry.src.rpartition("/")[2]
        if export.originals:
            source = await self._files.run(lambda: self._repository.open(entry.src))
            return _File(name=own_name, modified=source.version.mtime, size=source.version.size, stream=source.stream)
        wanted = {**entry.parameters, **export.parameters}
        rendered = await self._patiently(entry.src, wanted)
        name = download_name(own_name, rendered.format, asked=wanted.get("format", {}).get("value"))
        made = rendered.made
        if isinstance(made, ImageFile):
            return _File(name=name, modified=rendered.modified, size=made.size, stream=made.stream)
        return _File(name=name, modified=rendered.modified, size=len(made.data), data=made.data)

    async def _patiently(self, src: str, wanted: Mapping[str, Any]) -> Rendered:
        """Render; when the server has too much to do for others, a few times."""
        for _ in range(_ATTEMPTS - 1):
            try:
                return await self._render(src, wanted)
            except (Busy, StoreUnavailable):
                await deferLater(self._reactor, _PAUSE)
        return await self._render(src, wanted)

    async def _add_manifest(self, writer: ZipWriter, name: str, listed: list[dict[str, str]]) -> None:
        text = json.dumps({"images": listed}, ensure_ascii=False, indent=1)
        now = self._reactor.seconds()
        await self._files.run(lambda: writer.add(name, text.encode(), modified=now))

    async def _discard(self, writer: ZipWriter) -> None:
        try:
            await self._files.run(writer.discard)
        except StoreUnavailable:  # the disk hangs: the next sweep removes it
            _log.failure("an unfinished zip could not be removed", Failure())


def _begin(writer: ZipWriter, name: str, file: _File, stream: BinaryIO) -> FileVersion:
    """In a thread."""
    writer.begin(name, modified=file.modified, size=file.size)
    return version_of(os.fstat(stream.fileno()))


def _end(writer: ZipWriter, entry: PortfolioImage, before: FileVersion, stream: BinaryIO) -> None:
    """In a thread.

    :raises Unavailable: what was copied may be the half of one file and the half of another.
    """
    writer.end()
    if version_of(os.fstat(stream.fileno())) != before:
        raise Unavailable(f"{entry.src}: the file was changed while it was read.")


def _line(name: str, description: Description | None) -> dict[str, str]:
    if description is None:
        return {"filename": name, "title": "", "description": "", "credits": ""}
    return {
        "filename": name,
        "title": description.title,
        "description": description.description,
        "credits": description.copyright,
    }


def _about(entry: PortfolioImage, error: QisError) -> QisError:
    """``error``, with the name of the image in its text."""
    told = error.bare()
    told.message = f"{entry.src}: {error.message}"
    if isinstance(told, Unavailable):
        told.detail = f"{entry.src} {error.detail}"
    return told
