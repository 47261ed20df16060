"""The key that signs sessions and tokens."""

from __future__ import annotations

import os
import secrets
import string
from pathlib import Path

from qisd.errors import StartupError
from qisd.settings import Settings
from qisd.settings.keys import decode_key

FILE_NAME = "secret_key"

_LENGTH = 32
_ALPHABET = string.ascii_letters + string.digits
_LONGEST = 4096


def generate_secret() -> str:
    """32 random letters and digits: 190 bits."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))


def resolve_secret_key(settings: Settings) -> bytes:
    """The key that ``SECRET_KEY`` gives, or the one kept in ``STATE_DIR``, which is made if it isn't there yet.

    Blocks on file access. However many processes call this at once, they all get the same key.

    :raises StartupError: the kept key can't be read, made or used.
    """
    if settings.secret_key:
        return decode_key(settings.secret_key)
    path = settings.state_dir / FILE_NAME
    try:
        text = _read(path)
        if text is None:
            settings.state_dir.mkdir(mode=0o750, parents=True, exist_ok=True)
            _publish(path, generate_secret())
            text = _read(path) or ""
    except OSError as error:
        raise StartupError(f"{path}: {error.strerror}") from error
    try:
        return decode_key(text)
    except ValueError as error:
        raise StartupError(f"{path}: the key in it {error}") from None


def signing_keys(settings: Settings) -> tuple[bytes, ...]:
    """The key that new sessions and tokens are signed with, then those that are accepted still. Blocks."""
    return resolve_secret_key(settings), *(decode_key(key) for key in settings.secret_key_old)


def _read(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            return file.read(_LONGEST).decode("ascii", "replace").strip()
    except FileNotFoundError:
        return None


def _publish(path: Path, secret: str) -> None:
    """Make the file at ``path``, complete or not at all; one that is there already stays as it is."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(8)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(secret + "\n")
            file.flush()
            os.fsync(file.fileno())
        # Unlike a rename, a link never replaces the file of a process that was first.
        path.hardlink_to(temporary)
    except FileExistsError:
        pass
    finally:
        temporary.unlink()
