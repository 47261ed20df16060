"""The kinds of values that settings have: how each is read from TOML and from an environment variable, and shown.

A kind's error texts say what is allowed and never repeat the value, so that they can be used for secrets as well.
"""

from __future__ import annotations

import abc
import json
import re
import tomllib
from pathlib import Path
from typing import Generic, TypeVar

import attrs

T = TypeVar("T")

_INTEGER = re.compile(r"[+-]?[0-9]+(_[0-9]+)*")
_TRUE = frozenset({"true", "1", "yes", "on"})
_FALSE = frozenset({"false", "0", "no", "off"})
CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class Kind(abc.ABC, Generic[T]):
    """What values a setting may have."""

    @abc.abstractmethod
    def convert(self, value: object) -> T:
        """The typed value of what TOML gives.

        :raises ValueError: the type or range is wrong; the text reads on from the setting's name.
        """

    @abc.abstractmethod
    def describe(self) -> str:
        """Type and range in words, for the documentation."""

    def read(self, text: str) -> object:
        """What TOML would give for the text of an environment variable.

        :raises ValueError: the text can't be read as this kind.
        """
        return text

    def plain(self, value: T) -> object:
        """The typed ``value`` as TOML and JSON write it; converting the result gives ``value`` again."""
        return value


@attrs.frozen
class Text(Kind[str]):
    """One line of text. ``pattern`` must match the whole of it; ``form`` says so in words.

    :param empty: whether the empty text is allowed.
    """

    form: str = "text"
    pattern: str = ".*"
    empty: bool = attrs.field(default=True, kw_only=True)

    def convert(self, value: object) -> str:
        text = _text(value)
        if text == "" and self.empty:
            return text
        if not re.fullmatch(self.pattern, text):
            raise ValueError(f"must be {self.describe()}")
        return text

    def describe(self) -> str:
        return f"{self.form}, or empty" if self.empty and self.form != "text" else self.form


@attrs.frozen
class Choice(Kind[str]):
    """One of a few words; with ``any_case``, in upper or lower case, and spelled as here afterwards."""

    choices: tuple[str, ...]
    any_case: bool = attrs.field(default=False, kw_only=True)

    def convert(self, value: object) -> str:
        for choice in self.choices:
            if value == choice or (self.any_case and isinstance(value, str) and value.lower() == choice.lower()):
                return choice
        raise ValueError(f"must be {self.describe()}")

    def describe(self) -> str:
        words = "one of " + ", ".join(f'"{choice}"' for choice in self.choices)
        return f"{words}, in upper or lower case" if self.any_case else words


@attrs.frozen
class Integer(Kind[int]):
    """A whole number from ``minimum`` to ``maximum``; with ``clamped``, others are moved to the nearer end."""

    minimum: int
    maximum: int
    clamped: bool = attrs.field(default=False, kw_only=True)

    def convert(self, value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise ValueError(f"must be an {self.describe()}")
        if self.clamped:
            return min(max(value, self.minimum), self.maximum)
        if not self.minimum <= value <= self.maximum:
            raise ValueError(f"must be an {self.describe()}")
        return value

    def describe(self) -> str:
        if self.clamped:
            return f"integer; below {self.minimum} counts as {self.minimum}, above {self.maximum} as {self.maximum}"
        return f"integer from {self.minimum} to {self.maximum}"

    def read(self, text: str) -> object:
        digits = text.strip()
        if not _INTEGER.fullmatch(digits) or len(digits) > 40:
            raise ValueError(f"must be an {self.describe()}")
        return int(digits)


@attrs.frozen
class Boolean(Kind[bool]):
    """True or false."""

    def convert(self, value: object) -> bool:
        if not isinstance(value, bool):
            raise ValueError("must be true or false, without quotes")
        return value

    def describe(self) -> str:
        return "true or false"

    def read(self, text: str) -> object:
        word = text.strip().lower()
        if word not in _TRUE | _FALSE:
            raise ValueError("must be true or false (also 1/0, yes/no, on/off)")
        return word in _TRUE


@attrs.frozen
class Automatic(Kind[str]):
    """ "true", "false", or "auto" for what other settings lead to; the first two may be TOML's booleans as well."""

    def convert(self, value: object) -> str:
        if isinstance(value, bool):
            return "true" if value else "false"
        if not isinstance(value, str) or value not in {"auto", "true", "false"}:
            raise ValueError(f"must be {self.describe()}")
        return value

    def describe(self) -> str:
        return 'true, false, or "auto"'

    def read(self, text: str) -> object:
        word = text.strip().lower()
        if word in _TRUE | _FALSE:
            return word in _TRUE
        return word

    def plain(self, value: str) -> object:
        return value if value == "auto" else value == "true"


@attrs.frozen
class AutomaticInteger(Kind[int | None]):
    """A whole number as in :class:`Integer`, or "auto" for what suits the machine: None."""

    minimum: int
    maximum: int

    def convert(self, value: object) -> int | None:
        if value == "auto":
            return None
        if isinstance(value, bool) or not isinstance(value, int) or not self.minimum <= value <= self.maximum:
            raise ValueError(f"must be an {self.describe()}")
        return value

    def describe(self) -> str:
        return f'integer from {self.minimum} to {self.maximum}, or "auto"'

    def read(self, text: str) -> object:
        word = text.strip().lower()
        return int(word) if _INTEGER.fullmatch(word) and len(word) <= 40 else word

    def plain(self, value: int | None) -> object:
        return "auto" if value is None else value


@attrs.frozen
class Directory(Kind[Path]):
    """The absolute path of a directory; with ``empty``, the empty text is allowed and becomes the empty path."""

    empty: bool = attrs.field(default=False, kw_only=True)

    def convert(self, value: object) -> Path:
        text = _text(value)
        return Path() if text == "" and self.empty else _absolute(text)

    def describe(self) -> str:
        return "absolute path of a directory" + (", or empty" if self.empty else "")

    def plain(self, value: Path) -> object:
        return "" if self.empty and value == Path() else str(value)


@attrs.frozen
class OptionalPath(Kind["Path | None"]):
    """The absolute path of a file or directory (``form``), or empty for none."""

    form: str

    def convert(self, value: object) -> Path | None:
        text = _text(value)
        return _absolute(text) if text else None

    def describe(self) -> str:
        return f"absolute path of {self.form}, or empty"

    def plain(self, value: Path | None) -> object:
        return "" if value is None else str(value)


@attrs.frozen
class Mode(Kind[int]):
    """Access mode of created files: text of octal digits. All bits of ``needed`` must be set, none above ``most``."""

    needed: int
    most: int

    def convert(self, value: object) -> int:
        if not isinstance(value, str) or not re.fullmatch(r"(0o)?[0-7]{1,5}", value):
            raise ValueError(f"must be {self.describe()}")
        mode = int(value.removeprefix("0o"), 8)
        if mode & self.needed != self.needed or mode > self.most:
            raise ValueError(f"must be {self.describe()}")
        return mode

    def describe(self) -> str:
        return f'octal digits in quotes from "{self.needed:04o}" to "{self.most:04o}", all bits of the former set'

    def plain(self, value: int) -> object:
        return f"{value:04o}"


@attrs.frozen
class ListOf(Kind[tuple[T, ...]]):
    """Any number of different values of one kind; a TOML array, or words with commas between in the environment."""

    entry: Kind[T]
    noun: str

    def convert(self, value: object) -> tuple[T, ...]:
        if not isinstance(value, list):
            raise ValueError(f"must be a {self.describe()}")
        entries: list[T] = []
        for number, item in enumerate(value, start=1):
            try:
                entry = self.entry.convert(item)
            except ValueError as error:
                raise ValueError(f"entry {number} {error}") from None
            if entry in entries:
                raise ValueError(f"entry {number} is there twice")
            entries.append(entry)
        return tuple(entries)

    def describe(self) -> str:
        return f"list of {self.noun}"

    def read(self, text: str) -> object:
        # "[::]:80,[::]:81" starts with a bracket, too, and is a list with commas.
        text = text.strip()
        if re.match(r"\[\s*[\"'\]]", text) or (text.startswith("[") and text.endswith("]")):
            return inline_toml(text)
        return [word.strip() for word in text.split(",") if word.strip()]

    def plain(self, value: tuple[T, ...]) -> object:
        return [self.entry.plain(entry) for entry in value]


def inline_toml(text: str) -> object:
    """The value of a TOML array or inline table.

    :raises ValueError: it is none.
    """
    try:
        document = tomllib.loads(f"value = {text.strip()}")
    except (ValueError, RecursionError):
        document = {}
    if document.keys() != {"value"}:
        raise ValueError('can\'t be read; write a list as ["one", "two"] and a table as {one = 1, two = 2}')
    return document["value"]


def toml_text(value: object) -> str:
    """``value``, as :meth:`Kind.plain` gives it, in TOML on one line."""
    if isinstance(value, dict):
        inner = ", ".join(f"{_key(key)} = {toml_text(entry)}" for key, entry in value.items())
        return f"{{ {inner} }}" if inner else "{}"
    if isinstance(value, list):
        return "[" + ", ".join(toml_text(entry) for entry in value) + "]"
    if isinstance(value, bool | str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return str(value)


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else toml_text(name)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("must be text in quotes")
    if CONTROL.search(value):
        raise ValueError("must be one line of text without control characters")
    return value


def _absolute(text: str) -> Path:
    if not text.startswith("/"):
        raise ValueError("must be an absolute path, beginning with /")
    return Path(text)
