"""Asks a QIS that is still running about some of its images, whether it says the same of them as this server would."""

from __future__ import annotations

import json
import random
import urllib.error
import urllib.request
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import urlencode

import attrs

from qisd.errors import QisError
from qisd.imaging.source import DecodeLimits, probe
from qisd.repository.catalogue import extension_of
from qisd.repository.files import Repository
from qisd.store.qis_import_findings import Findings
from qisd.store.qis_import_rows import tidy
from qisd.store.qis_import_staging import Progress
from qisd.store.qis_source import COLUMNS, QisSource

SAMPLES = 100
"""How many images are compared."""

_TIMEOUT = 10.0
_LONGEST = 1 << 20
_NOT_SHOWN = (401, 403, 404, 415)
_MOST_FAILURES = 5
"""So many answers missing in a row end it: the server isn't there."""

Size = tuple[int, int]


@attrs.frozen(kw_only=True)
class Sample:
    """One image: its path, and the size that the database has of it."""

    src: str
    size: Size


def pick(source: QisSource) -> list[Sample]:
    """Some active images of known size, each as likely as any other."""
    picked: list[Sample] = []
    chance = random.SystemRandom()
    seen = 0
    for row in source.rows("images"):
        image = dict(zip(COLUMNS["images"], row, strict=True))
        if image["status"] != 1 or not image["width"]:
            continue
        seen += 1
        sample = Sample(src=tidy(image["src"]) or "", size=(image["width"], image["height"]))
        if len(picked) < SAMPLES:
            picked.append(sample)
        elif (place := chance.randrange(seen)) < SAMPLES:
            picked[place] = sample
    return picked


def compare(
    url: str, samples: Iterable[Sample], library: Path, *, limits: DecodeLimits, findings: Findings, progress: Progress
) -> int:
    """Compare the sizes of images with what the server at ``url`` says of them; returns how many are the same.

    Ours is the size that the file in ``library`` has, or the database's where it can't be read.
    """
    repository = Repository(library)
    same, failures, samples = 0, 0, list(samples)
    for number, sample in enumerate(samples, start=1):
        progress("comparing", number, len(samples))
        theirs = _theirs(url, sample.src)
        if isinstance(theirs, str):
            failures += 1
            findings.add("compare_failed", f"{sample.src}: {theirs}")
            if failures == _MOST_FAILURES:
                break
            continue
        failures = 0
        ours = _ours(repository, sample.src, limits) or sample.size
        if theirs is None:
            findings.add("compare_hidden", sample.src)
        elif theirs == ours:
            same += 1
        elif theirs == ours[::-1]:
            findings.add("compare_turned", sample.src)
        else:
            findings.add("compare_differs", f"{sample.src}: {ours[0]} × {ours[1]}, there {theirs[0]} × {theirs[1]}")
    return same


def _ours(repository: Repository, src: str, limits: DecodeLimits) -> Size | None:
    try:
        opened = repository.open(src)
        with opened.stream as stream:
            facts = probe(stream, extension=extension_of(src), page=None, limits=limits)
    except QisError:
        return None
    return facts.width, facts.height


def _theirs(url: str, src: str) -> Size | str | None:
    """The size that the other server tells; None if it doesn't show the image; a text when it gives no answer."""
    address = f"{url.rstrip('/')}/api/v1/details/?{urlencode({'src': f'/{src}'})}"
    try:
        with urllib.request.urlopen(address, timeout=_TIMEOUT) as answer:  # noqa: S310 - the scheme was checked
            data = json.loads(answer.read(_LONGEST))["data"]
            return int(data["width"]), int(data["height"])
    except urllib.error.HTTPError as error:
        return None if error.code in _NOT_SHOWN else f"status {error.code}"
    except OSError as error:
        return str(getattr(error, "reason", error))
    except (ValueError, KeyError, TypeError):
        return "an answer of another kind"
