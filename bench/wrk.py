"""Runs wrk, and reads what it tells."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import attrs

_UNITS = {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60_000.0}


@attrs.frozen(kw_only=True)
class Load:
    """What came of a load. Times are in milliseconds; ``faults`` are lines about errors."""

    rate: float
    count: int
    p50: float
    p99: float
    faults: tuple[str, ...] = ()


def load(url: str, *, clients: int, seconds: float, script: Path | None = None) -> Load:
    """So many clients with keep-alive, in one thread."""
    command = ["wrk", "-t1", f"-c{clients}", f"-d{max(1, round(seconds))}s", "--latency"]
    if script is not None:
        command += ["-s", str(script)]
    told = subprocess.run([*command, url], check=True, capture_output=True, text=True).stdout
    words = {line.split()[0]: line.split()[1] for line in told.splitlines() if len(line.split()) > 1}
    return Load(
        rate=float(words["Requests/sec:"]),
        count=int(next(line for line in told.splitlines() if "requests in" in line).split()[0]),
        p50=_milliseconds(words["50%"]),
        p99=_milliseconds(words["99%"]),
        faults=tuple(line.strip() for line in told.splitlines() if "Non-2xx" in line or "Socket errors" in line),
    )


def _milliseconds(text: str) -> float:
    match = re.fullmatch(r"([0-9.]+)([a-z]+)", text)
    if match is None:
        raise ValueError(text)
    return float(match[1]) * _UNITS[match[2]]
