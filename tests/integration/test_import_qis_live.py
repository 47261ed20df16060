"""A server that has taken over a QIS: people and pages find all as it was there."""

from __future__ import annotations

from tests.integration import qis_original as original
from tests.integration.database import server
from tests.integration.postgres import require_services
from tests.integration.process import Run, answer
from tests.integration.test_cli_live import LiveCase


class TakenOverTests(LiveCase):
    def setUp(self) -> None:
        super().setUp()
        require_services()
        url = server().url(server().new_database())
        original.create(url)
        self.root = self.home.path / "qis"
        original.create_library(self.root)
        for path in (self.root, *self.root.rglob("*")):
            path.chmod(0o755 if path.is_dir() else 0o644)
        self.qis("import-qis", "--from", str(self.root), "--database", url, "--copy-images", code=4)

    def test_everybody_logs_in_as_before_and_addresses_lead_where_they_led(self) -> None:
        run = self.home.start().ready()
        for _ in range(2):  # the second time by the hash that has taken the place of the old one
            token = self.ask(run, "POST", "/api/v1/token/", f"fred:{original.PASSWORD}")["token"]
            session = self.ask(run, "GET", "/api/v1/session/", f"{token}:")
            self.assertEqual((session["user"]["id"], session["user"]["username"]), (12, "fred"))
        hashes = "select username from users where password like '$argon2id$%' order by 1"
        self.assertEqual(self.qis("database", "shell", "--", "-tAc", hashes).out, "fred\n")
        self._images_answer(run)
        self._a_portfolio_has_its_page(run)
        self.assertEqual(run.stop(), 0)
        self.assertNotIn("Traceback", self.home.log())

    def _images_answer(self, run: Run) -> None:
        connection = run.connect()
        for target in (
            "/image?src=samples/set/0001.jpg",
            "/image?src=/samples/set/0001.jpg&width=20&tmp=SMALLJPEG",
            "/erez4/erez?src=samples/set/0001.jpg",
            "/api/v1/list/?path=samples/set",
        ):
            self.assertEqual(answer(connection, target)[0], 200, target)
        self.assertEqual(answer(connection, "/image?src=samples/set/0032.jpg")[0], 404)

    def _a_portfolio_has_its_page(self, run: Run) -> None:
        status, body = answer(run.connect(), "/portfolios/spring/")
        self.assertEqual(status, 200)
        self.assertIn("<h1>Spring 2024</h1>", body.decode())
        self.assertIn("src=samples/penguin.jpg&amp;width=500&amp;tmp=SmallJpeg", body.decode())
