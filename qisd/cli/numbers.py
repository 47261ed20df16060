"""Numbers as arguments of commands."""

from __future__ import annotations

import argparse
from collections.abc import Callable


def within(least: int, most: int) -> Callable[[str], int]:
    """What reads an argument that is a whole number from ``least`` to ``most``.

    It raises argparse.ArgumentTypeError for everything else.
    """

    def read(text: str) -> int:
        if not text.isascii() or not text.isdecimal() or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"{text!r} is no number from {least} to {most}")
        return int(text)

    return read
