"""Loading settings from the local file: what wins, what is refused, and with which words."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path

from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from qisd.errors import SettingsError
from qisd.settings import LoadedSettings, default_settings, load_settings, loading
from qisd.settings.base import share_dir
from qisd.settings.model import DROPPED, MODEL

KEY = "q8Zt3LmVx0RbYc7NwPs2DfGh5JkA9eUi"


class FileCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.directory = Path(self.mktemp())
        self.directory.mkdir()
        self.path = self.directory / "local.toml"
        self.patch(loading, "DEFAULT_FILE", self.directory / "default.toml")
        self.patch(loading, "PACKAGE_FILE", self.directory / "package.toml")

    def load(self, text: str | bytes, environ: Mapping[str, str] | None = None) -> LoadedSettings:
        self.path.write_bytes(text if isinstance(text, bytes) else text.encode())
        self.path.chmod(0o640)
        return load_settings(self.path, environ or {})

    def faults(self, text: str | bytes, environ: Mapping[str, str] | None = None) -> list[str]:
        """The faults of a file with ``text``; the path is left out of them."""
        with self.assertRaises(SettingsError) as raised:
            self.load(text, environ)
        return [fault.removeprefix(f"{self.path}:") for fault in raised.exception.faults]


class SourceTests(FileCase):
    def test_later_sources_win(self) -> None:
        text = "HTTP_THREADS = 3\nRENDER_TIMEOUT = 30\n"
        loaded = self.load(text, {"QIS_HTTP_THREADS": "4"})
        self.assertEqual((loaded.settings.http_threads, loaded.settings.render_timeout), (4, 30))
        self.assertEqual(loaded.settings.keep_alive_timeout, 15)
        origins = [loaded.origins[name] for name in ("HTTP_THREADS", "RENDER_TIMEOUT", "KEEP_ALIVE_TIMEOUT")]
        self.assertEqual(origins, ["env", f"{self.path}:2", "base"])
        self.assertEqual((loaded.warnings, loaded.file), ((), self.path))

    def test_the_usual_file_may_be_missing(self) -> None:
        loaded = load_settings(None, {})
        self.assertEqual(loaded.settings, default_settings())
        self.assertIs(loaded.file, None)
        self.assertEqual(set(loaded.origins.values()), {"base"})

    def test_the_usual_file_is_read_when_it_is_there(self) -> None:
        loading.DEFAULT_FILE.write_text("HTTP_THREADS = 3")
        self.assertEqual(load_settings(None, {}).settings.http_threads, 3)
        self.assertEqual(load_settings(None, {"QIS_SETTINGS": ""}).settings.http_threads, 3)

    def test_what_the_package_found_goes_between_the_defaults_and_the_usual_file(self) -> None:
        loading.PACKAGE_FILE.write_text("HTTP_THREADS = 3\nRENDER_TIMEOUT = 30")
        loading.DEFAULT_FILE.write_text("HTTP_THREADS = 4")
        loaded = load_settings(None, {})
        self.assertEqual((loaded.settings.http_threads, loaded.settings.render_timeout), (4, 30))
        self.assertEqual(loaded.origins["RENDER_TIMEOUT"], f"{loading.PACKAGE_FILE}:2")

    def test_it_is_nothing_to_a_server_with_another_file(self) -> None:
        loading.PACKAGE_FILE.write_text("HTTP_THREADS = 3")
        self.assertEqual(self.load("").settings.http_threads, default_settings().http_threads)

    def test_a_named_file_goes_before_the_variable_and_that_before_the_usual_one(self) -> None:
        loading.DEFAULT_FILE.write_text("HTTP_THREADS = 3")
        other = self.directory / "other.toml"
        other.write_text("HTTP_THREADS = 4")
        self.assertEqual(load_settings(None, {"QIS_SETTINGS": str(other)}).settings.http_threads, 4)
        loaded = self.load("HTTP_THREADS = 5", {"QIS_SETTINGS": str(other)})
        self.assertEqual(loaded.settings.http_threads, 5)

    def test_a_named_file_must_be_there(self) -> None:
        missing = self.directory / "missing.toml"
        for path, environ in ((missing, {}), (None, {"QIS_SETTINGS": str(missing)})):
            with self.assertRaises(SettingsError) as raised:
                load_settings(path, environ)
            self.assertEqual(raised.exception.faults, (f"{missing}: there is no such file",))

    def test_a_directory_in_its_place_is_a_fault(self) -> None:
        with self.assertRaises(SettingsError) as raised:
            load_settings(self.directory, {})
        self.assertEqual(raised.exception.faults, (f"{self.directory}: can't be read: Is a directory",))

    def test_formats_of_all_sources_add_up_and_other_tables_replace(self) -> None:
        text = 'LOG_LEVEL = {web = "warn"}\n[IMAGE_FORMATS]\nwebp = ["W", "image/webp"]\ntga = false\n'
        environ = {
            "QIS_IMAGE_FORMATS": '{webp = false, xyz = ["X", "image/x-xyz"]}',
            "QIS_LOG_LEVEL": '{store = "warn"}',
        }
        settings = self.load(text, environ).settings
        self.assertEqual(settings.image_formats, {"webp": False, "tga": False, "xyz": ("X", "image/x-xyz")})
        self.assertEqual(settings.log_level.areas, {"store": "warn"})

    def test_windows_line_ends_and_byte_order_mark_do_no_harm(self) -> None:
        loaded = self.load(b"\xef\xbb\xbfHTTP_THREADS = 3\r\nRENDER_TIMEOUT = 30\r\n")
        self.assertEqual((loaded.settings.http_threads, loaded.settings.render_timeout), (3, 30))

    def test_tables_may_be_written_in_all_ways_of_toml(self) -> None:
        for text in ('LOG_LEVEL.web = "warn"', '[LOG_LEVEL]\nweb = "warn"', '\n"LOG_LEVEL" = { web = "warn" }'):
            loaded = self.load(text)
            self.assertEqual(loaded.settings.log_level.areas, {"web": "warn"})
            line = 2 if text.startswith("\n") else 1
            self.assertEqual(loaded.origins["LOG_LEVEL"], f"{self.path}:{line}")

    def test_the_example_file_is_valid_and_sets_nothing(self) -> None:
        example = Path(__file__).parent.parent / "etc" / "local_settings.toml"
        self.assertEqual(tomllib.loads(example.read_text("utf-8")), {})

    def test_the_settings_of_the_example_file_exist(self) -> None:
        example = Path(__file__).parent.parent / "etc" / "local_settings.toml"
        lines = [line[2:] for line in example.read_text("utf-8").splitlines() if " = " in line]
        self.assertGreater(len(lines), 5)
        names = tomllib.loads("\n".join(lines)).keys()
        self.assertEqual(names - MODEL.keys(), set())


class FaultTests(FileCase):
    def test_all_faults_are_reported_each_with_its_place(self) -> None:
        text = """\
PUBLIC_HOST_NAME = "http://a.example/"
HTTP_THREADS = 0

HTTP_THREDS = 3
RENDER_TIMEOUT = "60"
BENCHMARKING = 1
"""
        environ = {"QIS_RENDER_QUEUE_MAX": "many", "QIS_FOO": "1", "QIS_MEMORY_CACHE_MB": "-1"}
        self.assertEqual(
            self.faults(text, environ),
            [
                "1: PUBLIC_HOST_NAME: must be a host name or host:port, or empty, without scheme or path; "
                'it is "http://a.example/"',
                "2: HTTP_THREADS: must be an integer from 1 to 64; it is 0",
                "4: HTTP_THREDS: unknown setting; did you mean HTTP_THREADS or HTTPS_THREADS?",
                '5: RENDER_TIMEOUT: must be an integer from 1 to 3600; it is "60"',
                "6: BENCHMARKING: must be true or false, without quotes; it is 1",
                "environment: QIS_FOO: unknown setting",
                'environment: QIS_RENDER_QUEUE_MAX: must be an integer from 0 to 100000; it is "many"',
                "environment: QIS_MEMORY_CACHE_MB: must be an integer from 0 to 1048576; it is -1",
            ],
        )

    def test_a_fault_in_the_file_counts_even_if_the_environment_goes_before(self) -> None:
        faults = self.faults("HTTP_THREADS = 0", {"QIS_HTTP_THREADS": "4"})
        self.assertEqual(faults, ["1: HTTP_THREADS: must be an integer from 1 to 64; it is 0"])

    def test_a_name_in_the_wrong_case_is_unknown(self) -> None:
        self.assertEqual(
            self.faults("http_threads = 3"), ["1: http_threads: unknown setting; did you mean HTTP_THREADS?"]
        )

    def test_a_section_is_an_unknown_setting(self) -> None:
        self.assertEqual(self.faults("# x\n[section]\nHTTP_THREADS = 3"), ["2: section: unknown setting"])

    def test_a_setting_below_a_table_is_pointed_out(self) -> None:
        faults = self.faults("[IMAGE_FORMATS]\ntga = false\n\nHTTP_THREADS = 3\n")
        reason = "HTTP_THREADS stands in this table; move it above the line [IMAGE_FORMATS]"
        self.assertEqual(faults, [f"1: IMAGE_FORMATS: {reason}"])

    def test_long_values_are_cut(self) -> None:
        [fault] = self.faults(f'LOG_FORMAT = "{"x" * 500}"')
        self.assertLess(len(fault), 150)

    def test_syntax_errors_hide_no_other_fault(self) -> None:
        text = """\
HTTP_THREADS = 0
SERVER_ALIASES = ["a.example"
RENDER_TIMEOUT = 60 * 60
LOG_FORMAT = 'text
HTTP_THREADS = 5
this is no statement
LOG_TARGET = "paper"
"""
        faults = self.faults(text, {"QIS_LOG_KEEP": "x"})
        self.assertEqual([fault.split(":")[0] for fault in faults[:-1]], ["1", "2", "3", "4", "5", "6", "7"])
        self.assertIn("1: HTTP_THREADS: must be", faults[0])
        self.assertTrue(faults[1].startswith("2: SERVER_ALIASES: syntax error: "), faults[1])
        self.assertTrue(faults[2].startswith("3: RENDER_TIMEOUT: syntax error: "), faults[2])
        self.assertTrue(faults[3].startswith("4: LOG_FORMAT: syntax error: "), faults[3])
        self.assertEqual(faults[4], "5: HTTP_THREADS: is there twice, first in line 1")
        self.assertTrue(faults[5].startswith("6: syntax error: "), faults[5])
        self.assertTrue(faults[6].startswith("7: LOG_TARGET: must be one of"), faults[6])
        self.assertTrue(faults[7].startswith("environment: QIS_LOG_KEEP: "), faults[7])

    def test_text_before_the_first_setting_is_a_fault_in_its_line(self) -> None:
        faults = self.faults("# fine\nnonsense\nHTTP_THREADS = 0\n")
        self.assertEqual([fault.split(":")[0] for fault in faults], ["2", "3"])

    def test_a_file_that_is_not_text_is_a_fault(self) -> None:
        self.assertEqual(self.faults(b"HTTP_THREADS = 3\n# \xff\n"), ["2: is not UTF-8 text"])
        self.assertEqual(len(self.faults(b"\0\1\2")), 1)

    def test_absurd_toml_is_refused_in_words(self) -> None:
        self.assertIn("too many digits", self.faults("HTTP_THREADS = " + "9" * 5000)[0])
        self.assertIn("nested too deeply", self.faults("SERVER_ALIASES = " + "[" * 5000)[0])
        self.assertIn("it is 1979-05-27", self.faults("HTTP_THREADS = 1979-05-27")[0])
        self.assertIn("it is nan", self.faults("HTTP_THREADS = nan")[0])

    @hypothesis_settings(max_examples=100, deadline=None, derandomize=True)
    @given(
        st.lists(
            st.one_of(
                st.sampled_from(
                    [
                        "HTTP_THREADS = 3",
                        'LOG_FORMAT = "json"',
                        "[IMAGE_FORMATS]",
                        "x = [",
                        "]",
                        '"""',
                        "=",
                        "A.b = 1",
                        "",
                        "# c",
                    ]
                ),
                st.text(max_size=12),
            ),
            max_size=8,
        )
    )
    def test_any_text_loads_or_is_refused_with_lines_that_exist(self, lines: list[str]) -> None:
        text = "\n".join(lines).encode("utf-8", "replace")
        self.path.write_bytes(text)
        try:
            load_settings(self.path, {})
        except SettingsError as error:
            for fault in error.faults:
                line = int(fault.removeprefix(f"{self.path}:").split(":")[0])
                self.assertTrue(1 <= line <= text.count(b"\n") + 1, fault)


class SecretTests(FileCase):
    def test_no_fault_shows_a_secret(self) -> None:
        for text in (
            'SECRET_KEY = "hidden"',
            'SECRET_KEY = "hidden',
            "SECRET_KEY = hidden",
            'SECRET_KEY = ["hidden"]',
            'ADMIN_PASSWORD = "hidden"',
            'MGMT_DATABASE_CONNECTION = "mysql://u:hidden@h/d"',
            'MGMT_DATABASE_CONNECTION = "postgresql://u:hidden@h/d e"',
            'SECRET_KEY_OLD = ["hidden"]',
            'SECRET_KEY_OLD = ["hidden',
            "LDAP_BIND_PASSWORD = hidden",
            'LDAP_BIND_PASSWORD = ["hidden"]',
        ):
            name, _, value = text.partition(" = ")
            [fault] = self.faults(text)
            self.assertNotIn("hidden", fault)
            self.assertIn(name, fault)
            # From a variable any text is a password.
            if name != "LDAP_BIND_PASSWORD":
                [fault] = self.faults("", {f"QIS_{name}": value.strip('"[]')})
                self.assertNotIn("hidden", fault)

    def test_a_secret_in_a_file_for_everybody_is_a_warning(self) -> None:
        self.load(f'# mine\nSECRET_KEY = "{KEY}"\nHTTP_THREADS = 3\n')
        self.path.chmod(0o644)
        [warning] = load_settings(self.path, {}).warnings
        self.assertEqual(warning, f"{self.path}:2: SECRET_KEY: everybody on this machine can read this file")

    def test_an_empty_secret_needs_no_warning(self) -> None:
        self.load('SECRET_KEY = ""\n')
        self.path.chmod(0o644)
        self.assertEqual(load_settings(self.path, {}).warnings, ())


class DroppedTests(FileCase):
    def test_dropped_settings_are_ignored_with_one_warning_each(self) -> None:
        text = "\n".join(f'{name} = "hidden"' for name in DROPPED)
        loaded = self.load(text, {"QIS_DEBUG": "1", "QIS_LOGGING_SERVER_PORT": "9002"})
        self.assertEqual(loaded.settings, default_settings())
        self.assertEqual(len(loaded.warnings), len(DROPPED) + 2)
        self.assertEqual(loaded.warnings[0].partition(": is ignored: ")[0], f"{self.path}:1: CACHE_DATABASE_CONNECTION")
        self.assertIn("environment: QIS_DEBUG: is ignored: use LOG_LEVEL", loaded.warnings)
        self.assertNotIn("hidden", "".join(loaded.warnings))


class DerivedTests(FileCase):
    def test_the_package_stands_in_for_a_missing_installation(self) -> None:
        self.patch(loading, "share_dir", lambda: self.directory)
        original = Path.is_dir
        self.patch(Path, "is_dir", lambda path: False if str(path) == "/usr/share/qis" else original(path))
        settings = load_settings(None, {}).settings
        self.assertEqual((settings.install_dir, settings.icc_base_dir), (self.directory, self.directory / "icc"))

    def test_an_installation_that_is_there_is_used(self) -> None:
        self.patch(Path, "is_dir", lambda path: True)
        settings = load_settings(None, {}).settings
        self.assertEqual(settings.icc_base_dir, Path("/usr/share/qis/icc"))

    def test_a_directory_that_was_set_is_taken_as_it_is(self) -> None:
        settings = self.load('INSTALL_DIR = "/nowhere"').settings
        self.assertEqual((settings.install_dir, settings.icc_base_dir), (Path("/nowhere"), Path("/nowhere/icc")))
        settings = self.load('ICC_BASE_DIR = "/profiles"', {"QIS_INSTALL_DIR": "/nowhere"}).settings
        self.assertEqual((settings.install_dir, settings.icc_base_dir), (Path("/nowhere"), Path("/profiles")))
        settings = self.load('ICC_BASE_DIR = "/profiles"', {"QIS_ICC_BASE_DIR": "", "QIS_INSTALL_DIR": "/a"}).settings
        self.assertEqual(settings.icc_base_dir, Path("/a/icc"))

    def test_the_package_has_the_directories_that_stand_in(self) -> None:
        self.assertTrue((share_dir() / "icc").is_dir())
        self.assertTrue((share_dir() / "samples").is_dir())


class TogetherTests(FileCase):
    def test_without_any_address_nobody_could_connect(self) -> None:
        self.assertIn("both empty", self.faults("HTTP_LISTEN = []\nHTTPS_LISTEN = []")[0])
        self.assertEqual(self.load("HTTP_LISTEN = []").settings.http_listen, ())

    def test_one_address_can_not_serve_both_protocols(self) -> None:
        text = 'HTTP_LISTEN = ["a:80"]\nHTTPS_LISTEN = ["a:80"]'
        self.assertEqual(self.faults(text), ["2: HTTPS_LISTEN: a:80 is in HTTP_LISTEN as well"])
        self.load('HTTP_LISTEN = ["127.0.0.1:0"]\nHTTPS_LISTEN = ["127.0.0.1:0"]')

    def test_a_certificate_needs_a_key(self) -> None:
        certificate = self.directory / "c.pem"
        certificate.write_text("-----BEGIN CERTIFICATE-----")
        text = f'TLS_CERTIFICATE_FILE = "{certificate.absolute()}"'
        self.assertIn("TLS_PRIVATE_KEY_FILE must be set", self.faults(text)[0])
        self.assertIn("TLS_PRIVATE_KEY_FILE must be set", self.faults('TLS_CERTIFICATE_FILE = "/missing.pem"')[0])

    def test_certificates_by_acme_need_names_and_that_the_terms_are_known(self) -> None:
        name, agreed = 'PUBLIC_HOST_NAME = "a.example:8443"\n', "ACME = true\nACME_TERMS_AGREED = true\n"
        self.load(name + agreed)
        self.assertIn("ACME_TERMS_AGREED", self.faults(name + "ACME = true")[0])
        self.assertIn("PUBLIC_HOST_NAME", self.faults(agreed)[0])
        for alias in ("*.a.example", "127.0.0.1", "localhost"):
            text = f'{name}{agreed}SERVER_ALIASES = ["{alias}"]'
            self.assertIn(f"SERVER_ALIASES: {alias} is no name", self.faults(text)[0])
        self.assertIn("https://", self.faults(f'{name}{agreed}ACME_DIRECTORY = "http://a.example/"')[0])

    def test_certificate_and_key_may_be_one_file(self) -> None:
        both = self.directory / "both.pem"
        both.write_text("-----BEGIN CERTIFICATE-----\n-----BEGIN EC PRIVATE KEY-----")
        settings = self.load(f'TLS_CERTIFICATE_FILE = "{both.absolute()}"').settings
        self.assertEqual(settings.tls_private_key_file, both.absolute())

    def test_a_key_or_chain_without_certificate_is_refused(self) -> None:
        for name in ("TLS_PRIVATE_KEY_FILE", "TLS_CHAIN_FILE"):
            self.assertEqual(self.faults(f'{name} = "/k"'), [f"1: {name}: is set, but TLS_CERTIFICATE_FILE is not"])

    def test_secrets_and_logs_can_not_be_in_the_image_library(self) -> None:
        for name in ("STATE_DIR", "LOGGING_BASE_DIR"):
            for path in ("/srv/images", "/srv/images/x", "/srv/x/../images/y"):
                [fault] = self.faults(f'{name} = "{path}"\nIMAGES_BASE_DIR = "/srv/images/"')
                self.assertTrue(fault.startswith(f"1: {name}: lies inside IMAGES_BASE_DIR"), fault)

    def test_a_group_needs_a_user(self) -> None:
        self.assertEqual(self.faults('RUN_GROUP = "qis"'), ["1: RUN_GROUP: is set, but RUN_USER is not"])

    def test_a_directory_needs_all_that_it_is_reached_with(self) -> None:
        self.assertEqual(
            self.faults("LDAP_INTEGRATION = true"),
            ["1: LDAP_INTEGRATION: needs LDAP_SERVER_TYPE, LDAP_SERVER, LDAP_QUERY_BASE as well"],
        )
        text = 'LDAP_INTEGRATION = true\nLDAP_SERVER = "a"\nLDAP_QUERY_BASE = "dc=a"\n'
        self.load(text + 'LDAP_SERVER_TYPE = "apple"')
        text += 'LDAP_SERVER_TYPE = "activedirectory"\n'
        self.assertEqual(
            self.faults(text), ["1: LDAP_INTEGRATION: needs LDAP_BIND_USER_DN, LDAP_BIND_PASSWORD as well"]
        )
        self.load(text + 'LDAP_BIND_USER_DN = "cn=a"\nLDAP_BIND_PASSWORD = "x"')
        self.load('LDAP_SERVER_TYPE = "ActiveDirectory"')

    def test_cookies_for_other_sites_must_be_secure(self) -> None:
        text = 'SESSION_COOKIE_SAMESITE = "None"\n'
        self.load(text)
        self.load(text + "INTERNAL_BROWSING_SSL = false\nSESSION_COOKIE_SECURE = true")
        for other in ("INTERNAL_BROWSING_SSL = false", "SESSION_COOKIE_SECURE = false"):
            [fault] = self.faults(text + other)
            self.assertIn('1: SESSION_COOKIE_SAMESITE: "None" needs SESSION_COOKIE_SECURE = true', fault)

    def test_settings_with_faults_of_their_own_are_not_compared(self) -> None:
        faults = self.faults('HTTP_LISTEN = "x"\nHTTPS_LISTEN = []')
        self.assertEqual(len(faults), 1, faults)


class UnreadableTests(FileCase):
    def test_a_file_that_may_not_be_read_is_a_fault(self) -> None:
        def refuse(path: Path, *arguments: object, **options: object) -> object:
            raise PermissionError(13, os.strerror(13), str(path))

        self.path.write_text("")
        self.patch(Path, "open", refuse)
        with self.assertRaises(SettingsError) as raised:
            load_settings(self.path, {})
        self.assertEqual(raised.exception.faults, (f"{self.path}: can't be read: Permission denied",))
