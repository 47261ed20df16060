"""What somebody who makes up an image should think about: it will be made, but may not be what they expect."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

import attrs

from qisd.imaging.formats import Format
from qisd.imaging.geometry import Plan
from qisd.imaging.picture import SourceInfo
from qisd.imaging.spec import ImageSpec

_FOR_BROWSERS = frozenset({"jpg", "pjpg", "png", "gif", "webp", "avif"})
_SPACE_OF = {"rgb": "RGB", "gray": "GRAY", "cmyk": "CMYK"}


@attrs.frozen(kw_only=True)
class Advice:
    """One thing to think about.

    :param parameter: of the URL; the one that it is best said beside.
    :param code: which thing, for programs and catalogues of texts.
    :param text: for people; ``values`` are what it names.
    """

    parameter: str
    code: str
    text: str
    values: Mapping[str, str | int] = MappingProxyType({})


@attrs.frozen(kw_only=True)
class Wanted:
    """An image that is to be looked at.

    :param output: the format that it gets.
    :param spaces: colour space of each profile, by name.
    """

    spec: ImageSpec
    plan: Plan
    source: SourceInfo
    output: Format
    spaces: Mapping[str, str]


def advice(wanted: Wanted) -> list[Advice]:
    """Everything there is to think about, in the order of the parameters in the documentation."""
    return [*_about_sizes(wanted), *_about_colours(wanted), *_about_the_format(wanted)]


def _about_sizes(wanted: Wanted) -> Iterator[Advice]:
    spec, plan = wanted.spec, wanted.plan
    for parameter, asked, natural in (
        ("width", spec.width or 0, plan.rotated.width),
        ("height", spec.height or 0, plan.rotated.height),
    ):
        if asked > natural:
            text = f"Larger than the original ({natural} pixels), which is never enlarged."
            yield Advice(parameter=parameter, code="larger_than_original", text=text, values={"size": natural})
    if plan.crop is not None and plan.inner.width > plan.crop.width:
        text = f"The crop has only {plan.crop.width} × {plan.crop.height} pixels and is enlarged."
        values = {"width": plan.crop.width, "height": plan.crop.height}
        yield Advice(parameter="left", code="crop_enlarged", text=text, values=values)


def _about_colours(wanted: Wanted) -> Iterator[Advice]:
    spec, output = wanted.spec, wanted.output
    space = wanted.spaces.get(spec.icc_profile or "", "")
    named = {"format": output.title}
    if spec.icc_profile and spec.strip:
        yield Advice(
            parameter="strip", code="strip_removes_profile", text="Stripping removes the profile from the file."
        )
    if spec.icc_profile and not output.icc:
        text = f"{output.title} files hold no profile."
        yield Advice(parameter="icc", code="profile_not_kept", text=text, values=named)
    if spec.colorspace and space in _SPACE_OF.values() and space != _SPACE_OF[spec.colorspace]:
        text = f"The profile is for {space}, but the colour model is another one, which comes last."
        yield Advice(parameter="colorspace", code="profile_and_model_differ", text=text, values={"space": space})
    if not _is_cmyk(wanted, space):
        return
    if "CMYK" not in output.modes:
        text = f"{output.title} files hold no CMYK: the image becomes RGB."
        yield Advice(parameter="colorspace", code="model_not_kept", text=text, values=named)
    elif not spec.icc_profile or spec.strip:
        text = "CMYK without a profile looks different from program to program."
        yield Advice(parameter="colorspace", code="cmyk_without_profile", text=text)


def _about_the_format(wanted: Wanted) -> Iterator[Advice]:
    output = wanted.output
    named = {"format": output.title}
    if not output.alpha and wanted.spec.fill == "none":
        text = f"{output.title} files are never transparent: the space is white."
        yield Advice(parameter="fill", code="transparency_not_kept", text=text, values=named)
    elif not output.alpha and wanted.source.has_alpha:
        text = f"{output.title} files are never transparent: transparent parts get a colour."
        yield Advice(parameter="format", code="transparency_lost", text=text, values=named)
    if output.name not in _FOR_BROWSERS:
        text = f"Browsers don't show {output.title} files."
        yield Advice(parameter="format", code="not_for_browsers", text=text, values=named)
    if max(wanted.plan.output.width, wanted.plan.output.height) > output.max_side:
        text = f"{output.title} files have at most {output.max_side} pixels on a side: this can't be made."
        yield Advice(
            parameter="format", code="too_large_for_format", text=text, values={**named, "size": output.max_side}
        )


def _is_cmyk(wanted: Wanted, profile_space: str) -> bool:
    """Whether the pixels are CMYK before they are fitted into the format."""
    if wanted.spec.colorspace:
        return wanted.spec.colorspace == "cmyk"
    if profile_space in _SPACE_OF.values():
        return profile_space == "CMYK"
    return wanted.source.mode == "CMYK"
