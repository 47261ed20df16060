from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from qisd.access.auditing import actor_of
from qisd.access.snapshot import Account
from qisd.access.visitor import ANONYMOUS, SYSTEM, Visitor
from qisd.store.audit import Actor

MARIA = Account(id=7, username="maria", active=True, allow_api=True, stamp=1, groups=frozenset({2}), flags=frozenset())


class ActorTests(SynchronousTestCase):
    def test_a_user_goes_by_id_and_name(self) -> None:
        visitor = Visitor(account=MARIA, by="key", address="192.0.2.1", request_id="r")
        self.assertEqual(
            actor_of(visitor),
            Actor(actor_id=7, actor_name="maria", actor_kind="key", address="192.0.2.1", request_id="r"),
        )

    def test_strangers_have_no_name(self) -> None:
        self.assertEqual(actor_of(ANONYMOUS), Actor(actor_id=None, actor_name="", actor_kind="anonymous"))

    def test_the_server_and_the_command_go_by_what_they_are(self) -> None:
        self.assertEqual(actor_of(SYSTEM), Actor(actor_id=None, actor_name="system", actor_kind="system"))
        self.assertEqual(actor_of(Visitor(by="command")).actor_name, "command")
