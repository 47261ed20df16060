"""How the library on disk and the database stay in step, whatever happens in between.

Every change of the library is an operation in three steps: a row of the journal is written, which keeps everybody else
off its paths; one step on disk, which happens as a whole or not at all; and one transaction that brings the database
along and removes the row. When the last one fails, the disk is put back. When the process dies, the row stays, and
:meth:`Journal.recover` finds out from the disk alone whether the step was taken: then the database follows, else
nothing has happened.

Whoever removes the row has decided how the operation ended, so no two ever do.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, ClassVar, Generic, TypeVar

import attrs
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import LoopingCall, deferLater
from twisted.logger import Logger, LogLevel

from qisd.errors import AlreadyExists, NotFound, QisError, StoreUnavailable, Unavailable
from qisd.pools.files import FilePool
from qisd.repository.files import FileVersion
from qisd.repository.tree import Tree
from qisd.store import disk_operations
from qisd.store.audit import Actor
from qisd.store.disk_operations import Entry
from qisd.store.pool import Database, Transaction
from qisd.store.queries import Queries

T = TypeVar("T")
R = TypeVar("R")

_log = Logger()

_PATIENCE = 5.0
"""Seconds for which an operation waits for another one that is at the same paths."""

_FIRST_PAUSE, _LONGEST_PAUSE = 0.02, 0.25
_TRIES = 3
_TRY_AGAIN = 0.5
_SETTLE_AGAIN = 2.0
_HEARTBEAT = 60.0
_STALE = 300.0


def _actor(value: Actor | Mapping[str, Any]) -> Actor:
    return value if isinstance(value, Actor) else Actor(**value)


@attrs.frozen(kw_only=True)
class Operation(Generic[T]):
    """A change of the library. What it consists of are JSON values, so that it can be read back from the journal.

    The methods with a tree block and run in a thread; ``token`` is the same each time.

    :ivar kind: its name in the journal.
    """

    kind: ClassVar[str] = ""
    actor: Actor = attrs.field(converter=_actor)

    def params(self) -> Mapping[str, Any]:
        """What makes it again, as keyword arguments."""
        return attrs.asdict(self)

    def paths(self) -> tuple[str, ...]:
        """What nobody else may touch meanwhile, nor anything above or below."""
        raise NotImplementedError

    async def check(self, db: Queries) -> None:
        """Look whether the database is still what the operation is based on; nobody can change that any more.

        :raises QisError: it isn't.
        """

    def perform(self, tree: Tree, token: str) -> None:
        """Take the step on disk.

        :raises NotFound: it was not taken, since what it is about is not there.
        :raises AlreadyExists: it was not taken, since its target is.
        :raises QisError: it may have been taken or not.
        """
        raise NotImplementedError

    def is_done(self, tree: Tree, token: str) -> bool:
        """Whether the step was taken, as the disk tells."""
        raise NotImplementedError

    def complete(self, tree: Tree, token: str) -> FileVersion | None:
        """Do the rest that follows from the step. Can be repeated. Returns the version of the file it's about."""
        raise NotImplementedError

    async def record(self, db: Queries, version: FileVersion | None) -> T:
        """Bring the database along; returns what the operation is asked for."""
        raise NotImplementedError

    def undo(self, tree: Tree, token: str) -> None:
        """Take the step back."""
        raise NotImplementedError

    def withdraw(self, tree: Tree, token: str) -> None:
        """After the step was not taken, or undone: remove what it left, but not what it began with."""
        self.clean(tree, token)

    def clean(self, tree: Tree, token: str) -> None:
        """Remove what the operation, done or not, has left beside the library. Can be repeated."""


class Journal:
    """Carries operations through.

    :param database: moving or deleting a folder is one statement for all that is below it, which takes a while in large
        libraries: this one's time limit has to allow for that.
    :param server: the id of this process among all that work on the library.
    :param kinds: the classes of operations, by the names that the journal has for them.
    :param changed: told each path that an operation has changed, for caches of this process; others hear of it by
        :data:`qisd.store.disk_operations.CHANNEL`.
    """

    def __init__(
        self,
        reactor: Any,
        *,
        database: Database,
        files: FilePool,
        tree: Tree,
        server: str,
        kinds: Mapping[str, type[Operation[Any]]],
        changed: Callable[[str], None] = lambda path: None,
    ) -> None:
        self._reactor = reactor
        self._database = database
        self._files = files
        self._tree = tree
        self._server = server
        self._kinds = kinds
        self._changed = changed
        self._running: dict[uuid.UUID, _Disk] = {}
        self._idle_again: Deferred[None] | None = None
        self._stopped = False
        self._clock = LoopingCall(lambda: Deferred.fromCoroutine(self._tick()))
        self._clock.clock = reactor

    def start(self) -> None:
        """Begin to give signs of life, and to look after servers that give none any more."""
        self._clock.start(_HEARTBEAT, now=False)

    async def stop(self) -> None:
        """Let the operations under way come to their end."""
        self._stopped = True
        if self._clock.running:
            self._clock.stop()
        if self._running:
            self._idle_again = Deferred()
            await self._idle_again

    async def run(self, operation: Operation[T]) -> T:
        """Carry an operation through. It goes on when the caller is cancelled.

        :raises QisError: it could not be done; the library is as it was. With
            :class:`~qisd.errors.StoreUnavailable` it may happen yet, as a whole.
        """
        return await shielded(self._run(operation))

    async def exclusively(self, paths: tuple[str, ...], work: Callable[[Transaction], Awaitable[R]]) -> R:
        """Run ``work`` in a transaction while no operation is at ``paths``, nor any begins."""

        async def within(db: Transaction) -> R:
            await disk_operations.lock(db, paths)
            if await disk_operations.held(db, paths):
                raise _Held
            return await work(db)

        return await shielded(self._patiently(within))

    async def recover(self, gone: Sequence[str]) -> int:
        """Finish or drop what has been left behind. Returns how many operations there were.

        :param gone: the ids of processes that are certainly not alive; of others what shows no sign of life counts.
        """
        # What a process that was killed has sent to the database may still be under way there.
        await self._database.transaction(disk_operations.await_writers)
        return await self._recover(gone)

    # One operation

    async def _run(self, operation: Operation[T]) -> T:
        entry = Entry(
            id=uuid.uuid4(),
            kind=operation.kind,
            paths=operation.paths(),
            params=operation.params(),
            server=self._server,
        )
        disk = self._running[entry.id] = _Disk(self._files, self._tree, operation, entry.id)
        settled = True
        try:
            try:
                await self._claim(entry, operation)
            except StoreUnavailable:  # perhaps it was written all the same
                settled = await self._settle(entry, disk, taken=False)
                raise
            except Exception:
                await self._clean(disk, operation.withdraw)
                raise
            try:
                await disk.run(operation.perform)
            except Exception as error:
                settled = await self._settle(entry, disk, taken=not isinstance(error, NotFound | AlreadyExists))
                raise
            try:
                version = await disk.run(operation.complete)
                result = await self._finish(entry, operation, version)
            except Exception:
                settled = await self._settle(entry, disk, taken=True)
                raise
            self._tell(entry)
            await self._clean(disk, operation.clean)
            return result
        finally:
            if settled:
                self._ended(entry.id)

    async def _claim(self, entry: Entry, operation: Operation[Any]) -> None:
        async def within(db: Transaction) -> None:
            if not await disk_operations.claim(db, entry):
                raise _Held
            await operation.check(db)

        await self._patiently(within)

    async def _patiently(self, work: Callable[[Transaction], Awaitable[R]]) -> R:
        deadline, pause = self._reactor.seconds() + _PATIENCE, _FIRST_PAUSE
        while True:
            try:
                return await self._database.transaction(work)
            except _Held:
                if self._reactor.seconds() >= deadline:
                    raise Unavailable("Somebody else is changing this at the moment.") from None
            await deferLater(self._reactor, pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    async def _finish(self, entry: Entry, operation: Operation[T], version: FileVersion | None) -> T:
        results: list[T] = []

        async def within(db: Transaction) -> None:
            if not await disk_operations.remove(db, entry.id):
                raise _Gone
            results.append(await operation.record(db, version))
            await disk_operations.tell_files(db, entry.paths)

        for attempt in range(1, _TRIES + 1):
            try:
                await self._database.transaction(within)
                break
            except _Gone:
                # Nobody else ends an operation that is alive: an attempt of ours that seemed lost has succeeded.
                if not results:
                    raise StoreUnavailable(detail="the operation was ended by somebody else") from None
                break
            except StoreUnavailable:
                if attempt == _TRIES:
                    raise
                await deferLater(self._reactor, _TRY_AGAIN)
        return results[-1]

    async def _settle(self, entry: Entry, disk: _Disk, *, taken: bool) -> bool:
        """Put the disk back and drop the entry, or see to it that it's settled later; false in that case.

        :param taken: whether the step on disk may have been taken.
        """
        try:
            await self._database.transaction(lambda db: self._drop(db, entry, disk, taken=taken))
        except CancelledError:
            raise
        except Exception as error:
            _log.emit(
                LogLevel.warn if taken else LogLevel.debug,
                "{kind} of {paths} is not settled yet: {reason}",
                kind=entry.kind,
                paths=entry.paths,
                reason=f"{error} {getattr(error, 'detail', '')}".rstrip(),
            )
            Deferred.fromCoroutine(self._settle_later(entry, disk)).addErrback(
                lambda failure: _log.failure("an operation on the library could not be settled", failure)
            )
            return False
        await self._clean(disk, disk.operation.withdraw)
        return True

    async def _settle_later(self, entry: Entry, disk: _Disk) -> None:
        try:
            while not self._stopped:
                await deferLater(self._reactor, _SETTLE_AGAIN)
                try:
                    await self._resolve(entry.id, disk)
                except QisError:
                    continue
                break
        finally:
            self._ended(entry.id)

    async def _drop(self, db: Transaction, entry: Entry, disk: _Disk, *, taken: bool = True) -> None:
        if await disk_operations.take(db, entry.id) is not None:
            if taken:
                await disk.run(_take_back)
            await disk_operations.remove(db, entry.id)

    # What was left behind

    async def _recover(self, gone: Sequence[str]) -> int:
        alive = list(self._running)
        found = await disk_operations.left_behind(self._database, gone, stale=_STALE, alive=alive)
        for number in found:
            try:
                await self._resolve(number, None)
            except CancelledError:
                raise
            except StoreUnavailable as error:
                _log.warn("an operation that was cut short can't be ended yet: {reason}", reason=error.detail)
            except Exception:
                _log.failure("an operation that was cut short can't be ended: {number}", number=number)
        return len(found)

    async def _resolve(self, number: uuid.UUID, disk: _Disk | None) -> None:
        """Finish an operation if its step was taken on disk, else drop it."""
        resolved: list[tuple[Entry, _Disk]] = []

        async def forward(db: Transaction) -> None:
            entry = await disk_operations.take(db, number)
            if entry is None:
                return
            here = disk or _Disk(self._files, self._tree, self._read(entry), entry.id)
            resolved.append((entry, here))
            done, version = await here.run(_catch_up)
            if done:
                await here.operation.record(db, version)
                await disk_operations.tell_files(db, entry.paths)
            await disk_operations.remove(db, entry.id)
            _log.info(
                "{kind} of {paths} was cut short: {outcome}",
                kind=entry.kind,
                paths=entry.paths,
                outcome="finished" if done else "nothing was changed",
            )

        async def backward(db: Transaction) -> None:
            for entry, here in resolved[-1:]:
                await self._drop(db, entry, here)

        try:
            await self._database.transaction(forward)
        except (StoreUnavailable, CancelledError):
            raise
        except Exception:
            if not resolved:
                raise
            _log.failure("an operation that was cut short can't be finished, and is undone")
            await self._database.transaction(backward)
        for entry, here in resolved[-1:]:
            self._tell(entry)
            await self._clean(here, here.operation.clean)
        if disk is not None and not resolved:  # it was never written
            await self._clean(disk, disk.operation.withdraw)

    def _read(self, entry: Entry) -> Operation[Any]:
        return self._kinds[entry.kind](**entry.params)

    async def _clean(self, disk: _Disk, how: Callable[[Tree, str], None]) -> None:
        try:
            await disk.run(how)
        except (QisError, OSError) as error:
            reason = getattr(error, "detail", "") or error
            _log.warn("{kind} left something behind: {reason}", kind=disk.operation.kind, reason=reason)

    def _tell(self, entry: Entry) -> None:
        for path in entry.paths:
            self._changed(path)

    def _ended(self, number: uuid.UUID) -> None:
        self._running.pop(number, None)
        if not self._running and self._idle_again is not None:
            again, self._idle_again = self._idle_again, None
            again.callback(None)

    async def _tick(self) -> None:
        try:
            if self._running:
                await disk_operations.beat(self._database, list(self._running))
            await self._recover([])
        except QisError as error:
            _log.warn("the journal of the library can't be looked after: {reason}", reason=error.detail or error)


class _Disk:
    """The steps of one operation on disk, one at a time, even when a thread outlives its time limit."""

    def __init__(self, files: FilePool, tree: Tree, operation: Operation[Any], number: uuid.UUID) -> None:
        self.operation = operation
        self._files = files
        self._tree = tree
        self._token = number.hex
        self._lock = threading.Lock()

    async def run(self, step: Callable[..., R]) -> R:
        """The result of ``step``, which is a method of the operation or a function that gets the operation first."""

        def work() -> R:
            if not self._lock.acquire(blocking=False):
                raise StoreUnavailable(detail="the step before is still at work")
            try:
                bound = getattr(step, "__self__", None) is not None
                arguments = (self._tree, self._token)
                return step(*arguments) if bound else step(self.operation, *arguments)
            finally:
                self._lock.release()

        return await self._files.run(work)


class _Held(Exception):
    """Another operation is at these paths."""


class _Gone(Exception):
    """The entry is not in the journal any more."""


def _take_back(operation: Operation[Any], tree: Tree, token: str) -> None:
    if operation.is_done(tree, token):
        operation.undo(tree, token)


def _catch_up(operation: Operation[Any], tree: Tree, token: str) -> tuple[bool, FileVersion | None]:
    if operation.is_done(tree, token):
        return True, operation.complete(tree, token)
    return False, None


async def shielded(work: Awaitable[R]) -> R:
    """The result of ``work``, which goes on to its end when whoever waits for it gives up."""
    waiter: Deferred[R] = Deferred()  # without a canceller: what comes after cancelling is dropped

    async def through() -> R:
        return await work

    Deferred.fromCoroutine(through()).addCallbacks(waiter.callback, waiter.errback)
    return await waiter
