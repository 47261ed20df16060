"""The clocks of a connection: who is slow is cut, who is merely unhurried is not."""

from __future__ import annotations

import socket

from twisted.internet.defer import Deferred
from twisted.internet.testing import StringTransport
from twisted.protocols.policies import ProtocolWrapper, WrappingFactory
from twisted.trial.unittest import SynchronousTestCase

from qisd.images import ImageBytes
from qisd.web.outgoing import outgoing_bytes
from tests.web.support import Door, Wire, request


class ChannelCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.door = Door(keep_alive_timeout=15, request_timeout=60)

    def pass_time(self, seconds: float) -> None:
        self.door.clock.advance(seconds)


class WaitingTests(ChannelCase):
    def test_a_client_that_says_nothing_is_cut_after_the_request_timeout(self) -> None:
        wire = self.door.wire()
        self.pass_time(59)
        self.assertFalse(wire.closing)
        self.pass_time(1)
        self.assertTrue(wire.closing)
        self.assertEqual(wire.received(), b"")

    def test_an_idle_kept_alive_connection_is_closed_after_its_timeout(self) -> None:
        wire = self.door.wire()
        self.pass_time(50)
        wire.send(request("/health"))
        self.pass_time(14)
        wire.send(request("/health"))
        self.pass_time(14)
        self.assertFalse(wire.closing)
        self.pass_time(1)
        self.assertTrue(wire.closing)
        self.assertEqual(len(wire.answers()), 2)

    def test_the_end_of_a_connection_stops_its_clocks(self) -> None:
        wire = self.door.wire()
        wire.send(b"GET /")
        wire.leave()
        self.assertEqual(self.door.clock.getDelayedCalls(), [])


class ReceivingTests(ChannelCase):
    def test_a_head_that_trickles_in_is_cut_however_busily(self) -> None:
        wire = self.door.wire()
        wire.send(b"GET /health HTTP/1.1\r\nHost: a\r\n")
        for _ in range(59):
            self.pass_time(1)
            wire.send(b"X: y\r\n"[:1])
        self.assertEqual(wire.received(), b"")
        self.pass_time(1)
        (answer,) = wire.answers()
        self.assertEqual(answer.status, 408)
        self.pass_time(2)
        self.assertTrue(wire.closing)
        self.assertEqual(self.door.entries[0].status, 408)

    def test_so_is_a_body(self) -> None:
        for head in (b"Content-Length: 1000", b"Transfer-Encoding: chunked"):
            wire = self.door.wire()
            wire.send(b"GET /health HTTP/1.1\r\nHost: a\r\n" + head + b"\r\n\r\n")
            self.pass_time(59)
            wire.send(b"1")
            self.pass_time(1)
            self.assertEqual([answer.status for answer in wire.answers()], [408], head)

    def test_each_request_has_its_own_time(self) -> None:
        wire = self.door.wire()
        for _ in range(5):
            wire.send(request("/health")[:-2])
            self.pass_time(40)
            wire.send(b"\r\n")
        self.assertEqual([answer.status for answer in wire.answers()], [200] * 5)

    def test_the_beginning_of_a_pipelined_request_starts_its_time(self) -> None:
        wire = self.door.wire()
        wire.send(request("/health") + b"GET /health HTTP/1.1\r\n")
        self.pass_time(59)
        self.assertFalse(wire.closing)
        self.pass_time(1)
        self.assertEqual([answer.status for answer in wire.answers()], [200, 408])

    def test_a_request_being_answered_has_no_limit_here(self) -> None:
        slow: Deferred[ImageBytes] = Deferred()
        self.door.images.fetching = lambda: slow
        wire = self.door.wire()
        wire.send(request("/image?src=a"))
        self.pass_time(1000)
        self.assertFalse(wire.closing)
        slow.callback(ImageBytes(data=b"x", content_type="image/png", from_cache=False))
        self.assertEqual([answer.status for answer in wire.answers()], [200])


class SendingTests(ChannelCase):
    def setUp(self) -> None:
        super().setUp()
        self.door.images.data = bytes(range(256)) * 8192

    def _asked(self, *, room: int | None = None) -> Wire:
        wire = self.door.wire(room=room)
        wire.send(request("/image?src=a"))
        return wire

    def test_a_client_that_takes_nothing_is_cut(self) -> None:
        wire = self._asked(room=65536)
        self.pass_time(59)
        self.assertFalse(wire.closing)
        self.pass_time(1)
        self.assertTrue(wire.transport.ended)
        self.assertEqual(self.door.entries[0].status, 499)
        self.assertEqual(self.flushLoggedErrors(), [])

    def test_so_is_one_that_stops_taking(self) -> None:
        wire = self._asked(room=65536)
        self.pass_time(50)
        wire.take()
        self.pass_time(59)
        self.assertFalse(wire.closing)
        self.pass_time(1)
        self.assertTrue(wire.transport.ended)

    def test_a_client_that_takes_a_little_now_and_then_gets_everything(self) -> None:
        wire = self._asked(room=65536)
        rounds = 0
        while len(wire.received()) < len(self.door.images.data):
            rounds += 1
            self.pass_time(59)
            wire.take()
        self.assertGreater(rounds, 5)
        (answer,) = wire.answers()
        self.assertEqual(answer.body, self.door.images.data)

    def test_the_last_piece_is_waited_for_before_the_connection_counts_as_idle(self) -> None:
        wire = self._asked(room=65536)
        while len(wire.received()) < len(self.door.images.data):
            wire.take()
        self.pass_time(59)
        self.assertFalse(wire.closing)
        wire.take()
        self.pass_time(15)
        self.assertTrue(wire.closing)

    def test_bytes_that_move_in_the_kernel_count_as_taken(self) -> None:
        wire = self.door.wire(room=65536)
        queued = iter(range(100_000, 0, -1))
        wire.channel.outgoing = lambda transport: next(queued)
        wire.send(request("/image?src=a"))
        for _ in range(20):
            self.pass_time(60)
        self.assertFalse(wire.closing)
        wire.channel.outgoing = lambda transport: 5
        self.pass_time(60)
        self.pass_time(60)
        self.assertTrue(wire.transport.ended)

    def test_large_bodies_go_out_in_pieces_each_when_there_is_room(self) -> None:
        wire = self._asked(room=65536)
        before = len(wire.received())
        self.assertLess(before, 300_000)
        wire.take()
        self.assertLess(len(wire.received()) - before, 300_000)

    def test_pipelined_answers_wait_for_those_before_them_to_be_taken(self) -> None:
        self.door.images.data = b"x" * 100_000
        wire = self.door.wire(room=65536)
        wire.send(request("/image?src=a") * 50)
        self.assertLess(len(wire.received()), 210_000)
        for _ in range(50):
            wire.take()
        self.assertEqual(len(wire.answers()), 50)

    def test_without_a_pause_all_is_sent(self) -> None:
        (answer,) = self._asked().answers()
        self.assertEqual(answer.body, self.door.images.data)

    def test_a_close_that_nobody_lets_happen_is_cut(self) -> None:
        wire = self.door.wire()
        wire.send(request("/image?src=a", Connection="close"))
        self.assertTrue(wire.transport.disconnecting)
        self.assertFalse(wire.transport.ended)
        self.pass_time(15)
        self.assertTrue(wire.transport.ended)


class OutgoingTests(SynchronousTestCase):
    def test_the_kernel_tells_what_the_other_side_has_not_taken(self) -> None:
        near, far = socket.socketpair()
        self.addCleanup(near.close)
        self.addCleanup(far.close)
        transport = StringTransport()
        transport.socket = near  # type: ignore[attr-defined]
        self.assertEqual(outgoing_bytes(transport), 0)
        near.send(b"x" * 1000)
        held = outgoing_bytes(transport)
        assert held is not None
        self.assertGreater(held, 0)
        wrapper = ProtocolWrapper(WrappingFactory(None), None)  # type: ignore[arg-type]
        wrapper.transport = transport
        self.assertEqual(outgoing_bytes(wrapper), held)
        far.recv(1000)
        self.assertEqual(outgoing_bytes(transport), 0)

    def test_elsewhere_it_is_not_known(self) -> None:
        self.assertIsNone(outgoing_bytes(StringTransport()))
        near, far = socket.socketpair()
        far.close()
        near.close()
        transport = StringTransport()
        transport.socket = near  # type: ignore[attr-defined]
        self.assertIsNone(outgoing_bytes(transport))
