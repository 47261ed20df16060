"""The format of an image whose format goes by what its viewer can show: ``format=auto``."""

from __future__ import annotations

from collections.abc import Sequence

from qisd.imaging.formats import FormatTable, canonical_name
from qisd.imaging.geometry import Size, plan
from qisd.imaging.picture import SourceInfo
from qisd.imaging.rules import AUTO_FORMAT
from qisd.imaging.spec import ImageOptions, ImageSpec
from qisd.imaging.template import TemplateValues

__all__ = ["AUDIENCES", "MODERN", "best_format", "goes_by_viewer"]

MODERN = ("avif", "webp")
"""Formats that have to be asked for, since not everybody can show them; the one with the smaller files first."""

AUDIENCES: tuple[tuple[str, ...], ...] = ((), ("webp",), MODERN)
"""What viewers there are can show, besides what everybody can."""

_WITH_TRANSPARENCY, _WITHOUT = "png", "jpg"
"""What everybody can show."""


def goes_by_viewer(options: ImageOptions, template: TemplateValues) -> bool:
    """Whether the format is ``auto``, by the request or by the template that applies to it."""
    return (options.format or template.options.format) == AUTO_FORMAT


def best_format(accepts: Sequence[str], *, spec: ImageSpec, source: SourceInfo, table: FormatTable) -> str:
    """The name of the format that ``auto`` stands for.

    :param accepts: those of :data:`MODERN` that the viewer would rather have than others, best first.
    :param spec: its format doesn't count.
    :raises BadParameter: there is no such tile.
    """
    if spec.colorspace == "cmyk":  # which none of the others can hold
        return _WITHOUT
    canvas = plan(spec, Size(source.width, source.height)).canvas
    for name in accepts:
        row = table.by_extension(name)
        if row is not None and row.write and max(canvas.width, canvas.height) <= row.max_side:
            return canonical_name(name)
    return _WITH_TRANSPARENCY if source.has_alpha or spec.fill == "none" else _WITHOUT
