"""From records of the store to objects of the API, where several modules need the same one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import TypeVar

from msgspec import UNSET, structs

from qisd.access.levels import Level
from qisd.imaging.spec import UNIT, Focus
from qisd.library.focal_points import FocalPoint, focal_point_of, percent_text
from qisd.pools.gentle import made_of
from qisd.repository.catalogue import extension_of
from qisd.store.folders import Folder
from qisd.store.groups import FLAGS, Group
from qisd.store.images import Image
from qisd.store.users import User
from qisd.web.api.endpoint import Call
from qisd.web.api.models import (
    Duplicate,
    FocalObject,
    FolderObject,
    GroupFlags,
    GroupObject,
    ImageObject,
    Place,
    UploadedImage,
    UserObject,
)

S = TypeVar("S")
T = TypeVar("T")


async def objects(call: Call, records: Iterable[S], make: Callable[[S], T]) -> list[T]:
    """What ``make`` makes of each record. Others are answered in between: lists can be long."""
    return await made_of(call.request.site.reactor, records, make)


def user_object(user: User) -> UserObject:
    """What others, and the user, may see of a user."""
    return UserObject(
        id=user.id,
        first_name=user.first_name,
        last_name=user.last_name,
        email=user.email,
        username=user.username,
        auth_type=user.auth_type,
        allow_api=user.allow_api,
        status=user.status,
    )


def group_object(group: Group) -> GroupObject:
    """A group without its members."""
    return GroupObject(
        id=group.id,
        name=group.name,
        description=group.description,
        group_type=group.group_type,
        permissions=GroupFlags(group_id=group.id, **{flag: flag in group.flags for flag in FLAGS}),
    )


def folder_object(folder: Folder) -> FolderObject:
    """A folder without its relatives. Its name is the whole path, as old clients know it."""
    return FolderObject(
        id=folder.id,
        name="" if folder.path == "/" else folder.path,
        path=folder.path,
        parent_id=folder.parent_id,
        status=folder.status,
    )


def image_object(
    call: Call,
    image: Image,
    folder: Folder | None,
    *,
    supported: Callable[[str], bool],
    more: str = "",
) -> ImageObject:
    """An image, as the caller may know it.

    :param supported: whether files with an extension can be shown.
    :param more: what else the address of the picture is to say, encoded.
    """
    mtime = image.file_mtime_ns
    return ImageObject(
        id=image.id,
        src=image.src,
        filename=image.filename,
        folder_id=image.folder_id,
        folder=folder_object(folder) if folder is not None else None,
        title=image.title,
        description=image.description,
        width=image.width,
        height=image.height,
        status=image.status,
        supported=supported(extension_of(image.src)),
        download=call.visitor.can(Level.DOWNLOAD, image.folder),
        url=call.urls.image(image.src, more=more),
        filesize=UNSET if image.file_size is None else image.file_size,
        modified=UNSET if mtime is None else datetime.fromtimestamp(mtime // 1_000_000_000, UTC),
    )


def details_object(call: Call, image: Image, folder: Folder | None, *, supported: Callable[[str], bool]) -> ImageObject:
    """As :func:`image_object`, with what one wants to know who shows the image."""
    shown = image_object(call, image, folder, supported=supported)
    shown.focal = focal_object(focal_point_of(image))
    return shown


def focal_object(point: FocalPoint) -> FocalObject:
    """A focal point as the API shows it."""
    at = place(point.place)
    return FocalObject(
        x=at.x,
        y=at.y,
        set=point.source == "person",
        source=point.source,
        proposal=None if point.proposal is None else place(point.proposal),
        object_position=percent_text(point.place),
    )


def place(focus: Focus) -> Place:
    """Where a focal point is, 0 … 1 from the left and from the top."""
    return Place(x=(focus.x or 0) / UNIT, y=(focus.y or 0) / UNIT)


def uploaded_image(shown: ImageObject, duplicates: Sequence[Image]) -> UploadedImage:
    """An image that has just come, with the warning of others that have the same content."""
    return UploadedImage(
        **structs.asdict(shown), duplicates=[Duplicate(id=one.id, src=one.src) for one in duplicates] or UNSET
    )
