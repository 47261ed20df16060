"""From the query of a URL to what it says about an image.

Checks go in a fixed order, so that a request with several faults always gets the same answer: first all texts are
read, then the public limits apply to the sizes, then the ranges and choices are looked at.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import unquote_to_bytes

import attrs

from qisd.imaging import rules, values
from qisd.imaging.limits import PublicLimits, limit_options
from qisd.imaging.spec import Focus, ImageOptions, ImageRequest, Position, Tile
from qisd.imaging.template import Vocabulary

__all__ = [
    "ImageRequest",
    "OriginalRequest",
    "PublicLimits",
    "Vocabulary",
    "parse_image_request",
    "parse_original_request",
    "parse_query_string",
]

URL_NAMES: Mapping[str, str] = {
    "size_fit": "autosizefit",
    "align_h": "halign",
    "align_v": "valign",
    "rotation": "angle",
    "crop_fit": "autocropfit",
    "overlay_src": "overlay",
    "overlay_pos": "ovpos",
    "overlay_size": "ovsize",
    "overlay_opacity": "ovopacity",
    "icc_profile": "icc",
    "icc_intent": "intent",
    "icc_bpc": "bpc",
}
"""What the options are called in a URL, where that is not the name of the field."""

_ALIGNMENT_LENGTH = 8
"""Alignments are cut to this many characters before they are read."""


@attrs.frozen(kw_only=True)
class OriginalRequest:
    """What the URL of an original says."""

    src: str
    attach: bool | None = None
    record_stats: bool | None = None
    xref: str | None = None


def parse_query_string(raw: bytes) -> dict[str, str]:
    """The names and values of a raw query string, percent-decoded as UTF-8; bytes that are none are replaced.

    ``&amp;`` counts as ``&``, a plus sign is a blank, a name without value has the empty one, and of a name that
    occurs several times the first one counts.
    """
    query: dict[str, str] = {}
    for pair in raw.replace(b"&amp;", b"&").split(b"&"):
        name, _, value = pair.partition(b"=")
        key = _decoded(name)
        if key and key not in query:
            query[key] = _decoded(value)
    return query


def parse_image_request(
    query: Mapping[str, str], vocabulary: Vocabulary, *, public: PublicLimits | None
) -> ImageRequest:
    """Read and check what a URL says about an image. Unknown names are ignored.

    :param public: limits for a visitor who is not logged in; None for others.
    :raises BadParameter: the first fault, in the order in which the checks go.
    """
    options = _typed_options(query)
    xref = _xref(query)
    template = _lower(query, "tmp")
    if public is not None:
        named = None if template is None else vocabulary.templates.get(template)
        options = limit_options(options, template=named.options if named else None, limits=public)
    src = query.get("src", "")
    rules.check_path("src", src)
    _check(options, "page format", vocabulary)
    vocabulary.applied(template)
    _check(options, "width height", vocabulary)
    options = attrs.evolve(
        options, align_h=_position(query, "halign", edges="lcr"), align_v=_position(query, "valign", edges="tcb")
    )
    _check(options, "rotation flip top left bottom right focus", vocabulary)
    rules.check_crop_edges(options, names=URL_NAMES)
    _check(options, "fill quality sharpen overlay_src overlay_pos overlay_size overlay_opacity", vocabulary)
    _check(options, "icc_profile icc_intent colorspace dpi tile", vocabulary)
    cache, recache = _boolean(query, "cache"), _boolean(query, "recache")
    return ImageRequest(
        src=src,
        template=template,
        options=options,
        attach=_boolean(query, "attach"),
        record_stats=_boolean(query, "stats"),
        xref=xref,
        cache=True if cache is None else cache,
        recache=bool(recache),
    )


def parse_original_request(query: Mapping[str, str]) -> OriginalRequest:
    """Read and check what a URL says about an original; whatever belongs to images only is ignored.

    :raises BadParameter: ``src`` or ``xref`` is at fault.
    """
    xref = _xref(query)
    src = query.get("src", "")
    rules.check_path("src", src)
    return OriginalRequest(src=src, attach=_boolean(query, "attach"), record_stats=_boolean(query, "stats"), xref=xref)


def _typed_options(query: Mapping[str, str]) -> ImageOptions:
    """All options but the alignments, unchecked. The order of the lines decides which fault is told."""
    return ImageOptions(
        page=_integer(query, "page"),
        width=_integer(query, "width"),
        height=_integer(query, "height"),
        size_fit=_boolean(query, "autosizefit"),
        rotation=_units(query, "angle"),
        top=_units(query, "top"),
        left=_units(query, "left"),
        bottom=_units(query, "bottom"),
        right=_units(query, "right"),
        crop_fit=_boolean(query, "autocropfit"),
        focus=_focus(query, "focus"),
        fill=_colour(query, "fill"),
        quality=_integer(query, "quality"),
        sharpen=_integer(query, "sharpen"),
        overlay_size=_units(query, "ovsize"),
        overlay_opacity=_units(query, "ovopacity"),
        icc_bpc=_boolean(query, "bpc"),
        strip=_boolean(query, "strip"),
        dpi=_integer(query, "dpi"),
        tile=_tile(query, "tile"),
        format=_lower(query, "format"),
        flip=_lower(query, "flip"),
        overlay_src=query.get("overlay") or None,
        overlay_pos=_lower(query, "ovpos"),
        icc_profile=_lower(query, "icc"),
        icc_intent=_lower(query, "intent"),
        colorspace=_lower(query, "colorspace"),
    )


def _check(options: ImageOptions, fields: str, vocabulary: Vocabulary) -> None:
    rules.check_options(options, fields.split(), vocabulary, names=URL_NAMES)


def _xref(query: Mapping[str, str]) -> str | None:
    xref = query.get("xref", "")
    rules.check_length("xref", xref, 0, rules.MAX_TEXT)
    return xref or None


def _integer(query: Mapping[str, str], name: str) -> int | None:
    return values.integer(name, query[name]) if name in query else None


def _units(query: Mapping[str, str], name: str) -> int | None:
    return values.units(name, query[name]) if name in query else None


def _boolean(query: Mapping[str, str], name: str) -> bool | None:
    return values.boolean(query[name]) if name in query else None


def _lower(query: Mapping[str, str], name: str) -> str | None:
    return query.get(name, "").lower() or None


def _colour(query: Mapping[str, str], name: str) -> str | None:
    text = _lower(query, name)
    return None if text is None else values.without_blanks(text)


def _tile(query: Mapping[str, str], name: str) -> Tile | None:
    return values.tile(name, query[name]) if query.get(name) else None


def _focus(query: Mapping[str, str], name: str) -> Focus | None:
    text = _lower(query, name)
    return None if text is None else values.focus(name, text)


def _position(query: Mapping[str, str], name: str, *, edges: str) -> Position | None:
    text = _lower(query, name)
    return None if text is None else values.position(name, text[:_ALIGNMENT_LENGTH], edges=edges)


def _decoded(raw: bytes) -> str:
    return unquote_to_bytes(raw.replace(b"+", b" ")).decode("utf-8", "replace")
