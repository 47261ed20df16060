"""What twistd asks for: the options of ``twistd qis``, and the service that they make."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

import attrs
from twisted.application.service import IService

from qisd.errors import SettingsError
from qisd.service.crew import Crew
from qisd.service.daemon import Body, Daemon
from qisd.service.house import House
from qisd.service.manager import Manager
from qisd.service.options import Options
from qisd.service.staffing import Station
from qisd.service.worker import Worker
from qisd.settings import LoadedSettings, Settings, load_settings
from qisd.web.access import AccessLog

__all__ = ["Options", "makeService"]


def makeService(options: Options) -> IService:  # noqa: N802
    """The daemon as a service. Reads the settings and nothing else: no sockets, threads or files yet.

    :raises SystemExit: the settings can't be used (2), or were only to be checked.
    """
    from twisted.internet import reactor

    if options["worker"]:
        return Worker(Station.of(options["worker"]), reactor=reactor)
    command = [sys.executable, str(Path(sys.argv[0]).absolute()), "-n", "--pidfile=", "qis"]
    file, environ = options.settings_file, options.environ(os.environ)
    if options["check"]:
        # Here, since the commands are half of the modules: every worker would load them at its start.
        from qisd.cli.main import main as qis

        os.environ.update(environ)
        raise SystemExit(qis(["check", *(["--settings", str(file)] if file else [])]))
    try:
        loaded = _load(file, environ)
    except SettingsError as error:
        sys.stderr.writelines(f"{fault}\n" for fault in error.faults)
        raise SystemExit(SettingsError.exit_code) from None

    def load() -> LoadedSettings:
        return _load(file, environ)

    def body(settings: Settings, access_log: AccessLog) -> Body:
        if options["single-process"]:
            return House(settings, reactor=reactor, access_log=access_log)
        return Crew(settings, reactor=reactor, command=command)

    manager = Manager.of(os.environ)
    title = "server" if options["single-process"] else "supervisor"
    return Daemon(
        loaded, load=load, body=body, title=title, reactor=reactor, twistd=options.parent or {}, manager=manager
    )


def _load(file: Path | None, environ: Mapping[str, str]) -> LoadedSettings:
    """The settings. An address that no worker would accept on is none: its clients would wait for ever."""
    loaded = load_settings(file, environ)
    settings = loaded.settings
    if settings.http_processes == 0:
        settings = attrs.evolve(settings, http_listen=())
    if settings.https_processes == 0:
        settings = attrs.evolve(settings, https_listen=())
    return attrs.evolve(loaded, settings=settings)
