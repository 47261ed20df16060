from __future__ import annotations

import psycopg2
from psycopg2 import errors
from twisted.internet.defer import CancelledError
from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from txpostgres import txpostgres
from txpostgres.reconnection import ConnectionDead
from txpostgres.txpostgres import _PollingMixin

from qisd.store.link import _Connection, is_fatal, one_line


def server_error(code: str) -> psycopg2.Error:
    """An error as the server would send it."""

    class Told(errors.lookup(code)):  # type: ignore[misc]
        pgcode = code

    return Told("said the server")


class ReadingTests(SynchronousTestCase):
    def test_a_connection_whose_socket_has_gone_already_is_lost(self) -> None:
        lost: list[BaseException] = []

        class Detector:
            def checkForDeadConnection(self, failure: Failure) -> None:
                lost.append(failure.value)

        def read(_: object) -> None:
            raise ValueError("file descriptor cannot be a negative integer (-1)")

        self.patch(txpostgres.Connection, "doRead", read)
        self.patch(_PollingMixin, "connectionLost", lambda self, reason: None)
        _Connection(None, detector=Detector()).doRead()
        self.assertTrue(is_fatal(lost[0]))


class IsFatalTests(SynchronousTestCase):
    """Which errors end a connection."""

    def test_a_lost_connection_and_a_server_that_goes_away_are_fatal(self) -> None:
        for error in (
            psycopg2.OperationalError("server closed the connection unexpectedly"),
            psycopg2.DatabaseError("SSL SYSCALL error: EOF detected"),
            psycopg2.InterfaceError("connection already closed"),
            ConnectionDead(),
            ConnectionLost(),
            *map(server_error, ("57P01", "57P02", "57P03", "08006", "25006")),
        ):
            with self.subTest(error=repr(error)):
                self.assertTrue(is_fatal(error))

    def test_the_fault_of_a_statement_is_not(self) -> None:
        for error in (
            psycopg2.ProgrammingError("can't adapt type 'object'"),
            psycopg2.IntegrityError("x"),
            *map(server_error, ("23505", "40001", "40P01", "57014", "55P03", "53100", "42P01")),
            CancelledError(),
            ConnectionDone(),
            KeyError("x"),
            None,
        ):
            with self.subTest(error=repr(error)):
                self.assertFalse(is_fatal(error))


class OneLineTests(SynchronousTestCase):
    """Errors in the log."""

    def test_line_breaks_become_blanks_and_nothing_becomes_the_name(self) -> None:
        self.assertEqual(one_line(psycopg2.OperationalError("a\n\tb\n")), "a b")
        self.assertEqual(one_line(ConnectionDead()), "ConnectionDead")
