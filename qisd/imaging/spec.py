"""What an image request says, and what is to be made of it.

Fractions, positions and angles are integers in units of 1/100000 (of the whole, or of a degree) everywhere, so that
equal requests are equal and arithmetic is exact.
"""

from __future__ import annotations

from urllib.parse import quote

import attrs

UNIT = 100_000
"""The whole, as a fraction; one degree, as an angle."""

FULL_TURN = 360 * UNIT


@attrs.frozen(kw_only=True)
class Tile:
    """One piece of an image cut into ``grid`` pieces (a square number); ``number`` counts from 1, row by row."""

    number: int
    grid: int


@attrs.frozen(kw_only=True)
class Position:
    """Where a picture lies on its canvas along one axis.

    :param edge: which edge of the picture is placed: ``l``, ``c``, ``r`` or ``t``, ``c``, ``b`` (``c`` is its middle).
    :param fraction: where on the canvas that edge is, 0…100000.
    """

    edge: str
    fraction: int


@attrs.frozen(kw_only=True)
class Focus:
    """What is to stay in view when a picture is cut to a shape.

    :param x: the place, from the left edge of the upright source before it is flipped or turned, 0…100000; ``y`` from
        its top. None: wherever the focal point of the image is.
    :param cover: whether it is cut to the shape of the canvas, instead of padding. If not, a crop that is widened
        anyway grows towards the place; and without a place, it does not even do that.
    """

    x: int | None = None
    y: int | None = None
    cover: bool = True


ANYWHERE = Focus()
"""To be cut around the focal point of the image."""

NOWHERE = Focus(cover=False)
"""Not to be cut, and no crop to be led by the focal point of the image."""

MIDDLE = UNIT // 2


@attrs.frozen(kw_only=True)
class ImageOptions:
    """The image options that a URL or a template gives, each within its range, as they were given.

    None means "not given"; 0 and false are given. Names are those of the template fields. Units: ``rotation``
    1/100000 degree clockwise, −36000000…36000000; ``top``…``right``, ``overlay_size`` and ``overlay_opacity``
    0…100000; ``width`` and ``height`` pixels; ``dpi`` pixels per inch.
    """

    page: int | None = None
    format: str | None = None
    quality: int | None = None
    width: int | None = None
    height: int | None = None
    size_fit: bool | None = None
    align_h: Position | None = None
    align_v: Position | None = None
    rotation: int | None = None
    flip: str | None = None
    top: int | None = None
    left: int | None = None
    bottom: int | None = None
    right: int | None = None
    crop_fit: bool | None = None
    focus: Focus | None = None
    fill: str | None = None
    sharpen: int | None = None
    overlay_src: str | None = None
    overlay_size: int | None = None
    overlay_pos: str | None = None
    overlay_opacity: int | None = None
    icc_profile: str | None = None
    icc_intent: str | None = None
    icc_bpc: bool | None = None
    colorspace: str | None = None
    strip: bool | None = None
    dpi: int | None = None
    tile: Tile | None = None

    def over(self, template: ImageOptions) -> ImageOptions:
        """These options, and those of ``template`` where these say nothing."""
        silent = [field.name for field in attrs.fields(ImageOptions) if getattr(self, field.name) is None]
        return attrs.evolve(self, **{name: getattr(template, name) for name in silent})


@attrs.frozen(kw_only=True)
class ImageRequest:
    """What the URL of an image says; ``template`` is the lower-case name of an existing one.

    ``cache`` and ``recache`` are as they were asked for; who may use them is decided elsewhere.
    """

    src: str
    template: str | None = None
    options: ImageOptions = ImageOptions()
    attach: bool | None = None
    record_stats: bool | None = None
    xref: str | None = None
    cache: bool = True
    recache: bool = False


@attrs.frozen(kw_only=True)
class ImageSpec:
    """The complete, normalised set of image options: equal images have equal specs.

    Units as in :class:`ImageOptions`. Nothing here is a value without effect (width 0, crop edge 0 or 1, …).

    :param page: 2 or more.
    :param format: name of the output format; None is the source's own.
    :param rotation: clockwise, above 0 and below 36000000; 0 is none.
    :param focus: without a place only until the focal point of the image is known.
    :param fill: ``#rrggbb``, ``none``, ``auto``, or the text of a colour that is not known; None is white.
    :param colorspace: ``rgb``, ``gray`` or ``cmyk``.
    :param tile: of a grid of 4 or more.
    """

    page: int | None = None
    format: str | None = None
    width: int | None = None
    height: int | None = None
    size_fit: bool = False
    align_h: Position | None = None
    align_v: Position | None = None
    rotation: int = 0
    flip: str | None = None
    top: int | None = None
    left: int | None = None
    bottom: int | None = None
    right: int | None = None
    crop_fit: bool = False
    focus: Focus | None = None
    fill: str | None = None
    quality: int | None = None
    sharpen: int = 0
    overlay_src: str | None = None
    overlay_size: int | None = None
    overlay_pos: str | None = None
    overlay_opacity: int | None = None
    icc_profile: str | None = None
    icc_intent: str | None = None
    icc_bpc: bool = False
    colorspace: str | None = None
    strip: bool = False
    dpi: int | None = None
    tile: Tile | None = None

    def changes_image(self) -> bool:
        """Whether the image has to be rendered; if not, the bytes of the source are the answer as they are.

        Alignment, fill, the fits, a focus, and the details of an overlay or a profile change nothing by themselves.
        """
        return any(getattr(self, name) != _DEFAULTS[name] for name in _CHANGING)

    def canonical(self) -> str:
        """The options that are set, as ``name=value`` in a fixed order, separated by commas: ``width=400,top=20000``.

        Two specs have the same text only if they are equal. Fit for keys and for logs: printable ASCII without blanks.
        """
        values = ((name, getattr(self, name), default) for name, default in _DEFAULTS.items())
        return ",".join(f"{name}={_written(value)}" for name, value, default in values if value != default)


_DEFAULTS = {field.name: field.default for field in attrs.fields(ImageSpec)}

_CHANGING = (
    *("format", "page", "rotation", "flip", "width", "height", "top", "left", "bottom", "right", "quality", "sharpen"),
    *("overlay_src", "icc_profile", "colorspace", "dpi", "strip", "tile"),
)


def _written(value: object) -> str:
    match value:
        case Tile():
            return f"{value.number}:{value.grid}"
        case Position():
            return f"{quote(value.edge)}{value.fraction}"
        case Focus():
            return f"{'cut' if value.cover else 'led'}:{value.x}:{value.y}"
        case bool():
            return str(int(value))
        case str():
            # Escaped are the separators, blanks, controls and all that is not ASCII; surrogates too have their bytes.
            return quote(value, safe="/#()", errors="surrogatepass")
    return str(value)
