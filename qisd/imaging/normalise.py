"""From what a URL and its template say to one complete spec: equal images get equal specs."""

from __future__ import annotations

from collections.abc import Callable

import attrs

from qisd.imaging import rules
from qisd.imaging.fill import normalise_colour
from qisd.imaging.request import URL_NAMES
from qisd.imaging.spec import FULL_TURN, UNIT, Focus, ImageOptions, ImageRequest, ImageSpec, Position
from qisd.imaging.template import Vocabulary

_DEFAULT_EXPIRY = 604_800
_WHITE = "#ffffff"
_HALF_TURN = FULL_TURN // 2
_COLOUR_SPACES = {"srgb": "rgb", "grey": "gray"}


@attrs.frozen(kw_only=True)
class Handling:
    """How an image is handed out; nothing here changes its bytes.

    :param expiry_secs: how long clients may keep it: −1 not at all, 0 nothing is said, else seconds.
    """

    attachment: bool
    record_stats: bool
    expiry_secs: int
    xref: str | None


def handling(request: ImageRequest, vocabulary: Vocabulary) -> Handling:
    """What the URL says about handling, else the template that applies, else the defaults.

    :raises BadParameter: the template does not exist.
    """
    template = vocabulary.applied(request.template)
    return Handling(
        attachment=_first(request.attach, template.attachment, False),
        record_stats=_first(request.record_stats, template.record_stats, True),
        expiry_secs=_DEFAULT_EXPIRY if template.expiry_secs is None else template.expiry_secs,
        xref=request.xref,
    )


def merge(
    request: ImageRequest,
    vocabulary: Vocabulary,
    *,
    source_extension: str,
    single_page: bool,
    canonical: Callable[[str], str],
    auto: str = rules.AUTO_FORMAT,
) -> ImageSpec:
    """The spec of what is asked for: the URL's options over those of the one template that applies, normalised.

    A quality that comes from the default template alone does not make an image be rendered that would otherwise be
    sent as it is.

    :param source_extension: of the source's name, without dot, in any case.
    :param single_page: the source's format has no pages.
    :param canonical: the name of the format that a lower-case extension stands for (``jpeg`` → ``jpg``).
    :param auto: the format that ``auto`` stands for; itself, as long as nobody knows.
    :raises BadParameter: the template does not exist, or crop edges of URL and template overlap.
    """
    options = request.options.over(vocabulary.applied(request.template).options)
    rules.check_crop_edges(options, names=URL_NAMES)
    if options.format == rules.AUTO_FORMAT:
        options = attrs.evolve(options, format=auto)
    spec = normalise(options, source_extension=source_extension, single_page=single_page, canonical=canonical)
    if request.options.quality is None and request.template is None:
        without = attrs.evolve(spec, quality=None)
        if not without.changes_image():
            return without
    return spec


def normalise(
    options: ImageOptions, *, source_extension: str, single_page: bool, canonical: Callable[[str], str]
) -> ImageSpec:
    """``options`` without all that has no effect, and in one spelling. Parameters as for :func:`merge`."""
    o = options
    wanted = canonical(o.format) if o.format else None
    rotation, flip = _turned((o.rotation or 0) % FULL_TURN, _chosen(o.flip))
    sized = bool(o.width and o.height)
    covered = sized and not o.size_fit and o.focus is not None and o.focus.cover
    padded = sized and not o.size_fit and not covered
    top, left, bottom, right = (_edge(edge) for edge in (o.top, o.left, o.bottom, o.right))
    cropped = any(edge is not None for edge in (top, left, bottom, right))
    widened = cropped and sized and bool(o.crop_fit)
    overlaid = bool(o.overlay_src) and o.overlay_size != 0 and o.overlay_opacity != 0
    profile, colour_space = _chosen(o.icc_profile), _chosen(o.colorspace)
    return ImageSpec(
        page=o.page if o.page and o.page > 1 and not single_page else None,
        format=None if wanted == canonical(source_extension.lower()) else wanted,
        width=o.width or None,
        height=o.height or None,
        size_fit=sized and bool(o.size_fit),
        align_h=_placed(o.align_h) if padded else None,
        align_v=_placed(o.align_v) if padded else None,
        rotation=rotation,
        flip=flip,
        top=top,
        left=left,
        bottom=bottom,
        right=right,
        crop_fit=widened,
        focus=o.focus if covered else _led(o.focus) if widened else None,
        fill=_fill(o.fill) if padded or rotation else None,
        quality=o.quality or None,
        sharpen=o.sharpen or 0,
        overlay_src=o.overlay_src if overlaid else None,
        overlay_size=_part(o.overlay_size) if overlaid else None,
        overlay_pos=o.overlay_pos if overlaid and o.overlay_pos != "c" else None,
        overlay_opacity=_part(o.overlay_opacity) if overlaid else None,
        icc_profile=profile,
        icc_intent=o.icc_intent if profile else None,
        icc_bpc=profile is not None and o.icc_intent == "relative" and bool(o.icc_bpc),
        colorspace=_COLOUR_SPACES.get(colour_space, colour_space) if colour_space else None,
        strip=bool(o.strip),
        dpi=o.dpi or None,
        tile=o.tile if o.tile and o.tile.grid > 1 else None,
    )


def _first(url: bool | None, template: bool | None, default: bool) -> bool:
    if url is not None:
        return url
    return default if template is None else template


def _chosen(text: str | None) -> str | None:
    return None if text in (None, "", rules.NOTHING) else text


def _turned(rotation: int, flip: str | None) -> tuple[int, str | None]:
    # Half a turn is both flips at once, so together with one of them it is the other one.
    if rotation == _HALF_TURN and flip is not None:
        return 0, "h" if flip == "v" else "v"
    return rotation, flip


def _led(focus: Focus | None) -> Focus | None:
    """What is left of a focus where nothing is cut to a shape, but a crop is widened."""
    return focus if focus is None or not focus.cover else None


def _edge(fraction: int | None) -> int | None:
    return None if fraction in (None, 0, UNIT) else fraction


def _part(fraction: int | None) -> int | None:
    return None if fraction == UNIT else fraction


def _placed(position: Position | None) -> Position | None:
    return None if position == Position(edge="c", fraction=UNIT // 2) else position


def _fill(text: str | None) -> str | None:
    colour = normalise_colour(text) if text else None
    return None if colour == _WHITE else colour
