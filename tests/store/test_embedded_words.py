"""What is told of PostgreSQL's log when it does not start: :func:`qisd.store.embedded.why_stopped`."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from qisd.store.embedded import why_stopped

EARLIER = '12:00 [3] FATAL:  could not open file "x": Permission denied'
STARTING = "12:30 [9] FATAL:  the database system is starting up"
FULL = '12:30 [7] FATAL:  could not write to file "pg_wal/xlogtemp.7": No space left on device'
END = [
    "12:30 [5] LOG:  startup process (PID 7) exited with exit code 1",
    "12:30 [5] LOG:  terminating any other active server processes",
    "12:30 [5] LOG:  shutting down due to startup process failure",
    "12:30 [5] LOG:  database system is shut down",
]


class WhyStoppedTests(SynchronousTestCase):
    def test_it_is_the_fault_and_not_what_follows_from_it(self) -> None:
        self.assertEqual(why_stopped([EARLIER, FULL, STARTING, *END]), FULL)

    def test_what_was_said_at_an_earlier_start_is_left_out(self) -> None:
        self.assertEqual(why_stopped([EARLIER, *["12:29 LOG:  well"] * 12, *END]), " ".join(END[-3:]))

    def test_without_a_fault_it_is_the_end(self) -> None:
        self.assertEqual(why_stopped(["a", "b", "c", "d"]), "b c d")
