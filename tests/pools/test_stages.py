from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from qisd.pools.stages import Stages


class StagesTests(SynchronousTestCase):
    def test_each_lasts_until_the_next_begins_or_all_is_over(self) -> None:
        moments = iter([10.0, 10.5, 12.5, 13.0])
        stages = Stages(lambda: next(moments))
        for name in ("wait", "decode", "encode"):
            stages.begin(name)
        self.assertEqual(stages.ended(), (("wait", 0.5), ("decode", 2.0), ("encode", 0.5)))

    def test_work_without_stages_has_none(self) -> None:
        self.assertEqual(Stages(lambda: 1.0).ended(), ())
