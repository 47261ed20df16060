"""Several Memcached servers as one: each key has its place, whichever server of ours asks."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from typing import Any

import attrs
from pymemcache.client.base import check_key_helper
from pymemcache.client.rendezvous import RendezvousHash

from qisd.cache.memcached.node import Node


@attrs.frozen(kw_only=True)
class ClusterSettings:
    """Where the servers are.

    :param servers: ``host:port`` or paths of sockets; their order does not matter. Empty: there is no cluster.
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
    :ivar operations: what was asked of the servers: address, ``get`` or ``set``, and ``hit``, ``miss``, ``done`` or
        ``failed``.
    """

    def __init__(self, settings: ClusterSettings, *, reactor: Any) -> None:
        self.epoch = 0
        self.operations: Counter[tuple[str, str, str]] = Counter()
        self._reactor = reactor
        self._nodes: dict[str, Node] = {}
        self._set_up(settings)

    def configure(self, settings: ClusterSettings) -> None:
        """Go by other settings. What is being asked comes to nothing."""
        if settings != self._settings:
            self.stop()
            self._set_up(settings)

    def _set_up(self, settings: ClusterSettings) -> None:
        self._settings = settings
        self._nodes = {
            address: Node(address, timeout=settings.timeout, pause=settings.pause, reactor=self._reactor)
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

    async def get(self, key: str, *, bulk: bool = False) -> bytes | None:
        """The value of ``key``.

        :param bulk: whether it is a piece of something large, which there is more time for.
        """
        node = self._node(key)
        if node is None:
            return None
        name = self._name(key)
        found = await node.ask(lambda connection, within: connection.fetch(name, within=within), bulk=bulk)
        value = None if found is None else found[1]
        result = "failed" if found is None else "miss" if value is None else "hit"
        self.operations[node.address, "get", result] += 1
        return value

    async def set(self, key: str, value: bytes, *, seconds: int = 0, bulk: bool = False) -> bool:
        """Keep ``value``, for ``seconds``, or for as long as there is room; whether it is kept."""
        node = self._node(key)
        if node is None:
            return False
        name = self._name(key)
        kept = await node.ask(
            lambda connection, within: connection.keep(name, value, seconds=seconds, within=within),
            bulk=bulk,
            size=len(value),
        )
        self.operations[node.address, "set", "done" if kept else "failed"] += 1
        return kept or False

    async def add(self, key: str, value: bytes, *, seconds: int) -> bool | None:
        """Keep ``value`` if there is none; None: nobody knows."""
        node = self._node(key)
        if node is None:
            return None
        name = self._name(key)
        return await node.ask(
            lambda connection, within: connection.keep_new(name, value, seconds=seconds, within=within)
        )

    async def delete(self, key: str) -> None:
        node = self._node(key)
        if node is not None:
            name = self._name(key)
            await node.ask(lambda connection, within: connection.remove(name, within=within))

    def stop(self) -> None:
        for node in self._nodes.values():
            node.stop()

    def _node(self, key: str) -> Node | None:
        return self._only or self._nodes.get(self._ring.get_node(key))

    def _name(self, key: str) -> bytes:
        name: bytes = check_key_helper(f"{self._settings.prefix}{self.epoch}:{key}", allow_unicode_keys=False)
        return name


def _score(text: str, seed: int) -> int:
    """Quicker than the murmur hash of pymemcache, which is written in Python, and as good."""
    return int.from_bytes(hashlib.blake2b(text.encode("ascii"), digest_size=4).digest())
