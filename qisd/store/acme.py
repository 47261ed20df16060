"""What the site has from a certificate authority, and what is under way. Times are the database's.

Keys come and go sealed; who has no ``SECRET_KEY`` can do nothing with them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

import attrs

from qisd.store.queries import Queries

CERTIFICATES = "acme_certificates"
CHALLENGES = "acme_challenges"
"""The tables, as changes of them are told."""

_LONGEST_ERROR = 1000


@attrs.frozen(kw_only=True)
class Issued:
    """A certificate.

    :param chain: it and those of its issuers, as PEM.
    :param key: sealed.
    """

    chain: str
    key: bytes = attrs.field(repr=False)
    not_before: datetime
    not_after: datetime


@attrs.frozen(kw_only=True)
class Renewal:
    """How it stands with the certificate for some names.

    :param issued: what there is; None: nothing yet.
    :param failures: attempts in a row that have failed.
    :param due: the time for the next attempt has come, as far as failures go.
    """

    issued: Issued | None
    failures: int
    due: bool


@attrs.frozen(kw_only=True)
class State:
    """The same for those who only want to know.

    :param not_before: of the certificate that there is; None: there is none.
    :param error: why the last attempt has failed.
    :param next_attempt: there is none before; None: whenever it is time.
    """

    not_before: datetime | None
    not_after: datetime | None
    failures: int
    error: str
    next_attempt: datetime | None


@attrs.frozen(kw_only=True)
class Challenge:
    """A question that the authority is going to ask.

    :param name: the host name that it asks.
    :param answer: what it wants to hear (the key authorization).
    """

    token: str
    name: str
    answer: str


async def account_key(db: Queries, directory: str) -> bytes | None:
    """The sealed key by which the authority at ``directory`` knows the site."""
    rows = await db.query("select key from acme_accounts where directory = %s", (directory,))
    return bytes(rows[0][0]) if rows else None


async def keep_account_key(db: Queries, directory: str, key: bytes) -> None:
    """Keep ``key`` in place of any other."""
    await db.execute(
        "insert into acme_accounts (directory, key) values (%s, %s) on conflict (directory) do update"
        " set key = excluded.key",
        (directory, key),
    )


async def issued(db: Queries, directory: str, names: Sequence[str]) -> Issued | None:
    """The certificate for exactly these names, which are sorted."""
    rows = await db.query(
        "select chain, key, not_before, not_after from acme_certificates"
        " where directory = %s and names = %s and chain is not null",
        (directory, list(names)),
    )
    return _issued(*rows[0]) if rows else None


async def state(db: Queries, directory: str, names: Sequence[str]) -> State | None:
    """How it stands with the certificate for these names; None when nobody has begun yet."""
    rows = await db.query(
        "select not_before, not_after, failures, error, next_attempt from acme_certificates"
        " where directory = %s and names = %s",
        (directory, list(names)),
    )
    if not rows:
        return None
    not_before, not_after, failures, error, next_attempt = rows[0]
    return State(not_before=not_before, not_after=not_after, failures=failures, error=error, next_attempt=next_attempt)


async def claim(db: Queries, directory: str, names: Sequence[str], *, for_secs: int) -> Renewal | None:
    """Be the one process that renews, for so long at most; None when another one is. In a transaction."""
    await db.execute(
        "insert into acme_certificates (directory, names) values (%s, %s) on conflict do nothing",
        (directory, list(names)),
    )
    rows = await db.query(
        "update acme_certificates set busy_until = now() + make_interval(secs => %s)"
        " where directory = %s and names = %s and (busy_until is null or busy_until < now())"
        " returning chain, key, not_before, not_after, failures, next_attempt is null or next_attempt <= now()",
        (for_secs, directory, list(names)),
    )
    if not rows:
        return None
    chain, key, not_before, not_after, failures, due = rows[0]
    has = None if chain is None else _issued(chain, key, not_before, not_after)
    return Renewal(issued=has, failures=failures, due=due)


async def release(db: Queries, directory: str, names: Sequence[str]) -> None:
    """End what :func:`claim` began."""
    await db.execute(
        "update acme_certificates set busy_until = null where directory = %s and names = %s", (directory, list(names))
    )


async def keep(db: Queries, directory: str, names: Sequence[str], new: Issued) -> None:
    """Keep a new certificate in place of the old one."""
    await db.execute(
        "update acme_certificates set chain = %s, key = %s, not_before = %s, not_after = %s, failures = 0,"
        " next_attempt = null, error = '' where directory = %s and names = %s",
        (new.chain, new.key, new.not_before, new.not_after, directory, list(names)),
    )


async def note_failure(db: Queries, directory: str, names: Sequence[str], *, error: str, pause_secs: int) -> None:
    """Note that an attempt has failed, and for how long there is to be no other."""
    await db.execute(
        "update acme_certificates set failures = failures + 1, error = %s,"
        " next_attempt = now() + make_interval(secs => %s) where directory = %s and names = %s",
        (error[:_LONGEST_ERROR], pause_secs, directory, list(names)),
    )


async def pending(db: Queries) -> list[Challenge]:
    """All challenges that may be asked now."""
    rows = await db.query("select token, name, answer from acme_challenges where expires > now()")
    return [Challenge(token=token, name=name, answer=answer) for token, name, answer in rows]


async def expect(db: Queries, challenges: Iterable[Challenge], *, for_secs: int) -> None:
    """Have every server of the site ready for these; those that are over are forgotten. In a transaction."""
    await db.execute("delete from acme_challenges where expires <= now()")
    for one in challenges:
        await db.execute(
            "insert into acme_challenges (token, name, answer, expires)"
            " values (%s, %s, %s, now() + make_interval(secs => %s)) on conflict (token) do update"
            " set name = excluded.name, answer = excluded.answer, expires = excluded.expires",
            (one.token, one.name, one.answer, for_secs),
        )


async def forget(db: Queries, tokens: Sequence[str]) -> None:
    """Have nobody answer these any more."""
    await db.execute("delete from acme_challenges where token = any(%s)", (list(tokens),))


def _issued(chain: str, key: memoryview, not_before: datetime, not_after: datetime) -> Issued:
    return Issued(chain=chain, key=bytes(key), not_before=not_before, not_after=not_after)
