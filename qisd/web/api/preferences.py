"""What the caller likes."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta

from qisd.accounts.preferences import NAME_MAX, NAMES_MAX, TEXT_MAX, UserPreferences
from qisd.store.user_preferences import Preferences
from qisd.web.api.endpoint import Call, Versioned, endpoint
from qisd.web.api.models import Model
from qisd.web.api.reading import Form

TAG = "Account"

_ADDRESS = "/account/preferences/"

_Values = Annotated[
    dict[str, Any],
    Meta(
        extra={"json_text": (2, TEXT_MAX)},
        description=f"JSON values by name; at most {NAMES_MAX} names of {NAME_MAX} characters and {TEXT_MAX} in all",
    ),
]


class PreferencesForm(Form):
    """What the caller likes."""

    preferences: _Values
    merge: Annotated[bool, Meta(description="leave what has other names as it is; null takes a name away")] = False


class PreferencesObject(Model):
    """What the caller likes."""

    preferences: dict[str, Any]


class PreferenceEndpoints:
    """The endpoints of preferences."""

    def __init__(self, preferences: UserPreferences) -> None:
        self._preferences = preferences

    @endpoint(
        "GET",
        _ADDRESS,
        summary="What the caller likes",
        tag=TAG,
        login=True,
        answer=PreferencesObject,
        description="Programs keep here what they want to remember of a user: theme, language, presets. The server does"
        " not look at it.",
    )
    async def get(self, call: Call) -> Versioned:
        return _answer(await self._preferences.of(call.visitor))

    @endpoint(
        "PUT",
        _ADDRESS,
        summary="Change what the caller likes",
        tag=TAG,
        login=True,
        form=PreferencesForm,
        answer=PreferencesObject,
        patch=False,
        errors=(400, 403),
        example={"preferences": {"theme": "dark"}, "merge": True},
    )
    async def put(self, call: Call) -> Versioned:
        form = call.read(PreferencesForm)
        return _answer(
            await self._preferences.put(call.visitor, form.preferences, merge=form.merge, version=call.version)
        )


def _answer(preferences: Preferences) -> Versioned:
    return Versioned(data=PreferencesObject(preferences=dict(preferences.values)), version=preferences.version)
