"""How small a source may be decoded without a loss that shows."""

from __future__ import annotations

from qisd.imaging.geometry import Plan, Size, cdiv
from qisd.imaging.rotate import QUARTER_TURN
from qisd.imaging.spec import ImageSpec

HEADROOM = 2
"""A decoder's own reduction is crude and not done in linear light; what it leaves has to be at least this many times
the wanted size, so that the last step decides the look."""


def sufficient_size(spec: ImageSpec, plan: Plan) -> Size | None:
    """The smallest decoded size (upright, whole picture) that is good enough; None if it is the natural one."""
    part = plan.crop.size if plan.crop else plan.rotated
    quarter = spec.rotation % (2 * QUARTER_TURN) == QUARTER_TURN
    natural = Size(plan.natural.height, plan.natural.width) if quarter else plan.natural
    # As fractions, since both sides keep their own, which differ by rounding and where the picture is stretched.
    wide = plan.inner.width * HEADROOM, part.width
    high = plan.inner.height * HEADROOM, part.height
    if spec.rotation % QUARTER_TURN:
        # Turned by other angles, both sides of the picture are parts of both.
        wide = high = max(wide, high, key=lambda fraction: fraction[0] / fraction[1])
    width, height = cdiv(natural.width * wide[0], wide[1]), cdiv(natural.height * high[0], high[1])
    if width >= natural.width or height >= natural.height:
        return None
    return Size(height, width) if quarter else Size(width, height)


def sufficient_overlay_size(natural: Size, wanted: Size) -> Size | None:
    """The same for an overlay that is going to have the size ``wanted``."""
    size = Size(wanted.width * HEADROOM, wanted.height * HEADROOM)
    return None if size.width >= natural.width or size.height >= natural.height else size
