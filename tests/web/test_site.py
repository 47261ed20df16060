from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from qisd.images import ImageBytes
from tests.web.support import Door, FakeSettings, request


class LimitTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.door = Door()
        self.door.site.connections_max = 4
        self.door.site.connections_per_address = 2

    def test_one_address_can_not_take_all_connections(self) -> None:
        self.door.wire(), self.door.wire()
        with capturedLogs() as events:
            self.assertTrue(self.door.wire().refused)
            self.assertTrue(self.door.wire().refused)
        self.assertEqual(len(events), 1)
        self.assertFalse(self.door.wire(host="198.51.100.1").refused)

    def test_there_is_a_limit_on_all_together(self) -> None:
        for host in ("a", "b", "c", "d"):
            self.assertFalse(self.door.wire(host=host).refused)
        self.assertTrue(self.door.wire(host="e").refused)

    def test_a_connection_that_ends_makes_room(self) -> None:
        first, _ = self.door.wire(), self.door.wire()
        first.leave()
        self.assertEqual(self.door.site.connection_count, 1)
        self.assertFalse(self.door.wire().refused)

    def test_a_network_of_ipv6_is_one_client(self) -> None:
        for host in ("2001:db8::1", "2001:db8::ffff:1"):
            self.assertFalse(self.door.wire(host=host).refused)
        self.assertTrue(self.door.wire(host="2001:db8::2").refused)
        self.assertFalse(self.door.wire(host="2001:db8:0:1::2").refused)

    def test_an_ipv4_address_is_the_same_client_on_both_kinds_of_socket(self) -> None:
        for host in ("192.0.2.1", "::ffff:192.0.2.1"):
            self.assertFalse(self.door.wire(host=host).refused)
        self.assertTrue(self.door.wire(host="::ffff:192.0.2.1").refused)

    def test_the_usual_limits_leave_file_descriptors_for_other_things(self) -> None:
        site = Door().site
        self.assertGreater(site.connections_max, 100)
        self.assertLessEqual(site.connections_max, 10_000)
        self.assertLess(site.connections_per_address, site.connections_max)


class DrainTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.door = Door()

    def _drained(self) -> Deferred[None]:
        return Deferred.fromCoroutine(self.door.site.drained())

    def test_without_connections_it_is_done_at_once(self) -> None:
        self.door.site.drain()
        self.assertIsNone(self.successResultOf(self._drained()))

    def test_a_request_under_way_is_answered_and_told_that_this_is_the_end(self) -> None:
        slow: Deferred[ImageBytes] = Deferred()
        self.door.images.fetching = lambda: slow
        wire = self.door.wire()
        wire.send(request("/image?src=a"))
        self.door.site.drain()
        drained = self._drained()
        self.door.clock.advance(30)
        self.assertFalse(wire.closing)
        slow.callback(ImageBytes(data=b"x", content_type="image/png", from_cache=False))
        (answer,) = wire.answers()
        self.assertEqual((answer.status, answer.headers["Connection"]), (200, "close"))
        self.assertTrue(wire.closing)
        self.assertNoResult(drained)
        wire.leave()
        self.successResultOf(drained)

    def test_a_request_that_is_on_its_way_is_still_answered(self) -> None:
        fresh, kept = self.door.wire(), self.door.wire()
        kept.send(request("/health"))
        self.door.site.drain()
        self.door.clock.advance(0.9)
        for wire, count in ((fresh, 1), (kept, 2)):
            wire.send(request("/health"))
            answers = wire.answers()
            self.assertEqual(len(answers), count)
            self.assertEqual(answers[-1].headers["Connection"], "close")
            self.assertTrue(wire.closing)

    def test_idle_connections_end_shortly(self) -> None:
        wire = self.door.wire()
        self.door.site.drain()
        self.assertFalse(wire.closing)
        self.door.clock.advance(1)
        self.assertTrue(wire.closing)

    def test_what_does_not_end_can_be_cut(self) -> None:
        wires = [self.door.wire(), self.door.wire()]
        self.door.images.fetching = Deferred
        wires[0].send(request("/image?src=a"))
        drained = self._drained()
        self.door.site.drain()
        self.door.site.abort()
        self.successResultOf(drained)
        self.assertTrue(all(wire.transport.ended for wire in wires))
        self.assertEqual(self.door.clock.getDelayedCalls(), [])

    def test_waiting_for_the_end_can_be_given_up(self) -> None:
        wire = self.door.wire()
        waiting = self._drained()
        waiting.cancel()
        self.failureResultOf(waiting)
        wire.leave()


class SettingsTests(SynchronousTestCase):
    def test_other_settings_count_from_the_next_request_on(self) -> None:
        door = Door()
        wire = door.wire()
        wire.send(request("/health"))
        door.site.configure(FakeSettings(cors_allow_origin=(), keep_alive_timeout=1))
        wire.send(request("/health"))
        first, second = wire.answers()
        self.assertIn("Access-Control-Allow-Origin", first.headers)
        self.assertNotIn("Access-Control-Allow-Origin", second.headers)
        door.clock.advance(1)
        self.assertTrue(wire.closing)

    def test_the_path_prefix_may_change(self) -> None:
        door = Door()
        self.assertIn(b'src="/image?', door.ask("/").body)
        door.site.configure(FakeSettings(application_root="/qis"))
        self.assertIn(b'src="/qis/image?', door.ask("/qis/").body)
        self.assertEqual(door.ask("/").status, 404)

    def test_only_http_1_1_is_offered_below_tls(self) -> None:
        self.assertEqual(Door().site.acceptableProtocols(), [b"http/1.1"])
