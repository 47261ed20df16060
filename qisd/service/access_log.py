"""The lines of the access log. Pure functions."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from qisd.web.access import AccessEntry


def qis_line(entry: AccessEntry) -> str:
    """Client, forwarded-for, time, request line, status, bytes, µs in the application, µs in total, from cache, agent,
    referer, request id, protocol."""
    return (
        f"{entry.client} {_word(entry.forwarded_for)} {_time(entry.time)} {_quoted(entry.request_line)}"
        f" {entry.status} {entry.body_bytes} {entry.app_us} {entry.total_us} {_from_cache(entry.from_cache)}"
        f" {_quoted(entry.agent)} {_quoted(entry.referer)} {entry.request_id} {entry.protocol}\n"
    )


def combined_line(entry: AccessEntry) -> str:
    """The format that Apache and nginx call *combined*."""
    return (
        f"{entry.client} - - {_time(entry.time)} {_quoted(entry.request_line)} {entry.status} {entry.body_bytes}"
        f" {_quoted(entry.referer)} {_quoted(entry.agent)}\n"
    )


def json_line(entry: AccessEntry) -> str:
    """One JSON object, with the time in UTC."""
    stamp = datetime.fromtimestamp(entry.time, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    fields: dict[str, object] = {
        "ts": stamp,
        "client": entry.client,
        "forwarded_for": entry.forwarded_for,
        "request": entry.request_line,
        "status": entry.status,
        "bytes": entry.body_bytes,
        "app_us": entry.app_us,
        "total_us": entry.total_us,
        "from_cache": entry.from_cache,
        "agent": entry.agent,
        "referer": entry.referer,
        "request_id": entry.request_id,
        "protocol": entry.protocol,
    }
    return json.dumps(fields, ensure_ascii=False) + "\n"


FORMATS: Mapping[str, Callable[[AccessEntry], str]] = {"qis": qis_line, "combined": combined_line, "json": json_line}
"""By the value of ``ACCESS_LOG``; for ``off`` there is none."""


def _time(seconds: float) -> str:
    return time.strftime("[%d/%b/%Y:%H:%M:%S %z]", time.localtime(seconds))


def _word(text: str | None) -> str:
    # A blank would shift the fields behind it.
    return text.replace(" ", "") or "-" if text else "-"


def _quoted(text: str | None) -> str:
    return f'"{text or "-"}"'


def _from_cache(value: bool | None) -> str:
    return "-" if value is None else str(value)
