"""Slows down those who try passwords: a budget of failures for each account and for each address."""

from __future__ import annotations

import math

from qisd.access.clients import client_of
from qisd.errors import TooManyRequests
from qisd.store import login_failures
from qisd.store.pool import Database, Transaction

_NAME_MAX = 120


class LoginThrottle:
    """Counts in the database, so that all processes of all servers count together.

    :param per_minute: failures that one account, and one address, may have in a minute.
    """

    def __init__(self, database: Database, *, per_minute: int) -> None:
        self._database = database
        self._per_minute = per_minute

    def configure(self, *, per_minute: int) -> None:
        self._per_minute = per_minute

    async def attempt(self, *, username: str, address: str) -> None:
        """Take an attempt out of both budgets before it is made; many at once can't be more than there are.

        :raises TooManyRequests: one of them is used up.
        """

        async def take(transaction: Transaction) -> None:
            for subject in _subjects(username, address):
                wait = await login_failures.take(transaction, subject, per_minute=self._per_minute)
                if wait is not None:
                    raise TooManyRequests(
                        "Too many failed attempts to log in.", retry_after=max(1, math.ceil(wait)), detail=subject
                    )

        await self._database.transaction(take)

    async def succeeded(self, *, username: str, address: str) -> None:
        """The attempt was good: the account starts over, and the address gets it back."""
        account, place = _subjects(username, address)

        async def give(transaction: Transaction) -> None:
            await login_failures.forget(transaction, account)
            await login_failures.give_back(transaction, place)

        await self._database.transaction(give)

    async def purge(self) -> None:
        await login_failures.purge(self._database)


def _subjects(username: str, address: str) -> tuple[str, str]:
    # In this order everywhere, so that two transactions don't wait for each other.
    # NUL is nothing that the database could keep.
    name = username.casefold().replace("\0", "")[:_NAME_MAX]
    return f"user:{name}", f"address:{client_of(address)}"
