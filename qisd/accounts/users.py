"""The users' accounts: who may see and change which, and what follows from a change."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Collection
from datetime import datetime

import attrs

from qisd.access.levels import Flag
from qisd.access.throttle import LoginThrottle
from qisd.access.visitor import Visitor
from qisd.accounts import checks
from qisd.accounts.changes import Change, Changes
from qisd.accounts.user_values import (
    NewUser,
    UserChange,
    UserDetails,
    changed,
    checked_change,
    checked_new,
    ends_sessions,
    state,
)
from qisd.errors import BadParameter, Forbidden, NotFound, Refused
from qisd.store import administrators, groups, sessions, users
from qisd.store.first_run import ADMIN, NORMAL_USERS
from qisd.store.groups import Group
from qisd.store.part import Part
from qisd.store.pool import Database
from qisd.store.users import ACTIVE, CHOSEN, DELETED, LDAP, MUST_CHANGE, PASSWORD, User

_AT_ONCE = 100
_ONLY_ADMINISTRATORS = ("username", "auth_type", "allow_api", "status")
_READABLE = "abcdefghjkmnpqrstuvwxyz23456789"
"""What can't be mistaken for something else when it is read out."""


def require_access(visitor: Visitor, user_id: int, *, write: bool = False) -> None:
    """Whether this account is one's own, or one administers them all.

    :param write: keys that are for less than their owner may change nothing, not even their owner's account.
    :raises NotAuthenticated: nobody has logged in.
    :raises Forbidden: neither is so.
    """
    checks.require_login(visitor)
    if user_id != visitor.user_id or (write and not visitor.whole):
        visitor.require_flag(Flag.ADMIN_USERS)


class Users:
    """All that can be done with accounts.

    :param hash_password: makes the stored form of a password, in a thread.
    :param matches: whether a password is that of the user with this id and name.
    :param throttle: bounds how often one may try to be believed the present password.
    :param forget_first_password: removes the file with the first password of the built-in administrator.
    :param sessions_ended: called after a change that may have ended sessions and tokens.
    """

    def __init__(
        self,
        database: Database,
        changes: Changes,
        *,
        hash_password: Callable[[str], Awaitable[str]],
        matches: Callable[[int, str, str], Awaitable[bool]],
        throttle: LoginThrottle,
        forget_first_password: Callable[[], Awaitable[None]],
        sessions_ended: Callable[[], None] = lambda: None,
    ) -> None:
        self._database = database
        self._changes = changes
        self._hash_password = hash_password
        self._matches = matches
        self._throttle = throttle
        self._forget_first_password = forget_first_password
        self._sessions_ended = sessions_ended

    # Reading

    async def listed(
        self,
        visitor: Visitor,
        *,
        status: int | None = ACTIVE,
        q: str = "",
        sort: str = "",
        start: int = 0,
        limit: int | None = None,
    ) -> Part[User]:
        """Users by user name.

        :param status: 1 active ones, 0 deleted and disabled ones, None all.
        :param q: only those whose names or e-mail contain it, in any case.
        :param sort: a key of :data:`qisd.store.users.SORTS`, after a minus downwards.
        """
        checks.require_flag(visitor, Flag.ADMIN_USERS)
        key, descending = checks.sorting(sort, users.SORTS, default="username")
        checks.part(start, limit)
        checks.storable("q", q)
        return await users.listed(
            self._database, status=status, q=q, sort=key, descending=descending, start=start, limit=limit
        )

    async def get(self, visitor: Visitor, user_id: int) -> User:
        """One user; everybody may see their own account.

        :raises NotFound: there is none.
        """
        require_access(visitor, user_id)
        return _found(await users.by_id(self._database, user_id), user_id)

    async def named(self, visitor: Visitor, username: str) -> User:
        """The user of this name in any case.

        :raises NotFound: there is none.
        """
        checks.require_flag(visitor, Flag.ADMIN_USERS)
        checks.storable("username", username)
        return _found(await users.by_username(self._database, username.strip()), username)

    async def groups_of(self, visitor: Visitor, user_id: int) -> list[Group]:
        """The groups of a user, by name."""
        await self.get(visitor, user_id)
        return await groups.of_user(self._database, user_id)

    async def details(self, visitor: Visitor, ids: Collection[int]) -> dict[int, UserDetails]:
        """Groups and last log-in of several users, by id."""
        checks.require_flag(visitor, Flag.ADMIN_USERS)
        member_of = await groups.of_users(self._database, ids)
        seen = await users.last_logins(self._database, ids)
        return {user_id: UserDetails(groups=member_of[user_id], last_login=seen.get(user_id)) for user_id in member_of}

    # Changing

    async def create(self, visitor: Visitor, new: NewUser) -> User:
        """Make an active account, which is in *Normal users* and in no other group.

        :raises BadParameter: a value is no such value.
        :raises AlreadyExists: the user name is taken, in any case, maybe by a deleted user.
        """
        checks.require_flag(visitor, Flag.ADMIN_USERS)
        new = checked_new(new)
        password = await self._hash_password(new.password or secrets.token_urlsafe(32))

        async def work(change: Change) -> User:
            change.require(Flag.ADMIN_USERS)
            user = await users.insert(
                change.db, password=password, **attrs.asdict(new, filter=lambda field, _: field.name != "password")
            )
            await groups.add_member(change.db, NORMAL_USERS, user.id)
            await change.record("user.created", user.id, after=state(user))
            return user

        return await self._changes.run(visitor, work)

    async def update(
        self, visitor: Visitor, user_id: int, wanted: UserChange, *, expected_version: int | None = None
    ) -> User:
        """Change an account. Users may change names, e-mail and password of their own.

        Whoever changes more than that ends the account's sessions and tokens; but the session stays in which somebody
        changes their own password.

        :raises BadParameter: a value is no such value, or ``current_password`` is missing.
        :raises Forbidden: this is the account of someone with powers that the visitor lacks, or the present password
            is wrong.
        :raises NotFound: there is no such account.
        :raises AlreadyExists: the user name is taken.
        :raises OutOfDate: it is not version ``expected_version`` any more.
        :raises Refused: it would be disabled, but must not be.
        """
        require_access(visitor, user_id, write=True)
        wanted = checked_change(wanted)
        seen = _found(await users.by_id(self._database, user_id), user_id)
        password = await self._new_hash(visitor, seen, wanted)

        async def work(change: Change) -> tuple[User, User]:
            old = _found(await users.by_id(change.db, user_id), user_id)
            checks.version(f"user {user_id}", present=old.version, expected=expected_version)
            if password is not None and old.stamp != seen.stamp:
                raise Forbidden("The password or the rights of this user have just been changed by somebody else")
            new = changed(old, wanted)
            return old, await _update(change, old, new, password=password, must_change=wanted.must_change)

        old, user = await self._changes.run(visitor, work)
        await self._after(user, ended=user.stamp != old.stamp, password=password is not None)
        return user

    async def one_time_password(self, visitor: Visitor, user_id: int) -> str:
        """Give a user a new password that is good for nothing but to choose another one, and that nobody sees again.

        :raises Refused: it's one's own account, or the user has a password in the directory.
        :raises Forbidden: the user has powers that the visitor lacks.
        :raises NotFound: there is no such user.
        """
        checks.require_flag(visitor, Flag.ADMIN_USERS)
        if user_id == visitor.user_id:
            raise Refused("your own password is changed on the page of your account")
        if _found(await users.by_id(self._database, user_id), user_id).auth_type == LDAP:
            raise Refused("the password of this user is in the directory")
        secret = "-".join("".join(secrets.choice(_READABLE) for _ in range(4)) for _ in range(4))
        await self.update(visitor, user_id, UserChange(password=secret, must_change=True))
        return secret

    async def delete(self, visitor: Visitor, user_id: int, *, expected_version: int | None = None) -> User:
        """Delete an account, so that nobody can log in with it; its traces and its name stay until it's made anonymous.

        :raises Refused: it's the built-in administrator, or the last one.
        :raises Forbidden: the user has powers that the visitor lacks.
        :raises NotFound: there is no such account.
        """
        checks.require_flag(visitor, Flag.ADMIN_USERS)

        async def work(change: Change) -> User:
            change.require(Flag.ADMIN_USERS)
            old = _found(await users.by_id(change.db, user_id), user_id)
            checks.version(f"user {user_id}", present=old.version, expected=expected_version)
            _refuse_first(user_id)
            change.require(*await administrators.flags_of_user(change.db, user_id))
            if old.deleted is not None:
                return old
            user = await users.mark_deleted(change.db, user_id)
            await change.record("user.deleted", user_id, before=state(old))
            return user

        user = await self._changes.run(visitor, work)
        await self._after(user, ended=True, password=False)
        return user

    async def anonymise(self, visitor: Visitor, *, before: datetime) -> int:
        """Forget who those were that were deleted before that moment: names, e-mail, memberships. Their names are free.

        :returns: how many.
        """
        checks.require_flag(visitor, Flag.ADMIN_USERS)

        async def work(change: Change) -> int:
            change.require(Flag.ADMIN_USERS)
            gone = await users.deleted_before(change.db, before, limit=_AT_ONCE)
            for user_id in gone:
                change.gives_or_takes(await administrators.flags_of_user(change.db, user_id))
                for group in await groups.of_user(change.db, user_id):
                    await groups.remove_member(change.db, group.id, user_id)
                await users.anonymise(change.db, user_id, username=f"deleted-{user_id}-{secrets.token_hex(6)}")
                await change.record("user.anonymised", user_id)
            return len(gone)

        total = 0
        while True:
            count = await self._changes.run(visitor, work)
            total += count
            if count < _AT_ONCE:
                return total

    async def _new_hash(self, visitor: Visitor, user: User, wanted: UserChange) -> str | None:
        """The hash of the password that is wanted; None when it is to stay or is the present one already.

        :raises BadParameter: the present one must be given, or nobody may have the new one.
        :raises Forbidden: the present one is wrong.
        :raises TooManyRequests: it was wrong too often.
        """
        auth_type = user.auth_type if wanted.auth_type is None else wanted.auth_type
        if not wanted.password or auth_type == LDAP:
            return None
        checks.new_password(wanted.password, username=wanted.username or user.username)
        if user.id == visitor.user_id and visitor.by == "session":
            await self._confirm(visitor, user, wanted.current_password)
        if user.auth_type == PASSWORD and await self._matches(user.id, user.username, wanted.password):
            return None
        return await self._hash_password(wanted.password)

    async def _confirm(self, visitor: Visitor, user: User, current: str | None) -> None:
        """Make sure that it's the user who sits there, and not somebody who has found an open session."""
        if not current:
            raise BadParameter("current_password", "must be given by those who change their own password")
        await self._throttle.attempt(username=user.username, address=visitor.address)
        if not await self._matches(user.id, user.username, current):
            raise Forbidden("The current password is incorrect")
        await self._throttle.succeeded(username=user.username, address=visitor.address)

    async def _after(self, user: User, *, ended: bool, password: bool) -> None:
        if ended:
            self._sessions_ended()
        if password and user.id == ADMIN:
            await self._forget_first_password()


async def _update(
    change: Change, old: User, new: User, *, password: str | None, must_change: bool | None = None
) -> User:
    """Write the difference between ``old`` and ``new`` with all that follows from it."""
    if must_change is not None:
        change.require(Flag.ADMIN_USERS)
        new = attrs.evolve(new, password_state=MUST_CHANGE if must_change else CHOSEN)
    await _require_right(change, old, new)
    if new == old and password is None:
        return old
    if new.status == DELETED and old.status == ACTIVE:
        _refuse_first(old.id)
    if ends_sessions(old, new, password=password is not None):
        new = attrs.evolve(new, stamp=old.stamp + 1)
    if password is not None and not must_change:
        new = attrs.evolve(new, password_state=CHOSEN)
    user = await users.save(change.db, new, password=password)
    if must_change is not None and password is None:
        await change.record("user.must_change", user.id, after={"must_change": must_change})
    if state(user) != state(old):
        await change.record("user.changed", user.id, before=state(old), after=state(user))
    if password is not None:
        await change.record("user.password_changed", user.id)
        own = change.visitor.user_id == user.id and change.visitor.by == "session"
        if own and change.visitor.session is not None and user.status == ACTIVE:
            await sessions.restamp(change.db, change.visitor.session)
    return user


async def _require_right(change: Change, old: User, new: User) -> None:
    """:raises Forbidden: the visitor may not make this of ``old``."""
    if Flag.ADMIN_USERS not in change.held:
        if old.id != change.visitor.user_id or any(
            getattr(old, name) != getattr(new, name) for name in _ONLY_ADMINISTRATORS
        ):
            change.require(Flag.ADMIN_USERS)
    elif old.id != change.visitor.user_id:
        change.require(*await administrators.flags_of_user(change.db, old.id))


def _refuse_first(user_id: int) -> None:
    if user_id == ADMIN:
        raise Refused("the built-in administrator can't be deleted or disabled")


def _found(user: User | None, wanted: object) -> User:
    if user is None:
        raise NotFound(str(wanted))
    return user
