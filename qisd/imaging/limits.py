"""How large an image may be for visitors who are not logged in."""

from __future__ import annotations

import attrs

from qisd.errors import BadParameter
from qisd.imaging.geometry import Plan
from qisd.imaging.spec import ImageOptions, ImageRequest
from qisd.imaging.template import Vocabulary

_REASON = "exceeds public image limit"


@attrs.frozen(kw_only=True)
class PublicLimits:
    """Largest width and height in pixels; 0 is no limit."""

    max_width: int = 0
    max_height: int = 0

    def raised_by(self, template: ImageOptions | None) -> PublicLimits:
        """These limits, for a request that names a template: what the template itself asks for is allowed."""
        if template is None:
            return self
        return PublicLimits(
            max_width=max(self.max_width, template.width or 0) if self.max_width else 0,
            max_height=max(self.max_height, template.height or 0) if self.max_height else 0,
        )

    def check(self, width: int, height: int) -> None:
        """:raises BadParameter: one of them is beyond its limit."""
        for parameter, size, limit in (("width", width, self.max_width), ("height", height, self.max_height)):
            if limit and size > limit:
                raise BadParameter(parameter, f"{_REASON} ({limit} pixels)")


def limit_options(options: ImageOptions, *, template: ImageOptions | None, limits: PublicLimits) -> ImageOptions:
    """Check the size that a URL asks for, and give one to a request that names none.

    Tiles are left alone here: their size is told by the whole image, which :func:`check_public_limits` looks at.

    :param template: the options of the template that the URL names; not those of the default template.
    :raises BadParameter: width or height is beyond the limit.
    """
    if limits == PublicLimits() or (options.tile is not None and options.tile.grid > 1):
        return options
    limits.raised_by(template).check(options.width or 0, options.height or 0)
    sized = template is not None and (template.width or template.height)
    if options.width or options.height or sized:
        return options
    fit = True if options.size_fit is None and limits.max_width and limits.max_height else options.size_fit
    return attrs.evolve(options, width=limits.max_width, height=limits.max_height, size_fit=fit)


def check_public_limits(plan: Plan, *, request: ImageRequest, vocabulary: Vocabulary, limits: PublicLimits) -> None:
    """Check the size that an image is going to have, both ways; that of the whole image if a tile is wanted.

    A size that a named template alone decides is the operator's word, also in the direction it leaves open.

    :raises BadParameter: it is beyond the limit.
    """
    template = None if request.template is None else vocabulary.applied(request.template).options
    own = request.options
    if template is not None and (template.width or template.height) and own.width is None and own.height is None:
        return
    limits.raised_by(template).check(plan.canvas.width, plan.canvas.height)
