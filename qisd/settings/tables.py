"""Kinds of settings that are, or may be, tables: log levels and file formats."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

import attrs

from qisd.settings.kinds import CONTROL, Choice, Kind, inline_toml


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
