"""Turns the settings of a QIS into ours: the same names, in TOML, checked as ours are.

Its ``local_settings.py`` is read without being run, with ``base_settings.py`` for the names that it builds upon. What
QIS leaves to the web server comes from the latter's files.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import attrs

from qisd.cli.qis_apache import ApacheFacts
from qisd.cli.qis_python import PythonSettings, read_python
from qisd.errors import SettingsError
from qisd.settings import load_settings
from qisd.settings.base import base_entries
from qisd.settings.kinds import Mode, toml_text
from qisd.settings.model import DROPPED, MODEL, is_secret

LOCAL = Path("conf/local_settings.py")
"""Where the settings are below the directory of the installation."""

_BASES = ("src/imageserver/conf/base_settings.py", "conf/base_settings.py", "imageserver/conf/base_settings.py")
_USUAL_ROOT = "/opt/qis/"

_ITS_OWN = "this server brings its own"
_MOVED = {
    "MGMT_DATABASE_CONNECTION": "leads to the database of QIS, whose contents are imported",
    "INSTALL_DIR": _ITS_OWN,
    "DOCS_BASE_DIR": _ITS_OWN,
}
"""Settings that are not taken on purpose, and why; besides those that we dropped."""

_HEAD = "# Made by `qis import-qis` from the settings of a QIS in"


@attrs.frozen(kw_only=True)
class Omitted:
    """Something in the files of the QIS that isn't taken.

    :param place: file and line.
    :param name: the setting; empty for a statement that isn't one.
    :param expected: it has no meaning here, so that nobody needs to look.
    """

    place: str
    name: str
    reason: str
    expected: bool


@attrs.frozen(kw_only=True)
class QisSettings:
    """The settings of a QIS, as far as they have a meaning here.

    :param values: by name, as TOML has them, in our order; those alone that differ from our defaults.
    :param database_url: where its database is; None when the settings don't say.
    :param images_dir: its image library; ``exports_dir`` the place of zips inside of it.
    """

    root: Path
    values: Mapping[str, object]
    omitted: tuple[Omitted, ...]
    database_url: str | None
    images_dir: Path
    exports_dir: str

    def toml(self, *, secrets: bool) -> str:
        """The text of a local settings file. Without ``secrets``, the lines that hold one are comments."""
        lines = [f"{_HEAD} {self.root}", ""]
        for name, value in self.values.items():
            hidden = is_secret(name) and not secrets
            lines.append(f"# {name} is not shown here" if hidden else f"{name} = {toml_text(value)}")
        return "\n".join(lines) + "\n"


def read_qis_settings(root: Path, *, apache: ApacheFacts, keep_library: bool) -> QisSettings:
    """The settings of the QIS in the directory ``root``.

    :param keep_library: whether its image library is to be used where it is.
    :raises ValueError: the settings file is no Python.
    :raises OSError: it can't be read.
    """
    base = _read(_base_file(root))
    local = _read(root / LOCAL, {name: one.value for name, one in base.values.items()})
    return _Conversion(root, base, local, apache).run(keep_library=keep_library)


def _base_file(root: Path) -> Path | None:
    return next((root / name for name in _BASES if (root / name).is_file()), None)


def _read(path: Path | None, before: Mapping[str, object] | None = None) -> PythonSettings:
    if path is None or not path.exists():
        return PythonSettings()
    try:
        return read_python(path.read_bytes(), before=before)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


class _Conversion:
    def __init__(self, root: Path, base: PythonSettings, local: PythonSettings, apache: ApacheFacts) -> None:
        self._root = root
        self._base = base
        self._local = local
        self._apache = apache
        self._values: dict[str, object] = {}
        self._omitted: list[Omitted] = []

    def run(self, *, keep_library: bool) -> QisSettings:
        for unread in self._local.unread:
            self._omit(self._place(unread.line), unread.name, unread.reason)
        for name, assigned in self._local.values.items():
            self._setting(name, assigned.value, self._place(assigned.line))
        self._web_server()
        images_dir = self._directory("IMAGES_BASE_DIR", "images/")
        self._values.pop("IMAGES_BASE_DIR", None)
        if keep_library:
            self._values["IMAGES_BASE_DIR"] = str(images_dir)
        self._check()
        url = self._effective("MGMT_DATABASE_CONNECTION")
        exports = self._effective("FOLIO_EXPORTS_DIR")
        return QisSettings(
            root=self._root,
            values={name: self._values[name] for name in MODEL if name in self._values},
            omitted=tuple(self._omitted),
            database_url=url if isinstance(url, str) and url else None,
            images_dir=images_dir,
            exports_dir=exports if isinstance(exports, str) and exports else ".folio_exports",
        )

    def _place(self, line: int) -> str:
        return f"{self._root / LOCAL}:{line}"

    def _omit(self, place: str, name: str, reason: str, *, expected: bool = False) -> None:
        self._omitted.append(Omitted(place=place, name=name, reason=reason, expected=expected))

    def _effective(self, name: str) -> object:
        """The value that holds in QIS: the local one, else that of the base file; None if it isn't known."""
        if name in self._local.values:
            return self._local.get(name)
        return None if any(unread.name == name for unread in self._local.unread) else self._base.get(name)

    def _directory(self, name: str, usual: str) -> Path:
        """A directory of QIS; one inside of its own is where that is now, should it have been moved."""
        value = self._effective(name)
        path = Path(value if isinstance(value, str) and value else self._install_dir() / usual)
        if path.is_relative_to(self._install_dir()):
            return self._root / path.relative_to(self._install_dir())
        return path if path.is_absolute() else self._root / path

    def _install_dir(self) -> Path:
        value = self._effective("INSTALL_DIR")
        return Path(value if isinstance(value, str) and value else _USUAL_ROOT)

    def _setting(self, name: str, value: object, place: str) -> None:
        if name == "STATS_SERVER" and value == "":
            self._values["STATS_ENABLED"] = False
        elif name in _MOVED:
            self._omit(place, name, _MOVED[name], expected=True)
        elif name in DROPPED:
            self._omit(place, name, DROPPED[name], expected=True)
        elif name == "SECRET_KEY" and name in self._base.values and value == self._base.get(name):
            self._omit(place, name, "is the key that every QIS comes with; a new one is made")
        elif name.endswith("_DIR") and self._is_inside(value) and name != "IMAGES_BASE_DIR":
            self._omit(place, name, "is inside the directory of QIS", expected=True)
        elif name in MODEL:
            self._take(name, value, place)
        elif name.isupper() and self._base.values and name not in self._base.values:
            self._omit(place, name, "QIS has no such setting either", expected=True)
        elif name.isupper():
            self._omit(place, name, "there is no such setting here")

    def _is_inside(self, value: object) -> bool:
        return isinstance(value, str) and Path(value).is_relative_to(self._install_dir())

    def _take(self, name: str, value: object, place: str) -> None:
        kind = MODEL[name].kind
        try:
            plain = _TRANSLATED.get(name, _plain)(value)
            if isinstance(kind, Mode) and isinstance(plain, int):
                plain = f"{plain:04o}"
            if name == "IMAGE_FORMATS":
                plain = self._formats(plain)
            converted = kind.convert(plain)
        except ValueError as error:
            self._omit(place, name, f"{error}")
            return
        self._values.pop(name, None)
        if converted != kind.convert(base_entries()[name].default):
            self._values[name] = kind.plain(converted)

    def _formats(self, table: object) -> object:
        """Our table is added to, that of QIS is replaced: what was left out of it there has to go here."""
        before = self._base.get("IMAGE_FORMATS")
        if not isinstance(table, dict) or not isinstance(before, dict):
            return table
        changed = {name: entry for name, entry in table.items() if before.get(name) != entry}
        return {**changed, **{name: False for name in before if name not in table}}

    def _web_server(self) -> None:
        facts = self._apache
        found = {
            "PUBLIC_HOST_NAME": facts.server_name,
            "SERVER_ALIASES": facts.aliases,
            "HTTP_PROCESSES": facts.processes.get("http"),
            "HTTPS_PROCESSES": facts.processes.get("https"),
            "HTTP_THREADS": facts.threads.get("http"),
            "HTTPS_THREADS": facts.threads.get("https"),
            "TLS_CERTIFICATE_FILE": facts.certificate,
            "TLS_PRIVATE_KEY_FILE": facts.key,
            "TLS_CHAIN_FILE": facts.chain,
        }
        place = ", ".join(str(path) for path in facts.files)
        for name, value in found.items():
            if not value or self._local.get(name):
                continue
            if name in MODEL:
                self._take(name, value, place)
            else:
                self._omit(place, name, f"there is no such setting here; it is {toml_text(value)}", expected=True)

    def _check(self) -> None:
        """Have the whole read as our own files are; whatever doesn't fit is left out."""
        while True:
            faults = _faults({name: toml_text(value) for name, value in self._values.items()})
            faulty = {name: reason for name, reason in faults if name in self._values}
            for name, reason in faulty.items():
                del self._values[name]
                self._omit(str(self._root), name, reason)
            if not faulty:
                return


def _faults(lines: Mapping[str, str]) -> list[tuple[str, str]]:
    """Name and reason of each setting of a file with these ``lines`` that is refused."""
    with tempfile.TemporaryDirectory(prefix="qis-") as directory:
        path = Path(directory) / "local_settings.toml"
        path.touch(mode=0o600)
        path.write_text("".join(f"{name} = {text}\n" for name, text in lines.items()), encoding="utf-8")
        try:
            load_settings(path, {})
        except SettingsError as error:
            found = [fault.split(": ", 2) for fault in error.faults]
            return [(parts[1], parts[2].replace(os.fspath(path), "it")) for parts in found if len(parts) == 3]
    return []


def _plain(value: object) -> object:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def _key(value: object) -> object:
    return f"hex:{value.hex()}" if isinstance(value, bytes) else value


def _addresses(value: object) -> object:
    """A list that QIS takes as one text, too."""
    return [word.strip() for word in value.split(",") if word.strip()] if isinstance(value, str) else value


_TRANSLATED: Mapping[str, Callable[[object], object]] = {
    "SECRET_KEY": _key,
    "MEMCACHED_SERVERS": _addresses,
    "PROXY_ADDRESSES": _addresses,
}
