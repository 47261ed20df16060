"""The certificate that the site has from an authority, brought to this server: a file that is there at each start."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from qisd.errors import StoreUnavailable
from qisd.store import acme
from qisd.store.held import Held
from qisd.store.pool import Database
from qisd.tls.certificates import acme_file
from qisd.tls.private_files import write_private
from qisd.tls.renewal import certificate_names
from qisd.tls.sealing import Seal

_log = Logger()


class CopySettings(Protocol):
    """The settings that matter here."""

    @property
    def acme(self) -> bool: ...
    @property
    def acme_directory(self) -> str: ...
    @property
    def state_dir(self) -> Path: ...
    @property
    def public_host_name(self) -> str: ...
    @property
    def server_aliases(self) -> Sequence[str]: ...


class CertificateCopies:
    """Writes the certificate into ``STATE_DIR`` when there is a new one.

    :param files: does in a thread what blocks.
    :param changed: called when the file holds another certificate than before.
    """

    def __init__(
        self,
        database: Database,
        *,
        settings: Callable[[], CopySettings],
        seal: Callable[[], Seal],
        files: Callable[[Callable[[], Any]], Awaitable[Any]],
        changed: Callable[[], None],
        reactor: Any,
    ) -> None:
        self._database = database
        self._settings = settings
        self._seal = seal
        self._files = files
        self._changed = changed
        self._held: Held[bool] = Held(
            database, what="certificates", read=self._bring, tables=frozenset({acme.CERTIFICATES}), reactor=reactor
        )

    async def start(self) -> None:
        """Look now, and whenever there is another one."""
        await self._held.start()

    async def stop(self) -> None:
        await self._held.stop()

    def look(self) -> None:
        """Look again, for other names may be asked for."""
        Deferred.fromCoroutine(self._held.refresh()).addErrback(lambda failure: failure.trap(StoreUnavailable) and None)

    async def _bring(self) -> bool:
        """Bring the certificate here; whether it was another one."""
        settings = self._settings()
        if not settings.acme:
            return False
        found = await acme.issued(self._database, settings.acme_directory, certificate_names(settings))
        if found is None:
            return False
        key = self._seal().open(found.key)
        if key is None:
            _log.error(
                "The certificate of this site can't be used here: SECRET_KEY is another one than where it was got"
            )
            return False
        content = key + found.chain.encode("ascii")
        try:
            if not await self._files(lambda: _written(acme_file(settings), content)):
                return False
        except OSError as error:
            _log.error("{file} can't be written: {reason}", file=error.filename, reason=error.strerror)
            return False
        self._changed()
        return True


def _written(file: Path, content: bytes) -> bool:
    """Whether the file had to be written."""
    try:
        if file.read_bytes() == content:
            return False
    except FileNotFoundError:
        pass
    write_private(file, content)
    return True
