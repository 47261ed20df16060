"""Properties of the installation."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from qisd.access.levels import Flag
from qisd.accounts.properties import VALUE_MAX, Properties
from qisd.store.properties import Property
from qisd.web.api.endpoint import Call, Versioned, endpoint
from qisd.web.api.models import PropertyObject
from qisd.web.api.reading import Form

TAG = "Properties"


class PropertyForm(Form):
    """A new value."""

    value: Annotated[str, Meta(max_length=VALUE_MAX)]


class PropertyEndpoints:
    """The endpoints of properties."""

    def __init__(self, properties: Properties) -> None:
        self._properties = properties

    @endpoint(
        "GET",
        "/admin/properties/<key>/",
        summary="A property",
        tag=TAG,
        login=True,
        flag=Flag.ADMIN_ALL,
        answer=PropertyObject,
        errors=(404,),
    )
    async def get(self, call: Call) -> Versioned:
        found = await self._properties.get(call.visitor, call.parts["key"])
        return Versioned(data=_object(found), version=found.version)

    @endpoint(
        "PUT",
        "/admin/properties/<key>/",
        summary="Change a property: only pubimage_default_template can be, to the name of a template",
        tag=TAG,
        login=True,
        flag=Flag.ADMIN_ALL,
        form=PropertyForm,
        answer=PropertyObject,
        errors=(400, 404),
        example={"value": "Teaser"},
    )
    async def change(self, call: Call) -> PropertyObject:
        form = call.read(PropertyForm)
        return _object(
            await self._properties.put(call.visitor, call.parts["key"], form.value, expected_version=call.version)
        )


def _object(found: Property) -> PropertyObject:
    return PropertyObject(key=found.key, value=found.value)
