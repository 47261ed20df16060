"""What was answered, counted: by what was asked for, how, with which status, and whether a cache had it."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter

from qisd.tallies import REQUEST_SECONDS

_BOUNDS = tuple(seconds * 1e6 for seconds in REQUEST_SECONDS)

_ROUTES = {name.encode("ascii"): name for name in ("image", "original", "api", "static", "health", "ready")}
_EREZ = re.compile(rb"erez[1-5]?")
_METHODS = frozenset((b"GET", b"HEAD", b"POST", b"PUT", b"PATCH", b"DELETE", b"OPTIONS"))
_CACHED = {True: "hit", False: "miss", None: "none"}

Kind = tuple[str, str, int, str]
"""Route, method, status, and ``hit``, ``miss`` or ``none``: each one of a few words, whatever clients send."""


class Cell:
    """Answers of one kind.

    :ivar cells: how many took how long, by :data:`~qisd.tallies.REQUEST_SECONDS`.
    :ivar micros: microseconds of all together.
    :ivar size: bytes of their bodies.
    """

    __slots__ = ("cells", "micros", "size")

    def __init__(self) -> None:
        self.cells = [0] * (len(_BOUNDS) + 1)
        self.micros = 0
        self.size = 0

    def note(self, micros: int, size: int) -> None:
        """Count one answer."""
        self.cells[bisect_left(_BOUNDS, micros)] += 1
        self.micros += micros
        self.size += size

    @property
    def count(self) -> int:
        return sum(self.cells)


class Traffic:
    """All answers of a process.

    :ivar kinds: the cells by what they count.
    :ivar sources: images by where their bytes came from: the name of a floor of the cache, or ``rendered``.
    :ivar handshakes: of TLS, by version and result.
    """

    def __init__(self) -> None:
        self.kinds: dict[Kind, Cell] = {}
        self.sources: Counter[str] = Counter()
        self.handshakes: Counter[tuple[str, str]] = Counter()

    def cell(self, route: str, method: bytes, status: int, *, cached: bool | None) -> Cell:
        """Where answers of that kind are counted."""
        name = method.decode("ascii") if method in _METHODS else "other"
        kind = (route, name, status, _CACHED[cached])
        found = self.kinds.get(kind)
        if found is None:
            found = self.kinds[kind] = Cell()
        return found

    @property
    def answers(self) -> int:
        """How many there were."""
        return sum(cell.count for cell in self.kinds.values())


def route_of(first: bytes) -> str:
    """The route that a path belongs to, by its first segment below the root; all that people look at are pages."""
    return _ROUTES.get(first) or ("image" if _EREZ.fullmatch(first) else "page")
