"""One server, and several as one: :mod:`qisd.cache.memcached.node` and :mod:`~qisd.cache.memcached.cluster`."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any, TypeVar

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import ConnectionRefusedError
from twisted.internet.testing import MemoryReactorClock, StringTransport
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from qisd.cache.memcached import node as node_module
from qisd.cache.memcached.cluster import Cluster, ClusterSettings

T = TypeVar("T")

TIMEOUT, PAUSE = 0.3, 5.0


class Wire:
    """One connection, from the server's side."""

    def __init__(self, client: Any) -> None:
        self.factory = client[2]
        self.transport = StringTransport()
        self.protocol: Any = None

    def accept(self) -> None:
        self.protocol = self.factory.buildProtocol(None)
        self.protocol.makeConnection(self.transport)

    def refuse(self) -> None:
        self.factory.clientConnectionFailed(None, Failure(ConnectionRefusedError()))

    def answer(self, data: bytes) -> None:
        self.protocol.dataReceived(data)

    def sent(self) -> bytes:
        data: bytes = self.transport.value()
        self.transport.clear()
        return data


class NodeCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.reactor = MemoryReactorClock()
        self.cluster = self.make("127.0.0.1:1")

    def make(self, *servers: str) -> Cluster:
        settings = ClusterSettings(servers=servers, timeout=TIMEOUT, pause=PAUSE, prefix="t:")
        return Cluster(settings, reactor=self.reactor)

    def ask(self, asked: Awaitable[T]) -> Deferred[T]:
        return Deferred.fromCoroutine(asked)  # type: ignore[arg-type]

    def get(self, key: str = "a") -> Deferred[bytes | None]:
        return self.ask(self.cluster.get(key))

    def wire(self) -> Wire:
        """The connection that is being made."""
        return Wire(self.reactor.tcpClients.pop(0))

    def connected(self) -> Wire:
        asked = self.get()
        wire = self.wire()
        wire.accept()
        wire.answer(b"END\r\n")
        self.assertIsNone(self.successResultOf(asked))
        wire.sent()
        return wire

    def wait(self, seconds: float) -> None:
        self.reactor.advance(seconds)
        self.reactor.advance(0)


class ConnectingTests(NodeCase):
    def test_the_first_who_ask_wait_for_one_connection(self) -> None:
        asked = [self.get("a"), self.get("b")]
        wire = self.wire()
        self.assertEqual(self.reactor.tcpClients, [])
        wire.accept()
        self.assertEqual(wire.sent(), b"get t:0:a\r\nget t:0:b\r\n")
        wire.answer(b"VALUE t:0:a 9 1\r\nx\r\nEND\r\nEND\r\n")
        self.assertEqual([self.successResultOf(one) for one in asked], [b"x", None])

    def test_a_second_one_is_made_when_the_first_has_something_to_do_and_nobody_waits_for_it(self) -> None:
        first = self.connected()
        self.assertEqual(self.reactor.tcpClients, [])
        self.get()
        self.get("b")
        self.assertEqual(first.sent(), b"get t:0:a\r\nget t:0:b\r\n")
        second = self.wire()
        second.accept()
        self.get("c")
        self.get("d")
        self.assertEqual((first.sent(), second.sent()), (b"", b"get t:0:c\r\nget t:0:d\r\n"))
        self.assertEqual(self.reactor.tcpClients, [], "two will do")

    def test_what_is_large_has_a_connection_of_its_own(self) -> None:
        first = self.connected()
        large = self.ask(self.cluster.set("a:0", bytes(1000), bulk=True))
        bulk = self.wire()
        bulk.accept()
        self.assertEqual((first.sent(), bulk.sent()[:17]), (b"", b"set t:0:a:0 0 0 1"))
        bulk.answer(b"STORED\r\n")
        self.assertTrue(self.successResultOf(large))

    def test_whoever_waits_for_a_connection_and_leaves_is_told_nothing(self) -> None:
        leaving, staying = self.get(), self.get("b")
        leaving.cancel()
        self.failureResultOf(leaving, CancelledError)
        wire = self.wire()
        wire.accept()
        self.assertEqual(wire.sent(), b"get t:0:b\r\n")
        wire.answer(b"END\r\n")
        self.assertIsNone(self.successResultOf(staying))

    def test_one_that_is_lost_is_made_anew(self) -> None:
        self.connected().protocol.connectionLost(Failure(ConnectionRefusedError()))
        asked = self.get()
        wire = self.wire()
        wire.accept()
        wire.answer(b"VALUE t:0:a 0 1\r\nx\r\nEND\r\n")
        self.assertEqual(self.successResultOf(asked), b"x")

    def test_the_time_for_connecting_is_part_of_the_time_for_an_answer(self) -> None:
        asked = self.get()
        self.wait(0.25)
        self.wire().accept()
        self.wait(0.04)
        self.assertNoResult(asked)
        self.wait(0.02)
        self.assertIsNone(self.successResultOf(asked))


class LeftOutTests(NodeCase):
    def left_out(self) -> None:
        self.get()
        self.wire().refuse()
        self.assertFalse(self.cluster.available)

    def assert_costs_nothing(self) -> None:
        self.assertIsNone(self.successResultOf(self.get()))
        self.assertFalse(self.successResultOf(self.ask(self.cluster.set("a", b"x"))))
        self.assertIsNone(self.successResultOf(self.ask(self.cluster.add("a", b"x", seconds=1))))
        self.successResultOf(self.ask(self.cluster.delete("a")))

    def test_one_that_can_not_be_connected_to_costs_nothing_from_then_on(self) -> None:
        asked = self.get()
        self.wire().refuse()
        self.assertIsNone(self.successResultOf(asked))
        self.assert_costs_nothing()

    def test_one_that_does_not_take_connections_costs_the_time_once(self) -> None:
        asked = self.get()
        self.wait(TIMEOUT + 0.01)
        self.assertIsNone(self.successResultOf(asked))
        self.assert_costs_nothing()

    def test_silence_costs_the_time_once_for_all_that_wait(self) -> None:
        self.connected()
        asked = [self.get(str(number)) for number in range(50)]
        self.wait(TIMEOUT + 0.01)
        self.assertEqual([self.successResultOf(one) for one in asked], [None] * 50)
        self.assertFalse(self.cluster.available)
        self.assert_costs_nothing()

    def test_it_is_tried_again_in_the_background_after_pauses_that_grow(self) -> None:
        self.left_out()
        waited = []
        for _ in range(8):
            self.assertEqual(self.reactor.tcpClients, [])
            pause = next(call.getTime() for call in self.reactor.getDelayedCalls()) - self.reactor.seconds()
            waited.append(round(pause))
            self.wait(pause)
            self.assert_costs_nothing()
            self.wire().refuse()
        self.assertEqual(waited, [5, 10, 20, 40, 60, 60, 60, 60])

    def test_it_is_used_again_when_it_answers_and_not_only_takes_connections(self) -> None:
        self.left_out()
        self.wait(PAUSE)
        wire = self.wire()
        wire.accept()
        self.assertEqual(wire.sent(), b"version\r\n")
        self.assert_costs_nothing()
        self.wait(TIMEOUT + 0.01)
        self.assertFalse(self.cluster.available)
        self.assertTrue(wire.transport.disconnected)
        self.wait(2 * PAUSE)
        wire = self.wire()
        wire.accept()
        wire.answer(b"VERSION 1.6\r\n")
        self.assertTrue(self.cluster.available)
        asked = self.get()
        wire.answer(b"END\r\n")
        self.assertIsNone(self.successResultOf(asked))
        self.assertEqual(self.reactor.tcpClients, [])

    def test_one_whose_answers_keep_coming_too_late_is_left_out(self) -> None:
        wire = self.connected()
        for _ in range(60):
            if not self.cluster.available:
                break
            asked = self.get()
            self.wait(TIMEOUT - 0.1)
            wire.answer(b"VALUE t:0:a 0 1\r\n")
            self.wait(0.11)
            self.assertIsNone(self.successResultOf(asked))
            wire.answer(b"x\r\nEND\r\n")
        self.assertFalse(self.cluster.available)

    def test_refusals_are_no_failure(self) -> None:
        wire = self.connected()
        asked = self.ask(self.cluster.set("a", b"x"))
        wire.answer(b"SERVER_ERROR out of memory\r\n")
        self.assertFalse(self.successResultOf(asked))
        self.assertTrue(self.cluster.available)

    def test_when_all_is_stopped_nothing_goes_on(self) -> None:
        self.connected()
        waiting = self.get()
        self.cluster.stop()
        self.assertIsNone(self.successResultOf(waiting))
        self.assertIsNone(self.successResultOf(self.get()))
        self.reactor.tcpClients.clear()
        self.cluster = self.make("127.0.0.1:2")
        self.left_out()
        self.cluster.stop()
        self.cluster = self.make("127.0.0.1:3")
        connecting = self.get()
        self.cluster.stop()
        self.assertIsNone(self.successResultOf(connecting))
        self.reactor.tcpClients.clear()
        self.cluster = self.make("127.0.0.1:4")
        self.left_out()
        self.wait(PAUSE)
        self.cluster.stop()
        self.assertEqual(self.reactor.getDelayedCalls(), [])


class BoundTests(NodeCase):
    def test_no_more_commands_are_sent_than_it_keeps_up_with(self) -> None:
        self.patch(node_module, "_OUTSTANDING", 10)
        wire = self.connected()
        asked = [self.get(str(number)) for number in range(12)]
        self.assertEqual(wire.sent().count(b"get "), 10)
        self.assertEqual([self.successResultOf(one) for one in asked[10:]], [None, None])
        self.assertTrue(self.cluster.available)

    def test_no_more_bytes_wait_than_are_allowed_for(self) -> None:
        self.patch(node_module, "_PENDING", 1000)
        wire = self.connected()
        first = self.ask(self.cluster.set("a", bytes(900)))
        self.assertFalse(self.successResultOf(self.ask(self.cluster.set("b", bytes(200)))))
        small = self.ask(self.cluster.set("c", bytes(100)))
        wire.answer(b"STORED\r\nSTORED\r\n")
        self.assertTrue(self.successResultOf(first))
        self.assertTrue(self.successResultOf(small))


class ClusterTests(NodeCase):
    def test_without_servers_it_has_nothing_and_takes_nothing(self) -> None:
        cluster = self.make()
        self.assertIsNone(self.successResultOf(self.ask(cluster.get("a"))))
        self.assertFalse(self.successResultOf(self.ask(cluster.set("a", b"x"))))
        self.assertIsNone(self.successResultOf(self.ask(cluster.add("a", b"x", seconds=1))))
        self.successResultOf(self.ask(cluster.delete("a")))
        self.assertFalse(cluster.available)
        self.assertEqual(cluster.states(), {})

    def test_other_servers_can_be_gone_by_while_it_runs(self) -> None:
        old = self.connected()
        asked = self.get()
        settings = ClusterSettings(servers=["127.0.0.1:2"], timeout=TIMEOUT, pause=PAUSE, prefix="t:")
        self.cluster.configure(settings)
        self.assertIsNone(self.successResultOf(asked))
        self.assertTrue(old.transport.disconnected)
        self.reactor.tcpClients.clear()
        self.get()
        self.assertEqual(self.reactor.tcpClients[0][:2], ("127.0.0.1", 2))
        wire = self.wire()
        wire.accept()
        wire.answer(b"END\r\n")
        self.cluster.configure(settings)
        self.get()
        self.assertEqual(self.reactor.tcpClients, [], "the connection stays when nothing is another")

    def test_the_failure_of_one_is_not_that_of_another(self) -> None:
        self.cluster = self.make("127.0.0.1:1", "127.0.0.1:2")
        asked = [self.get(f"key{number}") for number in range(20)]
        gone, there = self.wire(), self.wire()
        there.accept()
        gone.refuse()
        sent = there.sent().count(b"get ")
        there.answer(b"END\r\n" * sent)
        self.assertEqual([self.successResultOf(one) for one in asked], [None] * 20)
        self.assertTrue(0 < sent < 20)
        self.assertEqual(sorted(self.cluster.states().values()), [False, True])
        self.assertTrue(self.cluster.available)
