"""Transfer curves: what light a coded value stands for, and back.

A curve maps a coded value (0 to 1, black to full) to linear light (0 to 1). It comes from an ICC profile's ``TRC`` tag
or is one of the well-known ones. Resizing needs it as tables, which are made here, once per curve.

Sources: IEC 61966-2-1 (sRGB); ICC.1:2010 10.5 ``curveType`` and 10.16 ``parametricCurveType``.
"""

from __future__ import annotations

import itertools
import math
import struct
from array import array
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache

import attrs

MAX_POINTS = 65_536
MIN_RISE = 1 / 256
"""A curve that hardly rises between black and full can't be turned round."""

PARAMETERS = (1, 3, 4, 5, 7)
"""How many parameters each ICC function type has."""

TABLE_ENTRIES = 65_536


@attrs.frozen(cache_hash=True)
class TransferCurve:
    """One colour channel's transfer curve; made by the class methods, equal and hashable by value.

    A curve never falls: where the formula or the samples do, the highest value so far holds.
    """

    name: str
    kind: int | None
    """ICC function type 0 to 4, or None for a sampled curve."""
    values: tuple[float, ...]
    """Parameters in the order g, a, b, c, d, e, f; or samples at even distances."""

    @classmethod
    def srgb(cls) -> TransferCurve:
        """IEC 61966-2-1: ``((X + 0.055) / 1.055)^2.4``, and ``X / 12.92`` up to 0.04045."""
        return _SRGB

    @classmethod
    def identity(cls) -> TransferCurve:
        """Coded values taken as light."""
        return _IDENTITY

    @classmethod
    def gamma(cls, exponent: float) -> TransferCurve:
        """``X^exponent``, 0.1 to 4.

        :raises ValueError: the exponent is outside of that.
        """
        if not 0.1 <= exponent <= 4.0:
            raise ValueError("gamma: must be from 0.1 to 4")
        return cls(f"gamma {exponent:g}", 0, (float(exponent),))

    @classmethod
    def table(cls, points: Sequence[float]) -> TransferCurve:
        """A sampled curve, as in an ICC ``curv`` tag: 2 to 65,536 values from 0 to 1, linear in between.

        :raises ValueError: too few or too many points, one outside 0 to 1, or a curve that does not rise.
        """
        if not 2 <= len(points) <= MAX_POINTS:
            raise ValueError(f"points: must be 2 to {MAX_POINTS} values")
        if not all(0.0 <= point <= 1.0 for point in points):
            raise ValueError("points: must be from 0 to 1")
        rising = tuple(float(point) for point in itertools.accumulate(points, max))
        return _checked(cls(f"table of {len(rising)}", None, rising))

    @classmethod
    def parametric(cls, kind: int, parameters: Sequence[float]) -> TransferCurve:
        """A curve of ICC function type 0 to 4 (ICC.1:2010 10.16), results clipped to 0 to 1.

        ==== ============== ====================================================
        type parameters     formula
        ==== ============== ====================================================
        0    g              ``X^g``
        1    g a b          ``(aX + b)^g`` from X = -b/a on, else 0
        2    g a b c        ``(aX + b)^g + c`` from X = -b/a on, else c
        3    g a b c d      ``(aX + b)^g`` from X = d on, else ``cX``
        4    g a b c d e f  ``(aX + b)^g + e`` from X = d on, else ``cX + f``
        ==== ============== ====================================================

        :raises ValueError: an unknown type, a wrong number of parameters, or ones that give no rising curve.
        """
        if not 0 <= kind < len(PARAMETERS):
            raise ValueError("type: must be 0 to 4")
        if len(parameters) != PARAMETERS[kind]:
            raise ValueError(f"parameters: function type {kind} takes {PARAMETERS[kind]}")
        if not all(math.isfinite(value) for value in parameters):
            raise ValueError("parameters: must be numbers")
        values = tuple(float(value) for value in parameters)
        if kind in (1, 2) and values[1] <= 0.0:
            raise ValueError("parameters: a must be above 0")
        return _checked(cls(f"parametric {kind}", kind, values))

    @property
    def is_identity(self) -> bool:
        """Whether coded values are light already."""
        return (self.kind == 0 and self.values[0] == 1.0) or (self.kind is None and self.values == (0.0, 1.0))

    def linear(self, coded: float) -> float:
        """Linear light (0 to 1) of a coded value (0 to 1)."""
        light = self._interpolated(coded) if self.kind is None else self._computed(coded)
        return min(max(light, 0.0), 1.0)

    def _interpolated(self, coded: float) -> float:
        place = coded * (len(self.values) - 1)
        index = min(int(place), len(self.values) - 2)
        low, high = self.values[index], self.values[index + 1]
        return low + (high - low) * (place - index)

    def _computed(self, coded: float) -> float:
        g, a, b, c, d, e, f = _seven(self.kind, self.values)
        if coded < d:
            return c * coded + f
        # Rounding may leave a base a hair below zero at X = -b/a.
        return float(max(a * coded + b, 0.0) ** g) + e


def _seven(kind: int | None, values: tuple[float, ...]) -> tuple[float, ...]:
    """The parameters of any function type as those of type 4."""
    match kind:
        case 0:
            return (values[0], 1.0, 0.0, 0.0, -math.inf, 0.0, 0.0)
        case 1:
            g, a, b = values
            return (g, a, b, 0.0, -b / a, 0.0, 0.0)
        case 2:
            g, a, b, c = values
            return (g, a, b, 0.0, -b / a, c, c)
        case 3:
            return (*values, 0.0, 0.0)
    return values


def _checked(curve: TransferCurve) -> TransferCurve:
    """The curve, if it can be computed everywhere and rises.

    :raises ValueError: it does not.
    """
    try:
        rise = curve.linear(1.0) - curve.linear(0.0)
        for step in range(256):
            curve.linear(step / 255)
    except (OverflowError, ZeroDivisionError) as error:
        raise ValueError("parameters: give no finite curve") from error
    if not rise >= MIN_RISE:
        raise ValueError("curve: must rise from black to full")
    return curve


_IDENTITY = TransferCurve("identity", 0, (1.0,))
_SRGB = TransferCurve("sRGB", 3, (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045))


def _rising(values: Iterable[float]) -> Iterable[float]:
    return itertools.accumulate(values, max)


@lru_cache(maxsize=128)
def decode_table(curve: TransferCurve, levels: int) -> array[float]:
    """Linear light of each coded value, as 32-bit floats; ``levels`` is 256 or 65,536. Not to be changed."""
    return array("f", _rising(curve.linear(code / (levels - 1)) for code in range(levels)))


def encode_table(curve: TransferCurve, place: Callable[[float], float]) -> bytes:
    """The 8-bit code for each of 65,536 linear values, correctly rounded, never falling.

    :param place: position in the table of a linear value above 0; entry n stands for positions n to n + 1.

    A code begins where light passes that of the coded value half a step below it. Where a curve is flat at its end,
    black and full are the codes that light there comes back to.
    """
    black, full = curve.linear(0.0), curve.linear(1.0)
    last = TABLE_ENTRIES - 1
    table = bytearray()
    for code in range(1, 256):
        begins = curve.linear((code - 0.5) / 255)
        if begins >= full:
            entry = min(math.floor(place(full)), last)
        elif begins <= black:
            entry = math.floor(place(black)) + 1
        else:
            entry = math.floor(place(begins) + 0.5)
        table += bytes((code - 1,)) * (min(entry, last) - len(table))
    return bytes(table) + b"\xff" * (TABLE_ENTRIES - len(table))


def _octave_place(light: float) -> float:
    """Position in the C resampler's 8-bit table: 2048 steps per octave from 2^-32 on (``resample.h``)."""
    (bits,) = struct.unpack("<I", struct.pack("<f", light))
    return max(int(bits) - 0x2F80_0000, 0) / 4096


@lru_cache(maxsize=128)
def encode_table_8(curve: TransferCurve) -> bytes:
    """The C resampler's table from linear light to 8-bit codes."""
    return encode_table(curve, _octave_place)


@lru_cache(maxsize=16)
def encode_table_16(curve: TransferCurve) -> array[float]:
    """The C resampler's table from linear light to 16-bit codes: 1024 steps per octave from 2^-64 on, and 1.

    The codes are floats, so that the resampler can interpolate.
    """
    top = TABLE_ENTRIES - 1
    light = list(_rising(curve.linear(code / top) for code in range(TABLE_ENTRIES)))
    table = array("f")
    code = 0
    for step in range(TABLE_ENTRIES + 1):
        wanted = math.ldexp(1.0 + step % 1024 / 1024, step // 1024 - 64)
        while code < top and light[code + 1] <= wanted:
            code += 1
        if code == top or wanted <= light[0]:
            table.append(code)
        else:
            table.append(code + (wanted - light[code]) / (light[code + 1] - light[code]))
    return table
