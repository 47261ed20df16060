"""When a certificate is got from an authority, who gets it, and what becomes of one that isn't given."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from twisted.internet import reactor
from twisted.internet.defer import Deferred, maybeDeferred

from qisd.errors import AlreadyExists, QisError, Refused, Unavailable
from qisd.settings import ListenAddress
from qisd.store import acme
from qisd.store.acme import Challenge
from qisd.tasks.registry import TaskRun
from qisd.tls import authority as authorities
from qisd.tls import renewal as renewals
from qisd.tls.authority import AuthorityError, Question
from qisd.tls.challenges import HTTP_01, TLS_ALPN_01, PendingChallenges
from qisd.tls.copies import CertificateCopies
from qisd.tls.renewal import CertificateRenewal
from qisd.tls.sealing import Seal
from tests.integration.database import DatabaseCase
from tests.tls.certificate_files import issue

DIRECTORY = "https://authority.example/dir"
NAMES = ["a.example", "b.example"]
HOUR = 3600


@attrs.define
class Site:
    """Settings, as far as they matter."""

    state_dir: Path
    acme: bool = True
    acme_directory: str = DIRECTORY
    acme_email: str = ""
    public_host_name: str = "b.example:8443"
    server_aliases: tuple[str, ...] = ("A.example",)
    http_listen: tuple[ListenAddress, ...] = (ListenAddress("::", 80),)
    https_listen: tuple[ListenAddress, ...] = (ListenAddress("::", 443),)


class FakeAuthority:
    """Gives certificates at once, as long as it is content.

    :cvar refuses: why it gives none, by kind of challenge.
    :cvar asked: by which kinds it was to ask.
    :cvar days: for which its certificates hold.
    :cvar look: called when it asks.
    """

    refuses: dict[str, AuthorityError]
    asked: list[str]
    accounts: set[bytes]
    days: float
    look: Callable[[Challenge], None]

    def __init__(self, directory: str, account_key: bytes) -> None:
        self.accounts.add(account_key)

    def sign_up(self, email: str) -> None:
        if "account" in self.refuses:
            raise self.refuses["account"]

    def order(self, names: list[str], key: bytes) -> Any:
        return names, key

    def questions(self, order: Any, kind: str) -> list[Question]:
        self.asked.append(kind)
        self.kind = kind
        return [
            Question(Challenge(token=f"{kind}-{name}", name=name, answer=f"{name}.thumb"), None) for name in order[0]
        ]  # type: ignore[arg-type]

    def ask(self, question: Question) -> None:
        type(self).look(question.challenge)

    def convinced(self, order: Any) -> bool:
        if self.kind in self.refuses:
            raise self.refuses[self.kind]
        return True

    def submit(self, order: Any) -> Any:
        return order

    def fetch(self, order: Any) -> str:
        names, key = order
        root = issue(subject="root", authority=True)
        own = issue(*names, issuer=root, days=self.days, key=load_pem_private_key(key, None))
        return (own.pem + root.pem).decode()


class RenewalCase(DatabaseCase):
    async def setUp(self) -> None:
        await super().setUp()
        fake = type("Fake", (FakeAuthority,), {"refuses": {}, "asked": [], "accounts": set(), "days": 90.0})
        self.fake: Any = fake
        fake.look = lambda challenge: None
        self.patch(authorities, "Authority", fake)
        self.patch(renewals, "_SPREADS_WITHIN", 0.0)
        self.site = Site(Path(self.mktemp()))
        self.site.state_dir.mkdir()
        self.seal = Seal([b"k" * 32])
        self.renewal = CertificateRenewal(
            self.database,
            settings=lambda: self.site,
            seal=lambda: self.seal,
            run=lambda work: maybeDeferred(work),
            reactor=reactor,
        )

    async def renew(self, **params: Any) -> Any:
        """What the task gives."""
        (kind,) = self.renewal.task_types()
        return await kind.run(TaskRun(attrs.make_class("Given", ["params"])(params)))

    async def refused(self, error: type[QisError], **params: Any) -> str:
        try:
            await self.renew(**params)
        except error as found:
            return found.message
        raise AssertionError("it was done")

    async def issued(self) -> acme.Issued | None:
        return await acme.issued(self.database, DIRECTORY, NAMES)


class RenewalTests(RenewalCase):
    async def test_the_first_one_is_got_at_once_and_kept_sealed(self) -> None:
        self.assertTrue((await self.renew())["renewed"])
        found = await self.issued()
        assert found is not None
        self.assertNotIn(b"PRIVATE KEY", found.key)
        self.assertIn(b"PRIVATE KEY", self.seal.open(found.key) or b"")
        self.assertEqual(self.fake.asked, [HTTP_01])

    async def test_it_is_renewed_after_two_thirds_of_its_time_or_when_asked_for(self) -> None:
        await self.renew()
        first = await self.issued()
        self.assertEqual(await self.renew(), {"renewed": False})
        self.assertTrue((await self.renew(now=True))["renewed"])
        self.assertNotEqual(await self.issued(), first)
        self.sql("update acme_certificates set not_before = now() - interval '61 days', not_after = now() + '29 days'")
        self.assertTrue((await self.renew())["renewed"])
        self.sql("update acme_certificates set not_before = now() - interval '59 days', not_after = now() + '31 days'")
        self.assertFalse((await self.renew())["renewed"])

    async def test_the_site_has_one_account(self) -> None:
        await self.renew()
        await self.renew(now=True)
        self.assertEqual(len(self.fake.accounts), 1)

    async def test_with_another_secret_key_all_is_got_anew(self) -> None:
        await self.renew()
        self.seal = Seal([b"x" * 32])
        self.assertTrue((await self.renew())["renewed"])
        self.assertEqual(len(self.fake.accounts), 2)

    async def test_one_process_is_at_it(self) -> None:
        others: list[Deferred[str]] = []
        refusals: list[str] = []

        def look(challenge: Challenge) -> None:
            if not others:
                others.append(
                    Deferred.fromCoroutine(self.refused(AlreadyExists, now=True)).addCallback(refusals.append)
                )

        def run(work: Callable[[], Any]) -> Deferred[Any]:
            """The first one goes on when the other one has been told something."""
            done = maybeDeferred(work)
            return others.pop().addCallback(lambda _: done) if others else done

        self.fake.look = look
        self.patch(self.renewal, "_run", run)
        self.assertTrue((await self.renew())["renewed"])
        self.assertIn("already", refusals[0])

    async def test_one_that_was_killed_holds_up_nobody_for_long(self) -> None:
        await self.database.transaction(lambda db: acme.claim(db, DIRECTORY, NAMES, for_secs=HOUR))
        await self.refused(AlreadyExists)
        self.sql("update acme_certificates set busy_until = now() - interval '1 second'")
        self.assertTrue((await self.renew())["renewed"])

    async def test_after_failures_it_is_tried_again_with_growing_pauses(self) -> None:
        self.fake.refuses["account"] = AuthorityError("too many orders")
        for pause in (HOUR, 6 * HOUR, 24 * HOUR, 24 * HOUR):
            message = await self.refused(Refused)
            self.assertEqual(message, "There is no new certificate: too many orders")
            self.assertEqual(await self.renew(), {"renewed": False})
            ((seconds,),) = self.sql("select extract(epoch from next_attempt - now())::float from acme_certificates")
            self.assertLess(abs(seconds - pause), 60)
            self.sql("update acme_certificates set next_attempt = now()")
        self.fake.refuses.clear()
        self.assertTrue((await self.renew())["renewed"])
        self.assertEqual(self.sql("select failures, error, next_attempt from acme_certificates"), [(0, "", None)])

    async def test_where_http_does_not_do_tls_is_tried_if_the_authority_was_not_convinced(self) -> None:
        self.fake.refuses[HTTP_01] = AuthorityError("connection refused", unproven=True)
        self.assertTrue((await self.renew())["renewed"])
        self.assertEqual(self.fake.asked, [HTTP_01, TLS_ALPN_01])
        self.fake.refuses[HTTP_01] = AuthorityError("too many orders")
        self.fake.asked.clear()
        await self.refused(Refused, now=True)
        self.assertEqual(self.fake.asked, [HTTP_01])

    async def test_without_an_address_for_http_it_is_tls_alone(self) -> None:
        self.site.http_listen = ()
        await self.renew()
        self.assertEqual(self.fake.asked, [TLS_ALPN_01])

    async def test_a_process_without_acme_leaves_it_to_another(self) -> None:
        self.site.acme = False
        await self.refused(Unavailable)
        (job,) = self.renewal.jobs()
        self.assertIsNone(job.params())


class ChallengeTests(RenewalCase):
    async def test_every_process_can_answer_as_long_as_the_authority_asks(self) -> None:
        pending = PendingChallenges(self.database, reactor=reactor)
        await pending.start()
        self.addCleanup(pending.stop)
        asked: list[Challenge] = []
        self.fake.look = asked.append
        await self.renew()
        self.assertEqual([one.name for one in asked], NAMES)
        self.assertEqual(await acme.pending(self.database), [])
        await self.database.transaction(lambda db: acme.expect(db, asked, for_secs=60))
        await pending._held.refresh()
        self.assertEqual(pending.answer(asked[0].token), "a.example.thumb")
        self.assertIsNone(pending.answer("other"))
        self.assertIsNotNone(pending.proof("b.example"))
        self.assertIsNone(pending.proof("c.example"))

    async def test_those_that_nobody_has_taken_away_end(self) -> None:
        old, new = (Challenge(token=token, name="a.example", answer=token) for token in ("old", "new"))
        await self.database.transaction(lambda db: acme.expect(db, [old], for_secs=-1))
        self.assertEqual(await acme.pending(self.database), [])
        await self.database.transaction(lambda db: acme.expect(db, [new], for_secs=60))
        self.assertEqual(self.sql("select token from acme_challenges"), [("new",)])


class CopyTests(RenewalCase):
    async def test_a_server_gets_its_copy_and_tells_of_it_once(self) -> None:
        told: list[None] = []
        copies = CertificateCopies(
            self.database,
            settings=lambda: self.site,
            seal=lambda: self.seal,
            files=lambda work: maybeDeferred(work),
            changed=lambda: told.append(None),
            reactor=reactor,
        )
        await self.renew()
        for _ in range(2):
            await copies._held.refresh()
        self.assertEqual(len(told), 1)
        file = self.site.state_dir / "tls" / "acme.pem"
        self.assertEqual(file.stat().st_mode & 0o777, 0o600)
        self.assertIn(b"PRIVATE KEY", file.read_bytes())
        self.seal = Seal([b"x" * 32])
        await copies._held.refresh()
        self.assertEqual(len(told), 1)
