"""One's own account: names and password, sessions, keys. All of it works as plain forms."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from qisd.access.entry import SCOPES, Entry
from qisd.access.levels import Flag
from qisd.accounts.user_values import UserChange
from qisd.accounts.users import Users
from qisd.errors import AlreadyExists, BadParameter, Forbidden, OutOfDate, QisError, Refused, TooManyRequests
from qisd.store.users import LDAP, User
from qisd.web.console.page import Page, PageCall, Redirect, address, whole
from qisd.web.identity import must_change_password

_DAYS = {"7": 7, "30": 30, "90": 90, "365": 365}
_REFUSALS = (AlreadyExists, BadParameter, Forbidden, OutOfDate, Refused, TooManyRequests)
_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
    ("curl/", "curl"),
)
_SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)
"""Signs in the order in which they are looked for: most browsers claim to be others, too."""

_NAMES = ("first_name", "last_name", "email")


class AccountPages:
    """The pages about oneself."""

    def __init__(self, *, users: Users, entry: Entry) -> None:
        self._users = users
        self._entry = entry

    # Names and password

    @address("/account/", first_steps=True)
    async def account(self, call: PageCall) -> Page:
        """The form."""
        user = await self._users.get(call.visitor, _own_id(call))
        return _account(call, user, saved=call.query.get("saved", ""))

    @address("/account/", first_steps=True, post=True)
    async def change(self, call: PageCall) -> Page | Redirect:
        """Save what was typed; what can't be saved is shown again beside the reason."""
        user = await self._users.get(call.visitor, _own_id(call))
        if call.form.get("password", "") != call.form.get("password_again", ""):
            return _account(call, user, fault=("password_again", "account_differ"))
        try:
            version = call.form.get("version")
            await self._users.update(
                call.visitor,
                user.id,
                _wanted(call, user),
                expected_version=whole(version, "version") if version else None,
            )
        except _REFUSALS as error:
            return _account(call, user, error=error)
        saved = "password" if call.form.get("password") else "1"
        return Redirect(target=f"account/?saved={saved}{'&embed=1' if call.embed else ''}", status=303)

    # Sessions

    @address("/account/sessions/")
    async def sessions(self, call: PageCall) -> Page:
        """Where one has signed in."""
        rows = await self._entry.held_by(call.visitor, ["session"])
        values = {
            "sessions": [(row, browser_of(row.agent)) for row in rows],
            "own": call.visitor.session,
            "ended": "ended" in call.query,
        }
        return Page(template="sessions.html", title="Sessions", area="account", values=values)

    @address("/account/sessions/end/", post=True)
    async def end_session(self, call: PageCall) -> Redirect:
        """End one of one's sessions, or all but this one."""
        if call.form.get("id") == "others":
            for row in await self._entry.held_by(call.visitor, ["session"]):
                if row.id != call.visitor.session:
                    await self._entry.end(call.visitor, row.id)
        else:
            await self._entry.end(call.visitor, _number(call), kinds=["session"])
        return Redirect(target="account/sessions/?ended=1", status=303)

    # Keys

    @address("/account/tokens/")
    async def keys(self, call: PageCall) -> Page:
        """The keys that scripts use in one's name."""
        return await self._keys(call)

    @address("/account/tokens/", post=True)
    async def make_key(self, call: PageCall) -> Page:
        """Make a key; it is shown this once."""
        form = call.form
        scopes = [value for name, value in call.request.body.pairs if name == "scopes"]
        try:
            if not form.get("label", "").strip():
                raise BadParameter("label", "must be given")
            secret, _ = await self._entry.create_key(
                call.visitor,
                label=form["label"].strip()[:120],
                scopes=scopes,
                folder=form.get("folder") or "/",
                seconds=timedelta(days=_DAYS.get(form.get("days", ""), 365)).total_seconds(),
            )
        except _REFUSALS as error:
            return await self._keys(call, error=error)
        return await self._keys(call, secret=secret)

    @address("/account/tokens/end/", post=True)
    async def end_key(self, call: PageCall) -> Redirect:
        """End a key."""
        await self._entry.end(call.visitor, _number(call), kinds=["key"])
        return Redirect(target="account/tokens/?ended=1", status=303)

    async def _keys(self, call: PageCall, *, secret: str = "", error: QisError | None = None) -> Page:
        account = call.visitor.account
        values = {
            "keys": await self._entry.held_by(call.visitor, ["key"]),
            "secret": secret,
            "error": error,
            "form": call.form if error is not None else {},
            "scopes": SCOPES,
            "days": list(_DAYS),
            "allowed": account is not None and account.allow_api and call.visitor.by == "session",
            "ended": "ended" in call.query,
            "now": datetime.now(UTC),
        }
        return Page(template="tokens.html", title="API keys", area="account", values=values)


def _number(call: PageCall) -> int:
    """The id in the form, of a session or a key."""
    return whole(call.form.get("id", ""), "id")


def browser_of(agent: str) -> str:
    """What people call the browser that says this of itself, and what it runs on; else what it says."""
    browser = next((name for sign, name in _BROWSERS if sign in agent), "")
    system = next((name for sign, name in _SYSTEMS if sign in agent), "")
    return " · ".join(part for part in (browser, system) if part) or agent


def _own_id(call: PageCall) -> int:
    """:raises Forbidden: nobody in particular is asking."""
    if call.visitor.user_id is None:
        raise Forbidden
    return call.visitor.user_id


def _wanted(call: PageCall, user: User) -> UserChange:
    form = call.form
    renamed = form.get("username", user.username)
    may_rename = call.visitor.may(Flag.ADMIN_USERS) and user.auth_type != LDAP
    return UserChange(
        username=renamed if may_rename and renamed != user.username else None,
        first_name=form.get("first_name"),
        last_name=form.get("last_name"),
        email=form.get("email"),
        password=form.get("password") or None,
        current_password=form.get("current_password") or None,
    )


def _account(
    call: PageCall,
    user: User,
    *,
    saved: str = "",
    error: QisError | None = None,
    fault: tuple[str, str] | None = None,
) -> Page:
    typed = call.form if error is not None or fault is not None else {}
    values = {
        "user": user,
        "typed": {name: typed.get(name, getattr(user, name)) for name in (*_NAMES, "username")},
        "ldap": user.auth_type == LDAP,
        "renaming": call.visitor.may(Flag.ADMIN_USERS) and user.auth_type != LDAP,
        "by_session": call.visitor.by == "session",
        "forced": must_change_password(call.visitor),
        "saved": saved,
        "error": error,
        "fault": fault,
    }
    status = 200 if error is None else error.status
    return Page(template="account.html", title="Edit Account", area="account", values=values, status=status)
