"""Who is asking."""

from __future__ import annotations

import attrs


@attrs.frozen
class Visitor:
    """The one behind a request: a user, or an anonymous visitor when ``user`` is None."""

    user: str | None = None

    @property
    def anonymous(self) -> bool:
        return self.user is None


ANONYMOUS = Visitor()
