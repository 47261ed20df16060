"""The objects that the API answers with. Validation, encoding and the OpenAPI document are made from these types.

Times are UTC. Paths of images have no leading slash, those of folders have one.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

Id = Annotated[int, Meta(ge=1)]
Moment = Annotated[datetime, Meta(tz=True)]
Status = Annotated[int, Meta(description="1 active, 0 deleted", ge=0, le=1)]


class Model(msgspec.Struct, kw_only=True):
    """Base of all answers."""


class FolderObject(Model):
    """A folder, without its relatives."""

    id: int
    name: Annotated[str, Meta(description="equal to path; empty for the root")]
    path: Annotated[str, Meta(description="with leading slash; the root is /")]
    parent_id: int | None
    status: Status


class FolderTree(FolderObject):
    """A folder with its parent and the folders in it."""

    parent: FolderObject | None
    children: list[FolderObject]


class Place(Model):
    """A place of a picture as it is shown upright, before it is flipped or turned."""

    x: Annotated[float, Meta(ge=0, le=1, description="from the left, as a part of the width")]
    y: Annotated[float, Meta(ge=0, le=1, description="from the top, as a part of the height")]


class FocalObject(Place):
    """What is to stay in view when an image is cut to a shape."""

    set: Annotated[bool, Meta(description="a person has set it")]
    source: Literal["person", "proposal", "centre"]
    proposal: Annotated[Place | None, Meta(description="what was guessed; null: nothing, or not yet")]
    object_position: Annotated[str, Meta(description="the same as CSS has it")]


class ImageObject(Model):
    """An image file, as the caller may know it."""

    id: int
    src: Annotated[str, Meta(description="path below the root, without leading slash")]
    filename: str
    folder_id: int
    folder: FolderObject | None
    title: str
    description: str
    width: Annotated[int, Meta(description="pixels of the file; 0 = unreadable")]
    height: int
    status: Status
    supported: Annotated[bool, Meta(description="the extension is decodable")]
    download: Annotated[bool, Meta(description="the caller may fetch the original")]
    url: str
    filesize: int | UnsetType = UNSET
    modified: Moment | UnsetType = UNSET
    focal: Annotated[FocalObject, Meta(description="only in details")] | UnsetType = UNSET


class Duplicate(Model):
    """Another image with the very same content."""

    id: int
    src: str


class DamagedImage(Model):
    """An image whose file holds other bytes than it did, although nobody has written to it."""

    id: int
    src: str
    found: Annotated[Moment, Meta(description="when that was seen first")]


class UploadedImage(ImageObject):
    """An image that was just uploaded."""

    duplicates: (
        Annotated[list[Duplicate], Meta(description="a warning: images with the same content; up to ten")] | UnsetType
    ) = UNSET


class ImageCounts(Model):
    """What was counted for an image in a time."""

    requests: int
    views: Annotated[int, Meta(description="pictures sent")]
    cached_views: Annotated[int, Meta(description="of these, those that were made already")]
    downloads: Annotated[int, Meta(description="originals sent")]
    total_bytes: int
    request_seconds: Annotated[float, Meta(description="all requests together")]
    max_request_seconds: Annotated[float, Meta(description="the longest request")]


class ImageDay(Model):
    """What was counted for an image on a day, by UTC."""

    day: date
    requests: int
    served: Annotated[int, Meta(description="pictures and originals sent")]
    total_bytes: int


class ImageStatistics(Model):
    """How often an image was asked for lately."""

    image_id: Id
    last_day: ImageCounts
    last_30_days: ImageCounts
    days: Annotated[list[ImageDay], Meta(description="the last thirty, today last")]


class PortfolioUse(Model):
    """A portfolio that an image is in."""

    id: int
    human_id: str
    name: str


class TemplateUse(Model):
    """A template that lays an image over others."""

    id: int
    name: str


class ImageUsage(Model):
    """Where an image is used."""

    image_id: Id
    portfolios: list[PortfolioUse]
    portfolios_hidden: Annotated[
        int, Meta(description="portfolios that the caller may not see; told to those who may delete the image")
    ]
    templates: list[TemplateUse]


class ListedFile(Model):
    """A file of a folder."""

    filename: str
    supported: bool
    url: Annotated[str, Meta(description="empty if the file is not supported")]


class ListedFolder(Model):
    """A folder in a list that was asked for with ``folders=true``."""

    filename: str
    is_folder: bool
    path: str


class FileFacts(ListedFile):
    """A file of a list that was asked for with ``facts=true``.

    Without id, width, height and title, nothing is known of it but what the disk says.
    """

    src: Annotated[str, Meta(description="path below the root, without leading slash")]
    size: Annotated[int, Meta(description="bytes")]
    modified: Moment
    id: int | UnsetType = UNSET
    width: int | UnsetType = UNSET
    height: int | UnsetType = UNSET
    title: str | UnsetType = UNSET


class FolderFacts(ListedFolder):
    """A folder of a list that was asked for with ``facts=true``."""

    modified: Moment
    items: Annotated[int, Meta(description="files and folders in it, counted up to 1000")]
    folders: Annotated[bool, Meta(description="there are folders in it, as far as was looked")]
    level: Annotated[int, Meta(description="what the caller may there")]
    public: Annotated[int, Meta(description="what everybody may there")]


class FolderSummary(Model):
    """What is in a folder, deeper ones not counted, and what may be done there."""

    path: str
    folders: int
    files: int
    size: Annotated[int, Meta(description="bytes of all files")]
    types: Annotated[dict[str, int], Meta(description="files by extension")]
    level: Annotated[int, Meta(description="what the caller may here")]
    parent_level: Annotated[int, Meta(description="what the caller may in the folder above; 0 for the root")]
    public: Annotated[int, Meta(description="what everybody may here")]


class UserObject(Model):
    """A user; what a user may do comes from groups."""

    id: int
    first_name: str
    last_name: str
    email: str
    username: str
    auth_type: Annotated[int, Meta(description="1 password, 2 LDAP")]
    allow_api: Annotated[bool, Meta(description="may fetch tokens")]
    status: Status
    created: Moment | UnsetType = UNSET
    deleted: Annotated[datetime | None, Meta(description="null for those who are only disabled")] | UnsetType = UNSET
    must_change: Annotated[bool, Meta(description="another password must be chosen first")] | UnsetType = UNSET
    last_login: Annotated[datetime | None, Meta(description="as far as the audit log goes back")] | UnsetType = UNSET
    member_of: list[GroupName] | UnsetType = UNSET


class GroupName(Model):
    """Which group."""

    id: int
    name: str


class OneTimePassword(Model):
    """A password that is shown this once, and is good for nothing but to choose another one."""

    password: str


class GroupFlags(Model):
    """The system permissions of a group."""

    group_id: int
    folios: bool
    reports: bool
    admin_users: bool
    admin_files: bool
    admin_folios: bool
    admin_permissions: bool
    admin_all: bool


class GroupObject(Model):
    """A group; ``users`` only where one group is asked for."""

    id: int
    name: str
    description: str
    group_type: Annotated[int, Meta(description="1 system, 2 local, 3 LDAP")]
    permissions: GroupFlags
    users: list[UserObject] | UnsetType = UNSET


class NewUserObject(UserObject, kw_only=True):
    """A user who was just made, with the groups."""

    groups: list[GroupObject]


class TemplateObject(Model):
    """A named set of image options: ``{"<field>": {"value": …}}``."""

    id: int
    name: str
    description: str
    template: dict[str, Any]


class PermissionObject(Model):
    """The level that a group has in a folder, and below it."""

    id: int
    folder_id: int
    group_id: int
    access: Annotated[int, Meta(description="0, 10, 20, 30, 40, 50, 60 or 70")]
    folder: FolderObject | UnsetType = UNSET
    group: GroupObject | UnsetType = UNSET


class PropertyObject(Model):
    """A value of the installation."""

    key: str
    value: str | None


class PortfolioPermission(Model):
    """What a group may do with a portfolio."""

    id: int
    folio_id: int
    group_id: int
    access: Annotated[int, Meta(description="0 nothing, 10 view, 20 download")]


class PortfolioImage(Model):
    """An image in a portfolio; ``parameters`` in the form of a template."""

    id: int
    folio_id: int
    image_id: int
    image: ImageObject
    filename: Annotated[str, Meta(description="name in zips; empty = the image's own")]
    order_num: int
    parameters: dict[str, Any]
    url: str


class PortfolioExport(Model):
    """A published portfolio: a zip file, once it's done."""

    id: int
    folio_id: int
    description: str
    originals: bool
    parameters: dict[str, Any]
    task_id: int | None
    filename: Annotated[str, Meta(description="empty until done")]
    filesize: int
    created: Moment
    keep_until: Moment
    url: str | UnsetType = UNSET
    state: str | UnsetType = UNSET
    error: str | UnsetType = UNSET


class PortfolioEvent(Model):
    """An entry of a portfolio's history."""

    id: int
    folio_id: int
    user_id: int | None
    action: Annotated[
        int, Meta(description="1 created, 2 edited, 3 images changed, 4 published, 5 downloaded, 6 unpublished")
    ]
    action_info: str
    action_time: Moment


class PortfolioObject(Model):
    """A portfolio; ``images`` and ``history`` only where one portfolio is asked for."""

    id: int
    human_id: str
    name: str
    description: str
    owner_id: int
    last_updated: Moment
    permissions: list[PortfolioPermission]
    downloads: list[PortfolioExport]
    url: str
    images: list[PortfolioImage] | UnsetType = UNSET
    images_hidden: Annotated[int, Meta(description="images in folders that are closed to the caller")] | UnsetType = (
        UNSET
    )
    images_closed: (
        Annotated[int, Meta(description="for the owner: images that nobody sees who has not logged in")] | UnsetType
    ) = UNSET
    history: list[PortfolioEvent] | UnsetType = UNSET


class ImageEvent(Model):
    """An entry of an image's history."""

    id: int
    image_id: int
    user_id: int | None
    action: Annotated[int, Meta(description="0 deleted, 1 created, 2 replaced, 3 edited, 4 moved")]
    action_info: str
    action_time: Moment
    username: str | UnsetType = UNSET


class MetadataObject(Model):
    """What is known of an image beyond its record: what the file says, then what people say."""

    format: str
    colour_space: str
    profile: str
    exif: dict[str, Any]
    iptc: dict[str, Any]
    xmp: dict[str, Any]
    keywords: list[str]
    taken: datetime | None
    camera: str
    latitude: float | None
    longitude: float | None
    copyright: str
    tags: list[str]
    custom: dict[str, Any]
    owner: str
    licence: str
    valid_from: datetime | None
    valid_until: datetime | None
    read_at: Annotated[datetime | None, Meta(description="when the file was read; null: not yet")]


TaskState = Literal["pending", "active", "done", "failed", "cancelled"]


class TaskObject(Model):
    """A background task."""

    id: int
    name: str
    funcname: str
    params: dict[str, Any]
    priority: Annotated[int, Meta(description="10 high, 20 normal, 30 low")]
    status: Annotated[int, Meta(description="0 pending, 1 active, 2 complete")]
    result: Any
    keep_for: int
    keep_until: Moment | None
    log_level: str
    error_log_level: str
    lock_id: str | None
    user_id: int | None
    user: UserObject | None
    created: Moment
    started: Moment | None
    finished: Moment | None
    progress: Annotated[float, Meta(description="0 to 1")] | None
    progress_text: str = ""
    state: Annotated[TaskState, Meta(description="how it stands, with how it ended")] = "pending"
    attempts: Annotated[int, Meta(description="how often it was begun")] = 0
    cancelling: Annotated[bool, Meta(description="it runs, and ends as soon as it can")] = False
    error: Annotated[str | None, Meta(description="why the last attempt ended")] = None


class TaskSummary(Model):
    """How many tasks there are, and of which types."""

    pending: int
    active: int
    done: int
    failed: int
    cancelled: int
    kinds: list[str]


class RemovedTasks(Model):
    """What was removed of the list."""

    removed: int


class WorkAhead(Model):
    """How much a task would have to do."""

    count: Annotated[int | None, Meta(description="null: that can't be counted before")]
    unit: Literal["rows", "images", "entries"]


class WebhookObject(Model):
    """An address that is told what happens; its secret is not shown."""

    id: int
    url: str
    events: list[str]
    active: bool
    created: Moment


class NewWebhook(WebhookObject):
    """One that was just made, with its secret if that was made too."""

    secret: str | UnsetType = UNSET


class WebhookDelivery(Model):
    """What a webhook is yet to be told."""

    id: Annotated[str, Meta(description="the webhook-id of its header")]
    event: str
    data: dict[str, Any]
    created: Moment
    attempts: int
    next_attempt: Moment
    error: Annotated[str, Meta(description="why the last attempt failed")]


class AuditEntry(Model):
    """An entry of the audit log."""

    id: int
    time: Moment
    actor_id: int | None
    actor_name: str
    actor_kind: str
    address: str
    request_id: str
    action: str
    object_type: str
    object_id: str
    before: Any
    after: Any


class TrashEntry(Model):
    """A deleted file or folder that can be restored."""

    id: int
    kind: Literal["file", "folder"]
    path: str
    user_id: int | None
    deleted: Moment
    expires: Moment


class RestoredObject(Model):
    """Where something is that was restored."""

    path: str


class UploadError(Model):
    """Why one file of an upload failed."""

    error: ErrorEnvelope


class TokenObject(Model):
    """A token; it is shown this once."""

    token: str
    expires_at: Moment
    expires_in: Annotated[int, Meta(description="seconds")]


class TicketObject(Model):
    """What is posted to ``/api/tokenlogin/`` to open a session."""

    ticket: str
    expires_at: Moment


class KeyObject(Model):
    """A key that a user has made; the secret itself is never shown again."""

    id: int
    label: str
    scopes: list[str]
    folder: str
    created: Moment
    last_used: Moment
    expires: Moment


class NewKeyObject(KeyObject):
    """A key that was just made, with its secret."""

    token: str


class LiveSession(Model):
    """Where a user has signed in with a browser."""

    id: int
    address: str
    agent: Annotated[str, Meta(description="what the browser calls itself")]
    created: Moment
    last_used: Moment
    expires: Moment
    current: Annotated[bool, Meta(description="the one that this call is made with")]


class VersionObject(Model):
    """What answers; version and edition may be hidden from strangers."""

    name: str
    api_versions: list[str]
    version: str | UnsetType = UNSET
    edition: str | UnsetType = UNSET


class SessionObject(Model):
    """Who is asking, and what writes by cookie must carry."""

    user: UserObject | None
    csrf_token: str | None
    permissions: Annotated[list[str], Meta(description="the caller's system permissions")]


class ErrorEnvelope(Model):
    """Every error: the three keys of every answer, and those of RFC 9457 besides."""

    status: int
    message: str
    data: Any
    type: str
    title: str
    detail: str
    parameter: str | UnsetType = UNSET
    errors: list[dict[str, str]] | UnsetType = UNSET
    incident: str | UnsetType = UNSET
