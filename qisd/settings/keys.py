"""What counts as a usable secret key."""

from __future__ import annotations

import base64
import binascii
import itertools
import re

import attrs

from qisd.settings.kinds import Kind

MASK = "********"
"""What is shown in place of a secret."""

_LEAST_CHARACTERS = 32
_LEAST_BYTES = 24
_LEAST_DIFFERENT = 8
_SEQUENCES = tuple(
    (row + row)
    for row in (
        "abcdefghijklmnopqrstuvwxyz",
        "abcdefghijklmnopqrstuvwxyz0123456789",
        "0123456789abcdefghijklmnopqrstuvwxyz",
        "1234567890abcdefghijklmnopqrstuvwxyz",
        "1234567890qwertyuiopasdfghjklzxcvbnm",
    )
)
_PLACEHOLDERS = (
    "changeme",
    "changethis",
    "replaceme",
    "insecure",
    "mysecret",
    "yoursecret",
    "secretkey",
    "supersecret",
    "thisisa",
    "notasecret",
    "topsecret",
    "keepthissecret",
    "example",
    "password",
    "0123456789abcdef",
    "correcthorse",
)


def decode_key(text: str) -> bytes:
    """The key that ``text`` stands for: its own characters, or those of ``hex:…`` or ``base64:…``.

    :raises ValueError: it is too short, or can be guessed; the text reads on from the setting's name.
    """
    scheme, separator, rest = text.partition(":")
    if separator and scheme in {"hex", "base64"}:
        try:
            key = bytes.fromhex(rest) if scheme == "hex" else base64.b64decode(rest, validate=True)
        except (ValueError, binascii.Error):
            raise ValueError(f"is not valid {scheme} after {scheme}:") from None
        if len(key) < _LEAST_BYTES:
            raise ValueError(f"must hold at least {_LEAST_BYTES} bytes")
    else:
        key = text.encode()
        if len(text) < _LEAST_CHARACTERS:
            raise ValueError(f"must be at least {_LEAST_CHARACTERS} characters; `qis secret` makes one")
    if _guessable(key):
        raise ValueError("can be guessed; `qis secret` makes one that can't")
    return key


@attrs.frozen
class SecretKey(Kind[str]):
    """A key as :func:`decode_key` takes it; with ``empty``, the empty text is allowed."""

    empty: bool = attrs.field(default=True, kw_only=True)

    def convert(self, value: object) -> str:
        if not isinstance(value, str):
            raise ValueError("must be text in quotes")
        if value or not self.empty:
            decode_key(value)
        return value

    def describe(self) -> str:
        form = f"at least {_LEAST_CHARACTERS} characters, or hex:… or base64:… of {_LEAST_BYTES} bytes"
        return f"{form}, or empty" if self.empty else form


def _guessable(key: bytes) -> bool:
    """Whether ``key`` is a pattern or one of the constants that examples and templates are full of."""
    if len(set(key)) < _LEAST_DIFFERENT:
        return True
    if any(key == (key[:period] * len(key))[: len(key)] for period in range(1, len(key) // 2 + 1)):
        return True
    steps = {(later - earlier) % 256 for earlier, later in itertools.pairwise(key)}
    if len(steps) == 1:
        return True
    text = re.sub(r"[^a-z0-9]", "", key.decode("latin-1").lower())
    if len(text) >= len(key) // 2 and any(text in row or text[::-1] in row for row in _SEQUENCES):
        return True
    return any(word in text for word in _PLACEHOLDERS)
