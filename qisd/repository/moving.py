"""Moving files and folders between open folders, at once and never over something that is there already.

Names are bytes below descriptors of folders, so that nobody can put a link in the way. All of it blocks.
"""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
import stat

_NOREPLACE = 1
_UNKNOWN = (errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP)

_libc = ctypes.CDLL(None, use_errno=True)


def rename_noreplace(source: int, name: bytes, target: int, new_name: bytes) -> None:
    """Rename, in one step, unless ``new_name`` is there already.

    On file systems that can't do that, a file is linked to its new name before it loses the old one, and a folder
    replaces an empty one that is made for it.

    :raises FileExistsError: it is. :raises OSError: with EXDEV, the folders are on different file systems.
    """
    try:
        _renameat2(source, name, target, new_name)
    except OSError as error:
        if error.errno not in _UNKNOWN:
            raise
        _rename_step_by_step(source, name, target, new_name)


def copy_aside(source: int, name: bytes, target: int, temporary: bytes, *, marker: bytes) -> None:
    """Copy a file or a folder to another file system, with times and modes, down to the disk.

    :param temporary: the copy's name. What is there is overwritten.
    :param marker: name of an empty file that tells a copied folder.
    """
    discard(target, temporary)
    old, new = _path(source, name), _path(target, temporary)
    if stat.S_ISDIR(os.lstat(old).st_mode):
        shutil.copytree(os.fsdecode(old), os.fsdecode(new), symlinks=True)
        os.close(os.open(os.path.join(new, marker), os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o600))
        for folder, _, files in os.walk(new):
            for file in files:
                _sync(os.path.join(folder, file))
            _sync(folder)
    else:
        shutil.copy2(old, new, follow_symlinks=False)
        _sync(new)


def discard(folder: int, name: bytes) -> None:
    """Remove a file, or a folder with all that is in it; nothing there is fine too."""
    try:
        os.unlink(name, dir_fd=folder)
    except (FileNotFoundError, NotADirectoryError):
        return
    except (IsADirectoryError, PermissionError):
        shutil.rmtree(name, dir_fd=folder)
    except OSError as error:
        # Where nothing can be changed that is said first, whether or not something is there.
        if error.errno != errno.EROFS or os.path.lexists(_path(folder, name)):
            raise


def _rename_step_by_step(source: int, name: bytes, target: int, new_name: bytes) -> None:
    if stat.S_ISDIR(os.stat(name, dir_fd=source, follow_symlinks=False).st_mode):
        os.mkdir(new_name, dir_fd=target)
        try:
            os.rename(name, new_name, src_dir_fd=source, dst_dir_fd=target)
        except OSError:
            os.rmdir(new_name, dir_fd=target)
            raise
    else:
        os.link(name, new_name, src_dir_fd=source, dst_dir_fd=target, follow_symlinks=False)
        os.unlink(name, dir_fd=source)


def _renameat2(source: int, name: bytes, target: int, new_name: bytes) -> None:
    if _libc.renameat2(source, name, target, new_name, _NOREPLACE):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _path(folder: int, name: bytes) -> bytes:
    return b"/proc/self/fd/%d/%s" % (folder, name)


def _sync(path: bytes) -> None:
    if os.path.islink(path):
        return
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
