"""Make the small ICC profiles that come with qisd: ``python tools/make_profiles.py [DIRECTORY]``.

Monitor and television spaces are a matrix and a curve, both laid down in standards; grey ones are a curve alone; the
two effects are a small table in Lab. sRGB is a version 4 profile: the smallest, with which LittleCMS keeps black black
when printing colours come back to the screen. The others are version 2, which every program reads. The same bytes come
out every time. (The profiles of printing conditions are made from measured data; see the LICENSES file beside them.)

Sources: ICC.1:2001-04 and ICC.1:2010 (the format); IEC 61966-2-1 (sRGB); Adobe RGB (1998) Color Image Encoding;
ITU-R BT.709; SMPTE C and EBU 3213 (phosphors); Bradford's chromatic adaptation as in ICC.1:2010 Annex E.
"""

from __future__ import annotations

import math
import struct
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

Matrix = list[list[float]]

D50 = (0.9642, 1.0, 0.8249)
D65 = (0.3127, 0.3290)
D50_CHROMATICITY = (0.3457, 0.3585)
BRADFORD: Matrix = [[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]]

REC709 = ((0.640, 0.330), (0.300, 0.600), (0.150, 0.060))
ADOBE = ((0.640, 0.330), (0.210, 0.710), (0.150, 0.060))
APPLE = ((0.625, 0.340), (0.280, 0.595), (0.155, 0.070))
COLORMATCH = ((0.630, 0.340), (0.295, 0.605), (0.150, 0.075))
EBU = ((0.640, 0.330), (0.290, 0.600), (0.150, 0.060))
SMPTE_C = ((0.630, 0.340), (0.310, 0.595), (0.155, 0.070))

CURVE_ENTRIES = 1024
GRID = 9
COPYRIGHT = "Public domain (CC0)"


def rec709(coded: float) -> float:
    return coded / 4.5 if coded < 0.081 else ((coded + 0.099) / 1.099) ** (1 / 0.45)


def dot_gain_20(coded: float) -> float:
    """A printed grey where half-tone dots of 50 % come out as 70 %."""
    dots = 1.0 - coded
    return 1.0 - (dots + 0.8 * dots * (1.0 - dots))


def sepia(lightness: float, _a: float, _b: float) -> tuple[float, float, float]:
    """Brown mid-tones; black and white stay as they are."""
    strength = 4.0 * (lightness / 100.0) * (1.0 - lightness / 100.0)
    return lightness, 9.0 * strength, 24.0 * strength


def rotate_hue(lightness: float, a: float, b: float) -> tuple[float, float, float]:
    """Colours a third of the circle on: red becomes green, green blue."""
    sine, cosine = math.sin(math.radians(120)), math.cos(math.radians(120))
    return lightness, a * cosine - b * sine, a * sine + b * cosine


def inverse(m: Matrix) -> Matrix:
    (a, b, c), (d, e, f), (g, h, i) = m
    determinant = a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g)
    cofactors = [
        [e * i - f * h, c * h - b * i, b * f - c * e],
        [f * g - d * i, a * i - c * g, c * d - a * f],
        [d * h - e * g, b * g - a * h, a * e - b * d],
    ]
    return [[value / determinant for value in row] for row in cofactors]


def times(m: Matrix, vector: Sequence[float]) -> list[float]:
    return [sum(value * other for value, other in zip(row, vector, strict=True)) for row in m]


def xyz(x: float, y: float) -> tuple[float, float, float]:
    return x / y, 1.0, (1.0 - x - y) / y


def colorants(primaries: Sequence[tuple[float, float]], white: tuple[float, float]) -> list[list[float]]:
    """XYZ of full red, green and blue, as seen by an eye that is used to D50."""
    columns = [xyz(*primary) for primary in primaries]
    strengths = times(inverse(transposed(columns)), xyz(*white))
    adaptation = to_d50(white)
    return [
        times(adaptation, [strength * value for value in column])
        for column, strength in zip(columns, strengths, strict=True)
    ]


def to_d50(white: tuple[float, float]) -> Matrix:
    """What adapts XYZ under a white to D50."""
    cones, wanted = times(BRADFORD, xyz(*white)), times(BRADFORD, D50)
    scaled = [[value * to / of for value in row] for row, to, of in zip(BRADFORD, wanted, cones, strict=True)]
    return transposed([times(inverse(BRADFORD), column) for column in transposed(scaled)])


def transposed(m: Sequence[Sequence[float]]) -> Matrix:
    return [list(row) for row in zip(*m, strict=True)]


def s15_16(value: float) -> bytes:
    return struct.pack(">i", round(value * 65536))


def xyz_tag(values: Sequence[float]) -> bytes:
    return b"XYZ \0\0\0\0" + b"".join(s15_16(value) for value in values)


def curve_tag(curve: float | Callable[[float], float]) -> bytes:
    """A single gamma, or as many points as keep 8-bit values apart in the shadows."""
    if isinstance(curve, float):
        return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(curve * 256))
    points = [round(curve(place / (CURVE_ENTRIES - 1)) * 65535) for place in range(CURVE_ENTRIES)]
    return b"curv\0\0\0\0" + struct.pack(f">I{CURVE_ENTRIES}H", CURVE_ENTRIES, *points)


def parametric_srgb_tag() -> bytes:
    numbers = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
    return b"para\0\0\0\0" + struct.pack(">2H", 3, 0) + b"".join(s15_16(number) for number in numbers)


def unicode_tag(text: str) -> bytes:
    data = text.encode("utf-16-be")
    return b"mluc\0\0\0\0" + struct.pack(">2I4s2I", 1, 12, b"enUS", len(data), 28) + data


def text_tag(text: str) -> bytes:
    return b"text\0\0\0\0" + text.encode("ascii") + b"\0"


def description_tag(text: str) -> bytes:
    ascii_text = text.encode("ascii") + b"\0"
    return b"desc\0\0\0\0" + struct.pack(">I", len(ascii_text)) + ascii_text + bytes(8 + 3 + 67)


def lab_table_tag(effect: Callable[[float, float, float], tuple[float, float, float]]) -> bytes:
    """A 16-bit table (``mft2``) from Lab to Lab, in the encoding of version 2."""
    ends = struct.pack(">2H", 0, 65535)
    places = [step * 65535 / (GRID - 1) for step in range(GRID)]
    cells = []
    for first in places:
        for second in places:
            for third in places:
                lightness, a, b = effect(first / 652.8, second / 256 - 128, third / 256 - 128)
                coded = (lightness * 652.8, (a + 128) * 256, (b + 128) * 256)
                cells += [min(max(round(value), 0), 65535) for value in coded]
    identity = b"".join(s15_16(float(row == column)) for row in range(3) for column in range(3))
    header = b"mft2\0\0\0\0" + bytes((3, 3, GRID, 0)) + identity + struct.pack(">2H", 2, 2)
    return header + ends * 3 + struct.pack(f">{len(cells)}H", *cells) + ends * 3


def profile(
    kind: bytes, space: bytes, connection: bytes, tags: dict[bytes, bytes], *, version: int = 0x02400000
) -> bytes:
    """Header, tag table and tags; equal tags are stored once."""
    offset = 128 + 4 + 12 * len(tags)
    table, body, places = struct.pack(">I", len(tags)), b"", dict[bytes, int]()
    for name, data in tags.items():
        if data not in places:
            places[data] = offset + len(body)
            body += data + bytes(-len(data) % 4)
        table += name + struct.pack(">2I", places[data], len(data))
    size = 128 + len(table) + len(body)
    made = struct.pack(">6H", 2026, 1, 1, 0, 0, 0)
    illuminant = b"".join(s15_16(value) for value in D50)
    head = struct.pack(">I4sI", size, b"\0\0\0\0", version) + kind + space + connection + made + b"acsp"
    head += bytes(28) + illuminant
    return head + bytes(128 - len(head)) + table + body


def texts(name: str) -> dict[bytes, bytes]:
    return {b"desc": description_tag(name), b"cprt": text_tag(COPYRIGHT)}


def rgb(
    name: str,
    primaries: Sequence[tuple[float, float]],
    curve: float | Callable[[float], float],
    white: tuple[float, float] = D65,
) -> bytes:
    red, green, blue = colorants(primaries, white)
    tone = curve_tag(curve)
    tags = {
        **texts(name),
        b"wtpt": xyz_tag(D50),
        b"rXYZ": xyz_tag(red),
        b"gXYZ": xyz_tag(green),
        b"bXYZ": xyz_tag(blue),
        b"rTRC": tone,
        b"gTRC": tone,
        b"bTRC": tone,
    }
    return profile(b"mntr", b"RGB ", b"XYZ ", tags)


def srgb_4(name: str) -> bytes:
    red, green, blue = colorants(REC709, D65)
    tone = parametric_srgb_tag()
    adaptation = b"sf32\0\0\0\0" + b"".join(s15_16(value) for row in to_d50(D65) for value in row)
    tags = {
        b"desc": unicode_tag(name),
        b"cprt": unicode_tag(COPYRIGHT),
        b"wtpt": xyz_tag(D50),
        b"chad": adaptation,
        b"rXYZ": xyz_tag(red),
        b"gXYZ": xyz_tag(green),
        b"bXYZ": xyz_tag(blue),
        b"rTRC": tone,
        b"gTRC": tone,
        b"bTRC": tone,
    }
    return profile(b"mntr", b"RGB ", b"XYZ ", tags, version=0x04200000)


def grey(name: str, curve: float | Callable[[float], float], *, kind: bytes) -> bytes:
    return profile(kind, b"GRAY", b"XYZ ", {**texts(name), b"wtpt": xyz_tag(D50), b"kTRC": curve_tag(curve)})


def abstract(name: str, effect: Callable[[float, float, float], tuple[float, float, float]]) -> bytes:
    tags = {**texts(name), b"wtpt": xyz_tag(D50), b"A2B0": lab_table_tag(effect)}
    return profile(b"abst", b"Lab ", b"Lab ", tags)


def profiles() -> dict[str, bytes]:
    """File name (without suffix) and content of each."""
    return {
        "srgb": srgb_4("sRGB"),
        "adobergb1998": rgb("Compatible with Adobe RGB (1998)", ADOBE, 563 / 256),
        "applergb": rgb("Apple RGB", APPLE, 1.8),
        "colormatchrgb": rgb("ColorMatch RGB", COLORMATCH, 1.8, D50_CHROMATICITY),
        "pal-secam": rgb("PAL/SECAM", EBU, 2.2),
        "smpte-c": rgb("SMPTE-C", SMPTE_C, 2.2),
        "videohd": rgb("Video HD (BT.709)", REC709, rec709),
        "videontsc": rgb("Video NTSC (SMPTE-C)", SMPTE_C, rec709),
        "videopal": rgb("Video PAL (EBU)", EBU, rec709),
        "greyscale": grey("Greyscale, gamma 2.2", 2.2, kind=b"mntr"),
        "coatedgrey": grey("Coated grey, dot gain 20 %", dot_gain_20, kind=b"prtr"),
        "fx-sepia": abstract("Effect: sepia", sepia),
        "fx-rotatehue": abstract("Effect: hues rotated by 120 degrees", rotate_hue),
    }


def main() -> None:
    default = Path(__file__).parent.parent / "qisd" / "share" / "icc"
    directory = Path(sys.argv[1]) if len(sys.argv) > 1 else default
    for name, data in profiles().items():
        (directory / f"{name}.icc").write_bytes(data)


if __name__ == "__main__":
    main()
