"""The pages of tasks, and the one from which they are started by hand."""

from __future__ import annotations

from tests.browser.case import BrowserCase


class TasksCase(BrowserCase):
    def setUp(self) -> None:
        super().setUp()
        self.daemon.sql("delete from tasks where status <> 1 or funcname = 'of_a_test'")

    def task(self, name: str, status: int, *, user: int | None = 1, **values: object) -> int:
        """A task that stands so, which nobody works at; gives the id."""
        given = {
            "name": name,
            "funcname": "of_a_test",
            "dedup_key": f"{name} {status}",
            "status": status,
            "user_id": user,
            "locked_by": "nobody" if status == 1 else None,
            **values,
        }
        columns, places = ", ".join(given), ", ".join(["%s"] * len(given))
        self.daemon.sql(
            f"insert into tasks ({columns}, keep_until, heartbeat, started, run_after) select {places},"
            " later, later, now() - interval '1 minute', later from (select now() + interval '1 day' as later) as t",
            *given.values(),
        )
        found = self.api("GET", "admin/tasks/?funcname=of_a_test")
        return int(next(one["id"] for one in found if one["name"] == name))

    def states(self) -> dict[str, str]:
        """What the list shows: the state of each task, by its name."""
        return {
            row.find_element("css selector", ".task-name a").text: row.get_attribute("data-state") or ""
            for row in self.all(".tasks tbody tr")
        }


class ListTests(TasksCase):
    def test_it_shows_how_tasks_stand_and_filters_them(self) -> None:
        self.task("Precache /press", 1, progress=64, progress_text="64 of 100 images")
        self.task("Move folder", 0)
        self.task("Export spring", 3, error="disk full", result='{"exception": {"type": "x", "message": "disk full"}}')
        self.task("Verify the library", 2, result='{"images": 12}')
        self.open("/tasks/", as_user="admin")
        self.wait(lambda: len(self.states()) == 4, "the tasks")
        self.assertEqual(self.states()["Export spring"], "failed")
        self.wait_text("disk full", ".tasks")
        self.wait_text("64 of 100 images", ".tasks")
        self.wait_text("images: 12", ".tasks")
        self.shot("tasks")
        self.axe()
        self.theme("dark")
        self.shot("tasks-dark")
        self.find("#states [data-state=failed]").click()
        self.wait(lambda: self.states() == {"Export spring": "failed"}, "only what failed")
        self.assertIn("status=failed", self.path)
        for width in (320, 800):
            self.width(width)
            self.assert_fits()
            self.shot(f"tasks-{width}")

    def test_news_come_by_themselves(self) -> None:
        number = self.task("Move folder", 1, progress=10)
        self.open("/tasks/", as_user="admin")
        self.wait(lambda: self.states().get("Move folder") == "active", "the task")
        self.daemon.sql("update tasks set status = 2, finished = now(), progress = 100 where id = %s", number)
        self.wait(lambda: self.states().get("Move folder") == "done", "its end")

    def test_what_waits_is_cancelled_and_run_again(self) -> None:
        self.task("Move folder", 0)
        self.open("/tasks/", as_user="admin")
        self.button("Cancel Move folder").click()
        self.wait(lambda: self.states().get("Move folder") == "cancelled", "it to be cancelled")
        self.button("Run again: Move folder").click()
        self.wait(lambda: self.states().get("Move folder") != "cancelled", "it to wait again")

    def test_what_is_over_is_removed_from_the_list(self) -> None:
        self.task("Old one", 2)
        self.task("Waiting one", 0)
        self.open("/tasks/", as_user="admin")
        self.wait(lambda: "Old one" in self.states(), "the tasks")
        self.button("Remove finished").click()
        self.wait(lambda: "Old one" not in self.states(), "what is over to go")
        self.assertEqual(self.states()["Waiting one"], "pending")

    def test_others_see_their_own_only(self) -> None:
        anna = self.person("anna")
        self.task("Of somebody", 2)
        own = self.task("Of Anna", 2, user=anna)
        other = self.task("Of the server", 2, user=None)
        self.open("/tasks/", as_user="anna")
        self.wait(lambda: [*self.states()] == ["Of Anna"], "her own")
        self.open(f"/tasks/{own}/")
        self.assertEqual(self.heading, "Of Anna")
        self.allow("status of 403", "status of 404")
        self.open(f"/tasks/{other}/")
        self.assertEqual(self.heading, "You may not see this")
        self.open("/tasks/4711000/")
        self.assertEqual(self.heading, "There is nothing here")

    def test_without_any_it_says_so(self) -> None:
        self.person("bert")
        self.open("/tasks/", as_user="bert")
        self.wait_text("There are no tasks.")
        self.axe()


class OneTests(TasksCase):
    def test_it_is_followed_to_its_end(self) -> None:
        number = self.task("Precache /press", 1, progress=10, progress_text="10 of 100 images")
        self.open(f"/tasks/{number}/", as_user="admin")
        self.wait_text("10 of 100 images", "#task")
        self.daemon.sql("update tasks set progress = 50, progress_text = '50 of 100 images' where id = %s", number)
        self.daemon.sql("select pg_notify('qis_tasks', %s)", f"{number} 1 0")
        self.wait_text("50 of 100 images", ".log")
        self.shot("task")
        self.axe()
        self.daemon.sql(
            "update tasks set status = 2, finished = now(), result = %s where id = %s", '{"made": 100}', number
        )
        self.wait_text("done", "#task .badge")
        self.wait_text('"made": 100', "#task pre")
        self.assertEqual(self.all("#deeds button"), [])


class MaintenanceTests(TasksCase):
    def work(self, name: str) -> str:
        return f'.work[data-function="{name}"]'

    def test_each_says_how_much_there_is_before_it_begins(self) -> None:
        self.daemon.sql(
            "insert into systemstats (from_time, to_time) values ('2020-01-01', '2020-01-02') on conflict do nothing"
        )
        self.open("/admin/maintenance/", as_user="admin")
        self.wait_text("1 row", f"{self.work('purge_system_stats')} .ahead")
        self.wait_text("image", f"{self.work('verify_repository')} .ahead")
        self.wait_text("0 files and folders", f"{self.work('empty_trash')} .ahead")
        self.wait_text("image", f"{self.work('index_anew')} .ahead")
        self.shot("maintenance")
        self.axe()
        for width in (320, 800):
            self.width(width)
            self.assert_fits()
            self.shot(f"maintenance-{width}")
        self.theme("dark")
        self.axe()

    def test_what_cannot_be_undone_is_asked_first_and_done_as_a_task(self) -> None:
        self.daemon.sql(
            "insert into systemstats (from_time, to_time) values ('2020-01-01', '2020-01-02') on conflict do nothing"
        )
        self.open("/admin/maintenance/", as_user="admin")
        self.wait_text("1 row", f"{self.work('purge_system_stats')} .ahead")
        self.find(f"{self.work('purge_system_stats')} .split button").click()
        self.wait_text("1 row", "dialog")
        self.axe()
        self.find("dialog .danger").click()
        self.wait_text("has begun")
        self.wait(
            lambda: self.api("GET", "admin/tasks/?funcname=purge_system_stats")[0]["state"] == "done", "the purge"
        )
        self.wait_text("0 rows", f"{self.work('purge_system_stats')} .ahead")

    def test_what_is_missing_or_wrong_is_said_beside_the_field(self) -> None:
        self.open("/admin/maintenance/", as_user="admin")
        form = self.work("precache")
        self.wait_text("image", f"{form} .ahead")
        self.find(f"{form} .split button").click()
        self.wait_text("This must be given.", form)
        self.find("#precache-templates").send_keys("NoSuchTemplate")
        self.allow("status of 400")
        self.find(f"{form} .split button").click()
        self.wait_text("there is no template", form)

    def test_only_for_super_users(self) -> None:
        self.person("people", "admin_users", "admin_files", "admin_permissions")
        self.allow("status of 403")
        self.open("/admin/maintenance/", as_user="people")
        self.assertEqual(self.heading, "You may not see this")
