"""The hot path: plain requests for images that have just been answered, in front of everything else.

What a request was answered with is kept when it can be the same for everybody: as the bytes of its head, but for what
differs from answer to answer. When the very same request line comes again, with headers that change nothing, while all
that the answer rests on is as it was, the same is sent again. Everything else takes the way through twisted.web, and so
does each image once a second, to see whether its file is the same. So nothing here decides what an answer is.

An image that is not in memory may be in another cache. Then the connection waits for it, before anything is parsed.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from qisd.access.snapshot import PermissionSnapshot
from qisd.cache.interfaces import CachedRendition
from qisd.images import Images, PreparedImage
from qisd.web.access import AccessEntry
from qisd.web.hot_answers import Answer, Answers, Standing
from qisd.web.hot_heads import Head, Heads
from qisd.web.proxies import number_of

if TYPE_CHECKING:
    from qisd.web.channel import Channel
    from qisd.web.images import ImageStatistics
    from qisd.web.request import QisRequest

__all__ = ["HotPath", "Standing"]


class HotPath:
    """Answers that can be given again. For use on the reactor thread.

    :param look: what the memory of this process has under a key.
    :param elsewhere: what other caches have.
    :param permissions: gives the snapshot in force.
    :ivar answered: images that were sent from memory.
    """

    log = Logger()

    def __init__(
        self,
        *,
        images: Images,
        look: Callable[[str], CachedRendition | None],
        elsewhere: Callable[[str], Coroutine[Any, Any, CachedRendition | None]],
        permissions: Callable[[], PermissionSnapshot],
        statistics: ImageStatistics,
    ) -> None:
        self._images = images
        self._look = look
        self._elsewhere = elsewhere
        self._permissions = permissions
        self._statistics = statistics
        self.answered = 0
        self.answers = Answers()
        self.heads = Heads()

    def forget(self) -> None:
        """Settings have changed: none of the answers is right any more."""
        self.answers.clear()
        self.heads.clear()

    def standing(self) -> Standing:
        """What an answer rests on that is begun now."""
        return self._permissions(), self._images.standing()

    def answer(self, channel: Channel, data: bytes) -> bool:
        """Answer the one request that ``data`` is, if that is possible; whether it was.

        :param channel: waits for a request.
        """
        began = time.monotonic_ns()
        end = data.find(b"\r\n")
        line = data[:end]
        if line not in self.answers:
            return False
        head = self.heads.find(data[end:], channel.site.settings, channel.site.certified)
        answer = None if head is None else self.answers.find(line, head)
        if head is None or answer is None:
            return False
        if not self._stands(answer, channel) or (channel.scheme == "http" and channel.site.all_by_https):
            return False
        if answer.status == 304:
            self._send(channel, answer, head, b"", began=began)
            return True
        rendition = self._look(answer.prepared.etag)
        if rendition is None:
            return self._bring(channel, data, answer, head, began=began)
        self.answered += 1
        self._send(channel, answer, head, rendition.data, began=began)
        return True

    def _stands(self, answer: Answer, channel: Channel) -> bool:
        permissions, others = self.standing()
        right = answer.standing[0] is permissions and answer.standing[1] is others
        return right and channel.site.reactor.seconds() <= answer.until

    def _bring(self, channel: Channel, data: bytes, answer: Answer, head: Head, *, began: int) -> bool:
        """Let the connection wait for what other caches have, unless it is clear at once that they have nothing."""
        asked = Deferred.fromCoroutine(self._elsewhere(answer.prepared.etag))
        asked.addErrback(self._can_not_ask)
        if asked.called and asked.result is None:
            return False
        channel.hold_back(data)
        asked.addCallback(self._brought, channel, data, answer, head, began=began)
        return True

    def _can_not_ask(self, failure: Failure) -> None:
        self.log.failure("asking the caches", failure)

    def _brought(
        self,
        rendition: CachedRendition | None,
        channel: Channel,
        data: bytes,
        answer: Answer,
        head: Head,
        *,
        began: int,
    ) -> None:
        come = channel.held_back()
        if come is None:
            return
        known = self.answers.find(data[: data.find(b"\r\n")], head) is answer
        alone = come == data and not channel.site.draining
        if rendition is not None and known and alone and self._stands(answer, channel):
            channel.site.traffic.sources[rendition.floor] += 1
            self._send(channel, answer, head, rendition.data, began=began)
        else:
            channel.take_in(come)
        channel.release()

    def _send(self, channel: Channel, answer: Answer, head: Head, data: bytes, *, began: int) -> None:
        body = data if answer.with_body else b""
        now = channel.site.reactor.seconds()
        request_id = self._number(channel, head) or secrets.token_hex(8)
        app_us = (time.monotonic_ns() - began) // 1000
        after = answer.after
        if head.promise and channel.scheme == "https":
            after = after[:-2] + head.promise + b"\r\n"
        parts = (answer.start(int(now)), request_id.encode(), b"\r\nX-Time-Taken: %d" % app_us, after)
        channel.transport.writeSequence((*parts, body))  # type: ignore[union-attr]
        channel.answered_at_once()
        self._count(channel, answer, head, now=now, began=began, app_us=app_us, size=len(body), request_id=request_id)

    @staticmethod
    def _number(channel: Channel, head: Head) -> str | None:
        if head.number is None:
            return None
        settings = channel.site.settings
        return number_of(
            head.number, peer=channel.client, proxies=settings.proxy_servers, trusted=settings.proxy_addresses
        )

    def keep(self, request: QisRequest, prepared: PreparedImage, standing: Standing) -> None:
        """``request`` was answered with ``prepared``: keep that, if it can be kept.

        :param standing: from before anything was looked up for it.
        """
        self.answers.keep(request, prepared, standing, until=self._images.known_until(prepared))

    def _count(
        self,
        channel: Channel,
        answer: Answer,
        head: Head,
        *,
        now: float,
        began: int,
        app_us: int,
        size: int,
        request_id: str,
    ) -> None:
        """What is noted of every answer."""
        prepared, site = answer.prepared, channel.site
        unchanged = answer.status == 304
        self._statistics.served(
            prepared.path,
            kind="not_modified" if unchanged else "cached",
            body_bytes=size,
            seconds=app_us / 1e6,
            record=prepared.record,
            template=prepared.template,
            format=prepared.output,
        )
        answer.counted.note(app_us, size)
        if site.access_log is not None:
            site.access_log.write(
                AccessEntry(
                    client=channel.client,
                    forwarded_for=head.forwarded_for,
                    time=now,
                    request_line=answer.request_line,
                    status=answer.status,
                    body_bytes=size,
                    app_us=app_us,
                    total_us=(time.monotonic_ns() - began) // 1000,
                    from_cache=None if unchanged else True,
                    agent=head.agent,
                    referer=head.referer,
                    request_id=request_id,
                    protocol=channel.scheme,
                )
            )
