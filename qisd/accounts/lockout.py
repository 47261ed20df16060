"""Nobody may lock the administrators out, themselves included."""

from __future__ import annotations

from collections.abc import Mapping

from qisd.errors import Refused
from qisd.store.administrators import Administrator
from qisd.store.first_run import ADMIN

Administrators = Mapping[int, Administrator]

_NOBODY = Administrator(active=False, users=False, permissions=False)


def refuse_lockout(before: Administrators, after: Administrators, *, actor: int | None) -> None:
    """Compare who administers users and permissions before and after a change, which is not committed yet.

    What is missing already can't be lost any more, so that an imported installation can be put in order step by step.

    :param actor: the id of the user who makes the change; None for the server itself.
    :raises Refused: the change would take user administration from the one who makes it, user or permissions
        administration from the built-in administrator, or leave no active user with both.
    """
    if actor is not None and before.get(actor, _NOBODY).users and not after.get(actor, _NOBODY).users:
        raise Refused("this would lock you out of user administration")
    first, first_after = before.get(ADMIN, _NOBODY), after.get(ADMIN, _NOBODY)
    if (first.users and not first_after.users) or (first.permissions and not first_after.permissions):
        raise Refused("this would lock the built-in administrator out of the administration of users or permissions")
    if _complete(before) and not _complete(after):
        raise Refused("this would lock everybody out: no active user could administer users and permissions")


def _complete(administrators: Administrators) -> bool:
    return any(one.active and one.users and one.permissions for one in administrators.values())
