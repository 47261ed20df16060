"""Several Memcached servers as one: each key has its place, whichever server of ours asks."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import attrs
from pymemcache.client.base import check_key_helper
from pymemcache.client.rendezvous import RendezvousHash
from twisted.internet.defer import Deferred

from qisd.cache.memcached.node import Node
from qisd.cache.memcached.protocol import Connection


@attrs.frozen(kw_only=True)
class ClusterSettings:
    """Where the servers are.

    :param servers: ``host:port`` or paths of sockets; their order does not matter.
    :param timeout: seconds within which one must answer.
    :param pause: seconds for which one that does not is left out at first.
    :param prefix: of all keys.
    """

    servers: Sequence[str]
    timeout: float
    pause: float
    prefix: str


class Cluster:
    """Gets and sets values. What can't be had is None, and what can't be kept is not: there are no errors.

    :ivar epoch: part of all keys: with another one, nothing is found of what was there before.
    """

    def __init__(self, settings: ClusterSettings, *, reactor: Any) -> None:
        self.settings = settings
        self.epoch = 0
        self._nodes = {
            address: Node(address, timeout=settings.timeout, pause=settings.pause, reactor=reactor)
            for address in settings.servers
        }
        self._ring = RendezvousHash(nodes=sorted(self._nodes), hash_function=_score)
        self._only = next(iter(self._nodes.values())) if len(self._nodes) == 1 else None

    @property
    def available(self) -> bool:
        """Whether one of the servers can be asked."""
        return any(node.available for node in self._nodes.values())

    def states(self) -> dict[str, bool]:
        """Whether each of the servers can be asked, by address."""
        return {address: node.available for address, node in self._nodes.items()}

    async def get(self, key: str) -> tuple[int, bytes] | None:
        """Flags and value of ``key``."""
        name = self._name(key)
        found = await self._node(key).ask(lambda connection: connection.fetch(name))
        # A server that answers a number instead makes the protocol give that.
        return (found[0], found[1]) if isinstance(found, tuple) and found[1] is not None else None

    async def set(self, key: str, value: bytes, *, flags: int = 0, seconds: int = 0) -> bool:
        """Keep ``value``, for ``seconds``, or for as long as there is room."""
        name = self._name(key)

        def keep(connection: Connection) -> Deferred[bool]:
            return connection.keep(name, value, flags=flags, seconds=seconds)

        return await self._node(key).ask(keep) or False

    async def add(self, key: str, value: bytes, *, seconds: int) -> bool | None:
        """Keep ``value`` if there is none; None: nobody knows."""
        name = self._name(key)
        return await self._node(key).ask(lambda connection: connection.keep_new(name, value, seconds=seconds))

    async def delete(self, key: str) -> None:
        name = self._name(key)
        await self._node(key).ask(lambda connection: connection.remove(name))

    async def statistics(self) -> dict[str, dict[str, str] | None]:
        """What each server says of itself; None of those that don't answer."""
        told: dict[str, dict[str, str] | None] = {}
        for address, node in self._nodes.items():
            found = await node.ask(lambda connection: connection.tell())
            told[address] = None if found is None else {k.decode(): v.decode() for k, v in found.items()}
        return told

    def stop(self) -> None:
        for node in self._nodes.values():
            node.stop()

    def _node(self, key: str) -> Node:
        return self._only or self._nodes[self._ring.get_node(key)]

    def _name(self, key: str) -> bytes:
        name: bytes = check_key_helper(f"{self.settings.prefix}{self.epoch}:{key}", allow_unicode_keys=False)
        return name


def _score(text: str, seed: int) -> int:
    """Quicker than the murmur hash of pymemcache, which is written in Python, and as good."""
    return int.from_bytes(hashlib.blake2b(text.encode("ascii"), digest_size=4).digest())
