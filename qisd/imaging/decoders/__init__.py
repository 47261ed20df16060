"""The decoders, one module per family of formats.

A family is a function that looks at the first bytes of a stream and returns a source that it opened, or None if the
stream is not one of its own. A new family (documents, camera files, drawings) is a module here, its place in
:data:`FAMILIES`, and its rows in :data:`qisd.imaging.formats.FORMATS`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import BinaryIO, Protocol

from PIL import Image

from qisd.imaging.decoders.raster import open_raster
from qisd.imaging.geometry import Size
from qisd.imaging.picture import DecodeLimits, Header, Picture, SourceInfo


class Opened(Protocol):
    """A source whose header was read."""

    @property
    def info(self) -> SourceInfo: ...

    def header(self) -> Header:
        """All that comes with the picture, without decoding it."""

    def with_pixels(self, image: Image.Image) -> Picture:
        """What :meth:`load` gives, with pixels from elsewhere: upright, at whatever size. Decodes nothing."""

    def load(self, reduce_to: Size | None, checkpoint: Callable[[], None]) -> Picture:
        """Decode it; once only. What ``checkpoint`` raises ends it where it is called, which not all decoders do."""


class Family(Protocol):
    def __call__(
        self,
        stream: BinaryIO,
        *,
        size: int,
        extension: str,
        page: int | None,
        limits: DecodeLimits,
        auto_orient: bool,
    ) -> Opened | None: ...


FAMILIES: tuple[Family, ...] = (open_raster,)
"""In the order in which they are asked."""
