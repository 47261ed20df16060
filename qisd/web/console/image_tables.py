"""The metadata of an image as tables: one for each standard, with names that people can read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import attrs

from qisd.store.image_metadata import ImageMetadata

_WORDS = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|[0-9]+")

_ABBREVIATIONS = frozenset({"GPS", "EXIF", "ISO", "URL", "XMP", "YCbCr", "ID", "IPTC", "DPI", "RGB"})


@attrs.frozen
class MetadataRow:
    """A tag: how it is called in the file, how people read it, and its value as a text."""

    tag: str
    name: str
    value: str


@attrs.frozen
class MetadataTable:
    """What one standard says; ``key`` is the name of its heading in the catalogue of texts."""

    key: str
    rows: list[MetadataRow]


def tables(metadata: ImageMetadata) -> list[MetadataTable]:
    """Places first, then the camera, the agencies' fields, the newer standard, fields of one's own; no empty ones."""
    file = metadata.file
    places = {name: value for name, value in file.exif.items() if name.startswith("GPS")}
    camera = {name: value for name, value in file.exif.items() if name not in places}
    groups = (
        ("gps", places),
        ("exif", camera),
        ("iptc", file.iptc),
        ("xmp", file.xmp),
        ("custom", metadata.users.custom),
    )
    return [MetadataTable(key, list(_rows(values))) for key, values in groups if values]


def _rows(values: Mapping[str, Any]) -> Iterable[MetadataRow]:
    for tag in sorted(values, key=str.lower):
        yield MetadataRow(tag, readable(tag), _text(values[tag]))


def readable(tag: str) -> str:
    """``xmpRights:UsageTerms`` is *Usage terms*, ``GPSImgDirectionRef`` is *GPS img direction ref*."""
    words = _WORDS.findall(tag.rpartition(":")[2].replace("-", " "))
    if not words:
        return tag
    lowered = [word if word in _ABBREVIATIONS else word.lower() for word in words]
    return " ".join([lowered[0][:1].upper() + lowered[0][1:], *lowered[1:]])


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.6f}".rstrip("0").rstrip(".")
    if isinstance(value, list):
        return ", ".join(_text(one) for one in value)
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {_text(one)}" for name, one in value.items())
    return "" if value is None else str(value)
