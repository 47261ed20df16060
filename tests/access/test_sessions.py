"""Sessions, tokens and keys: who is behind a secret, and for how long."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import attrs
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from qisd.access.sessions import Lifetimes, Sessions
from qisd.errors import StoreUnavailable
from qisd.store import sessions as store
from qisd.store.sessions import Kind, SessionRow

NOW = 1_800_000_000.0
LIFE = Lifetimes(session=86400.0, idle=3600.0, token=600.0, grace=30.0)
KEY, OLD_KEY = b"k" * 32, b"o" * 32


class FakeTable:
    """Stands in for the table of sessions; ``asked`` counts the questions."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.rows: dict[bytes, SessionRow] = {}
        self.asked = 0
        self.touched: list[int] = []
        self.down = False
        self.pause: Deferred[None] | None = None

    async def insert(self, db: object, *, secret_hash: bytes, **fields: Any) -> SessionRow:
        now = datetime.fromtimestamp(self._clock.seconds(), UTC)
        row = SessionRow(
            id=len(self.rows) + 1, created=now, last_used=now, **{**fields, "scopes": tuple(fields["scopes"])}
        )
        self.rows[secret_hash] = row
        return row

    async def by_digest(self, db: object, digests: Sequence[bytes]) -> SessionRow | None:
        self.asked += 1
        found = next((self.rows[one] for one in digests if one in self.rows), None)
        if self.pause is not None:
            await self.pause
        self._check()
        return found

    async def use_up(self, db: object, digests: Sequence[bytes]) -> SessionRow | None:
        return next((self.rows.pop(one) for one in digests if one in self.rows), None)

    async def end_oldest(self, db: object, user_id: int, kind: Kind, *, keep: int) -> None:
        """There are never so many here."""

    async def touch(self, db: object, session_ids: Sequence[int]) -> None:
        self._check()
        self.touched += session_ids

    def change(self, **fields: Any) -> None:
        """All rows."""
        self.rows = {digest: attrs.evolve(row, **fields) for digest, row in self.rows.items()}

    def _check(self) -> None:
        if self.down:
            raise StoreUnavailable


class SessionCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.clock.advance(NOW)
        self.table = FakeTable(self.clock)
        for name in ("insert", "by_digest", "use_up", "touch", "end_oldest"):
            self.patch(store, name, getattr(self.table, name))
        self.sessions = self.made()

    def made(self, *keys: bytes, lifetimes: Lifetimes = LIFE) -> Sessions:
        return Sessions(
            object(),  # type: ignore[arg-type]
            keys=keys or (KEY,),
            lifetimes=lifetimes,
            reactor=self.clock,
            now=self.clock.seconds,
        )

    def open(self, kind: Kind = "session", **fields: Any) -> tuple[str, SessionRow]:
        return self.done(
            self.sessions.open(object(), kind, **{"user_id": 5, "stamp": 1, **fields})  # type: ignore[arg-type]
        )

    def find(self, secret: str, kind: Kind = "session", *, by: Sessions | None = None) -> SessionRow | None:
        return self.done((by or self.sessions).find(kind, secret))

    def done(self, work: Any) -> Any:
        return self.successResultOf(Deferred.fromCoroutine(work))


class SecretTests(SessionCase):
    def test_a_secret_leads_to_its_row(self) -> None:
        secret, row = self.open()
        self.assertEqual(self.find(secret), row)
        self.assertIsNone(self.find(secret[:-1]))
        self.assertIsNone(self.find(""))

    def test_secrets_are_256_bits_and_never_the_same(self) -> None:
        secrets = {self.open()[0] for _ in range(50)}
        self.assertEqual(len(secrets), 50)
        self.assertEqual({len(secret) for secret in secrets}, {43})

    def test_only_a_digest_under_the_key_is_stored(self) -> None:
        secret, _ = self.open("token")
        self.assertEqual(list(self.table.rows), [hmac.digest(KEY, f"token:{secret}".encode(), hashlib.sha256)])

    def test_another_kind_is_another_secret(self) -> None:
        secret, _ = self.open("token")
        for kind in ("session", "key", "ticket"):
            self.assertIsNone(self.find(secret, kind))  # type: ignore[arg-type]

    def test_servers_with_another_key_know_nothing_of_it(self) -> None:
        secret, _ = self.open()
        self.assertIsNone(self.find(secret, by=self.made(OLD_KEY)))

    def test_a_key_that_was_replaced_is_accepted_still(self) -> None:
        secret, row = self.open()
        self.assertEqual(self.find(secret, by=self.made(OLD_KEY, KEY)), row)
        self.sessions.configure(keys=(OLD_KEY, KEY), lifetimes=LIFE)
        self.assertEqual(self.find(secret), row)
        newer, _ = self.open()
        self.assertIsNone(self.find(newer, by=self.made(KEY)))
        self.sessions.configure(keys=(OLD_KEY,), lifetimes=LIFE)
        self.assertIsNone(self.find(secret))

    def test_nonsense_is_not_even_asked_about(self) -> None:
        for secret in ("", "x" * 201, "é", "\ud800"):
            self.assertIsNone(self.find(secret))
        self.assertEqual(self.table.asked, 0)

    def test_a_ticket_is_good_once(self) -> None:
        secret, row = self.open("ticket", seconds=60.0)
        self.assertEqual(self.done(self.sessions.use_ticket(object(), secret)), row)  # type: ignore[arg-type]
        self.assertIsNone(self.done(self.sessions.use_ticket(object(), secret)))  # type: ignore[arg-type]


class TimeTests(SessionCase):
    def test_each_kind_has_its_life(self) -> None:
        for kind, seconds in (("session", 86400), ("token", 600)):
            _, row = self.open(kind)  # type: ignore[arg-type]
            self.assertEqual(row.expires.timestamp(), NOW + seconds)
        self.assertEqual(self.open("key", seconds=5.0)[1].expires.timestamp(), NOW + 5)

    def test_it_ends_when_its_time_is_over_even_in_memory(self) -> None:
        secret, _ = self.open("token", seconds=0.5)
        self.assertIsNotNone(self.find(secret, "token"))
        self.clock.advance(0.5)
        self.assertIsNone(self.find(secret, "token"))
        self.assertEqual(self.table.asked, 1)

    def test_a_session_ends_when_it_is_not_used(self) -> None:
        secret, _ = self.open()
        for _ in range(3):
            self.clock.advance(3599)
            self.assertIsNotNone(self.find(secret))
        self.clock.advance(3601)
        self.assertIsNone(self.find(secret))

    def test_tokens_need_not_be_used(self) -> None:
        secret, _ = self.open("token", seconds=100_000)
        self.clock.advance(99_999)
        self.assertIsNotNone(self.find(secret, "token"))

    def test_use_is_written_down_now_and_then(self) -> None:
        secret, row = self.open()
        self.find(secret)
        self.done(self.sessions.flush())
        self.assertEqual(self.table.touched, [])
        self.clock.advance(61)
        self.find(secret)
        self.find(secret)
        self.done(self.sessions.flush())
        self.done(self.sessions.flush())
        self.assertEqual(self.table.touched, [row.id])

    def test_use_is_not_forgotten_while_the_database_is_away(self) -> None:
        secret, row = self.open()
        self.clock.advance(61)
        self.find(secret)
        self.table.down = True
        self.done(self.sessions.flush())
        self.table.down = False
        self.done(self.sessions.flush())
        self.assertEqual(self.table.touched, [row.id])


class MemoryTests(SessionCase):
    def test_the_database_is_asked_once_a_second(self) -> None:
        secret, _ = self.open()
        for _ in range(5):
            self.find(secret)
        self.assertEqual(self.table.asked, 1)
        self.clock.advance(1.1)
        self.find(secret)
        self.assertEqual(self.table.asked, 2)

    def test_what_is_unknown_is_asked_once_a_second_as_well(self) -> None:
        for _ in range(5):
            self.assertIsNone(self.find("nonsense"))
        self.assertEqual(self.table.asked, 1)

    def test_many_at_once_ask_once(self) -> None:
        secret, row = self.open()
        self.table.pause = Deferred()
        asked = [Deferred.fromCoroutine(self.sessions.find("session", secret)) for _ in range(10)]
        self.table.pause.callback(None)
        self.assertEqual([self.successResultOf(one) for one in asked], [row] * 10)
        self.assertEqual(self.table.asked, 1)

    def test_one_that_was_ended_elsewhere_goes_on_for_a_second(self) -> None:
        secret, _ = self.open()
        self.find(secret)
        self.table.rows.clear()
        self.assertIsNotNone(self.find(secret))
        self.clock.advance(1.1)
        self.assertIsNone(self.find(secret))

    def test_one_that_was_ended_here_is_over_at_once(self) -> None:
        secret, _ = self.open()
        self.find(secret)
        self.table.rows.clear()
        self.sessions.forget()
        self.assertIsNone(self.find(secret))

    def test_one_that_was_just_being_looked_up_when_it_was_ended_here_is_over_too(self) -> None:
        secret, row = self.open()
        pause = self.table.pause = Deferred()
        before = Deferred.fromCoroutine(self.sessions.find("session", secret))
        self.table.rows.clear()
        self.sessions.forget()
        after = Deferred.fromCoroutine(self.sessions.find("session", secret))
        pause.callback(None)
        self.assertEqual((self.successResultOf(before), self.successResultOf(after)), (row, None))
        self.assertIsNone(self.find(secret))

    def test_a_database_that_does_not_answer_holds_nobody_up_for_long_whom_one_knows(self) -> None:
        secret, row = self.open()
        self.find(secret)
        self.table.pause = Deferred()
        self.clock.advance(1.1)
        asked = [Deferred.fromCoroutine(self.sessions.find("session", secret)) for _ in range(2)]
        self.clock.advance(1.9)
        for one in asked:
            self.assertNoResult(one)
        self.clock.advance(0.1)
        self.assertEqual([self.successResultOf(one) for one in asked], [row, row])
        self.assertEqual(self.find(secret), row)
        self.assertEqual(self.table.asked, 2)
        self.table.pause = None
        self.table.rows.clear()
        self.clock.advance(1.1)
        self.assertIsNone(self.find(secret))

    def test_without_a_database_what_was_known_is_believed_for_a_while(self) -> None:
        secret, row = self.open()
        self.find(secret)
        self.table.down = True
        for _ in range(3):
            self.clock.advance(9)
            self.assertEqual(self.find(secret), row)
        self.clock.advance(9)
        self.failureResultOf(Deferred.fromCoroutine(self.sessions.find("session", secret)), StoreUnavailable)
        self.failureResultOf(Deferred.fromCoroutine(self.sessions.find("session", "unknown")), StoreUnavailable)

    def test_it_is_over_in_time_without_a_database_too(self) -> None:
        secret, _ = self.open("token", seconds=5.0)
        self.find(secret, "token")
        self.table.down = True
        self.clock.advance(6)
        self.assertIsNone(self.find(secret, "token"))

    def test_memory_is_bounded(self) -> None:
        for number in range(20_050):
            self.find(f"nonsense{number}")
        self.assertLessEqual(len(self.sessions._known), 20_000)


class CsrfTests(SessionCase):
    def test_a_token_holds_for_its_session_only(self) -> None:
        token = self.sessions.csrf_token(5)
        self.assertTrue(self.sessions.csrf_holds(5, token))
        self.assertFalse(self.sessions.csrf_holds(6, token))

    def test_each_page_gets_another_and_all_hold(self) -> None:
        tokens = {self.sessions.csrf_token(5) for _ in range(10)}
        self.assertEqual(len(tokens), 10)
        self.assertTrue(all(self.sessions.csrf_holds(5, token) for token in tokens))

    def test_what_was_made_up_does_not_hold(self) -> None:
        nonce, _, mac = self.sessions.csrf_token(5).partition(".")
        for token in (
            "",
            ".",
            "..",
            nonce,
            f"{nonce}.",
            f".{mac}",
            f"x{nonce}.{mac}",
            f"{nonce}.{mac}0",
            f"{nonce}.é",
            "\ud800.\ud800",
        ):
            self.assertFalse(self.sessions.csrf_holds(5, token), token)

    def test_tokens_outlive_a_change_of_the_key_while_the_old_one_is_kept(self) -> None:
        token = self.sessions.csrf_token(5)
        self.sessions.configure(keys=(OLD_KEY, KEY), lifetimes=LIFE)
        self.assertTrue(self.sessions.csrf_holds(5, token))
        self.sessions.configure(keys=(OLD_KEY,), lifetimes=LIFE)
        self.assertFalse(self.sessions.csrf_holds(5, token))


class LongLifeTests(SessionCase):
    def test_a_session_ends_after_its_whole_life_however_much_it_is_used(self) -> None:
        self.sessions = self.made(lifetimes=attrs.evolve(LIFE, session=7200.0))
        secret, _ = self.open()
        for _ in range(3):
            self.clock.advance(1800)
            self.assertIsNotNone(self.find(secret))
        self.clock.advance(1800)
        self.assertIsNone(self.find(secret))

    def test_what_the_row_says_of_its_last_use_counts_too(self) -> None:
        secret, _ = self.open()
        self.clock.advance(7200)
        self.table.change(last_used=datetime.fromtimestamp(NOW, UTC) + timedelta(seconds=7000))
        self.assertIsNotNone(self.find(secret))
