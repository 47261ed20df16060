"""What is to stay in view when an image is cut to a shape."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from qisd.imaging.spec import UNIT, Focus
from qisd.library.focal_points import FocalPoint, ImageFocalPoints
from qisd.web.api.endpoint import Call, Versioned, endpoint
from qisd.web.api.models import FocalObject
from qisd.web.api.presenting import focal_object
from qisd.web.api.reading import Form

TAG = "Images"

_ADDRESS = "/admin/images/<int:id>/focal/"

_Part = Annotated[float, Meta(ge=0, le=1)]


class FocalForm(Form):
    """A place of the picture as it is shown upright, as parts of its width and height."""

    x: _Part
    y: _Part


class FocalPointEndpoints:
    """The endpoints of focal points."""

    def __init__(self, focal_points: ImageFocalPoints) -> None:
        self._focal_points = focal_points

    @endpoint(
        "GET",
        _ADDRESS,
        summary="The focal point of an image",
        tag=TAG,
        login=True,
        answer=FocalObject,
        errors=(403,),
        description="What `focus=auto` goes by: what somebody has set, or else a proposal that was made from the"
        " picture, or else its centre.",
    )
    async def get(self, call: Call) -> Versioned:
        return _answer(await self._focal_points.of(call.visitor, call.id()))

    @endpoint(
        "PUT",
        _ADDRESS,
        summary="Set the focal point of an image",
        tag=TAG,
        login=True,
        form=FocalForm,
        answer=FocalObject,
        errors=(403,),
        description="It stays when the file is moved or replaced. Only images that are cut by it change.",
        example={"x": 0.62, "y": 0.4},
    )
    async def choose(self, call: Call) -> Versioned:
        form = call.read(FocalForm)
        place = Focus(x=round(form.x * UNIT), y=round(form.y * UNIT))
        return _answer(await self._focal_points.choose(call.visitor, call.id(), place, version=call.version))

    @endpoint(
        "DELETE",
        _ADDRESS,
        summary="Leave the focal point of an image to the proposal",
        tag=TAG,
        login=True,
        answer=FocalObject,
        errors=(403,),
    )
    async def leave(self, call: Call) -> Versioned:
        return _answer(await self._focal_points.choose(call.visitor, call.id(), None, version=call.version))


def _answer(point: FocalPoint) -> Versioned:
    return Versioned(data=focal_object(point), version=point.version)
