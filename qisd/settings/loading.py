"""Loading the settings: base file, what the package found, local file, environment; later ones win."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import attrs

from qisd.errors import SettingsError
from qisd.settings.base import FILE_NAME, base_entries, share_dir
from qisd.settings.checks import CHECKS
from qisd.settings.environment import read_environment
from qisd.settings.files import read_file
from qisd.settings.found import Findings, Found, quoted
from qisd.settings.model import MODEL, Settings

DEFAULT_FILE = Path("/etc/qis/local_settings.toml")

PACKAGE_FILE = Path("/etc/qis/package_settings.toml")
"""What the Debian package found on the machine when it was installed. It is for the server of the usual file only."""


@attrs.frozen(kw_only=True)
class LoadedSettings:
    """Settings with what is known about them.

    :param origins: by name: "base", "file:line" or "env".
    :param warnings: one line each, with place and setting.
    :param file: the local file that was read, if there was one.
    """

    settings: Settings
    origins: Mapping[str, str]
    warnings: tuple[str, ...]
    file: Path | None


def load_settings(path: Path | None, environ: Mapping[str, str]) -> LoadedSettings:
    """Read and check all settings.

    :param path: the local file; None for the one that ``QIS_SETTINGS`` names, or else the usual one, which may be
        missing.
    :raises SettingsError: with every fault that was found.
    """
    named = path or (Path(environ["QIS_SETTINGS"]) if environ.get("QIS_SETTINGS") else None)
    file: Path | None = named or DEFAULT_FILE
    findings = _base()
    if file == DEFAULT_FILE:
        with contextlib.suppress(FileNotFoundError):
            findings.add(read_file(PACKAGE_FILE))
    try:
        findings.add(read_file(file or DEFAULT_FILE))
    except FileNotFoundError:
        if named:
            findings.fault(f"{named}: there is no such file", rank=0)
        file = None
    findings.add(read_environment(environ))
    return _build(findings, file)


def default_settings() -> Settings:
    """The settings when nothing is set anywhere."""
    return _build(_base(), None).settings


def _base() -> Findings:
    entries = base_entries().values()
    return Findings(
        [Found(name=e.name, value=e.default, origin="base", where=f"{FILE_NAME}: {e.name}", rank=0) for e in entries]
    )


def _build(findings: Findings, file: Path | None) -> LoadedSettings:
    """Convert the values that were found, later ones over earlier ones, and check them together."""
    faulty: set[str] = set()
    values: dict[str, Any] = {}
    places: dict[str, Found] = {}
    for found in findings.values:
        try:
            value = MODEL[found.name].kind.convert(found.value)
        except ValueError as error:
            findings.fault(f"{found.where}: {error}{quoted(found.name, found.value)}", rank=found.rank)
            faulty.add(found.name)
            continue
        if found.name == "IMAGE_FORMATS":
            value = MappingProxyType({**values.get(found.name, {}), **value})
        values[found.name] = value
        places[found.name] = found
    _fill_in(values, places)

    settings = Settings(**{setting.attribute: values[name] for name, setting in MODEL.items()})
    for names, check in CHECKS.items():
        if not faulty.intersection(names):
            for name, reason in check(settings):
                findings.fault(f"{places[name].where}: {reason}", rank=places[name].rank)
    if findings.faults:
        raise SettingsError([text for _, text in sorted(findings.faults, key=lambda fault: fault[0])])
    return LoadedSettings(
        settings=settings,
        origins=MappingProxyType({name: places[name].origin for name in MODEL}),
        warnings=tuple(findings.warnings),
        file=file,
    )


def _fill_in(values: dict[str, Any], places: Mapping[str, Found]) -> None:
    """Settle the values that depend on others and on what is on this machine."""
    if places["INSTALL_DIR"].origin == "base" and not values["INSTALL_DIR"].is_dir():
        values["INSTALL_DIR"] = share_dir()
    if values["ICC_BASE_DIR"] == Path():
        values["ICC_BASE_DIR"] = values["INSTALL_DIR"] / "icc"
    certificate = values["TLS_CERTIFICATE_FILE"]
    if certificate and not values["TLS_PRIVATE_KEY_FILE"] and _holds_private_key(certificate):
        values["TLS_PRIVATE_KEY_FILE"] = certificate


def _holds_private_key(path: Path) -> bool:
    try:
        return b"PRIVATE KEY-----" in path.read_bytes()
    except OSError:
        return False
