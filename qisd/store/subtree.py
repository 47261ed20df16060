"""Which rows a file or a folder of the library stands for: the SQL that folders, images and the trash share."""

from __future__ import annotations

import attrs

MAX_PATH = 1024
"""Characters that a path has at most."""

DETACHED = ".deleted"
"""Below it in paths of rows, never on disk, are the records of what is gone from a place that another one has taken."""

COMPANION = ".d"
"""What follows a document's name in that of the folder with its pages."""

_DOCUMENTS = (".pdf",)


@attrs.frozen
class Subtree:
    """All that lies at one place: a folder with everything below it, or a file, with its folder of pages if it has one.

    :param path: without leading slash.
    :param file: whether it's a file. The pages of a document are in ``<path>.d``.
    """

    path: str
    file: bool

    @property
    def folder(self) -> str | None:
        """The folder that everything but the file itself is in."""
        if not self.file:
            return self.path
        return self.path + COMPANION if self.path.lower().endswith(_DOCUMENTS) else None

    def images(self) -> tuple[str, tuple[object, ...]]:
        """A condition on ``images.src``, and its parameters."""
        parts: list[tuple[str, object]] = [("src = %s", self.path)] if self.file else []
        if self.folder is not None:
            parts.append(("src like %s", like_below(self.folder)))
        return f"({' or '.join(text for text, _ in parts)})", tuple(value for _, value in parts)

    def folders(self) -> tuple[str, tuple[object, ...]]:
        """A condition on ``folders.path``, and its parameters."""
        if self.folder is None:
            return "false", ()
        return "(path = %s or path like %s)", (f"/{self.folder}", f"/{like_below(self.folder)}")


def like_below(path: str) -> str:
    """A pattern for LIKE of everything below ``path``."""
    return f"{like_literally(path)}/%" if path else "%"


def like_literally(text: str) -> str:
    """A pattern for LIKE of this very text."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
