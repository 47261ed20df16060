from __future__ import annotations

from datetime import UTC, datetime

from twisted.trial.unittest import SynchronousTestCase

from qisd.access.levels import Flag, implied
from qisd.access.snapshot import Account
from qisd.access.visitor import ANONYMOUS, SYSTEM, Visitor
from qisd.errors import Forbidden
from qisd.portfolios.permissions import Access, access_of, is_public, owns, readers, require
from qisd.store.portfolios import Portfolio, PortfolioPermission

OWNER = 7


def portfolio(**access: int) -> Portfolio:
    """One whose groups ``g1``, ``g2`` … have the given access."""
    rows = [
        PortfolioPermission(id=number, folio_id=3, group_id=int(name[1:]), access=value)
        for number, (name, value) in enumerate(access.items())
    ]
    return Portfolio(
        id=3,
        human_id="spring",
        name="Spring",
        description="",
        owner_id=OWNER,
        last_updated=datetime(2026, 3, 9, tzinfo=UTC),
        version=1,
        permissions=tuple(rows),
    )


def user(number: int, *groups: int, flags: tuple[Flag, ...] = (), **key: object) -> Visitor:
    account = Account(
        id=number,
        username=f"user{number}",
        active=True,
        allow_api=True,
        stamp=1,
        groups=frozenset(groups),
        flags=implied(flags),
    )
    return Visitor(account=account, by="key" if key else "session", **key)  # type: ignore[arg-type]


class AccessTests(SynchronousTestCase):
    def test_the_most_that_public_or_a_group_has_counts(self) -> None:
        shared = portfolio(g1=10, g2=20, g9=30)
        self.assertEqual(access_of(ANONYMOUS, shared), Access.VIEW)
        self.assertEqual(access_of(user(8), shared), Access.VIEW)
        self.assertEqual(access_of(user(8, 2), shared), Access.DOWNLOAD)
        self.assertEqual(access_of(user(8, 2, 9), shared), Access.EDIT)
        self.assertEqual(access_of(user(8, 2), portfolio(g1=20, g2=0)), Access.DOWNLOAD)

    def test_nobody_has_anything_of_a_private_one(self) -> None:
        private = portfolio(g1=0, g2=0)
        for visitor in (ANONYMOUS, user(8, 2), user(8, 2, 3, flags=(Flag.ADMIN_FILES, Flag.FOLIOS))):
            self.assertEqual(access_of(visitor, private), Access.NONE)

    def test_the_owner_and_those_who_administer_portfolios_have_everything(self) -> None:
        private = portfolio(g1=0, g2=0)
        for visitor in (user(OWNER), user(8, flags=(Flag.ADMIN_FOLIOS,)), user(8, flags=(Flag.ADMIN_ALL,)), SYSTEM):
            self.assertEqual((access_of(visitor, private), owns(visitor, private)), (Access.DELETE, True))

    def test_the_right_to_delete_is_not_ownership(self) -> None:
        shared = portfolio(g1=0, g9=50)
        self.assertEqual((access_of(user(8, 9), shared), owns(user(8, 9), shared)), (Access.DELETE, False))

    def test_a_key_opens_no_more_than_it_is_for(self) -> None:
        shared = portfolio(g1=10, g2=0)
        reading = user(OWNER, scopes=frozenset({"read"}))
        self.assertEqual((access_of(reading, shared), owns(reading, shared)), (Access.DOWNLOAD, False))
        admin = user(OWNER, scopes=frozenset({"admin"}))
        self.assertEqual((access_of(admin, shared), owns(admin, shared)), (Access.DELETE, True))
        below = user(OWNER, scopes=frozenset({"admin"}), folder="shop")
        self.assertEqual(access_of(below, shared), Access.NONE)
        self.assertEqual(readers(below).owner_id, None)

    def test_refusals_name_the_right_and_the_portfolio(self) -> None:
        with self.assertRaises(Forbidden) as raised:
            require(ANONYMOUS, portfolio(g1=10), Access.DOWNLOAD)
        self.assertEqual(raised.exception.message, "Download permission is required for portfolio spring")

    def test_it_is_public_when_everybody_may_download_it(self) -> None:
        self.assertTrue(is_public(portfolio(g1=20, g2=0)))
        self.assertFalse(is_public(portfolio(g1=10, g2=20)))

    def test_lists_are_of_ones_own_and_of_what_groups_see_and_of_all_for_administrators(self) -> None:
        who = readers(user(8, 2, 9))
        self.assertEqual((who.owner_id, who.groups, who.everything), (8, frozenset({1, 2, 9}), False))
        self.assertTrue(readers(user(8, flags=(Flag.ADMIN_FOLIOS,))).everything)
        self.assertEqual(readers(ANONYMOUS).groups, frozenset({1}))
