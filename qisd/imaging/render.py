"""From the bytes of a source to the bytes of a rendition."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import BinaryIO

import attrs
import PIL

from qisd.errors import SourceTooLarge, Unsupported
from qisd.imaging import bases
from qisd.imaging.decoders.faults import decoding
from qisd.imaging.encode import Encoding, encode
from qisd.imaging.formats import Format, FormatTable
from qisd.imaging.geometry import Size, overlay_box, plan
from qisd.imaging.metadata import Metadata
from qisd.imaging.picture import DecodeLimits, Picture
from qisd.imaging.pieces import Pieces
from qisd.imaging.pipeline import Job, Work, begin, run
from qisd.imaging.profiles import ProfileStore
from qisd.imaging.reduction import sufficient_overlay_size, sufficient_size
from qisd.imaging.resample import HAVE_EXTENSION
from qisd.imaging.source import open_source
from qisd.imaging.spec import ImageSpec

PICTURES = 2
"""To be raised whenever equal requests are going to give other pixels than before."""


@attrs.frozen(kw_only=True)
class RenderSettings:
    """What decides the look of renditions besides the request.

    :param resize_quality: 1 … 3: bilinear, bicubic, Lanczos.
    :param gamma_correct: whether to resize in linear light.
    :param auto_orient: whether to turn pictures upright as EXIF tells.
    """

    resize_quality: int = 3
    gamma_correct: bool = True
    auto_orient: bool = True
    limits: DecodeLimits = attrs.field(factory=DecodeLimits)
    formats: FormatTable = attrs.field(factory=FormatTable)
    profiles: ProfileStore = attrs.field(factory=ProfileStore)

    def version(self) -> str:
        """A digest of everything here, and of the program, that can change a rendition; for cache keys."""
        parts = (
            PICTURES,
            PIL.__version__,
            HAVE_EXTENSION,
            self.resize_quality,
            self.gamma_correct,
            self.auto_orient,
            self.profiles.digest(),
        )
        return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


@attrs.frozen(kw_only=True)
class Rendition:
    """A rendered image: the bytes of a file, its format, and its size in pixels.

    :param base: that of the source, if it was made on the way.
    """

    data: bytes = attrs.field(repr=False)
    format: Format
    width: int
    height: int
    base: bytes | None = attrs.field(default=None, repr=False)


@attrs.frozen(kw_only=True)
class _Extras:
    """What goes round the pixels, from the source to the rendition."""

    metadata: Metadata
    dpi: tuple[float, float] | None


def render(
    source: BinaryIO,
    *,
    extension: str,
    spec: ImageSpec,
    settings: RenderSettings,
    overlay: BinaryIO | None = None,
    overlay_extension: str = "",
    level: int = 0,
    base: bytes | None = None,
    pieces: Pieces | None = None,
    checkpoint: Callable[[], None],
    stage: Callable[[str], None] = lambda name: None,
) -> Rendition:
    """Make the image that ``spec`` describes.

    :param source: seekable stream; it stays open.
    :param extension: of the source's file name, without dot; it also decides the output format where the spec does not.
    :param overlay: the stream of the spec's overlay, if it has one.
    :param level: the step from which it is to be made, as :func:`qisd.imaging.bases.level_for` gives it.
    :param base: of that step, if there is one; a damaged one does no harm.
    :param pieces: of the source, to be used instead of it or of a base; see :mod:`qisd.imaging.pieces`. Likewise.
    :param checkpoint: called between steps, and now and then within long ones; what it raises ends the render.
    :param stage: told what begins: ``decode``, the names of the steps, ``encode``.
    :raises Unsupported: source or overlay can't be read, or the result can't be made.
    :raises SourceTooLarge: source or overlay exceeds the limits.
    :raises BadParameter: the source has no such page, or less pixels than tiles.
    """
    try:
        return _rendered(
            source, extension, spec, settings, overlay, overlay_extension, level, base, pieces, checkpoint, stage
        )
    except MemoryError as error:
        raise SourceTooLarge("The image is too large to be made.", detail=spec.canonical()) from error


def _rendered(
    source: BinaryIO,
    extension: str,
    spec: ImageSpec,
    settings: RenderSettings,
    overlay: BinaryIO | None,
    overlay_extension: str,
    level: int,
    base: bytes | None,
    pieces: Pieces | None,
    checkpoint: Callable[[], None],
    stage: Callable[[str], None],
) -> Rendition:
    stage("decode")
    output = output_format(spec, extension, settings.formats)
    checkpoint()
    held, job, extras, made = _decoded(source, extension, spec, settings, output, level, base, pieces, checkpoint)
    if overlay is not None and spec.overlay_src is not None:
        checkpoint()
        stage("decode_overlay")
        job = attrs.evolve(job, overlay=_decoded_overlay(overlay, overlay_extension, job, settings, checkpoint))
    # Popped, so that the decoded picture is free to go as soon as the steps have done with it.
    work = run(held.pop(), job, checkpoint=checkpoint, stage=stage)
    checkpoint()
    stage("encode")
    data = encode(
        work.image,
        encoding=Encoding(
            format=output, quality=spec.quality, progressive=output.name == "pjpg", dpi=spec.dpi, strip=spec.strip
        ),
        icc=work.profile.data if work.profile else None,
        metadata=extras.metadata,
        source_dpi=extras.dpi,
        fill_rgb=work.ground.rgb(),
        checkpoint=checkpoint,
    )
    return Rendition(data=data, format=output, width=work.image.width, height=work.image.height, base=made)


def output_format(spec: ImageSpec, extension: str, formats: FormatTable) -> Format:
    """The format of the rendition: the one asked for, or else the source's own.

    :raises Unsupported: images of that format can't be made.
    """
    name = spec.format or extension
    row = formats.by_extension(name)
    if row is None or not row.write:
        raise Unsupported("format: images of the source's own type can't be made, ask for another", parameter="format")
    return row


def _decoded(
    source: BinaryIO,
    extension: str,
    spec: ImageSpec,
    settings: RenderSettings,
    output: Format,
    level: int,
    base: bytes | None,
    pieces: Pieces | None,
    checkpoint: Callable[[], None],
) -> tuple[list[Work], Job, _Extras, bytes | None]:
    opened = open_source(
        source, extension=extension, page=spec.page, limits=settings.limits, auto_orient=settings.auto_orient
    )
    sizes = plan(spec, Size(opened.info.width, opened.info.height))
    made = None
    with decoding():
        picture = None if pieces is None else pieces.picture(opened)
        part = None if pieces is None or picture is None else pieces.extract.part
        if picture is None and base is not None:
            picture = bases.picture(opened, base)
        if picture is None and level:
            whole = [opened.load(None, checkpoint)]
            checkpoint()
            made = bases.make(whole[0], opened.info, level, gamma_correct=settings.gamma_correct)
            picture = None if made is None else bases.picture(opened, made)
            picture = picture or whole.pop()
            whole.clear()
        elif picture is None:
            picture = opened.load(sufficient_size(spec, sizes), checkpoint)
    job = Job(
        spec=spec,
        plan=sizes,
        format=output,
        profiles=settings.profiles,
        quality=settings.resize_quality,
        gamma_correct=settings.gamma_correct,
        part=part,
    )
    return [begin(picture)], job, _Extras(metadata=picture.metadata, dpi=picture.dpi), made


def _decoded_overlay(
    overlay: BinaryIO, extension: str, job: Job, settings: RenderSettings, checkpoint: Callable[[], None]
) -> Picture:
    try:
        opened = open_source(
            overlay, extension=extension, page=None, limits=settings.limits, auto_orient=settings.auto_orient
        )
        natural = Size(opened.info.width, opened.info.height)
        box = overlay_box(job.plan.canvas, natural, size=job.spec.overlay_size, pos=job.spec.overlay_pos)
        with decoding():
            return opened.load(sufficient_overlay_size(natural, box.size), checkpoint)
    except Unsupported as error:
        message = f"overlay: this file is not supported ({error.message})"
        raise type(error)(message, parameter="overlay", detail=error.detail) from error
