"""HTTPS for everybody: sending those to it who have come without (``HTTP_REDIRECT``), and keeping them (``HSTS``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qisd.web.identity import address_by_https, origin
from qisd.web.rules import WebSettings

if TYPE_CHECKING:
    from qisd.web.request import QisRequest

CHALLENGES = (b".well-known", b"acme-challenge")
"""The beginning of the addresses at which certificate authorities ask."""

_PLAIN = ((b"health",), (b"ready",))


def goes_to_https(request: QisRequest, place: list[bytes]) -> bool:
    """Send whoever has come without HTTPS to the same address with it, if that holds for all; whether that was done.

    Authorities must be answered where they ask, and balancers follow no redirects.

    :param place: the segments of the address.
    """
    if not request.site.all_by_https or tuple(place) in _PLAIN or tuple(place[:2]) == CHALLENGES:
        return False
    came = origin(request)
    target = address_by_https(request, came)
    if came.secure or target is None:
        return False
    request.answer(308, [("Location", target), ("Cache-Control", "no-store")], b"")
    return True


def https_promise(request: QisRequest) -> tuple[str, str] | None:
    """The header that has a browser come by HTTPS only from now on, where it is to; never with our own certificate."""
    settings = request.site.settings
    if not settings.hsts_max_age:
        return None
    came = origin(request)
    if not came.secure or (request.isSecure() and not request.site.certified(request.header("Host") or "")):
        return None
    return hsts_header(settings)


def hsts_header(settings: WebSettings) -> tuple[str, str]:
    return "Strict-Transport-Security", f"max-age={settings.hsts_max_age}"
