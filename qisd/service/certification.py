"""Certificates by ACME, put together: getting them, answering for them, and bringing them to this server."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from qisd.errors import AlreadyExists, StoreUnavailable
from qisd.service.background import Background
from qisd.service.data_store import DataStore
from qisd.settings import Settings
from qisd.tls.challenges import PendingChallenges
from qisd.tls.copies import CertificateCopies
from qisd.tls.renewal import TASK, CertificateRenewal
from qisd.tls.sealing import Seal

_log = Logger()


class Certification:
    """What a process has to do with it.

    :param keys: private keys are sealed with the first of them.
    :param files: does short work with files in a thread.
    :param calls: does in a thread what waits for other servers.
    :param changed: called when the certificate of this server is another one; None: this process does not bring it.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        store: DataStore,
        background: Background,
        keys: tuple[bytes, ...],
        files: Callable[[Callable[[], Any]], Awaitable[Any]],
        calls: Callable[[Callable[[], Any]], Awaitable[Any]],
        changed: Callable[[], None] | None,
        reactor: Any,
    ) -> None:
        self._settings = settings
        self._seal = Seal(keys)
        self._queue = background.queue
        self.challenges = PendingChallenges(store.database, reactor=reactor)
        renewal = CertificateRenewal(
            store.database, settings=lambda: self._settings, seal=lambda: self._seal, run=calls, reactor=reactor
        )
        background.add(renewal.task_types(), renewal.jobs())
        self._copies: CertificateCopies | None = None
        if changed is not None:
            self._copies = CertificateCopies(
                store.database,
                settings=lambda: self._settings,
                seal=lambda: self._seal,
                files=files,
                changed=changed,
                reactor=reactor,
            )

    async def start(self) -> None:
        """Be ready to answer, and have what there is."""
        await self.challenges.start()
        if self._copies is not None:
            await self._copies.start()
        self._look()

    async def stop(self) -> None:
        await self.challenges.stop()
        if self._copies is not None:
            await self._copies.stop()

    def configure(self, settings: Settings, keys: tuple[bytes, ...]) -> None:
        """Go by other settings from now on."""
        self._settings = settings
        self._seal = Seal(keys)
        if self._copies is not None:
            self._copies.look()
        self._look()

    def _look(self) -> None:
        """Have somebody see whether it is time for a certificate: it may be the first one."""
        if self._settings.acme and self._settings.tasks_enabled:
            adding = Deferred.fromCoroutine(self._queue.add(TASK, {}, user_id=None))
            adding.addErrback(_not_added)


def _not_added(failure: Failure) -> None:
    if not failure.check(AlreadyExists, StoreUnavailable):
        _log.failure("a look at the certificate could not be begun", failure)
