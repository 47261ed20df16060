"""What is to stay in view when an image is cut to a shape: a person's choice, or else a guess."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Literal

import attrs
from twisted.logger import Logger

from qisd.access.levels import Level
from qisd.access.visitor import Visitor
from qisd.errors import NotFound, StoreUnavailable
from qisd.imaging.spec import MIDDLE, UNIT, Focus
from qisd.library.files import Files, check_version
from qisd.library.places import require_login
from qisd.store import disk_operations, image_history, images
from qisd.store.image_history import Action
from qisd.store.images import Image
from qisd.store.pool import Database, Transaction

_log = Logger()

_CENTRE = Focus(x=MIDDLE, y=MIDDLE)

Source = Literal["person", "proposal", "centre"]


@attrs.frozen(kw_only=True)
class FocalPoint:
    """What holds for an image.

    :param place: in force. ``source`` says whose word that is.
    :param proposal: what was guessed, whether or not it is in force.
    :param version: counts the choices of persons.
    """

    place: Focus
    source: Source
    proposal: Focus | None
    version: int


def focal_point_of(image: Image) -> FocalPoint:
    """What holds for ``image``."""
    place, source = _in_force(image)
    return FocalPoint(place=place, source=source, proposal=image.guess, version=image.focus_version)


def _in_force(image: Image) -> tuple[Focus, Source]:
    if image.focus is not None:
        return image.focus, "person"
    return (_CENTRE, "centre") if image.guess is None else (image.guess, "proposal")


class ImageFocalPoints:
    """Shows and changes the focal points of images.

    :param changed: told the path of each image that got another one.
    :param known: waits until this process goes by what has been written.
    """

    def __init__(
        self,
        *,
        database: Database,
        files: Files,
        changed: Callable[[str], None],
        known: Callable[[], Awaitable[None]],
    ) -> None:
        self._database = database
        self._files = files
        self._changed = changed
        self._known = known

    async def of(self, visitor: Visitor, image_id: int) -> FocalPoint:
        """The focal point of an image; needs the view level.

        :raises NotFound: there is no such image.
        """
        return focal_point_of(await self._files.by_id(visitor, image_id))

    async def choose(
        self, visitor: Visitor, image_id: int, place: Focus | None, *, version: int | None = None
    ) -> FocalPoint:
        """Set it, or with None leave it to the guess; needs the edit level.

        :param version: that the visitor has seen.
        :raises OutOfDate: it isn't that one any more.
        """
        require_login(visitor)
        await self._files.by_id(visitor, image_id, level=Level.EDIT)

        async def work(db: Transaction) -> Image:
            before = await images.by_id(db, image_id)
            if before is None:
                raise NotFound(str(image_id))
            check_version(before.focus_version, version)
            if before.focus == place:
                return before
            after = await images.set_focus(db, image_id, place)
            assert after is not None  # noqa: S101 - it was there a moment ago
            info = f"Focal point: {percent_text(place)}" if place else "Focal point: as guessed"
            await image_history.record(db, [image_id], user_id=visitor.user_id, action=Action.EDITED, info=info)
            await disk_operations.tell_files(db, [after.src])
            return after

        image = await self._database.transaction(work)
        try:
            await self._known()
        except StoreUnavailable as error:  # it is done, and will be heard of when the database is there again
            _log.warn("a focal point holds later here: {reason}", reason=error.detail)
        self._changed(image.src)
        return focal_point_of(image)


def percent_text(place: Focus) -> str:
    """As the property ``object-position`` of CSS has it: ``62% 40%``."""
    return " ".join(f"{_percent(part)}%" for part in (place.x or 0, place.y or 0))


def _percent(part: int) -> str:
    return f"{100 * part / UNIT:.3f}".rstrip("0").rstrip(".")
