"""Conversion of colours by profiles, through LittleCMS.

Of a conversion only the compiled transform is kept. It is made without LittleCMS' one-pixel cache, and so may be used
by many threads at once.
"""

from __future__ import annotations

import io
import threading
from collections import OrderedDict

import attrs
from PIL import Image, ImageCms
from PIL._imagingcms import CmsTransform

from qisd.errors import Unsupported
from qisd.imaging.channels import colour_space, continuous, eight_bits, flattened, joined, opaque_and_alpha
from qisd.imaging.profiles import Profile, ProfileStore

Intent = ImageCms.Intent
INTENTS = {
    "perceptual": Intent.PERCEPTUAL,
    "relative": Intent.RELATIVE_COLORIMETRIC,
    "saturation": Intent.SATURATION,
    "absolute": Intent.ABSOLUTE_COLORIMETRIC,
}

_OUTPUT_MODES = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK"}
_KEPT_TRANSFORMS = 32
WHITE = (255, 255, 255)


@attrs.frozen(eq=False)
class Coloured:
    """An image and the profile that says what its colours are; None: it has none of its own."""

    image: Image.Image
    profile: Profile | None


class _Transforms:
    """The transforms used last. Each takes up to a megabyte, so there are few."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[object, ...], CmsTransform] = OrderedDict()

    def get(
        self, source: Profile | None, target: Profile | None, modes: tuple[str, str], intent: Intent, *, bpc: bool
    ) -> CmsTransform:
        """None is Lab.

        :raises ValueError: LittleCMS can't make it.
        """
        key = (source and source.digest, target and target.digest, modes, intent, bpc)
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        made = _built(source, target, modes, intent, bpc=bpc)
        with self._lock:
            self._kept[key] = made
            while len(self._kept) > _KEPT_TRANSFORMS:
                self._kept.popitem(last=False)
        return made


def _built(
    source: Profile | None, target: Profile | None, modes: tuple[str, str], intent: Intent, *, bpc: bool
) -> CmsTransform:
    flags = ImageCms.Flags.NOCACHE
    if bpc:
        flags |= ImageCms.Flags.BLACKPOINTCOMPENSATION
    try:
        transform = ImageCms.ImageCmsTransform(_opened(source), _opened(target), *modes, intent, flags=flags)
    except (OSError, ValueError) as error:
        raise ValueError("this conversion can't be made") from error
    # The wrapper would keep the profiles in memory.
    return transform.transform


def _opened(profile: Profile | None) -> ImageCms.ImageCmsProfile:
    return ImageCms.ImageCmsProfile(io.BytesIO(profile.data) if profile else ImageCms.createProfile("LAB"))


_transforms = _Transforms()


def _applied(
    image: Image.Image, source: Profile | None, target: Profile | None, mode: str, intent: Intent, *, bpc: bool = False
) -> Image.Image:
    transform = _transforms.get(source, target, (image.mode, mode), intent, bpc=bpc)
    result = Image.new(mode, image.size)
    transform.apply(image.getim(), result.getim())
    return result


def converted(
    image: Image.Image, source: Profile, target: Profile, *, intent: Intent = Intent.PERCEPTUAL, bpc: bool = False
) -> Image.Image:
    """The image with its colours converted from one profile to another, in the mode of the target.

    Alpha goes along untouched; into CMYK, which can't have any, it must have been flattened before. 16 bits stay 16
    from grey to grey.

    :raises ValueError: the profiles do not fit the image or each other.
    """
    mode = _OUTPUT_MODES[target.space]
    colours, alpha = opaque_and_alpha(continuous(image))
    if colours.mode == "I;16" and mode == "L":
        mode = "I;16"
    result = _applied(colours, source, target, mode, intent, bpc=bpc)
    return result if mode == "CMYK" else joined(result, alpha)


def with_effect(image: Image.Image, source: Profile, effect: Profile, *, intent: Intent) -> Image.Image:
    """The image changed by an abstract profile: to Lab, through it, and back. The mode stays (8 bits at most)."""
    colours, alpha = opaque_and_alpha(eight_bits(image))
    mode = colours.mode
    lab = _applied(colours, source, None, "LAB", intent)
    changed = _applied(lab, effect, None, "LAB", intent)
    return joined(_applied(changed, None, source, mode, intent), alpha)


def own_profile(picture: Coloured, store: ProfileStore) -> Profile:
    """The picture's profile, or what stands for it if it has none."""
    return picture.profile or store.default(colour_space(picture.image.mode))


def apply_profile(
    picture: Coloured, profile: Profile, *, intent: Intent, bpc: bool, store: ProfileStore, ground: tuple[int, int, int]
) -> Coloured:
    """The picture in the colours of another profile, which it has from then on; or changed by an abstract one.

    Black point compensation is for the relative intent alone.

    :param ground: what shows through where alpha has to go (into CMYK).
    :raises Unsupported: the profile can't be applied.
    """
    bpc = bpc and intent == Intent.RELATIVE_COLORIMETRIC
    try:
        if profile.abstract:
            source = own_profile(picture, store)
            return Coloured(with_effect(picture.image, source, profile, intent=intent), picture.profile)
        if profile.space not in _OUTPUT_MODES:
            raise ValueError("not a space for pixels")
    except ValueError as error:
        raise Unsupported("icc: this profile can't be applied", parameter="icc", detail=str(error)) from error
    if profile.space == "CMYK":
        picture = attrs.evolve(picture, image=flattened(picture.image, ground))
    return Coloured(_converted(picture, profile, store, intent=intent, bpc=bpc), profile)


def to_srgb(picture: Coloured, store: ProfileStore) -> Coloured:
    """The picture as RGB or RGBA with the colours of sRGB; perceptual intent.

    RGB that is sRGB already is left alone. Grey without a profile keeps its values, as every viewer shows it. A
    profile that turns out to be broken is taken for none.
    """
    image, profile = picture.image, picture.profile
    space = colour_space(image.mode)
    if space == "RGB" and (profile is None or profile.srgb):
        return picture
    srgb = store.default("RGB")
    if space == "GRAY" and profile is None:
        image = eight_bits(image)
        return Coloured(image.convert("RGBA" if image.mode == "LA" else "RGB"), srgb)
    return Coloured(_converted(picture, srgb, store), srgb)


def to_grey(picture: Coloured, store: ProfileStore) -> Coloured:
    """The picture with one channel for its colours: the luma (ITU-R BT.601) of their sRGB values."""
    if colour_space(picture.image.mode) == "GRAY":
        return picture
    image = to_srgb(picture, store).image
    return Coloured(image.convert("LA" if image.mode == "RGBA" else "L"), None)


def to_cmyk(picture: Coloured, store: ProfileStore, *, ground: tuple[int, int, int]) -> Coloured:
    """The picture as CMYK by the default profile for that, perceptual intent; CMYK is left alone."""
    if colour_space(picture.image.mode) == "CMYK":
        return picture
    cmyk = store.default("CMYK")
    flat = Coloured(flattened(picture.image, ground), picture.profile)
    if colour_space(flat.image.mode) == "GRAY":
        flat = to_srgb(flat, store)
    return Coloured(_converted(flat, cmyk, store), cmyk)


def matched(picture: Coloured, main: Coloured, store: ProfileStore) -> tuple[Image.Image, Image.Image | None]:
    """The picture's colours in the colour space of another one, by its profile, and its alpha apart."""
    colours, alpha = opaque_and_alpha(eight_bits(picture.image))
    flat = Coloured(colours, picture.profile)
    space = colour_space(main.image.mode)
    target = main.profile
    if target is None or target.srgb:
        if space == "RGB":
            return to_srgb(flat, store).image, alpha
        if space == "GRAY":
            return to_grey(flat, store).image, alpha
        target = store.default(space)
    if flat.profile == target and colour_space(colours.mode) == space:
        return colours, alpha
    if colour_space(colours.mode) == space == "CMYK" and flat.profile is None:
        return colours, alpha
    if colour_space(colours.mode) == "GRAY" and flat.profile is None:
        flat = to_srgb(flat, store)
    return _converted(flat, target, store), alpha


def _converted(
    picture: Coloured,
    target: Profile,
    store: ProfileStore,
    *,
    intent: Intent = Intent.PERCEPTUAL,
    bpc: bool = False,
) -> Image.Image:
    """Conversion from the picture's profile, or from the default one if LittleCMS can't use that.

    :raises Unsupported: the target can't be used.
    """
    try:
        return converted(picture.image, own_profile(picture, store), target, intent=intent, bpc=bpc)
    except ValueError:
        fallback = store.default(colour_space(picture.image.mode))
    try:
        return converted(picture.image, fallback, target, intent=intent, bpc=bpc)
    except ValueError as error:
        raise Unsupported("The colours of this image can't be converted.", detail=str(error)) from error
