"""From records of the store to objects of the API, where several modules need the same one."""

from __future__ import annotations

from qisd.store.users import User
from qisd.web.api.models import UserObject


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
