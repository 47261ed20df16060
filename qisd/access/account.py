"""The account of the operating system that the daemon, and the commands that root gives, run as."""

from __future__ import annotations

import grp
import os
import pwd

import attrs

from qisd.errors import StartupError
from qisd.settings import Settings

_USUAL_USER = "qis"
_LAST_RESORT = "nobody"


@attrs.frozen(kw_only=True)
class Account:
    """The user to become, with all its groups."""

    name: str
    uid: int
    gid: int
    groups: tuple[int, ...]


def account_for(settings: Settings) -> Account | None:
    """The account to run as; None when the process isn't root's and stays what it is.

    :raises StartupError: there is no such user or group.
    """
    if os.geteuid() != 0:
        return None
    name = settings.run_user or (_USUAL_USER if _exists(_USUAL_USER) else _LAST_RESORT)
    try:
        user = pwd.getpwnam(name)
    except KeyError:
        raise StartupError(f"RUN_USER: there is no user {name}") from None
    gid = user.pw_gid
    if settings.run_group:
        try:
            gid = grp.getgrnam(settings.run_group).gr_gid
        except KeyError:
            raise StartupError(f"RUN_GROUP: there is no group {settings.run_group}") from None
    return Account(name=name, uid=user.pw_uid, gid=gid, groups=tuple(os.getgrouplist(name, gid)))


def account_of(uid: int) -> Account | None:
    """The account of a user; None where there is no such user."""
    try:
        user = pwd.getpwuid(uid)
    except KeyError:
        return None
    groups = tuple(os.getgrouplist(user.pw_name, user.pw_gid))
    return Account(name=user.pw_name, uid=uid, gid=user.pw_gid, groups=groups)


def _exists(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True
