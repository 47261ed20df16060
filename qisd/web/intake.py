"""The body of one request on its way in, from its announcement to the end of the request."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from twisted.python.failure import Failure

from qisd.errors import TooLarge
from qisd.web.bodies import METHODS_WITH_BODY, Body, BodyRules
from qisd.web.readers import Ignored, Reader, reading_of
from qisd.web.staging import Staging

if TYPE_CHECKING:
    from qisd.web.request import QisRequest

# What some clients send along where nothing is wanted, a GET say: read, so that the connection can go on, and dropped.
IGNORED_MAX = 64 * 1024


class Intake:
    """Decides what may come, and takes it in.

    :param length: as announced; None for a chunked body.
    :param hold: called when nothing more can be taken in for the moment; ``release`` when it can.
    :param failed: called when what is there can't be kept, so that nothing more need come.
    :ivar admitted: whether the request may have a body, and is not merely suffered to.
    """

    def __init__(
        self,
        request: QisRequest,
        *,
        length: int | None,
        hold: Callable[[], None],
        release: Callable[[], None],
        failed: Callable[[Failure], None],
    ) -> None:
        self._request = request
        self._length = length
        self._hold = hold
        self._release = release
        self._failed = failed
        self._received = 0
        self._whole = False
        self.admitted = False
        self._reader: Reader = Ignored(keep=request.method == b"DELETE")
        self._limit = IGNORED_MAX

    @property
    def must_be_asked_for(self) -> bool:
        """Whether somebody has to be asked if the body may come."""
        return self._request.site.bodies is not None and self._request.method in METHODS_WITH_BODY

    async def admit(self) -> None:
        """Find out what may come.

        :raises QisError: not this.
        """
        policy = self._request.site.bodies
        rules = await policy.admit(self._request) if policy is not None else None
        if rules is not None:
            self._go_by(rules)
        self.check_length()

    def check_length(self) -> None:
        """:raises TooLarge: more is announced than may come."""
        if self._length is not None and self._length > self._limit:
            raise self._too_large()

    def _go_by(self, rules: BodyRules) -> None:
        request = self._request
        reading = reading_of(
            content_type=request.header("Content-Type"),
            content_encoding=request.header("Content-Encoding"),
            length=self._length,
            rules=rules,
            staging=self._staging(rules),
            files=request.site.body_files,
        )
        self._reader, self._limit = reading.reader, reading.limit
        self.admitted = True

    def _staging(self, rules: BodyRules) -> Staging | None:
        if rules.files is None:
            return None
        return Staging(
            rules.files,
            files=self._request.site.body_files,
            hold=self._hold,
            release=self._release,
            failed=self._writing_failed,
            keep=rules.keep,
        )

    def _writing_failed(self, error: Exception) -> None:
        # When all has come, whoever waits for the body is told.
        if not self._whole:
            self._failed(Failure(error))

    def feed(self, data: bytes) -> None:
        """The next piece.

        :raises QisError: it is too much, or not what may come.
        """
        self._received += len(data)
        if self._received > self._limit:
            raise self._too_large()
        if data:
            self._reader.feed(data)

    async def finish(self) -> Body:
        """All has come: what is it?

        :raises QisError: it can't be read, or not be kept.
        """
        self._whole = True
        return await self._reader.finish()

    def discard(self) -> None:
        """The request is over."""
        self._whole = True
        self._reader.discard()

    def _too_large(self) -> TooLarge:
        if not self.admitted:
            return TooLarge("This address takes no request body.")
        return TooLarge(f"The request body exceeds the capacity limit of {self._limit} bytes.")
