"""Sessions, tokens and keys: making them, finding who is behind one, ending them."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections import OrderedDict
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import attrs
from twisted.internet.defer import Deferred
from twisted.internet.defer import TimeoutError as DeferredTimeoutError
from twisted.logger import Logger

from qisd.cache.singleflight import SingleFlight
from qisd.errors import StoreUnavailable
from qisd.store import sessions
from qisd.store.pool import Database
from qisd.store.queries import Queries
from qisd.store.sessions import Kind, SessionRow

_log = Logger()

_BELIEVED = 1.0
"""Seconds for which the database is not asked again; so long a session goes on that was ended on another server."""

_PATIENCE = 2.0
"""Seconds after which an answer of the database isn't waited for any longer about what was known before."""

HELD_MAX = 10_000
"""Sessions, tokens and tickets that one user can have, of each; the oldest ends with one more."""

_KEPT = 20_000
_TOUCH_EVERY = 60.0
_SECRET_BYTES = 32
_SECRET_MAX = 200
_AGENT_MAX = 255


@attrs.frozen(kw_only=True)
class Lifetimes:
    """Seconds: of sessions altogether and without use, of tokens; how long all are believed without a database."""

    session: float
    idle: float
    token: float
    grace: float


@attrs.define
class _Known:
    """What the database has said when it was asked; when it was ``tried`` last, it may have said nothing."""

    asked: float
    row: SessionRow | None
    touched: float
    tried: float


class Sessions:
    """All that prove who someone is by a secret.

    The secret is 256 random bits. What is stored is its digest under the key that all servers share: a copy of the
    table opens nothing, and neither does a server with another key.

    :param keys: the key that new ones are made with, then those that are accepted still.
    """

    def __init__(
        self, database: Database, *, keys: Sequence[bytes], lifetimes: Lifetimes, reactor: Any, now: Callable[[], float]
    ) -> None:
        self._database = database
        self._keys = tuple(keys)
        self._lifetimes = lifetimes
        self._reactor = reactor
        self._now = now
        self._known: OrderedDict[tuple[str, str], _Known] = OrderedDict()
        self._flight: SingleFlight[SessionRow | None] = SingleFlight()
        self._touched: set[int] = set()

    def configure(self, *, keys: Sequence[bytes], lifetimes: Lifetimes) -> None:
        self._keys = tuple(keys)
        self._lifetimes = lifetimes
        self.forget()

    async def open(
        self,
        db: Queries,
        kind: Kind,
        *,
        user_id: int,
        stamp: int,
        seconds: float | None = None,
        label: str = "",
        scopes: Sequence[str] = (),
        folder: str = "/",
        address: str = "",
        agent: str = "",
    ) -> tuple[str, SessionRow]:
        """Make one, in the transaction ``db``.

        :param seconds: how long it holds; None for what is usual for its kind.
        :returns: the secret, which is nowhere else, and the row.
        """
        usual = self._lifetimes.session if kind == "session" else self._lifetimes.token
        secret = secrets.token_urlsafe(_SECRET_BYTES)
        row = await sessions.insert(
            db,
            secret_hash=_digest(self._keys[0], kind, secret),
            kind=kind,
            user_id=user_id,
            stamp=stamp,
            expires=datetime.fromtimestamp(self._now(), UTC) + timedelta(seconds=seconds or usual),
            label=label,
            scopes=scopes,
            folder=folder,
            address=address,
            agent=agent[:_AGENT_MAX],
        )
        if kind != "key":  # of which nobody has many
            await sessions.end_oldest(db, user_id, kind, keep=HELD_MAX)
        return secret, row

    async def find(self, kind: Kind, secret: str, *, anew: bool = False) -> SessionRow | None:
        """The one with this secret, if it holds. Asks the database at most once a second for each.

        :param anew: ask now: there is a reason to believe that it has changed.
        :raises StoreUnavailable: it can't be found out.
        """
        if not secret or len(secret) > _SECRET_MAX or not secret.isascii():
            return None
        now = self._reactor.seconds()
        known = self._known.get((kind, secret))
        if known is None or anew or now - known.tried > _BELIEVED:
            known = await self._ask(kind, secret, known)
        row = known.row
        if row is None or row.expires.timestamp() <= self._now():
            return None
        if kind == "session" and self._idle_too_long(row, known):
            return None
        self._note_use(row, known)
        return row

    def forget(self) -> None:
        """Ask the database again for every one, since some were ended by this very process."""
        # Others instead of emptied ones: what is being asked at this moment may be answered as it was before.
        self._known = OrderedDict()
        self._flight = SingleFlight()

    async def use_ticket(self, db: Queries, secret: str) -> SessionRow | None:
        """The ticket with this secret; it can be used once. In a transaction."""
        if not secret or len(secret) > _SECRET_MAX:
            return None
        return await sessions.use_up(db, [_digest(key, "ticket", secret) for key in self._keys])

    async def flush(self) -> None:
        """Write down which were used; to be called now and then, and at the end."""
        touched, self._touched = self._touched, set()
        if touched:
            try:
                await sessions.touch(self._database, sorted(touched))
            except StoreUnavailable:
                self._touched |= touched

    # CSRF

    def csrf_token(self, session_id: int) -> str:
        """What a page of this session sends along with its writes; another one each time, all hold as long as it."""
        nonce = secrets.token_urlsafe(12)
        return f"{nonce}.{_csrf_mac(self._keys[0], session_id, nonce)}"

    def csrf_holds(self, session_id: int, token: str) -> bool:
        nonce, _, mac = token.partition(".")
        given = mac.encode("utf-8", "replace")
        return any(hmac.compare_digest(_csrf_mac(key, session_id, nonce).encode(), given) for key in self._keys)

    async def _ask(self, kind: Kind, secret: str, known: _Known | None) -> _Known:
        digests = [_digest(key, kind, secret) for key in self._keys]
        kept = self._known
        asking = self._flight.join(
            digests[0].hex(), lambda: Deferred.fromCoroutine(sessions.by_digest(self._database, digests))
        )
        if known is not None and self._reactor.seconds() - known.asked <= self._lifetimes.grace:
            asking.addTimeout(_PATIENCE, self._reactor)
        try:
            row = await asking
        except (StoreUnavailable, DeferredTimeoutError) as error:
            now = self._reactor.seconds()
            if known is None or now - known.asked > self._lifetimes.grace:
                raise StoreUnavailable(detail=getattr(error, "detail", "no answer from the database")) from error
            known.tried = now
            return known
        if row is not None and row.kind != kind:
            row = None
        now = self._reactor.seconds()
        entry = _Known(asked=now, tried=now, row=row, touched=known.touched if known else 0.0)
        kept[(kind, secret)] = entry
        kept.move_to_end((kind, secret))
        if len(kept) > _KEPT:
            kept.popitem(last=False)
        return entry

    def _idle_too_long(self, row: SessionRow, known: _Known) -> bool:
        last = max(row.last_used.timestamp(), known.touched)
        return self._now() - last > self._lifetimes.idle

    def _note_use(self, row: SessionRow, known: _Known) -> None:
        now = self._now()
        if now - max(row.last_used.timestamp(), known.touched) > _TOUCH_EVERY:
            known.touched = now
            self._touched.add(row.id)


def _digest(key: bytes, kind: Kind, secret: str) -> bytes:
    return hmac.digest(key, f"{kind}:{secret}".encode("utf-8", "replace"), hashlib.sha256)


def _csrf_mac(key: bytes, session_id: int, nonce: str) -> str:
    return hmac.new(key, f"csrf:{session_id}:{nonce}".encode("utf-8", "replace"), hashlib.sha256).hexdigest()
