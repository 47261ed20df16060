"""Reading settings from environment variables: ``QIS_<NAME>``, or ``QIS_<NAME>_FILE`` for a file with the value."""

from __future__ import annotations

import re
import stat
from collections.abc import Mapping
from pathlib import Path

from qisd.settings.found import ENVIRONMENT_RANK, Findings, Found, quoted, unknown
from qisd.settings.model import DROPPED, MODEL

PREFIX = "QIS_"

_NOT_SETTINGS = frozenset(
    {"QIS_SETTINGS", "QIS_HOSTNAME", "QIS_DATA_DIR", "QIS_DB_PASSWORD", "QIS_HOME", "QIS_SAMPLES"}
)

# What Kubernetes sets in every container for a service whose name begins with "qis".
_SERVICE = re.compile(
    r"QIS(_[A-Z0-9_]+)?_(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT_[0-9]+_(TCP|UDP|SCTP)(_[A-Z]+)?)"
)
_SERVICE_PORT = re.compile(r"QIS(_[A-Z0-9_]+)?_PORT")
_SERVICE_ADDRESS = re.compile(r"(tcp|udp|sctp)://.*")

# Container secrets are files in memory that only the container sees, so their mode says nothing.
_CONTAINER_SECRETS = Path("/run/secrets")


def read_environment(environ: Mapping[str, str]) -> Findings:
    """What the variables of ``environ`` give."""
    findings = Findings()
    for variable in sorted(environ):
        if not variable.startswith(PREFIX) or _is_noise(variable, environ[variable]):
            continue
        name = variable.removeprefix(PREFIX)
        source = name.removesuffix("_FILE") if name not in MODEL else name
        if source in DROPPED or name in DROPPED:
            dropped = name if name in DROPPED else source
            findings.warnings.append(f"environment: {variable}: is ignored: {DROPPED[dropped]}")
        elif source not in MODEL:
            reason = unknown(name, prefix=PREFIX)
            findings.fault(f"environment: {ascii(variable)[1:-1]}: {reason}", rank=ENVIRONMENT_RANK)
        else:
            _take(findings, environ, variable, source)
    return findings


def _is_noise(variable: str, value: str) -> bool:
    if variable in _NOT_SETTINGS or variable == "QIS_PORT" or _SERVICE.fullmatch(variable):
        return True
    return bool(_SERVICE_PORT.fullmatch(variable) and _SERVICE_ADDRESS.fullmatch(value))


def _take(findings: Findings, environ: Mapping[str, str], variable: str, name: str) -> None:
    """Read ``variable``, which gives the setting ``name`` or the file that holds it."""
    where = f"environment: {variable}"
    text = environ[variable]
    setting = MODEL[name]
    if variable != PREFIX + name:
        if PREFIX + name in environ:
            findings.fault(f"{where}: {PREFIX}{name} is set as well; only one of them may be", rank=ENVIRONMENT_RANK)
            return
        # Somebody may have put the secret itself where the name of its file belongs.
        shown = "the file" if not text.startswith("/") and (setting.secret or not text) else ascii(text)[1:-1]
        try:
            text = _content(findings, Path(text), where, secret=setting.secret)
        except OSError as error:
            findings.fault(f"{where}: can't read {shown}: {error.strerror}", rank=ENVIRONMENT_RANK)
            return
        except ValueError:
            findings.fault(f"{where}: {shown} does not hold UTF-8 text", rank=ENVIRONMENT_RANK)
            return
    try:
        text.encode()
        value = setting.kind.read(text)
    except UnicodeEncodeError:
        findings.fault(f"{where}: is not UTF-8 text", rank=ENVIRONMENT_RANK)
    except ValueError as error:
        findings.fault(f"{where}: {error}{quoted(name, text)}", rank=ENVIRONMENT_RANK)
    else:
        findings.values.append(Found(name=name, value=value, origin="env", where=where, rank=ENVIRONMENT_RANK))


def _content(findings: Findings, path: Path, where: str, *, secret: bool) -> str:
    """The text of the file at ``path`` without its last line break.

    :raises OSError: it can't be read.
    :raises ValueError: it is not UTF-8 text.
    """
    text = path.read_bytes().decode()
    if secret and path.stat().st_mode & stat.S_IROTH and _CONTAINER_SECRETS not in path.parents:
        findings.warnings.append(f"{where}: everybody on this machine can read {path}")
    return text.removesuffix("\n").removesuffix("\r") if text.endswith("\n") else text
