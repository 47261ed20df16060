"""The workers: started on their stations, replaced when they die, exchanged one after another at a reload."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.interfaces import IDelayedCall
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from qisd.errors import StartupError
from qisd.images import ImageRules
from qisd.service.child import Child
from qisd.service.listeners import Listeners
from qisd.service.measuring import Lag, own_process
from qisd.service.metrics import Measures, Sums
from qisd.service.staffing import Station, stations
from qisd.settings import LogLevels, Settings
from qisd.settings.handing import to_values as settings_values
from qisd.tls.certificates import Certificates
from qisd.tls.texts import to_values as certificate_values

_log = Logger()

# So many deaths in so many seconds, and the next worker has to wait.
_DEATHS = 5
_DEATHS_WITHIN = 60.0
_LONGEST_PAUSE = 60.0

_READY_WITHIN = 120.0
_ENDS_WITHIN = 15.0
"""Seconds beyond the grace that a worker gets to end."""

_WATCH_EVERY = 5.0
_SUSPECT = 3
"""Questions without an answer after which people are told that a worker says nothing."""

_SILENT_FOR = 12
"""Questions without an answer after which a worker is taken to hang, one every ``_WATCH_EVERY``. Not seconds: of those
any number may pass while the machine sleeps, or when its clock is set.
"""

_SILENT_AT_START = 60
"""The same for one that is still starting: five minutes, as the units of systemd allow. On a very slow or busy machine
all of them load the program at the same time; whoever is made to begin anew then never gets to the end.
"""

_HELD_FOR = 30.0
"""Seconds for which those who wait at addresses that were taken over are left waiting, rather than told to come back
while the database is not there.
"""

_REFUSED = (2, 3)
"""Exit statuses of a worker that can't start, and won't be able to when it is tried again."""


class _Place:
    """A station with the worker that has it, and with the history of those who had it."""

    def __init__(self) -> None:
        self.child: Child | None = None
        self.deaths: deque[float] = deque()
        self.restarts = 0
        self.pause = 0.0
        self.waiting: IDelayedCall | None = None


class Crew:
    """Runs the workers that ``settings`` ask for, and gives their places to others when they end.

    :param command: starts a worker, see :class:`~qisd.service.child.Child`.
    :ivar renewed: called when a worker says that there are other certificates on this server.
    """

    def __init__(self, settings: Settings, *, reactor: Any, command: Sequence[str]) -> None:
        self._settings = settings
        self._reactor = reactor
        self._command = command
        self._places: dict[Station, _Place] = {}
        self._coming: set[Child] = set()
        self._retired: set[Child] = set()
        self._past = Sums()
        self._restarts: Counter[str] = Counter()
        self._certificates: Certificates | None = None
        self._url: str | None = None
        self._leaving = False
        self._stopping = False
        self._started = False
        self._refusal: StartupError | None = None
        self._complete: Deferred[None] = Deferred()
        self._watch = LoopingCall(self._look)
        self._watch.clock = reactor
        self._lag = Lag(reactor)
        self.renewed: Callable[[], None] = lambda: None
        self._held: IDelayedCall | None = None
        self.listeners = Listeners()

    def begin(self, listeners: Listeners, certificates: Certificates | None) -> None:
        """Start the workers. They accept connections at once, and say that they can't do more yet.

        At addresses that were taken over from the server before this one they wait until they can do more, within
        reason: who came in between is answered a little later, and notices nothing.
        """
        self.listeners = listeners
        if any(listener.taken_over for listener in listeners):
            self._held = self._reactor.callLater(_HELD_FOR, self._hold_no_longer)
        self._certificates = certificates
        for station in stations(self._settings):
            self._places[station] = _Place()
            self._fill(station)
        self._watch.start(_WATCH_EVERY, now=False)
        self._lag.start()

    async def start(self, url: str) -> None:
        """Let the workers begin with the database at ``url``, and wait until all do.

        :raises StartupError: one can't.
        """
        self._url = url
        for child in self._children():
            child.tell(database=url)
        self._began()
        await self._complete
        self._release()
        self._started = True

    async def stop(self) -> None:
        """Let all workers finish what they have begun, within the time that is set for it."""
        self._stopping = True
        self._lag.stop()
        self._release()
        if self._watch.running:
            self._watch.stop()
        for place in self._places.values():
            self._call_off(place)
        children = self._everybody()
        for child in children:
            child.retire()
        await self._gone(children)
        await self.listeners.close()

    def leave(self) -> None:
        """Have all workers, and those that may yet take their places, say that no more requests are wanted."""
        self._leaving = True
        for child in self._everybody():
            child.tell(leave=True)

    def hurry(self) -> None:
        """Let nobody wait for requests under way."""
        for child in self._everybody():
            child.tell(hurry=True)

    async def take_over(
        self, settings: Settings, rules: ImageRules, listeners: Listeners, certificates: Certificates | None
    ) -> None:
        """Exchange the workers one after another for ones that go by all this. No connection is refused meanwhile.

        :raises StartupError: a new one can't start. All is as it was before then.
        """
        old = (self._settings, self._certificates, self.listeners)
        before, wanted = list(self._places), stations(settings)
        self._settings, self._certificates, self.listeners = settings, certificates, listeners
        for number, station in enumerate(wanted):
            try:
                await self._exchange(station)
            except StartupError:
                self._settings, self._certificates, self.listeners = old
                await self._back_to(before, exchanged=wanted[:number])
                await listeners.close(but=self.listeners)
                raise
        for station in [station for station in self._places if station not in wanted]:
            await self._leave(station)
        await old[-1].close(but=listeners)
        self._began()

    def certify(self, certificates: Certificates) -> None:
        """Have new connections get these certificates. Nobody is exchanged for it."""
        self._certificates = certificates
        values = certificate_values(certificates)
        for child in self._everybody():
            if child.station.role == "https":
                child.tell(certificates=values)

    async def _back_to(self, before: Sequence[Station], *, exchanged: Sequence[Station]) -> None:
        """Undo what has been done of a reload that can't be finished."""
        for station in exchanged:
            if station not in before:
                await self._leave(station)
                continue
            try:
                await self._exchange(station)
            except StartupError as error:
                _log.error("{error}; the one in its place keeps the refused settings", error=error)
        for station in [station for station in self._places if station not in before]:
            await self._leave(station)
        for station, place in self._places.items():
            if place.child is None and place.waiting is None:  # it has died meanwhile
                self._fill(station)

    def reopen(self) -> None:
        """Have the log files opened anew."""
        for child in self._everybody():
            child.tell(reopen=True)

    def set_log_levels(self, levels: LogLevels) -> None:
        """Have the workers log by these levels; those that are started later go by the settings."""
        for child in self._everybody():
            child.tell(log_levels={"default": levels.default, **levels.areas})

    def tell(self) -> list[str]:
        """Have the workers write into the log what they do; in lines, what is to say of them here."""
        for child in self._children():
            child.tell(tell=True)
        return [
            f"{station.title}: process {place.child.pid if place.child else 'none'}, restarts: {place.restarts}"
            for station, place in self._places.items()
        ]

    async def reports(self, within: float) -> list[dict[str, Any]]:
        """How each worker fares; of those that don't answer ``within`` seconds, what they have said last."""
        answers = []
        for child in self._children():
            answer = child.ask()
            answer.addTimeout(within, self._reactor)
            answer.addErrback(lambda _: None)
            answers.append(answer)
        await DeferredList(answers)
        return [self._report(station, place) for station, place in sorted(self._places.items())]

    async def measures(self, within: float) -> list[Measures]:
        """What the workers have counted and measured; of those who have ended what they have counted."""
        await self.reports(within)
        roles = {station.role for station in self._places}
        restarts = [([role], self._restarts[role]) for role in sorted(roles | set(self._restarts))]
        own: Measures = {**own_process("supervisor", self._lag), "qis_worker_restarts_total": restarts}
        return [own, self._past.measures(), *(child.measures for child in self._everybody())]

    def _report(self, station: Station, place: _Place) -> dict[str, Any]:
        child, now = place.child, self._reactor.seconds()
        return {
            "name": station.title,
            "pid": None if child is None else child.pid,
            "state": "waiting" if child is None else _state(child),
            "uptime": 0.0 if child is None else round(now - child.since, 1),
            "restarts": place.restarts,
            **({} if child is None else child.report),
        }

    # One place

    def _fill(self, station: Station) -> None:
        place = self._places[station]
        place.waiting = None
        place.child = self._child(station)
        self._send_off(place.child)

    def _child(self, station: Station) -> Child:
        return Child(
            station,
            reactor=self._reactor,
            command=self._command,
            began=self._began,
            ended=self._ended,
            renewed=lambda: self.renewed(),
        )

    def _send_off(self, child: Child) -> None:
        listeners = self.listeners.of(child.station.role)
        child.start(listeners, self._welcome())
        if self._url is not None:
            child.tell(database=self._url)
        if self._leaving:
            child.tell(leave=True)

    def _welcome(self) -> Mapping[str, Any]:
        return {
            "settings": settings_values(self._settings),
            "certificates": None if self._certificates is None else certificate_values(self._certificates),
            # The first ones answer at once, whatever they can say; later there is somebody else who can say more.
            "accept_at_once": not self._started and self._held is None,
        }

    def _hold_no_longer(self) -> None:
        self._held = None
        for child in self._children():
            child.tell(accept=True)

    def _release(self) -> None:
        if self._held is not None:
            self._held.cancel()
            self._held = None

    def _ended(self, child: Child) -> None:
        self._retired.discard(child)
        self._coming.discard(child)
        self._past.add(child.measures, lasting=True)
        place = self._places.get(child.station)
        if place is None or place.child is not child:
            return
        place.child = None
        if self._stopping or child.retiring:
            return
        if not self._started and child.status in _REFUSED:
            self._refusal = StartupError(f"the {child.station.title} can't start", exit_code=child.status or 1)
            self._began()
            return
        now = self._reactor.seconds()
        place.restarts += 1
        self._restarts[child.station.role] += 1
        place.deaths.append(now)
        while place.deaths[0] <= now - _DEATHS_WITHIN:
            place.deaths.popleft()
        often = len(place.deaths) > _DEATHS
        place.pause = min(2 * place.pause or 1.0, _LONGEST_PAUSE) if often else 0.0
        _log.error(
            "The {worker} (process {pid}) has ended with {how}; another one takes its place{when}",
            worker=child.station.title,
            pid=child.pid or "none",
            how=child.outcome,
            when=f" in {place.pause:g} s, since this happens again and again" if often else "",
        )
        if not any(one.station == child.station for one in self._coming):
            place.waiting = self._reactor.callLater(place.pause, self._fill, child.station)

    def _began(self) -> None:
        """Notice that all are at work for the first time, or that they can't be."""
        if self._url is None or self._complete.called:
            return
        if self._refusal is not None:
            self._complete.errback(self._refusal)
        elif all(place.child is not None and place.child.is_ready for place in self._places.values()):
            self._complete.callback(None)

    async def _exchange(self, station: Station) -> None:
        place = self._places.setdefault(station, _Place())
        self._call_off(place)
        new = self._child(station)
        self._coming.add(new)
        self._send_off(new)
        if new.status is not None or (self._started and not await self._ready(new)):
            self._coming.discard(new)
            if new.status is None:
                self._retired.add(new)
                new.retiring = True
                new.kill()
            raise StartupError(f"a new {station.title} can't start")
        self._coming.discard(new)
        place.child, old = new, place.child
        place.pause = 0.0
        if old is not None:
            await self._retire(old)

    async def _ready(self, child: Child) -> bool:
        ready = child.ready
        ready.addTimeout(_READY_WITHIN, self._reactor, onTimeoutCancel=lambda *_: False)
        return await ready

    def _call_off(self, place: _Place) -> None:
        if place.waiting is not None and place.waiting.active():
            place.waiting.cancel()
        place.waiting = None

    async def _leave(self, station: Station) -> None:
        place = self._places.pop(station)
        self._call_off(place)
        if place.child is not None:
            await self._retire(place.child)

    async def _retire(self, child: Child) -> None:
        self._retired.add(child)
        child.retire()
        await self._gone([child])

    async def _gone(self, children: Sequence[Child]) -> None:
        """Wait for the end of workers that have been asked for it; those who take too long are ended."""

        def end() -> None:
            for child in children:
                child.kill()

        limit = self._reactor.callLater(self._settings.shutdown_grace + _ENDS_WITHIN, end)
        try:
            for child in children:
                await _also(child.gone)
        finally:
            if limit.active():
                limit.cancel()

    def _children(self) -> list[Child]:
        return [place.child for place in self._places.values() if place.child is not None]

    def _everybody(self) -> list[Child]:
        return [*self._children(), *self._coming, *self._retired]

    def _look(self) -> None:
        """Ask the workers for signs of life, and end those that have given none for long."""
        for child in self._children():
            if child.unanswered >= (_SILENT_FOR if child.is_ready else _SILENT_AT_START):
                _log.error("The {worker} (process {pid}) hangs", worker=child.station.title, pid=child.pid)
                child.kill()
            else:
                child.unanswered += 1
                child.ask()


def _state(child: Child) -> str:
    if not child.is_ready:
        return "starting"
    return "silent" if child.unanswered >= _SUSPECT else "ready"


def _also(deferred: Deferred[None]) -> Deferred[None]:
    """Fires with ``deferred``, which others wait for as well."""
    mine: Deferred[None] = Deferred()

    def fired(result: None) -> None:
        mine.callback(None)

    deferred.addCallback(fired)
    return mine
