"""The types of tasks that this program knows. There is no other way to have something run by name."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from typing import Any

import attrs

from qisd.request_ids import current_request_id
from qisd.store.tasks import NewTask, Task

LOG_LEVELS = frozenset({"debug", "info", "warn", "warning", "error", ""})


class TaskCancelled(Exception):
    """Ends a task that nobody wants any more. Nothing but the worker catches it."""


class TaskRun:
    """One attempt at a task: what its type's function gets.

    :param task: as it was claimed.
    :param save: writes the progress, in percent, with a text; without it nothing is written.
    :param seconds: a clock that only goes forward.
    """

    _PAUSE = 1.0
    """Seconds from one writing of the progress to the next, at least."""

    def __init__(
        self,
        task: Task,
        *,
        save: Callable[[float, str], Awaitable[None]] | None = None,
        seconds: Callable[[], float] = lambda: 0.0,
    ) -> None:
        self.task = task
        self._save = save
        self._seconds = seconds
        self._saved_at = float("-inf")
        self._unsaved: tuple[float, str] | None = None
        self._cancelled = False

    @property
    def params(self) -> Mapping[str, Any]:
        return self.task.params

    @property
    def cancelled(self) -> bool:
        """Whether the task shall end as soon as it can do so in good order."""
        return self._cancelled

    def check_cancelled(self) -> None:
        """:raises TaskCancelled: the task shall end."""
        if self._cancelled:
            raise TaskCancelled

    async def progress(self, percent: float, text: str = "") -> None:
        """Tell how far the work is; cheap enough to be called for every item.

        :param percent: 0 to 100; what is beyond is cut.
        :param text: for people, such as ``120 of 400 images``.
        """
        self._unsaved = (min(max(percent, 0.0), 100.0), text)
        if self._seconds() - self._saved_at >= self._PAUSE:
            await self.save()

    async def save(self) -> None:
        """Write what :meth:`progress` has held back."""
        if self._unsaved is not None and self._save is not None:
            self._saved_at = self._seconds()
            (percent, text), self._unsaved = self._unsaved, None
            await self._save(percent, text)

    def cancel(self) -> None:
        """Wish that the task ends; it's up to the task when it looks."""
        self._cancelled = True


@attrs.frozen(kw_only=True)
class TaskType:
    """One kind of work.

    :param name: ``funcname`` in the table and in the API.
    :param title: what people call it; may depend on the parameters.
    :param run: does it, and returns JSON. Errors of :mod:`qisd.errors` are told to whoever asked for the task, of all
        others only that there was one. It should look at :attr:`TaskRun.cancelled` between steps.
    :param priority: 10 high, 20 normal, 30 low.
    :param keep_for: seconds for which the finished task is kept.
    :param log_level: of the lines about its course; the empty text for none. ``error_log_level`` of those about errors.
    :param repeatable: it may be run again when its server was lost or stopped in the middle, at most three times or
        ``max_attempts``, if that's more.
    :param max_attempts: how often it is tried when it fails by an error that may pass, with growing pauses.
    """

    name: str
    title: str | Callable[[Mapping[str, Any]], str]
    run: Callable[[TaskRun], Awaitable[object]] = attrs.field(repr=False)
    priority: int = attrs.field(default=20, validator=attrs.validators.in_((10, 20, 30)))
    keep_for: int = attrs.field(default=0, validator=attrs.validators.ge(0))
    log_level: str = attrs.field(default="info", validator=attrs.validators.in_(LOG_LEVELS))
    error_log_level: str = attrs.field(default="error", validator=attrs.validators.in_(LOG_LEVELS))
    repeatable: bool = False
    max_attempts: int = attrs.field(default=1, validator=attrs.validators.ge(1))

    def new(
        self,
        params: Mapping[str, Any],
        *,
        user_id: int | None = None,
        priority: int | None = None,
        keep_for: int | None = None,
    ) -> NewTask:
        """A task of this type, to be queued."""
        return NewTask(
            funcname=self.name,
            name=self.title(params) if callable(self.title) else self.title,
            params=params,
            user_id=user_id,
            priority=self.priority if priority is None else priority,
            keep_for=self.keep_for if keep_for is None else keep_for,
            log_level=self.log_level,
            error_log_level=self.error_log_level,
            max_attempts=self.max_attempts,
            request_id=current_request_id(),
        )


class TaskTypes:
    """All types, by name. The rooms that bring them are put together after the queue that they add to."""

    def __init__(self, types: Iterable[TaskType] = ()) -> None:
        self._types: dict[str, TaskType] = {}
        self.add(types)

    def add(self, types: Iterable[TaskType]) -> None:
        """:raises ValueError: there is one of this name already."""
        for kind in types:
            if kind.name in self._types:
                raise ValueError(f"two types of tasks are called {kind.name}")
            self._types[kind.name] = kind

    def __getitem__(self, name: str) -> TaskType:
        """:raises KeyError: there is none of this name."""
        return self._types[name]

    def __contains__(self, name: object) -> bool:
        return name in self._types

    def __iter__(self) -> Iterator[TaskType]:
        return iter(self._types.values())

    @property
    def names(self) -> list[str]:
        return list(self._types)

    @property
    def repeatable(self) -> list[str]:
        """The names of those that may be run again after a crash."""
        return [kind.name for kind in self if kind.repeatable]
