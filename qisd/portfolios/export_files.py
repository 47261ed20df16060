"""The zips of portfolios on disk: ``<root>/<FOLIO_EXPORTS_DIR>/<id of the portfolio>/<32 hex digits>.zip``.

Everything here blocks and belongs into a thread.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import shutil
import stat
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

import attrs

from qisd.errors import StoreUnavailable
from qisd.portfolios.zip_writer import ZipWriter, check_space, sync_folder
from qisd.repository.mounted import check_there

_NAME = re.compile(r"[0-9a-f]{32}\.zip")
_PART = re.compile(r"\.[0-9a-f-]{36}\.part")
_FOLDER = re.compile(r"[1-9][0-9]{0,18}")


@attrs.frozen(kw_only=True)
class ExportPlace:
    """Where zips are kept, as the settings say.

    :param root: the image library.
    :param folder: path of the zips' folder below it.
    :param file_mode: permissions of zips; ``folder_mode`` those of their folders.
    :param min_free: bytes that must stay free on the disk.
    :param check_file: a file below the root that is there whenever the library is; empty: there is none.
    """

    root: Path
    folder: str
    file_mode: int = 0o644
    folder_mode: int = 0o755
    min_free: int = 0
    check_file: str = ""


@attrs.frozen(kw_only=True)
class OpenZip:
    """A zip that is open for reading; whoever gets it closes ``stream``."""

    stream: BinaryIO
    size: int
    modified: float


@attrs.frozen(kw_only=True)
class FoundFile:
    """A file in the folder of a portfolio.

    :param changed: time of its last change, in seconds since 1970.
    """

    portfolio_id: int
    name: str
    changed: float


@attrs.frozen
class ExportFiles:
    """The files of all zips.

    :param place: gives the place as the settings say it now.
    """

    place: Callable[[], ExportPlace]

    def check_space(self) -> None:
        """:raises NoSpace: there is no room for another zip."""
        place = self.place()
        check_space(place.root, place.min_free)

    def create(self, portfolio_id: int) -> ZipWriter:
        """Begin a zip of a portfolio.

        :raises NoSpace: there is no room for it.
        :raises StoreUnavailable: the library is not there, or can't be written to.
        """
        place = self.place()
        check_there(os.fsencode(place.root), os.fsencode(place.check_file))
        while True:
            folder = _made(place, portfolio_id)
            try:
                return ZipWriter(folder / f".{uuid.uuid4()}.part", mode=place.file_mode, min_free=place.min_free)
            except StoreUnavailable:
                if folder.exists():
                    raise
                # It was empty, and went with the last zip in it: once more.

    def keep(self, portfolio_id: int, filename: str) -> None:
        """Bring a finished zip to where it is kept; here it is there already. May take minutes."""

    def open(self, portfolio_id: int, filename: str) -> OpenZip | None:
        """A finished zip; None when it is gone."""
        if not is_zip_name(filename):
            return None
        try:
            descriptor = os.open(
                self._folder(portfolio_id) / filename, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
            )
        except OSError as error:
            if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP):
                return None
            raise StoreUnavailable(detail=f"opening a zip: {error}") from error
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            os.close(descriptor)
            return None
        return OpenZip(stream=os.fdopen(descriptor, "rb"), size=status.st_size, modified=status.st_mtime)

    def remove(self, portfolio_id: int, filename: str) -> None:
        """Remove one file, and the portfolio's folder if it is empty then. Nothing happens if it is gone."""
        folder = self._folder(portfolio_id)
        if not is_zip_name(filename) and not _PART.fullmatch(filename):
            return
        try:
            (folder / filename).unlink(missing_ok=True)
        except NotADirectoryError:
            return
        except OSError as error:
            raise StoreUnavailable(detail=f"removing a zip: {error}") from error
        with contextlib.suppress(OSError):  # the others in it keep it, or it is gone
            folder.rmdir()
        with contextlib.suppress(OSError):
            sync_folder(folder.parent)

    def remove_all(self, portfolio_id: int) -> None:
        """Remove everything of a portfolio."""
        folder = self._folder(portfolio_id)
        if not folder.is_symlink():
            shutil.rmtree(folder, ignore_errors=True)

    def found(self) -> list[FoundFile]:
        """All files of ours that there are; anything else in these folders is none of our business."""
        place = self.place()
        try:
            return list(_files(place.root / place.folder))
        except FileNotFoundError:
            return []
        except OSError as error:
            raise StoreUnavailable(detail=f"listing zips: {error}") from error

    def _folder(self, portfolio_id: int) -> Path:
        place = self.place()
        return place.root / place.folder / str(portfolio_id)


def new_name() -> str:
    """A name for a zip that nobody can guess."""
    return f"{secrets.token_hex(16)}.zip"


def is_zip_name(filename: str) -> bool:
    return _NAME.fullmatch(filename) is not None


def _made(place: ExportPlace, portfolio_id: int) -> Path:
    folder = place.root
    try:
        for part in (*place.folder.strip("/").split("/"), str(portfolio_id)):
            folder = folder / part
            with contextlib.suppress(FileExistsError):
                folder.mkdir()
                folder.chmod(place.folder_mode)
    except OSError as error:
        raise StoreUnavailable(detail=f"making {folder}: {error}") from error
    return folder


def _files(folder: Path) -> Iterator[FoundFile]:
    with os.scandir(folder) as entries:
        portfolios = [entry for entry in entries if _FOLDER.fullmatch(entry.name)]
    for portfolio in portfolios:
        if not portfolio.is_dir(follow_symlinks=False):
            continue
        with contextlib.suppress(FileNotFoundError), os.scandir(portfolio) as entries:
            for entry in entries:
                if is_zip_name(entry.name) or _PART.fullmatch(entry.name):
                    with contextlib.suppress(FileNotFoundError):
                        changed = entry.stat(follow_symlinks=False).st_mtime
                        yield FoundFile(portfolio_id=int(portfolio.name), name=entry.name, changed=changed)
