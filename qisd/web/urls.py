"""Absolute addresses of this server, for answers."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import quote, urlencode

import attrs


def encoded(parameters: Iterable[tuple[str, str]]) -> str:
    """Parameters as they stand in the query of an address."""
    return urlencode([*parameters], safe="/\\", errors="surrogateescape")


@attrs.frozen(kw_only=True)
class Urls:
    """Makes addresses.

    :param origin: scheme and host, such as ``https://images.example.com``.
    :param root: ``APPLICATION_ROOT`` with a slash at both ends.
    """

    origin: str
    root: str = "/"

    def image(self, src: str, parameters: Iterable[tuple[str, str]] = (), *, more: str = "") -> str:
        """Of an image, rendered with ``parameters``.

        :param more: what follows these, as :func:`encoded` has made it.
        """
        query = encoded([("src", src), *parameters])
        return f"{self.origin}{self.root}image?{query}{'&' if more else ''}{more}"

    def at(self, path: str) -> str:
        """Of ``path``, a text below the root without leading slash that is to be encoded."""
        return f"{self.origin}{self.root}{quote(path)}"
