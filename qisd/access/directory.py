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

from qisd.access.directory_schema import (
    ACTIVE_DIRECTORY,
    KINDS,
    NAME_MAX,
    Entry,
    Kind,
    canonical_name,
    groups_filter,
    person_names,
    same_dn,
)
from qisd.access.directory_server import (
    SUCCESS,
    Connection,
    DirectoryFailure,
    Transport,
    connected,
    parse_address,
    tls_context,
)
from qisd.settings import Settings

__all__ = ["Directory", "DirectoryFailure", "DirectorySettings", "DirectoryUser"]

T = TypeVar("T")

_log = Logger()

_GROUPS_MAX = 1000

# Codes of RFC 4511 that servers answer a bind with when it's the person who may not log in, not the server that is ill:
# wrong password, no password in the entry, locked, expired, gone since the search.
_WRONG_PASSWORD = 49
_MAY_NOT_LOG_IN = frozenset({19, 32, 48, _WRONG_PASSWORD, 50, 53})


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
class _Refusal:
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
        outcome: DirectoryUser | _Refusal
        if _acceptable(username, password):
            # No partial(): that would show the password wherever it is printed.
            outcome = await self._run(lambda: _ask(self._settings, username, password))
        else:
            outcome = _Refusal("such a name or password is never sent")
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


def _ask(settings: DirectorySettings, username: str, password: str) -> DirectoryUser | _Refusal:
    """Blocks.

    :raises DirectoryFailure: whatever went wrong.
    """
    try:
        return _Login(settings).log_in(username, password)
    except DirectoryFailure:
        raise
    except Exception as error:
        # ldap3 and pyasn1 have errors of many kinds, and stumble over answers that are none with any other.
        raise DirectoryFailure(detail=f"{type(error).__name__}: {error}") from None


class _Login:
    """One attempt to log in."""

    def __init__(self, settings: DirectorySettings) -> None:
        kind = KINDS.get(settings.server_type.lower())
        if kind is None:
            raise DirectoryFailure(detail="LDAP_SERVER_TYPE is none")
        self._kind: Kind = kind
        self._settings = settings
        address = parse_address(settings.server, ldaps=settings.secure)
        self._transport = Transport(
            address=address,
            context=tls_context(settings.ca_file) if address.ldaps or settings.start_tls else None,
            start_tls=settings.start_tls,
            timeout=settings.timeout,
        )

    def log_in(self, username: str, password: str) -> DirectoryUser | _Refusal:
        with connected(self._transport) as searching:
            self._bind_for_searching(searching)
            entry = self._find(searching, username)
            if isinstance(entry, _Refusal):
                return entry
            name = canonical_name(entry, self._kind, username)
            if not 1 <= len(name) <= NAME_MAX or "\0" in name:
                return _Refusal(f"{entry.dn!r} has no {self._kind.name} that could be a user name", odd=True)
            refusal = self._prove(entry.dn, password)
            if refusal is not None:
                return refusal
            first_name, last_name = person_names(entry)
            return DirectoryUser(
                username=name,
                first_name=first_name,
                last_name=last_name,
                groups=self._groups(searching, entry, name),
                dn=entry.dn,
            )

    def _bind_for_searching(self, connection: Connection) -> None:
        """Log in as the service account, if there is one."""
        dn, password = self._settings.bind_user_dn, self._settings.bind_password
        if not dn and self._kind is not ACTIVE_DIRECTORY:
            outcome = connection.bind_anonymously()
        elif dn and password:
            outcome = connection.bind(dn, password)
        else:
            raise DirectoryFailure(detail="LDAP_BIND_USER_DN and LDAP_BIND_PASSWORD are not both set")
        if outcome.code != SUCCESS:
            raise DirectoryFailure(detail=f"bind before the search failed: {outcome.text}")

    def _find(self, connection: Connection, username: str) -> Entry | _Refusal:
        condition = self._kind.person_filter(username)
        found = connection.search(self._settings.query_base, condition, self._kind.attributes, limit=2)
        if not found:
            return _Refusal("no such user")
        if len(found) > 1:
            return _Refusal(f"several entries have this {self._kind.name}", odd=True)
        if not found[0].dn:
            return _Refusal("the entry has no name", odd=True)
        return found[0]

    def _prove(self, dn: str, password: str) -> _Refusal | None:
        """Bind as the person in a connection of its own, and make sure that the server takes it for that person's."""
        with connected(self._transport) as connection:
            outcome = connection.bind(dn, password)
            if outcome.code in _MAY_NOT_LOG_IN:
                return _Refusal(outcome.text, odd=outcome.code != _WRONG_PASSWORD)
            if outcome.code != SUCCESS:
                raise DirectoryFailure(detail=f"bind of a user failed: {outcome.text}")
            if self._kind.says_who_am_i:
                who = connection.who_am_i()
                if who is not None and not (who[:3].lower() == "dn:" and same_dn(who[3:], dn)):
                    return _Refusal(f"bound as {dn!r}, the server takes us for {who!r}", odd=True)
        return None

    def _groups(self, connection: Connection, entry: Entry, username: str) -> frozenset[str]:
        if not self._settings.group_sync:
            return frozenset()
        condition = groups_filter(entry, self._kind, username)
        found = connection.search(self._settings.query_base, condition, ["cn"], limit=_GROUPS_MAX)
        return frozenset(name for group in found for name in group.values("cn") if name)
