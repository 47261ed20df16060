"""Which server a key belongs to."""

from __future__ import annotations

from twisted.internet.testing import MemoryReactorClock
from twisted.trial.unittest import SynchronousTestCase

from qisd.cache.memcached.cluster import Cluster, ClusterSettings

KEYS = [f"image-{number}" for number in range(10_000)]


def places(*servers: str) -> list[str]:
    """The address of the server of each key."""
    settings = ClusterSettings(servers=servers, timeout=0.3, pause=5, prefix="qis:")
    cluster = Cluster(settings, reactor=MemoryReactorClock())
    addresses = {id(node): address for address, node in cluster._nodes.items()}
    return [addresses[id(cluster._node(key))] for key in KEYS]


class PlaceTests(SynchronousTestCase):
    def test_a_server_that_goes_takes_its_share_along_and_no_other_key_moves(self) -> None:
        four, three = places("a:1", "b:1", "c:1", "d:1"), places("a:1", "b:1", "d:1")
        moved = [(before, after) for before, after in zip(four, three, strict=True) if before != after]
        self.assertEqual({before for before, _ in moved}, {"c:1"})
        self.assertEqual({after for _, after in moved}, {"a:1", "b:1", "d:1"})
        self.assertTrue(0.23 < len(moved) / len(KEYS) < 0.27, len(moved))

    def test_the_order_in_the_settings_does_not_matter(self) -> None:
        self.assertEqual(places("a:1", "b:1", "c:1"), places("c:1", "a:1", "b:1"))
