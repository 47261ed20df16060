"""The API and its document agree: a short run of what ``make fuzz`` does at length."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from tests.fuzz import api
from tests.integration.live import shared
from tests.integration.postgres import require_services

_LIMIT = 300
"""Seconds after which a machine is too slow, or something hangs."""


class FuzzTests(SynchronousTestCase):
    def test_made_up_requests_are_answered_as_the_document_says(self) -> None:
        require_services()
        daemon = shared(__name__, **api.SETTINGS)
        outcome = api.run(daemon, api.prepare(daemon), each=6, seconds=_LIMIT, phases="examples,fuzzing")
        self.assertTrue(outcome.passed, outcome.text)
        self.assertGreater(outcome.requests, 300)
