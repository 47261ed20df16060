"""The images of the library, as the database knows them. Paths are below the root, without leading slash."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import attrs

from qisd.imaging.spec import Focus
from qisd.store.image_history import Action, cut
from qisd.store.queries import Queries, Row
from qisd.store.subtree import DETACHED, Subtree, like_below

MAX_TITLE, MAX_DESCRIPTION = 255, 10_000

_AT_ONCE = 1000
"""Of thousands of records at once, others would have to wait for too long."""

_COLUMNS = (
    "id, src, folder_id, title, description, width, height, status, version, file_size, file_mtime_ns, file_inode,"
    " content_hash, focus_x, focus_y, focus_version, guess_x, guess_y"
)


@attrs.frozen(kw_only=True)
class Image:
    """An image.

    :param width: pixels of the file (its first page) when it was last read; 0 could not be read. ``height`` likewise.
    :param status: 0 deleted, 1 active.
    :param version: counts changes of the record.
    :param file_size: with ``file_mtime_ns`` and ``file_inode``, the version of the file that was last looked at; None
        if it never was.
    :param content_hash: SHA-256 of that version, where it is known.
    :param focus: the focal point that a person has set. ``focus_version`` counts its changes.
    :param guess: the one that the picture was guessed to have.
    """

    id: int
    src: str
    folder_id: int
    title: str
    description: str
    width: int
    height: int
    status: int
    version: int
    file_size: int | None = None
    file_mtime_ns: int | None = None
    file_inode: int | None = None
    content_hash: bytes | None = attrs.field(default=None, repr=False)
    focus: Focus | None = None
    focus_version: int = 0
    guess: Focus | None = None

    @property
    def active(self) -> bool:
        return self.status == 1

    @property
    def filename(self) -> str:
        return self.src.rpartition("/")[2]

    @property
    def folder(self) -> str:
        """The path of its folder, without slashes around it."""
        return folder_of(self.src)


@attrs.frozen(kw_only=True)
class FoundFile:
    """A file as it was found on disk; fields as in :class:`Image`."""

    src: str
    width: int
    height: int
    file_size: int | None = None
    file_mtime_ns: int | None = None
    file_inode: int | None = None
    content_hash: bytes | None = None


def folder_of(src: str) -> str:
    """The path of the folder that ``src`` names, without slashes around it; empty for the root."""
    return src.rpartition("/")[0]


async def by_id(db: Queries, image_id: int) -> Image | None:
    return await _one(db, "id = %s", image_id)


async def by_src(db: Queries, src: str) -> Image | None:
    return await _one(db, "src = %s", src)


async def by_ids(db: Queries, ids: Collection[int]) -> dict[int, Image]:
    """Those of ``ids`` that exist, by id."""
    wanted = list(ids)
    found: dict[int, Image] = {}
    for start in range(0, len(wanted), _AT_ONCE):
        rows = await db.query(
            f"select {_COLUMNS} from images where id = any(%s)",  # noqa: S608
            (wanted[start : start + _AT_ONCE],),
        )
        found |= {image.id: image for image in map(_image, rows)}
    return found


async def by_srcs(db: Queries, srcs: Collection[str]) -> dict[str, Image]:
    """Those that exist, by path."""
    rows = await db.query(f"select {_COLUMNS} from images where src = any(%s)", (list(srcs),))  # noqa: S608
    return {image.src: image for image in map(_image, rows)}


async def by_versions(db: Queries, versions: Collection[tuple[int, int, int]]) -> list[Image]:
    """All whose files had one of these versions, each a size, a time in nanoseconds and an inode."""
    sizes, times, inodes = zip(*versions, strict=True) if versions else ((), (), ())
    rows = await db.query(
        f"select {_COLUMNS} from images where (file_size, file_mtime_ns, file_inode) in"  # noqa: S608
        " (select * from unnest(%s::bigint[], %s::bigint[], %s::bigint[]))",
        (list(sizes), list(times), list(inodes)),
    )
    return [_image(row) for row in rows]


async def with_content(db: Queries, content_hash: bytes, *, but: int, limit: int) -> list[Image]:
    """Active images with this content, the newest first.

    :param but: the id of one that is not meant.
    """
    # Sorted apart: in the order of the ids PostgreSQL might go through all images rather than through the index.
    rows = await db.query(
        f"with same as materialized (select {_COLUMNS} from images where content_hash = %s and status = 1"  # noqa: S608
        " and id <> %s) select * from same order by id desc limit %s",
        (content_hash, but, limit),
    )
    return [_image(row) for row in rows]


async def lost_like(db: Queries, content_hash: bytes, *, but: int, limit: int) -> list[Image]:
    """Images with this content that may have lost their files: active ones first, then those that nobody deleted.

    :param but: the id of one that is not meant.
    """
    rows = await db.query(
        f"select {_COLUMNS} from images i where content_hash = %s and id <> %s and src not like %s"  # noqa: S608
        " and (status = 1 or ((select user_id from imagesaudit where image_id = i.id order by id desc limit 1) is null"
        " and not exists (select 1 from trash where i.id = any(image_ids))))"
        " order by status desc, id limit %s",
        (content_hash, but, like_below(DETACHED), limit),
    )
    return [_image(row) for row in rows]


async def is_untouched(db: Queries, image_id: int) -> bool:
    """Whether an active image was only found on disk, and nobody has done or said anything with it since."""
    rows = await db.query(
        "select 1 from images i left join image_metadata m on m.image_id = i.id"
        " where i.id = %s and i.status = 1 and i.title = '' and i.description = ''"
        " and coalesce(m.tags = '{}' and m.custom = '{}' and m.owner = '' and m.licence = ''"
        " and m.valid_from is null and m.valid_until is null, true)"
        " and not exists (select 1 from imagesaudit where image_id = i.id and (action <> 1 or user_id is not null))"
        " and i.focus_x is null and not exists (select 1 from folioimages where image_id = i.id)",
        (image_id,),
    )
    return bool(rows)


async def remove(db: Queries, image_id: int) -> None:
    """Remove a record with all that hangs on it."""
    await db.execute("delete from images where id = %s", (image_id,))


async def register(
    db: Queries,
    found: Sequence[FoundFile],
    folder_ids: Sequence[int],
    *,
    user_id: int | None,
    action: Action,
    info: str,
) -> dict[str, Image]:
    """Make a record of each file, or make its record say what the file is like now; returns them by path.

    Those that are new or were deleted get an entry of their history; the others one only for
    :attr:`Action.REPLACED`. What the files say of themselves is to be read (again). A hash that is not given is kept
    only for the very same version of a file.

    :param folder_ids: of the folder of each file; they exist and are active.
    :param info: the text of the entries, in which ``{src}`` is the path.
    """
    # In the order of the paths, so that two that do this at once never wait for each other crosswise.
    pairs = sorted(zip(found, folder_ids, strict=True), key=lambda pair: pair[0].src)
    columns = [
        [one.src for one, _ in pairs],
        [folder for _, folder in pairs],
        [one.width for one, _ in pairs],
        [one.height for one, _ in pairs],
        [one.file_size for one, _ in pairs],
        [one.file_mtime_ns for one, _ in pairs],
        [one.file_inode for one, _ in pairs],
        [one.content_hash for one, _ in pairs],
    ]
    rows = await db.query(
        "with found as (select * from unnest(%s::text[], %s::bigint[], %s::int[], %s::int[], %s::bigint[],"  # noqa: S608
        " %s::bigint[], %s::bigint[], %s::bytea[])"
        " as t(src, folder_id, width, height, file_size, file_mtime_ns, file_inode, content_hash)),"
        " before as (select id from images where src in (select src from found) and status = 1),"
        " kept as (insert into images"
        " (src, folder_id, width, height, file_size, file_mtime_ns, file_inode, content_hash)"
        " select src, folder_id, width, height, file_size, file_mtime_ns, file_inode, content_hash from found"
        " on conflict (src) do update set status = 1, folder_id = excluded.folder_id, width = excluded.width,"
        " height = excluded.height, file_size = excluded.file_size, file_mtime_ns = excluded.file_mtime_ns,"
        " file_inode = excluded.file_inode, content_hash = coalesce(excluded.content_hash,"
        " case when (images.file_size, images.file_mtime_ns, images.file_inode)"
        " = (excluded.file_size, excluded.file_mtime_ns, excluded.file_inode) then images.content_hash end)"
        f" returning {_COLUMNS}),"
        " told as (insert into imagesaudit (image_id, user_id, action, action_info)"
        " select id, %s, %s, replace(%s, '{src}', src)"
        " from kept where %s = 2 or id not in (select id from before)),"
        " unread as (insert into image_metadata (image_id) select id from kept order by id"
        " on conflict (image_id) do update set read_at = null)"
        f" select {_COLUMNS} from kept",
        (*columns, user_id, int(action), cut(info)[:2048], int(action)),
    )
    return {image.src: image for image in map(_image, rows)}


async def set_texts(db: Queries, image_id: int, *, title: str, description: str) -> Image | None:
    """Give an image another title and description."""
    rows = await db.query(
        f"update images set title = %s, description = %s where id = %s returning {_COLUMNS}",  # noqa: S608
        (title, description, image_id),
    )
    return _image(rows[0]) if rows else None


async def set_focus(db: Queries, image_id: int, focus: Focus | None) -> Image | None:
    """Give an image the focal point that a person wants, or none."""
    x, y = (None, None) if focus is None else (focus.x, focus.y)
    rows = await db.query(
        f"update images set focus_x = %s, focus_y = %s where id = %s returning {_COLUMNS}",  # noqa: S608
        (x, y, image_id),
    )
    return _image(rows[0]) if rows else None


async def move(db: Queries, subtree: Subtree, to: str, *, folder_id: int, user_id: int | None, info: str) -> list[int]:
    """Give the images of a subtree the paths that they have after it was moved to ``to``; returns the ids of all.

    A file that is moved gets the folder and is active. Active images get an entry of their history.

    :param folder_id: the folder that ``to`` is in.
    """
    condition, parameters = subtree.images()
    rows = await db.query(
        "with moved as (update images set src = %s || substr(src, %s),"  # noqa: S608
        " folder_id = case when src = %s then %s else folder_id end,"
        f" status = case when src = %s then 1 else status end where {condition} returning id, status),"
        " told as (insert into imagesaudit (image_id, user_id, action, action_info)"
        " select id, %s, 4, %s from moved where status = 1)"
        " select id from moved",
        (to, len(subtree.path) + 1, subtree.path, folder_id, subtree.path, *parameters, user_id, cut(info)),
    )
    return [row[0] for row in rows]


async def deactivate(db: Queries, subtree: Subtree, *, user_id: int | None, info: str) -> int:
    """Mark all images of a subtree deleted, each with an entry of its history; how many were active."""
    condition, parameters = subtree.images()
    rows = await db.query(
        f"with gone as (update images set status = 0 where {condition} and status = 1 returning id),"  # noqa: S608
        " told as (insert into imagesaudit (image_id, user_id, action, action_info)"
        " select id, %s, 0, %s from gone)"
        " select count(*) from gone",
        (*parameters, user_id, cut(info)),
    )
    return int(rows[0][0])


async def deactivate_missing(db: Queries, srcs: Collection[str], *, info: str) -> list[str]:
    """Mark those of ``srcs`` that are active deleted, as noticed by the server itself; returns which they were."""
    rows = await db.query(
        "with doomed as (select id from images where src = any(%s) and status = 1 order by src for update),"
        " gone as (update images set status = 0 where id in (select id from doomed) returning id, src),"
        " told as (insert into imagesaudit (image_id, action, action_info)"
        " select id, 0, replace(%s, '{src}', src) from gone)"
        " select src from gone",
        (list(srcs), info),
    )
    return [row[0] for row in rows]


async def detach(db: Queries, subtree: Subtree) -> None:
    """Take their paths from the records at a place that something else takes; they stay, deleted, under their ids."""
    condition, parameters = subtree.images()
    await db.execute(
        f"update images set status = 0, src = '{DETACHED}/' || id || '/' || regexp_replace(src, '^.*/', '')"  # noqa: S608
        f" where {condition}",
        parameters,
    )


async def count_active(db: Queries, subtree: Subtree | None = None) -> int:
    """How many active images there are, in all or in a subtree."""
    condition, parameters = ("true", ()) if subtree is None else subtree.images()
    rows = await db.query(f"select count(*) from images where status = 1 and {condition}", parameters)  # noqa: S608
    return int(rows[0][0])


async def counts_by_folder(db: Queries, folders: Collection[str]) -> dict[str, int]:
    """How many active images lie in each folder at and below ``folders``; all without slashes around them.

    :param folders: none of them in another.
    """
    counts: dict[str, int] = {}
    for folder in folders:
        rows = await db.query(
            "select f.path, count(*) from folders f join images i on i.folder_id = f.id and i.status = 1"
            " where f.path = %s or f.path like %s group by f.path",
            (f"/{folder}", f"/{like_below(folder)}"),
        )
        counts |= {path[1:]: count for path, count in rows}
    return counts


async def active_below(db: Queries, folder: str, *, after: str, limit: int) -> list[Image]:
    """The active images below a folder (no leading slash) that come after ``after``, in the order of their bytes."""
    rows = await db.query(
        f"select {_COLUMNS} from images where src like %s and status = 1 and src ~>~ %s"  # noqa: S608
        " order by src using ~<~ limit %s",
        (like_below(folder), after, limit),
    )
    return [_image(row) for row in rows]


async def purge_deleted(db: Queries, folder: str) -> int:
    """Remove the deleted images below a folder with all that hangs on them, but not what is in the trash; how many.

    Of the root, those too that have given up their place.
    """
    rows = await db.query(
        "with gone as (delete from images where src like %s and status = 0"
        " and id not in (select unnest(image_ids) from trash) returning 1) select count(*) from gone",
        (like_below(folder),),
    )
    return int(rows[0][0])


async def _one(db: Queries, condition: str, value: object) -> Image | None:
    rows = await db.query(f"select {_COLUMNS} from images where {condition}", (value,))  # noqa: S608
    return _image(rows[0]) if rows else None


def _image(row: Row) -> Image:
    number, src, folder_id, title, description, width, height, status, version, *rest = row
    size, mtime_ns, inode, digest, focus_x, focus_y, focus_version, guess_x, guess_y = rest
    return Image(
        id=number,
        src=src,
        folder_id=folder_id,
        title=title,
        description=description,
        width=width,
        height=height,
        status=status,
        version=version,
        file_size=size,
        file_mtime_ns=mtime_ns,
        file_inode=inode,
        content_hash=None if digest is None else bytes(digest),
        focus=focus_at(focus_x, focus_y),
        focus_version=focus_version,
        guess=focus_at(guess_x, guess_y),
    )


def focus_at(x: int | None, y: int | None) -> Focus | None:
    """A place as its columns have it."""
    return None if x is None or y is None else Focus(x=x, y=y)
