"""Started by root: prepare what only root can, then become an ordinary user."""

from __future__ import annotations

import os
import pwd
import resource
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import PIL

import qisd
from qisd.access.account import Account
from qisd.errors import StartupError


@contextmanager
def acting_as(account: Account | None) -> Iterator[None]:
    """Do something as ``account`` already, and be root again afterwards."""
    if account is None:
        yield
        return
    groups, gid, uid = os.getgroups(), os.getegid(), os.geteuid()
    os.setgroups(account.groups)
    os.setegid(account.gid)
    os.seteuid(account.uid)
    try:
        yield
    finally:
        os.seteuid(uid)
        os.setegid(gid)
        os.setgroups(groups)


def become(account: Account | None) -> None:
    """Become ``account`` for good.

    :raises StartupError: it doesn't work, or could be undone.
    """
    if account is None:
        return
    try:
        os.setgroups(account.groups)
        os.setgid(account.gid)
        os.setuid(account.uid)
    except OSError as error:
        raise StartupError(f"can't become the user {account.name}: {error.strerror}", exit_code=1) from error
    if account.uid != 0 and 0 in (os.getuid(), os.geteuid(), os.getresuid()[2]):
        raise StartupError(f"root's rights are still there after becoming {account.name}", exit_code=1)


def check_program() -> None:
    """Make sure that the program can still be read, which is only partly loaded at the start and starts Python anew.

    :raises StartupError: it lies where only root may go.
    """
    for file in (str(os.__file__), str(PIL.__file__), str(qisd.__file__), sys.executable):
        if not os.access(file, os.R_OK, effective_ids=True):
            name = user_name(os.geteuid())
            raise StartupError(f"the user {name}, who this server runs as, can't read the program in {file}")


def make_directory(path: Path, *, mode: int, account: Account | None, setting: str) -> None:
    """Make sure that the directory ``path`` is there. One that is made here belongs to ``account``.

    A directory that exists keeps its owner: it may be used by others, or be one of the system's.

    :raises StartupError: it can't be made.
    """
    missing = [directory for directory in (path, *path.parents) if not directory.exists()]
    try:
        for directory in reversed(missing):
            directory.mkdir(exist_ok=True)
            directory.chmod(mode if directory == path else 0o755)
        if missing and account is not None:
            os.chown(path, account.uid, account.gid)
    except OSError as error:
        raise StartupError(f"{setting}: {path} can't be made: {error.strerror}") from error


def check_writable(path: Path, *, setting: str) -> None:
    """:raises StartupError: the directory can't be used for writing by whom we act as."""
    if not os.access(path, os.R_OK | os.W_OK | os.X_OK, effective_ids=True):
        name = user_name(os.geteuid())
        raise StartupError(f"{setting}: {path} can't be written by the user {name}, who this server runs as")


def user_name(uid: int) -> str:
    """The name of a user, or the number of one without."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def raise_file_limit(*, wanted: int) -> int:
    """Raise the limit of open files towards ``wanted``; returns what it is now."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(hard, wanted)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return soft
