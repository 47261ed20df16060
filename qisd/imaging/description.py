"""What a file says about its picture, as values that can be kept and searched: from EXIF, IPTC and XMP.

Files come from anywhere, so nothing here fails: what can't be understood is left out, and everything is cut to a size.
"""

from __future__ import annotations

import math
import re
import struct
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from xml.parsers import expat

import attrs
from PIL import ExifTags, Image

from qisd.imaging.icc import read_icc
from qisd.imaging.picture import Header

MAX_KEYWORDS = 200
MAX_KEYWORD = 120
MAX_ENTRIES = 200
MAX_TEXT = 2000
_MAX_NAME = 255
_MAX_DEPTH = 32

_FAULTS = (
    ArithmeticError, AttributeError, EOFError, LookupError, OSError, RuntimeError, SyntaxError, TypeError, ValueError,
    struct.error, expat.ExpatError,
)  # fmt: skip

_GRAY = frozenset({"1", "L", "LA", "La", "I", "F", "I;16", "I;16B", "I;16L", "I;16N"})
_TIME = re.compile(r"(\d{4})[:-](\d\d)[:-](\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d))?(?:\.\d+)?)?\s*(Z|[+-]\d\d:?\d\d)?")

_IPTC_NAMES = {
    5: "title", 15: "category", 25: "keywords", 40: "instructions", 55: "date", 60: "time", 80: "author",
    85: "author_title", 90: "city", 92: "location", 95: "state", 101: "country", 103: "reference", 105: "headline",
    110: "credit", 115: "source", 116: "copyright", 118: "contact", 120: "description", 122: "description_writer",
}  # fmt: skip

_XMP_NAMES = {
    "http://purl.org/dc/elements/1.1/": "dc",
    "http://ns.adobe.com/xap/1.0/": "xmp",
    "http://ns.adobe.com/xap/1.0/rights/": "xmpRights",
    "http://ns.adobe.com/photoshop/1.0/": "photoshop",
    "http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/": "Iptc4xmpCore",
    "http://iptc.org/std/Iptc4xmpExt/2008-02-29/": "Iptc4xmpExt",
    "http://ns.adobe.com/lightroom/1.0/": "lr",
    "http://creativecommons.org/ns#": "cc",
    "http://ns.useplus.org/ldf/xmp/1.0/": "plus",
}
_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"

Json = Mapping[str, Any]


@attrs.frozen(kw_only=True)
class Description:
    """What is known of one file.

    :param format: canonical name of what the bytes are.
    :param colour_space: ``rgb``, ``gray``, ``cmyk`` or ``lab``.
    :param profile: the name of the embedded colour profile.
    :param exif: JSON values by name; ``iptc`` and ``xmp`` likewise.
    :param taken: where the file gives no offset from UTC, its local time is taken for UTC.
    :param latitude: degrees, north is positive; ``longitude`` likewise, east.
    """

    format: str
    colour_space: str
    profile: str = ""
    exif: Json = attrs.field(factory=dict)
    iptc: Json = attrs.field(factory=dict)
    xmp: Json = attrs.field(factory=dict)
    keywords: tuple[str, ...] = ()
    taken: datetime | None = None
    camera: str = ""
    latitude: float | None = None
    longitude: float | None = None
    copyright: str = ""


def describe(header: Header) -> Description:
    """Understand what came with a picture."""
    metadata = header.metadata
    tags = _exif(metadata.exif)
    exif, iptc, xmp = _named(tags), _iptc(metadata.iptc), _xmp(metadata.xmp)
    latitude, longitude = _position(tags)
    return Description(
        format=header.info.format,
        colour_space=_colour_space(header.info.mode),
        profile=_profile_name(header.icc),
        exif=exif,
        iptc=iptc,
        xmp=xmp,
        keywords=_keywords(iptc.get("keywords"), xmp.get("dc:subject")),
        taken=_taken(exif, iptc, xmp),
        camera=_camera(exif),
        latitude=latitude,
        longitude=longitude,
        copyright=_first(exif.get("Copyright"), iptc.get("copyright"), xmp.get("dc:rights")),
    )


def _colour_space(mode: str) -> str:
    if mode in _GRAY:
        return "gray"
    return {"CMYK": "cmyk", "LAB": "lab"}.get(mode, "rgb")


def _text(value: object, most: int = MAX_TEXT) -> str:
    """A text that can be stored: without control characters but for line ends, and no longer than ``most``."""
    if isinstance(value, bytes):
        value = _decoded(value)
    text = str(value)[: 4 * most]
    kept = (c for c in text if c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cs", "Cn", "Co"))
    return "".join(kept).strip()[:most]


def _decoded(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _first(*values: object) -> str:
    for value in values:
        one = value[0] if isinstance(value, list) and value else value
        if isinstance(one, str) and one:
            return one
    return ""


def _keywords(*groups: object) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for group in groups:
        for word in group if isinstance(group, list) else [group]:
            if isinstance(word, str) and (cut := word[:MAX_KEYWORD].strip()):
                found[cut] = None
    return tuple(found)[:MAX_KEYWORDS]


# EXIF


def _exif(data: bytes | None) -> Mapping[int, Any]:
    """Tags of the picture, of the camera's own part, and under :data:`ExifTags.IFD.GPSInfo` those of the place."""
    if not data:
        return {}
    try:
        exif = Image.Exif()
        exif.load(data)
        tags = dict(exif) | dict(exif.get_ifd(ExifTags.IFD.Exif))
        tags[ExifTags.IFD.GPSInfo] = dict(exif.get_ifd(ExifTags.IFD.GPSInfo))
    except _FAULTS:
        return {}
    return tags


def _named(tags: Mapping[int, Any]) -> Json:
    places = tags.get(ExifTags.IFD.GPSInfo)
    found: dict[str, Any] = {}
    named = [(ExifTags.TAGS.get(tag), value) for tag, value in tags.items()]
    if isinstance(places, dict):
        named += [(ExifTags.GPSTAGS.get(tag), value) for tag, value in places.items()]
    for name, value in named:
        json = _json(value)
        if name is not None and json not in (None, "", []) and len(found) < MAX_ENTRIES:
            found[name] = json
    return found


def _json(value: object) -> object:
    """A value of a tag; None for what is no text and no number: previews, and notes of the maker."""
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, bool | int):
        return value if abs(value) < 2**53 else None
    if isinstance(value, bytes):
        return (
            _text(value) if len(value) <= _MAX_NAME and all(31 < byte < 127 for byte in value.rstrip(b"\0")) else None
        )
    if isinstance(value, tuple | list):
        items = [_json(one) for one in value[:16]]
        return None if None in items else items
    return _number(value)


def _number(value: object) -> float | None:
    try:
        number = float(value)  # type: ignore[arg-type]  # fractions of Pillow's own
    except _FAULTS:
        return None
    return round(number, 9) if math.isfinite(number) else None


def _position(tags: Mapping[int, Any]) -> tuple[float | None, float | None]:
    places = tags.get(ExifTags.IFD.GPSInfo)
    if not isinstance(places, dict):
        return None, None
    latitude = _degrees(places.get(2), places.get(1), "S", 90)
    longitude = _degrees(places.get(4), places.get(3), "W", 180)
    return (None, None) if latitude is None or longitude is None else (latitude, longitude)


def _degrees(value: object, side: object, negative: str, most: int) -> float | None:
    if not isinstance(value, tuple | list) or len(value) != 3:
        return None
    parts = [_number(part) for part in value]
    numbers = [part for part in parts if part is not None]
    if len(numbers) != 3:
        return None
    degrees = numbers[0] + numbers[1] / 60 + numbers[2] / 3600
    signed = -degrees if _text(side).upper().startswith(negative) else degrees
    return round(signed, 7) if abs(signed) <= most else None


def _camera(exif: Json) -> str:
    make, model = _first(exif.get("Make")), _first(exif.get("Model"))
    name = model if make and model.lower().startswith(make.lower()) else f"{make} {model}"
    return name.strip()[:_MAX_NAME]


# Times


def _taken(exif: Json, iptc: Json, xmp: Json) -> datetime | None:
    offset = _first(exif.get("OffsetTimeOriginal"), exif.get("OffsetTime"))
    candidates = (
        f"{exif.get('DateTimeOriginal', '')}{offset}",
        f"{exif.get('DateTimeDigitized', '')}",
        _first(xmp.get("photoshop:DateCreated"), xmp.get("xmp:CreateDate")),
        _iptc_time(_first(iptc.get("date")), _first(iptc.get("time"))),
    )
    return next((time for text in candidates if (time := _time(text)) is not None), None)


def _iptc_time(date: str, time: str) -> str:
    """``20240131`` and ``235959+0100`` as others write it."""
    if len(date) != 8:
        return ""
    day = f"{date[:4]}-{date[4:6]}-{date[6:]}"
    return f"{day}T{time[:2]}:{time[2:4]}:{time[4:6]}{time[6:11]}" if len(time) >= 6 else day


def _time(text: str) -> datetime | None:
    found = _TIME.match(text.strip())
    if found is None:
        return None
    *numbers, zone = found.groups()
    try:
        year, month, day, hour, minute, second = (int(number or 0) for number in numbers)
        time = datetime(year, month, day, hour, minute, min(second, 59), tzinfo=_zone(zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return time if time.year >= 1800 else None


def _zone(text: str | None) -> timezone:
    if not text or text == "Z":
        return UTC
    sign = -1 if text[0] == "-" else 1
    digits = text[1:].replace(":", "")
    return timezone(sign * timedelta(hours=int(digits[:2]), minutes=int(digits[2:])))


# IPTC


def _iptc(data: bytes | None) -> Json:
    found: dict[str, Any] = {}
    for name, text in _iptc_records(data or b""):
        if name == "keywords":
            found.setdefault(name, [])
            if len(found[name]) < MAX_KEYWORDS:
                found[name].append(text)
        else:
            found.setdefault(name, text)
    return found


def _iptc_records(data: bytes) -> Iterator[tuple[str, str]]:
    """The records about the picture, which begin with a mark, their number and their length."""
    position = 0
    while position + 5 <= len(data) and data[position] == 0x1C:
        record, number, length = struct.unpack_from(">BBH", data, position + 1)
        position += 5
        if length & 0x8000:  # lengths of their own length are for larger things than texts
            return
        value, position = data[position : position + length], position + length
        if record == 2 and number in _IPTC_NAMES and (text := _text(value)):
            yield _IPTC_NAMES[number], text


# XMP


def _xmp(data: bytes | None) -> Json:
    """The simple properties, and the items of lists, of the schemas that are about pictures."""
    if not data:
        return {}
    reader = _XmpReader()
    # What was found before a fault stays.
    with suppress(*_FAULTS):
        reader.read(data.strip(b"\0 \n\r\t"))
    return reader.found


class _XmpReader:
    """Entities are not known here, so none can grow."""

    def __init__(self) -> None:
        self.found: dict[str, Any] = {}
        self._path: list[str] = []
        self._property: str | None = None
        self._items: list[str] = []
        self._text: list[str] = []
        self._length = 0

    def read(self, data: bytes) -> None:
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._data
        parser.StartDoctypeDeclHandler = self._refuse
        parser.Parse(data, True)

    def _refuse(self, *_: object) -> None:
        raise ValueError("a document type has no business in XMP")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._path.append(name)
        if len(self._path) > _MAX_DEPTH:
            raise ValueError("nested too deep")
        if name == f"{_RDF} Description":
            for attribute, value in attributes.items():
                self._add(_qualified(attribute), [_text(value)])
        elif self._property is None:
            self._property, self._items = _qualified(name), []
        self._text, self._length = [], 0

    def _end(self, name: str) -> None:
        self._path.pop()
        text = _text("".join(self._text))
        self._text = []
        if self._property is None:
            return
        if name == f"{_RDF} li" and text and len(self._items) < MAX_KEYWORDS:
            self._items.append(text)
        if _qualified(name) == self._property:
            self._add(self._property, self._items or [text])
            self._property = None

    def _data(self, text: str) -> None:
        if self._length < 4 * MAX_TEXT:
            self._text.append(text)
            self._length += len(text)

    def _add(self, name: str | None, values: Iterable[str]) -> None:
        texts = [value for value in values if value]
        if name is not None and texts and len(self.found) < MAX_ENTRIES:
            self.found[name] = texts[0] if len(texts) == 1 and name != "dc:subject" else texts


def _qualified(name: str) -> str | None:
    space, _, local = name.rpartition(" ")
    prefix = _XMP_NAMES.get(space)
    return f"{prefix}:{_text(local, _MAX_NAME)}" if prefix else None


# Profiles


def _profile_name(icc: bytes | None) -> str:
    """What a profile calls itself; its tag is a text, or texts in several languages, of which the first counts."""
    if not icc:
        return ""
    try:
        tag = read_icc(icc).tag(b"desc")
        if tag[:4] == b"desc":
            (length,) = struct.unpack_from(">I", tag, 8)
            return _text(tag[12 : 12 + length].rstrip(b"\0"), MAX_KEYWORD)
        if tag[:4] == b"mluc":
            length, offset = struct.unpack_from(">II", tag, 20)
            return _text(tag[offset : offset + length].decode("utf-16-be", "replace"), MAX_KEYWORD)
    except _FAULTS:
        pass
    return ""
