from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from qisd.accounts.lockout import refuse_lockout
from qisd.errors import Refused
from qisd.store.administrators import Administrator


def administrator(what: str, *, active: bool = True) -> Administrator:
    return Administrator(active=active, users="u" in what, permissions="p" in what)


BOTH = administrator("up")


class LockoutTests(SynchronousTestCase):
    def refused(
        self, before: dict[int, Administrator], after: dict[int, Administrator], actor: int | None = None
    ) -> None:
        error = self.assertRaises(Refused, refuse_lockout, before, after, actor=actor)
        self.assertIn("would lock", error.message)

    def test_who_makes_the_change_keeps_user_administration(self) -> None:
        before = {1: BOTH, 7: BOTH}
        self.refused(before, {1: BOTH}, actor=7)
        self.refused(before, {1: BOTH, 7: administrator("p")}, actor=7)
        refuse_lockout(before, {1: BOTH, 7: administrator("u")}, actor=7)
        refuse_lockout(before, {1: BOTH}, actor=1)
        refuse_lockout(before, {1: BOTH}, actor=None)

    def test_who_had_none_can_lose_none(self) -> None:
        refuse_lockout({1: BOTH}, {1: BOTH}, actor=7)
        refuse_lockout({1: BOTH, 7: administrator("p")}, {1: BOTH}, actor=7)

    def test_the_built_in_administrator_keeps_both(self) -> None:
        before = {1: BOTH, 7: BOTH}
        for after in ("", "u", "p"):
            self.refused(before, {1: administrator(after), 7: BOTH})
        self.refused(before, {7: BOTH})

    def test_what_the_built_in_administrator_lacks_already_can_t_be_lost(self) -> None:
        refuse_lockout({1: administrator("u"), 7: BOTH}, {1: administrator("u"), 7: BOTH}, actor=None)
        refuse_lockout({7: BOTH}, {1: administrator("u"), 7: BOTH}, actor=None)
        self.refused({1: administrator("u"), 7: BOTH}, {1: administrator("p"), 7: BOTH})

    def test_one_active_user_keeps_both(self) -> None:
        disabled = administrator("up", active=False)
        self.refused({1: disabled, 7: BOTH}, {1: disabled, 7: disabled})
        self.refused({1: disabled, 7: BOTH}, {1: disabled, 7: administrator("u"), 8: administrator("p")})
        refuse_lockout({1: disabled, 7: BOTH}, {1: disabled, 7: disabled, 8: BOTH}, actor=None)
        refuse_lockout({1: disabled}, {1: disabled}, actor=None)

    def test_gains_are_welcome(self) -> None:
        refuse_lockout({}, {1: BOTH}, actor=None)
        refuse_lockout({}, {}, actor=1)
