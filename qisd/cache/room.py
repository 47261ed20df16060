"""How full the cache is that several processes share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import attrs
from pymemcache.client.base import Client
from pymemcache.exceptions import MemcacheError

_PERCENT = 100.0


@attrs.frozen(kw_only=True)
class Room:
    """What is used of a cache.

    :param percent: how full it is.
    :param evictions: how many were pushed out so far by what came later.
    """

    percent: float
    evictions: int = 0


@attrs.frozen(kw_only=True)
class NodeUse:
    """What a Memcached server tells of itself; sizes are in bytes."""

    items: int
    used: int
    limit: int
    evictions: int
    hits: int
    misses: int


_NAMES = {
    "items": "curr_items",
    "used": "bytes",
    "limit": "limit_maxbytes",
    "evictions": "evictions",
    "hits": "get_hits",
    "misses": "get_misses",
}


def node_use(server: str, *, timeout: float) -> NodeUse | None:
    """Ask the Memcached server at ``host:port``, or at the path of a socket. None: it does not answer. Blocks."""
    client = _client(server, timeout)
    try:
        told = {name.decode(): value for name, value in client.stats().items()}
        return NodeUse(**{name: int(told.get(theirs, 0)) for name, theirs in _NAMES.items()})
    except (OSError, ValueError, MemcacheError):
        return None
    finally:
        client.close()


def node_version(server: str, *, timeout: float) -> str:
    """Its version. Blocks.

    :raises OSError: it does not answer. :raises MemcacheError: another program answers.
    """
    client = _client(server, timeout)
    try:
        return str(client.version().decode("ascii", "replace"))
    finally:
        client.close()


def _client(server: str, timeout: float) -> Client:
    address: str | tuple[str, int] = server
    if not server.startswith("/"):
        host, _, port = server.rpartition(":")
        address = (host.strip("[]"), int(port))
    return Client(address, connect_timeout=timeout, timeout=timeout)


def memcached_room(servers: Sequence[str], *, timeout: float) -> Room | None:
    """Of those that answer, together; None: none does. Blocks."""
    return together(node_use(server, timeout=timeout) for server in servers)


def together(uses: Iterable[NodeUse | None]) -> Room | None:
    """Several servers as one. The fullest counts: a key can't go to another one."""
    known = [use for use in uses if use is not None]
    if not known:
        return None
    return Room(
        percent=max(_PERCENT * use.used / use.limit if use.limit else _PERCENT for use in known),
        evictions=sum(use.evictions for use in known),
    )
