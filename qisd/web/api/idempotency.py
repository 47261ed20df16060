"""``Idempotency-Key``: a POST that is sent again, because nobody knows whether it arrived, is not done again."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from qisd.errors import BadParameter, QisError, StoreUnavailable
from qisd.store import idempotency
from qisd.store.idempotency import Kept
from qisd.store.pool import Database
from qisd.web.api import envelope
from qisd.web.api.answer import Answer
from qisd.web.api.endpoint import Call, Endpoint

T = TypeVar("T")

_log = Logger()

HEADER = "Idempotency-Key"

_KEY = re.compile(r"[!-~]{1,128}")
_RETRY_AFTER = 1

_BODY_KEPT = 256 * 1024
"""Bytes. What is longer, as of a large batch, would fill the database."""
_AGAIN = [
    envelope.JSON,
    ("Cache-Control", "no-store"),
    ("Vary", "Authorization, Cookie"),
    ("Idempotency-Replayed", "true"),
]


class KeyTaken(QisError):
    """The key was used already, and the answer to that can't be given."""

    status = 409
    code = "idempotency_key"


class KeyInUse(KeyTaken):
    """A request with this key is under way."""

    code = "idempotency_key_in_use"
    retry_after = _RETRY_AFTER


class Idempotency:
    """Answers requests that have been answered before."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def once(self, call: Call, declared: Endpoint, work: Callable[[], Awaitable[Answer]]) -> Answer:
        """The answer that ``work`` gives; or the one that it gave when it was called for by the same key.

        Work that fails with an error was not done, and may be tried again. Work that has begun goes to its end, even
        if the client goes away: it will ask again.

        :raises BadParameter: the key is none.
        :raises KeyTaken: the key belongs to another request, or to one that is still under way.
        """
        key = call.request.header(HEADER)
        user_id = call.visitor.user_id
        if key is None or user_id is None:
            return await work()
        if _KEY.fullmatch(key) is None:
            raise BadParameter(HEADER, "must be 1 to 128 printable ASCII characters without blanks")
        digest = _digest(call, declared)
        kept = await self._database.transaction(
            lambda db: idempotency.begin(db, user_id=user_id, key=key, digest=digest)
        )
        if kept is not None:
            return _again(kept, digest)
        return await _to_its_end(self._first(work, user_id=user_id, key=key, secret=declared.secret))

    async def _first(self, work: Callable[[], Awaitable[Answer]], *, user_id: int, key: str, secret: bool) -> Answer:
        try:
            answer = await work()
        except Exception:
            await _tried(idempotency.give_up(self._database, user_id=user_id, key=key))
            raise
        body = b"" if secret or len(answer.body) > _BODY_KEPT else answer.body
        await _tried(idempotency.finish(self._database, user_id=user_id, key=key, status=answer.status, body=body))
        return answer


def _again(kept: Kept, digest: bytes) -> Answer:
    if kept.digest != digest:
        raise KeyTaken(f"This {HEADER} was used for another request")
    if kept.status is None:
        raise KeyInUse(f"A request with this {HEADER} is under way")
    if not kept.body:
        raise KeyTaken(f"The request with this {HEADER} was done; its answer was shown once and is not kept")
    return Answer(status=kept.status, body=kept.body, headers=list(_AGAIN))


def _digest(call: Call, declared: Endpoint) -> bytes:
    """What is asked for. Of files only names and sizes: their bytes have gone to disk."""
    asked = [
        declared.path,
        sorted((name, str(part)) for name, part in call.parts.items()),
        [pair for pair in call.parameters.texts if pair[0] != "_csrf_token"],
        {name: value for name, value in (call.parameters.document or {}).items() if name != "_csrf_token"},
        [(one.field, one.filename, one.size) for one in call.request.body.files],
    ]
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode("ascii")).digest()


async def _to_its_end(work: Coroutine[Any, Any, T]) -> T:
    """What ``work`` returns. Who is cancelled stops waiting for it, and it goes on."""
    waiter: Deferred[T] = Deferred()
    Deferred.fromCoroutine(work).addCallbacks(waiter.callback, waiter.errback)
    return await waiter


async def _tried(work: Awaitable[None]) -> None:
    """Do what only helps a later request."""
    try:
        await work
    except StoreUnavailable as error:
        _log.warn("can't note how a request ended: {reason}", reason=error.detail)
