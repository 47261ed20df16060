"""Who may do what, as one immutable value: every question about permissions is answered from it, without a query."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import attrs

from qisd.access.levels import Flag, Level, implied
from qisd.store.first_run import PUBLIC

_MEMO_MAX = 20_000


@attrs.frozen(kw_only=True)
class Account:
    """What every request needs to know of a user.

    :param stamp: sessions and tokens that were made under another one have ended.
    :param flags: with all that they imply; ``groups`` are those that the user is a member of.
    :param password_state: 0 chosen by the user, 1 generated at the first start, 2 preset, which must be changed first.
    """

    id: int
    username: str
    active: bool
    allow_api: bool
    stamp: int
    groups: frozenset[int]
    flags: frozenset[Flag]
    password_state: int = 0


@attrs.frozen(kw_only=True)
class Group:
    """A group with its flags, with all that they imply."""

    id: int
    name: str
    flags: frozenset[Flag]


@attrs.frozen(kw_only=True)
class Decision:
    """Why one group has a level in a folder: the row that counts is that of ``folder``; None without any row."""

    group: int
    level: int | None
    folder: str | None


@attrs.frozen(kw_only=True)
class Validity:
    """When an image may be shown to anonymous visitors, in seconds since 1970; None is open."""

    begins: float | None
    ends: float | None

    def holds(self, now: float) -> bool:
        return (self.begins is None or self.begins <= now) and (self.ends is None or now < self.ends)


@attrs.frozen(kw_only=True, eq=False)
class PermissionSnapshot:
    """Users, groups and folder permissions at one moment.

    Paths are below the root, without a slash at either end; the root itself is the empty text. The nearest folder above
    with a row of a group decides for that group, whether or not the folders in between exist.

    :param rows: the folder permissions by path and group.
    :param validity: of the images that have one, by path.
    """

    accounts: Mapping[int, Account]
    groups: Mapping[int, Group]
    rows: Mapping[str, Mapping[int, int]]
    validity: Mapping[str, Validity] = attrs.field(factory=dict)
    _memo: dict[tuple[frozenset[int], str], int] = attrs.field(factory=dict, init=False, repr=False)

    def level(self, groups: frozenset[int], folder: str) -> int:
        """The highest level that ``groups``, and *Public* besides, give in ``folder``."""
        key = groups, folder
        known = self._memo.get(key)
        if known is not None:
            return known
        level = max((decision.level or 0 for decision in self.decisions(groups | {PUBLIC}, folder)), default=0)
        if len(self._memo) >= _MEMO_MAX:
            self._memo.clear()
        self._memo[key] = level
        return level

    def decisions(self, groups: frozenset[int], folder: str) -> list[Decision]:
        """For each of ``groups``, in the order of their ids, what it has in ``folder`` and which row says so."""
        open_groups = set(groups)
        found: dict[int, Decision] = {}
        for above in _upwards(folder):
            row = self.rows.get(above)
            if row is None:
                continue
            for group in open_groups & row.keys():
                found[group] = Decision(group=group, level=row[group], folder=above)
            open_groups -= row.keys()
            if not open_groups:
                break
        return [found.get(group, Decision(group=group, level=None, folder=None)) for group in sorted(groups)]

    def account(self, user_id: int) -> Account | None:
        return self.accounts.get(user_id)


EMPTY = PermissionSnapshot(accounts={}, groups={}, rows={})


def flags_of(groups: Mapping[int, Group], members: frozenset[int]) -> frozenset[Flag]:
    """The flags of someone who is a member of ``members``."""
    return implied(flag for group in members if group in groups for flag in groups[group].flags)


def nearest_level(level: int) -> Level:
    """The level that a number from elsewhere means: the next lower one of the eight."""
    return max((one for one in Level if one <= level), default=Level.NONE)


def _upwards(folder: str) -> Iterator[str]:
    while folder:
        yield folder
        folder = folder.rpartition("/")[0]
    yield ""
