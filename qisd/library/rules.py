"""What the operator has set for the library."""

from __future__ import annotations

import attrs

from qisd.imaging.render import RenderSettings


@attrs.frozen(kw_only=True)
class LibraryRules:
    """Replaced as a whole when settings change.

    :param rendering: says which files can be read.
    :param unicode_names: whether new names keep what is not ASCII.
    :param trash_days: for which deleted things can be had back; 0: they are gone at once.
    :param upload_dirs: label and path of each folder to upload to, made on demand; paths hold ``strftime`` codes.
    """

    rendering: RenderSettings = attrs.field(factory=RenderSettings)
    unicode_names: bool = True
    trash_days: int = 30
    upload_dirs: tuple[tuple[str, str], ...] = ()

    def is_known(self, extension: str) -> bool:
        """Whether files with this extension may be in the library, even if they can't be read."""
        return self.rendering.formats.mime_of(extension) is not None

    def is_supported(self, extension: str) -> bool:
        """Whether files with this extension can be read as images."""
        row = self.rendering.formats.by_extension(extension)
        return row is not None and row.read
