"""How a command gets at the database: the one that the settings name, or the embedded one, whether it runs or not.

PostgreSQL never runs as root, and only its own user gets at the embedded one. So a command that root gave becomes the
account of the daemon first, for good: whatever needs root's rights, it does before.
"""

from __future__ import annotations

import os
import pwd
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from qisd.access import privileges
from qisd.access.account import Account, account_for, account_of
from qisd.access.passwords import first_password
from qisd.cli.console import CommandError, Exit
from qisd.errors import StartupError, StoreUnavailable
from qisd.settings import Settings
from qisd.store.embedded import EmbeddedPostgres, url_of_running
from qisd.store.first_run import PASSWORD_FILE
from qisd.store.migrate import migrate_and_seed
from qisd.store.state_lock import DirectoryInUse

Log = Callable[[str], None]

Missing = Literal["lend", "make", "refuse"]
"""What a command does that finds no embedded database: lend an empty one for its own time, make one for good, give up.
"""

_STARTING = 15.0
"""Seconds to wait for the embedded database of a daemon that is only just starting."""

_LOG_NAME = "postgres.log"


@contextmanager
def reach_database(
    settings: Settings,
    *,
    log: Log,
    prepare: bool = True,
    missing: Missing = "lend",
    check: Callable[[str], None] = lambda url: None,
) -> Iterator[str]:
    """The URL of the database, with a schema that is up to date. Blocks.

    The embedded database is started where no daemon has done so, and stopped again afterwards. A command of root goes
    on as the daemon's account, see :func:`become_daemon_account`.

    :param log: gets what was done to the database; never a password.
    :param prepare: False changes nothing: the schema stays as it is, and where there is no embedded database yet,
        ``missing`` is done.
    :param check: called with the URL before anything is done to the database; what it raises ends it.
    :raises CommandError: it can't be reached, or can't be used.
    """
    if prepare:
        missing = "make"
    become_daemon_account(settings, make_directories=missing == "make")
    try:
        with _server(settings, missing=missing) as url:
            check(url)
            if prepare:
                prepare_database(url, settings, log)
            yield url
    except StoreUnavailable as error:
        reason = error.detail or error.message
        raise CommandError(f"the database can't be reached: {reason}", exit_code=Exit.UNREACHABLE) from error
    except StartupError as error:
        raise CommandError(str(error), exit_code=Exit.UNREACHABLE) from error


def become_daemon_account(settings: Settings, *, make_directories: bool = True) -> None:
    """Started by root: become the account that the daemon runs as. Started by somebody else: check that it's the right
    one for the embedded database.

    :param make_directories: make ``STATE_DIR``, if it is missing.
    :raises CommandError: it is the wrong account, or it can't be had, or can't use the program.
    """
    try:
        _become(settings, make_directories=make_directories)
    except StartupError as error:
        raise CommandError(str(error)) from error


def _become(settings: Settings, *, make_directories: bool) -> None:
    owner = _owner(settings)
    if os.geteuid() != 0:
        if owner is not None and owner != os.geteuid():
            name = privileges.user_name(owner)
            raise CommandError(f"the embedded database belongs to the user {name}: give this command as {name} or root")
        account = None
    else:
        account = _account_of_owner(owner) or account_for(settings)
    if make_directories:
        privileges.make_directory(settings.state_dir, mode=0o750, account=account, setting="STATE_DIR")
    if account is not None and account.uid != 0:
        privileges.become(account)
        privileges.check_program()
        # What libpq looks for at home it may not find, but it gives up where it isn't allowed to look.
        os.environ["HOME"] = pwd.getpwuid(account.uid).pw_dir


def _owner(settings: Settings) -> int | None:
    """The user id of whom the embedded database belongs to; None when it isn't used, or isn't there yet."""
    if settings.mgmt_database_connection:
        return None
    try:
        return _directory(settings).stat().st_uid
    except FileNotFoundError:
        return None
    except OSError as error:
        raise CommandError(f"STATE_DIR: {settings.state_dir} can't be entered: {error.strerror}") from error


def _account_of_owner(owner: int | None) -> Account | None:
    return account_of(owner) if owner else None


def _directory(settings: Settings) -> Path:
    return settings.state_dir / "postgres"


@contextmanager
def _server(settings: Settings, *, missing: Missing) -> Iterator[str]:
    if settings.mgmt_database_connection:
        yield settings.mgmt_database_connection
        return
    directory = _directory(settings)
    if missing == "make" or (directory / "data").exists():
        if running := url_of_running(directory):
            yield running
            return
        with _own(directory, settings, _log_file(settings)) as url:
            yield url
        return
    if missing == "refuse":
        raise CommandError(f"there is no embedded database in {directory} yet; the daemon makes it at its first start")
    lent = Path(tempfile.mkdtemp(prefix="qis-"))
    try:
        with _own(lent / "postgres", settings, lent / _LOG_NAME) as url:
            yield url
    finally:
        shutil.rmtree(lent, ignore_errors=True)


@contextmanager
def _own(directory: Path, settings: Settings, log_file: Path) -> Iterator[str]:
    """The embedded server, started by us; or that of a daemon which was faster."""
    server = EmbeddedPostgres(directory, memory_mb=settings.embedded_database_memory_mb, log_file=log_file)
    try:
        yield _start(server, directory)
    finally:
        server.stop()


def _start(server: EmbeddedPostgres, directory: Path) -> str:
    deadline = time.monotonic() + _STARTING
    while True:
        try:
            return server.start()
        except DirectoryInUse:
            if running := url_of_running(directory):
                return running
            if time.monotonic() > deadline:
                raise
        time.sleep(0.2)


def prepare_database(url: str, settings: Settings, log: Log) -> None:
    """Bring the schema up to date, and fill an empty database with what the first run needs."""

    def tell(line: str) -> None:
        known = line.partition(" with password ")[0]
        log(line if known == line else f"{known}; its password is in {settings.state_dir / PASSWORD_FILE}")

    migrate_and_seed(
        url, first_password=lambda: first_password(settings.admin_password), state_dir=settings.state_dir, log=tell
    )


def _log_file(settings: Settings) -> Path:
    """Where the daemon's server writes its log, if we may write there as well."""
    if settings.log_target == "file" and os.access(settings.logging_base_dir, os.W_OK | os.X_OK):
        return settings.logging_base_dir / _LOG_NAME
    return settings.state_dir / _LOG_NAME
