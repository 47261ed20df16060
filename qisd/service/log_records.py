"""From the events of twisted.logger to lines of text, JSON or fields: pure functions."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import attrs
from twisted.logger import LogEvent, LogLevel, formatEvent
from twisted.python.failure import Failure

from qisd.request_ids import current_request_id

_OURS = "qisd."

_LEVEL_NAMES = {
    LogLevel.debug: "DEBUG",
    LogLevel.info: "INFO",
    LogLevel.warn: "WARNING",
    LogLevel.error: "ERROR",
    LogLevel.critical: "CRITICAL",
}


@attrs.frozen(kw_only=True)
class Record:
    """One entry of the log. All texts are single printable lines: nothing in them can end or forge an entry.

    :param time: in seconds since 1970.
    :param level: a constant of :class:`twisted.logger.LogLevel`.
    :param area: the part of the program that speaks: ``images``, ``web.site``, ``twisted``.
    :param following: further lines, such as those of a traceback.
    """

    time: float
    level: Any
    area: str
    text: str
    following: tuple[str, ...] = ()
    request_id: str | None = None

    @property
    def level_name(self) -> str:
        return _LEVEL_NAMES[self.level]


def record_of(event: LogEvent) -> Record:
    """The record that ``event`` makes.

    What Twisted itself says about its daily work counts as ``debug``: it is of no use to an operator.
    """
    namespace = str(event.get("log_namespace") or "")
    level = event.get("log_level") or LogLevel.info
    if namespace.startswith(_OURS):
        area = namespace.removeprefix(_OURS)
    else:
        area = "twisted"
        if level is LogLevel.info and namespace not in ("stdout", "stderr"):
            level = LogLevel.debug
    text = formatEvent(event)
    following: list[str] = [str(line) for line in event.get("lines", ())]
    failure = event.get("log_failure")
    if isinstance(failure, Failure):
        following += failure.getTraceback().splitlines()
    request_id = event.get("request_id") or current_request_id() or None
    return Record(
        time=float(event.get("log_time") or time.time()),
        level=level,
        area=area,
        text=one_line(text),
        following=tuple(one_line(line) for line in following),
        request_id=None if request_id is None else one_line(str(request_id)),
    )


def one_line(text: str) -> str:
    """``text`` with everything escaped that could end a line, move the cursor or not be written at all."""
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode("ascii")
        for character in text
    )


def text_lines(record: Record, *, process: str) -> str:
    """``2019-03-27 11:49:08,982 qis_31     INFO     text``, in local time; what follows is set in.

    The number of the request that it is about stands behind the text, unless the text names it.
    """
    milliseconds = int(record.time * 1000)
    stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(milliseconds // 1000))
    number = record.request_id
    text = record.text if number is None or number in record.text else f"{record.text} [{number}]"
    head = f"{stamp},{milliseconds % 1000:03d} {process:<10} {record.level_name:<8} {text}\n"
    return head + "".join(f"    {line}\n" for line in record.following)


def json_line(record: Record, *, process: str, pid: int) -> str:
    """One JSON object, with the time in UTC."""
    stamp = datetime.fromtimestamp(record.time, UTC)
    fields: dict[str, object] = {
        "ts": stamp.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "level": str(record.level.name),
        "process": process,
        "pid": pid,
        "area": record.area,
    }
    if record.request_id is not None:
        fields["request_id"] = record.request_id
    fields["msg"] = record.text
    if record.following:
        fields["lines"] = list(record.following)
    return json.dumps(fields, ensure_ascii=False) + "\n"


def journal_datagram(record: Record, *, identifier: str) -> bytes:
    """``record`` in the journal's native protocol: ``NAME=value`` lines, or name, length and value."""
    fields: Sequence[tuple[str, str | None]] = (
        ("MESSAGE", "\n".join((record.text, *record.following))),
        ("PRIORITY", str(_PRIORITIES[record.level])),
        ("SYSLOG_IDENTIFIER", identifier),
        ("QIS_AREA", record.area),
        ("QIS_REQUEST_ID", record.request_id),
    )
    return b"".join(_field(name, value.encode("utf-8", "replace")) for name, value in fields if value is not None)


_PRIORITIES = {LogLevel.debug: 7, LogLevel.info: 6, LogLevel.warn: 4, LogLevel.error: 3, LogLevel.critical: 2}


def _field(name: str, value: bytes) -> bytes:
    if b"\n" in value:
        return name.encode() + b"\n" + len(value).to_bytes(8, "little") + value + b"\n"
    return name.encode() + b"=" + value + b"\n"
