"""What came in the body of a request, and what may come: the values that policies, readers and handlers share."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, Protocol

import attrs

from qisd.errors import BadParameter, QisError
from qisd.web.forms_encoded import parse_form

if TYPE_CHECKING:
    from qisd.web.request import QisRequest

FIELDS_BYTES_MAX = 4 * 1024 * 1024
"""All that a form or JSON text may hold in memory, names included."""

METHODS_WITH_BODY = frozenset({b"POST", b"PUT", b"PATCH"})
"""What comes with other methods is dropped."""

BodyKind = Literal["none", "form", "json", "multipart", "raw"]


class BodyGone(QisError):
    """The request is over, and its files with it; nobody waits for an answer any more."""

    status = 499
    code = "body_gone"

    def __init__(self) -> None:
        super().__init__("The request was given up.")


class StagedFile(Protocol):
    """A file that is being received, under a name that nobody looks at. Its methods block and are called in a thread.

    Calls never overlap. :class:`OSError` becomes 503, or 507 where the disk is full; :class:`~qisd.errors.QisError`
    goes to the client as it is.
    """

    def write(self, data: bytes) -> object: ...

    def finish(self) -> object:
        """All is written: bring it to the disk, close it."""

    def discard(self) -> object:
        """Close and remove it, whatever was done to it before; :meth:`finish` may have been called, or have failed."""


class FileSink(Protocol):
    """Where the files of one request go. ``open`` blocks and is called in a thread."""

    def open(self, filename: str, /) -> StagedFile:
        """Begin a file. ``filename`` is what the client says: anything, with folders; empty for raw bodies."""


@attrs.frozen(kw_only=True)
class BodyRules:
    """What may come in the body of one request.

    :param limit: most bytes of the whole body.
    :param fields_limit: most bytes of a form or a JSON text, and of all fields beside files.
    :param files: takes the files of a multipart body; without it they are read and dropped.
    :param raw: whether the body is one file as it is, of whatever type.
    :param keep: whether what has come is written even when the request breaks off; the file is discarded after that.
    """

    limit: int
    fields_limit: int = FIELDS_BYTES_MAX
    files: FileSink | None = None
    raw: bool = False
    keep: bool = False

    def __attrs_post_init__(self) -> None:
        if self.raw and self.files is None:
            raise ValueError("a raw body needs a place to go")


class BodyPolicy(Protocol):
    """Decides about bodies before they come."""

    async def admit(self, request: QisRequest, /) -> BodyRules | None:
        """What may come with ``request``, of which the head is there: method, path, headers.

        Asked for POST, PUT and PATCH with a body. None: this address takes no body; a small one is dropped, a large
        one refused. Whatever is raised becomes the answer, and the body is not waited for.
        """


@attrs.define(eq=False, kw_only=True)
class UploadedFile:
    """One file of a body, on disk.

    :param field: name of the form's field; empty for a raw body.
    :param filename: as the client sent it, with folders; never to be trusted.
    :param content_type: what the client says.
    :param size: bytes.
    """

    field: str
    filename: str
    content_type: str | None
    size: int = 0
    staged: StagedFile | None = attrs.field(default=None, repr=False)
    _take: Callable[[UploadedFile], StagedFile] | None = attrs.field(default=None, repr=False)

    def take(self) -> StagedFile:
        """The file itself. From now on it is the caller's, who puts it in its place or discards it.

        :raises BodyGone: the request is over.
        """
        if self._take is None:
            raise BodyGone
        return self._take(self)


@attrs.frozen(kw_only=True)
class Body:
    """What came in the body of a request.

    :param kind: ``none`` also where something came that is of no interest.
    :param pairs: fields of a form, urlencoded or multipart, in their order.
    :param json: the object, for JSON.
    :param files: files of a multipart or raw body in their order. Those that nobody takes are removed with the request.
    :param ignored: up to 64 kB that came with DELETE.
    """

    kind: BodyKind
    # Passwords come this way: not for tracebacks and logs.
    pairs: tuple[tuple[str, str], ...] = attrs.field(default=(), repr=False)
    json: dict[str, Any] | None = attrs.field(default=None, repr=False)
    files: tuple[UploadedFile, ...] = ()
    ignored: bytes = attrs.field(default=b"", repr=False)
    _discard: Callable[[], None] | None = attrs.field(default=None, repr=False)

    def discard(self) -> None:
        """Remove what nobody has taken. The request does it by itself when it is over."""
        if self._discard is not None:
            self._discard()

    def ignored_field(self, name: str) -> str | None:
        """A field of an urlencoded form that came with DELETE, which has no parameters otherwise."""
        try:
            return next((value for found, value in parse_form(self.ignored) if found == name), None)
        except BadParameter:
            return None


NO_BODY = Body(kind="none")
