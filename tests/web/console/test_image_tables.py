"""Metadata as tables: :mod:`qisd.web.console.image_tables`; the line of numbers."""

from __future__ import annotations

from datetime import date, timedelta
from unittest import TestCase

from qisd.store.image_metadata import FromFile, FromUsers, ImageMetadata
from qisd.store.stats_reports import DayCounts
from qisd.web.console.image_tables import readable, tables
from qisd.web.console.image_values import CHART_HEIGHT, CHART_WIDTH, chart


class NameTests(TestCase):
    def test_names_are_taken_apart_at_capitals(self) -> None:
        for tag, name in (
            ("DateTimeOriginal", "Date time original"),
            ("xmpRights:UsageTerms", "Usage terms"),
            ("GPSImgDirectionRef", "GPS img direction ref"),
            ("ISOSpeedRatings", "ISO speed ratings"),
            ("Date-Created", "Date created"),
            ("author_title", "Author title"),
            ("Ω", "Ω"),
        ):
            self.assertEqual(readable(tag), name)


class TableTests(TestCase):
    def test_places_come_first_and_empty_tables_not_at_all(self) -> None:
        file = FromFile(exif={"Model": "D750", "GPSAltitude": 12.5}, xmp={"dc:subject": ["lamp", "red"]})
        found = tables(ImageMetadata(file=file, users=FromUsers(custom={"shelf": {"row": 3}})))
        self.assertEqual([table.key for table in found], ["gps", "exif", "xmp", "custom"])
        self.assertEqual([row.value for table in found for row in table.rows], ["12.5", "D750", "lamp, red", "row: 3"])

    def test_nothing_known_is_no_table(self) -> None:
        self.assertEqual(tables(ImageMetadata(file=FromFile(), users=FromUsers())), [])


class ChartTests(TestCase):
    def points(self, *served: int) -> list[tuple[float, float]]:
        days = [
            DayCounts(day=date(2030, 1, 1) + timedelta(days=at), requests=one, served=one, total_bytes=0)
            for at, one in enumerate(served)
        ]
        return [tuple(map(float, point.split(","))) for point in chart(days).split()]  # type: ignore[misc]

    def test_it_goes_from_edge_to_edge_with_the_most_at_the_top(self) -> None:
        points = self.points(0, 4, 2)
        self.assertEqual([x for x, _ in points], [0, CHART_WIDTH / 2, CHART_WIDTH])
        self.assertEqual([y for _, y in points], [CHART_HEIGHT - 1, 1, CHART_HEIGHT / 2])

    def test_days_without_any_are_at_the_bottom(self) -> None:
        self.assertEqual({y for _, y in self.points(0, 0)}, {CHART_HEIGHT - 1})
