"""How often an image was asked for lately."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import attrs

from qisd.library.files import Files
from qisd.stats.reports import image_summary
from qisd.store.pool import Database
from qisd.store.stats import Totals
from qisd.web.api.endpoint import Call, endpoint
from qisd.web.api.models import ImageCounts, ImageDay, ImageStatistics


class ImageStatisticsEndpoints:
    """The endpoint of one image's numbers."""

    def __init__(self, database: Database, *, files: Files, now: Callable[[], datetime]) -> None:
        self._database = database
        self._files = files
        self._now = now

    @endpoint(
        "GET",
        "/admin/images/<int:id>/statistics/",
        summary="How often an image was asked for",
        tag="Images",
        login=True,
        answer=ImageStatistics,
        errors=(403,),
        description="The numbers of the last day and of the last 30 days. They lag behind by some seconds.",
    )
    async def statistics(self, call: Call) -> ImageStatistics:
        image = await self._files.by_id(call.visitor, call.id())
        summary = await image_summary(self._database, image.id, now=self._now())
        return ImageStatistics(
            image_id=image.id,
            last_day=_counts(summary.last_day),
            last_30_days=_counts(summary.last_30_days),
            days=[ImageDay(**attrs.asdict(one)) for one in summary.days],
        )


def _counts(totals: Totals) -> ImageCounts:
    return ImageCounts(**attrs.asdict(totals))
