"""What the image page shows of an image, gathered from those who know it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Literal

import attrs

from qisd.access.levels import Flag, Level
from qisd.access.visitor import Visitor
from qisd.errors import NotFound, Unsupported
from qisd.library.files import Files
from qisd.library.listing import Listing, Neighbours
from qisd.library.metadata import Metadata
from qisd.portfolios.usage import ImageUses, Usage
from qisd.stats.reports import ImageSummary, image_summary
from qisd.store import users
from qisd.store.first_run import PUBLIC
from qisd.store.image_history import ImageEvent
from qisd.store.image_metadata import ImageMetadata
from qisd.store.images import Image
from qisd.store.pool import Database

State = Literal["there", "missing", "deleted"]

_NOBODY = Neighbours(position=0, total=0)


@attrs.frozen(kw_only=True)
class Publicity:
    """Whether strangers may see an image, and why.

    :param level: of anonymous visitors in its folder.
    :param folder: the folder whose permission decides that, with leading slash; None: there is none anywhere.
    :param begins: from when on, and until when, the rights to it allow it to be seen; None is open.
    :param in_time: whether they do now.
    """

    level: int
    folder: str | None
    begins: datetime | None
    ends: datetime | None
    in_time: bool

    @property
    def visible(self) -> bool:
        return self.level >= Level.VIEW and self.in_time


@attrs.frozen(kw_only=True)
class Happened:
    """An entry of the history; ``person`` is None where the server itself did it, empty for one who is not named."""

    event: ImageEvent
    person: str | None


@attrs.frozen(kw_only=True)
class ImageView:
    """All that the page shows.

    :param state: whether there is a file; ``missing``: there should be one, ``deleted``: somebody has deleted it.
    :param history: oldest first; None for those who may not see it.
    """

    image: Image
    state: State
    neighbours: Neighbours
    publicity: Publicity
    statistics: ImageSummary
    metadata: ImageMetadata
    uses: ImageUses
    history: Sequence[Happened] | None


class ImageFacts:
    """Gathers what is known of an image."""

    def __init__(
        self,
        database: Database,
        *,
        files: Files,
        listing: Listing,
        metadata: Metadata,
        usage: Usage,
        now: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._files = files
        self._listing = listing
        self._metadata = metadata
        self._usage = usage
        self._now = now

    async def image(self, visitor: Visitor, src: str) -> tuple[Image, State]:
        """The image at ``src``, or the one that was there last.

        :raises NotFound: there never was one.
        :raises Unsupported: there is a file of another kind.
        """
        try:
            return await self._files.details(visitor, src), "there"
        except (NotFound, Unsupported):
            try:
                image = await self._files.remembered(visitor, src)
            except NotFound:
                image = None
            if image is None:
                raise
            return image, "missing" if image.active else "deleted"

    async def view(self, visitor: Visitor, src: str) -> ImageView:
        """All of it; errors as of :meth:`image`."""
        image, state = await self.image(visitor, src)
        return ImageView(
            image=image,
            state=state,
            neighbours=await self._neighbours(visitor, image),
            publicity=publicity(visitor, image, self._now()),
            statistics=await image_summary(self._database, image.id, now=self._now()),
            metadata=await self._metadata.of(visitor, image.id),
            uses=await self._usage.of(visitor, image.id),
            history=await self._history(visitor, image),
        )

    async def _neighbours(self, visitor: Visitor, image: Image) -> Neighbours:
        try:
            return await self._listing.around(visitor, image.src)
        except NotFound:  # its folder has gone too
            return _NOBODY

    async def _history(self, visitor: Visitor, image: Image) -> list[Happened] | None:
        if not visitor.can(Level.EDIT, image.folder):
            return None
        events = await self._files.history(visitor, image.id)
        names: Mapping[int, str] = {}
        if visitor.may(Flag.ADMIN_USERS):
            names = await users.names(self._database, {one.user_id for one in events if one.user_id is not None})
        elif visitor.user_id is not None:
            names = {visitor.user_id: visitor.username or ""}
        return [
            Happened(event=one, person=None if one.user_id is None else names.get(one.user_id, "")) for one in events
        ]


def publicity(visitor: Visitor, image: Image, now: datetime) -> Publicity:
    """What anonymous visitors may, by what requests on this server go by."""
    (decision,) = visitor.snapshot.decisions(frozenset({PUBLIC}), image.folder)
    validity = visitor.snapshot.validity.get(image.src)
    return Publicity(
        level=decision.level or 0,
        folder=None if decision.folder is None else f"/{decision.folder}",
        begins=_moment(validity.begins if validity else None),
        ends=_moment(validity.ends if validity else None),
        in_time=validity is None or validity.holds(now.timestamp()),
    )


def _moment(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
