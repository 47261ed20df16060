"""Settings as JSON values, secrets included: for another process, which is to go by the very same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from qisd.settings.model import MODEL, Settings


def to_values(settings: Settings) -> dict[str, Any]:
    """Every setting by its name."""
    return {name: setting.kind.plain(getattr(settings, setting.attribute)) for name, setting in MODEL.items()}


def from_values(values: Mapping[str, Any]) -> Settings:
    """What :func:`to_values` was given."""
    return Settings(**{setting.attribute: setting.kind.convert(values[name]) for name, setting in MODEL.items()})
