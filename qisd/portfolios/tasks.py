"""The work on portfolios that goes on in the background: making zips, and clearing up behind them."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

from twisted.internet.defer import CancelledError
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger

from qisd.errors import NotFound, QisError, StoreUnavailable
from qisd.pools.files import FilePool
from qisd.portfolios.export_files import ExportFiles, FoundFile
from qisd.portfolios.exports import remove_file, remove_row
from qisd.portfolios.zipping import ZipMaker
from qisd.store import portfolio_exports, portfolio_images, portfolios
from qisd.store.pool import Database
from qisd.store.portfolio_exports import EXPORT_TASK, READY, Export
from qisd.store.queries import Queries
from qisd.tasks.registry import TaskCancelled, TaskRun, TaskType
from qisd.tasks.schedule import HOUR, Job

T = TypeVar("T")

_log = Logger()

EXPIRY_TASK = "expire_portfolio_exports"

_AT_ONCE = 100

_STRAY_AGE = 3600.0
"""Seconds for which a file that no row tells of is left alone: it may be one in the making."""

_PAUSE = 2.0
"""Seconds between two attempts to write how it went, while the database is away."""

_INTERRUPTED = "The zip could not be made: the work on it was interrupted."
_CANCELLED = "The work on the zip was cancelled."
_INTERNAL = "An internal error occurred."


def task_types(
    *, database: Database, files: FilePool, zips: ExportFiles, maker: ZipMaker, reactor: IReactorTime
) -> list[TaskType]:
    """The types of this module."""
    return [
        TaskType(
            name=EXPORT_TASK,
            title=_title,
            run=functools.partial(
                export_portfolio, database=database, files=files, zips=zips, maker=maker, reactor=reactor
            ),
            keep_for=60,
            repeatable=True,
        ),
        TaskType(
            name=EXPIRY_TASK,
            title="Remove expired portfolio exports",
            run=functools.partial(expire_exports, database=database, files=files, zips=zips, reactor=reactor),
            keep_for=3000,
            repeatable=True,
        ),
    ]


def jobs() -> list[Job]:
    """When the tasks of this module are begun by themselves."""
    return [Job(name=EXPIRY_TASK, interval_secs=HOUR)]


async def export_portfolio(
    run: TaskRun, *, database: Database, files: FilePool, zips: ExportFiles, maker: ZipMaker, reactor: IReactorTime
) -> Mapping[str, Any] | None:
    """Make the zip of an export; its result is the export, or None when that is not there any more."""
    export_id = int(run.params["export_id"])
    export = await database.transaction(lambda db: _begin(db, export_id, run.task.id))
    if export is None or export.state == READY:
        return None if export is None else result_of(export)

    def failed(error: str) -> Awaitable[None]:
        return _once_possible(run, lambda: portfolio_exports.set_failed(database, export_id, error), reactor=reactor)

    try:
        made = await _make(run, export, database=database, files=files, zips=zips, maker=maker, reactor=reactor)
    except CancelledError:  # the server stops, or another one has taken over: either way it will be done again
        raise
    except TaskCancelled:
        await failed(_CANCELLED)
        raise
    except QisError as error:
        await failed(error.message)
        raise
    except Exception:
        await failed(_INTERNAL)
        raise
    return None if made is None else result_of(made)


async def expire_exports(
    run: TaskRun, *, database: Database, files: FilePool, zips: ExportFiles, reactor: IReactorTime
) -> Mapping[str, int]:
    """Remove exports whose time is over, and the files that nobody knows any more; how many of each."""
    now = datetime.fromtimestamp(reactor.seconds(), UTC)
    gone = 0
    while expired := await portfolio_exports.expired(database, now=now, limit=_AT_ONCE):
        for export in expired:
            run.check_cancelled()
            removed = await database.transaction(functools.partial(_expire, export_id=export.id, now=now))
            if removed is not None:
                await remove_file(files, zips, removed)
                gone += 1
    for export_id in await portfolio_exports.abandoned(database):
        await portfolio_exports.set_failed(database, export_id, _INTERRUPTED)
    strays = await _sweep(database, files, zips, before=reactor.seconds() - _STRAY_AGE)
    return {"expired": gone, "strays": strays}


def result_of(export: Export) -> dict[str, Any]:
    """An export as the result of its task, as JSON."""
    return {
        "id": export.id,
        "folio_id": export.folio_id,
        "description": export.description,
        "originals": export.originals,
        "parameters": dict(export.parameters),
        "task_id": export.task_id,
        "filename": export.filename,
        "filesize": export.filesize,
        "created": _written(export.created),
        "keep_until": _written(export.keep_until),
    }


def _title(params: Mapping[str, Any]) -> str:
    return f"Publish portfolio (export {params['export_id']})"


async def _begin(db: Queries, export_id: int, task_id: int) -> Export | None:
    export = await portfolio_exports.by_id(db, export_id, lock=True)
    if export is not None and export.state != READY:
        await portfolio_exports.set_running(db, export_id, task_id)
    return export


async def _once_possible(run: TaskRun, write: Callable[[], Awaitable[T]], *, reactor: IReactorTime) -> T:
    """The result of ``write``, as soon as the database can be asked. It may be done twice."""
    while True:
        try:
            return await write()
        except StoreUnavailable as error:
            _log.debug("task {id} waits for the database: {reason}", id=run.task.id, reason=error.detail)
        await deferLater(reactor, _PAUSE)


async def _make(
    run: TaskRun,
    export: Export,
    *,
    database: Database,
    files: FilePool,
    zips: ExportFiles,
    maker: ZipMaker,
    reactor: IReactorTime,
) -> Export | None:
    entries = await portfolio_images.listed(database, export.folio_id, newest=export.newest_entry)
    if not entries:
        raise NotFound("There is no image left to be published.")
    descriptions = {}
    if export.manifest:
        descriptions = await portfolio_images.descriptions(database, [entry.image_id for entry in entries])

    async def progress(done: int, total: int) -> None:
        run.check_cancelled()
        await run.progress(100 * done / total, f"{done} of {total} images")

    finished = await maker.make(export, entries, descriptions, progress=progress)

    async def ready(db: Queries) -> Export | None:
        done = await portfolio_exports.set_ready(db, export.id, filename=finished.filename, filesize=finished.size)
        return done or await portfolio_exports.by_id(db, export.id)

    there = await _once_possible(run, lambda: database.transaction(ready), reactor=reactor)
    if there is None or there.filename != finished.filename:
        # Deleted meanwhile with its portfolio, or made by another server.
        await files.run(lambda: zips.remove(export.folio_id, finished.filename))
    return there


async def _expire(db: Queries, *, export_id: int, now: datetime) -> Export | None:
    export = await portfolio_exports.by_id(db, export_id, lock=True)
    if export is None or export.keep_until > now:
        return None
    await remove_row(db, export, "Expired", user_id=None)
    return export


async def _sweep(database: Database, files: FilePool, zips: ExportFiles, *, before: float) -> int:
    """Remove files that were left behind by a crash, or by a portfolio that is gone; how many."""
    # The files first: whatever was made meanwhile is then not taken for a stray one.
    found = await files.run(zips.found)
    # Higher ids are none of this database's: it may be a new one that waits for the import of an old.
    highest = await portfolios.highest_id(database)
    numbers = {file.portfolio_id for file in found if file.portfolio_id <= highest}
    existing = await portfolios.existing(database, numbers)
    known = await portfolio_exports.filenames(database, existing)

    def stray(file: FoundFile) -> bool:
        if file.portfolio_id not in numbers or file.name in known:
            return False
        return file.portfolio_id not in existing or file.changed < before

    strays = [file for file in found if stray(file)]
    for file in strays:
        _log.info("removing {name}, which belongs to no export", name=f"{file.portfolio_id}/{file.name}")
        await files.run(functools.partial(zips.remove, file.portfolio_id, file.name))
    return len(strays)


def _written(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
