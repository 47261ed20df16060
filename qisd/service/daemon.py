"""The process: what it does as root, how it comes up and goes down, and what it does on signals."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any, NoReturn, Protocol

import attrs
from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IDelayedCall
from twisted.internet.task import LoopingCall
from twisted.internet.threads import deferToThread
from twisted.logger import Logger
from twisted.python.failure import Failure

from qisd import __version__
from qisd.access import privileges
from qisd.access.account import Account, account_for
from qisd.access.certificates import CertificateError
from qisd.access.secret_key import resolve_secret_key
from qisd.errors import SettingsError, StartupError
from qisd.images import ImageRules
from qisd.service import signals
from qisd.service.clock import EvenClock
from qisd.service.console import Console
from qisd.service.control import Control, status
from qisd.service.database_server import DatabaseServer
from qisd.service.exit_status import ExitStatus, stuck_threads
from qisd.service.image_rules import image_rules
from qisd.service.listeners import Listeners, bind_all
from qisd.service.logs import Logs
from qisd.service.manager import Manager
from qisd.service.metrics import Measures
from qisd.service.monitor import Monitor
from qisd.service.notices import Notices
from qisd.service.overseeing import Overseer
from qisd.service.presence import anybody_lives
from qisd.service.process import settle_in
from qisd.service.reload import begin_anew, reload, reload_certificates
from qisd.service.samples import provide_samples
from qisd.settings import LoadedSettings, LogLevels, Settings
from qisd.tls.certificates import Certificates, load_certificates, tell_of_ends
from qisd.tls.contexts import make_context
from qisd.web.access import AccessLog

_log = Logger()

_CERTIFICATES_EVERY = 12 * 3600.0

_CLOCK_EVERY = 1.0
_CLOCK_SET = 2.0
"""Seconds by which the machine's clock must have been set for it to be of interest."""

_FILES_WANTED = 65536
_FILES_LEAST = 4096
_FAULT = 1
_BAD_SETTINGS = 2

_ENDS_WITHIN = 45.0
"""Seconds that the end may take beyond ``SHUTDOWN_GRACE``: for workers that have to be killed, and for the database."""


class Body(Protocol):
    """What does the work: all parts in this process, or workers.

    :ivar renewed: called when there are other certificates on this server.
    """

    renewed: Callable[[], None]

    @property
    def listeners(self) -> Listeners: ...

    def begin(self, listeners: Listeners, certificates: Certificates | None) -> None: ...

    async def start(self, url: str) -> None: ...

    async def stop(self) -> None: ...

    def leave(self) -> None: ...

    def hurry(self) -> None: ...

    async def take_over(
        self, settings: Settings, rules: ImageRules, listeners: Listeners, certificates: Certificates | None
    ) -> None: ...

    def certify(self, certificates: Certificates) -> None: ...

    def tell(self) -> list[str]: ...

    def reopen(self) -> None: ...

    def set_log_levels(self, levels: LogLevels) -> None: ...

    async def reports(self, within: float) -> list[dict[str, Any]]: ...

    async def measures(self, within: float) -> list[Measures]: ...


class Daemon(Service):
    """The main process: what root has to do, addresses, certificates, the database server, logs, signals.

    :param load: reads the settings again, for a reload.
    :param body: makes what does the work.
    :param title: of the process.
    :param twistd: the options of twistd.
    :param manager: who has started it.
    """

    name = "qis"

    def __init__(
        self,
        loaded: LoadedSettings,
        *,
        load: Callable[[], LoadedSettings],
        body: Callable[[Settings, AccessLog], Body],
        title: str,
        reactor: Any,
        twistd: Mapping[str, Any],
        manager: Manager,
    ) -> None:
        self.settings = loaded.settings
        self.started_with = loaded.settings
        self.logs: Logs
        self.body: Body
        self.certificates: Certificates | None = None
        self._database = DatabaseServer(loaded.settings, reactor=reactor)
        self._control = Control(
            loaded.settings,
            reactor=reactor,
            commands={
                "status": self._answer_status,
                "certificates": self._answer_certificates,
                "log_level": self._answer_log_level,
            },
        )
        self._since = reactor.seconds()
        self.overseer = Overseer(self, reactor=reactor, since=self._since)
        self.monitor = Monitor(reactor, self.overseer.pages())
        self._loaded = loaded
        self._load = load
        self._make_body = body
        self._title = title
        self._reactor = reactor
        self._twistd = twistd
        self._manager = manager
        self._notices = Notices(manager, reactor=reactor)
        self._exit = ExitStatus()
        self._clock = EvenClock()
        self._clock_watch = LoopingCall(self._look_at_clock)
        self._clock_watch.clock = reactor
        self._clock_set = False
        self._certificate_watch = LoopingCall(self._look_at_certificates)
        self._certificate_watch.clock = reactor
        self._levels_again: IDelayedCall | None = None
        self._starting: Deferred[None] | None = None
        self._reloading: Deferred[None] | None = None
        self._reload_again = False
        self._signals_to_stop = 0
        self._leaving: IDelayedCall | None = None

    # Up

    def privilegedStartService(self) -> None:  # noqa: N802
        """Do what may need root, then become an ordinary user. The reactor does not run yet."""
        super().privilegedStartService()  # type: ignore[no-untyped-call]
        self._exit.install()
        self._clock.install(self._reactor)
        for number in (signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2):
            signal.signal(number, signal.SIG_IGN)  # until there are handlers: their default is to end the process
        try:
            self._prepare()
        except (StartupError, CertificateError, SettingsError) as error:
            _log.critical("{error}", error=error)
            self._give_up(error, getattr(error, "exit_code", _BAD_SETTINGS))
        except Exception as error:
            _log.failure("the start failed")
            self._give_up(error, _FAULT)

    def _prepare(self) -> None:
        settings = self.settings
        settle_in(self._title)
        if privileges.raise_file_limit(wanted=_FILES_WANTED) < _FILES_LEAST:
            _log.warn("fewer than {least} files may be open at once: raise the limit (nofile)", least=_FILES_LEAST)
        account = account_for(settings)
        _directories(settings, account)
        self.logs = Logs(settings, self._reactor, console=Console.beside(settings.log_target))
        with privileges.acting_as(account):
            self.logs.open()
        for warning in self._loaded.warnings:
            _log.warn("{warning}", warning=warning)
        # The workers of a main process that was killed give their addresses back as soon as they notice.
        patient = partial(anybody_lives, settings.state_dir)
        given = self._manager.sockets
        http = bind_all(settings.http_listen, setting="HTTP_LISTEN", patient=patient, given=given)
        https = bind_all(settings.https_listen, setting="HTTPS_LISTEN", patient=patient, given=given)
        self._manager.close_the_rest()
        if https and settings.tls_certificate_file is not None:
            self.certificates = load_certificates(settings, previous=None)
        privileges.become(account)
        privileges.check_program()
        resolve_secret_key(settings)
        if https:
            # One that has to be made is made, and kept, as the user who will have to read it again.
            self.certificates = self.certificates or load_certificates(settings, previous=None)
            make_context(self.certificates, settings)  # whether they can be used
        self.body = self._make_body(settings, self.logs)
        self._bound = Listeners(http, https)
        self._keep_addresses(self._bound)

    def _keep_addresses(self, listeners: Listeners) -> None:
        """Have the manager keep them, so that whoever comes while we start anew waits instead of being refused."""
        self._manager.keep({str(listener): listener.descriptor for listener in listeners})

    def _give_up(self, error: Exception, code: int) -> NoReturn:
        if self._twistd.get("statusPipe") is None:
            raise SystemExit(code)
        # Gone into the background: twistd passes the text of an exception on to the process that is waiting in the
        # foreground, and would leave it waiting after a SystemExit. The traceback is of no interest to anybody.
        sys.excepthook = lambda *_: None
        raise error

    def startService(self) -> None:  # noqa: N802
        super().startService()  # type: ignore[no-untyped-call]
        self._reactor.callWhenRunning(self._begin)

    def _begin(self) -> None:
        signals.install(
            self._reactor,
            {
                signal.SIGTERM: self._asked_to_stop,
                signal.SIGINT: partial(self._asked_to_stop, at_terminal=True),
                signal.SIGHUP: self._asked_to_reload,
                signal.SIGUSR1: self._asked_to_reopen,
                signal.SIGUSR2: self._asked_to_tell,
            },
        )
        self.logs.rotated = self.body.reopen
        self.body.renewed = self._look_at_certificates
        self._certificate_watch.start(_CERTIFICATES_EVERY, now=False)
        self._clock_watch.start(_CLOCK_EVERY, now=False)
        self._notices.begin()
        self._starting = Deferred.fromCoroutine(self._start())
        self._starting.addErrback(self._start_failed)

    async def _start(self) -> None:
        self.body.begin(self._bound, self.certificates)
        self._control.start()
        await self.monitor.configure(self.settings.metrics_listen)
        self._notices.waiting("Waiting for the database")
        url = await self._database.start()
        if not self._database.knows_library:
            # One that is known, and whose place is empty, is not mounted.
            await self._samples()
        self._notices.waiting("Starting the workers")
        await self.body.start(url)
        _log.info("{line}", line=self._started_line(), console=True)
        self._notices.ready(self._serving())

    async def _samples(self) -> None:
        try:
            if await deferToThread(provide_samples, self.settings):
                _log.info("Created the sample images")
        except OSError as error:
            _log.warn("the sample images can't be put into the library: {reason}", reason=error.strerror)

    def _serving(self) -> str:
        return f"Serving {' '.join(self._addresses())}"

    def _addresses(self) -> list[str]:
        listeners = self.body.listeners
        return [*(f"http://{one}" for one in listeners.http), *(f"https://{one}" for one in listeners.https)]

    def _started_line(self) -> str:
        formats = sorted(row.name for row in image_rules(self.settings).rendering.formats.readable())
        return (
            f"Image server started: version {__version__}, settings {self._loaded.file or 'built in'},"
            f" addresses {' '.join(self._addresses())}, formats {' '.join(formats)}"
        )

    def _start_failed(self, failure: Failure) -> None:
        if failure.check(CancelledError):
            return
        if failure.check(StartupError, SettingsError):
            _log.critical("{error}", error=failure.value)
            self._exit.code = failure.value.exit_code  # type: ignore[union-attr]
        else:
            _log.failure("the start failed", failure=failure)
            self._exit.code = _FAULT
        self._stop()

    # Down

    async def stopService(self) -> None:  # noqa: N802
        """Called once the reactor has been told to stop; the reactor waits for it."""
        super().stopService()  # type: ignore[no-untyped-call]
        _log.info("Stopping")
        self._notices.stopping(self.settings.shutdown_grace + _ENDS_WITHIN)
        for watch in (self._clock_watch, self._certificate_watch):
            if watch.running:
                watch.stop()
        if self._starting is not None:
            self._starting.cancel()
        if self._reloading is not None:
            self._reloading.cancel()
        for end in (self._control.stop, self.monitor.stop, self.body.stop, self._database.stop):
            try:
                await end()
            except Exception:
                _log.failure("the stop was not in order")
                self._exit.code = self._exit.code or _FAULT
        stuck = stuck_threads(("PoolThread-render", "PoolThread-files"))
        _log.info("Stopped")
        self.logs.close()
        if stuck:
            self._reactor.addSystemEventTrigger("after", "shutdown", self._exit.leave_threads_behind)

    def _stop(self) -> None:
        self._signals_to_stop += 1
        if self._signals_to_stop == 1:
            self._reactor.stop()

    def _asked_to_stop(self, *, at_terminal: bool = False) -> None:
        """Stop, after ``SHUTDOWN_DELAY`` if balancers may be sending requests. A second signal waits for nothing."""
        serves = self._starting is not None and self._starting.called
        first = self._leaving is None and self._signals_to_stop == 0
        if first and serves and not at_terminal and self.settings.shutdown_delay:
            self._leave(self.settings.shutdown_delay)
            return
        if self._leaving is not None and self._leaving.active():
            self._leaving.cancel()
            self._stop()
        self._stop()
        if self._signals_to_stop == 2:
            self.body.hurry()
        elif self._signals_to_stop > 2:
            os._exit(_FAULT)

    def _leave(self, delay: int) -> None:
        _log.info("Asked to stop: /ready says no from now on, and the stop begins in {delay} s", delay=delay)
        self._notices.stopping(delay + self.settings.shutdown_grace + _ENDS_WITHIN)
        self.body.leave()
        self._leaving = self._reactor.callLater(delay, self._stop)

    # While it runs

    def _asked_to_reload(self) -> None:
        """Reload in the background; a signal that comes meanwhile makes it happen once more."""
        if self._leaving is None:
            self._reload_again = True
            self._begin_to_reload()

    def _look_at_clock(self) -> None:
        """Notice that the machine's clock was set. Workers are exchanged then: new ones start with the new time."""
        by = self._clock.behind
        if abs(by) >= _CLOCK_SET:
            _log.warn("The clock of this machine was set {by} s", by=f"{by:+.0f}")
            self._clock.catch_up(self._reactor)
            self._clock_set = True
            self._begin_to_reload()

    def _begin_to_reload(self) -> None:
        if self._reloading is None:
            self._reloading = Deferred.fromCoroutine(self._reload_until_done())
            self._reloading.addErrback(lambda failure: failure.trap(CancelledError) and None)

    async def _reload_until_done(self) -> None:
        try:
            while self._reload_again or self._clock_set:
                again, self._reload_again, self._clock_set = self._reload_again, False, False
                self._notices.reloading()
                try:
                    refusal = await (reload(self, self._load) if again else begin_anew(self))
                except CancelledError:
                    raise
                except Exception:
                    _log.failure("the reload failed; what it had not reached yet stays as it was")
                    refusal = "a fault in the server; the log has it"
                self._notices.ready(f"Reload refused: {refusal}" if refusal else self._serving())
                self._keep_addresses(self.body.listeners)
        finally:
            self._reloading = None

    def _asked_to_reopen(self) -> None:
        self.logs.reopen()
        self.body.reopen()
        _log.info("Reopened the log files")

    async def _answer_status(self, _: Mapping[str, Any]) -> dict[str, Any]:
        return await self.status()

    async def _answer_log_level(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Log by another level for a while, everywhere or in one area."""
        level, area = str(asked["level"]), str(asked["area"])
        now = self.settings.log_level
        wanted = attrs.evolve(now, areas={**now.areas, area: level}) if area else LogLevels(level, now.areas)
        if self._levels_again is not None and self._levels_again.active():
            self._levels_again.cancel()
        self._set_log_levels(wanted)
        self._levels_again = self._reactor.callLater(
            float(asked["seconds"]), lambda: self._set_log_levels(self.settings.log_level)
        )
        return {"level": level, "area": area, "seconds": asked["seconds"]}

    def _set_log_levels(self, levels: LogLevels) -> None:
        self.logs.set_levels(levels)
        self.body.set_log_levels(levels)

    async def _answer_certificates(self, _: Mapping[str, Any]) -> dict[str, Any]:
        """Look at the certificates again; whether others are shown now."""
        return {"changed": await self.certify()}

    async def certify(self) -> bool:
        """Show the certificates that are there now to new connections, if they aren't those in use; whether so."""
        if self.certificates is None:
            return False
        old = self.certificates
        await reload_certificates(self, self.settings)
        if self.certificates.shown == old.shown:
            return False
        self.body.certify(self.certificates)
        _log.info("New connections get the new certificates")
        return True

    def _look_at_certificates(self) -> None:
        Deferred.fromCoroutine(self._certify_in_order()).addErrback(
            lambda failure: _log.failure("the certificates could not be looked at", failure)
        )

    async def _certify_in_order(self) -> None:
        """Look at the certificates, and tell of those that end soon."""
        await self.certify()
        if self.certificates is not None:
            tell_of_ends(self.certificates, datetime.now(UTC))

    async def status(self) -> dict[str, Any]:
        """How the server fares, as JSON values."""
        return await status(
            since=self._since,
            pid=os.getpid(),
            listeners=self.body.listeners,
            certificates=self.certificates,
            reports=self.body.reports,
            checks=self.overseer.checks,
            free=self.overseer.free_bytes,
        )

    def _asked_to_tell(self) -> None:
        _log.info("What this process is doing:", lines=self.body.tell())


def _directories(settings: Settings, account: Account | None) -> None:
    """Make sure of the directories that are written to."""
    wanted = [("STATE_DIR", settings.state_dir, 0o750), ("IMAGES_BASE_DIR", settings.images_base_dir, 0o755)]
    if settings.log_target == "file":
        wanted.append(("LOGGING_BASE_DIR", settings.logging_base_dir, 0o750))
    for setting, path, mode in wanted:
        privileges.make_directory(path, mode=mode, account=account, setting=setting)
        if setting != "IMAGES_BASE_DIR":  # a library that can only be read can be served all the same
            with privileges.acting_as(account):
                privileges.check_writable(path, setting=setting)
