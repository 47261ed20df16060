"""Binding addresses."""

import socket
from unittest import mock

from twisted.trial.unittest import SynchronousTestCase

from qisd.errors import StartupError
from qisd.service.listeners import Listener, bind_all
from qisd.settings import ListenAddress


class Binding(SynchronousTestCase):
    def bound(self, *addresses: ListenAddress) -> list[Listener]:
        listeners = bind_all(addresses, setting="HTTP_LISTEN")
        for listener in listeners:
            self.addCleanup(listener.bound.close)
        return listeners

    def test_any_free_port_may_be_asked_for(self) -> None:
        (listener,) = self.bound(ListenAddress("127.0.0.1", 0))
        self.assertGreater(listener.bound_port, 0)
        self.assertEqual(str(listener), f"127.0.0.1:{listener.bound_port}")

    def test_connections_are_queued_as_soon_as_it_is_bound(self) -> None:
        (listener,) = self.bound(ListenAddress("127.0.0.1", 0))
        with socket.create_connection(("127.0.0.1", listener.bound_port), 5):
            pass

    def test_a_busy_port_is_named(self) -> None:
        (busy,) = self.bound(ListenAddress("127.0.0.1", 0))
        address = ListenAddress("127.0.0.1", busy.bound_port)
        with self.assertRaises(StartupError) as caught:
            bind_all([address], setting="HTTP_LISTEN")
        self.assertEqual(str(caught.exception), f"HTTP_LISTEN: can't listen on {address}: the port is in use already")
        self.assertEqual(caught.exception.exit_code, 2)

    def test_when_one_fails_none_stays_bound(self) -> None:
        (busy,) = self.bound(ListenAddress("127.0.0.1", 0))
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            free = ListenAddress("127.0.0.1", probe.getsockname()[1])
        with self.assertRaises(StartupError):
            bind_all([free, ListenAddress("127.0.0.1", busy.bound_port)], setting="HTTP_LISTEN")
        self.bound(free)

    def test_an_address_of_another_machine_is_named(self) -> None:
        with self.assertRaisesRegex(StartupError, r"192\.0\.2\.1:0: this machine has no such address"):
            bind_all([ListenAddress("192.0.2.1", 0)], setting="HTTP_LISTEN")

    def test_a_name_that_is_not_known_is_named(self) -> None:
        with self.assertRaisesRegex(StartupError, r"no-such-host\.invalid:0: "):
            bind_all([ListenAddress("no-such-host.invalid", 0)], setting="HTTP_LISTEN")

    def test_all_ipv6_addresses_include_those_of_ipv4(self) -> None:
        (listener,) = self.bound(ListenAddress("::", 0))
        with socket.create_connection(("127.0.0.1", listener.bound_port), 5):
            pass

    def test_without_ipv6_all_addresses_are_those_of_ipv4(self) -> None:
        make = socket.socket

        def without_ipv6(family: int, *rest: int) -> socket.socket:
            if family == socket.AF_INET6:
                raise OSError(97, "Address family not supported by protocol")
            return make(family, *rest)

        with mock.patch("qisd.service.listeners.socket.socket", without_ipv6):
            (listener,) = self.bound(ListenAddress("::", 0))
        self.assertEqual(listener.bound.family, socket.AF_INET)
