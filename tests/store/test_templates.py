from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.logger import globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase

from qisd.errors import BadParameter, StoreUnavailable
from qisd.imaging.spec import ImageOptions
from qisd.imaging.template import TemplateValues
from qisd.store.listener import News
from qisd.store.templates import TemplateStore


class FakeDatabase:
    """Answers with rows that the test sets, at once or when it lets it."""

    def __init__(self) -> None:
        self.news = News({"host": "/nowhere"}, reactor=None)
        self.templates: list[tuple[int, str, object]] = [(1, "Default", 80), (2, "Ünïque", 50)]
        self.default: list[tuple[str | None]] = [("default",)]
        self.down = False
        self.reads = 0
        self.gate: Deferred[None] | None = None

    async def query(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        if self.gate is not None:
            await self.gate
        if self.down:
            raise StoreUnavailable(detail="down")
        if "imagetemplates" in sql:
            self.reads += 1
            return list(self.templates)
        return list(self.default)


def parse(document: object) -> TemplateValues:
    """A template here is only its quality; the built-in one comes in the ordinary form."""
    quality = document["quality"]["value"] if isinstance(document, dict) else document
    if not isinstance(quality, int):
        raise BadParameter("quality", "must be a whole number")
    return TemplateValues(options=ImageOptions(quality=quality))


class TemplateStoreTests(SynchronousTestCase):
    """What the templates become in memory."""

    def setUp(self) -> None:
        self.database = FakeDatabase()
        self.clock = Clock()
        self.store = TemplateStore(self.database, parse=parse, reactor=self.clock)  # type: ignore[arg-type]
        self.events: list[dict[str, Any]] = []
        globalLogPublisher.addObserver(self.events.append)
        self.addCleanup(globalLogPublisher.removeObserver, self.events.append)

    def reload(self) -> None:
        self.successResultOf(Deferred.fromCoroutine(self.store.reload()))

    def errors(self) -> list[str]:
        said = [event for event in self.events if event["log_level"].name == "error"]
        return [str(event["log_format"]).format(**event) for event in said]

    def test_before_the_first_reading_there_is_none(self) -> None:
        with self.assertRaises(StoreUnavailable):
            _ = self.store.snapshot

    def test_names_are_found_in_lower_case(self) -> None:
        self.reload()
        self.assertEqual(set(self.store.snapshot.templates), {"default", "ünïque"})
        self.assertEqual(self.store.snapshot.names, ("Default", "Ünïque"))
        self.assertEqual(self.errors(), [])

    def test_the_default_is_named_in_any_case_with_blanks_around(self) -> None:
        self.database.default = [(" ÜNÏQUE ",)]
        self.reload()
        self.assertEqual(self.store.snapshot.default.options.quality, 50)

    def test_an_invalid_template_is_left_out_and_logged_with_its_name_and_reason(self) -> None:
        self.database.templates.append((9, "Broken", "x"))
        self.reload()
        self.assertNotIn("broken", self.store.snapshot.templates)
        self.assertEqual(self.errors(), ["template Broken (id 9) is left out: quality: must be a whole number"])

    def test_when_the_default_breaks_the_last_good_one_stays(self) -> None:
        self.database.templates[0] = (1, "Default", 33)
        self.reload()
        self.database.templates[0] = (1, "Default", "x")
        self.reload()
        self.assertEqual(self.store.snapshot.default.options.quality, 33)
        self.assertNotIn("default", self.store.snapshot.templates)
        self.assertIn("the default template default is missing or not valid", self.errors())

    def test_at_the_first_reading_the_built_in_default_fills_in(self) -> None:
        for default in ([("nosuch",)], [], [(None,)]):
            with self.subTest(default=default):
                self.setUp()
                self.database.default = default
                self.database.templates = []
                self.reload()
                self.assertEqual(self.store.snapshot.default.options.quality, 80)
                self.assertEqual(len(self.errors()), 1)

    def test_news_that_come_while_reading_make_it_read_once_more(self) -> None:
        self.database.gate = Deferred()
        for _ in range(5):
            self.store._held._heard("imagetemplates")
        gate, self.database.gate = self.database.gate, None
        gate.callback(None)
        self.assertEqual(self.database.reads, 2)
        self.store._held._heard("properties")
        self.assertEqual(self.database.reads, 3)

    def test_news_of_other_tables_are_ignored(self) -> None:
        self.store._held._heard("folders")
        self.assertEqual(self.database.reads, 0)

    def test_reading_is_tried_again_while_the_database_is_away(self) -> None:
        self.reload()
        before = self.store.snapshot
        self.database.down = True
        self.store._held._heard("imagetemplates")
        self.clock.advance(2)
        self.assertIs(self.store.snapshot, before)
        self.database.down = False
        self.clock.advance(2)
        self.assertIsNot(self.store.snapshot, before)

    def test_nothing_is_tried_any_more_after_the_stop(self) -> None:
        self.database.down = True
        self.store._held._heard("imagetemplates")
        self.successResultOf(Deferred.fromCoroutine(self.store.stop()))
        self.assertEqual(self.clock.getDelayedCalls(), [])
