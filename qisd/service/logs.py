"""The logs ``qis.log``, ``access.log`` and ``audit.log``: opened, reopened, and changed while the daemon runs."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import attrs
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import ILogObserver, LogEvent, Logger, LogLevel, globalLogPublisher
from zope.interface import implementer

from qisd.service.access_log import FORMATS
from qisd.service.console import Console, first_observer
from qisd.service.log_outlets import Journal, LogFile, Outlet, StandardOutput
from qisd.service.log_records import Record, journal_datagram, json_line, record_of, text_lines
from qisd.settings import LogLevels, Settings
from qisd.web.access import AccessEntry

_log = Logger()

PROCESS = "qis"
FILES = ("qis.log", "access.log", "audit.log")
_FLUSH_EVERY = 1.0
_LOOK_EVERY = 5.0
_FLUSH_BYTES = 64 * 1024
_MEGABYTE = 1024 * 1024


@implementer(ILogObserver)
class Logs:
    """Everything that is logged passes here. :meth:`open` once; :meth:`configure` for other settings.

    ``LOG_TARGET`` and ``LOGGING_BASE_DIR`` are those of the start. With ``stdout`` and ``journal`` the lines of the
    access log and the audit log go there, too.

    :param console: the terminal.
    :param process: what this process is called there.
    :param rotates: whether it begins new files when they get too large; of several processes that write to the same
        ones only one does.
    :ivar rotated: called when it has done so: others must reopen them then.
    """

    def __init__(
        self,
        settings: Settings,
        reactor: IReactorTime,
        *,
        console: Console,
        process: str = PROCESS,
        rotates: bool = True,
    ) -> None:
        self._reactor = reactor
        self._console = console
        self._process = process
        self._rotates = rotates
        self.rotated: Callable[[], None] = lambda: None
        self._is_open = False
        self._watch = LoopingCall(self._look)
        self._watch.clock = reactor
        self._journal = Journal() if settings.log_target == "journal" else None
        self._application: Outlet | None = None
        self._access: Outlet | None = None
        self._audit: Outlet | None = None
        if settings.log_target == "file":
            self._files = [_file(settings.logging_base_dir / name, settings) for name in FILES]
            self._application, self._access, self._audit = self._files
        else:
            self._files = []
            if settings.log_target == "stdout":
                self._application = self._access = self._audit = StandardOutput()
        self._waiting: list[str] = []
        self._waiting_bytes = 0
        self._flush_later: IDelayedCall | None = None
        self.configure(settings)

    def configure(self, settings: Settings) -> None:
        """Go by other settings from now on."""
        self._levels = settings.log_level
        self._json = settings.log_format == "json"
        self._access_format = FORMATS.get(settings.access_log)
        for file in self._files:
            file.configure(max_bytes=settings.log_max_mb * _MEGABYTE if self._rotates else 0, keep=settings.log_keep)

        self._limited = self._rotates and bool(self._files) and settings.log_max_mb > 0
        self._keep_watch()

    def set_levels(self, levels: LogLevels) -> None:
        """Go by these levels, until :meth:`configure` says something else."""
        self._levels = levels

    def _keep_watch(self) -> None:
        wanted = self._is_open and self._limited
        if wanted and not self._watch.running:
            self._watch.start(_LOOK_EVERY, now=False)
        elif self._watch.running and not wanted:
            self._watch.stop()

    def open(self) -> None:
        """Open the files and begin to observe.

        :raises StartupError: they can't be written, or there is no journal.
        """
        for file in self._files:
            file.open()
        if self._journal is not None:
            self._journal.open()
        self._is_open = True
        self._keep_watch()
        first_observer().end()
        globalLogPublisher.addObserver(self)

    def reopen(self) -> None:
        """Open the files by their names again; done after they were renamed."""
        self.flush()
        for file in self._files:
            try:
                file.reopen()
            except OSError as error:
                _log.error("a log file can't be reopened: {reason}", reason=error)

    def close(self) -> None:
        """Write what is waiting, and end."""
        self.flush()
        self._is_open = False
        self._keep_watch()
        globalLogPublisher.removeObserver(self)
        for file in self._files:
            file.close()

    def __call__(self, event: LogEvent) -> None:
        record = record_of(event)
        if "audit" in event:  # of whatever level
            self._write_audit(record)
            return
        if record.level < LogLevel.levelWithName(self._levels.of(record.area)):
            return
        if self._journal is not None:
            self._journal.send(journal_datagram(record, identifier=self._process))
        elif self._application is not None:
            self._application.write(self._line(record))
        self._console.write(event, record)

    def _write_audit(self, record: Record) -> None:
        if self._audit is not None:
            self._audit.write(f"{record.text}\n")
        elif self._journal is not None:
            self._journal.send(journal_datagram(attrs.evolve(record, area="audit"), identifier=self._process))

    def _line(self, record: Record) -> str:
        pid = os.getpid()
        if self._json:
            return json_line(record, process=self._process, pid=pid)
        return text_lines(record, process=f"{self._process}_{pid}")

    def _look(self) -> None:
        """Begin new files where others have written too much into the old ones."""
        begun = [file.begin_anew_if_large() for file in self._files]
        if any(begun):
            self.rotated()

    # The access log: what qisd.web calls for each request

    def write(self, entry: AccessEntry) -> None:
        """Note a finished request. Lines are gathered and written every second."""
        if self._access_format is None:
            return
        line = self._access_format(entry)
        self._waiting.append(line)
        self._waiting_bytes += len(line)
        if self._waiting_bytes >= _FLUSH_BYTES:
            self.flush()
        elif self._flush_later is None:
            self._flush_later = self._reactor.callLater(_FLUSH_EVERY, self.flush)

    def flush(self) -> None:
        """Write the lines that are waiting."""
        if self._flush_later is not None:
            if self._flush_later.active():
                self._flush_later.cancel()
            self._flush_later = None
        lines, self._waiting, self._waiting_bytes = self._waiting, [], 0
        if not lines:
            return
        if self._access is not None:
            self._access.write("".join(lines))
        elif self._journal is not None:
            for line in lines:
                self._journal.send(journal_datagram(_access_record(line, self._reactor), identifier=self._process))


def _file(path: Path, settings: Settings) -> LogFile:
    return LogFile(path, max_bytes=settings.log_max_mb * _MEGABYTE, keep=settings.log_keep)


def _access_record(line: str, reactor: IReactorTime) -> Record:
    return Record(time=reactor.seconds(), level=LogLevel.info, area="access", text=line.rstrip("\n"))
