"""The file formats, in one table.

Each row says what a family of file extensions is called, whether it can be read and written, and what its files can
hold. Nothing else in the program lists formats: what may be asked for with ``format=``, what is served from the image
library, MIME types and download names all follow from here.

A format that Pillow can't read gets a row here and a family of decoders, a module in :mod:`qisd.imaging.decoders`.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

import attrs

FormatOverrides = Mapping[str, tuple[str, str] | Literal[False]]
"""By lower-case extension: title and MIME type, or False for an extension that is not to be served."""


@attrs.frozen(kw_only=True)
class Format:
    """One row.

    :param name: canonical name, one of the extensions.
    :param title: for people.
    :param extensions: lower case, without the dot.
    :param read: can be a source.
    :param write: can be made.
    :param pages: its files can hold several pages.
    :param alpha: can be written with transparency.
    :param icc: can be written with a colour profile. Where not, colours have to be made sRGB before.
    :param modes: the Pillow modes that its encoder takes, most faithful choice by :mod:`qisd.imaging.encode`.
    :param max_side: the largest width and height that can be written, in pixels.
    :param kinds: names of the file structures that its files have, as the family of decoders calls them.
    :param encoder: Pillow's name of the encoder.
    :param saved_as: extensions of its files, where ``extensions`` are names in requests only.
    """

    name: str
    title: str
    extensions: tuple[str, ...]
    mime: str
    read: bool = True
    write: bool = True
    pages: bool = False
    alpha: bool = False
    icc: bool = False
    modes: tuple[str, ...] = ()
    max_side: int = 65535
    kinds: tuple[str, ...] = ()
    encoder: str = ""
    saved_as: tuple[str, ...] = ()

    @property
    def file_extensions(self) -> tuple[str, ...]:
        """What names of its files end with, the usual one first."""
        return self.saved_as or self.extensions


FORMATS: tuple[Format, ...] = (
    Format(
        name="jpg", title="JPEG", extensions=("jpg", "jpeg", "jpe", "jfif", "jif"), mime="image/jpeg",
        icc=True, modes=("L", "RGB", "CMYK"), max_side=65500, kinds=("JPEG",), encoder="JPEG",
    ),
    Format(
        name="pjpg", title="Progressive JPEG", extensions=("pjpg", "pjpeg"), mime="image/jpeg", read=False,
        icc=True, modes=("L", "RGB", "CMYK"), max_side=65500, encoder="JPEG",
        saved_as=("jpg", "jpeg", "jpe", "jfif", "jif"),
    ),
    Format(
        name="png", title="PNG", extensions=("png",), mime="image/png",
        alpha=True, icc=True, modes=("1", "L", "LA", "RGB", "RGBA", "I;16"), max_side=2**31 - 1,
        kinds=("PNG",), encoder="PNG",
    ),
    Format(
        name="gif", title="GIF", extensions=("gif",), mime="image/gif",
        alpha=True, modes=("L", "P"), kinds=("GIF",), encoder="GIF",
    ),
    Format(
        name="tif", title="TIFF", extensions=("tif", "tiff"), mime="image/tiff", pages=True,
        alpha=True, icc=True, modes=("1", "L", "LA", "RGB", "RGBA", "CMYK", "I;16"), max_side=2**31 - 1,
        kinds=("TIFF",), encoder="TIFF",
    ),
    Format(
        name="webp", title="WebP", extensions=("webp",), mime="image/webp",
        alpha=True, icc=True, modes=("RGB", "RGBA"), max_side=16383, kinds=("WEBP",), encoder="WEBP",
    ),
    Format(
        name="avif", title="AVIF", extensions=("avif",), mime="image/avif",
        alpha=True, icc=True, modes=("L", "RGB", "RGBA"), max_side=32768, kinds=("AVIF",), encoder="AVIF",
    ),
    Format(
        name="jp2", title="JPEG 2000", extensions=("jp2",), mime="image/jp2",
        alpha=True, modes=("L", "LA", "RGB", "RGBA", "I;16"), kinds=("JPEG2000",), encoder="JPEG2000",
    ),
    Format(
        name="j2k", title="JPEG 2000 code stream", extensions=("j2k", "j2c", "jpc"), mime="image/j2c",
        alpha=True, modes=("L", "LA", "RGB", "RGBA", "I;16"), kinds=("JPEG2000",), encoder="JPEG2000",
    ),
    Format(
        name="jpx", title="JPEG 2000 extended", extensions=("jpx", "jpf"), mime="image/jpx", write=False,
        kinds=("JPEG2000",),
    ),
    Format(
        name="bmp", title="Windows bitmap", extensions=("bmp",), mime="image/bmp",
        modes=("1", "L", "RGB"), max_side=2**31 - 1, kinds=("BMP",), encoder="BMP",
    ),
    Format(
        name="ico", title="Windows icon", extensions=("ico",), mime="image/x-icon", write=False, kinds=("ICO",),
    ),
    Format(
        name="ppm", title="Portable pixmap", extensions=("ppm",), mime="image/x-portable-pixmap",
        modes=("RGB",), max_side=2**31 - 1, kinds=("PPM",), encoder="PPM",
    ),
    Format(
        name="pgm", title="Portable graymap", extensions=("pgm",), mime="image/x-portable-graymap",
        modes=("L", "I;16"), max_side=2**31 - 1, kinds=("PPM",), encoder="PPM",
    ),
    Format(
        name="pbm", title="Portable bitmap", extensions=("pbm",), mime="image/x-portable-bitmap",
        modes=("1",), max_side=2**31 - 1, kinds=("PPM",), encoder="PPM",
    ),
    Format(
        name="pnm", title="Portable anymap", extensions=("pnm",), mime="image/x-portable-anymap",
        modes=("1", "L", "RGB", "I;16"), max_side=2**31 - 1, kinds=("PPM",), encoder="PPM",
    ),
    Format(
        name="tga", title="Targa", extensions=("tga",), mime="image/tga",
        alpha=True, modes=("L", "LA", "RGB", "RGBA"), kinds=("TGA",), encoder="TGA",
    ),
    Format(
        name="pcx", title="PC Paintbrush", extensions=("pcx",), mime="image/x-pcx",
        modes=("1", "L", "RGB"), kinds=("PCX",), encoder="PCX",
    ),
    Format(
        name="psd", title="Photoshop", extensions=("psd",), mime="image/psd", write=False, kinds=("PSD",),
    ),
)  # fmt: skip

_RAW = ("arw", "cr2", "mrw", "nef", "nrw", "orf", "rw2", "raw", "raf", "x3f")
_KNOWN_ONLY: Mapping[str, str] = MappingProxyType(
    {
        "xcf": "image/xcf",
        "dcm": "application/dicom",
        "pdf": "application/pdf",
        **dict.fromkeys(("eps", "epsi", "epsf", "ps"), "application/postscript"),
        **{extension: f"image/{extension}" for extension in _RAW},
    }
)
"""MIME types of files that image libraries have beside their images, and that have no row yet: they may be uploaded,
moved and deleted."""

_CANONICAL = {extension: row.name for row in FORMATS for extension in row.extensions}


def canonical_name(extension: str) -> str:
    """The name of the format that an extension stands for (``jpeg`` → ``jpg``); an unknown one stands for itself."""
    lower = extension.lower()
    return _CANONICAL.get(lower, lower)


def _by_extension(rows: tuple[Format, ...]) -> Mapping[str, Format]:
    return MappingProxyType({extension: row for row in rows for extension in row.extensions})


@attrs.frozen
class FormatTable:
    """The formats by file extension, as the settings left them. Immutable.

    :param rows: what can be read or written, by extension.
    :param unsupported: MIME types of extensions that are known, but can be neither read nor written.
    """

    rows: Mapping[str, Format] = attrs.field(factory=lambda: _by_extension(FORMATS))
    unsupported: Mapping[str, str] = _KNOWN_ONLY

    def by_extension(self, extension: str) -> Format | None:
        """The format of files with this extension (any case, no dot); None if they can be neither read nor made."""
        return self.rows.get(extension.lower())

    def write_names(self) -> frozenset[str]:
        """Everything that may be asked for as an output format."""
        return frozenset(extension for extension, row in self.rows.items() if row.write)

    def readable(self) -> tuple[Format, ...]:
        """Each format that a source may have, once."""
        return tuple({row.name: row for row in self.rows.values() if row.read}.values())

    def mime_of(self, extension: str) -> str | None:
        """The MIME type of files with this extension; None for one that nobody has heard of."""
        row = self.by_extension(extension)
        return row.mime if row is not None else self.unsupported.get(extension.lower())

    def merged(self, overrides: FormatOverrides) -> FormatTable:
        """This table with the setting ``IMAGE_FORMATS`` laid over it.

        A new extension with the MIME type of a format that is there already becomes another name of it; with any
        other type it is known, but not supported.
        """
        rows, unsupported = dict(self.rows), dict(self.unsupported)
        by_mime = {row.mime: row for row in reversed(FORMATS)}
        for extension, override in overrides.items():
            row = rows.pop(extension, None)
            unsupported.pop(extension, None)
            if override is False:
                continue
            title, mime = override
            row = row or by_mime.get(mime)
            if row is None:
                unsupported[extension] = mime
            else:
                rows[extension] = attrs.evolve(row, title=title, mime=mime)
        return FormatTable(MappingProxyType(rows), MappingProxyType(unsupported))
