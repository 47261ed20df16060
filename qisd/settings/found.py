"""What the loader collects: values with their places, faults and warnings."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

import attrs

from qisd.settings.kinds import toml_text
from qisd.settings.model import MODEL, is_secret

ENVIRONMENT_RANK = 2**31

_LONGEST = 60


@attrs.frozen(kw_only=True)
class Found:
    """A value that one source gives for a setting.

    :param value: as TOML gives it.
    :param origin: in short: "base", "file:line" or "env".
    :param where: in full, as faults begin: "file:line: NAME" or "environment: QIS_NAME".
    :param rank: its faults' place among all faults: the line in the file; the environment comes last.
    """

    name: str
    value: object
    origin: str
    where: str
    rank: int


@attrs.define
class Findings:
    """Gathered while loading: nothing is raised before everything was looked at."""

    values: list[Found] = attrs.field(factory=list)
    faults: list[tuple[int, str]] = attrs.field(factory=list)
    """Rank and text."""
    warnings: list[str] = attrs.field(factory=list)

    def fault(self, text: str, *, rank: int) -> None:
        self.faults.append((rank, text))

    def add(self, other: Findings) -> None:
        self.values += other.values
        self.faults += other.faults
        self.warnings += other.warnings


def quoted(name: str, value: object) -> str:
    """``value`` for a fault's text: "; it is …", cut when long; nothing for a secret."""
    if is_secret(name):
        return ""
    text = toml_text(value)
    return f"; it is {text if len(text) <= _LONGEST else text[:_LONGEST] + '…'}"


def unknown(name: str, *, prefix: str = "") -> str:
    """The reason why ``name`` is refused, with the names that it may have been meant to be."""
    return "unknown setting" + suggestion(name, MODEL, prefix=prefix)


def suggestion(word: str, known: Iterable[str], *, prefix: str = "") -> str:
    """ "; did you mean …?" for upper-case names close to ``word``, or nothing."""
    names = list(known)
    close = [name for name in names if name == word.upper()]
    close = close or difflib.get_close_matches(word.upper(), names, n=2, cutoff=0.7)
    return f"; did you mean {' or '.join(prefix + name for name in close)}?" if close else ""
