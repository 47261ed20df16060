"""``qis check``."""

from __future__ import annotations

import errno
import os
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from qisd.cli.health import Account
from tests.access.pairs import make_pair
from tests.cli.runner import CommandCase

KEY = "q8Zt3LmVx0RbYc7NwPs2DfGh5JkA9eUi"
NOBODY = 65534


class CheckCase(CommandCase):
    def problems(self, code: int = 5) -> list[str]:
        """The problems, by themselves; the rest of the output is checked here."""
        outcome = self.qis("check")
        self.assertEqual((outcome.code, outcome.err), (code, ""), outcome.out)
        lines = [line for line in outcome.out.splitlines() if not line.startswith("warning: ")]
        count = len(lines) - 1
        self.assertEqual(lines[-1], f"{count} problem{'s' if count > 1 else ''}")
        return lines[:-1]

    def warnings(self) -> list[str]:
        """The warnings of a machine without problems."""
        outcome = self.qis("check")
        self.assertEqual((outcome.code, outcome.err), (0, ""), outcome.out)
        *warnings, last = outcome.out.splitlines()
        self.assertEqual(last, "Syntax OK")
        return [warning.removeprefix("warning: ") for warning in warnings]


class CheckTests(CheckCase):
    def test_when_all_is_well_the_last_line_says_so(self) -> None:
        self.assertEqual(self.qis("check").out, "Syntax OK\n")
        self.assertEqual(self.qis("check", "--json").json(), {"ok": True, "problems": [], "warnings": []})
        self.assertEqual(os.listdir(self.directory), [])

    def test_faults_in_settings_are_2(self) -> None:
        self.settings("HTTP_THREADS = 0\nFOO = 1\n")
        problems = self.problems(code=2)
        self.assertTrue(problems[0].startswith(f"{self.path}:1: HTTP_THREADS: must be"))
        self.assertEqual(problems[1], f"{self.path}:2: FOO: unknown setting")
        outcome = self.qis("check", "--json")
        self.assertEqual((outcome.code, outcome.json()["ok"], outcome.json()["problems"]), (2, False, problems))

    def test_settings_that_the_server_can_not_read_again_are_warned_of(self) -> None:
        self.settings("HTTP_THREADS = 2\n")
        self.patch(Account, "may", lambda account, path, rights: path != self.path)
        (warning,) = self.warnings()
        self.assertTrue(warning.startswith(f"{self.path}: the account of the server (RUN_USER) may not read it"))

    def test_warnings_about_settings_are_no_problem(self) -> None:
        self.settings(f'DEBUG = true\nSECRET_KEY = "{KEY}"\n')
        self.path.chmod(0o644)
        warnings = self.warnings()
        self.assertEqual([warning.split(":")[2] for warning in warnings], [" DEBUG", " SECRET_KEY"])
        self.assertNotIn(KEY, "".join(warnings))
        self.assertEqual(self.qis("check", "--quiet").out, "Syntax OK\n")

    def test_directories_must_be_directories(self) -> None:
        for name in ("state_dir", "logging_base_dir", "images_base_dir"):
            (self.directory / name).write_text("")
        names = [problem.split(":")[0] for problem in self.problems()]
        self.assertEqual(names, ["STATE_DIR", "LOGGING_BASE_DIR", "IMAGES_BASE_DIR"])

    def test_the_log_directory_does_not_matter_when_logs_go_elsewhere(self) -> None:
        (self.directory / "logging_base_dir").write_text("")
        self.environ["QIS_LOG_TARGET"] = "stdout"
        self.assertEqual(self.warnings(), [])

    def test_directories_must_be_accessible(self) -> None:
        self.patch(Account, "may", lambda account, path, rights: rights == os.X_OK)
        (self.directory / "state_dir").mkdir()
        (self.directory / "images_base_dir").mkdir()
        self.assertEqual(
            self.problems(),
            [
                f"STATE_DIR: {self.directory}/state_dir can't be written",
                f"LOGGING_BASE_DIR: {self.directory}/logging_base_dir is missing and can't be made",
                f"IMAGES_BASE_DIR: {self.directory}/images_base_dir can't be read",
            ],
        )

    def test_what_can_not_be_looked_at_is_a_problem_and_no_bug(self) -> None:
        closed = self.directory / "closed"
        closed.mkdir()
        for name in ("STATE_DIR", "INSTALL_DIR", "TLS_SITES_DIR"):
            self.environ[f"QIS_{name}"] = str(closed / name.lower())
        real = Path.stat

        def stat(path: Path, **more: Any) -> os.stat_result:
            if closed in path.parents:
                raise PermissionError(errno.EACCES, "Permission denied", str(path))
            return real(path, **more)

        self.patch(Path, "stat", stat)
        self.patch(Account, "may", lambda account, path, rights: path != closed)
        self.assertEqual(
            self.problems(),
            [
                f"INSTALL_DIR: there is no directory {closed}/install_dir",
                f"ICC_BASE_DIR: there is no directory {closed}/install_dir/icc",
                f"STATE_DIR: {closed}/state_dir can't be reached: {closed} can't be entered",
                f"SECRET_KEY: {closed}/state_dir/secret_key: Permission denied",
                f"TLS_SITES_DIR: {closed}/tls_sites_dir: Permission denied",
            ],
        )

    def test_read_only_parts_must_be_there(self) -> None:
        self.environ["QIS_INSTALL_DIR"] = f"{self.directory}/none"
        self.assertEqual(
            self.problems(),
            [
                f"INSTALL_DIR: there is no directory {self.directory}/none",
                f"ICC_BASE_DIR: there is no directory {self.directory}/none/icc",
            ],
        )

    def test_the_file_that_marks_the_library_must_be_there(self) -> None:
        self.environ["QIS_STORE_CHECK_FILE"] = "mounted"
        self.assertTrue(self.problems()[0].startswith("STORE_CHECK_FILE: "))
        (self.directory / "images_base_dir").mkdir()
        (self.directory / "images_base_dir" / "mounted").touch()
        self.assertEqual(self.warnings(), [])

    def test_user_and_group_must_exist(self) -> None:
        self.patch(os, "geteuid", lambda: 0)
        self.environ["QIS_RUN_USER"] = "no-such-user"
        self.assertEqual(self.problems(), ["RUN_USER: there is no user no-such-user"])
        self.environ["QIS_RUN_USER"] = "root"
        self.environ["QIS_RUN_GROUP"] = "no-such-group"
        self.assertIn("RUN_GROUP: there is no group no-such-group", self.problems())

    def test_a_kept_key_is_looked_at(self) -> None:
        path = self.directory / "state_dir" / "secret_key"
        path.parent.mkdir()
        path.write_text(KEY)
        path.chmod(0o640)
        self.assertEqual(
            self.warnings(), [f"SECRET_KEY: others than its owner may use {path}; its mode should be 0600"]
        )
        path.chmod(0o600)
        self.assertEqual(self.warnings(), [])
        path.write_text("short")
        self.assertEqual(self.problems(), [f"SECRET_KEY: {path} holds no usable key"])
        self.environ["QIS_SECRET_KEY"] = KEY
        self.assertEqual(self.warnings(), [])


class CertificateTests(CheckCase):
    def pair(self, *hosts: str, days: int = 90) -> tuple[Path, Path]:
        now = datetime.now(UTC)
        pair = make_pair(*hosts, begin=now - timedelta(days=200), end=now + timedelta(days=days, hours=1))
        certificate, key = pair.write(self.directory)
        self.environ |= {"QIS_TLS_CERTIFICATE_FILE": str(certificate), "QIS_TLS_PRIVATE_KEY_FILE": str(key)}
        return certificate, key

    def test_a_good_pair_is_well(self) -> None:
        self.pair("a.example")
        self.environ |= {"QIS_PUBLIC_HOST_NAME": "a.example:8443"}
        self.assertEqual(self.warnings(), [])

    def test_a_pair_that_does_not_fit_is_a_problem(self) -> None:
        certificate, key = self.pair()
        key.write_bytes(make_pair().key)
        self.assertEqual(
            self.problems(), [f"TLS_CERTIFICATE_FILE: {key}: does not fit the certificate in {certificate}"]
        )

    def test_without_https_certificates_do_not_matter(self) -> None:
        _, key = self.pair()
        key.unlink()
        self.assertEqual(len(self.problems()), 1)
        self.environ["QIS_HTTPS_LISTEN"] = "[]"
        self.assertEqual(self.warnings(), [])

    def test_an_expired_certificate_is_a_problem(self) -> None:
        self.pair(days=-1)
        self.assertIn("expired on", self.problems()[0])

    def test_a_certificate_that_ends_soon_is_a_warning(self) -> None:
        self.pair(days=15)
        self.assertEqual(self.warnings(), [])
        self.pair(days=13)
        self.assertIn("expires on", self.warnings()[0])

    def test_names_that_it_does_not_cover_are_warnings(self) -> None:
        certificate, _ = self.pair("a.example")
        self.environ |= {"QIS_PUBLIC_HOST_NAME": "b.example", "QIS_SERVER_ALIASES": "a.example,c.example"}
        self.assertEqual(
            self.warnings(),
            [f"TLS_CERTIFICATE_FILE: {certificate} is not for {host}" for host in ("b.example", "c.example")],
        )

    def test_a_private_key_for_everybody_is_a_warning(self) -> None:
        _, key = self.pair()
        key.chmod(0o644)
        self.assertIn(f"everybody on this machine can read the private key in {key}", self.warnings()[0])

    def test_further_certificates_are_checked_as_well(self) -> None:
        sites = self.directory / "tls"
        sites.mkdir()
        now = datetime.now(UTC)
        make_pair(begin=now - timedelta(days=2), end=now - timedelta(days=1)).write(sites, "old")
        good = make_pair(begin=now - timedelta(days=2), end=now + timedelta(days=99))
        good.write(sites, "good")
        (sites / "lonely.crt").write_bytes(good.certificate)
        self.environ["QIS_TLS_SITES_DIR"] = str(sites)
        problems = self.problems()
        self.assertEqual(len(problems), 2)
        self.assertTrue(problems[0].startswith(f"TLS_SITES_DIR: {sites}/lonely.key: can't be read"))
        self.assertTrue(problems[1].startswith(f"TLS_SITES_DIR: {sites}/old.crt: expired on"))


class AccountTests(CommandCase):
    def test_another_account_is_judged_by_the_mode(self) -> None:
        facts = self.directory.stat()
        user = facts.st_uid + 1
        for mode, groups, rights, may in (
            (0o750, set(), os.R_OK, False),
            (0o755, set(), os.R_OK | os.X_OK, True),
            (0o755, set(), os.W_OK, False),
            (0o750, {facts.st_gid}, os.R_OK | os.X_OK, True),
            (0o705, {facts.st_gid}, os.R_OK, False),
            (0o770, {facts.st_gid}, os.W_OK, True),
        ):
            self.directory.chmod(mode)
            account = Account(user=user, groups=frozenset(groups))
            self.assertEqual(account.may(self.directory, rights), may, f"{mode:o} {groups} {rights}")

    def test_what_is_not_there_can_not_be_used(self) -> None:
        self.assertFalse(Account(user=os.geteuid() + 1, groups=frozenset()).may(self.directory / "none", os.R_OK))

    def test_the_present_account_is_judged_by_the_system(self) -> None:
        account = Account(user=os.geteuid(), groups=frozenset())
        self.assertTrue(account.may(self.directory, os.R_OK | os.W_OK | os.X_OK))
        self.assertEqual(stat.S_IMODE(self.directory.stat().st_mode) & 0o700, 0o700)
