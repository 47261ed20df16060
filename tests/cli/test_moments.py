"""Days and moments as arguments."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime

from twisted.trial.unittest import SynchronousTestCase

from qisd.cli.moments import iso, moment, shown


class MomentTests(SynchronousTestCase):
    def test_a_day_is_its_midnight_and_times_are_utc_unless_they_say_otherwise(self) -> None:
        for text, expected in (
            ("2026-03-27", datetime(2026, 3, 27, tzinfo=UTC)),
            ("2026-03-27T12:30", datetime(2026, 3, 27, 12, 30, tzinfo=UTC)),
            ("2026-03-27 12:30:01", datetime(2026, 3, 27, 12, 30, 1, tzinfo=UTC)),
            ("2026-03-27T01:30+02:00", datetime(2026, 3, 26, 23, 30, tzinfo=UTC)),
        ):
            self.assertEqual(moment(text), expected)

    def test_what_is_none_is_refused(self) -> None:
        for text in (
            "",
            "yesterday",
            "2026-02-30",
            "27.3.2026",
            "0001-01-01T00:00+14:00",
            "9999999999",
            "2026-03-27\n",
        ):
            with self.assertRaises(argparse.ArgumentTypeError, msg=text):
                moment(text)

    def test_they_are_shown_to_programs_and_to_people(self) -> None:
        when = datetime(2026, 3, 27, 12, 30, 1, tzinfo=UTC)
        self.assertEqual((iso(when), shown(when)), ("2026-03-27T12:30:01Z", "2026-03-27 12:30:01"))
        self.assertEqual((iso(None), shown(None)), (None, "-"))
