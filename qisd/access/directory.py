"""Log-in with the password that somebody has in an LDAP directory.

The directory is asked anew at each log-in; nothing is kept. What it says becomes a :class:`DirectoryUser`, and whether
there is or will be an account for that is for others to decide.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Protocol, Self, TypeVar

import attrs
from twisted.logger import Logger

from qisd.access.directory_schema import NAME_MAX
from qisd.errors import DirectoryFailure
from qisd.settings import Settings

T = TypeVar("T")

_log = Logger()


@attrs.frozen(kw_only=True)
class DirectorySettings:
    """The settings ``LDAP_*``, which explain them.

    :param timeout: seconds.
    """

    server_type: str
    server: str
    query_base: str
    bind_user_dn: str = ""
    bind_password: str = attrs.field(default="", repr=False)
    secure: bool = False
    start_tls: bool = True
    ca_file: Path | None = None
    timeout: float = 5.0
    group_sync: bool = False

    @classmethod
    def of(cls, settings: Settings) -> Self | None:
        """Those in force; None when nobody logs in by a directory."""
        if not settings.ldap_integration:
            return None
        return cls(
            server_type=settings.ldap_server_type,
            server=settings.ldap_server,
            query_base=settings.ldap_query_base,
            bind_user_dn=settings.ldap_bind_user_dn,
            bind_password=settings.ldap_bind_password,
            secure=settings.ldap_secure,
            start_tls=settings.ldap_start_tls,
            ca_file=settings.ldap_ca_file,
            timeout=settings.ldap_timeout,
            group_sync=settings.ldap_group_sync,
        )


@attrs.frozen(kw_only=True)
class DirectoryUser:
    """Somebody who has proved to be in the directory.

    :param username: as the directory spells it, which is not always as it was typed; 1 to 120 characters.
    :param first_name: never empty, 120 characters at most; so is ``last_name``.
    :param groups: names of the directory's groups that they are in; empty when groups are not synchronised.
    :param dn: the name of their entry.
    """

    username: str
    first_name: str
    last_name: str
    groups: frozenset[str] = frozenset()
    dn: str = ""


@attrs.frozen
class Refusal:
    """Why somebody may not log in. ``odd``: an administrator of the directory should know."""

    reason: str
    odd: bool = False


class Run(Protocol):
    """Runs blocking work in a thread."""

    def __call__(self, work: Callable[[], T], /) -> Awaitable[T]: ...


class Directory:
    """An LDAP directory.

    :param run: should not give up before the work is done, which has time-outs of its own.
    """

    def __init__(self, settings: DirectorySettings, *, run: Run) -> None:
        self._settings = settings
        self._run = run

    async def authenticate(self, username: str, password: str) -> DirectoryUser | None:
        """The person with this name and password; None when the name is unknown or the password wrong.

        :raises DirectoryFailure: the directory can't be asked.
        """
        outcome: DirectoryUser | Refusal
        if _acceptable(username, password):
            # No partial(): that would show the password wherever it is printed.
            outcome = await self._run(lambda: _ask(self._settings, username, password))
        else:
            outcome = Refusal("such a name or password is never sent")
        if isinstance(outcome, DirectoryUser):
            return outcome
        say = _log.warn if outcome.odd else _log.debug
        say("the directory refuses {username!r}: {reason}", username=username, reason=outcome.reason)
        return None


def _acceptable(username: str, password: str) -> bool:
    """Whether they can be a name and a password. A bind with an empty password succeeds: it makes one a nobody."""
    with suppress(UnicodeEncodeError):  # a half of a surrogate pair
        return bool(
            username.encode().strip() and password.encode() and "\0" not in username and len(username) <= NAME_MAX
        )
    return False


def _ask(settings: DirectorySettings, username: str, password: str) -> DirectoryUser | Refusal:
    """Blocks.

    :raises DirectoryFailure: whatever went wrong.
    """
    try:
        # Not before: ldap3 takes 5 MB of each process, and most sites have no directory.
        from qisd.access.directory_login import Login

        return Login(settings).log_in(username, password)
    except DirectoryFailure:
        raise
    except Exception as error:
        # ldap3 and pyasn1 have errors of many kinds, and stumble over answers that are none with any other.
        raise DirectoryFailure(detail=f"{type(error).__name__}: {error}") from None
