"""The error of bodies that can't be read."""

from __future__ import annotations

from qisd.errors import BadParameter


class BadBody(BadParameter):
    """The body as a whole can't be read; the text is the reason alone, since no parameter is at fault."""

    code = "bad_body"

    def __init__(self, reason: str, *, detail: str = "") -> None:
        super().__init__("body", reason, detail=detail)
        self.message = reason
        self.args = (reason,)
        self.parameter = None
