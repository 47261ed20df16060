"""How many workers there are, and of what kind: operations by the number of processors."""

from __future__ import annotations

import attrs

from qisd.settings import Settings, sizing

TASKS = "tasks"


@attrs.frozen(order=True)
class Station:
    """The place of one worker.

    :param role: ``http`` or ``https``: what it serves; ``tasks``: background work.
    :param number: from 1 on, among those of its role.
    """

    role: str
    number: int

    @property
    def title(self) -> str:
        """As the list of processes shows it."""
        return "task worker" if self.role == TASKS else f"{self.role} worker {self.number}"

    def __str__(self) -> str:
        return f"{self.role}:{self.number}"

    @classmethod
    def of(cls, text: str) -> Station:
        """What ``str`` gave."""
        role, _, number = text.partition(":")
        return cls(role, int(number))


def stations(settings: Settings, *, processors: int | None = None) -> list[Station]:
    """The workers that ``settings`` ask for, in the order of their start."""
    best = recommended(settings, processors=processors)
    main = sizing.main_scheme(settings)
    wanted = {
        role: _count(value, best if role == main else sizing.LEAST_WORKERS)
        for role, value in (("http", settings.http_processes), ("https", settings.https_processes))
    }
    places = [
        Station(role, number)
        for role, listen in (("http", settings.http_listen), ("https", settings.https_listen))
        if listen
        for number in range(1, wanted[role] + 1)
    ]
    if settings.tasks_enabled:
        places.append(Station(TASKS, 1))
    return places


def recommended(settings: Settings, *, processors: int | None = None) -> int:
    """How many workers suit this machine: one a processor, but for those that database and cache need here."""
    return sizing.workers(
        processors or sizing.processors(),
        postgres_here=sizing.postgres_here(settings),
        memcached_here=sizing.memcached_here(settings),
    )


def _count(value: int | None, automatic: int) -> int:
    return automatic if value is None else value
