"""What values of accounts must look like, whichever way they come in. The texts are those that old clients know."""

from __future__ import annotations

import re
from collections.abc import Iterable

from qisd.access.levels import Flag, Level
from qisd.access.passwords import MAX_LENGTH, MIN_LENGTH, check_new_password
from qisd.access.visitor import Visitor
from qisd.errors import BadParameter, Forbidden, NotAuthenticated, OutOfDate

NAME_MAX = 120
DESCRIPTION_MAX = 5120

_LARGEST_START = 999_999_999

# Neither PostgreSQL nor UTF-8 knows these.
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


def require_login(visitor: Visitor) -> None:
    """:raises NotAuthenticated: nobody has logged in."""
    if visitor.anonymous:
        raise NotAuthenticated


def require_flag(visitor: Visitor, flag: Flag) -> None:
    """:raises NotAuthenticated: nobody has logged in.
    :raises Forbidden: the visitor lacks the system permission.
    """
    require_login(visitor)
    visitor.require_flag(flag)


def require_flags(held: Iterable[Flag], wanted: Iterable[str]) -> None:
    """:raises Forbidden: some of ``wanted`` are not among ``held``; it names the most powerful one."""
    missing = frozenset(wanted) - frozenset(held)
    for flag in reversed(Flag):
        if flag in missing:
            raise Forbidden(f"{flag.label} permission is required")


def text(parameter: str, value: str, *, least: int = 0, most: int = NAME_MAX) -> str:
    """``value``, if it is a text that can be stored with ``least`` to ``most`` characters.

    :raises BadParameter: it is none.
    """
    if len(value) < least:
        raise BadParameter(parameter, f"Value is too short (min {least})")
    if len(value) > most:
        raise BadParameter(parameter, f"Value is too long (max {most})")
    return storable(parameter, value)


def storable(parameter: str, value: str) -> str:
    """:raises BadParameter: there is a character in it that the database can't keep."""
    if _UNSTORABLE.search(value):
        raise BadParameter(parameter, "NUL characters and lone surrogates are not allowed")
    return value


def choice(parameter: str, value: int, choices: Iterable[int]) -> int:
    """:raises BadParameter: ``value`` is not one of ``choices``."""
    allowed = tuple(choices)
    if value not in allowed:
        raise BadParameter(parameter, f"Value is not one of: {', '.join(str(int(one)) for one in allowed)}")
    return value


def level(parameter: str, value: int) -> int:
    """:raises BadParameter: ``value`` is none of the eight levels."""
    return choice(parameter, value, Level)


def new_password(value: str, *, username: str) -> str:
    """:raises BadParameter: nobody may choose this password."""
    text("password", value, least=MIN_LENGTH, most=MAX_LENGTH)
    check_new_password(value, username=username)
    return value


def sorting(given: str, sorts: Iterable[str], *, default: str) -> tuple[str, bool]:
    """The key that a list is to be sorted by, and whether downwards: ``-name`` is.

    :raises BadParameter: it can't be sorted by that.
    """
    key = given.removeprefix("-") or default
    allowed = tuple(sorts)
    if key not in allowed:
        raise BadParameter("sort", f"Value is not one of: {', '.join(allowed)}")
    return key, given.startswith("-")


def part(start: int, limit: int | None) -> None:
    """:raises BadParameter: no list has such a part."""
    if not 0 <= start <= _LARGEST_START:
        raise BadParameter("start", f"{start} is out of range")
    if limit is not None and not 0 <= limit <= _LARGEST_START:
        raise BadParameter("limit", f"{limit} is out of range")


def version(what: str, *, present: int, expected: int | None) -> None:
    """:raises OutOfDate: somebody has changed it since the version that was expected."""
    if expected is not None and expected != present:
        raise OutOfDate(f"{what} has been changed meanwhile; it is version {present} now")
