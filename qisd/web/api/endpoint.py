"""What an endpoint is, and what its handler gets.

A module of the API has a class whose methods are endpoints::

    class TemplateEndpoints:
        def __init__(self, templates: Templates) -> None: ...

        @endpoint("PUT", "/admin/templates/<int:id>/", summary="Change a template", tag="Templates",
                  login=True, flag=Flag.ADMIN_ALL, form=TemplateForm, answer=TemplateObject)
        async def change(self, call: Call) -> TemplateObject:
            form = call.read(TemplateForm)
            template = await self._templates.update(call.visitor, call.id("id"), …, expected_version=call.version)
            return _object(template)

The declaration says what holds before the handler runs (HTTPS and port, log-in, one system permission, CSRF), and is
what the OpenAPI document is made from. The handler reads the request when it is its turn: the order of errors is its
order of calls. It returns the answer's value: a model, a list of them, None, :class:`Accepted`, :class:`Several`,
:class:`Page`, :class:`Partly` or :class:`Versioned`. Everything else is the dispatcher's: the envelope, paging, ETag
and conditions, PATCH.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, TypeVar

import attrs

from qisd.access.levels import Flag
from qisd.access.visitor import Visitor
from qisd.errors import NotFound
from qisd.web.api.reading import Form, read_json, read_texts
from qisd.web.errors import ErrorAnswer
from qisd.web.headers import Header

F = TypeVar("F", bound=Form)
Handler = Callable[[Any, "Call"], Awaitable[Any]]
H = TypeVar("H", bound=Handler)

WORD = "[a-z_]+"
"""What ``<word:name>`` stands for in an address."""

_MARK = "_qisd_endpoints"
_LARGEST_ID = 2**63 - 1


@attrs.frozen(kw_only=True)
class Endpoint:
    """The declaration of one method at one address.

    :param path: below ``/api/v1``, with a slash at its end; parts in angle brackets as in klein, and ``<word:name>``.
    :param login: anonymous callers get 401.
    :param flag: a system permission that the caller must have; without it 403, before anything is read.
    :param form: the model of the parameters: of the query for GET, else of the body.
    :param answer: the type of ``data``; None for null.
    :param accepted: True: it may answer 202 with a task; a type: it always answers 202, with that.
    :param listing: ``data`` is a list: ``start`` and ``limit`` are taken.
    :param internal: the rules about HTTPS and the port of the console hold.
    :param csrf: a call by session cookie must carry the session's CSRF token.
    :param patch: PUT only: PATCH is offered too, with the values of the GET at the same address for what is not given.
    :param base: turns the answer of that GET into the values of ``form``, where names differ.
    :param lines: the handler returns an asynchronous iterator of lists of JSON values; they come as JSON lines
        (``application/jsonl``), one value a line, without an envelope and while they are made. GET only.
    :param files: it takes files, in a multipart body.
    :param raw: the body is one file as it is; the description says what for.
    :param pieces: the body may be a piece of a file that comes in several.
    :param plain: the statuses of its answers, each with what it means: the handler returns an
        :class:`~qisd.web.api.answer.Answer` of its own, without an envelope. Empty for all others.
    :param headers: what goes with all its answers, also with errors.
    :param takes: headers that it reads besides, by their names in :data:`~qisd.web.api.openapi_parts.PARAMETERS`.
    :param gives: headers that it has when all went well; :data:`~qisd.web.api.openapi_parts.HEADERS` tells of them.
    :param choices: all values of the one part of its address, each with what it does. The document has an address for
        each, since it can't have two that differ by the name of a part only.
    :param several: it answers 207.
    :param secret: the answer holds what is shown once and nowhere kept.
    :param first_steps: it can be called by those whose password must be changed before anything else.
    :param state: the path of the GET that shows what is changed, and whose ETag ``If-Match`` names, if that is another
        one.
    :param reason_alone: what is wrong with a parameter is told without words around it, as old clients know it.
    :param errors: statuses that it may answer, besides those that follow from the declaration. 400 is for what is never
        done although the parameters are as ``form`` wants them.
    :param example: parameters as they may be given in JSON, by name.
    """

    method: str
    path: str
    summary: str
    tag: str
    name: str
    handler: Handler
    login: bool = False
    flag: Flag | None = None
    form: type[Form] | None = None
    answer: Any = None
    accepted: Any = False
    listing: bool = False
    internal: bool = True
    csrf: bool = True
    patch: bool = True
    base: Callable[[Any], Mapping[str, Any]] | None = None
    files: bool = False
    raw: bool = False
    pieces: bool = False
    plain: Mapping[int, str] = MappingProxyType({})
    headers: Sequence[Header] = ()
    takes: Sequence[str] = ()
    gives: Sequence[str] = ()
    choices: Mapping[str, str] = MappingProxyType({})
    lines: bool = False
    several: bool = False
    secret: bool = False
    first_steps: bool = False
    state: str = ""
    reason_alone: bool = False
    errors: tuple[int, ...] = ()
    description: str = ""
    example: Mapping[str, Any] | None = None


def endpoint(method: str, path: str, **declared: Any) -> Callable[[H], H]:
    """Declare the method below to be an endpoint. For the keywords see :class:`Endpoint`."""

    def mark(handler: H) -> H:
        made = Endpoint(method=method, path=path, name=handler.__name__, handler=handler, **declared)
        setattr(handler, _MARK, [*getattr(handler, _MARK, []), made])
        return handler

    return mark


def endpoints_of(owner: object) -> list[tuple[Endpoint, Callable[[Call], Awaitable[Any]]]]:
    """The endpoints of an object in the order of their declaration, each with its handler bound to the object."""
    return [(declared, getattr(owner, name)) for declared, name in declared_by(type(owner))]


def declared_by(owner: type) -> list[tuple[Endpoint, str]]:
    """The endpoints that a class declares, each with the name of its method."""
    return [(declared, name) for name, member in owner.__dict__.items() for declared in getattr(member, _MARK, [])]


@attrs.frozen(kw_only=True)
class Accepted:
    """202: a background task goes on; ``data`` is what can be said now."""

    data: Any


@attrs.frozen(kw_only=True)
class Several:
    """207: ``data`` tells of several things that were asked for at once, each with a status of its own."""

    data: Any


@attrs.frozen(kw_only=True)
class Page:
    """A part of a list that the handler has cut itself; ``total`` is the length of the whole."""

    items: Sequence[Any]
    total: int


@attrs.frozen(kw_only=True)
class Partly:
    """An answer about several things, of which some failed: status and message are those of ``error``, if any."""

    data: Any
    error: ErrorAnswer | None


@attrs.frozen(kw_only=True)
class WithHeaders:
    """An answer with headers of its own."""

    data: Any
    headers: Sequence[Header]


@attrs.frozen(kw_only=True)
class Versioned:
    """An answer with the version that optimistic locking goes by; see :attr:`Call.version`."""

    data: Any
    version: int


@attrs.frozen(kw_only=True)
class Parameters:
    """The parameters of a request, of whatever form they came in.

    :param texts: of a query string or form, in their order; the first of a name counts.
    :param document: of a JSON body; None for others.
    """

    texts: Sequence[tuple[str, str]] = ()
    document: Mapping[str, Any] | None = None

    def text(self, name: str) -> str | None:
        """The first value of ``name``, if it is a text."""
        if self.document is not None:
            value = self.document.get(name)
            return value if isinstance(value, str) else None
        return next((value for key, value in self.texts if key == name), None)

    def read(self, model: type[F], *, base: Mapping[str, Any] | None = None) -> F:
        """As a ``model``.

        :raises BadParameter: see :mod:`qisd.web.api.reading`.
        """
        if self.document is not None:
            return read_json(model, self.document, base=base)
        first: dict[str, str] = {}
        for name, value in self.texts:
            first.setdefault(name, value)
        return read_texts(model, first, base=base)


@attrs.frozen(kw_only=True)
class Call:
    """One call of an endpoint.

    :param visitor: who calls.
    :param parts: the parts of the address.
    :param parameters: of the query for GET and HEAD, else of the body.
    :param version: the version that the caller has seen, of ``If-Match``; None if the caller does not mind.
    :param base: the values that PATCH leaves as they are; None for other methods.
    :param start: first entry of a list; ``limit`` is how many at most, None for all.
    :param files: uploaded files, in their order.
    :param urls: makes absolute addresses of this server (:class:`qisd.web.urls.Urls`).
    :param request: for what no model can say.
    """

    visitor: Visitor
    parts: Mapping[str, Any] = attrs.field(factory=dict)
    parameters: Parameters = attrs.field(factory=Parameters)
    version: int | None = None
    base: Mapping[str, Any] | None = None
    start: int = 0
    limit: int | None = None
    files: Sequence[Any] = ()
    urls: Any = None
    request: Any = None

    def id(self, name: str = "id") -> int:
        """An id in the address.

        :raises NotFound: no id is 0, or so large.
        """
        value = int(self.parts[name])
        if not 0 < value <= _LARGEST_ID:
            raise NotFound(str(value)[:40])
        return value

    def read(self, model: type[F]) -> F:
        """The parameters as a ``model``.

        :raises BadParameter: names the parameter.
        """
        return self.parameters.read(model, base=self.base)
