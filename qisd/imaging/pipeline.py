"""The way of a picture, from its decoded pixels to those that get encoded: one list of steps, in a fixed order.

Each step takes the picture as the step before left it, and the job, which does not change. Sizes and places all come
from the job's plan, made before. A step that has nothing to do returns what it got.

A source may have been decoded at a reduced size. Until the picture is resized, places on it are then fractions of
pixels, and :class:`Work` says how many pixels of the full picture one pixel stands for.
"""

from __future__ import annotations

from collections.abc import Callable

import attrs
from PIL import Image

from qisd.imaging import colour
from qisd.imaging.channels import colour_space, continuous, eight_bits, has_alpha, with_alpha
from qisd.imaging.colour import INTENTS, Coloured, Intent
from qisd.imaging.formats import Format
from qisd.imaging.geometry import Plan, Size, overlay_box
from qisd.imaging.ground import Ground, chosen_ground
from qisd.imaging.modes import to_working_mode
from qisd.imaging.overlay import overlaid
from qisd.imaging.picture import Picture
from qisd.imaging.profiles import Profile, ProfileStore, embedded_profile
from qisd.imaging.resample import Filter, TransferCurve, resize
from qisd.imaging.rotate import QUARTER_TURN, quarter_turned, turned
from qisd.imaging.sharpen import sharpened
from qisd.imaging.spec import ImageSpec
from qisd.imaging.window import Part, cut, whole_pixels, within

FILTERS = {1: Filter.BILINEAR, 2: Filter.BICUBIC, 3: Filter.LANCZOS}
_FLIPS = {"h": Image.Transpose.FLIP_LEFT_RIGHT, "v": Image.Transpose.FLIP_TOP_BOTTOM}
_REDUCTIONS = (1, 2, 4, 8, 16, 32)


@attrs.frozen(kw_only=True, eq=False)
class Job:
    """What is to be made. Nothing of it changes on the way.

    :param format: of the output.
    :param quality: of resizing and rotating, 1 … 3.
    :param gamma_correct: whether to resize in linear light.
    :param overlay: the decoded overlay, if the spec has one.
    :param part: what is made of the image; None is all of it. To be given if only a part of the picture is there.
    """

    spec: ImageSpec
    plan: Plan
    format: Format
    profiles: ProfileStore
    quality: int
    gamma_correct: bool
    overlay: Picture | None = None
    part: Part | None = None


@attrs.frozen(kw_only=True, eq=False)
class Work:
    """The picture on its way.

    :param profile: that of its colours; None: it has none of its own.
    :param ground: the fill colour.
    :param scale: pixels of the full picture per pixel of ``image``, on x and y.
    :param origin: x and y of the upper left pixel of ``image``, if that is only a part of the picture.
    :param box: what ``image`` stands for, and is going to be scaled: left, top, right, bottom, in its pixels; None is
        all of it. Where only a part of the image is made, it may be beyond what is there.
    """

    image: Image.Image
    profile: Profile | None
    ground: Ground
    scale: tuple[float, float] = (1.0, 1.0)
    origin: tuple[int, int] = (0, 0)
    box: tuple[float, float, float, float] | None = None

    @property
    def coloured(self) -> Coloured:
        return Coloured(self.image, self.profile)

    def recoloured(self, coloured: Coloured) -> Work:
        return attrs.evolve(self, image=coloured.image, profile=coloured.profile)


Step = Callable[[Work, Job], Work]


def begin(picture: Picture) -> Work:
    """A decoded picture as the work that the first step takes: its palette expanded, its profile checked."""
    image = picture.image
    # 1 bit stays, for the formats that have it, as long as nothing needs shades.
    if image.mode != "1" or "transparency" in image.info:
        image = to_working_mode(image)
    profile = embedded_profile(picture.icc, colour_space(image.mode))
    full, reduced = picture.full_size, picture.reduced
    scale = _scale(full, image.size) if reduced is None else (full.width / reduced.width, full.height / reduced.height)
    ground = Ground(Image.new("RGB", (1, 1)))
    return Work(image=image, profile=profile, ground=ground, scale=scale, origin=picture.origin)


def _scale(full: Size, size: tuple[int, int]) -> tuple[float, float]:
    """Decoders that reduce round up, and the last pixel then stands for less than a whole one."""
    for factor in _REDUCTIONS:
        if (-(-full.width // factor), -(-full.height // factor)) == size:
            return float(factor), float(factor)
    return full.width / size[0], full.height / size[1]


def choose_ground(work: Work, job: Job) -> Work:
    """Fill colour; and alpha, if a transparent one is going to be seen."""
    needed = _shows_ground(job)
    if needed and job.spec.fill == "none" and job.format.alpha:
        work = _with_alpha(work, job)
    elif needed:
        work = attrs.evolve(work, image=continuous(work.image))
    ground = chosen_ground(job.spec.fill, work.coloured, needed=needed, store=job.profiles)
    return attrs.evolve(work, ground=ground)


def _shows_ground(job: Job) -> bool:
    return job.spec.rotation % QUARTER_TURN != 0 or job.plan.canvas != job.plan.inner


def _with_alpha(work: Work, job: Job) -> Work:
    if colour_space(work.image.mode) == "CMYK":
        # CMYK has no room for alpha. Where it is to stay CMYK, the ground is white.
        stays = "CMYK" in job.format.modes and job.spec.colorspace not in ("rgb", "gray")
        if stays or job.spec.icc_profile:
            return work
        work = work.recoloured(colour.to_srgb(work.coloured, job.profiles))
    return attrs.evolve(work, image=with_alpha(work.image))


def flip(work: Work, job: Job) -> Work:
    if job.spec.flip is None:
        return work
    return attrs.evolve(work, image=work.image.transpose(_FLIPS[job.spec.flip]))


def rotate(work: Work, job: Job) -> Work:
    rotation = job.spec.rotation
    if not rotation:
        return work
    x, y = work.scale
    if rotation % QUARTER_TURN == 0:
        swapped = (x, y) if rotation == 2 * QUARTER_TURN else (y, x)
        return attrs.evolve(work, image=quarter_turned(work.image, rotation), scale=swapped)
    natural, rotated = job.plan.natural, job.plan.rotated
    image = turned(
        work.image,
        rotation,
        canvas=(rotated.width / x, rotated.height / y),
        centre=(natural.width / x / 2, natural.height / y / 2),
        ground=work.ground,
        quality=job.quality,
    )
    return attrs.evolve(work, image=image)


def crop(work: Work, job: Job) -> Work:
    """Cut off what is not wanted, so that nothing of it can bleed in later."""
    edges = cut(job.plan, work.scale)
    wanted = whole_pixels(edges)
    x, y = work.origin
    left, top = max(wanted.left, x), max(wanted.top, y)
    right, bottom = min(wanted.right, x + work.image.width), min(wanted.bottom, y + work.image.height)
    if (left - x, top - y, right - x, bottom - y) != (0, 0, *work.image.size):
        work = attrs.evolve(work, image=work.image.crop((left - x, top - y, right - x, bottom - y)))
    if work.scale != (1.0, 1.0) or job.part is not None:
        work = attrs.evolve(work, box=(edges[0] - left, edges[1] - top, edges[2] - left, edges[3] - top))
    if work.box is not None and job.part is None:
        work = attrs.evolve(work, box=_inside(work.box, work.image.size))
    box = job.plan.crop
    if box is not None and job.spec.fill == "auto" and not job.spec.rotation:
        ground = chosen_ground("auto", work.coloured, needed=True, store=job.profiles)
        work = attrs.evolve(work, ground=ground)
    return work


def _inside(box: tuple[float, float, float, float], size: tuple[int, int]) -> tuple[float, float, float, float]:
    """The last digits of a fraction must not lead out of the picture."""
    return max(box[0], 0.0), max(box[1], 0.0), min(box[2], float(size[0])), min(box[3], float(size[1]))


def resize_and_pad(work: Work, job: Job) -> Work:
    plan = job.plan
    if job.part is not None:
        return _part_resized(work, job, job.part)
    image = work.image
    inner = (plan.inner.width, plan.inner.height)
    if work.box is not None or image.size != inner:
        image = scaled(work.coloured, inner, job, box=work.box)
    if plan.canvas != plan.inner:
        ink = work.ground.ink(image.mode)
        canvas = Image.new(image.mode, (plan.canvas.width, plan.canvas.height), ink if len(ink) > 1 else ink[0])
        canvas.paste(image, plan.offset)
        image = canvas
    return attrs.evolve(work, image=image, scale=(1.0, 1.0), box=None)


def _part_resized(work: Work, job: Job, part: Part) -> Work:
    """The same, of a part of the image alone."""
    plan, visible = job.plan, part.visible
    image = continuous(work.image)
    if visible is not None:
        box = within(work.box or (0.0, 0.0, float(image.width), float(image.height)), plan.inner, visible)
        size = visible.width, visible.height
        image = scaled(attrs.evolve(work, image=image).coloured, size, job, box=_inside(box, image.size))
    if visible is None or part.canvas.size != visible.size:
        ink = work.ground.ink(image.mode)
        canvas = Image.new(image.mode, (part.canvas.width, part.canvas.height), ink if len(ink) > 1 else ink[0])
        if visible is not None:
            x, y = plan.offset[0] - part.canvas.left, plan.offset[1] - part.canvas.top
            canvas.paste(image, (x + visible.left, y + visible.top))
        image = canvas
    return attrs.evolve(work, image=image, scale=(1.0, 1.0), box=None)


def scaled(
    picture: Coloured, size: tuple[int, int], job: Job, *, box: tuple[float, float, float, float] | None = None
) -> Image.Image:
    """The picture at another size, in the light of its own profile, or of sRGB if it has none."""
    image = continuous(picture.image)
    curve: tuple[TransferCurve, ...] | TransferCurve | None = None
    if job.gamma_correct and image.mode != "CMYK":
        curve = picture.profile.curves if picture.profile else TransferCurve.srgb()
    return resize(image, size, filter=FILTERS[job.quality], curve=curve, box=box)


def sharpen(work: Work, job: Job) -> Work:
    return attrs.evolve(work, image=sharpened(work.image, job.spec.sharpen)) if job.spec.sharpen else work


def overlay(work: Work, job: Job) -> Work:
    if job.overlay is None:
        return work
    spec, full = job.spec, job.overlay.full_size
    box = overlay_box(job.plan.canvas, full, size=spec.overlay_size, pos=spec.overlay_pos)
    top = begin(job.overlay)
    size = (box.width, box.height)
    x, y = top.scale
    if top.scale != (1.0, 1.0) or top.image.size != size:
        picture = Coloured(eight_bits(top.image), top.profile)
        image = scaled(picture, size, job, box=(0.0, 0.0, full.width / x, full.height / y))
        top = attrs.evolve(top, image=image)
    image = overlaid(work.coloured, top.coloured, box=box, opacity=spec.overlay_opacity, store=job.profiles)
    return attrs.evolve(work, image=image)


def tile(work: Work, job: Job) -> Work:
    """All before was done as to the whole image, so that tiles put together are the same, pixel by pixel."""
    box = job.plan.tile
    if box is None:
        return work
    x, y = (job.part.canvas.left, job.part.canvas.top) if job.part is not None else (0, 0)
    return attrs.evolve(work, image=work.image.crop((box.left - x, box.top - y, box.right - x, box.bottom - y)))


def apply_profile(work: Work, job: Job) -> Work:
    spec = job.spec
    if spec.icc_profile is None:
        return work
    profile = job.profiles.get(spec.icc_profile)
    intent = INTENTS[spec.icc_intent] if spec.icc_intent else Intent.PERCEPTUAL
    return work.recoloured(
        colour.apply_profile(
            work.coloured, profile, intent=intent, bpc=spec.icc_bpc, store=job.profiles, ground=_flat(work)
        )
    )


def convert_colorspace(work: Work, job: Job) -> Work:
    match job.spec.colorspace:
        case "rgb":
            return work.recoloured(colour.to_srgb(work.coloured, job.profiles))
        case "gray":
            return work.recoloured(colour.to_grey(work.coloured, job.profiles))
        case "cmyk":
            return work.recoloured(colour.to_cmyk(work.coloured, job.profiles, ground=_flat(work)))
    return work


def _flat(work: Work) -> tuple[int, int, int]:
    return work.ground.rgb() if has_alpha(work.image.mode) else colour.WHITE


def fit_colours(work: Work, job: Job) -> Work:
    """To sRGB, where the format can't hold the colours or can't say which they are."""
    space = colour_space(work.image.mode)
    unheld = space == "CMYK" and "CMYK" not in job.format.modes
    unsaid = space == "RGB" and not job.format.icc
    return work.recoloured(colour.to_srgb(work.coloured, job.profiles)) if unheld or unsaid else work


def strip(work: Work, job: Job) -> Work:
    """Take the profile away; RGB becomes sRGB before, which is what it is going to be taken for."""
    if not job.spec.strip:
        return work
    if colour_space(work.image.mode) == "RGB":
        work = work.recoloured(colour.to_srgb(work.coloured, job.profiles))
    return attrs.evolve(work, profile=None)


STEPS: tuple[Step, ...] = (
    choose_ground,
    flip,
    rotate,
    crop,
    resize_and_pad,
    sharpen,
    overlay,
    tile,
    apply_profile,
    convert_colorspace,
    fit_colours,
    strip,
)
"""The order of operations, whatever the order of the parameters."""


def run(
    work: Work, job: Job, *, checkpoint: Callable[[], None], stage: Callable[[str], None] = lambda name: None
) -> Work:
    """Take a decoded picture through all steps.

    :param work: from :func:`begin`. The caller should not keep it, nor the picture: it may be the largest thing in
        memory, and is no longer needed after the first steps.
    :param checkpoint: called before each step; may raise to end early.
    :param stage: told the name of each step that begins.
    """
    for step in STEPS:
        checkpoint()
        stage(step.__name__)
        work = step(work, job)
    return work
