"""What is asked for when an account is made or changed: which values there are, and what follows from them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import attrs

from qisd.accounts import checks
from qisd.store.users import ACTIVE, DELETED, LDAP, PASSWORD, User

_AUDITED = ("username", "first_name", "last_name", "email", "auth_type", "allow_api", "status")


@attrs.frozen(kw_only=True)
class NewUser:
    """What an account is to begin with.

    :param password: for ``auth_type`` 1; others have theirs in the directory.
    """

    username: str
    password: str | None = attrs.field(default=None, repr=False)
    first_name: str = ""
    last_name: str = ""
    email: str = ""
    auth_type: int = PASSWORD
    allow_api: bool = False


@attrs.frozen(kw_only=True)
class UserDetails:
    """What administrators want to know of a user besides the account itself.

    :param groups: id and name of each, by name.
    :param last_login: None: never, or longer ago than the audit log goes back.
    """

    groups: list[tuple[int, str]]
    last_login: datetime | None


@attrs.frozen(kw_only=True)
class UserChange:
    """What is to be changed of an account; None stays as it is.

    :param password: a new one; the empty text is none.
    :param current_password: the present one, which those must know who come by session and change their own.
    :param status: 0 disables, 1 enables, also who was deleted.
    :param must_change: whether the user must choose another password before anything else.
    """

    username: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None
    auth_type: int | None = None
    allow_api: bool | None = None
    status: int | None = None
    must_change: bool | None = None
    password: str | None = attrs.field(default=None, repr=False)
    current_password: str | None = attrs.field(default=None, repr=False)


def checked_new(new: NewUser) -> NewUser:
    """``new`` with a trimmed user name, and without a password that doesn't count.

    :raises BadParameter: a value is no such value.
    """
    username = checks.text("username", new.username.strip(), least=1)
    _check_names(new)
    checks.choice("auth_type", new.auth_type, (PASSWORD, LDAP))
    if new.auth_type == LDAP:
        return attrs.evolve(new, username=username, password=None)
    checks.new_password(new.password or "", username=username)
    return attrs.evolve(new, username=username)


def checked_change(wanted: UserChange) -> UserChange:
    """``wanted`` with a trimmed user name. New passwords are looked at when the user's name is known.

    :raises BadParameter: a value is no such value.
    """
    _check_names(wanted)
    if wanted.auth_type is not None:
        checks.choice("auth_type", wanted.auth_type, (PASSWORD, LDAP))
    if wanted.status is not None:
        checks.choice("status", wanted.status, (DELETED, ACTIVE))
    if wanted.username is None or wanted.auth_type == LDAP:
        return attrs.evolve(wanted, username=None)
    return attrs.evolve(wanted, username=checks.text("username", wanted.username.strip(), least=1))


def changed(old: User, wanted: UserChange) -> User:
    """The user as it is to be, but for the password."""
    names = ["first_name", "last_name", "email", "auth_type", "allow_api", "status"]
    if (wanted.auth_type or old.auth_type) != LDAP:  # those of a directory have their names there
        names.append("username")
    given = {name: getattr(wanted, name) for name in names}
    return attrs.evolve(old, **{name: value for name, value in given.items() if value is not None})


def ends_sessions(old: User, new: User, *, password: bool) -> bool:
    """Whether a change ends the sessions and tokens of the user.

    :param password: it brings a new one.
    """
    revoked = old.allow_api and not new.allow_api
    return password or revoked or old.status != new.status or old.auth_type != new.auth_type


def state(user: User) -> dict[str, Any]:
    """What the audit log tells of a user."""
    return {name: getattr(user, name) for name in _AUDITED}


def _check_names(given: NewUser | UserChange) -> None:
    for name in ("first_name", "last_name", "email"):
        value = getattr(given, name)
        if value is not None:
            checks.text(name, value)
