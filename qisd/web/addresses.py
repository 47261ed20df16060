"""Which of many things is at an address."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Generic, TypeVar

from klein import Klein
from werkzeug.exceptions import NotFound
from werkzeug.routing import BaseConverter, IntegerConverter, Map, Rule

T = TypeVar("T")


class Number(IntegerConverter):
    """A part of an address that is an id, in ASCII digits: with others, one thing would have many addresses."""

    regex = "[0-9]+"


class _Rest(BaseConverter):
    """All that is left of an address."""

    regex = ".*"
    part_isolating = False


class _Rule(Rule):
    """A rule by which addresses are found but never built: the code for that is most of the work of adding one."""

    def _compile_builder(self, append_unknown: bool = True) -> Any:
        return self._unbuilt

    def _unbuilt(self, *_: object) -> tuple[str, str]:
        raise NotImplementedError


class Addresses(Generic[T]):
    """Things by their addresses, with and without a slash at their end.

    :param converters: kinds of parts besides those of werkzeug; ``int`` takes ASCII digits only.
    """

    def __init__(self, converters: Mapping[str, type[BaseConverter]] | None = None) -> None:
        self._map = Map(strict_slashes=False, merge_slashes=False, converters={"int": Number, **(converters or {})})
        self._things: list[T] = []

    def add(self, path: str, methods: Sequence[str], thing: T) -> None:
        """Put ``thing`` where ``path`` says, which is a pattern of werkzeug's."""
        self._map.add(_Rule(path, methods=methods, endpoint=len(self._things)))
        self._things.append(thing)

    def find(self, method: bytes, place: str) -> tuple[T, Mapping[str, Any]]:
        """What is at ``place``, and the parts of that.

        :param place: decoded, with a slash before it.
        :raises HTTPException: nothing is, or nothing that takes this method.
        """
        if place.startswith("//"):
            raise NotFound  # else the map would overlook one of them
        number, parts = self._map.bind("localhost").match(place, method=method.decode("ascii", "replace"))
        return self._things[number], parts


def router() -> Klein:
    """A Klein that takes addresses as they are; ``<rest:place>`` in a rule is all that is left of one."""
    app = Klein()
    # Otherwise /a//b would be redirected to /a/b, at whatever host the client has named.
    app.url_map.merge_slashes = False
    app.url_map.converters["rest"] = _Rest
    return app
