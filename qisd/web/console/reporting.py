"""The pages of the statistics: one screen for all, the images asked for most, charts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from qisd.access.levels import Flag
from qisd.access.visitor import Visitor
from qisd.errors import BadParameter, Forbidden, NotFound
from qisd.stats.reports import IMAGE_TYPES, SYSTEM_TYPES, TOP_ORDERS
from qisd.store import images
from qisd.store.pool import Database
from qisd.web.console.menus import is_admin
from qisd.web.console.page import Page, PageCall, Who, address, whole

_DAYS = (1, 30)
_NUMBER = (10, 100)
_BY_DEFAULT = timedelta(days=7)


class ReportPages:
    """The pages about what was served.

    :param frequency: ``STATS_FREQUENCY``, minutes of a period.
    """

    def __init__(self, database: Database, *, frequency: Callable[[], int], now: Callable[[], datetime]) -> None:
        self._database = database
        self._frequency = frequency
        self._now = now

    @address("/dashboard/", who=Who.LOGGED_IN)
    async def dashboard(self, call: PageCall) -> Page:
        """How the server fares."""
        _require_interest(call.visitor)
        data = {"view": "dashboard", "reports": call.visitor.may(Flag.REPORTS), "frequency": self._frequency()}
        return Page(template="dashboard.html", title="Dashboard", area="reports", data=data)

    @address("/reports/", who=Flag.REPORTS)
    async def index(self, call: PageCall) -> Page:
        """Which reports there are."""
        return Page(template="reports.html", title="Reports", area="reports", data={"view": "index"})

    @address("/reports/top10/", who=Flag.REPORTS)
    async def top(self, call: PageCall) -> Page:
        """The images that were asked for most."""
        data = {
            "view": "top",
            "days": _clamped(call, "days", _DAYS, 1),
            "number": _clamped(call, "number", _NUMBER, 10),
            "data_type": _one_of(call, "data_type", TOP_ORDERS, 2),
        }
        return Page(template="top.html", title="Top images", area="reports", data=data)

    @address("/reports/systemstats/", who=Flag.REPORTS)
    async def system(self, call: PageCall) -> Page:
        """Charts of the server."""
        return self._chart(call, SYSTEM_TYPES, {"subject": "system", "id": 0, "src": ""}, title="System statistics")

    @address("/reports/imagestats/", who=Flag.REPORTS)
    async def image(self, call: PageCall) -> Page:
        """Charts of one image; without ``id``, of all together."""
        image_id = _whole(call, "id", 0)
        src = ""
        if image_id:
            image = await images.by_id(self._database, image_id)
            if image is None:
                raise NotFound(str(image_id))
            src = image.src
        about = {"subject": "image", "id": image_id, "src": src}
        return self._chart(call, IMAGE_TYPES, about, title=src or "Image statistics")

    def _chart(self, call: PageCall, types: Sequence[int], about: Mapping[str, object], *, title: str) -> Page:
        now = self._now()
        end = _moment(call, "to", now)
        start = _moment(call, "from", end - _BY_DEFAULT)
        if start >= end:
            raise BadParameter("from", "must be before to")
        data = {
            "view": "chart",
            **about,
            "types": [*types],
            "data_type": _one_of(call, "data_type", types, 1),
            "from": start.isoformat(),
            "to": end.isoformat(),
            "chosen": "from" in call.query or "to" in call.query,
            "frequency": self._frequency(),
        }
        values = {"about": about}
        return Page(template="chart.html", title=title, area="reports", values=values, data=data)


def _require_interest(visitor: Visitor) -> None:
    """:raises Forbidden: this is neither somebody who may see reports nor any administrator."""
    if not visitor.may(Flag.REPORTS) and not is_admin(visitor):
        raise Forbidden(f"{Flag.REPORTS.label} permission is required")


def _whole(call: PageCall, name: str, default: int) -> int:
    """:raises BadParameter: it is no whole number."""
    text = call.query.get(name, "").strip()
    return whole(text, name) if text else default


def _clamped(call: PageCall, name: str, bounds: tuple[int, int], default: int) -> int:
    return min(max(_whole(call, name, default), bounds[0]), bounds[1])


def _one_of(call: PageCall, name: str, allowed: Sequence[int], default: int) -> int:
    """:raises BadParameter: it is none of them."""
    value = _whole(call, name, default)
    if value not in allowed:
        raise BadParameter(name, f"Value is not one of: {', '.join(map(str, allowed))}")
    return value


def _moment(call: PageCall, name: str, default: datetime) -> datetime:
    """A moment in UTC; a date alone is its midnight.

    :raises BadParameter: it is none.
    """
    text = call.query.get(name, "").strip()
    if not text:
        return default
    try:
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise BadParameter(name, "must be a date or a time, yyyy-mm-ddThh:mm:ss") from None
