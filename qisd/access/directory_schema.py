"""How directories of each kind name people and groups: filters to find them by, and what is read out of an entry.

Nothing here speaks to a server.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import attrs

NAME_MAX = 120
"""Characters of user, first and last names, as the users table has them."""

_UNKNOWN = "Unknown"
_PLAIN = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
_IN_CHAIN = "1.2.840.113556.1.4.1941"  # Active Directory's rule that follows groups in groups
_DN_PARTS = re.compile(r"\\[0-9A-Fa-f]{2}|\\.|.", re.DOTALL)


@attrs.frozen(kw_only=True)
class Kind:
    """One kind of directory.

    :param person: the object class of those who may log in.
    :param name: the attribute that holds their user names.
    :param says_who_am_i: whether it tells who one is after a bind.
    :param more: attributes to read besides :data:`_ATTRIBUTES`.
    """

    person: str
    name: str
    says_who_am_i: bool = True
    more: tuple[str, ...] = ("gidNumber",)

    @property
    def attributes(self) -> tuple[str, ...]:
        """What is to be read of a person's entry."""
        return (self.name, "cn", "givenName", "sn", *self.more)

    def person_filter(self, username: str) -> str:
        """Finds the entry of ``username``, whatever characters that is made of."""
        return f"(&(objectClass={self.person})({self.name}={escape(username)}))"


OPENLDAP_POSIX = Kind(person="posixAccount", name="uid")
OPENLDAP_ORGANIZATIONAL = Kind(person="organizationalPerson", name="uid")
APPLE = Kind(person="apple-user", name="uid", more=("gidNumber", "apple-generateduid"))
ACTIVE_DIRECTORY = Kind(person="user", name="sAMAccountName", says_who_am_i=False, more=("primaryGroupID", "objectSid"))

KINDS: Mapping[str, Kind] = {
    "openldapposix": OPENLDAP_POSIX,
    "openldaporganizational": OPENLDAP_ORGANIZATIONAL,
    "apple": APPLE,
    "activedirectory": ACTIVE_DIRECTORY,
}
"""By ``LDAP_SERVER_TYPE`` in lower case."""


@attrs.frozen(kw_only=True)
class Entry:
    """What a search has found.

    :param attributes: their values as sent, by name in lower case.
    """

    dn: str
    attributes: Mapping[str, Sequence[bytes]]

    def values(self, attribute: str) -> list[str]:
        """All values of an attribute as text, in the order of the server."""
        return [value.decode("utf-8", "replace") for value in self.attributes.get(attribute.lower(), ())]

    def first(self, attribute: str) -> str:
        """One value of an attribute; empty when there is none."""
        return next(iter(self.values(attribute)), "")


def escape(value: str | bytes) -> str:
    """``value`` as it may stand in a filter (RFC 4515): ASCII letters and digits as they are, all else as hex digits.

    That hides more than it must, so that no parser on the way can find a meaning in anything.
    """
    raw = value.encode() if isinstance(value, str) else value
    return "".join(chr(byte) if byte in _PLAIN else f"\\{byte:02x}" for byte in raw)


def canonical_name(entry: Entry, kind: Kind, typed: str) -> str:
    """The user name as the directory spells it; empty when it doesn't show it.

    Of several names in one entry it is the typed one.
    """
    names = sorted(entry.values(kind.name))
    return next((name for name in names if name.casefold() == typed.casefold()), names[0] if names else "")


def person_names(entry: Entry) -> tuple[str, str]:
    """First and last name: the words of ``cn`` if there are two, else ``givenName`` and ``sn``."""
    words = entry.first("cn").split()
    first, last = words if len(words) == 2 else (entry.first("givenName"), entry.first("sn"))
    return _tidy(first), _tidy(last)


def _tidy(name: str) -> str:
    """A name with a capital letter in front, small ones after it, and no control characters."""
    words = "".join(char if char.isprintable() else " " for char in name).split()
    text = " ".join(words) or _UNKNOWN
    return (text[:1].upper() + text[1:].lower())[:NAME_MAX]


def groups_filter(entry: Entry, kind: Kind, username: str) -> str:
    """Finds the groups that the person of ``entry`` is in."""
    dn = escape(entry.dn)
    if kind is ACTIVE_DIRECTORY:
        ways = [f"(member={dn})", f"(member:{_IN_CHAIN}:={dn})", *_primary_group(entry)]
        return f"(&(objectClass=group)(|{''.join(ways)}))"
    posix = [f"(memberUid={escape(username)})"]
    posix += [f"(gidNumber={escape(number)})" for number in entry.values("gidNumber")]
    posix += [f"(apple-group-memberguid={escape(guid)})" for guid in entry.values("apple-generateduid")]
    return (
        f"(|(&(objectClass=posixGroup)(|{''.join(posix)}))"
        f"(&(objectClass=groupOfNames)(member={dn}))"
        f"(&(objectClass=groupOfUniqueNames)(uniqueMember={dn})))"
    )


def _primary_group(entry: Entry) -> list[str]:
    """The condition for Active Directory's primary group, which lists no members.

    Its security identifier is that of the person with another last number, of four bytes, little end first.
    """
    sid, number = entry.attributes.get("objectsid", ()), entry.first("primaryGroupID")
    if not sid or len(sid[0]) < 12 or not re.fullmatch(r"[0-9]{1,9}", number):
        return []
    return [f"(objectSid={escape(sid[0][:-4] + int(number).to_bytes(4, 'little'))})"]


def same_dn(one: str, other: str) -> bool:
    """Whether two names of entries (RFC 4514) mean the same entry, however they are escaped, spaced and capitalised."""
    return _canonical_dn(one) == _canonical_dn(other)


def _canonical_dn(dn: str) -> list[list[tuple[str, str]]]:
    """The parts from the entry upwards, each with its sorted pairs of attribute and value."""
    parts: list[list[bytearray]] = [[bytearray()]]
    for piece in _DN_PARTS.findall(dn):
        if piece == ",":
            parts.append([bytearray()])
        elif piece == "+":
            parts[-1].append(bytearray())
        elif len(piece) == 3:
            parts[-1][-1].append(int(piece[1:], 16))
        else:
            parts[-1][-1].extend(piece[-1:].encode("utf-8", "surrogatepass"))
    return [sorted(_canonical_pair(pair.decode("utf-8", "replace")) for pair in part) for part in parts]


def _canonical_pair(text: str) -> tuple[str, str]:
    attribute, _, value = text.partition("=")
    return attribute.strip().lower(), " ".join(value.split()).casefold()
