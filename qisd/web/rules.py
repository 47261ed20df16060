"""The settings that the web floor reads. ``qisd.settings.Settings`` is one such object."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class WebSettings(Protocol):
    """Times are in seconds; see the reference of settings for each."""

    @property
    def application_root(self) -> str: ...
    @property
    def keep_alive_timeout(self) -> float: ...
    @property
    def request_timeout(self) -> float: ...
    @property
    def cors_allow_origin(self) -> Sequence[str]: ...
    @property
    def cors_allow_headers(self) -> Sequence[str]: ...
    @property
    def cors_expose_headers(self) -> Sequence[str]: ...
