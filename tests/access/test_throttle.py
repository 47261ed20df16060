"""How often one may try: what counts as one account, and as one address."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from qisd.access.throttle import LoginThrottle
from qisd.errors import TooManyRequests
from qisd.store import login_failures


class FakeBudgets:
    """Stands in for the table: so many tries for each, and no new ones."""

    def __init__(self, each: int) -> None:
        self._each = each
        self.left: dict[str, float] = {}

    async def transaction(self, work: Callable[[Any], Awaitable[Any]]) -> Any:
        before = dict(self.left)
        try:
            return await work(self)
        except BaseException:
            self.left = before
            raise

    async def take(self, db: object, subject: str, *, per_minute: int) -> float | None:
        self.left[subject] = self.left.get(subject, self._each) - 1
        return None if self.left[subject] >= 0 else 2.3

    async def give_back(self, db: object, subject: str) -> None:
        self.left[subject] += 1

    async def forget(self, db: object, subject: str) -> None:
        self.left.pop(subject, None)


class ThrottleTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.budgets = FakeBudgets(3)
        for name in ("take", "give_back", "forget"):
            self.patch(login_failures, name, getattr(self.budgets, name))
        self.throttle = LoginThrottle(self.budgets, per_minute=3)  # type: ignore[arg-type]

    def attempt(self, username: str, address: str = "192.0.2.1") -> None:
        self.successResultOf(Deferred.fromCoroutine(self.throttle.attempt(username=username, address=address)))

    def succeed(self, username: str, address: str = "192.0.2.1") -> None:
        self.successResultOf(Deferred.fromCoroutine(self.throttle.succeeded(username=username, address=address)))

    def refused(self, username: str, address: str = "192.0.2.1") -> TooManyRequests:
        attempt = Deferred.fromCoroutine(self.throttle.attempt(username=username, address=address))
        error = self.failureResultOf(attempt, TooManyRequests).value
        assert isinstance(error, TooManyRequests)
        return error

    def test_an_account_has_a_budget_whatever_address_and_case_it_is_tried_with(self) -> None:
        for name, address in (("maria", "192.0.2.1"), ("MARIA", "192.0.2.2"), ("Maria", "192.0.2.3")):
            self.attempt(name, address)
        self.assertEqual(self.refused("maria", "192.0.2.4").retry_after, 3)

    def test_an_address_has_a_budget_whatever_account_it_tries(self) -> None:
        for name in ("a", "b", "c"):
            self.attempt(name)
        self.refused("d")
        self.attempt("d", "192.0.2.9")

    def test_what_is_refused_takes_nothing_from_the_other_budget(self) -> None:
        for name in ("a", "b", "c"):
            self.attempt(name)
        for _ in range(5):
            self.refused("maria")
        self.assertNotIn("user:maria", self.budgets.left)

    def test_a_success_clears_the_account_and_gives_back_to_the_address(self) -> None:
        self.attempt("maria")
        self.attempt("maria")
        self.succeed("maria")
        self.assertEqual(self.budgets.left, {"address:192.0.2.1": 2})

    def test_one_ipv6_network_is_one_address(self) -> None:
        for number in range(3):
            self.attempt(f"user{number}", f"2001:db8:1:2:{number}::1%eth0")
        self.refused("another", "2001:db8:1:2:ffff::")
        self.attempt("another", "2001:db8:1:3::1")

    def test_an_ipv4_address_is_the_same_however_it_is_written(self) -> None:
        self.attempt("a", "::ffff:192.0.2.1")
        self.attempt("b", "192.0.2.1")
        self.assertEqual(self.budgets.left["address:192.0.2.1"], 1)

    def test_whatever_comes_as_an_address_counts_as_one(self) -> None:
        self.attempt("a", "")
        self.attempt("b", "x" * 500)
        self.assertTrue(all(len(subject) < 140 for subject in self.budgets.left))
        self.attempt("y" * 5000, "192.0.2.77")
        self.assertTrue(all(len(subject) < 140 for subject in self.budgets.left))
