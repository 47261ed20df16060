"""Dates as HTTP writes them (RFC 9110, 5.6.7)."""

from __future__ import annotations

import calendar
import re
from email.utils import formatdate

_MONTHS = {
    name: number + 1
    for number, name in enumerate("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split())  # noqa: SIM905
}
_TIME = r"(?P<hour>\d\d):(?P<minute>\d\d):(?P<second>\d\d)"
_FORMS = tuple(
    re.compile(form, re.ASCII)
    for form in (
        r"[A-Z][a-z]{2}, (?P<day>\d\d) (?P<month>[A-Z][a-z]{2}) (?P<year>\d{4}) " + _TIME + " GMT",
        r"[A-Z][a-z]{5,8}, (?P<day>\d\d)-(?P<month>[A-Z][a-z]{2})-(?P<year>\d\d) " + _TIME + " GMT",
        r"[A-Z][a-z]{2} (?P<month>[A-Z][a-z]{2}) (?P<day>[ \d]\d) " + _TIME + r" (?P<year>\d{4})",
    )
)
# Two-digit years are of the last century from here on; only clients of that century write them.
_PIVOT = 70

THE_PAST = "Thu, 01 Jan 1970 00:00:00 GMT"


def format_date(seconds: float) -> str:
    """The HTTP date of a time in seconds since 1970, cut to whole seconds."""
    return formatdate(int(seconds), usegmt=True)


def parse_date(text: str) -> int | None:
    """Seconds since 1970 of an HTTP date in any of its three forms, or None when it is none."""
    for form in _FORMS:
        found = form.fullmatch(text.strip())
        if found is None:
            continue
        month = _MONTHS.get(found["month"])
        if month is None:
            return None
        year = int(found["year"])
        if len(found["year"]) == 2:
            year += 1900 if year >= _PIVOT else 2000
        day, hour, minute, second = (int(found[name]) for name in ("day", "hour", "minute", "second"))
        if year < 1 or hour > 23 or minute > 59 or second > 60:
            return None
        if not 1 <= day <= calendar.monthrange(year, month)[1]:
            return None
        return calendar.timegm((year, month, day, hour, minute, second))
    return None
