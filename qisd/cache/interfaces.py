"""The seam behind which finished renditions are kept.

The domain knows only :class:`IRenditionCache`; whether a rendition lies in this process or in a cluster shared by many
servers is decided where the daemon is put together.
"""

from __future__ import annotations

import attrs
from zope.interface import Interface


@attrs.frozen(kw_only=True)
class CachedRendition:
    """The bytes of a finished image and the name of their format in the table of formats.

    :param seconds: how long it took to make; 0: nobody knows any more.
    :param floor: of the cache that had it; blank if it was just made.
    """

    data: bytes
    format: str
    seconds: float = attrs.field(default=0.0, eq=False)
    floor: str = attrs.field(default="", eq=False)

    @property
    def cost(self) -> int:
        """Bytes of memory that keeping this takes, bookkeeping included."""
        return len(self.data) + 400


class IRenditionCache(Interface):
    """Keeps renditions by key. A key names one image for ever (it holds the file's version), so nothing is updated.

    A cache is a best effort: it may forget anything at any time, and a fault of it is a miss, never an error.
    """

    async def get(key: str) -> CachedRendition | None:
        """The rendition under ``key``, or None."""

    async def put(key: str, rendition: CachedRendition) -> None:
        """Keep ``rendition`` under ``key``, if there is room for it."""

    def fill() -> float:
        """How full the cache is, in percent."""

    async def clear() -> None:
        """Forget everything."""
