"""The process: what it does as root, how it comes up and goes down, and what it does on signals."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from qisd.access import privileges
from qisd.access.account import Account, account_for
from qisd.access.certificates import CertificateError
from qisd.access.secret_key import resolve_secret_key
from qisd.errors import SettingsError, StartupError
from qisd.service import signals
from qisd.service.allocator import give_memory_back
from qisd.service.certificates import Certificates, load_certificates
from qisd.service.console import Console
from qisd.service.diagnostics import overview
from qisd.service.exit_status import ExitStatus, stuck_threads
from qisd.service.house import House
from qisd.service.listeners import bind_all
from qisd.service.logs import Logs
from qisd.service.reload import reload
from qisd.service.tls import ContextHolder, make_context
from qisd.settings import LoadedSettings, Settings

_log = Logger()

_UMASK = 0o027

# Seconds for which a thread may keep the interpreter while another one wants it. Python's own 5 ms would be felt in
# every cached answer while images are rendered.
_SWITCH_INTERVAL = 0.001
_FILES_WANTED = 65536
_FILES_LEAST = 4096
_FAULT = 1
_BAD_SETTINGS = 2


class Daemon(Service):
    """Runs a :class:`~qisd.service.house.House` as a process of the operating system.

    :param load: reads the settings again, for a reload.
    :param twistd: the options of twistd.
    """

    name = "qis"

    def __init__(
        self,
        loaded: LoadedSettings,
        *,
        load: Callable[[], LoadedSettings],
        reactor: Any,
        twistd: Mapping[str, Any],
    ) -> None:
        self.settings = loaded.settings
        self.started_with = loaded.settings
        self.logs: Logs
        self.house: House
        self.certificates: Certificates | None = None
        self.tls: ContextHolder | None = None
        self._loaded = loaded
        self._load = load
        self._reactor = reactor
        self._twistd = twistd
        self._exit = ExitStatus()
        self._starting: Deferred[None] | None = None
        self._reloading: Deferred[None] | None = None
        self._reload_again = False
        self._signals_to_stop = 0

    # Up

    def privilegedStartService(self) -> None:  # noqa: N802
        """Do what may need root, then become an ordinary user. The reactor does not run yet."""
        super().privilegedStartService()  # type: ignore[no-untyped-call]
        self._exit.install()
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
        os.umask(_UMASK)
        sys.setswitchinterval(_SWITCH_INTERVAL)
        give_memory_back()
        if privileges.raise_file_limit(wanted=_FILES_WANTED) < _FILES_LEAST:
            _log.warn("fewer than {least} files may be open at once: raise the limit (nofile)", least=_FILES_LEAST)
        account = account_for(settings)
        _directories(settings, account)
        console = Console(sys.__stderr__, quiet=settings.log_target == "stdout")
        self.logs = Logs(settings, self._reactor, console=console)
        with privileges.acting_as(account):
            self.logs.open()
        for warning in self._loaded.warnings:
            _log.warn("{warning}", warning=warning)
        http = bind_all(settings.http_listen, setting="HTTP_LISTEN")
        https = bind_all(settings.https_listen, setting="HTTPS_LISTEN")
        if https and settings.tls_certificate_file is not None:
            self.certificates = load_certificates(settings, previous=None)
        privileges.become(account)
        privileges.check_program()
        resolve_secret_key(settings)
        if https:
            # One that has to be made is made, and kept, as the user who will have to read it again.
            self.certificates = self.certificates or load_certificates(settings, previous=None)
            self.tls = ContextHolder(make_context(self.certificates, settings))
        self.house = House(settings, reactor=self._reactor, logs=self.logs)
        self._bound = http, https

    def _give_up(self, error: Exception, code: int) -> NoReturn:
        if self._twistd.get("statusPipe") is None:
            raise SystemExit(code)
        # Gone into the background: twistd passes the text of an exception on to the process that is waiting in the
        # foreground, and would leave it waiting after a SystemExit. The traceback is of no interest to anybody.
        sys.excepthook = lambda *_: None
        raise error

    def startService(self) -> None:  # noqa: N802
        super().startService()  # type: ignore[no-untyped-call]
        self.house.listen(*self._bound, self.tls)
        self._reactor.callWhenRunning(self._begin)

    def _begin(self) -> None:
        signals.install(
            self._reactor,
            {
                signal.SIGTERM: self._asked_to_stop,
                signal.SIGINT: self._asked_to_stop,
                signal.SIGHUP: self._asked_to_reload,
                signal.SIGUSR1: self._asked_to_reopen,
                signal.SIGUSR2: self._asked_to_tell,
            },
        )
        self._starting = Deferred.fromCoroutine(self._start())
        self._starting.addErrback(self._start_failed)

    async def _start(self) -> None:
        await self.house.start()
        _log.info("{line}", line=self.house.started_line(self._loaded.file), console=True)

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
        if self._starting is not None:
            self._starting.cancel()
        if self._reloading is not None:
            self._reloading.cancel()
        try:
            await self.house.stop()
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

    def _asked_to_stop(self) -> None:
        self._stop()
        if self._signals_to_stop == 2:
            self.house.hurry()
        elif self._signals_to_stop > 2:
            os._exit(_FAULT)

    # While it runs

    def _asked_to_reload(self) -> None:
        """Reload in the background; a signal that comes meanwhile makes it happen once more."""
        self._reload_again = True
        if self._reloading is None:
            self._reloading = Deferred.fromCoroutine(self._reload_until_done())
            self._reloading.addErrback(lambda failure: failure.trap(CancelledError) and None)

    async def _reload_until_done(self) -> None:
        try:
            while self._reload_again:
                self._reload_again = False
                try:
                    await reload(self, self._load)
                except CancelledError:
                    raise
                except Exception:
                    _log.failure("the reload failed; what it had not reached yet stays as it was")
        finally:
            self._reloading = None

    def _asked_to_reopen(self) -> None:
        self.logs.reopen()
        _log.info("Reopened the log files")

    def _asked_to_tell(self) -> None:
        site = self.house.site
        lines = overview(
            requests=site.pending_requests(), renders=self.house.renders_pending(), connections=site.connection_count
        )
        _log.info("What this process is doing:", lines=lines)


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
