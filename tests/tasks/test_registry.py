from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from qisd.request_ids import working_at
from qisd.store.tasks import Task, TaskStatus, dedup_key
from qisd.tasks.registry import TaskCancelled, TaskRun, TaskType, TaskTypes

NOW = datetime(2026, 3, 9, tzinfo=UTC)


async def nothing(run: TaskRun) -> None:
    """The work of tasks that are never run here."""


def a_task(**values: Any) -> Task:
    given: dict[str, Any] = {
        "id": 1, "user_id": None, "name": "", "funcname": "", "params": {"a": 1}, "priority": 20, "log_level": "",
        "error_log_level": "", "status": TaskStatus.ACTIVE, "result": None, "error": None, "keep_for": 0,
        "keep_until": None, "progress": None, "progress_text": "", "attempts": 1, "max_attempts": 1, "run_after": NOW,
        "locked_by": None, "heartbeat": None, "cancel_requested": False, "created": NOW, "started": None,
        "finished": None,
    }  # fmt: skip
    return Task(**{**given, **values})


class TaskTypeTests(SynchronousTestCase):
    """Types and the tasks that are made of them."""

    def test_a_task_has_what_its_type_says(self) -> None:
        kind = TaskType(
            name="move", title="Move", run=nothing, priority=10, keep_for=60, log_level="debug", max_attempts=3
        )
        new = kind.new({"a": 1}, user_id=7)
        self.assertEqual((new.funcname, new.name, new.user_id, new.params), ("move", "Move", 7, {"a": 1}))
        self.assertEqual((new.priority, new.keep_for, new.log_level, new.max_attempts), (10, 60, "debug", 3))

    def test_who_asks_may_want_another_priority_and_keep_it_longer(self) -> None:
        new = TaskType(name="move", title="Move", run=nothing).new({}, priority=30, keep_for=0)
        self.assertEqual((new.priority, new.keep_for), (30, 0))

    def test_a_title_may_depend_on_the_parameters(self) -> None:
        kind = TaskType(name="move", title=lambda params: f"Move {params['path']}", run=nothing)
        self.assertEqual(kind.new({"path": "/a"}).name, "Move /a")

    def test_a_task_knows_the_request_that_has_asked_for_it(self) -> None:
        with working_at("ab12"):
            new = TaskType(name="move", title="Move", run=nothing).new({})
        self.assertEqual(new.request_id, "ab12")

    def test_types_that_make_no_sense_are_refused(self) -> None:
        for values in ({"priority": 15}, {"keep_for": -1}, {"max_attempts": 0}, {"log_level": "loud"}):
            with self.assertRaises(ValueError):
                TaskType(name="move", title="Move", run=nothing, **values)

    def test_a_name_stands_for_one_type(self) -> None:
        types = TaskTypes([TaskType(name="a", title="A", run=nothing, repeatable=True)])
        types.add([TaskType(name="b", title="B", run=nothing)])
        self.assertEqual((types.names, types.repeatable), (["a", "b"], ["a"]))
        self.assertIn("a", types)
        with self.assertRaises(ValueError):
            types.add([TaskType(name="a", title="Another", run=nothing)])
        with self.assertRaises(KeyError):
            types["os.system"]

    def test_equal_parameters_have_one_key_in_whatever_order(self) -> None:
        key = dedup_key("move", {"a": 1, "b": {"x": None, "y": "ü"}})
        self.assertEqual(dedup_key("move", {"b": {"y": "ü", "x": None}, "a": 1}), key)
        self.assertEqual(len(key), 64)
        others = [
            dedup_key("delete", {"a": 1, "b": {"x": None, "y": "ü"}}),
            dedup_key("move", {"a": "1", "b": {"x": None, "y": "ü"}}),
            dedup_key("move", {"a": True, "b": {"x": None, "y": "ü"}}),
            dedup_key("move", {}),
        ]
        self.assertEqual(len({key, *others}), 5)

    def test_parameters_that_are_no_json_are_refused(self) -> None:
        for value in (NOW, float("nan"), b"x"):
            with self.assertRaises((TypeError, ValueError)):
                dedup_key("move", {"a": value})


class TaskRunTests(SynchronousTestCase):
    """What the function of a task gets."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.saved: list[tuple[float, str]] = []
        self.run_ = TaskRun(a_task(), save=self.save, seconds=self.clock.seconds)

    async def save(self, percent: float, text: str) -> None:
        self.saved.append((percent, text))

    def progress(self, percent: float, text: str = "") -> None:
        self.successResultOf(Deferred.fromCoroutine(self.run_.progress(percent, text)))

    def test_it_gives_the_parameters(self) -> None:
        self.assertEqual(self.run_.params, {"a": 1})

    def test_progress_is_written_once_a_second_at_most(self) -> None:
        for step in range(25):
            self.progress(step, f"{step} of 25")
            self.clock.advance(0.125)
        self.assertEqual([percent for percent, _ in self.saved], [0, 8, 16, 24])

    def test_what_was_held_back_can_be_written_later_and_once(self) -> None:
        self.progress(1)
        self.progress(2, "two")
        for _ in range(2):
            self.successResultOf(Deferred.fromCoroutine(self.run_.save()))
        self.assertEqual(self.saved, [(1, ""), (2, "two")])

    def test_percent_stay_between_0_and_100(self) -> None:
        self.progress(-5)
        self.clock.advance(1)
        self.progress(100.00001)
        self.assertEqual(self.saved, [(0, ""), (100, "")])

    def test_without_a_place_for_it_progress_is_dropped(self) -> None:
        self.run_ = TaskRun(a_task())
        self.progress(50)
        self.assertEqual(self.saved, [])

    def test_a_task_may_look_whether_it_shall_end(self) -> None:
        self.run_.check_cancelled()
        self.assertFalse(self.run_.cancelled)
        self.run_.cancel()
        self.assertTrue(self.run_.cancelled)
        with self.assertRaises(TaskCancelled):
            self.run_.check_cancelled()
