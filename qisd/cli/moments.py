"""Days and moments as arguments of commands, and in what they print."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime


def moment(text: str) -> datetime:
    """An argument such as ``2026-03-27`` (its midnight) or ``2026-03-27T12:30``; UTC unless it says otherwise.

    :raises argparse.ArgumentTypeError: it is no such thing.
    """
    try:
        found = datetime.fromisoformat(text)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise argparse.ArgumentTypeError(
            f"{text!r} is no day such as 2026-03-27, nor a time such as 2026-03-27T12:30"
        ) from None


def iso(when: datetime | None) -> str | None:
    """For JSON."""
    return None if when is None else when.astimezone(UTC).isoformat().replace("+00:00", "Z")


def shown(when: datetime | None) -> str:
    """For people, in UTC."""
    return "-" if when is None else f"{when.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
