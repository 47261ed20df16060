"""Uploads: files of a form, each with its own outcome."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Any

import attrs
import msgspec
from msgspec import Meta
from twisted.python.failure import Failure

from qisd.access.visitor import Visitor
from qisd.errors import MissingParameter, QisError
from qisd.library.uploads import FileOutcome, Overwrite, Uploads
from qisd.store import folders, upload_results
from qisd.store.pool import Database
from qisd.web.api import envelope
from qisd.web.api.endpoint import Call, Partly, endpoint
from qisd.web.api.models import UploadedImage, UploadError
from qisd.web.api.presenting import image_object, uploaded_image
from qisd.web.api.reading import Form, truth
from qisd.web.errors import ErrorAnswer, translate

TAG = "Uploads"

FIELD = "files"


class UploadForm(Form):
    """Where the files go. They are parts of the form called ``files``."""

    path: Annotated[str, Meta(max_length=1024, description="the folder, which must be there")] | None = None
    path_index: Annotated[
        int, Meta(description="number of one of the folders set for uploads", extra={"blank_absent": True})
    ] = -1
    overwrite: Annotated[str, Meta(description="yes, no, or rename: what to do when a name is taken")] = "no"


class UploadResults:
    """Tells what became of an upload, and keeps it for the page that is opened afterwards.

    :param supported: whether files with an extension can be shown.
    """

    def __init__(self, database: Database, *, supported: Callable[[str], bool]) -> None:
        self._database = database
        self._supported = supported

    async def keep(self, call: Call, outcomes: Sequence[FileOutcome]) -> tuple[bytes, ErrorAnswer | None]:
        """The answer's data, in the order of the files, and the first error."""
        ids = {outcome.image.folder_id for outcome in outcomes if outcome.image is not None}
        known = await folders.by_ids(self._database, ids)
        entries: dict[str, Any] = {}
        first: ErrorAnswer | None = None
        for outcome in outcomes:
            if outcome.image is not None:
                folder = known.get(outcome.image.folder_id)
                shown = image_object(call, outcome.image, folder, supported=self._supported)
                entry: Any = uploaded_image(shown, outcome.duplicates)
            else:
                error = _answer(call, outcome.error)
                first = first or error
                entry = {"error": envelope.failure(error)}
            entries[_free_key(entries, outcome.filename)] = entry
        data = msgspec.json.encode(entries)
        if call.visitor.user_id is not None:
            await upload_results.put(self._database, call.visitor.user_id, data)
        return data, first

    async def last(self, visitor: Visitor) -> Any:
        """What became of the visitor's last upload; None when there was none lately."""
        return None if visitor.user_id is None else await upload_results.get(self._database, visitor.user_id)


class UploadEndpoints:
    """The endpoints of uploads."""

    def __init__(self, *, uploads: Uploads, results: UploadResults) -> None:
        self._uploads = uploads
        self._results = results

    @endpoint(
        "POST",
        "/upload/",
        summary="Upload files",
        tag=TAG,
        login=True,
        form=UploadForm,
        files=True,
        reason_alone=True,
        answer=dict[str, UploadedImage | UploadError],
        errors=(400, 403, 404, 409, 413, 415, 507),
        description="The answer has an entry for each file, by the name that it was sent with. When some fail, the"
        " status is that of the first of them, and the others are in their places all the same. `duplicates` of an"
        " image warns of others with the very same content, as far as the caller may view them.",
    )
    async def upload(self, call: Call) -> Partly:
        form = call.read(UploadForm)
        sent = [one for one in call.request.body.files if one.field == FIELD]
        if form.path is None and form.path_index < 0:
            raise MissingParameter("path")
        if not sent:
            raise MissingParameter(FIELD)
        outcomes = await self._uploads.store(
            call.visitor,
            [one.take() for one in sent],
            folder=form.path,
            path_index=form.path_index if form.path_index >= 0 else None,
            overwrite=overwrite_of(form.overwrite),
        )
        data, first = await self._results.keep(call, outcomes)
        return Partly(data=msgspec.Raw(data), error=first)

    @endpoint(
        "GET",
        "/upload/",
        summary="What became of my last upload",
        tag=TAG,
        login=True,
        answer=dict[str, UploadedImage | UploadError] | None,
    )
    async def last(self, call: Call) -> Any:
        return await self._results.last(call.visitor)


def _answer(call: Call, error: QisError | None) -> ErrorAnswer:
    failure = Failure(error or QisError("The upload failed."))
    answer = translate(failure, request_id=call.request.request_id, where=call.request.describe())
    return attrs.evolve(answer, reason_alone=True)


def overwrite_of(text: str) -> Overwrite:
    """What a form says is to be done when a name is taken."""
    if text == "rename":
        return "rename"
    return "yes" if truth(text) else "no"


def _free_key(entries: dict[str, Any], name: str) -> str:
    key, number = name, 1
    while key in entries:
        number += 1
        key = f"{name} ({number})"
    return key
