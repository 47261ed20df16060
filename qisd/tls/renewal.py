"""Having a certificate from an authority by ACME, and a new one in time: work of one process of the site at a time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from twisted.internet.task import deferLater
from twisted.logger import Logger

from qisd.errors import AlreadyExists, Refused, Unavailable
from qisd.settings import ListenAddress
from qisd.store import acme
from qisd.store.acme import Issued, Renewal
from qisd.store.pool import Database
from qisd.tasks.registry import TaskRun, TaskType
from qisd.tasks.schedule import HOUR, Job
from qisd.tls.certificates import in_order, own_names
from qisd.tls.challenges import HTTP_01, TLS_ALPN_01
from qisd.tls.sealing import Seal

if TYPE_CHECKING:
    from qisd.tls.authority import Authority, Question

T = TypeVar("T")

_log = Logger()

TASK = "renew_certificate"

_PAUSES = (HOUR, 6 * HOUR, 24 * HOUR)
"""Seconds from a failure to the next attempt: after the first, the second, and all others."""

_ATTEMPTS = 4
"""How often a process is looked for that does it; while settings are reloaded there may be one that does not."""

_AT_IT_FOR = 900
"""Seconds for which one process may be at it; longer than it can take."""

_SPREADS_WITHIN = 2.0
"""Seconds in which all servers of the site have heard of a challenge."""

_CONVINCED_WITHIN = 120
_ISSUED_WITHIN = 120
_LOOK_EVERY = 1.0

_ALARM = timedelta(days=21)
_USED_UP = (2, 3)
"""The part of its lifetime after which a certificate is renewed."""


class RenewalSettings(Protocol):
    """The settings that matter here."""

    @property
    def acme(self) -> bool: ...
    @property
    def acme_directory(self) -> str: ...
    @property
    def acme_email(self) -> str: ...
    @property
    def public_host_name(self) -> str: ...
    @property
    def server_aliases(self) -> Sequence[str]: ...
    @property
    def http_listen(self) -> Sequence[ListenAddress]: ...
    @property
    def https_listen(self) -> Sequence[ListenAddress]: ...


class CertificateRenewal:
    """Gets the certificate that ``ACME`` is about.

    :param settings: those in force.
    :param seal: what private keys are sealed with.
    :param run: does in a thread what blocks.
    """

    def __init__(
        self,
        database: Database,
        *,
        settings: Callable[[], RenewalSettings],
        seal: Callable[[], Seal],
        run: Callable[[Callable[[], Any]], Awaitable[Any]],
        reactor: Any,
    ) -> None:
        self._database = database
        self._settings = settings
        self._seal = seal
        self._run = run
        self._reactor = reactor

    def task_types(self) -> list[TaskType]:
        title = "Have a new certificate if it is time for one"
        return [
            TaskType(
                name=TASK,
                title=title,
                run=self._renew_if_due,
                log_level="debug",
                error_log_level="",  # they are told in words of their own
                repeatable=True,
                max_attempts=_ATTEMPTS,
            )
        ]

    def jobs(self) -> list[Job]:
        return [Job(name=TASK, interval_secs=HOUR // 2, params=lambda: {} if self._settings().acme else None)]

    async def _renew_if_due(self, task: TaskRun) -> object:
        """The task. With the parameter ``now`` it is time, whatever certificate there is.

        :raises Refused: the authority has given none; the text says why.
        :raises Unavailable: this process is not to get any; after a reload there is one that is.
        """
        settings = self._settings()
        if not settings.acme:
            raise Unavailable("ACME is off.")
        directory, names = settings.acme_directory, certificate_names(settings)
        claimed = await self._database.transaction(lambda db: acme.claim(db, directory, names, for_secs=_AT_IT_FOR))
        if claimed is None:
            raise AlreadyExists("Another process is getting the certificate already.")
        try:
            if not (task.params.get("now") or (claimed.due and self._is_time(claimed))):
                return {"renewed": False}
            return await self._renew(settings, names, claimed)
        finally:
            await acme.release(self._database, directory, names)

    def _is_time(self, found: Renewal) -> bool:
        has = found.issued
        if has is None or self._seal().open(has.key) is None:
            return True
        return self._now() >= renewal_time(has.not_before, has.not_after)

    async def _renew(self, settings: RenewalSettings, names: list[str], before: Renewal) -> object:
        from qisd.tls.authority import AuthorityError

        try:
            new = await self._obtained(settings, names)
        except AuthorityError as error:
            pause = _PAUSES[min(before.failures, len(_PAUSES) - 1)]
            await acme.note_failure(self._database, settings.acme_directory, names, error=str(error), pause_secs=pause)
            self._alarm(names, str(error), pause, before.issued)
            raise Refused(f"There is no new certificate: {error}") from error
        await acme.keep(self._database, settings.acme_directory, names, new)
        until = f"{new.not_after:%Y-%m-%d}"
        _log.info("There is a new certificate for {names}, until {until}", names=", ".join(names), until=until)
        return {"renewed": True, "names": names, "not_after": new.not_after.isoformat()}

    def _alarm(self, names: list[str], reason: str, pause: int, has: Issued | None) -> None:
        left = None if has is None else has.not_after - self._now()
        tell = _log.warn if left is not None and left > _ALARM else _log.error
        days = "there is none so far" if left is None else f"the one in use ends in {max(left.days, 0)} days"
        tell(
            "No new certificate for {names}: {reason}; {days}; the next attempt is in {hours} h",
            names=", ".join(names),
            reason=reason,
            days=days,
            hours=pause // HOUR,
        )

    async def _obtained(self, settings: RenewalSettings, names: list[str]) -> Issued:
        """A new certificate.

        :raises AuthorityError: there is none.
        """
        from qisd.tls.authority import Authority, AuthorityError, new_key

        directory = settings.acme_directory
        authority = Authority(directory, await self._account_key(directory))
        await self._run(lambda: authority.sign_up(settings.acme_email))
        key = new_key()
        kinds = _kinds(settings)
        for number, kind in enumerate(kinds, start=1):
            try:
                chain = await self._ordered(authority, names, key, kind)
                break
            except AuthorityError as error:
                # The port of the one may be open to the world when that of the other isn't.
                if not error.unproven or number == len(kinds):
                    raise
                _log.warn("By {kind} it could not be shown whose the names are: {error}", kind=kind, error=error)
        return self._issued(chain, key)

    async def _account_key(self, directory: str) -> bytes:
        """The key that the site has at an authority; made when there is none, or none that can be opened."""
        from qisd.tls.authority import new_key

        sealed = await acme.account_key(self._database, directory)
        key = None if sealed is None else self._seal().open(sealed)
        if key is None:
            key = new_key()
            await acme.keep_account_key(self._database, directory, self._seal().close(key))
        return key

    async def _ordered(self, authority: Authority, names: list[str], key: bytes, kind: str) -> str:
        from qisd.tls.authority import AuthorityError

        order = await self._run(lambda: authority.order(names, key))
        questions = authority.questions(order, kind)
        tokens = [one.challenge.token for one in questions]
        try:
            await self._prove(authority, order, questions)
        finally:
            await acme.forget(self._database, tokens)
        order = await self._run(lambda: authority.submit(order))
        chain = await self._repeated(lambda: authority.fetch(order), within=_ISSUED_WITHIN)
        if not chain:
            raise AuthorityError("the authority has not finished the certificate in time")
        return str(chain)

    async def _prove(self, authority: Authority, order: Any, questions: list[Question]) -> None:
        """Show that the names are ours.

        :raises AuthorityError: the authority does not think so.
        """
        from qisd.tls.authority import AuthorityError

        if questions:
            expected = [one.challenge for one in questions]
            await self._database.transaction(lambda db: acme.expect(db, expected, for_secs=_AT_IT_FOR))
            await deferLater(self._reactor, _SPREADS_WITHIN)
        for question in questions:
            await self._run(lambda question=question: authority.ask(question))  # type: ignore[misc]
        if not await self._repeated(lambda: authority.convinced(order), within=_CONVINCED_WITHIN):
            raise AuthorityError("the authority has not asked in time", unproven=True)

    async def _repeated(self, look: Callable[[], T], *, within: float) -> T:
        """What ``look`` gives in a thread, as soon as it is something, or when the time is up."""
        until = self._reactor.seconds() + within
        while not (found := await self._run(look)) and self._reactor.seconds() < until:
            await deferLater(self._reactor, _LOOK_EVERY)
        result: T = found
        return result

    def _issued(self, chain: str, key: bytes) -> Issued:
        from qisd.tls.authority import AuthorityError

        try:
            certificates = x509.load_pem_x509_certificates(chain.encode("ascii"))
            own = in_order(certificates, load_pem_private_key(key, None))[0]
        except (ValueError, StopIteration) as error:
            raise AuthorityError("the authority has given a certificate that is not for our key") from error
        return Issued(
            chain=chain,
            key=self._seal().close(key),
            not_before=own.not_valid_before_utc,
            not_after=own.not_valid_after_utc,
        )

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._reactor.seconds(), UTC)


def certificate_names(settings: Any) -> list[str]:
    """The names that the certificate is to be for, sorted."""
    return sorted(own_names(settings))


def renewal_time(begin: datetime, end: datetime) -> datetime:
    """When a certificate that holds for so long is renewed."""
    part, whole = _USED_UP
    return begin + (end - begin) * part / whole


def _kinds(settings: RenewalSettings) -> list[str]:
    """The ways to show whose the names are, in the order in which they are tried."""
    kinds = [(HTTP_01, settings.http_listen), (TLS_ALPN_01, settings.https_listen)]
    return [kind for kind, listen in kinds if listen]
