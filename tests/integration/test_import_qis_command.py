"""``qis import-qis`` as it is typed, by an operator who may be root."""

from __future__ import annotations

import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Mapping
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import attrs
import psycopg2

from qisd.store.embedded import url_of_running
from qisd.store.processes import servers_of
from tests.integration import qis_original as original
from tests.integration.database import server
from tests.integration.postgres import (
    REPOSITORY,
    FakeDaemon,
    as_unprivileged,
    places,
    private_directory,
)
from tests.integration.process import as_someone_who_reaches_it, until
from tests.integration.test_import_qis import ImportCase

CLEAN = """
    delete from imagetemplates where id in (5, 6);
    delete from folioimages where id in (1, 7);
"""
"""Takes away what can't be taken over."""


@attrs.frozen(kw_only=True)
class Outcome:
    code: int
    out: str
    err: str

    def json(self) -> Any:
        return json.loads(self.out)


class CommandCase(ImportCase):
    """A QIS in a directory of its own, and a machine for ours.

    :ivar home: where everything of ours is.
    """

    def setUp(self) -> None:
        super().setUp()
        self.home, self.root = private_directory(), private_directory()
        for path in (self.home, self.root):
            path.chmod(0o755)
            self.addCleanup(shutil.rmtree, path, True)
        original.create_library(self.root)
        self.open_up(self.root)
        self.environ = {
            "QIS_STATE_DIR": str(self.home / "state"),
            "QIS_IMAGES_BASE_DIR": str(self.home / "images"),
            "QIS_LOGGING_BASE_DIR": str(self.home / "logs"),
            "QIS_EMBEDDED_DATABASE_MEMORY_MB": "16",
            "QIS_SETTINGS": str(self.home / "local_settings.toml"),
        }
        (self.home / "local_settings.toml").touch()
        self.url = server().url(self.source)

    def open_up(self, path: Path) -> None:
        """Let everybody read it: a command of root becomes another user."""
        for one in (path, *path.rglob("*")):
            if not one.is_symlink():
                one.chmod(0o755 if one.is_dir() else 0o644)

    def start(self, *arguments: str, **environ: str) -> subprocess.Popen[str]:
        ours = ("QIS_", "PG")
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        return subprocess.Popen(
            [*as_someone_who_reaches_it(), sys.executable, "-m", "qisd.cli.main", *arguments],
            cwd=REPOSITORY,
            env=inherited | self.environ | environ | {"PYTHONPATH": str(REPOSITORY)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def qis(self, *arguments: str, **environ: str) -> Outcome:
        process = self.start(*arguments, **environ)
        out, err = process.communicate(timeout=120)
        return Outcome(code=process.returncode, out=out, err=err)

    def take_over_by_command(self, *flags: str, **environ: str) -> Outcome:
        return self.qis("import-qis", "--from", str(self.root), "--database", self.url, *flags, **environ)

    def external(self) -> Mapping[str, str]:
        """The environment that leads to the new installation of this test."""
        return {"QIS_MGMT_DATABASE_CONNECTION": server().url(self.target)}


class External(CommandCase):
    def test_all_of_it_is_done_reported_and_left_out_things_make_it_4(self) -> None:
        outcome = self.take_over_by_command(**self.external())
        self.assertEqual((outcome.code, outcome.err), (4, ""))
        self.assertIn("images             308     308\n", outcome.out)
        self.assertIn("      6: Broken: width: out of range (0 to 15000)\n", outcome.out)
        self.assertIn('  PUBLIC_HOST_NAME = "images.example.com"\n', outcome.out)
        self.assertNotIn("9a016b21", outcome.out)
        self.assertNotIn("qispass", outcome.out)
        self.assertEqual(self.here("select count(*) from images"), [(308,)])

    def test_json_has_the_same(self) -> None:
        report = self.take_over_by_command("--json", "--dry-run", **self.external()).json()
        self.assertEqual((report["dry_run"], report["complete"], report["again"]), (True, False, False))
        self.assertEqual(report["tables"]["imagestats"], {"source": 15, "taken": 12})
        self.assertEqual(report["settings"]["values"]["SECRET_KEY"], "********")
        findings = {finding["code"]: finding for finding in report["findings"]}
        self.assertEqual(findings["template_invalid"]["weight"], "left_out")
        self.assertEqual(findings["file_missing"]["count"], 243)
        self.assertNotIn("zip_missing", findings)
        self.assertEqual(findings["zip_unknown"]["examples"], [f"1/{9:032x}.zip", f"77/{7:032x}.zip"])
        self.assertEqual(self.here("select count(*) from images"), [(0,)])

    def test_when_nothing_is_left_out_it_is_0(self) -> None:
        self.there(CLEAN)
        outcome = self.take_over_by_command("--quiet", **self.external())
        self.assertEqual((outcome.code, outcome.err), (0, ""), outcome.out)

    def test_arguments_that_are_missing_or_wrong_are_told_apart(self) -> None:
        for arguments, code, text in (
            (["import-qis"], 1, "--from"),
            (["import-qis", "--from", "/nowhere"], 2, "there is no directory /nowhere"),
            (["import-qis", "--from", str(self.root), "--database", "mysql://x"], 2, "begins with postgresql://"),
            (["import-qis", "--from", str(self.root), "--compare", "file:///etc"], 2, "http://"),
            (["import-qis", "--from", str(self.root), "--apache", "/nowhere"], 2, "there is no file /nowhere"),
            (["import-qis", "--from", str(self.root), "--nonsense"], 2, "--nonsense"),
            (["import-qis", "--from", str(self.root), "--database", "postgresql:///x?host=/nowhere"], 3, "/nowhere"),
        ):
            outcome = self.qis(*arguments, **self.external())
            self.assertEqual((outcome.code, outcome.out), (code, ""), arguments)
            self.assertIn(text, outcome.err)
            self.assertNotIn("Traceback", outcome.err)

    def test_a_database_of_ours_that_is_not_there_is_3(self) -> None:
        outcome = self.take_over_by_command(QIS_MGMT_DATABASE_CONNECTION="postgresql:///x?host=/nowhere")
        self.assertEqual((outcome.code, outcome.out), (3, ""))
        self.assertIn("/nowhere", outcome.err)

    def test_an_installation_in_use_is_2(self) -> None:
        self.here("insert into groups (name) values ('ours')")
        outcome = self.take_over_by_command("--yes", **self.external())
        self.assertEqual((outcome.code, outcome.out), (2, ""))
        self.assertIn("it has 1 groups", outcome.err)

    def test_the_database_of_the_qis_is_never_ours_and_stays_as_it_is(self) -> None:
        tables = "select count(*) from pg_class where relnamespace = 'public'::regnamespace"
        before = self.there(tables)
        for flags in ((), ("--dry-run",)):
            outcome = self.take_over_by_command(*flags, QIS_MGMT_DATABASE_CONNECTION=self.url)
            self.assertEqual(outcome.code, 2)
            self.assertIn("the database of the QIS itself", outcome.err)
        self.assertEqual(self.there(tables), before)

    def test_settings_that_are_no_python_are_2(self) -> None:
        (self.root / "conf/local_settings.py").write_text("a b c")
        outcome = self.take_over_by_command(**self.external())
        self.assertEqual(outcome.code, 2)
        self.assertIn("local_settings.py: line 1", outcome.err)

    def test_the_database_that_the_settings_name_is_taken(self) -> None:
        settings = self.root / "conf/local_settings.py"
        settings.write_text(f"MGMT_DATABASE_CONNECTION = {self.url!r}\n")
        outcome = self.qis("import-qis", "--from", str(self.root), "--dry-run", **self.external())
        self.assertEqual(outcome.code, 4, outcome.err)

    def test_the_settings_are_written_for_the_daemon_alone_and_not_over_others(self) -> None:
        path = self.home / "made.toml"
        self.home.chmod(0o777)
        outcome = self.take_over_by_command("--dry-run", "--settings-output", str(path), **self.external())
        self.assertEqual(outcome.code, 4, outcome.err)
        self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o640)
        text = path.read_text()
        self.assertIn('SECRET_KEY = "hex:9a016b21', text)
        self.assertIn(f'IMAGES_BASE_DIR = "{self.root}/images"', text)
        self.assertNotIn("db.example.com", text)
        path.write_text("precious")
        outcome = self.take_over_by_command("--dry-run", "--settings-output", str(path), **self.external())
        self.assertEqual((outcome.code, path.read_text()), (2, "precious"))
        self.take_over_by_command("--dry-run", "--yes", "--settings-output", str(path), **self.external())
        self.assertEqual(path.read_text(), text)
        checked = self.qis("check", QIS_SETTINGS=str(path))
        self.assertNotIn("local_settings", checked.out)
        self.assertIn("Syntax OK", checked.out)

    def test_images_are_copied_into_our_library(self) -> None:
        (self.home / "images").mkdir()
        shutil.chown(self.home / "images", *_unprivileged())
        report = self.take_over_by_command("--copy-images", "--json", **self.external()).json()
        copied = report["images"]["copied"]
        self.assertEqual(copied["files"], copied["new_files"])
        theirs = {p.relative_to(self.root / "images") for p in (self.root / "images").rglob("*") if p.is_file()}
        ours = {p.relative_to(self.home / "images") for p in (self.home / "images").rglob("*") if p.is_file()}
        self.assertEqual(theirs - ours, {Path(".metadata/host.task.pid")})
        self.assertEqual(copied["bytes"], sum((self.home / "images" / name).stat().st_size for name in ours))
        self.assertNotIn("IMAGES_BASE_DIR", report["settings"]["values"])
        again = self.take_over_by_command("--copy-images", "--json", **self.external()).json()
        self.assertEqual(again["images"]["copied"]["new_files"], 0)

    def test_copying_a_library_into_itself_is_2(self) -> None:
        for place in ("images", "images/deeper", "."):
            outcome = self.take_over_by_command(
                "--copy-images", QIS_IMAGES_BASE_DIR=str(self.root / place), **self.external()
            )
            self.assertEqual(outcome.code, 2, place)
            self.assertIn("--copy-images", outcome.err)


def _unprivileged() -> tuple[int, int]:
    entry = as_unprivileged()
    return (int(str(entry["user"])), int(str(entry["group"]))) if entry else (os.getuid(), os.getgid())


class Embedded(CommandCase):
    def directory(self) -> Path:
        return self.home / "state" / "postgres"

    def setUp(self) -> None:
        super().setUp()
        self.home.chmod(0o777)
        self.addCleanup(self.end_servers)

    def end_servers(self) -> None:
        for pid in servers_of(self.directory() / "data"):
            os.kill(pid, signal.SIGKILL)

    def test_it_is_made_filled_and_stopped_again(self) -> None:
        outcome = self.take_over_by_command("--dry-run")
        self.assertEqual(outcome.code, 4, outcome.err)
        self.assertFalse(self.directory().exists())
        outcome = self.take_over_by_command()
        self.assertEqual(outcome.code, 4, outcome.err)
        self.assertEqual(servers_of(self.directory() / "data"), set())
        self.assertFalse((self.home / "state" / "initial-admin-password").exists())
        again = self.take_over_by_command("--json").json()
        self.assertEqual((again["again"], again["tables"]["users"]), (True, {"source": 6, "taken": 6}))
        self.assertEqual(servers_of(self.directory() / "data"), set())

    def test_that_of_a_running_daemon_is_used_and_goes_on(self) -> None:
        state = self.home / "state"
        state.mkdir()
        shutil.chown(state, *_unprivileged())
        daemon = FakeDaemon(state, next(iter(places().values())))
        self.addCleanup(daemon.close)
        url = str(daemon.ask("start")["url"])
        self.addCleanup(daemon.ask, "stop")
        outcome = self.take_over_by_command()
        self.assertEqual(outcome.code, 4, outcome.err)
        connection = psycopg2.connect(url)
        self.addCleanup(connection.close)
        with connection.cursor() as cursor:
            cursor.execute("select count(*) from images")
            self.assertEqual(cursor.fetchall(), [(308,)])

    def test_a_request_to_end_leaves_no_server_and_nothing_half_done(self) -> None:
        self.assertEqual(self.take_over_by_command().code, 4)
        self.there("update users set first_name = 'changed'")
        # Somebody is changing the schema of the QIS, so that reading has to wait.
        blocker = psycopg2.connect(self.url)
        self.addCleanup(blocker.close)
        blocker.cursor().execute("lock table images in access exclusive mode")
        process = self.start("import-qis", "--from", str(self.root), "--database", self.url)
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        waiting = "select count(*) from pg_locks where not granted and relation = 'images'::regclass"
        until(lambda: self.there(waiting) == [(1,)], "the import waits")
        self.assertIsNotNone(url_of_running(self.directory()))
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(60), 130)
        self.assertEqual(servers_of(self.directory() / "data"), set())
        blocker.rollback()
        report = self.take_over_by_command("--json").json()
        self.assertEqual(report["tables"]["users"]["taken"], 6)

    def test_somebody_elses_database_is_refused(self) -> None:
        if os.geteuid() != 0:
            return  # nobody else to be
        self.assertEqual(self.take_over_by_command().code, 4)
        (self.home / "state").chmod(0o755)
        process = subprocess.run(
            [sys.executable, "-m", "qisd.cli.main", "import-qis", "--from", str(self.root), "--database", self.url],
            cwd=REPOSITORY,
            env=os.environ | self.environ | {"PYTHONPATH": str(REPOSITORY)},
            capture_output=True,
            text=True,
            user=1,
            group=1,
            extra_groups=[],
        )
        self.assertEqual(process.returncode, 2, process.stderr)
        self.assertIn("belongs to the user", process.stderr)


class _OldServer(BaseHTTPRequestHandler):
    """Answers for the details of images, as QIS does."""

    def __init__(self, sizes: Mapping[str, Any], *arguments: Any) -> None:
        self.sizes = sizes
        super().__init__(*arguments)

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        known = self.sizes.get(parse_qs(parts.query).get("src", [""])[0], 403)
        code = known if isinstance(known, int) else 200
        body = {"status": code, "message": "", "data": None}
        if not isinstance(known, int):
            body["data"] = {"width": known[0], "height": known[1]}
        if parts.path != "/api/v1/details/":
            code = 404
        self.send_response(code)
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, *arguments: object) -> None:
        pass


class Comparing(CommandCase):
    def old_server(self, sizes: Mapping[str, Any]) -> str:
        listening = ThreadingHTTPServer(("127.0.0.1", 0), partial(_OldServer, sizes))
        thread = threading.Thread(target=listening.serve_forever)
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(listening.server_close)
        self.addCleanup(listening.shutdown)
        return f"http://127.0.0.1:{listening.server_port}/"

    def compare(self, url: str) -> dict[str, Any]:
        report = self.take_over_by_command("--dry-run", "--json", "--compare", url, **self.external()).json()
        found = {finding["code"]: finding for finding in report["findings"]}
        return {"same": report["images"]["same_sizes"], **{code: found[code] for code in found if "compare" in code}}

    def test_sizes_of_files_and_records_are_compared_with_those_there(self) -> None:
        self.damage("delete from images where id >= 100")
        sizes = {
            "/top.png": (40, 30),
            "/samples/penguin.jpg": (30, 40),  # the file is 40 × 30, whatever the record says
            f"/Ünïcode/{original.COMPOSED}/é.jpg": (41, 30),
            "/samples/wrong folder.jpg": (1, 1),  # has no file, but a record
        }
        compared = self.compare(self.old_server(sizes))
        self.assertEqual(compared["same"], 2)
        self.assertEqual(compared["compare_turned"]["examples"], ["samples/penguin.jpg"])
        self.assertIn("40 × 30, there 41 × 30", compared["compare_differs"]["examples"][0])
        self.assertEqual(compared["compare_hidden"]["count"], 2)

    def test_answers_of_another_kind_are_failures_and_end_it_soon(self) -> None:
        for url in (self.old_server({f"/{row[1]}": 500 for row in original.image_rows()}), "http://127.0.0.1:9/"):
            compared = self.compare(url)
            self.assertEqual((compared["same"], compared["compare_failed"]["count"]), (0, 5))
