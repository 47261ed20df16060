"""One attempt to log in at an LDAP directory: the search for the person, and the bind as them. All of it blocks."""

from __future__ import annotations

from qisd.access.directory import DirectorySettings, DirectoryUser, Refusal
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
from qisd.access.directory_server import SUCCESS, Connection, Transport, connected, parse_address, tls_context
from qisd.errors import DirectoryFailure

_GROUPS_MAX = 1000

# Codes of RFC 4511 that servers answer a bind with when it's the person who may not log in, not the server that is ill:
# wrong password, no password in the entry, locked, expired, gone since the search.
_WRONG_PASSWORD = 49
_MAY_NOT_LOG_IN = frozenset({19, 32, 48, _WRONG_PASSWORD, 50, 53})


class Login:
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

    def log_in(self, username: str, password: str) -> DirectoryUser | Refusal:
        with connected(self._transport) as searching:
            self._bind_for_searching(searching)
            entry = self._find(searching, username)
            if isinstance(entry, Refusal):
                return entry
            name = canonical_name(entry, self._kind, username)
            if not 1 <= len(name) <= NAME_MAX or "\0" in name:
                return Refusal(f"{entry.dn!r} has no {self._kind.name} that could be a user name", odd=True)
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

    def _find(self, connection: Connection, username: str) -> Entry | Refusal:
        condition = self._kind.person_filter(username)
        found = connection.search(self._settings.query_base, condition, self._kind.attributes, limit=2)
        if not found:
            return Refusal("no such user")
        if len(found) > 1:
            return Refusal(f"several entries have this {self._kind.name}", odd=True)
        if not found[0].dn:
            return Refusal("the entry has no name", odd=True)
        return found[0]

    def _prove(self, dn: str, password: str) -> Refusal | None:
        """Bind as the person in a connection of its own, and make sure that the server takes it for that person's."""
        with connected(self._transport) as connection:
            outcome = connection.bind(dn, password)
            if outcome.code in _MAY_NOT_LOG_IN:
                return Refusal(outcome.text, odd=outcome.code != _WRONG_PASSWORD)
            if outcome.code != SUCCESS:
                raise DirectoryFailure(detail=f"bind of a user failed: {outcome.text}")
            if self._kind.says_who_am_i:
                who = connection.who_am_i()
                if who is not None and not (who[:3].lower() == "dn:" and same_dn(who[3:], dn)):
                    return Refusal(f"bound as {dn!r}, the server takes us for {who!r}", odd=True)
        return None

    def _groups(self, connection: Connection, entry: Entry, username: str) -> frozenset[str]:
        if not self._settings.group_sync:
            return frozenset()
        condition = groups_filter(entry, self._kind, username)
        found = connection.search(self._settings.query_base, condition, ["cn"], limit=_GROUPS_MAX)
        return frozenset(name for group in found for name in group.values("cn") if name)
