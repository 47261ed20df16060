"""Making images before anybody asks for them, with what is left of the server's time."""

from __future__ import annotations

import fnmatch
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Hashable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import attrs
from twisted.internet.defer import Deferred, DeferredLock, FirstError, gatherResults

from qisd.access.visitor import Visitor
from qisd.cache.room import Room
from qisd.errors import BadParameter, NotFound, QisError, Refused, StoreUnavailable
from qisd.images import ImageFile, Images, PreparedImage
from qisd.imaging.negotiation import AUDIENCES
from qisd.imaging.request import parse_query_string
from qisd.imaging.template import TemplateSnapshot
from qisd.pools.files import FilePool
from qisd.repository import paths
from qisd.repository.catalogue import extension_of
from qisd.repository.tree import Tree
from qisd.tasks.registry import TaskRun, TaskType

NAME = "precache"
JOBS_MOST = 16
URLS_MOST = 20_000

_KEPT = 86_400
_LOW = 30
_LOOK_EVERY = 10
"""Files between two looks at how full the cache is."""

_FAULTS_TOLD = 20
_PERCENT = 100.0

Progress = Callable[[float, str], Awaitable[None]]


@attrs.frozen(kw_only=True)
class Order:
    """What is to be made: renditions of the files below a folder, or those of a list.

    :param folder: without slashes around it.
    :param specs: patterns of file names; case doesn't count.
    :param templates: names, in any case.
    :param since: files that were changed before are left out.
    :param urls: instead of all of these: addresses of images.
    :param jobs: how many are made at once.
    :param max_fill: percent of the cache at which to end.
    """

    folder: str = ""
    specs: Sequence[str] = ()
    templates: Sequence[str] = ()
    since: datetime | None = None
    urls: Sequence[str] = ()
    jobs: int = 1
    max_fill: float = 80

    def params(self) -> dict[str, Any]:
        """As the parameters of a task."""
        given = attrs.asdict(self)
        return {**given, "since": None if self.since is None else self.since.isoformat()}

    @classmethod
    def of(cls, params: Mapping[str, Any]) -> Order:
        """The inverse."""
        since = params.get("since")
        known = {field.name for field in attrs.fields(cls)}
        given = {name: value for name, value in params.items() if name in known}
        return cls(**{**given, "since": datetime.fromisoformat(since) if since else None})

    @property
    def title(self) -> str:
        """What people call it."""
        return f"Precache {len(self.urls)} addresses" if self.urls else f"Precache /{self.folder}"


@attrs.define(kw_only=True)
class Outcome:
    """What came of it.

    :param files: sources, or addresses, that were looked at.
    :param there: renditions that the cache had already; ``made`` those that it has now.
    :param stopped: why it ended early; empty if it didn't.
    """

    files: int = 0
    made: int = 0
    there: int = 0
    failed: int = 0
    faults: list[str] = attrs.field(factory=list)
    stopped: str = ""

    def fault(self, what: str, error: QisError) -> None:
        self.failed += 1
        if len(self.faults) < _FAULTS_TOLD:
            self.faults.append(f"{what}: {error.message}")


@attrs.frozen
class _Work:
    """One file, or address, and the queries of what is to be made of it, in their order."""

    name: str
    queries: Sequence[Mapping[str, str]]


class Precaching:
    """Makes what was ordered.

    :param templates: gives the templates as they are now.
    :param supported: whether files of an extension are images.
    :param room: how full the cache is that the workers share; None: nobody knows.
    """

    def __init__(
        self,
        *,
        images: Images,
        tree: Tree,
        files: FilePool,
        templates: Callable[[], TemplateSnapshot],
        supported: Callable[[str], bool],
        room: Callable[[], Awaitable[Room | None]],
    ) -> None:
        self._images = images
        self._tree = tree
        self._files = files
        self._templates = templates
        self._supported = supported
        self._room = room

    async def run(
        self, visitor: Visitor, order: Order, *, progress: Progress, cancelled: Callable[[], bool]
    ) -> Outcome:
        """Do the work; ends early when it is cancelled, or the cache is full.

        :raises QisError: the order makes no sense, or the library can't be read.
        """
        if not order.urls:
            await self._check_folder(order.folder)
        names = _largest_first(order.templates, self._templates())
        walk = _Walk(self._tree, self._files, order, self._supported)
        total = len(order.urls) or await walk.count(cancelled)
        source = _Listed(order.urls) if order.urls else walk.works(names)
        return await _Round(self, visitor, order, source, total, progress=progress, cancelled=cancelled).run()

    async def fetch(self, query: Mapping[str, str], visitor: Visitor) -> bool:
        """Have one rendition made, in each format that viewers may get of it; whether all was there already."""
        first = await self._images.prepare(query, visitor)
        if first.accepts is None:
            return await self._made(first)
        others = [await self._images.prepare(query, visitor, accepts=one) for one in AUDIENCES if one != first.accepts]
        return all([await self._made(prepared) for prepared in (first, *others)])

    async def _made(self, prepared: PreparedImage) -> bool:
        found = await self._images.fetch(prepared, client=NAME, background=True)
        if isinstance(found, ImageFile):
            found.stream.close()
            return True
        return found.from_cache

    async def room(self) -> Room | None:
        return await self._room()

    async def _check_folder(self, folder: str) -> None:
        if paths.is_hidden(folder) or await self._files.run(lambda: self._tree.kind(folder)) != "folder":
            raise NotFound(f"There is no folder '/{folder}'.")

    def task_type(self, visitor_of: Callable[[int | None], Visitor]) -> TaskType:
        """The type of task that does this."""

        async def run(task: TaskRun) -> object:
            outcome = await self.run(
                visitor_of(task.task.user_id),
                Order.of(task.params),
                progress=task.progress,
                cancelled=lambda: task.cancelled,
            )
            task.check_cancelled()
            return attrs.asdict(outcome)

        return task_type(run)


def task_type(run: Callable[[TaskRun], Awaitable[object]]) -> TaskType:
    """The type of task, done by ``run``. What is there already is passed over, so it may be begun again."""
    return TaskType(
        name=NAME,
        title=lambda params: Order.of(params).title,
        run=run,
        priority=_LOW,
        keep_for=_KEPT,
        repeatable=True,
    )


class _Round:
    """One run: several who take the next file each when they are done with one."""

    def __init__(
        self,
        precaching: Precaching,
        visitor: Visitor,
        order: Order,
        source: _Source,
        total: int,
        *,
        progress: Progress,
        cancelled: Callable[[], bool],
    ) -> None:
        self._precaching = precaching
        self._visitor = visitor
        self._order = order
        self._source = source
        self._total = total
        self._progress = progress
        self._cancelled = cancelled
        self._lock = DeferredLock()
        self._outcome = Outcome()
        self._broken = False
        self._evictions: int | None = None

    async def run(self) -> Outcome:
        await self._look()
        jobs = min(max(1, self._order.jobs), JOBS_MOST)
        try:
            await gatherResults([Deferred.fromCoroutine(self._one_of_many()) for _ in range(jobs)], consumeErrors=True)
        except FirstError as error:
            error.subFailure.raiseException()
        return self._outcome

    async def _one_of_many(self) -> None:
        while not self._over and (work := await self._next()) is not None:
            try:
                await self._make(work)
            except BaseException:
                self._broken = True  # the others end with what they are at
                raise

    @property
    def _over(self) -> bool:
        return self._broken or bool(self._outcome.stopped) or self._cancelled()

    async def _next(self) -> _Work | None:
        await self._lock.acquire()
        try:
            return None if self._over else await self._source.next()
        finally:
            self._lock.release()

    async def _make(self, work: _Work) -> None:
        outcome = self._outcome
        for query in work.queries:
            if self._over:
                return
            try:
                there = await self._precaching.fetch(query, self._visitor)
            except StoreUnavailable:
                raise
            except QisError as error:
                outcome.fault(work.name, error)
                continue
            outcome.there += there
            outcome.made += not there
        outcome.files += 1
        if outcome.files % _LOOK_EVERY == 0:
            await self._look()
        percent = _PERCENT * outcome.files / self._total if self._total else _PERCENT
        await self._progress(percent, f"{outcome.files} of {self._total} images, {outcome.made} renditions made")

    async def _look(self) -> None:
        """Whether there is room left."""
        room = await self._precaching.room()
        if room is None:
            return
        if room.percent >= self._order.max_fill:
            self._outcome.stopped = f"the cache is {room.percent:.0f} % full"
        elif self._evictions is not None and room.evictions > self._evictions:
            self._outcome.stopped = "the cache pushes out what was in it before"
        self._evictions = room.evictions


class _Source:
    """Where work comes from."""

    async def next(self) -> _Work | None:
        """What is to be done next; None: nothing more."""
        raise NotImplementedError


class _Listed(_Source):
    """Addresses of a list."""

    def __init__(self, urls: Sequence[str]) -> None:
        self._urls = iter(urls)

    async def next(self) -> _Work | None:
        url = next(self._urls, None)
        return None if url is None else _Work(url, [query_of(url)])


class _Walked(_Source):
    """Files of the library, folder by folder."""

    def __init__(self, folders: Callable[[], Coroutine[Any, Any, list[str] | None]], names: Sequence[str]) -> None:
        self._folders = folders
        self._names = names
        self._files: Iterator[str] = iter(())

    async def next(self) -> _Work | None:
        while (path := next(self._files, None)) is None:
            files = await self._folders()
            if files is None:
                return None
            self._files = iter(files)
        return _Work(f"/{path}", [{"src": f"/{path}", "tmp": name} for name in self._names])


class _Walk:
    """The folders at and below that of an order, each once, whatever links there are."""

    def __init__(self, tree: Tree, files: FilePool, order: Order, supported: Callable[[str], bool]) -> None:
        self._tree = tree
        self._files = files
        self._order = order
        self._supported = supported
        self._specs = [spec.lower() for spec in order.specs]

    async def count(self, cancelled: Callable[[], bool]) -> int:
        """How many files there are."""
        total, step = 0, self._steps()
        while not cancelled() and (found := await step()) is not None:
            total += len(found)
        return total

    def works(self, names: Sequence[str]) -> _Source:
        return _Walked(self._steps(), names)

    def _steps(self) -> Callable[[], Coroutine[Any, Any, list[str] | None]]:
        """Gives the files of one folder after the other; None at the end."""
        waiting = deque([self._order.folder])
        seen: set[Hashable] = set()

        async def step() -> list[str] | None:
            if not waiting:
                return None
            folder = waiting.popleft()
            try:
                files, folders = await self._files.run(lambda: self._look(folder, seen))
            except NotFound:  # it has gone meanwhile
                return []
            waiting.extendleft(reversed(folders))
            return files

        return step

    def _look(self, folder: str, seen: set[Hashable]) -> tuple[list[str], list[str]]:
        """In a thread: the files of one folder that are meant, and the folders in it."""
        listed = self._tree.listing(folder)
        place = self._tree.identity(folder)
        if place is None or place in seen:
            return [], []
        seen.add(place)
        start = f"{folder}/" if folder else ""
        files = [f"{start}{one.name}" for one in listed if not one.folder and self._is_meant(one.name)]
        return [path for path in files if self._is_new(path)], [f"{start}{one.name}" for one in listed if one.folder]

    def _is_meant(self, name: str) -> bool:
        low = name.lower()
        return self._supported(extension_of(name)) and any(fnmatch.fnmatchcase(low, spec) for spec in self._specs)

    def _is_new(self, path: str) -> bool:
        since = self._order.since
        if since is None:
            return True
        version = self._tree.version(path)
        return version is not None and version.mtime >= since.timestamp()


def query_of(url: str) -> Mapping[str, str]:
    """The parameters of the address of an image.

    :raises BadParameter: it is something else.
    """
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise BadParameter("urls", f"{url!r} is no address") from error
    if parts.path.rpartition("/")[2] != "image" or not parts.query:
        raise BadParameter("urls", f"{url!r} is no address of an image, such as /image?src=/photo.jpg&width=400")
    return parse_query_string(parts.query.encode("utf-8"))


def _largest_first(names: Sequence[str], snapshot: TemplateSnapshot) -> list[str]:
    """Templates by the size of what they make: from a large rendition's base the smaller ones are made.

    :raises Refused: there is none of a name.
    """
    unknown = [name for name in names if name.lower() not in snapshot.templates]
    if unknown:
        raise Refused(f"There is no template '{unknown[0]}'.")

    def size(name: str) -> float:
        options = snapshot.templates[name.lower()].options
        return max(options.width or 0, options.height or 0) or float("inf")

    return sorted(dict.fromkeys(names), key=size, reverse=True)
