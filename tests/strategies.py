"""Hypothesis strategies that several test modules share."""

from __future__ import annotations

import attrs
from hypothesis import strategies as st

from qisd.imaging.geometry import Size
from qisd.imaging.spec import ANYWHERE, FULL_TURN, NOWHERE, UNIT, Focus, ImageOptions, ImageSpec, Position, Tile

fractions = st.integers(0, UNIT)
sizes = st.builds(Size, st.integers(1, 9000), st.integers(1, 9000))
grids = st.integers(1, 16).map(lambda side: side * side)
tiles = grids.flatmap(lambda grid: st.builds(Tile, number=st.integers(1, grid), grid=st.just(grid)))
positions_h = st.builds(Position, edge=st.sampled_from("lcr"), fraction=fractions)
positions_v = st.builds(Position, edge=st.sampled_from("tcb"), fraction=fractions)
places = st.builds(Focus, x=fractions, y=fractions)
focuses = st.sampled_from([ANYWHERE, NOWHERE]) | places
texts = st.text(min_size=1, max_size=20)
colours = st.sampled_from(
    ["red", "ff0000", "#f00", "white", "#fff", "none", "transparent", "auto", "gray50", "no such"]
)


def _edges(options: ImageOptions) -> bool:
    pairs = ((options.left, options.right), (options.top, options.bottom))
    return all(a in (None, 0, UNIT) or b in (None, 0, UNIT) or a < b for a, b in pairs)


options = st.builds(
    ImageOptions,
    page=st.none() | st.integers(0, 3),
    format=st.sampled_from([None, "jpg", "jpeg", "pjpeg", "pjpg", "png", "tif"]),
    quality=st.none() | st.integers(1, 100),
    width=st.none() | st.integers(0, 3000),
    height=st.none() | st.integers(0, 3000),
    size_fit=st.none() | st.booleans(),
    align_h=st.none() | positions_h,
    align_v=st.none() | positions_v,
    rotation=st.none()
    | st.sampled_from([quarter * 90 * UNIT for quarter in range(-4, 5)])
    | st.integers(-FULL_TURN, FULL_TURN),
    flip=st.sampled_from([None, "h", "v"]),
    top=st.none() | fractions,
    left=st.none() | fractions,
    bottom=st.none() | fractions,
    right=st.none() | fractions,
    crop_fit=st.none() | st.booleans(),
    focus=st.none() | focuses,
    fill=st.none() | colours,
    sharpen=st.none() | st.integers(-500, 500),
    overlay_src=st.none() | texts,
    overlay_size=st.none() | fractions,
    overlay_pos=st.sampled_from([None, "c", "n", "ne", "e", "se", "s", "sw", "w", "nw"]),
    overlay_opacity=st.none() | fractions,
    icc_profile=st.sampled_from([None, "srgb", "coatedgrey"]),
    icc_intent=st.sampled_from([None, "saturation", "perceptual", "absolute", "relative"]),
    icc_bpc=st.none() | st.booleans(),
    colorspace=st.sampled_from([None, "rgb", "srgb", "cmyk", "gray", "grey"]),
    strip=st.none() | st.booleans(),
    dpi=st.none() | st.integers(0, 32000),
    tile=st.none() | tiles,
).filter(_edges)
"""Options as a request may give them: each in its range, crop edges not overlapping."""


def _spec_of(given: ImageOptions) -> ImageSpec:
    from qisd.imaging.normalise import normalise

    return normalise(given, source_extension="gif", single_page=False, canonical=canonical_format)


def canonical_format(extension: str) -> str:
    """The name of the format behind ``extension``, for the few formats that the strategies use."""
    return {"jpeg": "jpg", "jpe": "jpg", "jfif": "jpg", "jif": "jpg", "tiff": "tif", "pjpeg": "pjpg"}.get(
        extension, extension
    )


specs = options.map(_spec_of)
"""Normalised specs."""

geometry_specs = options.map(
    lambda given: _spec_of(attrs.evolve(given, tile=None, overlay_src=None, format=None, page=None))
)
"""Normalised specs without tiles."""
