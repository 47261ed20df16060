"""What is known of images besides their records: what their files say, and what users do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import attrs
from psycopg2.extras import Json

from qisd.imaging.spec import Focus
from qisd.store.queries import Queries, Row

_READ = "format, colour_space, profile, exif, iptc, xmp, keywords, taken, camera, latitude, longitude, copyright"
_GIVEN = "tags, custom, owner, licence, valid_from, valid_until"


@attrs.frozen(kw_only=True)
class FromFile:
    """What a file says; fields as in :class:`qisd.imaging.description.Description`."""

    format: str = ""
    colour_space: str = ""
    profile: str = ""
    exif: Mapping[str, Any] = attrs.field(factory=dict)
    iptc: Mapping[str, Any] = attrs.field(factory=dict)
    xmp: Mapping[str, Any] = attrs.field(factory=dict)
    keywords: Sequence[str] = ()
    taken: datetime | None = None
    camera: str = ""
    latitude: float | None = None
    longitude: float | None = None
    copyright: str = ""


@attrs.frozen(kw_only=True)
class FromUsers:
    """What users say.

    :param custom: fields of their own, by name; JSON values.
    :param valid_from: when anonymous visitors may begin to see it; None is open. ``valid_until`` likewise.
    """

    tags: Sequence[str] = ()
    custom: Mapping[str, Any] = attrs.field(factory=dict)
    owner: str = ""
    licence: str = ""
    valid_from: datetime | None = None
    valid_until: datetime | None = None


@attrs.frozen(kw_only=True)
class ImageMetadata:
    """Both.

    :param read_at: when the file was read; None: not yet, in its present version.
    """

    file: FromFile
    users: FromUsers
    read_at: datetime | None = None


@attrs.frozen(kw_only=True)
class Unread:
    """An image whose file is to be read, and the version that its record is of."""

    image_id: int
    src: str
    file_size: int | None
    file_mtime_ns: int | None
    hashed: bool


async def by_id(db: Queries, image_id: int) -> ImageMetadata:
    """What is known of an image; nothing, if there is none."""
    rows = await db.query(f"select {_READ}, {_GIVEN}, read_at from image_metadata where image_id = %s", (image_id,))  # noqa: S608
    return _metadata(rows[0]) if rows else ImageMetadata(file=FromFile(), users=FromUsers())


async def save_read(
    db: Queries,
    unread: Unread,
    found: FromFile,
    *,
    content_hash: bytes | None,
    phash: int | None,
    guess: Focus | None,
    guessed: int,
) -> bool:
    """Keep what was read from a file; false if its record is of another version by now.

    :param content_hash: SHA-256; None: it is known already.
    :param guess: its focal point; None: no place is better than another. ``guessed`` is how that was found out.
    """
    rows = await db.query(
        "update images set content_hash = coalesce(%s, content_hash), phash = %s,"
        " guess_x = %s, guess_y = %s, guessed = %s where id = %s"
        " and (file_size, file_mtime_ns) is not distinct from (%s, %s) returning 1",
        (
            content_hash,
            phash,
            guess.x if guess else None,
            guess.y if guess else None,
            guessed,
            unread.image_id,
            unread.file_size,
            unread.file_mtime_ns,
        ),
    )
    if not rows:
        return False
    await db.execute(
        f"update image_metadata set ({_READ}) = (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s), read_at = now()"  # noqa: S608
        " where image_id = %s",
        (
            found.format,
            found.colour_space,
            found.profile,
            Json(dict(found.exif)),
            Json(dict(found.iptc)),
            Json(dict(found.xmp)),
            list(found.keywords),
            found.taken,
            found.camera,
            found.latitude,
            found.longitude,
            found.copyright,
            unread.image_id,
        ),
    )
    return True


async def save_given(db: Queries, image_id: int, given: FromUsers) -> None:
    """Keep what users say of an image that exists."""
    await db.execute("insert into image_metadata (image_id) values (%s) on conflict do nothing", (image_id,))
    await db.execute(
        f"update image_metadata set ({_GIVEN}) = (%s, %s, %s, %s, %s, %s) where image_id = %s",  # noqa: S608
        (
            list(given.tags),
            Json(dict(given.custom)),
            given.owner,
            given.licence,
            given.valid_from,
            given.valid_until,
            image_id,
        ),
    )


async def add_missing(db: Queries, *, limit: int) -> int:
    """Have up to ``limit`` images that nothing is known of read, such as those of an import; how many they were."""
    rows = await db.query(
        "with found as (insert into image_metadata (image_id) select id from images i where status = 1 and not exists"
        " (select 1 from image_metadata m where m.image_id = i.id) limit %s on conflict do nothing returning 1)"
        " select count(*) from found",
        (limit,),
    )
    return int(rows[0][0])


async def unread(db: Queries, *, after: int, limit: int) -> list[Unread]:
    """Active images whose files are to be read, by their ids, from the one behind ``after`` on."""
    rows = await db.query(
        "select i.id, i.src, i.file_size, i.file_mtime_ns, i.content_hash is not null"
        " from image_metadata m join images i on i.id = m.image_id"
        " where m.read_at is null and i.status = 1 and m.image_id > %s order by m.image_id limit %s",
        (after, limit),
    )
    return [_unread(row) for row in rows]


async def unguessed(db: Queries, *, after: int, limit: int) -> list[Unread]:
    """Active images that were read before anybody guessed at focal points; parameters as for :func:`unread`."""
    rows = await db.query(
        "select i.id, i.src, i.file_size, i.file_mtime_ns, i.content_hash is not null"
        " from images i join image_metadata m on m.image_id = i.id and m.read_at is not null"
        " where i.guessed = 0 and i.status = 1 and i.id > %s order by i.id limit %s",
        (after, limit),
    )
    return [_unread(row) for row in rows]


async def duplicates(db: Queries, *, start: int = 0, limit: int) -> list[list[int]]:
    """The ids of active images whose files are equal, in groups, those that take the most room first."""
    rows = await db.query(
        "select array_agg(id order by id) from images where content_hash is not null and status = 1"
        " group by content_hash having count(*) > 1 order by max(file_size) * (count(*) - 1) desc, min(id)"
        " offset %s limit %s",
        (start, limit),
    )
    return [row[0] for row in rows]


def _unread(row: Row) -> Unread:
    number, src, size, mtime_ns, hashed = row
    return Unread(image_id=number, src=src, file_size=size, file_mtime_ns=mtime_ns, hashed=hashed)


def _metadata(row: Row) -> ImageMetadata:
    format_, colour_space, profile, exif, iptc, xmp, keywords, taken, camera, latitude, longitude, rights, *rest = row
    tags, custom, owner, licence, valid_from, valid_until, read_at = rest
    return ImageMetadata(
        file=FromFile(
            format=format_,
            colour_space=colour_space,
            profile=profile,
            exif=exif,
            iptc=iptc,
            xmp=xmp,
            keywords=tuple(keywords),
            taken=taken,
            camera=camera,
            latitude=latitude,
            longitude=longitude,
            copyright=rights,
        ),
        users=FromUsers(
            tags=tuple(tags),
            custom=custom,
            owner=owner,
            licence=licence,
            valid_from=valid_from,
            valid_until=valid_until,
        ),
        read_at=read_at,
    )
