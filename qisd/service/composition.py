"""What twistd asks for: the options of ``twistd qis``, and the service that they make."""

from __future__ import annotations

import os
import sys

from twisted.application.service import IService

from qisd.cli.main import main as qis
from qisd.errors import SettingsError
from qisd.service.daemon import Daemon
from qisd.service.options import Options
from qisd.settings import LoadedSettings, load_settings

__all__ = ["Options", "makeService"]


def makeService(options: Options) -> IService:  # noqa: N802
    """The daemon as a service. Reads the settings and nothing else: no sockets, threads or files yet.

    :raises SystemExit: the settings can't be used (2), or were only to be checked.
    """
    from twisted.internet import reactor

    file, environ = options.settings_file, options.environ(os.environ)
    if options["check"]:
        os.environ.update(environ)
        raise SystemExit(qis(["check", *(["--settings", str(file)] if file else [])]))
    try:
        loaded = load_settings(file, environ)
    except SettingsError as error:
        sys.stderr.writelines(f"{fault}\n" for fault in error.faults)
        raise SystemExit(SettingsError.exit_code) from None

    def load() -> LoadedSettings:
        return load_settings(file, environ)

    return Daemon(loaded, load=load, reactor=reactor, twistd=options.parent or {})
