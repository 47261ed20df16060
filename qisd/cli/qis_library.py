"""The image library of a QIS: does it fit its database, and how it is copied."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

import attrs

from qisd.repository.paths import spellings
from qisd.store.qis_import_findings import Findings
from qisd.store.qis_import_rows import tidy
from qisd.store.qis_import_staging import Progress
from qisd.store.qis_source import COLUMNS, QisSource

_SKIPPED = frozenset({".metadata"})
"""At the top of the library: what helper processes of QIS note there."""

_TOLD_EVERY = 1000


def check_library(root: Path, exports_dir: str, source: QisSource, findings: Findings, progress: Progress) -> None:
    """Look for the file of every active image and the zip of every export, and for zips that nothing knows of."""
    if not os.access(root, os.R_OK | os.X_OK):
        findings.add("library_missing", root)
        return
    total = source.count("images")
    for number, row in enumerate(source.rows("images"), start=1):
        image = dict(zip(COLUMNS["images"], row, strict=True))
        if image["status"] == 1 and not _is_there(root, tidy(image["src"])):
            findings.add("file_missing", f"{image['id']}: {image['src']}")
        if number % _TOLD_EVERY == 0:
            progress("looking for files", number, total)
    _check_zips(root / exports_dir, source, findings)


def _is_there(root: Path, src: str | None) -> bool:
    try:
        return any((root / os.fsdecode(name)).is_file() for name in spellings(src or ""))
    except (OSError, ValueError):  # a name that no file can have
        return False


def _check_zips(directory: Path, source: QisSource, findings: Findings) -> None:
    on_disk = {f"{path.parent.name}/{path.name}" for path in directory.glob("*/*.zip")}
    known = set()
    for row in source.rows("folioexports"):
        export = dict(zip(COLUMNS["folioexports"], row, strict=True))
        if export["filename"]:
            known.add(f"{export['folio_id']}/{export['filename']}")
    for code, names in (("zip_missing", known - on_disk), ("zip_unknown", on_disk - known)):
        findings.add_many(code, len(names), sorted(names))


@attrs.frozen(kw_only=True)
class Copied:
    """What there is to copy, and how much of it was: the rest was there already, or failed."""

    files: int
    bytes: int
    new_files: int
    new_bytes: int


def copy_library(
    root: Path, target: Path, *, file_mode: int, dir_mode: int, trial: bool, findings: Findings, progress: Progress
) -> Copied:
    """Copy all files below ``root``, hidden ones included, with their times, and links that stay inside of it as links.

    Files that are there already, with the same size and time, aren't copied again; newer ones stay; none is removed.

    :param file_mode: of the copies; ``dir_mode`` of their directories.
    :param trial: only count.
    """
    files = size = new_files = new_bytes = 0
    for path, facts in _files(root, findings):
        files, size = files + 1, size + facts.st_size
        progress("copying files", files, 0)
        copy = target / path.relative_to(root)
        try:
            if not _is_wanted(copy, facts):
                if stat.S_ISREG(facts.st_mode) and copy.lstat().st_mtime_ns > facts.st_mtime_ns:
                    findings.add("file_newer", path.relative_to(root))
                continue
            if not trial:
                _make_directories(copy.parent, dir_mode)
                _copy(path, copy, file_mode)
        except OSError as error:
            findings.add("file_not_copied", f"{path.relative_to(root)}: {error.strerror}")
            continue
        new_files, new_bytes = new_files + 1, new_bytes + facts.st_size
    return Copied(files=files, bytes=size, new_files=new_files, new_bytes=new_bytes)


def _files(root: Path, findings: Findings) -> Iterator[tuple[Path, os.stat_result]]:
    """All regular files, and all links that stay inside; each with what ``lstat`` says of it."""

    def cannot(error: OSError) -> None:
        findings.add("file_not_copied", f"{error.filename}: {error.strerror}")

    inside = root.resolve()
    for folder, folders, names in os.walk(root, onerror=cannot):
        here = Path(folder)
        if here == root:
            folders[:] = [name for name in folders if name not in _SKIPPED]
        links = [name for name in folders if (here / name).is_symlink()]  # they are not walked into
        for path in sorted(here / name for name in (*names, *links)):
            facts = path.lstat()
            if stat.S_ISREG(facts.st_mode) or (stat.S_ISLNK(facts.st_mode) and _stays(path, inside)):
                yield path, facts
            elif stat.S_ISLNK(facts.st_mode):
                findings.add("link_left_out", path.relative_to(root))


def _stays(link: Path, inside: Path) -> bool:
    try:
        return link.resolve(strict=True).is_relative_to(inside)
    except (OSError, RuntimeError):
        return False


def _is_wanted(copy: Path, facts: os.stat_result) -> bool:
    """Whether ``copy`` is missing, or older than the original, or of another size at the same time."""
    try:
        there = copy.lstat()
    except FileNotFoundError:
        return True
    if stat.S_ISLNK(facts.st_mode) or stat.S_ISLNK(there.st_mode):
        return False
    older = there.st_mtime_ns < facts.st_mtime_ns
    return older or (there.st_mtime_ns == facts.st_mtime_ns and there.st_size != facts.st_size)


def _make_directories(path: Path, mode: int) -> None:
    missing = [one for one in (path, *path.parents) if not one.exists()]
    for one in reversed(missing):
        one.mkdir(exist_ok=True)
        one.chmod(mode)


def _copy(path: Path, copy: Path, mode: int) -> None:
    """Copy a file as a whole or not at all; a link so that it leads to the copy of what it leads to."""
    partial = copy.with_name(f".{copy.name[:60]}.part")
    try:
        partial.unlink(missing_ok=True)
        if path.is_symlink():
            partial.symlink_to(os.path.relpath(path.resolve(), path.parent.resolve()))
        else:
            shutil.copyfile(path, partial)
            shutil.copystat(path, partial)
            partial.chmod(mode)
        partial.replace(copy)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
