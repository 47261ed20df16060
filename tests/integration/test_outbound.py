"""Messages to addresses that people have given, over real sockets."""

from __future__ import annotations

import ipaddress
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.ssl import Certificate, DefaultOpenSSLContextFactory, trustRootFromCertificates
from twisted.internet.task import deferLater
from twisted.trial.unittest import TestCase

from qisd.accounts.webhook_addresses import Network
from qisd.accounts.webhook_sending import Unreachable
from qisd.service.outbound import Outbound
from tests.tls.certificate_files import issue

LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"),)
OK = b"HTTP/1.1 204 No Content\r\n\r\n"


class Receiver(Protocol):
    """Answers each request with what its factory says, and keeps what came."""

    factory: Any

    def connectionMade(self) -> None:
        self.factory.open.add(self)
        self.data = b""

    def dataReceived(self, data: bytes) -> None:
        self.data += data
        if b"\r\n\r\nhello" in self.data:
            self.factory.came.append(self.data)
            if self.factory.answer:
                self.transport.write(self.factory.answer)

    def connectionLost(self, reason: object = None) -> None:
        self.factory.open.discard(self)


class OutboundTests(TestCase):
    timeout = 30

    def setUp(self) -> None:
        self.names = {"hook.example": ["127.0.0.1"]}
        self.receiver: Any = Factory.forProtocol(Receiver)
        self.receiver.came, self.receiver.answer, self.receiver.open = [], OK, set()
        self.port = self.listen(reactor.listenTCP(0, self.receiver, interface="127.0.0.1"))

    def listen(self, listening: Any) -> int:
        async def close() -> None:
            await listening.stopListening()
            for one in list(self.receiver.open):
                one.transport.abortConnection()
            while self.receiver.open:
                await deferLater(reactor, 0.001)

        self.addCleanup(lambda: Deferred.fromCoroutine(close()))
        return int(listening.getHost().port)

    async def resolve(self, host: str) -> Sequence[str]:
        return self.names.get(host, [host])

    async def post(self, url: str, *, allowed: Sequence[Network] = LOOPBACK, **options: Any) -> int:
        outbound = Outbound(reactor, allowed=lambda: allowed, resolve=self.resolve, **options)
        return await outbound.post(url, {"webhook-id": "msg_1", "Content-Type": "application/json"}, b"hello")

    async def refused(self, url: str, **options: Any) -> str:
        error = await self.assertFailure(Deferred.fromCoroutine(self.post(url, **options)), Unreachable)
        return str(error)

    async def test_a_message_arrives_at_the_address_that_the_name_stands_for(self) -> None:
        self.assertEqual(await self.post(f"http://hook.example:{self.port}/x?y=1"), 204)
        (came,) = self.receiver.came
        self.assertTrue(came.startswith(b"POST /x?y=1 HTTP/1.1\r\n"), came)
        self.assertIn(f"host: hook.example:{self.port}\r\n".encode(), came.lower())
        for header in (b"webhook-id: msg_1", b"content-type: application/json", b"content-length: 5"):
            self.assertIn(header, came.lower())

    async def test_private_addresses_are_not_connected_to(self) -> None:
        self.names["both.example"] = ["127.0.0.1", "10.0.0.1", "::1", "fe80::1%lo"]
        for host in ("127.0.0.1", "hook.example", "both.example", "[::1]"):
            self.assertEqual(
                await self.refused(f"http://{host}:{self.port}/", allowed=()), "the address is not a public one"
            )
        self.assertEqual((self.receiver.came, self.receiver.open), ([], set()))

    async def test_of_several_addresses_only_good_ones_are_tried(self) -> None:
        self.names["both.example"] = ["10.0.0.1", "127.0.0.9", "127.0.0.1"]
        self.assertEqual(await self.post(f"http://both.example:{self.port}/"), 204)

    async def test_redirects_are_answers_like_others(self) -> None:
        self.receiver.answer = (
            f"HTTP/1.1 307 Temporary Redirect\r\nLocation: http://127.0.0.1:{self.port}/2\r\n"
            "Content-Length: 0\r\n\r\n".encode()
        )
        self.assertEqual(await self.post(f"http://hook.example:{self.port}/"), 307)
        self.assertEqual(len(self.receiver.came), 1)

    async def test_what_is_answered_is_not_read(self) -> None:
        self.receiver.answer = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n" + b"x" * 100_000
        self.assertEqual(await self.post(f"http://hook.example:{self.port}/"), 200)
        while self.receiver.open:
            await deferLater(reactor, 0.001)

    async def test_silence_and_nonsense_are_no_answers(self) -> None:
        self.receiver.answer = b""
        await self.refused(f"http://hook.example:{self.port}/", timeout=0.05)
        self.receiver.answer = b"what?\r\n\r\n"
        await self.refused(f"http://hook.example:{self.port}/")
        self.names["hook.example"] = ["127.0.0.2"]
        listening = reactor.listenTCP(0, self.receiver, interface="127.0.0.2")
        port = listening.getHost().port
        await listening.stopListening()
        await self.refused(f"http://hook.example:{port}/")

    async def test_https_is_only_for_those_who_can_prove_their_name(self) -> None:
        folder = Path(tempfile.mkdtemp(prefix="qt-outbound-"))
        self.addCleanup(shutil.rmtree, folder)
        issued = issue("hook.example")
        certificate, key = issued.write(folder, "own")
        context = DefaultOpenSSLContextFactory(str(key), str(certificate))
        port = self.listen(reactor.listenSSL(0, self.receiver, context, interface="127.0.0.1"))
        trust = trustRootFromCertificates([Certificate.loadPEM(issued.pem)])
        self.names["other.example"] = ["127.0.0.1"]
        self.assertEqual(await self.post(f"https://hook.example:{port}/", trust=trust), 204)
        await self.refused(f"https://other.example:{port}/", trust=trust)
        await self.refused(f"https://hook.example:{port}/")
        self.assertEqual(len(self.receiver.came), 1)
