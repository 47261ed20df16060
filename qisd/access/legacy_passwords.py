"""Password hashes of an imported QIS: accepted until the next log-in replaces them.

Stored as ``sha1$<salt>$<hex>``, where the digits are HMAC-SHA1 with the salt as its key and the password as its
message. One round: fast to check, and fast to guess, which is why they don't stay.
"""

from __future__ import annotations

import hashlib
import hmac
import re

_STORED = re.compile(r"sha1\$([A-Za-z0-9]{1,64})\$([0-9a-fA-F]{40})")


def is_legacy(stored: str) -> bool:
    """Whether ``stored`` is such a hash, whosesoever password it is of."""
    return _STORED.fullmatch(stored) is not None


def verify(stored: str, password: str) -> bool:
    """Whether ``password`` is the one behind ``stored``; False too when ``stored`` is no hash of this kind.

    Takes the same time wherever the two differ.
    """
    match = _STORED.fullmatch(stored)
    if match is None:
        return False
    try:
        message = password.encode("utf-8")
    except UnicodeEncodeError:  # half of a surrogate pair, which nobody can have chosen
        return False
    expected = hmac.new(match[1].encode("ascii"), message, hashlib.sha1).digest()
    return hmac.compare_digest(expected, bytes.fromhex(match[2]))
