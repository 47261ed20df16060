"""Publishing portfolios: zips that are ordered, listed, downloaded, withdrawn."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, BinaryIO, Protocol

import attrs
from twisted.internet.interfaces import IReactorTime

from qisd.access.auditing import actor_of
from qisd.access.levels import Level
from qisd.access.visitor import Visitor
from qisd.errors import BadParameter, Forbidden, NotFound, Refused, StoreUnavailable, Unavailable
from qisd.pools.files import FilePool
from qisd.portfolios import human_ids, texts
from qisd.portfolios.export_files import ExportFiles, is_zip_name
from qisd.portfolios.parameters import ParameterRules
from qisd.portfolios.permissions import Access, is_public, opened, require
from qisd.portfolios.views import visible_exports
from qisd.store import audit, portfolio_exports, portfolio_history, portfolio_images, portfolios, tasks
from qisd.store.images import folder_of
from qisd.store.pool import Database
from qisd.store.portfolio_exports import EXPORT_TASK, READY, Export
from qisd.store.portfolio_history import Action
from qisd.store.portfolio_images import PortfolioImage
from qisd.store.portfolios import Portfolio
from qisd.store.queries import Queries
from qisd.store.tasks import Task, TaskStatus

EXPORTS_MAX = 100
"""Zips that one portfolio can have at a time."""

_RETRY_AFTER = 10
"""Seconds after which to ask again for what can't be done while a zip is being made."""


class TaskAdder(Protocol):
    """The queue of tasks."""

    async def add(
        self, name: str, params: Mapping[str, Any], *, user_id: int | None, db: Queries | None = None
    ) -> Task:
        """Queue a task as a part of the transaction ``db``."""
        ...


@attrs.frozen(kw_only=True)
class Download:
    """A zip to be sent; whoever gets it closes ``stream``.

    :param filename: its name.
    :param etag: its entity tag, without quotes.
    :param modified: time of its making, in seconds since 1970.
    :param public: everybody may download it, so that caches may keep it for all.
    :param expires_in: seconds until it expires.
    """

    portfolio_id: int
    filename: str
    stream: BinaryIO
    size: int
    etag: str
    modified: float
    public: bool
    expires_in: float


class Exports:
    """What can be done with the zips of portfolios."""

    def __init__(
        self,
        database: Database,
        *,
        tasks: TaskAdder,
        files: FilePool,
        zips: ExportFiles,
        parameters: ParameterRules,
        reactor: IReactorTime,
    ) -> None:
        self._database = database
        self._tasks = tasks
        self._files = files
        self._zips = zips
        self._parameters = parameters
        self._reactor = reactor

    async def listed(self, visitor: Visitor, portfolio_id: int) -> list[Export]:
        """The owner's exports of a portfolio; others see what they may download.

        :raises NotFound: there is no such portfolio.
        :raises Forbidden: the visitor may not see it.
        """
        portfolio = await opened(self._database, visitor, portfolio_id, Access.VIEW)
        found = await portfolio_exports.of_portfolios(self._database, [portfolio_id], now=self._now())
        return visible_exports(visitor, portfolio, found)

    async def one(self, visitor: Visitor, portfolio_id: int, export_id: int) -> Export:
        """One of :meth:`listed`.

        :raises NotFound: there is no such portfolio, or no such export of it.
        :raises Forbidden: the visitor may not see the portfolio.
        """
        for export in await self.listed(visitor, portfolio_id):
            if export.id == export_id:
                return export
        raise _no_export(portfolio_id, export_id)

    async def check(self, visitor: Visitor, portfolio_id: int) -> None:
        """Make sure that the portfolio can be published, and by this visitor.

        :raises NotFound: there is no such portfolio.
        :raises Forbidden: the visitor may not publish it.
        :raises Refused: there is no image in it.
        """
        await opened(self._database, visitor, portfolio_id, Access.EDIT)
        if not await portfolio_images.count(self._database, portfolio_id):
            raise _empty()

    async def publish(
        self,
        visitor: Visitor,
        portfolio_id: int,
        *,
        description: str,
        originals: bool,
        keep_until: datetime,
        parameters: object = None,
        manifest: bool = False,
    ) -> Export:
        """Order a zip of what is in the portfolio now; a task makes it.

        :param originals: of the files as they are; else of images rendered with ``parameters`` on top of their own.
        :param keep_until: when it expires.
        :param parameters: image options in the form of a template.
        :param manifest: put a list of the images with their titles into it.
        :raises NotFound: there is no such portfolio.
        :raises Forbidden: the visitor may not publish it, or not hand out each image in this way.
        :raises Refused: there is no image in it, or it has too many zips.
        :raises NoSpace: the disk is too full.
        """
        await self.check(visitor, portfolio_id)
        kept = await self._parameters.stored({} if parameters is None else parameters, visitor)
        description = texts.checked("description", description, longest=texts.DESCRIPTION_MAX)
        if keep_until <= self._now():
            raise BadParameter("expiry_time", "must be in the future")
        await self._files.run(self._zips.check_space)

        async def work(db: Queries) -> Export:
            portfolio = await opened(db, visitor, portfolio_id, Access.EDIT, lock=True)
            entries = await portfolio_images.listed(db, portfolio_id)
            if not entries:
                raise _empty()
            if len(await portfolio_exports.of_portfolios(db, [portfolio_id], now=self._now())) >= EXPORTS_MAX:
                raise Refused(f"The portfolio has {EXPORTS_MAX} zips. Withdraw some of them first.")
            _check_levels(visitor, portfolio, entries, Level.DOWNLOAD if originals else Level.VIEW)
            export = await portfolio_exports.create(
                db,
                portfolio_id,
                description=description,
                originals=originals,
                parameters=kept,
                manifest=manifest,
                newest_entry=max(entry.id for entry in entries),
                keep_until=keep_until,
            )
            task = await self._tasks.add(
                EXPORT_TASK, {"export_id": export.id, "ignore_errors": False}, user_id=visitor.user_id, db=db
            )
            await portfolio_exports.set_task(db, export.id, task.id)
            await portfolio_history.record(db, portfolio_id, Action.PUBLISHED, summary(export), user_id=visitor.user_id)
            await audit.record(
                db,
                actor_of(visitor),
                action="export.created",
                object_type="portfolio",
                object_id=portfolio_id,
                after={"export_id": export.id, "originals": originals, "images": len(entries)},
            )
            return attrs.evolve(export, task_id=task.id)

        return await self._database.transaction(work)

    async def unpublish(self, visitor: Visitor, portfolio_id: int, export_id: int) -> None:
        """Withdraw a zip. One that still waits to be made never will be.

        :raises NotFound: there is no such portfolio, or no such export of it.
        :raises Forbidden: the visitor may not do that.
        :raises Unavailable: it is being made just now.
        """

        async def work(db: Queries) -> Export:
            await opened(db, visitor, portfolio_id, Access.EDIT, lock=True)
            export = await portfolio_exports.by_id(db, export_id, lock=True)
            if export is None or export.folio_id != portfolio_id:
                raise _no_export(portfolio_id, export_id)
            if export.task_id is not None:
                task = await tasks.cancel(db, export.task_id)
                if (
                    task is not None and task.status == TaskStatus.ACTIVE
                ):  # with that its wish to be cancelled is undone
                    raise Unavailable("The export is being made just now.", retry_after=_RETRY_AFTER)
            await remove_row(db, export, "Deleted", user_id=visitor.user_id)
            return export

        await remove_file(self._files, self._zips, await self._database.transaction(work))

    async def download(self, visitor: Visitor, human_id: str, filename: str) -> Download:
        """Open a zip by the names in its address.

        :raises NotFound: there is no such portfolio or zip, or it has expired.
        :raises Forbidden: the visitor may not download it.
        """
        portfolio = None if "\0" in human_id else await portfolios.by_human_id(self._database, human_id)
        if portfolio is None:
            raise NotFound(human_id[: human_ids.LONGEST])
        require(visitor, portfolio, Access.DOWNLOAD)
        export = None
        if is_zip_name(filename):
            export = await portfolio_exports.by_filename(self._database, portfolio.id, filename)
        now = self._now()
        if export is None or export.state != READY or export.keep_until <= now:
            raise NotFound(filename[: texts.FILENAME_MAX])
        found = await self._files.run(lambda: self._zips.open(portfolio.id, filename))
        if found is None:
            raise NotFound(filename)
        return Download(
            portfolio_id=portfolio.id,
            filename=filename,
            stream=found.stream,
            size=found.size,
            etag=f"{filename.partition('.')[0]}-{found.size:x}",
            modified=found.modified,
            public=is_public(portfolio),
            expires_in=(export.keep_until - now).total_seconds(),
        )

    async def downloaded(self, visitor: Visitor, download: Download) -> None:
        """To be called once for each whole zip that was handed out: not for parts, nor when nothing was sent."""

        async def work(db: Queries) -> None:
            if await portfolios.existing(db, [download.portfolio_id]):
                await portfolio_history.record(
                    db, download.portfolio_id, Action.DOWNLOADED, download.filename, user_id=visitor.user_id
                )

        await self._database.transaction(work)

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._reactor.seconds(), UTC)


def summary(export: Export) -> str:
    """An export in a few words, for the history."""
    kind = "changed options" if export.parameters else "default options"
    if export.originals:
        kind = "originals"
    until = export.keep_until.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    return ", ".join(text for text in (export.description.strip(), f"expires {until}", kind) if text)


async def remove_row(db: Queries, export: Export, reason: str, *, user_id: int | None) -> None:
    """Remove an export, and say so in the history."""
    await portfolio_history.record(
        db, export.folio_id, Action.UNPUBLISHED, f"{reason}: {summary(export)}", user_id=user_id
    )
    await portfolio_exports.delete(db, export.id)


async def remove_file(files: FilePool, zips: ExportFiles, export: Export) -> None:
    """Remove the zip of an export that has no row any more. What can't be removed now goes with the next sweep."""
    if export.filename:
        with contextlib.suppress(StoreUnavailable):
            await files.run(lambda: zips.remove(export.folio_id, export.filename))


def _check_levels(visitor: Visitor, portfolio: Portfolio, entries: Sequence[PortfolioImage], level: Level) -> None:
    """:raises Forbidden: the visitor may not have an image in the way in which it is to be handed out."""
    for folder in sorted({folder_of(entry.src) for entry in entries}):
        if visitor.can(Level.VIEW, folder):
            visitor.require(level, folder)
        else:  # it has no name for those who may not see it
            raise Forbidden(f"{level.label} permission is required for every image of portfolio {portfolio.human_id}")


def _empty() -> Refused:
    return Refused("The portfolio has no images.")


def _no_export(portfolio_id: int, export_id: int) -> NotFound:
    return NotFound(f"{portfolio_id}/{export_id}")
