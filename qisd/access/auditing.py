"""A visitor, as the audit log names them."""

from __future__ import annotations

from qisd.access.visitor import Visitor
from qisd.store.audit import Actor


def actor_of(visitor: Visitor) -> Actor:
    """Who is to be recorded as the one who did it; the server and ``qis`` go by what they are."""
    return Actor(
        actor_id=visitor.user_id,
        actor_name=visitor.username or (visitor.by if visitor.trusted else ""),
        actor_kind=visitor.by,
        address=visitor.address,
        request_id=visitor.request_id,
    )
