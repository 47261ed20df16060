"""Kinds of settings that are, or may be, tables: log levels, file formats, directories for uploads."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

import attrs

from qisd.settings.kinds import CONTROL, Choice, Kind, inline_toml

# Of strftime's codes those that give one name: %D has slashes in it, %n a line break.
_CODES = "YyGmbBdjFUVWuwaAHIMSp%"
_DATED = re.compile(rf"([^%]|%[{_CODES}])+")


@attrs.frozen
class LogLevels:
    """The least level that is logged: ``default``, except in the areas that have one of their own."""

    default: str = "info"
    areas: Mapping[str, str] = MappingProxyType({})

    def of(self, area: str) -> str:
        """The level for ``area``, a dotted name; an area without a level has that of the area above it."""
        while area and area not in self.areas:
            area = area.rpartition(".")[0]
        return self.areas.get(area, self.default)


@attrs.frozen
class Levels(Kind[LogLevels]):
    """One log level, or a table of levels by area."""

    levels: tuple[str, ...] = ("debug", "info", "warn", "error")

    def convert(self, value: object) -> LogLevels:
        if isinstance(value, str):
            return LogLevels(self._level(value))
        if not isinstance(value, dict):
            raise ValueError(f"must be {self.describe()}")
        areas = {}
        for area, level in value.items():
            if not re.fullmatch(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*", area):
                raise ValueError('names of areas are lower-case words, such as "images"')
            areas[area] = self._level(level)
        return LogLevels(areas.pop("default", "info"), MappingProxyType(areas))

    def _level(self, value: object) -> str:
        if value == "warning":
            return "warn"
        if not isinstance(value, str) or value not in self.levels:
            raise ValueError(f"must be {self.describe()}")
        return value

    def describe(self) -> str:
        return Choice(self.levels).describe() + ", or a table by area"

    def read(self, text: str) -> object:
        return inline_toml(text) if text.strip().startswith("{") else text.strip().lower()

    def plain(self, value: LogLevels) -> object:
        return {"default": value.default, **value.areas} if value.areas else value.default


FormatOverrides = Mapping[str, tuple[str, str] | Literal[False]]
"""By file extension in lower case: name and MIME type, or False for a format that is not to be served."""


@attrs.frozen
class Formats(Kind[FormatOverrides]):
    """Additions to and removals from the table of file formats."""

    def convert(self, value: object) -> FormatOverrides:
        if not isinstance(value, dict):
            raise ValueError(f"must be a {self.describe()}")
        formats: dict[str, tuple[str, str] | Literal[False]] = {}
        for extension, entry in value.items():
            if not re.fullmatch(r"[a-z0-9]{1,10}", extension):
                raise ValueError("extensions are 1 to 10 lower-case letters and digits, without the dot")
            formats[extension] = False if entry is False else self._entry(extension, entry)
        return MappingProxyType(formats)

    def _entry(self, extension: str, entry: object) -> tuple[str, str]:
        if isinstance(entry, list) and len(entry) == 2 and all(isinstance(text, str) for text in entry):
            name, mime = entry
            if name and not CONTROL.search(name) and re.fullmatch(r"[a-z]+/[a-z0-9][a-z0-9.+-]*", mime):
                return name, mime
        raise ValueError(f'{extension} must be [name, MIME type], such as ["WebP", "image/webp"], or false')

    def describe(self) -> str:
        return "table of extension = [name, MIME type], or extension = false"

    def read(self, text: str) -> object:
        return inline_toml(text)

    def plain(self, value: FormatOverrides) -> object:
        return {extension: list(entry) if entry else False for extension, entry in value.items()}


UploadDirs = tuple[tuple[str, str], ...]
"""Label and path; the path is relative to the image library and may hold codes of strftime."""


@attrs.frozen
class UploadDirectories(Kind[UploadDirs]):
    """Directories that are offered for uploads, each with its label."""

    def convert(self, value: object) -> UploadDirs:
        if not isinstance(value, list):
            raise ValueError(f"must be a {self.describe()}")
        pairs: list[tuple[str, str]] = []
        for number, item in enumerate(value, start=1):
            label, path = self._pair(number, item)
            if any(label == other for other, _ in pairs):
                raise ValueError(f"entry {number} has the label of an earlier one")
            pairs.append((label, path))
        return tuple(pairs)

    def _pair(self, number: int, item: object) -> tuple[str, str]:
        if not isinstance(item, list) or len(item) != 2 or not all(isinstance(text, str) for text in item):
            raise ValueError(f'entry {number} must be [label, path], such as ["Samples", "samples"]')
        label, path = item
        if not label.strip() or CONTROL.search(label):
            raise ValueError(f"entry {number} must have a label of one line")
        if CONTROL.search(path) or any(part == "" or part.startswith(".") for part in path.split("/")):
            raise ValueError(
                f"entry {number} must have a path inside the image library, without names that begin with ."
            )
        if not _DATED.fullmatch(path):
            raise ValueError(f"entry {number} must use % only for the codes {_CODES}")
        return label, path

    def describe(self) -> str:
        return "list of [label, path inside the image library]"

    def read(self, text: str) -> object:
        return inline_toml(text)

    def plain(self, value: UploadDirs) -> object:
        return [list(pair) for pair in value]
