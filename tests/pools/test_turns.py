"""A queue in which everybody gets a turn."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from qisd.pools.turns import Turns


class TurnsTests(SynchronousTestCase):
    def turns(self, *items: str) -> Turns[str]:
        """With items whose first letter is their client."""
        turns: Turns[str] = Turns()
        for item in items:
            turns.add(item[0], item)
        return turns

    def emptied(self, turns: Turns[str]) -> list[str]:
        return [turns.take() for _ in range(len(turns))]

    def test_those_of_one_client_keep_their_order(self) -> None:
        self.assertEqual(self.emptied(self.turns("a1", "a2", "a3")), ["a1", "a2", "a3"])

    def test_clients_take_turns(self) -> None:
        self.assertEqual(
            self.emptied(self.turns("a1", "a2", "b1", "a3", "b2", "c1")), ["a1", "b1", "c1", "a2", "b2", "a3"]
        )

    def test_the_first_one_is_who_will_be_taken(self) -> None:
        turns = self.turns("a1", "b1", "a2")
        while turns:
            self.assertEqual(turns.first(), turns.take())
        self.assertRaises(KeyError, turns.take)

    def test_what_is_removed_is_not_taken(self) -> None:
        turns = self.turns("a1", "a2", "b1")
        self.assertEqual((turns.remove("b1"), turns.remove("a1"), turns.remove("a1")), (True, True, False))
        self.assertEqual((len(turns), self.emptied(turns)), (1, ["a2"]))

    def test_the_greediest_gives_way_with_what_came_last(self) -> None:
        turns = self.turns("a1", "a2", "a3", "b1")
        self.assertEqual([turns.give_way("c"), turns.give_way("c"), turns.give_way("c")], ["a3", "a2", None])
        self.assertIsNone(turns.give_way("a"))
        self.assertIsNone(self.turns().give_way("a"))

    @given(st.lists(st.sampled_from(["a", "b", "c"])))
    def test_nobody_waits_for_more_than_one_of_each_other(self, clients: list[str]) -> None:
        turns = self.turns(*(f"{client}{number}" for number, client in enumerate(clients)))
        taken = self.emptied(turns)
        self.assertEqual(sorted(taken), sorted(f"{client}{number}" for number, client in enumerate(clients)))
        for number, item in enumerate(taken):
            rank = sum(other[0] == item[0] for other in taken[:number])
            for client in set(clients):
                self.assertLessEqual(sum(other[0] == client for other in taken[:number]), rank + 1)
