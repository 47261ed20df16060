from array import array
from collections.abc import Iterable

BILINEAR: int
BICUBIC: int
LANCZOS: int
GRAY8: int
GRAY16: int
RGB: int
RGBA: int
CMYK: int

def resample(
    strips: Iterable[tuple[int, int, object, object]],
    source_size: tuple[int, int],
    box: tuple[float, float, float, float],
    size: tuple[int, int],
    filter: int,
    layout: int,
    decode: tuple[array[float], ...],
    encode: tuple[bytes | array[float], ...] | None,
    portable: bool,
    /,
) -> tuple[object, object]: ...
