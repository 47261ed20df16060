"""``/health`` and ``/ready``: for load balancers and watchdogs."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

import attrs

from qisd import __version__
from qisd.web.request import QisRequest

_NOT_KEPT = ("Cache-Control", "no-store")


@attrs.frozen(kw_only=True)
class Readiness:
    """Whether this server should be sent requests; ``checks`` says how each of its parts fares."""

    ready: bool
    checks: Mapping[str, bool]


class OperationHandlers:
    """The handlers of the operations routes."""

    def __init__(self, *, readiness: Callable[[], Readiness]) -> None:
        self._readiness = readiness

    def health(self, request: QisRequest) -> None:
        """The reactor turns; nothing else is asked."""
        request.answer(200, [("Content-Type", "text/plain; charset=utf-8"), _NOT_KEPT], b"ok")

    def ready(self, request: QisRequest) -> None:
        """200 when the server can do its work, else 503."""
        state = self._readiness()
        fields = {
            "status": "ready" if state.ready else "not ready",
            "version": __version__,
            "checks": dict(state.checks),
        }
        body = json.dumps(fields).encode("ascii")
        request.answer(200 if state.ready else 503, [("Content-Type", "application/json"), _NOT_KEPT], body)
