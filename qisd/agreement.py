"""What has to be the same on all servers of a site, and where it isn't.

Servers tell each other digests, not values: who can read the database learns no setting by them. The digest of the key
is made with the key itself, and no other setting that is compared is a secret.
"""

from __future__ import annotations

import hashlib
import hmac
from collections import Counter
from collections.abc import Mapping, Sequence

import attrs

from qisd.settings import Settings
from qisd.store.server_status import ServerStatus

SECRET_KEY = "SECRET_KEY"  # noqa: S105 - its name

COMPARED = (
    "PUBLIC_HOST_NAME",
    "APPLICATION_ROOT",
    "MEMCACHED_SERVERS",
    "MEMCACHED_PREFIX",
    "IMAGES_BASE_DIR",
    "S3_BUCKET",
    "S3_PREFIX",
    "S3_ENDPOINT",
    "STORE_CHECK_FILE",
    "IMAGE_BACKEND",
    "IMAGE_FORMATS",
    "IMAGE_RESIZE_QUALITY",
    "IMAGE_RESIZE_GAMMA_CORRECT",
    "IMAGE_AUTO_ORIENT",
    "MAX_IMAGE_DIMENSION",
    "MAX_GRID_TILES",
    "PUBLIC_MAX_IMAGE_WIDTH",
    "PUBLIC_MAX_IMAGE_HEIGHT",
    "AUTO_PYRAMID_THRESHOLD",
    "MAX_SOURCE_PIXELS",
    "MAX_SOURCE_BYTES",
    "IMAGE_UPLOAD_DIRS",
    "ALLOW_UNICODE_FILENAMES",
    "SESSION_COOKIE_NAME",
)
"""Settings by their names, besides the key: what addresses, caches, files and pictures depend on."""

CLOCKS_APART = 5.0
"""Seconds by which a clock may differ from the database's before it is told of: tokens and sessions go by clocks."""

_DIGITS = 16


@attrs.frozen
class Difference:
    """A setting that servers don't agree about.

    :param camps: names of the servers that agree with one another, the largest first.
    """

    setting: str
    camps: tuple[tuple[str, ...], ...]

    def __str__(self) -> str:
        return f"{self.setting}: {' / '.join(', '.join(camp) for camp in self.camps)}"


def digests(settings: Settings, *, key: bytes) -> dict[str, str]:
    """What this server tells of itself.

    :param key: the one with which it signs.
    """
    found = {name: _digest(f"{name}\n{_plain(settings, name)}") for name in COMPARED}
    return {SECRET_KEY: hmac.new(key, b"the key of a site", "sha256").hexdigest()[:_DIGITS], **found}


def differences(servers: Sequence[ServerStatus]) -> list[Difference]:
    """Where they differ. What a server of another version doesn't know is not compared with it."""
    names = dict.fromkeys(name for server in servers for name in server.digests)
    found = ((name, _camps(name, servers)) for name in names)
    return [Difference(name, camps) for name, camps in found if len(camps) > 1]


def wrong_clocks(servers: Sequence[ServerStatus]) -> list[ServerStatus]:
    """Those whose clocks are too far from the database's."""
    return [server for server in servers if abs(server.clock_ahead) > CLOCKS_APART]


def faults_of(servers: Sequence[ServerStatus]) -> list[str]:
    """Both of them, as lines for people."""
    titles = titles_of(servers)
    return [
        *map(str, differences(servers)),
        *(f"the clock of {titles[one.server_id]} is {one.clock_ahead:+.0f} s off" for one in wrong_clocks(servers)),
    ]


def titles_of(servers: Sequence[ServerStatus]) -> dict[str, str]:
    """What each is called, by its id: its name, with some of the id where another has the same."""
    often = Counter(server.name for server in servers)
    return {
        server.server_id: server.name if often[server.name] == 1 else f"{server.name} ({server.server_id[:6]})"
        for server in servers
    }


def _camps(name: str, servers: Sequence[ServerStatus]) -> tuple[tuple[str, ...], ...]:
    titles = titles_of(servers)
    camps: dict[str, list[str]] = {}
    for server in servers:
        if name in server.digests:
            camps.setdefault(server.digests[name], []).append(titles[server.server_id])
    return tuple(sorted(map(tuple, camps.values()), key=lambda camp: (-len(camp), camp)))


def _plain(settings: Settings, name: str) -> str:
    value = getattr(settings, name.lower())
    # The order of the servers is of no account: keys are spread over the set of them.
    return repr(sorted(value) if name == "MEMCACHED_SERVERS" else _stable(value))


def _stable(value: object) -> object:
    """The same text for equal mappings, however they are ordered."""
    return sorted(value.items()) if isinstance(value, Mapping) else value


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]
