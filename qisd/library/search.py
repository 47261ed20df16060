"""Finding images: only those whose folders the visitor may view."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import attrs
from twisted.internet.defer import DeferredSemaphore

from qisd.access.levels import Level
from qisd.access.visitor import Visitor
from qisd.errors import BadParameter, Unavailable
from qisd.library.journal import shielded
from qisd.library.places import check_text, normalised
from qisd.library.search_words import understood
from qisd.store import image_search, images
from qisd.store.image_search import Hit, ImageQuery, Rule
from qisd.store.images import Image
from qisd.store.pool import Database

_WORDS_MAX = 500

_AT_ONCE = 2
"""Searches of one process that the database works on: the other connections are for everything else."""

COUNTED_TO = 10_000

WAITING_MAX = 50
_RETRY_AFTER = 5

_SAME_MAX = 200


@attrs.frozen(kw_only=True)
class SearchPage:
    """Some of what was found, the best first.

    :param cursor: where the next page begins; None at the end.
    :param total: how many there are in all, where that was asked for, counted up to :data:`COUNTED_TO`.
    """

    images: list[Image]
    cursor: str | None
    total: int | None = None


class Search:
    """Looks for images by words and properties."""

    def __init__(self, reactor: Any, *, database: Database) -> None:
        self._reactor = reactor
        self._database = database
        self._turns = DeferredSemaphore(_AT_ONCE)

    async def images(
        self,
        visitor: Visitor,
        query: ImageQuery,
        *,
        cursor: str | None = None,
        limit: int = 100,
        counted: bool = False,
    ) -> SearchPage:
        """What fits ``query``; what its ``rules`` and ``at`` say is of no account.

        :param query: may have operators among its words: see :mod:`qisd.library.search_words`.
        :param cursor: as the page before gave it.
        :param counted: whether it is told how many there are.
        :raises BadParameter: words, folder or cursor can't be used.
        :raises Forbidden: the visitor may not view the folder.
        :raises Unavailable: too many others are searching.
        """
        check_text(query.words, parameter="q", most=_WORDS_MAX)
        query = understood(attrs.evolve(query, folder=normalised(query.folder, parameter="folder")))
        if query.folder:
            visitor.require(Level.VIEW, query.folder)
        wanted = attrs.evolve(query, at=self._moment(visitor))
        after = _read(cursor)
        if len(self._turns.waiting) >= WAITING_MAX:
            raise Unavailable("Too many people are searching at once.", retry_after=_RETRY_AFTER)
        await self._turns.acquire()
        # Who goes away meanwhile does not end what the database is at.
        hits, total = await shielded(self._find(visitor, wanted, after, limit + 1, counted))
        known = await images.by_ids(self._database, [hit.image_id for hit in hits[:limit]])
        found = [known[hit.image_id] for hit in hits[:limit] if hit.image_id in known]
        return SearchPage(images=found, cursor=_written(hits[limit - 1]) if len(hits) > limit else None, total=total)

    async def same_content(self, visitor: Visitor, image: Image, *, limit: int) -> list[Image]:
        """Other images with the very same file, as far as the visitor may view them; none if it isn't hashed yet.

        It is for those who have logged in: when rights hold is of no account. Not all of a great many are looked at.
        """
        if image.content_hash is None:
            return []
        # Most often there are none, and then nobody's permissions need be gone through.
        same = await images.with_content(self._database, image.content_hash, but=image.id, limit=_SAME_MAX)
        return [one for one in same if visitor.can(Level.VIEW, one.folder)][:limit]

    async def with_content(self, visitor: Visitor, digest: bytes, *, limit: int) -> list[Image]:
        """Images with a file of this SHA-256, as far as the visitor, who has logged in, may view them."""
        same = await images.with_content(self._database, digest, but=0, limit=_SAME_MAX)
        return [one for one in same if visitor.can(Level.VIEW, one.folder)][:limit]

    def _moment(self, visitor: Visitor) -> datetime | None:
        """When rights must hold for what the visitor may see; None: they are of no account."""
        return datetime.fromtimestamp(self._reactor.seconds(), UTC) if visitor.anonymous else None

    async def _find(
        self, visitor: Visitor, wanted: ImageQuery, after: Hit | None, limit: int, counted: bool
    ) -> tuple[list[Hit], int | None]:
        try:
            wanted = attrs.evolve(wanted, rules=visible(visitor))
            hits = await image_search.find(self._database, wanted, after=after, limit=limit)
            if not counted:
                return hits, None
            if after is None and len(hits) < limit:
                return hits, len(hits)
            return hits, await image_search.count(self._database, wanted, most=COUNTED_TO)
        finally:
            self._turns.release()


def visible(visitor: Visitor) -> list[Rule]:
    """The folders from which on something else holds for the visitor than above them, beginning with the root."""
    rules = [Rule("", visitor.can(Level.VIEW, ""))]
    # Levels change only where permissions are set, or where a key's folder begins.
    places = {*visitor.snapshot.rows, visitor.folder} - {""}
    seen: dict[str, bool] = {"": rules[0].visible}
    for place in sorted(places, key=lambda place: (place.count("/"), place)):
        above = place.rpartition("/")[0]
        while above not in seen:
            above = above.rpartition("/")[0]
        seen[place] = visitor.can(Level.VIEW, place)
        if seen[place] != seen[above]:
            rules.append(Rule(place, seen[place]))
    return rules


def _written(hit: Hit) -> str:
    return f"{'' if hit.rank is None else repr(hit.rank)}_{hit.image_id}"


def _read(cursor: str | None) -> Hit | None:
    if not cursor:
        return None
    rank, _, number = cursor.partition("_")
    try:
        hit = Hit(float(rank) if rank else None, int(number))
    except ValueError:
        raise BadParameter("cursor", "not a cursor") from None
    if not (0 <= (hit.rank or 0) < 1000 and 0 <= hit.image_id < 2**63):
        raise BadParameter("cursor", "not a cursor")
    return hit
