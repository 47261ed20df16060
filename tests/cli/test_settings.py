"""``qis settings``."""

from __future__ import annotations

from qisd.settings.model import MODEL
from tests.cli.runner import CommandCase

KEY = "q8Zt3LmVx0RbYc7NwPs2DfGh5JkA9eUi"


class ShowTests(CommandCase):
    def test_every_setting_is_listed_with_value_and_origin(self) -> None:
        self.settings('\nHTTP_THREADS = 3\nPUBLIC_HOST_NAME = "a.example"\n')
        outcome = self.qis("settings", "show")
        self.assertEqual((outcome.code, outcome.err), (0, ""))
        head, *lines = outcome.out.splitlines()
        self.assertEqual(head.split(), ["NAME", "VALUE", "ORIGIN"])
        self.assertEqual([line.split()[0] for line in lines], list(MODEL))
        rows = {line.split()[0]: line.split()[1:] for line in lines}
        self.assertEqual(rows["HTTP_THREADS"], ["3", f"{self.path}:2"])
        self.assertEqual(rows["PUBLIC_HOST_NAME"], ['"a.example"', f"{self.path}:3"])
        self.assertEqual(rows["STATE_DIR"], [f'"{self.directory}/state_dir"', "env"])
        self.assertEqual(rows["RENDER_TIMEOUT"], ["60", "base"])

    def test_json_has_the_same(self) -> None:
        rows = self.qis("settings", "show", "--json").json()
        self.assertEqual([row["name"] for row in rows], list(MODEL))
        self.assertIn({"name": "HTTP_THREADS", "value": 15, "origin": "base"}, rows)
        self.assertIn({"name": "IMAGES_FILE_MODE", "value": "0644", "origin": "base"}, rows)

    def test_no_output_shows_a_secret(self) -> None:
        self.settings(
            f'SECRET_KEY = "{KEY}"\nSECRET_KEY_OLD = ["{KEY[::-1]}"]\nLDAP_BIND_PASSWORD = "hidden"\n'
            'MGMT_DATABASE_CONNECTION = "postgresql://u:hidden@h/d"\nS3_ACCESS_KEY = "a"\nS3_SECRET_KEY = "hidden"\n'
        )
        self.environ["QIS_ADMIN_PASSWORD"] = "hidden word"
        commands = [("show",), ("diff",)]
        commands += [(action, name) for action in ("get", "explain") for name in MODEL if MODEL[name].secret]
        for command in commands:
            for flags in ((), ("--json",)):
                outcome = self.qis("settings", *command, *flags)
                self.assertEqual(outcome.code, 0)
                self.assertNotIn("hidden", outcome.out + outcome.err)
                self.assertNotIn(KEY, outcome.out + outcome.err)
                self.assertNotIn(KEY[::-1], outcome.out + outcome.err)
                self.assertIn("********", outcome.out)

    def test_an_empty_secret_is_seen_to_be_empty(self) -> None:
        self.assertEqual(self.qis("settings", "get", "SECRET_KEY").out, "\n")


class GetTests(CommandCase):
    def test_the_value_alone_is_printed(self) -> None:
        self.settings(
            'PUBLIC_HOST_NAME = "a.example"\nLOG_LEVEL = {web = "debug"}\nIMAGE_FORMATS = {tga = false}\n'
            'HTTP_LISTEN = ["127.0.0.1:80", "[::1]:80"]\n'
        )
        for name, text in (
            ("PUBLIC_HOST_NAME", "a.example"),
            ("HTTP_THREADS", "15"),
            ("BENCHMARKING", "false"),
            ("HTTP_LISTEN", '["127.0.0.1:80", "[::1]:80"]'),
            ("LOG_LEVEL", '{ default = "info", web = "debug" }'),
            ("IMAGE_FORMATS", "{ tga = false }"),
            ("IMAGES_DIR_MODE", "0755"),
            ("STATE_DIR", f"{self.directory}/state_dir"),
            ("TLS_CERTIFICATE_FILE", ""),
        ):
            outcome = self.qis("settings", "get", name)
            self.assertEqual((outcome.code, outcome.out, outcome.err), (0, f"{text}\n", ""))

    def test_json_keeps_the_type(self) -> None:
        self.assertEqual(self.qis("settings", "get", "HTTP_THREADS", "--json").json(), 15)
        self.assertEqual(self.qis("settings", "get", "HTTP_LISTEN", "--json").json(), ["[::]:80"])

    def test_a_wrong_name_is_2_with_a_suggestion(self) -> None:
        for action in ("get", "explain"):
            for name in ("TRASH_DAIS", "trash_days", "QIS_TRASH_DAYS"):
                outcome = self.qis("settings", action, name)
                self.assertEqual((outcome.code, outcome.out), (2, ""))
                self.assertEqual(outcome.err, f"qis: {name}: unknown setting; did you mean TRASH_DAYS?\n")

    def test_a_dropped_name_says_why(self) -> None:
        outcome = self.qis("settings", "get", "TEMPLATES_BASE_DIR")
        self.assertEqual(outcome.code, 2)
        self.assertIn("templates are in the database", outcome.err)


class ExplainTests(CommandCase):
    def test_everything_about_a_setting_is_said(self) -> None:
        self.settings("RENDER_MEMORY_MB = 512\n")
        self.assertEqual(
            self.qis("settings", "explain", "RENDER_MEMORY_MB").out.splitlines(),
            [
                "name:     RENDER_MEMORY_MB",
                "value:    512",
                f"origin:   {self.path}:1",
                "default:  1024",
                "type:     integer from 16 to 1048576",
                "comment:  Memory for all renders together, in MiB, by estimate. Renders beyond it wait.",
                "applies:  on reload",
                "for:      tuning",
            ],
        )

    def test_json_has_the_same(self) -> None:
        facts = self.qis("settings", "explain", "LOG_TARGET", "--json").json()
        self.assertEqual((facts["value"], facts["applies"]), ("file", "after a restart"))
        self.assertEqual(facts["type"], 'one of "file", "journal", "stdout"')

    def test_every_setting_can_be_explained(self) -> None:
        for name in MODEL:
            outcome = self.qis("settings", "explain", name)
            self.assertEqual((outcome.code, len(outcome.out.splitlines())), (0, 8), name)


class DiffTests(CommandCase):
    def test_only_what_differs_from_the_default_is_listed(self) -> None:
        for name in [name for name in self.environ if name != "QIS_STATE_DIR"]:
            del self.environ[name]
        self.settings("HTTP_THREADS = 3\nRENDER_TIMEOUT = 60\n")
        head, *lines = self.qis("settings", "diff").out.splitlines()
        self.assertEqual(head.split(), ["NAME", "DEFAULT", "VALUE", "ORIGIN"])
        self.assertEqual(lines[0].split(), ["HTTP_THREADS", "15", "3", f"{self.path}:1"])
        self.assertEqual([line.split()[0] for line in lines], ["HTTP_THREADS", "STATE_DIR"])
        self.assertEqual(
            self.qis("settings", "diff", "--json").json()[0],
            {"name": "HTTP_THREADS", "value": 3, "origin": f"{self.path}:1", "default": 15},
        )

    def test_without_a_difference_nothing_is_printed(self) -> None:
        self.environ.clear()
        outcome = self.qis("settings", "diff")
        self.assertEqual((outcome.code, outcome.out), (0, ""))
        self.assertEqual(self.qis("settings", "diff", "--json").json(), [])
