"""Colour profiles: those of the operator's folder, which requests name, and those that come inside of images."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType

import attrs
from PIL import ImageCms

from qisd.errors import Unsupported
from qisd.imaging.icc import ABSTRACT, DEVICES, HEADER_BYTES, is_srgb, read_icc, tone_curves
from qisd.imaging.transfer import TransferCurve

MAX_BYTES = 5 * 1024 * 1024
REMEMBERED_BYTES = 32 * 1024
PATTERN = "*.ic*"
BUILT_IN = Path(__file__).parent.parent / "share" / "icc"
"""The profiles that come with the program; those for colours without a profile are taken from here."""

DEFAULTS = MappingProxyType({"RGB": "srgb", "GRAY": "greyscale", "CMYK": "uswebcoatedswop"})
"""What pixels without a profile are taken for, by colour space."""


@attrs.frozen(kw_only=True, eq=False)
class Profile:
    """A colour profile that LittleCMS can read; equal if the bytes are.

    :param name: lower-case name in the store; empty if it came inside of an image.
    :param space: colour space of its pixels: ``RGB``, ``CMYK``, ``GRAY``, ``LAB``, ….
    :param abstract: whether it is an effect on colours (Lab to Lab) instead of a device.
    :param srgb: whether it means the same colours as sRGB.
    :param curves: tone curves of the channels of an RGB or grey profile; else empty.
    :param digest: SHA-256 of the bytes, hexadecimal.
    """

    name: str
    space: str
    abstract: bool
    srgb: bool
    curves: tuple[TransferCurve, ...] = attrs.field(repr=False)
    data: bytes = attrs.field(repr=False)
    digest: str

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Profile) and self.digest == other.digest

    def __hash__(self) -> int:
        return hash(self.digest)


def parse_profile(data: bytes, *, name: str = "") -> Profile:
    """A profile of its bytes.

    :raises ValueError: they are no profile that could be applied to an image.
    """
    icc = read_icc(data)
    if icc.kind not in DEVICES and not (icc.kind == ABSTRACT and icc.space == "LAB"):
        raise ValueError("not a profile of a device, a working space or an effect")
    try:
        ImageCms.ImageCmsProfile(io.BytesIO(data))
    except OSError as error:
        raise ValueError("not a readable profile") from error
    srgb = is_srgb(icc)
    curves = tone_curves(icc) if icc.space in ("RGB", "GRAY") else ()
    return Profile(
        name=name,
        space=icc.space,
        abstract=icc.kind == ABSTRACT,
        srgb=srgb,
        # There are many spellings of sRGB's curve; with one of them, tables are made once.
        curves=(TransferCurve.srgb(),) * 3 if srgb else curves,
        data=data,
        digest=hashlib.sha256(data).hexdigest(),
    )


def embedded_profile(data: bytes | None, space: str) -> Profile | None:
    """The profile that came with an image, if it can be used for pixels of the colour space ``space``.

    Cameras and programs embed broken and unfitting profiles; such a one is as good as none.
    """
    if not data or len(data) > MAX_BYTES:
        return None
    # Most images have one of a few small profiles. Large ones are not kept, so that the memory has a bound.
    return _remembered(data, space) if len(data) <= REMEMBERED_BYTES else _fitting(data, space)


def _fitting(data: bytes, space: str) -> Profile | None:
    try:
        profile = parse_profile(data)
    except ValueError:
        return None
    return profile if profile.space == space and not profile.abstract else None


_remembered = lru_cache(maxsize=64)(_fitting)


@lru_cache(maxsize=8)
def _built_in(name: str) -> Profile:
    return parse_profile((BUILT_IN / f"{name}.icc").read_bytes(), name=name)


@attrs.frozen(kw_only=True)
class ProfileStore:
    """The colour profiles of a folder, read once. Immutable.

    :param spaces: colour space of each profile, by name; of those too that are too large to use.
    """

    profiles: Mapping[str, Profile] = attrs.field(factory=dict, repr=False)
    spaces: Mapping[str, str] = attrs.field(factory=dict)

    @classmethod
    def load(cls, directory: Path, warn: Callable[[str], None]) -> ProfileStore:
        """Read all files ``*.ic*`` of a folder. What can't be read is left out, and said to ``warn`` in one line each.

        A profile's name is the file's, without suffix and in lower case.
        """
        profiles: dict[str, Profile] = {}
        spaces: dict[str, str] = {}
        try:
            paths = sorted(path for path in directory.glob(PATTERN) if path.is_file())
        except OSError as error:
            warn(f"The colour profiles of {directory} can't be read: {error.strerror}")
            paths = []
        for path in paths:
            name = path.stem.lower()
            if name in spaces:
                warn(f"Colour profile {path} is left out: there is another one named {name}")
                continue
            try:
                spaces[name] = _load(path, name, profiles)
            except ValueError as error:
                warn(f"Colour profile {path} is left out: {error}")
            except OSError as error:
                warn(f"Colour profile {path} is left out: {error.strerror}")
        return cls(profiles=MappingProxyType(profiles), spaces=MappingProxyType(spaces))

    @property
    def names(self) -> frozenset[str]:
        return frozenset(self.spaces)

    def by_space(self) -> dict[str, tuple[str, ...]]:
        """Names in alphabetical order, by colour space."""
        return {
            space: tuple(sorted(name for name, of in self.spaces.items() if of == space))
            for space in sorted(set(self.spaces.values()))
        }

    def get(self, name: str) -> Profile:
        """The profile of that lower-case name.

        :raises Unsupported: there is none, or it is larger than 5 MiB.
        """
        profile = self.profiles.get(name)
        if profile is None:
            reason = "is too large" if name in self.spaces else "does not exist"
            raise Unsupported(f"icc: this profile {reason}", parameter="icc")
        return profile

    def default(self, space: str) -> Profile:
        """What pixels without a profile are taken for: the folder's profile of the name in :data:`DEFAULTS` if it has
        one of that space, else the one that comes with the program."""
        name = DEFAULTS[space]
        own = self.profiles.get(name)
        return own if own is not None and own.space == space else _built_in(name)

    def digest(self) -> str:
        """Changes when any profile does."""
        digest = hashlib.sha256()
        for name, profile in sorted(self.profiles.items()):
            digest.update(f"{name}={profile.digest}\n".encode())
        return digest.hexdigest()


def _load(path: Path, name: str, profiles: dict[str, Profile]) -> str:
    """Read one file into ``profiles``, unless it is too large to use; its colour space."""
    size = path.stat().st_size
    if size <= HEADER_BYTES:
        raise ValueError("it is too short")
    if size > MAX_BYTES:
        with path.open("rb") as file:
            return read_icc(file.read(HEADER_BYTES + 1024)).space
    profile = parse_profile(path.read_bytes(), name=name)
    profiles[name] = profile
    return profile.space
