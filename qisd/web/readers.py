"""What reads which body. A reader is fed as bytes come, and says in the end what they were."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import attrs
from python_multipart.multipart import parse_options_header

from qisd.pools.files import FilePool
from qisd.web.bad_body import BadBody
from qisd.web.bodies import NO_BODY, Body, BodyRules, UploadedFile
from qisd.web.forms_encoded import parse_form
from qisd.web.json_text import parse_object
from qisd.web.multipart import MultipartReader, boundary_of
from qisd.web.staging import Staging

# Reading more than that may take so long that others would have to wait: it is done in a thread.
_READ_AT_ONCE = 64 * 1024

_UTF8 = ("utf-8", "utf8", "us-ascii")


class Reader(Protocol):
    """Reads one body."""

    def feed(self, data: bytes) -> None:
        """The next piece, never empty.

        :raises QisError: nothing more is wanted.
        """

    async def finish(self) -> Body:
        """What came.

        :raises QisError: it is not what it should be.
        """

    def discard(self) -> None:
        """The request is over: remove what nobody has taken."""


@attrs.frozen(kw_only=True)
class Reading:
    """A reader, and how many bytes it may be fed."""

    reader: Reader
    limit: int


class Ignored:
    """For what is of no interest.

    :param keep: whether it should be there for :meth:`~qisd.web.bodies.Body.ignored_field`.
    """

    def __init__(self, *, keep: bool) -> None:
        self._keep = keep
        self._kept = bytearray()

    def feed(self, data: bytes) -> None:
        if self._keep:
            self._kept += data

    async def finish(self) -> Body:
        return Body(kind="none", ignored=bytes(self._kept)) if self._kept else NO_BODY

    def discard(self) -> None:
        """Nothing to remove."""


class _InMemory:
    def __init__(self, parse: Callable[[bytes], Body], files: FilePool) -> None:
        self._parse = parse
        self._files = files
        self._pieces = bytearray()

    def feed(self, data: bytes) -> None:
        self._pieces += data

    async def finish(self) -> Body:
        if not self._pieces:
            return NO_BODY
        data = bytes(self._pieces)
        if len(data) <= _READ_AT_ONCE:
            return self._parse(data)
        return await self._files.run(lambda: self._parse(data))

    def discard(self) -> None:
        self._pieces.clear()


class _Raw:
    """The body is one file."""

    def __init__(self, staging: Staging, content_type: str | None) -> None:
        self._staging = staging
        self._content_type = content_type
        self._file: UploadedFile | None = None

    def feed(self, data: bytes) -> None:
        if self._file is None:
            self._file = self._staging.open(field="", filename="", content_type=self._content_type)
        self._file.size += len(data)
        self._staging.write(data)

    async def finish(self) -> Body:
        if self._file is None:
            return NO_BODY
        self._staging.close()
        await self._staging.settled()
        return Body(kind="raw", files=(self._file,), discard=self.discard)

    def discard(self) -> None:
        self._staging.discard()


class _Unreadable:
    """Nothing may come."""

    def feed(self, data: bytes) -> None:
        raise _not_a_form()

    async def finish(self) -> Body:
        return NO_BODY

    def discard(self) -> None:
        """Nothing to remove."""


def reading_of(
    *,
    content_type: str | None,
    content_encoding: str | None,
    length: int | None,
    rules: BodyRules,
    staging: Staging | None,
    files: FilePool,
) -> Reading:
    """How to read a body of this description.

    :param length: as announced; None for chunked bodies, which may be empty.
    :param staging: where files go; None = nowhere.
    :param files: threads.
    :raises BadBody: nothing that is read here can be meant.
    """
    if (content_encoding or "identity").strip().lower() != "identity":
        raise BadBody("The body must not be compressed.")
    if rules.raw and staging is not None:
        return Reading(reader=_Raw(staging, content_type), limit=rules.limit)
    kind, parameters = parse_options_header(content_type)
    if parameters.get(b"charset", b"utf-8").decode("latin-1").lower() not in _UTF8:
        raise BadBody("The body must be encoded in UTF-8.")
    in_memory = min(rules.limit, rules.fields_limit)
    if kind == b"application/x-www-form-urlencoded":
        return Reading(reader=_InMemory(_form, files), limit=in_memory)
    if kind == b"application/json":
        return Reading(reader=_InMemory(_json, files), limit=in_memory)
    if kind == b"multipart/form-data":
        boundary = boundary_of(content_type or "")
        reader = MultipartReader(boundary, fields_limit=rules.fields_limit, staging=staging)
        return Reading(reader=reader, limit=rules.limit)
    if length is not None:
        raise _not_a_form()
    return Reading(reader=_Unreadable(), limit=rules.limit)


def _form(data: bytes) -> Body:
    return Body(kind="form", pairs=tuple(parse_form(data)))


def _json(data: bytes) -> Body:
    return Body(kind="json", json=parse_object(data))


def _not_a_form() -> BadBody:
    return BadBody("The body must be a form or a JSON object")
