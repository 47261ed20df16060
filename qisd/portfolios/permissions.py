"""Who may do what with a portfolio."""

from __future__ import annotations

import enum

from qisd.access.levels import Flag
from qisd.access.visitor import Visitor
from qisd.errors import Forbidden, NotFound
from qisd.store import portfolios
from qisd.store.first_run import PUBLIC
from qisd.store.portfolios import Portfolio, Readers
from qisd.store.queries import Queries


class Access(enum.IntEnum):
    """What someone may do with a portfolio. Each includes the lower ones."""

    NONE = 0
    VIEW = 10
    DOWNLOAD = 20
    EDIT = 30
    DELETE = 50

    @property
    def label(self) -> str:
        """Its name in messages."""
        return self.name.capitalize()


ALLOWED = (Access.NONE, Access.VIEW, Access.DOWNLOAD)
"""What everybody, or all who have logged in, may be given."""


def owns(visitor: Visitor, portfolio: Portfolio) -> bool:
    """Whether the portfolio is the visitor's, or as good as that: everything is allowed then."""
    if visitor.may(Flag.ADMIN_FOLIOS):
        return True
    return visitor.user_id == portfolio.owner_id and _limit(visitor) == Access.DELETE


def access_of(visitor: Visitor, portfolio: Portfolio) -> Access:
    """What the visitor may do: the most that *Public* or one of the visitor's groups may, and the owner everything."""
    if owns(visitor, portfolio):
        return Access.DELETE
    groups = visitor.groups | {PUBLIC}
    given = max((row.access for row in portfolio.permissions if row.group_id in groups), default=0)
    if visitor.user_id == portfolio.owner_id:  # by a key that may only read
        given = Access.DELETE
    return min(max(access for access in Access if access <= given), _limit(visitor))


def is_public(portfolio: Portfolio) -> bool:
    """Whether everybody may download it."""
    return any(row.group_id == PUBLIC and row.access >= Access.DOWNLOAD for row in portfolio.permissions)


def readers(visitor: Visitor) -> Readers:
    """Whose portfolios the visitor may see."""
    if _limit(visitor) < Access.VIEW:
        return Readers(owner_id=None, groups=frozenset())
    return Readers(
        owner_id=visitor.user_id, groups=visitor.groups | {PUBLIC}, everything=visitor.may(Flag.ADMIN_FOLIOS)
    )


def require(visitor: Visitor, portfolio: Portfolio, access: Access) -> None:
    """:raises Forbidden: the visitor may not do that."""
    if access_of(visitor, portfolio) < access:
        raise Forbidden(f"{access.label} permission is required for portfolio {portfolio.human_id}")


async def opened(db: Queries, visitor: Visitor, portfolio_id: int, access: Access, *, lock: bool = False) -> Portfolio:
    """The portfolio, for someone who may do ``access`` with it.

    :param lock: keep others from changing it until the end of the transaction.
    :raises NotFound: there is none of this id.
    :raises Forbidden: the visitor may not do that.
    """
    portfolio = await portfolios.by_id(db, portfolio_id, lock=lock)
    if portfolio is None:
        raise NotFound(str(portfolio_id))
    require(visitor, portfolio, access)
    return portfolio


def _limit(visitor: Visitor) -> Access:
    """The most that the visitor's key is for. One that holds below a folder only holds for no portfolio."""
    if visitor.scopes is None:
        return Access.DELETE
    if visitor.folder or not visitor.scopes:
        return Access.NONE
    return Access.DELETE if "admin" in visitor.scopes else Access.DOWNLOAD
