"""What visitors say about images beyond title and description, and who may see them for how long."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from qisd.access.auditing import actor_of
from qisd.access.levels import Flag, Level
from qisd.access.visitor import Visitor
from qisd.errors import BadParameter
from qisd.library.files import Files
from qisd.library.places import check_text, require_login
from qisd.store import audit, disk_operations, hash_checks, image_metadata
from qisd.store.hash_checks import Damage
from qisd.store.image_metadata import FromUsers, ImageMetadata
from qisd.store.pool import Database, Transaction

MAX_TAGS, MAX_TAG = 100, 120
MAX_CUSTOM_BYTES, MAX_CUSTOM_NAME = 20_000, 120
_OWNER_MAX, _LICENCE_MAX = 255, 2000

_FIELD_BYTES = len('"a":1,')


class Metadata:
    """Shows and changes what is known of images besides their records."""

    def __init__(self, *, database: Database, files: Files, changed: Callable[[str], None] = lambda path: None) -> None:
        self._database = database
        self._files = files
        self._changed = changed

    async def of(self, visitor: Visitor, image_id: int) -> ImageMetadata:
        """What is known of an image; needs the view level.

        :raises NotFound: there is none.
        """
        await self._files.by_id(visitor, image_id)
        return await image_metadata.by_id(self._database, image_id)

    async def edit(self, visitor: Visitor, image_id: int, given: FromUsers) -> ImageMetadata:
        """Replace what users say of an image; needs the edit level. Texts are trimmed, double tags dropped.

        :raises BadParameter: something is too long, or the time ends before it begins.
        """
        require_login(visitor)
        checked = FromUsers(
            tags=_tags(given.tags),
            custom=_custom(given.custom),
            owner=check_text(given.owner, parameter="owner", most=_OWNER_MAX),
            licence=check_text(given.licence, parameter="licence", most=_LICENCE_MAX),
            valid_from=given.valid_from,
            valid_until=given.valid_until,
        )
        _check_times(given.valid_from, given.valid_until)
        image = await self._files.by_id(visitor, image_id, level=Level.EDIT)

        async def work(db: Transaction) -> ImageMetadata:
            before = await image_metadata.by_id(db, image_id)
            if before.users == checked:
                return before
            await image_metadata.save_given(db, image_id, checked)
            await audit.record(
                db,
                actor_of(visitor),
                action="image.changed",
                object_type="image",
                object_id=image_id,
                before=_audited(before.users),
                after=_audited(checked),
            )
            await disk_operations.tell_files(db, [image.src])
            return await image_metadata.by_id(db, image_id)

        result = await self._database.transaction(work)
        self._changed(image.src)
        return result

    async def duplicates(self, visitor: Visitor, *, start: int = 0, limit: int = 100) -> list[list[int]]:
        """The ids of images with equal files, in groups; needs file administration, since it looks into all folders."""
        visitor.require_flag(Flag.ADMIN_FILES)
        return await image_metadata.duplicates(self._database, start=start, limit=limit)

    async def damaged(self, visitor: Visitor, *, start: int = 0, limit: int = 100) -> tuple[list[Damage], int]:
        """Images whose files have lost their content, the latest first, and how many there are; needs file
        administration."""
        visitor.require_flag(Flag.ADMIN_FILES)
        found = await hash_checks.damaged(self._database, start=start, limit=limit)
        return found, await hash_checks.count_damaged(self._database)


def _tags(tags: Sequence[str]) -> tuple[str, ...]:
    checked = dict.fromkeys(check_text(tag, parameter="tags", most=MAX_TAG) for tag in tags)
    checked.pop("", None)
    if len(checked) > MAX_TAGS:
        raise BadParameter("tags", f"Value is too long (max {MAX_TAGS})")
    return tuple(checked)


def _custom(custom: Mapping[str, Any]) -> Mapping[str, Any]:
    if len(custom) > MAX_CUSTOM_BYTES // _FIELD_BYTES:  # no need to look at each
        raise BadParameter("custom", f"Value is too long (max {MAX_CUSTOM_BYTES})")
    for name in custom:
        if not check_text(name, parameter="custom", most=MAX_CUSTOM_NAME):
            raise BadParameter("custom", "a field without a name")
    try:
        text = json.dumps(dict(custom), ensure_ascii=False, allow_nan=False)
    except ValueError:
        raise BadParameter("custom", "not a number") from None
    if len(text) > MAX_CUSTOM_BYTES:
        raise BadParameter("custom", f"Value is too long (max {MAX_CUSTOM_BYTES})")
    # What neither JSON in the database nor UTF-8 knows.
    check_text(text.replace("\\u0000", "\0"), parameter="custom", most=MAX_CUSTOM_BYTES)
    return custom


def _check_times(begins: datetime | None, ends: datetime | None) -> None:
    if begins is not None and ends is not None and ends <= begins:
        raise BadParameter("valid_until", "it ends before it begins")


def _audited(given: FromUsers) -> dict[str, object]:
    return {
        "tags": list(given.tags),
        "owner": given.owner,
        "licence": given.licence,
        "valid_from": given.valid_from.isoformat() if given.valid_from else None,
        "valid_until": given.valid_until.isoformat() if given.valid_until else None,
    }
