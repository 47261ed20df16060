"""``Content-Disposition`` of a part, as clients really write it. Pure functions."""

from __future__ import annotations

import re
from urllib.parse import unquote_to_bytes

import attrs

from qisd.web.bad_body import BadBody

_TYPE = re.compile(rb"\s*form-data\s*(?=;|\Z)", re.IGNORECASE)
_PARAMETER = re.compile(
    rb"""
    ;\s*
    ([!#$%&'*+.^_`|~0-9A-Za-z-]+) \s*=\s*
    (?: "((?:[^"\\]|\\.)*)" | ([^;"\s]*) )
    \s*
    """,
    re.VERBOSE | re.DOTALL,
)
_QUOTED_PAIR = re.compile(rb'\\(["\\])')

# What browsers write for the three characters that they can't put between quotes; they leave a percent sign alone.
_BROWSER_ESCAPE = re.compile(rb"%(22|0D|0A)", re.IGNORECASE)

_EXTENDED = re.compile(rb"utf-8'[^']*'([!#$&+.^_`|~0-9A-Za-z%-]*)", re.IGNORECASE)


@attrs.frozen(kw_only=True)
class Disposition:
    """:ivar filename: None for a field; empty for a file that was not chosen."""

    name: str
    filename: str | None


def parse_disposition(header: bytes) -> Disposition:
    """Name and file name of a part.

    ``filename*`` counts where there is no ``filename``: RFC 7578 forbids it, older libraries send it.

    :raises BadBody: the header is malformed, no UTF-8, has NUL characters, or names no field.
    """
    parameters = _parameters(header)
    if b"name" not in parameters:
        raise BadBody("A part of the multipart body has no name.")
    filename = None
    if b"filename" in parameters:
        filename = _plain(parameters[b"filename"])
    elif b"filename*" in parameters:
        filename = _extended(parameters[b"filename*"])
    name = _plain(parameters[b"name"])
    if b"\0" in name + (filename or b""):  # nothing that the database could keep
        raise BadBody("The name of a part has a NUL character in it.")
    try:
        return Disposition(name=name.decode("utf-8"), filename=None if filename is None else filename.decode("utf-8"))
    except UnicodeDecodeError:
        raise BadBody("The name of a part is not properly encoded UTF-8.") from None


def _parameters(header: bytes) -> dict[bytes, bytes]:
    header = header.rstrip(b"; \t")
    parameters: dict[bytes, bytes] = {}
    found = _TYPE.match(header)
    while found is not None and found.end() < len(header):
        found = _PARAMETER.match(header, found.end())
        if found is None or found.group(1).lower() in parameters:
            raise _malformed()
        name, quoted, token = found.groups()
        parameters[name.lower()] = token if quoted is None else _QUOTED_PAIR.sub(rb"\1", quoted)
    if not parameters:
        raise _malformed()
    return parameters


def _malformed() -> BadBody:
    return BadBody("A part of the multipart body has no proper Content-Disposition.")


def _plain(value: bytes) -> bytes:
    return _BROWSER_ESCAPE.sub(lambda found: unquote_to_bytes(found.group()), value)


def _extended(value: bytes) -> bytes:
    found = _EXTENDED.fullmatch(value)
    if found is None:
        raise BadBody("The name of a file is malformed.")
    return unquote_to_bytes(found.group(1))
