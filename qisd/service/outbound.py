"""Sends messages to addresses that people have given, which must not lead into networks of ours.

A name is resolved first, and what is connected to is an address that was looked at; so it doesn't matter what the name
stands for a moment later. Redirects are not followed.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import attrs
from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.internet.endpoints import TCP4ClientEndpoint, TCP6ClientEndpoint, wrapClientTLS
from twisted.internet.interfaces import IConsumer, IProtocol, IProtocolFactory, IStreamClientEndpoint
from twisted.internet.protocol import Protocol
from twisted.internet.ssl import optionsForClientTLS
from twisted.internet.threads import deferToThread
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.client import URI, Agent
from twisted.web.http_headers import Headers
from twisted.web.iweb import IAgentEndpointFactory, IBodyProducer, IResponse
from zope.interface import implementer

from qisd.accounts.webhook_addresses import Address, Network, may_be_reached
from qisd.accounts.webhook_sending import Unreachable

_TIMEOUT = 10.0
"""Seconds from the beginning to the head of the answer."""

_ADDRESSES_TRIED = 4

_log = Logger()

Resolve = Callable[[str], Awaitable[Sequence[str]]]
"""The addresses that a name stands for, as texts."""


class Outbound:
    """Sends messages.

    :param allowed: networks that may be reached besides public addresses.
    :param trust: whom TLS connections believe; None: the authorities of the system.
    """

    def __init__(
        self,
        reactor: Any,
        *,
        allowed: Callable[[], Sequence[Network]],
        resolve: Resolve | None = None,
        trust: Any = None,
        timeout: float = _TIMEOUT,
    ) -> None:
        self._reactor = reactor
        self._timeout = timeout
        self._agent = Agent.usingEndpointFactory(
            reactor, _Endpoints(reactor=reactor, allowed=allowed, resolve=resolve or _resolve, trust=trust)
        )

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        """See :data:`qisd.accounts.webhook_sending.Post`."""
        sent = Headers({name: [value] for name, value in {**headers, "User-Agent": "qisd"}.items()})
        asked: Deferred[IResponse] = self._agent.request(b"POST", url.encode("ascii"), sent, _Whole(body))
        asked.addTimeout(self._timeout, self._reactor)
        try:
            response = await asked
        except CancelledError:
            raise
        except Exception as error:
            raise Unreachable(_reason(error)) from error
        response.deliverBody(_Dropped())
        return int(response.code)


@implementer(IBodyProducer)
class _Whole:
    """A small body, sent at once."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self.length = len(body)

    def startProducing(self, consumer: IConsumer) -> Deferred[None]:  # noqa: N802
        consumer.write(self._body)
        return succeed(None)

    def pauseProducing(self) -> None:  # noqa: N802
        """All is sent."""

    def resumeProducing(self) -> None:  # noqa: N802
        """All is sent."""

    def stopProducing(self) -> None:  # noqa: N802
        """All is sent."""


class _Dropped(Protocol):
    """Takes no body."""

    def connectionMade(self) -> None:  # noqa: N802
        assert self.transport is not None  # noqa: S101 - just connected
        self.transport.loseConnection()


@implementer(IAgentEndpointFactory)
@attrs.frozen(kw_only=True)
class _Endpoints:
    reactor: Any
    allowed: Callable[[], Sequence[Network]]
    resolve: Resolve
    trust: Any

    def endpointForURI(self, uri: URI) -> IStreamClientEndpoint:  # noqa: N802
        return _Guarded(self, uri)


@implementer(IStreamClientEndpoint)
class _Guarded:
    def __init__(self, by: _Endpoints, uri: URI) -> None:
        self._by = by
        self._uri = uri

    def connect(self, factory: IProtocolFactory) -> Deferred[IProtocol]:
        return Deferred.fromCoroutine(self._connect(factory))

    async def _connect(self, factory: IProtocolFactory) -> IProtocol:
        host = self._uri.host.decode("ascii").strip("[]")
        found = [ipaddress.ip_address(text) for text in await self._by.resolve(host)]
        allowed = self._by.allowed()
        good = [address for address in found if may_be_reached(address, allowed=allowed)]
        if not good:
            raise Unreachable("the address is not a public one")
        *others, last = good[:_ADDRESSES_TRIED]
        for address in others:
            try:
                return await self._endpoint(address, host).connect(factory)
            except CancelledError:
                raise
            except Exception as error:
                _log.debug("{host} can't be reached at {address}: {error}", host=host, address=address, error=error)
        return await self._endpoint(last, host).connect(factory)

    def _endpoint(self, address: Address, host: str) -> IStreamClientEndpoint:
        kind = TCP4ClientEndpoint if address.version == 4 else TCP6ClientEndpoint
        plain: IStreamClientEndpoint = kind(self._by.reactor, str(address), self._uri.port)
        if self._uri.scheme != b"https":
            return plain
        return wrapClientTLS(optionsForClientTLS(host, trustRoot=self._by.trust), plain)


async def _resolve(host: str) -> list[str]:
    found = await deferToThread(socket.getaddrinfo, host, None, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(one[4][0]) for one in found))


def _reason(error: BaseException) -> str:
    """What went wrong, in one line."""
    reasons = getattr(error, "reasons", None)
    if reasons and isinstance(reasons[0], Failure) and reasons[0].value is not None:
        return _reason(reasons[0].value)
    return (str(error).splitlines() or [""])[0] or type(error).__name__
