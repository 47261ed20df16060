"""The modules that all pages share: messages, dialogs, menus, and what becomes of calls that fail."""

from __future__ import annotations

from tests.browser.case import BrowserCase, Keys

_UTC = "2024-05-02 09:46 UTC"
_ALL = ("api", "dialog", "format", "menu", "tasks", "toast", "virtual")


class CoreCase(BrowserCase):
    def setUp(self) -> None:
        super().setUp()
        self.open("/overview/", as_user="admin")
        self.find("h1")
        self.run_script(
            "const at = JSON.parse(document.getElementById('page-about').textContent).static;"
            "window.core = Object.assign({}, ...await Promise.all("
            f"{list(_ALL)}.map(name => import(`${{at}}js/core/${{name}}.js`))));"
        )

    def run_script(self, code: str) -> None:
        """Run a script that must go well."""
        self.assertIsNone(self.script(f"{code}; return null;"))


class MessageTests(CoreCase):
    def test_the_newest_undo_is_what_ctrl_z_does_once(self) -> None:
        self.run_script(
            "window.undone = [];"
            "for (const name of ['first', 'second'])"
            "  core.toast(`${name} done`, {action: {label: 'Undo', run: () => window.undone.push(name)}});"
        )
        self.axe()
        for _ in range(3):
            self.find("body").send_keys(Keys.CONTROL, "z")
        self.wait(lambda: self.script("return window.undone") == ["second", "first"])
        self.assertEqual(self.all(".toast"), [])

    def test_an_error_stays_until_it_is_closed_and_its_text_is_only_text(self) -> None:
        self.run_script("core.toast('<b>bad</b>', {kind: 'bad'})")
        self.assertEqual(self.find(".toast p").text, "<b>bad</b>")
        self.find(".toast").find_element("css selector", "button").click()
        self.assertEqual(self.all(".toast"), [])


class DialogTests(CoreCase):
    def test_a_deed_that_needs_a_name_is_done_with_that_name_only(self) -> None:
        self.run_script(
            "core.confirmDeed({title: 'Delete?', text: '340 images', deed: 'Delete folder', type: 'products'})"
            ".then(answer => { window.answer = answer; })"
        )
        self.axe()
        self.fill("Type", "product").send_keys(Keys.ENTER)
        self.wait_text("That is not the same.", "dialog")
        self.fill("Type", "products")
        self.button("Delete folder").click()
        self.wait(lambda: self.script("return window.answer") is True)
        self.assertEqual(self.all("dialog"), [])

    def test_escape_leaves_it_and_the_focus_is_where_it_was(self) -> None:
        self.run_script(
            "document.querySelector('.brand').focus();"
            "core.promptText({title: 'Name', label: 'New name', value: 'old'}).then(text => { window.text = [text]; })"
        )
        self.press(Keys.ESCAPE)
        self.wait(lambda: self.script("return window.text") == [None])
        self.assertEqual(self.driver.switch_to.active_element.get_attribute("class"), "brand")


class MenuTests(CoreCase):
    def test_a_menu_goes_by_arrows_and_letters_and_says_why_not(self) -> None:
        self.run_script(
            "const button = document.createElement('button'); button.textContent = 'Deeds';"
            "document.querySelector('main').append(button);"
            "core.menuButton(button, [{label: 'Rename', run() { window.done = 'rename'; }},"
            "  {label: 'Move', disabled: true, why: 'No right to', run() { window.done = 'move'; }},"
            "  {label: 'Zip', run() { window.done = 'zip'; }}]); button.focus();"
        )
        self.press(Keys.ARROW_DOWN)
        self.wait(lambda: self.driver.switch_to.active_element.text == "Rename")
        self.axe()
        self.press(Keys.ARROW_DOWN)
        self.assertIn("No right to", self.driver.switch_to.active_element.text)
        self.press(Keys.ENTER)
        self.press("z")
        self.press(Keys.ENTER)
        self.wait(lambda: self.script("return window.done") == "zip")
        self.assertEqual(self.driver.switch_to.active_element.text, "Deeds")


class TroubleTests(CoreCase):
    def test_a_call_waits_for_the_network_and_goes_on_by_itself(self) -> None:
        self.allow("ERR_INTERNET_DISCONNECTED")
        self.offline(True)
        self.addCleanup(self.offline, False)
        self.run_script("core.api.get('version/').then(data => { window.name = data.name; })")
        self.wait_text("You are offline", ".banner.trouble")
        self.offline(False)
        self.wait(lambda: self.script("return window.name") == "qisd")
        self.wait(lambda: not self.all(".banner.trouble"))

    def test_what_the_server_refuses_is_told_with_the_field_at_fault(self) -> None:
        self.allow("status of 400")
        self.assertEqual(
            self.script(
                "return core.api.post('account/tokens/', {label: '', scopes: ['read']})"
                ".catch(error => [error.name, error.status, error.parameter, error.faults.length])"
            ),
            ["ApiError", 400, "label", 1],
        )

    def test_all_pages_of_a_list_come_one_by_one(self) -> None:
        self.assertEqual(
            self.script(
                "const names = []; for await (const one of core.pages('admin/groups/', {}, {limit: 2}))"
                " names.push(one.id); return [...new Set(names)].length === names.length && names.length >= 3"
            ),
            True,
        )


class TaskTests(CoreCase):
    def test_a_card_follows_a_task_over_pages_and_goes_when_it_is_done(self) -> None:
        number = self.api("POST", "admin/tasks/purge_system_stats/", {"date_to": "2001-01-01"})["id"]
        self.wait(lambda: self.api("GET", f"admin/tasks/{number}/")["state"] == "done")
        self.daemon.sql("update tasks set status = 1, finished = null, progress = 50 where id = %s", number)
        self.run_script(f"core.followTask({{id: {number}, name: 'x'}}, {{title: 'Purge'}})")
        self.wait_text("Purge", ".toast.task")
        self.open("/about/")
        self.wait_text("Purge", ".toast.task")
        self.wait(lambda: self.find("[data-count=tasks]").text == "1")
        self.axe()
        self.daemon.sql("update tasks set status = 2, finished = now() where id = %s", number)
        self.wait_text("Done", ".toast.task")


class VirtualTests(CoreCase):
    def test_of_ten_thousand_entries_only_what_can_be_seen_is_there(self) -> None:
        self.run_script(
            "const main = document.querySelector('main'); window.asked = [];"
            "window.list = new core.VirtualList({container: main, count: 10000, rowHeight: 40, columns: 2,"
            "  render(index) { const e = document.createElement('div'); e.className = 'cell';"
            "    e.textContent = `entry ${index}`; return e; },"
            "  async load(start, count) { window.asked.push([start, count]); }});"
        )
        self.assertLess(len(self.all(".cell")), 120)
        self.run_script("list.reveal(9999)")
        self.wait_text("entry 9999")
        self.assertLess(len(self.all(".cell")), 240)
        self.assertIn([9800, 200], self.script("return window.asked"))


class FormatTests(CoreCase):
    def test_numbers_sizes_and_times_are_written_for_people(self) -> None:
        self.assertEqual(
            self.script(
                "return [core.bytes(999), core.bytes(2100000), core.number(12004), core.duration(3.24),"
                " core.duration(125), core.duration(3840), core.relative(Date.now() / 1000 - 7200),"
                " core.time('2024-05-02T09:46:00').title]"
            ),
            ["999 bytes", "2.1 MB", "12,004", "3.2 sec", "2 min 5 sec", "1 hr 4 min", "2 hours ago", _UTC],
        )
