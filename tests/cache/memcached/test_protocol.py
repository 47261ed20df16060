"""One connection to a Memcached server: :mod:`qisd.cache.memcached.protocol`."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionLost
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.protocols.memcache import ClientError, NoSuchCommand, ServerError
from twisted.trial.unittest import SynchronousTestCase

from qisd.cache.memcached.protocol import Connection, Late

TIMEOUT = 0.3
VALUE = b"a\r\nEND\r\nVALUE b 0 1\r\nx\0\xff\r\n"


class Turns(Clock):
    """A clock that, as the reactor does, leaves for its next turn what is to be called at once."""

    def advance(self, amount: float) -> None:
        self.rightNow += amount
        for call in [one for one in self.calls if one.getTime() <= self.rightNow]:
            if call.active():
                self.calls.remove(call)
                call.called = 1
                call.func(*call.args, **call.kw)


class Talk:
    """A connection, and what it sends."""

    def __init__(self) -> None:
        self.clock = Turns()
        self.transport = StringTransport()
        self.connection = Connection(TIMEOUT, clock=self.clock)
        self.connection.makeConnection(self.transport)  # type: ignore[no-untyped-call]

    def get(self, key: bytes = b"k", within: float = TIMEOUT) -> Deferred[tuple[int, bytes | None]]:
        return self.connection.fetch(key, within=within)

    def set(self, value: bytes = b"value", within: float = TIMEOUT) -> Deferred[bool]:
        return self.connection.keep(b"k", value, seconds=0, within=within)

    def come(self, data: bytes) -> None:
        self.connection.dataReceived(data)

    def wait(self, seconds: float) -> None:
        """Let time pass, and what is called at once then come to its turn."""
        self.clock.advance(seconds)
        self.clock.advance(0)


class ConnectionCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.talk = Talk()

    def assert_ended(self, *asked: Deferred[Any], by: type[Exception] = ConnectionLost) -> None:
        for one in asked:
            self.failureResultOf(one, by)
        self.assertTrue(self.talk.transport.disconnected)
        self.assertFalse(self.talk.connection.usable)
        self.assertEqual(self.talk.clock.getDelayedCalls(), [])


class AnswerTests(ConnectionCase):
    def test_commands_are_sent_without_waiting_and_answered_in_their_order(self) -> None:
        asked = [
            self.talk.get(),
            self.talk.set(b"x\r\ny"),
            self.talk.connection.keep_new(b"k", b"z", seconds=9, within=1),
            self.talk.connection.remove(b"k", within=1),
            self.talk.connection.greet(within=1),
        ]
        self.assertEqual(
            self.talk.transport.value(),
            b"get k\r\nset k 0 0 4\r\nx\r\ny\r\nadd k 0 9 1\r\nz\r\ndelete k\r\nversion\r\n",
        )
        self.assertEqual(self.talk.connection.outstanding, 5)
        self.talk.come(b"VALUE k 7 3\r\nabc\r\nEND\r\nSTORED\r\nNOT_STORED\r\nNOT_FOUND\r\nVERSION 1.6\r\n")
        self.assertEqual([self.successResultOf(one) for one in asked], [(7, b"abc"), True, False, False, b"1.6"])
        self.assertEqual(self.talk.connection.outstanding, 0)

    @given(pieces=st.lists(st.integers(1, 30), max_size=30))
    def test_answers_may_come_in_any_pieces(self, pieces: list[int]) -> None:
        talk = Talk()
        asked = [talk.get(), talk.get(b"none"), talk.set()]
        stream = b"VALUE k 0 %d\r\n%s\r\nEND\r\nEND\r\nSTORED\r\n" % (len(VALUE), VALUE)
        for size in pieces:
            if stream:
                talk.come(stream[:size])
            stream = stream[size:]
        if stream:
            talk.come(stream)
        self.assertEqual([self.successResultOf(one) for one in asked], [(0, VALUE), (0, None), True])

    def test_refusals_are_errors_of_the_one_command(self) -> None:
        asked: list[Deferred[Any]] = [self.talk.set(), self.talk.set(), self.talk.get(), self.talk.get()]
        self.talk.come(b"SERVER_ERROR object too large for cache\r\nCLIENT_ERROR bad\r\nERROR\r\nEND\r\n")
        for one, error in zip(asked, (ServerError, ClientError, NoSuchCommand), strict=False):
            self.failureResultOf(one, error)
        self.assertEqual(self.successResultOf(asked[3]), (0, None))
        self.assertTrue(self.talk.connection.usable)

    def test_what_is_no_answer_ends_it_with_all_that_wait(self) -> None:
        for nonsense in (
            b"HTTP/1.1 400 Bad Request\r\n",
            b"\r\n",
            b"12\r\n",
            b"STORED\r\n",
            b"DELETED\r\n",
            b"VERSION 1\r\n",
            b"\xff\xfe\r\n",
            b"VALUE\r\n",
            b"VALUE other 0 1\r\nx\r\nEND\r\n",
            b"VALUE k 0 x\r\n",
            b"VALUE k 0 -1\r\n",
            b"VALUE k x 1\r\nx\r\nEND\r\n",
            b"VALUE k 0 1\r\nxyz\r\nEND\r\n",
            b"x" * 100_000,
        ):
            with self.subTest(nonsense=nonsense[:30]):
                self.talk = Talk()
                asked = [self.talk.get(), self.talk.get()]
                self.talk.come(nonsense)
                self.assert_ended(*asked)

    def test_what_comes_unasked_ends_it(self) -> None:
        self.talk.come(b"END\r\n")
        self.assert_ended()
        self.assert_ended(self.talk.get(), self.talk.set())
        self.assertEqual(self.talk.transport.value(), b"")

    def test_a_value_that_is_too_large_to_be_ours_is_not_taken_in(self) -> None:
        asked = self.talk.get()
        self.talk.come(b"VALUE k 0 99999999999\r\n")
        self.assert_ended(asked)

    def test_whoever_has_left_is_told_nothing(self) -> None:
        left, stays = self.talk.get(), self.talk.get()
        left.addErrback(lambda _: None)
        left.cancel()
        self.talk.come(b"END\r\nVALUE k 0 1\r\nx\r\nEND\r\n")
        self.assertEqual(self.successResultOf(stays), (0, b"x"))

    def test_what_is_to_be_kept_counts_until_it_is_answered_for(self) -> None:
        asked = [self.talk.set(bytes(1000)), self.talk.set(bytes(500)), self.talk.get()]
        self.assertEqual(self.talk.connection.pending, 1500)
        self.talk.come(b"STORED\r\n")
        self.assertEqual(self.talk.connection.pending, 500)
        self.talk.connection.abort()
        self.assertEqual(self.talk.connection.pending, 0)
        self.assert_ended(*asked[1:])


class TimeTests(ConnectionCase):
    def test_silence_ends_it_with_all_that_wait(self) -> None:
        asked: list[Deferred[Any]] = [self.talk.get() for _ in range(10)]
        self.talk.wait(0.1)
        asked.append(self.talk.set(within=30))
        self.talk.wait(0.19)
        self.assertNoResult(asked[0])
        self.talk.wait(0.02)
        self.assert_ended(*asked, by=TimeoutError)

    def test_nothing_is_waited_for_and_so_there_is_no_silence(self) -> None:
        self.talk.set()
        self.talk.come(b"STORED\r\n")
        self.talk.wait(1000)
        asked = self.talk.get()
        self.talk.wait(0.29)
        self.talk.come(b"END\r\n")
        self.assertEqual(self.successResultOf(asked), (0, None))
        self.assertTrue(self.talk.connection.usable)

    def test_a_server_that_sends_something_at_times_keeps_nobody_waiting_for_longer(self) -> None:
        first, second = self.talk.get(), self.talk.get()
        self.talk.come(b"VALUE k 0 100\r\n")
        for _ in range(2):
            self.talk.wait(0.14)
            self.talk.come(b"x")
        self.assertNoResult(first)
        self.talk.wait(0.03)
        self.failureResultOf(first, Late)
        self.failureResultOf(second, Late)
        self.assertTrue(self.talk.connection.usable)

        after = self.talk.get()
        self.talk.come(b"x" * 98 + b"\r\nEND\r\nSERVER_ERROR of no interest\r\nVALUE k 0 1\r\ny\r\nEND\r\n")
        self.assertEqual(self.successResultOf(after), (0, b"y"), "answers to others go to nobody")

    def test_there_is_more_time_for_what_is_large_while_it_comes(self) -> None:
        large, small = self.talk.get(within=3), self.talk.get()
        self.talk.come(b"VALUE k 0 10\r\n")
        for _ in range(9):
            self.talk.wait(0.25)
            self.talk.come(b"x")
        self.failureResultOf(small, Late)
        self.talk.come(b"x\r\nEND\r\n")
        self.assertEqual(self.successResultOf(large), (0, b"x" * 10))

    def test_a_process_that_was_held_up_reads_first_what_has_come_meanwhile(self) -> None:
        asked = self.talk.get()
        self.talk.clock.advance(20)  # the time is up, and in the same turn of the reactor the answer is read
        self.talk.come(b"VALUE k 0 1\r\nx\r\nEND\r\n")
        self.talk.clock.advance(0)
        self.assertEqual(self.successResultOf(asked), (0, b"x"))
        self.assertTrue(self.talk.connection.usable)

    def test_the_end_of_the_connection_is_that_of_all_that_wait(self) -> None:
        asked = self.talk.get()
        self.talk.connection.connectionLost()
        self.failureResultOf(asked)
        self.assertFalse(self.talk.connection.usable)
        self.assertEqual(self.talk.clock.getDelayedCalls(), [])
