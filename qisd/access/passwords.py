"""Passwords: the rules for new ones, making the first one, and their hashes.

Hashing takes about a tenth of a second and 64 MiB: call it in a thread, never on the reactor.
"""

from __future__ import annotations

import secrets
import string
import time

from argon2 import PasswordHasher, Type, extract_parameters
from argon2.exceptions import VerificationError

from qisd.errors import BadParameter, SettingsError
from qisd.store.first_run import FirstPassword

MIN_LENGTH = 8
MAX_LENGTH = 120

# Passwords that installations were once shipped with; everybody knows them.
KNOWN_INITIAL = frozenset({"qisadmin", "qispass", "qisdbpass"})

_GENERATED_LENGTH = 10
_ALPHABET = string.ascii_letters + string.digits

# From the second choice of RFC 9106 (64 MiB, 3 passes) down to the least that OWASP recommends (19 MiB, 2 passes); one
# lane, so that a log-in takes one core. As (passes, KiB).
_COSTS = ((3, 64 * 1024), (2, 64 * 1024), (3, 32 * 1024), (2, 32 * 1024), (2, 19 * 1024))
_TARGET = 0.05
_ROUNDS = 3


def _hasher_of(passes: int, memory: int) -> PasswordHasher:
    return PasswordHasher(time_cost=passes, memory_cost=memory, parallelism=1, hash_len=32, salt_len=16, type=Type.ID)


_hasher = _hasher_of(*_COSTS[0])


def tune() -> None:
    """Choose the highest costs that this machine can bear: a log-in is to take no more than 50 ms of a processor.

    The time is in proportion to passes and memory, so only the lowest costs are tried.
    """
    global _hasher
    lowest = _hasher_of(*_COSTS[-1])
    taken = []
    for _ in range(_ROUNDS):
        began = time.thread_time()
        lowest.hash("a password")
        taken.append(time.thread_time() - began)
    passes, memory = _COSTS[-1]
    bearable = _TARGET / min(taken) * passes * memory
    _hasher = _hasher_of(*next((cost for cost in _COSTS if cost[0] * cost[1] <= bearable), _COSTS[-1]))


def hash_password(password: str) -> str:
    """The salted argon2id hash of ``password`` as PHC text (``$argon2id$v=19$…``)."""
    return _hasher.hash(password)


def verify_password(stored: str, password: str) -> bool:
    """Whether ``password`` is the one behind the PHC text ``stored``; False too when that text is no argon2 hash."""
    try:
        return _hasher.verify(stored, password)
    except (VerificationError, ValueError):  # ValueError: not a hash at all, or not ASCII
        return False


def needs_rehash(stored: str) -> bool:
    """Whether a hash was made with lower costs than the lowest of today, so that it is to be made anew."""
    try:
        made = extract_parameters(stored)
    except ValueError:
        return True
    passes, memory = _COSTS[-1]
    return made.type is not Type.ID or made.time_cost < passes or made.memory_cost < memory


def generate_password() -> str:
    """Ten random letters and digits (about 59 bits) from the operating system's secure source."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(_GENERATED_LENGTH))


def check_new_password(password: str, *, username: str) -> None:
    """Check a password that someone chose.

    :raises BadParameter: it is shorter than 8 or longer than 120 characters, the user name in any case, or one that
        installations were shipped with.
    """
    if not MIN_LENGTH <= len(password) <= MAX_LENGTH:
        raise BadParameter("password", f"must have {MIN_LENGTH} to {MAX_LENGTH} characters")
    if password.casefold() == username.casefold():
        raise BadParameter("password", "must not be the user name")
    if password.casefold() in KNOWN_INITIAL:
        raise BadParameter("password", "is publicly known as an initial password")


def first_password(given: str) -> FirstPassword:
    """The first password of ``admin``, with its hash: the one that ``ADMIN_PASSWORD`` gives, or else a random one.

    A well-known one is accepted here, since a machine image may be preset with it.

    :raises SettingsError: the given one has a length that no password may have.
    """
    if given and not MIN_LENGTH <= len(given) <= MAX_LENGTH:
        raise SettingsError([f"ADMIN_PASSWORD: must have {MIN_LENGTH} to {MAX_LENGTH} characters"])
    text = given or generate_password()
    return FirstPassword(text=text, hash=hash_password(text), generated=not given)
