"""What an ICC profile says about itself: kind, colour space, tone curves, and whether it is sRGB.

LittleCMS does the conversions; this reads only the few tags that decide whether one is needed, and what linear light
is. The bytes come from strangers: every offset is checked, nothing is trusted, nothing is computed that the size of the
profile does not bound.

Source: ICC.1:2010 7.2 (header), 7.3 (tag table), 10.5 (``curv``), 10.16 (``para``), 10.31 (``XYZ``).
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from types import MappingProxyType

import attrs

from qisd.imaging.transfer import PARAMETERS, TransferCurve

HEADER_BYTES = 128
MAX_TAGS = 200
ABSTRACT = "abst"
DEVICES = frozenset({"scnr", "mntr", "prtr", "spac"})
"""The classes that describe how colours of a device or a working space are to be understood."""

_SRGB_COLORANTS = ((0.43607, 0.22249, 0.01392), (0.38515, 0.71687, 0.09708), (0.14307, 0.06061, 0.71410))
_COLORANT_TOLERANCE = 0.002
_CURVE_TOLERANCE = 0.75 / 255
"""How far a curve may be from sRGB's, in coded values: less than shows in 8 bits."""


@attrs.frozen
class IccData:
    """A profile's bytes, and where its tags are.

    :param kind: device class, such as ``mntr``, ``prtr``, ``abst``.
    :param space: colour space of its pixels, such as ``RGB``, ``CMYK``, ``GRAY``, ``LAB``.
    """

    data: bytes = attrs.field(repr=False)
    kind: str
    space: str
    tags: Mapping[bytes, tuple[int, int]]

    def tag(self, name: bytes) -> bytes:
        """Content of a tag; empty if there is none, or if it leaves the profile."""
        offset, length = self.tags.get(name, (0, 0))
        return self.data[offset : offset + length] if offset + length <= len(self.data) else b""


def read_icc(data: bytes) -> IccData:
    """Header and tag table.

    :raises ValueError: these bytes are no ICC profile.
    """
    if len(data) <= HEADER_BYTES + 4 or data[36:40] != b"acsp":
        raise ValueError("not an ICC profile")
    (count,) = struct.unpack_from(">I", data, HEADER_BYTES)
    count = min(count, MAX_TAGS, (len(data) - HEADER_BYTES - 4) // 12)
    entries = (struct.unpack_from(">4sII", data, HEADER_BYTES + 4 + 12 * place) for place in range(count))
    tags = {name: (offset, length) for name, offset, length in entries}
    return IccData(data, _text(data[12:16]), _text(data[16:20]).upper(), MappingProxyType(tags))


def _text(field: bytes) -> str:
    return field.decode("ascii", errors="replace").strip(" \0")


def tone_curves(icc: IccData) -> tuple[TransferCurve, ...]:
    """The tone curve of each channel of an RGB profile, or of the one of a grey profile.

    Where the profile has none that can be used (it may consist of tables only), it is sRGB's.
    """
    names = (b"kTRC",) if icc.space == "GRAY" else (b"rTRC", b"gTRC", b"bTRC")
    curves = tuple(_curve(icc.tag(name)) for name in names)
    known = tuple(curve for curve in curves if curve is not None)
    return known if len(known) == len(names) else (TransferCurve.srgb(),) * len(names)


def _curve(tag: bytes) -> TransferCurve | None:
    try:
        if tag[:4] == b"curv":
            return _sampled_curve(tag)
        if tag[:4] == b"para":
            return _parametric_curve(tag)
    except (ValueError, struct.error):
        pass
    return None


def _sampled_curve(tag: bytes) -> TransferCurve:
    (count,) = struct.unpack_from(">I", tag, 8)
    if count == 0:
        return TransferCurve.identity()
    if count == 1:
        return TransferCurve.gamma(struct.unpack_from(">H", tag, 12)[0] / 256)
    if len(tag) < 12 + 2 * count:
        raise ValueError("curve leaves its tag")
    return TransferCurve.table([value / 65535 for value in struct.unpack_from(f">{count}H", tag, 12)])


def _parametric_curve(tag: bytes) -> TransferCurve:
    (kind,) = struct.unpack_from(">H", tag, 8)
    if kind >= len(PARAMETERS):
        raise ValueError("unknown kind of curve")
    values = struct.unpack_from(f">{PARAMETERS[kind]}i", tag, 12)
    return TransferCurve.parametric(kind, [value / 65536 for value in values])


def is_srgb(icc: IccData) -> bool:
    """Whether it means the same colours as sRGB, to 8 bits: the same primaries and tone curves, and no tables."""
    if icc.space != "RGB" or b"A2B0" in icc.tags:
        return False
    for name, expected in zip((b"rXYZ", b"gXYZ", b"bXYZ"), _SRGB_COLORANTS, strict=True):
        tag = icc.tag(name)
        if tag[:4] != b"XYZ " or len(tag) < 20:
            return False
        values = struct.unpack_from(">3i", tag, 8)
        if any(abs(value / 65536 - want) > _COLORANT_TOLERANCE for value, want in zip(values, expected, strict=True)):
            return False
    curves = [_curve(icc.tag(name)) for name in (b"rTRC", b"gTRC", b"bTRC")]
    return all(curve is not None and _like_srgb(curve) for curve in set(curves))


def _like_srgb(curve: TransferCurve) -> bool:
    return all(abs(_srgb_coded(curve.linear(code / 255)) - code / 255) <= _CURVE_TOLERANCE for code in range(256))


def _srgb_coded(light: float) -> float:
    """Inverse of ``TransferCurve.srgb().linear``."""
    return light * 12.92 if light <= 0.0031308 else 1.055 * math.pow(light, 1 / 2.4) - 0.055
