"""What a reload can change, and what not."""

import attrs
from twisted.trial.unittest import SynchronousTestCase

from qisd.service.reload import needs_restart
from qisd.settings import default_settings
from qisd.settings.model import MODEL


class Restarts(SynchronousTestCase):
    def names(self, **changes: object) -> list[str]:
        settings = default_settings()
        return needs_restart(settings, attrs.evolve(settings, **changes))

    def test_what_is_read_for_each_request_needs_none(self) -> None:
        self.assertEqual(self.names(cors_allow_origin=(), render_timeout=1, memory_cache_mb=1), [])

    def test_what_is_built_at_the_start_needs_one(self) -> None:
        self.assertEqual(
            self.names(http_threads=3, log_target="stdout", render_timeout=1), ["HTTP_THREADS", "LOG_TARGET"]
        )

    def test_every_setting_that_is_said_to_need_one_exists(self) -> None:
        from qisd.service.reload import _BUILT_IN_AT_START

        self.assertLessEqual(set(_BUILT_IN_AT_START), set(MODEL))
