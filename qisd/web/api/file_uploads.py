"""Uploads of one file to a path that the client chooses; the body is the file."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import attrs

from qisd.errors import AlreadyExists, NotFound, OutOfDate, Unsupported
from qisd.library.content import not_accepted
from qisd.library.files import Files
from qisd.library.records import FolderRecords
from qisd.library.uploads import Uploads
from qisd.repository.staging import IncomingFile
from qisd.store.images import Image
from qisd.web.api.dispatch import etag_of
from qisd.web.api.endpoint import Call, Versioned, endpoint
from qisd.web.api.models import UploadedImage
from qisd.web.api.presenting import details_object, uploaded_image
from qisd.web.conditional import parse_tags
from qisd.web.digests import HEADER, check_sha256


class FileUploadEndpoints:
    """The endpoint of uploads by PUT.

    :param supported: whether files with an extension can be shown.
    """

    def __init__(
        self, *, uploads: Uploads, files: Files, folders: FolderRecords, supported: Callable[[str], bool]
    ) -> None:
        self._uploads = uploads
        self._files = files
        self._folders = folders
        self._supported = supported

    @endpoint(
        "PUT",
        "/admin/filesystem/files/<path:path>",
        summary="Upload a file to a path",
        tag="Uploads",
        login=True,
        answer=UploadedImage,
        patch=False,
        raw=True,
        takes=("NothingThere", "IfMatch", "ContentDigest"),
        errors=(400, 409, 412, 415, 507),
        description="The body is the file, of whatever type its header says. A file that is there is replaced, unless"
        " `If-None-Match: *` says that nothing may be there; `If-Match` has the ETag of its details. The folder must be"
        " there."
        " `duplicates` warns of other images with the very same content, as far as the caller may view them.",
    )
    async def put(self, call: Call) -> Versioned:
        sent = call.request.body.files
        if not sent:
            raise not_accepted("the file is empty")
        incoming = cast(IncomingFile, sent[0].take())
        try:
            check_sha256(call.request.joined(HEADER), incoming.digest)
            path, fresh = str(call.parts["path"]), _must_be_new(call)
            seen = await self._seen(call, path)
        except Exception:
            await self._uploads.discard(incoming)
            raise
        try:
            image = await self._uploads.store_one(call.visitor, incoming, path, replace=not fresh, seen=seen)
        except AlreadyExists as error:
            if fresh:
                raise OutOfDate(error.message) from error
            raise
        answer = await self._answer(call, image)
        duplicates = await self._uploads.duplicates(call.visitor, image)
        return attrs.evolve(answer, data=uploaded_image(answer.data, duplicates))

    async def _seen(self, call: Call, path: str) -> Image | None:
        """The image that ``If-Match`` names.

        :raises OutOfDate: it is another one now.
        """
        wanted = call.request.joined("If-Match")
        if wanted is None:
            return None
        folder, name = await self._uploads.target(call.visitor, path)
        try:
            image = await self._files.details(call.visitor, f"{folder}/{name}")
        except (NotFound, Unsupported) as error:
            raise OutOfDate("It is not there.") from error
        etag = etag_of(await self._answer(call, image))
        if not any(tag.any or (tag.text == etag and not tag.weak) for tag in parse_tags(wanted)):
            raise OutOfDate("Somebody else has changed this meanwhile")
        return image

    async def _answer(self, call: Call, image: Image) -> Versioned:
        folder = await self._folders.by_id(image.folder_id)
        return Versioned(data=details_object(call, image, folder, supported=self._supported), version=image.version)


def _must_be_new(call: Call) -> bool:
    wanted = call.request.joined("If-None-Match")
    return wanted is not None and any(tag.any for tag in parse_tags(wanted))
