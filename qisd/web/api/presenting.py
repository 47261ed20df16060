"""From records of the store to objects of the API, where several modules need the same one."""

from __future__ import annotations

from qisd.store.folders import Folder
from qisd.store.groups import FLAGS, Group
from qisd.store.users import User
from qisd.web.api.models import FolderObject, GroupFlags, GroupObject, UserObject


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
