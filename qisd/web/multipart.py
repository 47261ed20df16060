"""``multipart/form-data`` (RFC 7578), read as it arrives: fields into memory, files to disk."""

from __future__ import annotations

import logging
import re

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from qisd.errors import BadParameter, TooLarge
from qisd.web.bad_body import BadBody
from qisd.web.bodies import Body, UploadedFile
from qisd.web.disposition import Disposition, parse_disposition
from qisd.web.staging import Staging

PARTS_MAX = 1000
FIELD_BYTES_MAX = 1024 * 1024
PART_HEAD_BYTES_MAX = 8 * 1024

_PART_HEADERS_MAX = 20

# RFC 2046, 5.1.1
_BOUNDARY = re.compile(rb"[0-9A-Za-z'()+_,\-./:=? ]{0,69}[0-9A-Za-z'()+_,\-./:=?]")

_PLAIN_ENCODINGS = ("7bit", "8bit", "binary")

_NAME_SHOWN = 100

# What the parser tells about malformed bodies is no matter for our log.
logging.getLogger("python_multipart").addHandler(logging.NullHandler())
logging.getLogger("python_multipart").propagate = False


def boundary_of(content_type: str) -> bytes:
    """What stands between the parts.

    :raises BadBody: it is missing or malformed.
    """
    boundary = parse_options_header(content_type)[1].get(b"boundary", b"")
    if _BOUNDARY.fullmatch(boundary) is None:
        raise BadBody("The multipart body has no proper boundary.")
    return boundary


class MultipartReader:
    """Reads one body.

    :param fields_limit: bytes of all fields together, names included.
    :param staging: takes the files; None: they are dropped.
    """

    def __init__(self, boundary: bytes, *, fields_limit: int, staging: Staging | None) -> None:
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._part_begins,
                "on_header_field": self._header_name,
                "on_header_value": self._header_value,
                "on_header_end": self._header_ends,
                "on_headers_finished": self._head_ends,
                "on_part_data": self._data,
                "on_part_end": self._part_ends,
                "on_end": self._all_ends,
            },
            max_header_count=_PART_HEADERS_MAX,
            max_header_size=PART_HEAD_BYTES_MAX,
        )
        self._fields_limit = fields_limit
        self._staging = staging
        self._complete = False
        self._parts = 0
        self._pairs: list[tuple[str, str]] = []
        self._files: list[UploadedFile] = []
        self._fields_bytes = 0
        # Of the part that is being read:
        self._head: dict[bytes, bytes] = {}
        self._head_bytes = 0
        self._name = bytearray()
        self._value = bytearray()
        self._field: str | None = None
        self._text = bytearray()
        self._file: UploadedFile | None = None

    def feed(self, data: bytes) -> None:
        """The next piece of the body.

        :raises BadBody: it is malformed, or has too many parts.
        :raises BadParameter: a field is no UTF-8.
        :raises TooLarge: there is more than a field, or all of them, may hold.
        """
        try:
            self._parser.write(data)
        except FormParserError as error:
            raise BadBody("The multipart body is malformed.", detail=str(error)) from None

    async def finish(self) -> Body:
        """What came, with the files on disk.

        :raises BadBody: the body is cut off.
        :raises QisError: the files can't be brought to the disk.
        """
        if not self._complete:
            raise BadBody("The multipart body is cut off.")
        if self._staging is not None:
            await self._staging.settled()
        return Body(kind="multipart", pairs=tuple(self._pairs), files=tuple(self._files), discard=self.discard)

    def discard(self) -> None:
        if self._staging is not None:
            self._staging.discard()

    # What the parser calls

    def _part_begins(self) -> None:
        self._parts += 1
        if self._parts > PARTS_MAX:
            raise BadBody(f"The multipart body has more than {PARTS_MAX} parts.")
        self._head = {}
        self._head_bytes = 0
        self._name.clear()
        self._value.clear()

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        self._count_head(end - start)
        self._name += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._count_head(end - start)
        self._value += data[start:end]

    def _count_head(self, count: int) -> None:
        self._head_bytes += count
        if self._head_bytes > PART_HEAD_BYTES_MAX:
            raise BadBody("A part of the multipart body has a head that is too long.")

    def _header_ends(self) -> None:
        name = bytes(self._name).lower()
        if name in self._head:
            raise BadBody("A part of the multipart body has a header twice.")
        self._head[name] = bytes(self._value)
        self._name.clear()
        self._value.clear()

    def _head_ends(self) -> None:
        self._field = self._file = None
        self._text.clear()
        disposition = parse_disposition(self._head.get(b"content-disposition", b""))
        encoding = self._head.get(b"content-transfer-encoding", b"binary").decode("latin-1")
        if encoding.strip().lower() not in _PLAIN_ENCODINGS:
            raise BadBody("Parts of a multipart body must not be encoded.")
        if disposition.filename is None:
            self._field = disposition.name
            self._count_field(len(disposition.name.encode("utf-8")))
        elif disposition.filename and self._staging is not None:
            self._file = self._begin_file(self._staging, disposition, disposition.filename)

    def _begin_file(self, staging: Staging, disposition: Disposition, filename: str) -> UploadedFile:
        content_type = self._head.get(b"content-type")
        uploaded = staging.open(
            field=disposition.name,
            filename=filename,
            content_type=content_type.decode("latin-1") if content_type is not None else None,
        )
        self._files.append(uploaded)
        return uploaded

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._file is not None and self._staging is not None:
            self._file.size += end - start
            self._staging.write(data[start:end])
        elif self._field is not None:
            self._count_field(end - start)
            self._text += data[start:end]
            if len(self._text) > FIELD_BYTES_MAX:
                raise TooLarge(f"A field exceeds the capacity limit of {FIELD_BYTES_MAX} bytes.")

    def _count_field(self, count: int) -> None:
        self._fields_bytes += count
        if self._fields_bytes > self._fields_limit:
            raise TooLarge(f"The form exceeds the capacity limit of {self._fields_limit} bytes.")

    def _part_ends(self) -> None:
        if self._file is not None and self._staging is not None:
            self._staging.close()
        elif self._field is not None:
            try:
                self._pairs.append((self._field, self._text.decode("utf-8")))
            except UnicodeDecodeError:
                raise BadParameter(self._field[:_NAME_SHOWN], "is not properly encoded UTF-8") from None
        self._field = self._file = None

    def _all_ends(self) -> None:
        self._complete = True
