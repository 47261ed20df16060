"""Both logs in their files."""

import io
import json
from pathlib import Path
from types import MappingProxyType
from typing import Any

import attrs
from twisted.internet.task import Clock
from twisted.logger import Logger
from twisted.trial.unittest import SynchronousTestCase

from qisd.service.console import Console
from qisd.service.logs import Logs
from qisd.settings import LogLevels, Settings, default_settings
from qisd.store import audit
from qisd.store.audit import Actor
from tests.service.test_access_log import ENTRY


class LogsCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.directory = Path(self.mktemp())
        self.directory.mkdir()
        self.clock = Clock()
        self.terminal = io.StringIO()

    def settings(self, **changes: Any) -> Settings:
        return attrs.evolve(default_settings(), logging_base_dir=self.directory, **changes)

    def opened(self, *, rotates: bool = True, **changes: Any) -> Logs:
        logs = Logs(self.settings(**changes), self.clock, console=Console(self.terminal), rotates=rotates)
        logs.open()
        self.addCleanup(logs.close)
        return logs

    def text(self, name: str = "qis.log") -> str:
        return (self.directory / name).read_text()


class Application(LogsCase):
    def say(self, level: str, area: str, text: str, **fields: Any) -> None:
        getattr(Logger(namespace=f"qisd.{area}"), level)("{text}", text=text, **fields)

    def test_entries_arrive_at_once(self) -> None:
        self.opened()
        self.say("info", "images", "hello")
        self.assertTrue(self.text().endswith(" INFO     hello\n"))

    def test_what_is_below_the_level_is_left_out(self) -> None:
        self.opened()
        self.say("debug", "images", "hello")
        self.assertEqual(self.text(), "")

    def test_an_area_may_have_a_level_of_its_own(self) -> None:
        self.opened(log_level=LogLevels("warn", MappingProxyType({"images": "debug"})))
        self.say("debug", "images", "seen")
        self.say("info", "web.site", "unseen")
        self.assertIn("seen", self.text())
        self.assertNotIn("unseen", self.text())

    def test_level_and_format_change_while_it_is_open(self) -> None:
        logs = self.opened()
        logs.configure(self.settings(log_level=LogLevels("debug"), log_format="json"))
        self.say("debug", "images", "hello")
        self.assertEqual(json.loads(self.text())["msg"], "hello")

    def test_levels_can_be_others_for_a_while(self) -> None:
        logs = self.opened()
        logs.set_levels(LogLevels("debug"))
        self.say("debug", "images", "seen")
        logs.configure(self.settings())
        self.say("debug", "images", "unseen")
        self.assertIn("seen", self.text())
        self.assertNotIn("unseen", self.text())

    def test_warnings_are_seen_on_the_terminal_too(self) -> None:
        self.opened()
        self.say("warn", "images", "careful")
        self.assertEqual(self.terminal.getvalue(), "WARNING: careful\n")

    def test_of_the_rest_the_terminal_shows_only_what_is_meant_for_it(self) -> None:
        self.opened()
        self.say("info", "images", "work")
        self.say("info", "images", "started", console=True)
        self.assertEqual(self.terminal.getvalue(), "started\n")

    def test_a_terminal_that_is_gone_does_not_matter(self) -> None:
        self.opened()
        self.terminal.close()
        self.say("warn", "images", "careful")
        self.assertIn("careful", self.text())


class Access(LogsCase):
    def test_lines_are_written_after_a_second(self) -> None:
        logs = self.opened()
        logs.write(ENTRY)
        self.assertEqual(self.text("access.log"), "")
        self.clock.advance(1)
        self.assertEqual(self.text("access.log").count("\n"), 1)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_many_lines_are_written_before_that(self) -> None:
        logs = self.opened()
        for _ in range(1000):
            logs.write(ENTRY)
        self.assertGreater(self.text("access.log").count("\n"), 400)

    def test_lines_that_wait_are_written_at_the_end(self) -> None:
        logs = self.opened()
        logs.write(ENTRY)
        logs.close()
        self.assertEqual(self.text("access.log").count("\n"), 1)

    def test_it_can_be_off(self) -> None:
        logs = self.opened(access_log="off")
        logs.write(ENTRY)
        self.clock.advance(1)
        self.assertEqual(self.text("access.log"), "")

    def test_reopening_writes_what_waits_into_the_old_file(self) -> None:
        logs = self.opened()
        logs.write(ENTRY)
        old = (self.directory / "access.log").rename(self.directory / "access.log.1")
        logs.reopen()
        self.assertEqual(old.read_text().count("\n"), 1)
        self.assertEqual(self.text("access.log"), "")


class SharedFiles(LogsCase):
    """Files that several processes write to."""

    def test_the_one_that_begins_new_files_sees_what_others_have_written_and_tells_them(self) -> None:
        logs = self.opened(log_max_mb=1, log_keep=1)
        told: list[None] = []
        logs.rotated = lambda: told.append(None)
        with (self.directory / "access.log").open("a") as theirs:
            theirs.write("x" * 1_100_000)
        self.clock.advance(5)
        self.assertEqual((len(told), self.text("access.log"), len(self.text("access.log.1"))), (1, "", 1_100_000))
        self.clock.advance(5)
        self.assertEqual(len(told), 1)

    def test_the_others_begin_none(self) -> None:
        logs = self.opened(log_max_mb=1, log_keep=1, rotates=False)
        for _ in range(3):
            with (self.directory / "access.log").open("a") as theirs:
                theirs.write("x" * 1_100_000)
            logs.write(ENTRY)
            self.clock.advance(5)
        self.assertFalse((self.directory / "access.log.1").exists())


class Audit(LogsCase):
    """``audit.log``: what the store tells of when it is committed."""

    def tell(self) -> None:
        audit.tell(
            Actor(actor_id=7, actor_name="maria\n", actor_kind="session", address="192.0.2.1", request_id="ab12"),
            action="user.changed",
            object_type="user",
            object_id="9",
            after={"email": "ä@example.com"},
        )

    def test_each_line_is_an_object(self) -> None:
        self.opened()
        self.tell()
        (line,) = self.text("audit.log").splitlines()
        told = json.loads(line)
        self.assertRegex(told.pop("ts"), r"^\d{4}-\d\d-\d\dT[\d:.]{12}Z$")
        self.assertEqual(
            told,
            {
                "action": "user.changed", "actor": "maria\n", "actor_id": 7, "actor_kind": "session",
                "address": "192.0.2.1", "request_id": "ab12", "object_type": "user", "object_id": "9",
                "before": None, "after": {"email": "ä@example.com"},
            },
        )  # fmt: skip

    def test_it_is_not_in_the_application_log_and_depends_on_no_level(self) -> None:
        self.opened(log_level=LogLevels("error"))
        self.tell()
        self.assertEqual(self.text(), "")
        self.assertEqual(self.text("audit.log").count("\n"), 1)
