"""``qis permissions``, ``stats``, ``audit`` and ``tasks`` on a real database."""

from __future__ import annotations

import csv
import io
import json
import threading
from datetime import UTC, datetime
from typing import Any

from qisd.access.levels import Level
from tests.cli.runner import Terminal
from tests.integration.command import CommandDatabaseCase
from tests.integration.process import until

HOSTILE = '=1+1,"x"\nб.jpg'


class TraceTests(CommandDatabaseCase):
    def setUp(self) -> None:
        super().setUp()
        self.sql("insert into users (id, username, password) values (7, 'ann', '!'), (8, 'old', '!')")
        self.sql("update users set status = 0 where id = 8")
        self.sql("insert into groups (id, name) values (7, 'Press')")
        self.sql("insert into syspermissions (group_id, reports) values (7, true)")
        self.sql("insert into usergroups (user_id, group_id) values (7, 2), (7, 7), (8, 2)")
        self.sql("insert into folders (id, name, path, parent_id) values (5, 'press', '/press', 1)")
        self.sql("insert into folderpermissions (folder_id, group_id, access) values (5, 7, 40), (5, 1, 0)")
        self.sql("insert into images (src, folder_id, width, height) values ('press/a.jpg', 5, 1, 1)")

    def trace(self, *arguments: str) -> Any:
        return self.done("permissions", "trace", *arguments, "--json").json()

    def test_every_group_is_listed_with_the_folder_that_decides(self) -> None:
        found = self.trace("ann", "/press/a.jpg")
        self.assertEqual(
            {group["name"]: (group["access"], group["folder"]) for group in found["groups"]},
            {"Public": (0, "/press"), "Normal users": (10, "/"), "Press": (40, "/press")},
        )
        self.assertEqual((found["access"], found["folder"], found["image"]), (40, "/press", "press/a.jpg"))
        self.assertEqual((found["user_id"], found["username"], found["active"], found["bypass"]), (7, "ann", True, []))

    def test_people_see_it_as_a_table_with_the_result_below(self) -> None:
        text = self.done("permissions", "trace", "ann", "press").out
        self.assertRegex(text, r"(?m)^Who: +ann$")
        self.assertRegex(text, r"(?m)^Folder: +/press \(active\)$")
        self.assertRegex(text, r"(?m)^Press +Upload \(40\) +/press +Reporting$")
        self.assertRegex(text, r"(?m)^Result: +Upload \(40\): the highest level of these groups$")

    def test_anonymous_visitors_have_what_public_has(self) -> None:
        self.assertEqual(self.trace("--anonymous", "/press")["access"], 0)
        self.assertEqual(self.trace("--anonymous", "/elsewhere/x")["access"], 10)
        text = self.done("permissions", "trace", "--anonymous", "/press").out
        self.assertRegex(text, r"(?m)^Result: +None \(0\): no group gives more$")

    def test_an_administrator_needs_no_group(self) -> None:
        found = self.trace("admin", "/press")
        self.assertEqual(found["access"], Level.DELETE_FOLDER)
        self.assertIn("admin_all", found["bypass"])
        self.assertIn("Super-user permission opens every folder", self.done("permissions", "trace", "admin", "/").out)

    def test_of_a_disabled_user_it_says_so(self) -> None:
        self.assertFalse(self.trace("old", "/")["active"])
        self.assertIn("nobody can log in", self.done("permissions", "trace", "old", "/").out)

    def test_strange_users_and_paths_are_refused(self) -> None:
        self.assertEqual(self.refused("permissions", "trace", "bob", "/"), "qis: there is no user bob\n")
        self.assertIn("leads out", self.refused("permissions", "trace", "--anonymous", "/../etc"))
        self.assertIn("control", self.refused("permissions", "trace", "--anonymous", "/a\nb"))


class StatsTests(CommandDatabaseCase):
    def setUp(self) -> None:
        super().setUp()
        self.sql("insert into images (id, src, folder_id, width, height) values (5, %s, 1, 1, 1)", HOSTILE)
        for day in (1, 2, 3):
            begin = datetime(2026, 3, day, tzinfo=UTC)
            for table, columns, values in (
                ("systemstats", "from_time, to_time, requests", (begin, begin.replace(hour=1), day)),
                ("imagestats", "from_time, to_time, requests, image_id", (begin, begin.replace(hour=1), day, 5)),
                ("statsbreakdown", "from_time, to_time, kind, name", (begin, begin.replace(hour=1), "format", "jpg")),
            ):
                self.sql(f"insert into {table} ({columns}) values ({', '.join(['%s'] * len(values))})", *values)

    def counts(self) -> list[int]:
        tables = ("systemstats", "imagestats", "statsbreakdown")
        return [self.sql(f"select count(*) from {table}")[0][0] for table in tables]

    def test_reset_asks_and_forgets_everything(self) -> None:
        self.assertEqual(self.qis("stats", "reset", stdin=Terminal("no\n")).code, 130)
        self.assertIn("--yes", self.refused("stats", "reset", stdin="y\n"))
        self.assertEqual(self.counts(), [3, 3, 3])
        self.done("stats", "reset", stdin=Terminal("y\n"))
        self.assertEqual(self.counts(), [0, 0, 0])
        self.assertEqual(self.sql("select action, actor_kind from audit_log"), [("stats.reset", "command")])

    def test_purge_removes_what_began_before(self) -> None:
        self.assertEqual(self.done("stats", "purge", "--before", "2026-03-03").err, "removed 6 rows\n")
        self.assertEqual(self.counts(), [1, 1, 1])
        found = self.done("stats", "purge", "--before", "2026-03-03", "--json").json()
        self.assertEqual(found, {"before": "2026-03-03T00:00:00Z", "rows": 0})

    def test_export_gives_a_json_object_on_each_line(self) -> None:
        rows = [json.loads(line) for line in self.done("stats", "export").out.splitlines()]
        self.assertEqual([row["requests"] for row in rows], [1, 2, 3])
        self.assertEqual(rows[0]["from_time"], "2026-03-01T00:00:00Z")
        (row,) = self.done("stats", "export", "--images", "--from", "2026-03-02", "--to", "2026-03-03").out.splitlines()
        self.assertEqual(json.loads(row)["src"], HOSTILE)
        self.assertEqual(json.loads(row)["requests"], 2)

    def test_export_as_csv_can_be_read_whatever_a_file_is_called(self) -> None:
        text = self.done("stats", "export", "--images", "--csv").out
        head, *rows = csv.reader(io.StringIO(text))
        self.assertEqual([dict(zip(head, row, strict=True))["src"] for row in rows], [HOSTILE] * 3)
        (head_only,) = csv.reader(io.StringIO(self.done("stats", "export", "--csv", "--to", "2020-01-01").out))
        self.assertEqual(head_only[:3], ["from_time", "to_time", "requests"])


class AuditTests(CommandDatabaseCase):
    def setUp(self) -> None:
        super().setUp()
        for number, (name, action, after) in enumerate(
            [
                ("ann", "user.created", '{"username": "x"}'),
                ("ann", "group.changed", None),
                ("eve\x1b[2J", "user.deleted", None),
            ]
        ):
            self.sql(
                "insert into audit_log (time, actor_name, actor_kind, action, object_id, after)"
                " values (%s, %s, 'session', %s, '7', %s)",
                datetime(2026, 3, number + 1, tzinfo=UTC), name, action, after,
            )  # fmt: skip

    def actions(self, *flags: str) -> list[str]:
        return [entry["action"] for entry in self.done("audit", "list", "--json", *flags).json()]

    def test_the_newest_come_first_and_filters_narrow_them(self) -> None:
        self.assertEqual(self.actions(), ["user.deleted", "group.changed", "user.created"])
        self.assertEqual(self.actions("--user", "ANN"), ["group.changed", "user.created"])
        self.assertEqual(self.actions("--action", "user"), ["user.deleted", "user.created"])
        self.assertEqual(self.actions("--since", "2026-03-02", "--until", "2026-03-03"), ["group.changed"])
        self.assertEqual(self.actions("--limit", "1"), ["user.deleted"])
        self.assertEqual(self.actions("--user", "' or true --"), [])

    def test_people_see_a_table_that_obeys_nobody(self) -> None:
        text = self.done("audit", "list").out
        self.assertEqual(len(text.splitlines()), 4)
        self.assertIn('{"username": "x"}', text)
        self.assertNotIn("\x1b", text)

    def test_export_gives_every_entry_and_is_on_record_itself(self) -> None:
        lines = [json.loads(line) for line in self.done("audit", "export").out.splitlines()]
        self.assertEqual([line["action"] for line in lines][-3:], ["user.deleted", "group.changed", "user.created"])
        self.assertEqual(self.actions("--limit", "1"), ["audit.exported"])

    def test_a_backward_period_is_refused(self) -> None:
        self.assertIn("until", self.refused("audit", "list", "--since", "2026-03-02", "--until", "2026-03-01"))


class TaskTests(CommandDatabaseCase):
    def run_task(self, *arguments: str) -> Any:
        return self.done("tasks", "run", *arguments, "--json").json()

    def test_a_task_is_queued_for_the_daemons(self) -> None:
        made = self.run_task("roll_up_stats")
        self.assertEqual((made["status"], made["name"], made["params"]), ("pending", "Roll up statistics", {}))
        self.assertEqual(self.sql("select funcname, status, user_id from tasks"), [("roll_up_stats", 0, None)])
        self.assertEqual(
            self.refused("tasks", "run", "roll_up_stats"),
            f"qis: task {made['id']} does the same already, and isn't over yet\n",
        )

    def test_purges_go_by_the_settings_or_by_a_date(self) -> None:
        made = self.run_task("purge_image_stats", "--before", "2026-03-01")
        self.assertEqual(made["params"], {"before_time": "2026-03-01T00:00:00Z"})
        self.assertRegex(self.run_task("purge_image_stats")["params"]["before_time"], r"^\d{4}-\d\d-\d\dT00:00:00Z$")
        self.settings("STATS_KEEP_DAYS = 0\n")
        self.assertIn("STATS_KEEP_DAYS", self.refused("tasks", "run", "purge_system_stats"))

    def test_deleted_data_are_those_of_a_folder(self) -> None:
        self.assertEqual(self.run_task("purge_deleted_folder_data")["params"], {"folder_id": 1})
        self.sql("insert into folders (id, name, path, parent_id) values (5, 'press', '/press', 1)")
        self.assertEqual(self.run_task("purge_deleted_folder_data", "--path", "press/")["params"], {"folder_id": 5})
        self.assertIn("/x", self.refused("tasks", "run", "purge_deleted_folder_data", "--path", "/x"))
        self.assertIn("leads out", self.refused("tasks", "run", "purge_deleted_folder_data", "--path", "../x"))

    def test_they_are_listed_and_shown(self) -> None:
        first, second = self.run_task("roll_up_stats")["id"], self.run_task("expire_trash")["id"]
        self.sql("update tasks set status = 3, error = 'No luck', finished = now(), user_id = 1 where id = %s", first)
        listed = self.done("tasks", "list", "--json").json()
        self.assertEqual(
            [(one["id"], one["status"], one["user"]) for one in listed],
            [(second, "pending", None), (first, "failed", "admin")],
        )
        self.assertEqual(
            len(self.done("tasks", "list", "--status", "failed", "--status", "active").out.splitlines()), 2
        )
        self.assertEqual(len(self.done("tasks", "list", "--type", "expire_trash").out.splitlines()), 2)
        text = self.done("tasks", "show", str(first)).out
        self.assertRegex(text, r"(?m)^error: +No luck$")
        self.assertRegex(text, r"(?m)^keep_until: +-$")
        self.assertRegex(text, r"(?m)^cancel_requested: +false$")

    def test_one_that_waits_is_cancelled_one_that_runs_is_asked_and_one_that_is_over_stays(self) -> None:
        waiting, running = self.run_task("roll_up_stats")["id"], self.run_task("expire_trash")["id"]
        self.sql(
            "update tasks set status = 1, locked_by = 'x', heartbeat = now(), started = now() where id = %s", running
        )
        self.assertEqual(self.done("tasks", "cancel", str(waiting)).err, f"task {waiting} is cancelled\n")
        self.assertEqual(self.done("tasks", "cancel", str(running)).err, f"task {running} is asked to end\n")
        self.assertEqual(self.sql("select cancel_requested from tasks where id = %s", running), [(True,)])
        self.assertIn("over already", self.refused("tasks", "cancel", str(waiting)))
        self.assertIn("is active", self.refused("tasks", "retry", str(running)))
        self.assertEqual(self.done("tasks", "retry", str(waiting)).err, f"task {waiting} is queued again\n")
        self.assertEqual(self.sql("select status from tasks where id = %s", waiting), [(0,)])

    def test_one_that_is_not_there_is_2(self) -> None:
        for action in ("show", "cancel", "retry"):
            for number in ("4711", str(2**63 - 1)):
                self.assertEqual(
                    self.refused("tasks", action, number), f"qis: there is no task {number}, or not any more\n"
                )

    def test_waiting_ends_with_the_task_and_tells_how_it_went(self) -> None:
        for status, code, text in ((2, 0, "complete"), (3, 4, "failed: No luck"), (4, 4, "cancelled")):
            worker = threading.Thread(target=self._work, args=(status,))
            worker.start()
            try:
                outcome = self.qis("tasks", "run", "roll_up_stats", "--wait")
            finally:
                worker.join()
            self.assertEqual(outcome.code, code, outcome.err)
            self.assertRegex(outcome.err, rf"^task \d+ is {text}\n$")

    def _work(self, status: int) -> None:
        """Do as a worker does, as soon as there is something to do."""
        until(
            lambda: self.sql(
                "update tasks set status = %s, error = %s, finished = now(), keep_until = now() + interval '1 hour'"
                " where status = 0 returning id",
                status,
                "No luck" if status == 3 else None,
            ),
            "a task in the queue",
        )
