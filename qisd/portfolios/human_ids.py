"""The ids of portfolios that stand in their public addresses."""

from __future__ import annotations

import secrets
import unicodedata

from qisd.errors import BadParameter

LONGEST = 64
"""In characters."""

_FORBIDDEN = "%<>&.?:/"
_DIGITS = "123456789abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ"
_RANDOM_BITS = 128


def generate() -> str:
    """A new one that nobody can guess: 128 random bits in base 58, at most 22 characters."""
    return base58(secrets.randbits(_RANDOM_BITS))


def base58(number: int) -> str:
    """``number`` in digits that can't be taken for one another."""
    digits = ""
    while number or not digits:
        number, digit = divmod(number, len(_DIGITS))
        digits = _DIGITS[digit] + digits
    return digits


def checked(text: str) -> str:
    """The human id that someone chose, without blanks around it; empty if there is nothing else.

    :raises BadParameter: it is too long, or has characters in it that no address should have.
    """
    chosen = text.strip()
    if len(chosen) > LONGEST:
        raise BadParameter("human_id", f"Value is too long (max {LONGEST})")
    unfit = [character for character in chosen if character in _FORBIDDEN]
    if unfit:
        raise BadParameter("human_id", f"Value must not contain any of {' '.join(_FORBIDDEN)}")
    if any(unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") for character in chosen):
        raise BadParameter("human_id", "control characters are not allowed")
    if not unicodedata.is_normalized("NFC", chosen):
        raise BadParameter("human_id", "Value must be in Unicode normalisation form C")
    return chosen
