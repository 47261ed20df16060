"""What may be said on the command line, after ``twistd qis``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from twisted.python import usage

from qisd import __version__

_OVERRIDES = {"http": "QIS_HTTP_LISTEN", "https": "QIS_HTTPS_LISTEN", "state-dir": "QIS_STATE_DIR"}


class Options(usage.Options):
    """The flags of ``twistd qis``. Everything else is a setting."""

    synopsis = "[options]"
    longdesc = f"qisd {__version__}, a dynamic image server. Settings are explained by `qis settings explain NAME`."

    optParameters = [  # noqa: RUF012 - twisted's way to declare them
        ["settings", None, None, "Local settings file, in place of /etc/qis/local_settings.toml."],
        ["http", None, None, "Where to accept HTTP, such as 127.0.0.1:8080, in place of HTTP_LISTEN."],
        ["https", None, None, "Where to accept HTTPS, in place of HTTPS_LISTEN."],
        ["state-dir", None, None, "Where the server keeps what it needs for itself, in place of STATE_DIR."],
        ["worker", None, None, "How the server starts its own workers. Not for use by hand."],
    ]
    optFlags = [  # noqa: RUF012
        ["check", None, "Check settings, files and certificates, and end."],
        ["single-process", None, "Run everything in one process, without workers."],
    ]

    def postOptions(self) -> None:  # noqa: N802
        """Keep twistd from writing a log of its own, unless it was told to."""
        twistd = self.parent
        if twistd is not None and not any(twistd.get(name) for name in ("logger", "logfile", "syslog")):
            twistd["logger"] = "qisd.service.console.first_observer"

    @property
    def settings_file(self) -> Path | None:
        """The file that ``--settings`` names, absolute: twistd changes its directory when it becomes a daemon."""
        return Path(self["settings"]).absolute() if self["settings"] else None

    def environ(self, environ: Mapping[str, str]) -> dict[str, str]:
        """``environ`` with the flags in it as the variables that they stand for."""
        merged = dict(environ)
        for flag, variable in _OVERRIDES.items():
            if self[flag] is not None:
                merged.pop(f"{variable}_FILE", None)
                merged[variable] = str(Path(self[flag]).absolute()) if flag == "state-dir" else self[flag]
        return merged
