"""``qis user``: the accounts."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, TypeVar

import attrs

from qisd.access.passwords import hash_password
from qisd.access.throttle import LoginThrottle
from qisd.accounts.changes import Changes
from qisd.accounts.groups import Groups
from qisd.accounts.user_values import NewUser, UserChange
from qisd.accounts.users import Users
from qisd.cli.console import CommandError, Console, Exit, plain
from qisd.cli.moments import iso
from qisd.cli.passwords import add_password_flag, read_new_password
from qisd.cli.user_sessions import end_sessions, session_facts, session_table, sessions_of
from qisd.cli.working import Tools, run
from qisd.errors import AlreadyExists, NotFound, QisError
from qisd.store import groups
from qisd.store.first_run import ADMINISTRATORS, NORMAL_USERS, PASSWORD_FILE, PUBLIC
from qisd.store.groups import Group
from qisd.store.sessions import SessionRow
from qisd.store.users import ACTIVE, DELETED, LDAP, User

Subparsers = Any
T = TypeVar("T")

_ID_DIGITS = 9

_FIELDS = ("first", "last", "email", "username", "api", "groups", "admin")


def add_parser(commands: Subparsers, common: argparse.ArgumentParser) -> None:
    """Add the command to ``commands``."""
    parser = commands.add_parser("user", parents=[common], help="list, make and change user accounts")
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    listing = actions.add_parser("list", parents=[common], help="the accounts")
    listing.add_argument("--all", action="store_true", help="disabled and deleted ones as well")
    listing.add_argument("--search", metavar="TEXT", default="", help="only those with TEXT in a name or the e-mail")
    listing.set_defaults(run=_list)

    add = _with_name(actions, common, "add", "make an account; asks for the password", _add)
    _add_fields(add, boolean="store_true")
    add_password_flag(add)
    add.add_argument("--ldap", action="store_true", help="the password is the directory's: none is asked for")
    update = _with_name(actions, common, "update", "change of an account what is given, and nothing else", _update)
    _add_fields(update, boolean=argparse.BooleanOptionalAction)
    update.add_argument("--username", metavar="NEW", help="another user name")
    password = _with_name(
        actions, common, "password", "set a new password, without the old one; ends the user's sessions", set_password
    )
    add_password_flag(password)
    sessions = _with_name(actions, common, "sessions", "the sessions, tokens and keys of a user that hold", _sessions)
    sessions.add_argument("--end", action="store_true", help="end all of them")
    _with_name(actions, common, "disable", "let nobody log in with an account", _disable)
    _with_name(actions, common, "enable", "let one log in again with an account, a deleted one too", _enable)
    _with_name(actions, common, "delete", "delete an account; what it did stays on record", _delete)


def _with_name(
    actions: Subparsers,
    common: argparse.ArgumentParser,
    action: str,
    text: str,
    work: Callable[[Console, argparse.Namespace], Exit],
) -> Any:
    parser = actions.add_parser(action, parents=[common], help=text)
    parser.add_argument("name", metavar="NAME", help="the user name, in any case of letters")
    parser.set_defaults(run=work)
    return parser


def _add_fields(parser: Any, *, boolean: Any) -> None:
    """:param boolean: the action of flags that say yes, or, where that makes a difference, no."""
    parser.add_argument("--first", metavar="NAME", help="first name")
    parser.add_argument("--last", metavar="NAME", help="last name")
    parser.add_argument("--email", metavar="ADDRESS", help="e-mail address")
    parser.add_argument(
        "--groups",
        metavar="GROUP,…",
        type=_group_list,
        help="names or ids of all groups to be in; each account is in Normal users besides",
    )
    parser.add_argument(
        "--admin", action=boolean, default=None, help="be in the group Administrators, which may do everything"
    )
    parser.add_argument("--api", action=boolean, default=None, help="may fetch tokens for the API")


def _group_list(text: str) -> list[str]:
    return [name for name in (part.strip() for part in text.split(",")) if name]


@attrs.frozen
class _Accounts:
    """The domain of accounts, as whoever gives commands uses it."""

    tools: Tools
    users: Users
    groups: Groups

    async def named(self, name: str) -> User:
        """:raises CommandError: there is no user of this name."""
        try:
            return await self.users.named(self.tools.visitor, name)
        except NotFound as error:
            raise CommandError(f"there is no user {name}") from error

    async def facts(self, user: User) -> dict[str, object]:
        """A user as JSON."""
        return _facts(user, [group.name for group in await groups.of_user(self.tools.database, user.id)])


def _on_accounts(console: Console, work: Callable[[_Accounts], Coroutine[Any, Any, T]]) -> T:
    async def begin(tools: Tools) -> T:
        return await work(_accounts(console, tools))

    return run(console, begin)


def _accounts(console: Console, tools: Tools) -> _Accounts:
    async def nothing() -> None:
        """The daemons hear of changes by the database's notifications."""

    async def hashed(password: str) -> str:
        return await tools.in_thread(lambda: hash_password(password))

    async def matches(user_id: int, username: str, password: str) -> bool:
        return (
            False  # a password that is set by command counts as new, and so ends sessions, even if it was the old one
        )

    async def forget_first_password() -> None:
        path = tools.settings.state_dir / PASSWORD_FILE
        try:
            await tools.in_thread(lambda: path.unlink(missing_ok=True))
        except OSError as error:
            console.message(f"warning: {path} can't be removed: {error.strerror}")

    changes = Changes(tools.database, applied=nothing)
    return _Accounts(
        tools,
        Users(
            tools.database,
            changes,
            hash_password=hashed,
            matches=matches,
            throttle=LoginThrottle(tools.database, per_minute=tools.settings.login_rate),
            forget_first_password=forget_first_password,
        ),
        Groups(tools.database, changes),
    )


# The commands


def _list(console: Console, options: argparse.Namespace) -> Exit:
    async def work(accounts: _Accounts) -> list[dict[str, object]]:
        found = await accounts.users.listed(
            accounts.tools.visitor, status=None if options.all else ACTIVE, q=options.search
        )
        memberships = await groups.names_by_user(accounts.tools.database)
        return [_facts(user, memberships.get(user.id, [])) for user in found.items]

    found = _on_accounts(console, work)
    if console.as_json:
        console.result_json(found)
    else:
        head = ("NAME", "FULL NAME", "E-MAIL", "API", "STATE", "CREATED", "GROUPS")
        console.table([head, *(_row(facts) for facts in found)])
    return Exit.DONE


def _add(console: Console, options: argparse.Namespace) -> Exit:
    if options.ldap and options.password_file:
        raise CommandError("--password-file: there is no password of our own with --ldap")
    password = None if options.ldap else read_new_password(console, options, username=options.name)
    new = NewUser(
        username=options.name,
        password=password,
        first_name=options.first or "",
        last_name=options.last or "",
        email=options.email or "",
        allow_api=bool(options.api),
        **({"auth_type": LDAP} if options.ldap else {}),
    )

    async def work(accounts: _Accounts) -> dict[str, object]:
        wanted = await _wanted_groups(accounts, options, present=[])
        try:
            user = await accounts.users.create(accounts.tools.visitor, new)
        except AlreadyExists as error:
            raise CommandError(f"{error.message}; a disabled or deleted one keeps its name") from error
        for group in wanted:
            await accounts.groups.add_member(accounts.tools.visitor, group.id, user.id)
        return await accounts.facts(user)

    return console.done(f"added user {options.name}", _on_accounts(console, work))


def _update(console: Console, options: argparse.Namespace) -> Exit:
    if all(getattr(options, name) is None for name in _FIELDS):
        raise CommandError("nothing is given that is to be changed; see --help", exit_code=Exit.MISSING_ARGUMENT)
    wanted = UserChange(
        username=options.username,
        first_name=options.first,
        last_name=options.last,
        email=options.email,
        allow_api=options.api,
    )

    async def work(accounts: _Accounts) -> dict[str, object]:
        old = await accounts.named(options.name)
        if old.auth_type == LDAP and options.username:
            raise CommandError(f"{old.username} has the user name from the directory")
        present = await groups.of_user(accounts.tools.database, old.id)
        members = await _wanted_groups(accounts, options, present=present)
        user = await accounts.users.update(accounts.tools.visitor, old.id, wanted)
        try:
            await _set_groups(accounts, user, present=present, wanted=members)
        except QisError as error:
            if user == old:
                raise
            raise CommandError(f"{error.message}; the rest is done", exit_code=Exit.PARTLY_DONE) from error
        return await accounts.facts(user)

    return console.done(f"updated user {options.name}", _on_accounts(console, work))


def set_password(console: Console, options: argparse.Namespace) -> Exit:
    """``qis user password``.

    :param options: ``name``, and ``password_file``, None to ask for it.
    """
    password = read_new_password(console, options, username=options.name)

    async def work(accounts: _Accounts) -> dict[str, object]:
        user = await accounts.named(options.name)
        if user.auth_type == LDAP:
            raise CommandError(f"{user.username} logs in by the directory: the password is there")
        change = UserChange(password=password)
        return await accounts.facts(await accounts.users.update(accounts.tools.visitor, user.id, change))

    return console.done(
        f"{options.name} has a new password; sessions and tokens have ended", _on_accounts(console, work)
    )


def _sessions(console: Console, options: argparse.Namespace) -> Exit:
    async def work(accounts: _Accounts) -> list[SessionRow]:
        user = await accounts.named(options.name)
        if options.end:
            return await end_sessions(accounts.tools, user.id)
        return await sessions_of(accounts.tools, user.id)

    found = _on_accounts(console, work)
    if console.as_json:
        console.result_json([session_facts(row) for row in found])
    elif options.end:
        console.message(plain(f"ended {len(found)} sessions, tokens and keys of {options.name}"))
    else:
        console.table(session_table(found))
    return Exit.DONE


def _disable(console: Console, options: argparse.Namespace) -> Exit:
    return _set_status(console, options, DELETED, f"disabled user {options.name}")


def _enable(console: Console, options: argparse.Namespace) -> Exit:
    return _set_status(console, options, ACTIVE, f"enabled user {options.name}")


def _delete(console: Console, options: argparse.Namespace) -> Exit:
    async def work(accounts: _Accounts) -> dict[str, object]:
        user = await accounts.named(options.name)
        await accounts.users.delete(accounts.tools.visitor, user.id)
        return await accounts.facts(await accounts.named(options.name))

    return console.done(f"deleted user {options.name}", _on_accounts(console, work))


def _set_status(console: Console, options: argparse.Namespace, status: int, text: str) -> Exit:
    async def work(accounts: _Accounts) -> dict[str, object]:
        user = await accounts.named(options.name)
        change = UserChange(status=status)
        return await accounts.facts(await accounts.users.update(accounts.tools.visitor, user.id, change))

    return console.done(text, _on_accounts(console, work))


# Groups


async def _wanted_groups(accounts: _Accounts, options: argparse.Namespace, *, present: Sequence[Group]) -> list[Group]:
    """The groups that the flags leave somebody in who is in ``present``, apart from those that everybody is in.

    :raises CommandError: there is no such group, or nobody can be put into it.
    """
    wanted = present if options.groups is None else [await _group(accounts, name) for name in options.groups]
    found = {group.id: group for group in wanted}
    if options.admin:
        found[ADMINISTRATORS] = (await accounts.groups.get(accounts.tools.visitor, ADMINISTRATORS)).group
    elif options.admin is False:
        found.pop(ADMINISTRATORS, None)
    if PUBLIC in found:
        raise CommandError("nobody can be put into the group Public: everybody belongs to it")
    found.pop(NORMAL_USERS, None)
    return list(found.values())


async def _group(accounts: _Accounts, name: str) -> Group:
    group = await groups.by_name(accounts.tools.database, name)
    if group is None and name.isdecimal() and len(name) <= _ID_DIGITS:
        group = await groups.by_id(accounts.tools.database, int(name))
    if group is None:
        raise CommandError(f"--groups: there is no group {name}")
    return group


async def _set_groups(accounts: _Accounts, user: User, *, present: Sequence[Group], wanted: Sequence[Group]) -> None:
    before, after = {group.id for group in present} - {NORMAL_USERS}, {group.id for group in wanted}
    for group_id in sorted(after - before):
        await accounts.groups.add_member(accounts.tools.visitor, group_id, user.id)
    for group_id in sorted(before - after):
        await accounts.groups.remove_member(accounts.tools.visitor, group_id, user.id)


# What is printed


def _facts(user: User, group_names: Sequence[str]) -> dict[str, object]:
    return {
        "id": user.id,
        "username": user.username,
        "first_name": user.first_name,
        "last_name": user.last_name,
        "email": user.email,
        "auth_type": user.auth_type,
        "allow_api": user.allow_api,
        "status": user.status,
        "groups": list(group_names),
        "created": iso(user.created),
        "deleted": iso(user.deleted),
    }


def _row(facts: Any) -> list[str]:
    state = "active" if facts["status"] == ACTIVE else "deleted" if facts["deleted"] else "disabled"
    full_name = f"{facts['first_name']} {facts['last_name']}".strip()
    return [
        facts["username"],
        full_name,
        facts["email"],
        "yes" if facts["allow_api"] else "no",
        state if facts["auth_type"] != LDAP else f"{state}, LDAP",
        facts["created"][:10],
        ", ".join(facts["groups"]),
    ]
