"""The files that somebody has picked, in one zip."""

from __future__ import annotations

from qisd.portfolios.selections import Selections
from qisd.web.api.answer import Stream
from qisd.web.api.bulk import TAG, BulkForm
from qisd.web.api.endpoint import Call, endpoint
from qisd.web.headers import content_disposition


class SelectionZipEndpoints:
    """The endpoint."""

    def __init__(self, selections: Selections) -> None:
        self._selections = selections

    @endpoint(
        "POST",
        "/admin/bulk/zip/",
        summary="The files of many images in one zip",
        tag=TAG,
        login=True,
        form=BulkForm,
        plain={
            200: "The zip, which is made while it is sent, with the files as they are. It is cut off if one of them is"
            " changed meanwhile.",
        },
        errors=(403, 404, 429),
        description="Needs the download level for each. Nothing is sent if one of them is not there, or not to be had.",
        example={"srcs": ["/samples/penguin.jpg", "/samples/coffee.jpg"]},
    )
    async def zip(self, call: Call) -> Stream:
        selection = await self._selections.of(call.visitor, call.read(BulkForm).chosen)
        return Stream(
            status=200,
            headers=[
                ("Content-Type", "application/zip"),
                ("Cache-Control", "no-store"),
                content_disposition(selection.name, attachment=True),
            ],
            pieces=self._selections.pieces(selection),
        )
