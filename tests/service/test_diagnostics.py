"""What SIGUSR2 writes."""

import threading

from twisted.trial.unittest import SynchronousTestCase

from qisd.service.diagnostics import overview, thread_stacks


class Overview(SynchronousTestCase):
    def test_every_thread_is_there_with_where_it_is(self) -> None:
        hold, running = threading.Event(), threading.Event()

        def held_up() -> None:
            running.set()
            hold.wait()

        thread = threading.Thread(target=held_up, name="held-up")
        thread.start()
        running.wait()
        try:
            lines = thread_stacks()
        finally:
            hold.set()
            thread.join()
        begin = lines.index("thread held-up")
        self.assertTrue(any(line.endswith(" held_up") for line in lines[begin:]))
        self.assertIn("thread MainThread", lines)

    def test_requests_and_renders_are_counted_and_listed(self) -> None:
        lines = overview(requests=["GET /a"], renders=["rendering a", "waiting b"], connections=7)
        self.assertEqual(
            lines[:6],
            ["connections: 7", "requests: 1", "  GET /a", "renders: 2", "  rendering a", "  waiting b"],
        )
