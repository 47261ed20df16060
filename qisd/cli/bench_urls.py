"""What ``qis bench`` asks for: addresses of the sample images, or those of a file, and in what mixture."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from qisd.cli.console import CommandError

_PHOTOS = ("acrylic", "cityscape", "coffee", "mercedes", "mountains", "penguin")

_EACH = (
    "width=400",
    "width=800&quality=75",
    "width=200&height=200&autocropfit=1&strip=1",
    "left=0.2&top=0.3&right=0.8&bottom=0.8&width=400",
)
"""Of every photo: a page, a larger one, a thumbnail, a detail."""

_SOME = (
    "src=/samples/acrylic.jpg&tmp=smalljpeg",
    "src=/samples/cityscape.jpg&width=256&height=256&tile=1:16",
    "src=/samples/cityscape.jpg&width=256&height=256&tile=6:16",
    "src=/samples/coffee.jpg&width=500&height=500&fill=white",
    "src=/samples/coffee.jpg&width=300&angle=90",
    "src=/samples/mercedes.jpg&width=600&format=png",
    "src=/samples/mercedes.jpg&width=600&format=webp",
    "src=/samples/mountains.jpg&height=300&flip=h",
    "src=/samples/mountains.jpg&width=1200&quality=60&format=pjpg",
    "src=/samples/mountains.jpg&width=300&angle=12.5&fill=black",
    "src=/samples/penguin.jpg&width=400&sharpen=100",
    "src=/samples/penguin.jpg&width=400&overlay=/samples/qisd110.png&ovpos=se",
    "src=/samples/penguin.jpg&width=400&colorspace=gray",
    "src=/samples/penguin.jpg&width=100&height=100&autosizefit=1",
    "src=/samples/qisd110.png",
    "src=/samples/qisd470.png",
    "src=/samples/qisd470.png&width=200&format=jpg&fill=white",
)

SAMPLES = tuple(
    [f"/image?src=/samples/{photo}.jpg&{options}" for options in _EACH for photo in _PHOTOS]
    + [f"/image?{query}" for query in _SOME]
)
"""41 addresses in a fixed order."""

_REQUEST = re.compile(r"\"?(?:GET|HEAD) (\S+) HTTP/[0-9.]+")
_PERCENT = 100


def read(path: Path) -> tuple[list[str], int]:
    """The addresses in a file, without servers, and how many of its lines have none.

    Each line is an address or a path, or a line of an access log.

    :raises CommandError: it can't be read, or there is nothing in it.
    """
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        raise CommandError(f"{path} can't be read: {error.strerror}") from error
    found, without = [], 0
    for line in lines:
        if not line.strip() or line.startswith("#"):
            continue
        target = target_of(line.strip())
        if target is None:
            without += 1
        else:
            found.append(target)
    if not found:
        raise CommandError(f"{path}: there is no address in it")
    return found, without


def target_of(line: str) -> str | None:
    """Path and query of an address, or of the request that a line of a log tells of."""
    match = _REQUEST.search(line)
    text = match[1] if match else line
    if text.startswith(("http://", "https://")):
        parts = urlsplit(text)
        text = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if not text.startswith("/") or any(char.isspace() for char in text):
        return None
    return "".join(char if "!" <= char <= "~" else _escaped(char) for char in text)


def _escaped(char: str) -> str:
    return "".join(f"%{byte:02X}" for byte in char.encode("utf-8", "replace"))


def mixed(targets: Sequence[str], percent: int) -> list[str]:
    """``targets`` over and over, so that ``percent`` of a hundred answers can come from a cache.

    Those that must not come from it have ``recache=1``, evenly spread; with 0, ``cache=0`` as well: none is kept.
    """
    if percent >= _PERCENT:
        return list(targets)
    if percent <= 0:
        return [_with(target, "cache=0&recache=1") for target in targets]
    missing = _PERCENT - percent
    return [
        _with(target, "recache=1") if (place + 1) * missing // _PERCENT > place * missing // _PERCENT else target
        for place, target in enumerate(list(targets) * _PERCENT)
    ]


def _with(target: str, more: str) -> str:
    """``target`` with something more in its query; what is no image stays as it is."""
    path, mark, query = target.partition("?")
    return f"{path}?{query}&{more}" if mark and query and path.endswith("/image") else target
