"""Keeping private keys where others could read them: sealed with ``SECRET_KEY``."""

from __future__ import annotations

import base64
from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_PURPOSE = b"qisd: private keys of certificates"
_BYTES = 32


class Seal:
    """Seals with the first of ``keys``, and opens what any of them has sealed."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        self._fernet = MultiFernet([Fernet(_derived(key)) for key in keys])

    def close(self, secret: bytes) -> bytes:
        return self._fernet.encrypt(secret)

    def open(self, sealed: bytes) -> bytes | None:
        """None when none of the keys fits."""
        try:
            return self._fernet.decrypt(sealed)
        except InvalidToken:
            return None


def _derived(key: bytes) -> bytes:
    """A key for this purpose alone."""
    return base64.urlsafe_b64encode(HKDF(algorithm=SHA256(), length=_BYTES, salt=None, info=_PURPOSE).derive(key))
