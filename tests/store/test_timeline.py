"""A primary that another has taken over from is not used any more."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from qisd.store.timeline import Timelines


class TimelinesTests(SynchronousTestCase):
    """Of each cluster, the newest timeline that was seen counts."""

    def test_after_a_promotion_the_old_primary_is_refused(self) -> None:
        timelines = Timelines()
        self.assertTrue(timelines.admit("7", "00000009"))
        self.assertTrue(timelines.admit("7", "0000000A"))
        self.assertFalse(timelines.admit("7", "00000009"))
        self.assertTrue(timelines.admit("7", "0000000A"))

    def test_another_cluster_begins_anew(self) -> None:
        timelines = Timelines()
        timelines.admit("7", "00000002")
        self.assertTrue(timelines.admit("8", "00000001"))

    def test_a_standby_may_be_read(self) -> None:
        timelines = Timelines()
        timelines.admit("7", "00000002")
        self.assertTrue(timelines.admit("7", None))
