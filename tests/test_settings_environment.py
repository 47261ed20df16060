"""Settings from environment variables."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from qisd.settings.environment import read_environment
from qisd.settings.kinds import Boolean, Integer, ListOf, Text, toml_text
from qisd.settings.model import MODEL
from qisd.settings.tables import Formats, Levels

WORDS = st.text(st.characters(codec="utf-8", exclude_characters=",", exclude_categories=["C", "Z"]), min_size=1)
LIST = ListOf(Text(), "words")


class VariableTests(SynchronousTestCase):
    def value(self, **variables: str) -> object:
        findings = read_environment(variables)
        self.assertEqual(findings.faults, [])
        [found] = findings.values
        self.assertEqual(found.origin, "env")
        return found.value

    def fault(self, **variables: str) -> str:
        findings = read_environment(variables)
        self.assertEqual(findings.values, [])
        [(_, fault)] = findings.faults
        return fault

    def test_text_is_taken_as_it_is(self) -> None:
        self.assertEqual(self.value(QIS_PUBLIC_HOST_NAME=' "a" '), ' "a" ')
        self.assertEqual(self.value(QIS_PUBLIC_HOST_NAME=""), "")

    def test_numbers_booleans_lists_and_tables_are_read(self) -> None:
        self.assertEqual(self.value(QIS_HTTP_THREADS="8"), 8)
        self.assertIs(self.value(QIS_BENCHMARKING="yes"), True)
        self.assertEqual(self.value(QIS_SERVER_ALIASES="a, b"), ["a", "b"])
        self.assertEqual(self.value(QIS_IMAGE_FORMATS="{tga = false}"), {"tga": False})
        self.assertEqual(self.value(QIS_LOG_LEVEL="debug"), "debug")
        self.assertEqual(self.value(QIS_LOG_LEVEL='{web = "debug"}'), {"web": "debug"})

    def test_pairs_are_read_from_toml_only(self) -> None:
        self.assertEqual(self.value(QIS_IMAGE_UPLOAD_DIRS='[["In", "in/%Y"]]'), [["In", "in/%Y"]])
        self.assertIn("can't be read", self.fault(QIS_IMAGE_UPLOAD_DIRS="in,out"))

    def test_a_choice_with_automatic_is_read_from_all_words_for_true_and_false(self) -> None:
        for text, value in (("yes", True), ("0", False), (" Auto ", "auto"), ("maybe", "maybe")):
            self.assertEqual(self.value(QIS_SESSION_COOKIE_SECURE=text), value)

    def test_an_address_in_brackets_is_not_taken_for_a_list(self) -> None:
        self.assertEqual(self.value(QIS_HTTP_LISTEN="[::]:80"), ["[::]:80"])
        self.assertEqual(self.value(QIS_HTTP_LISTEN="[::]:80,[::1]:81"), ["[::]:80", "[::1]:81"])
        self.assertEqual(self.value(QIS_HTTP_LISTEN='["[::]:80", "a:81"]'), ["[::]:80", "a:81"])
        self.assertEqual(self.value(QIS_HTTP_LISTEN="[]"), [])
        self.assertEqual(self.value(QIS_HTTP_LISTEN=""), [])

    def test_other_variables_are_none_of_our_business(self) -> None:
        findings = read_environment({"HTTP_THREADS": "3", "PATH": "/bin", "QISX": "1", "MY_QIS_FOO": "1"})
        self.assertEqual((findings.values, findings.faults, findings.warnings), ([], [], []))

    def test_names_that_are_never_settings_are_ignored(self) -> None:
        for name in ("SETTINGS", "HOSTNAME", "DATA_DIR", "DB_PASSWORD", "HOME", "SAMPLES"):
            self.assertEqual(read_environment({f"QIS_{name}": "x"}).faults, [], name)

    def test_what_orchestrators_inject_is_ignored(self) -> None:
        for name, value in {
            "QIS_SERVICE_HOST": "10.0.0.1",
            "QIS_SERVICE_PORT": "80",
            "QIS_SERVICE_PORT_HTTPS": "443",
            "QIS_PORT": "tcp://10.0.0.1:80",
            "QIS_PORT_80_TCP": "tcp://10.0.0.1:80",
            "QIS_PORT_80_TCP_PROTO": "tcp",
            "QIS_PORT_80_TCP_ADDR": "10.0.0.1",
            "QIS_DB_SERVICE_HOST": "10.0.0.2",
            "QIS_DB_PORT": "tcp://10.0.0.2:5432",
            "QIS_DB_PORT_5432_TCP_PORT": "5432",
            "QIS_INTERNAL_BROWSING_PORT": "tcp://10.0.0.3:8443",
        }.items():
            findings = read_environment({name: value})
            self.assertEqual((findings.faults, findings.values), ([], []), name)

    def test_a_setting_that_ends_like_them_is_taken(self) -> None:
        self.assertEqual(self.value(QIS_INTERNAL_BROWSING_PORT="8443"), 8443)

    def test_a_port_that_no_orchestrator_would_inject_is_unknown(self) -> None:
        self.assertIn("unknown setting", self.fault(QIS_HTTP_PORT="80"))

    def test_unknown_names_are_faults_with_a_suggestion(self) -> None:
        self.assertEqual(
            self.fault(QIS_HTTP_THREDS="3"),
            "environment: QIS_HTTP_THREDS: unknown setting; did you mean QIS_HTTP_THREADS or QIS_HTTPS_THREADS?",
        )
        self.assertIn("unknown setting", self.fault(QIS_http_threads="3"))
        self.assertIn("unknown setting", self.fault(QIS_FOO_FILE="/x"))
        self.assertIn("unknown setting", self.fault(QIS_="x"))

    def test_bytes_that_are_no_text_are_faults(self) -> None:
        self.assertEqual(
            self.fault(QIS_PUBLIC_HOST_NAME="a\udcff"), "environment: QIS_PUBLIC_HOST_NAME: is not UTF-8 text"
        )
        self.fault(**{"QIS_A\udcff": "x"}).encode()

    def test_every_setting_can_be_given_as_it_is_written(self) -> None:
        for name, setting in MODEL.items():
            for value in ([], {}, "", 12, True):
                try:
                    typed = setting.kind.convert(value)
                except ValueError:
                    continue
                text = value if isinstance(value, str) else toml_text(value)
                self.assertEqual(setting.kind.convert(self.value(**{f"QIS_{name}": text})), typed, name)


class FileVariableTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.path = Path(self.mktemp()).absolute()

    def read(self, content: bytes) -> object:
        self.path.write_bytes(content)
        self.path.chmod(0o600)
        [found] = read_environment({"QIS_ADMIN_PASSWORD_FILE": str(self.path)}).values
        self.assertEqual(found.name, "ADMIN_PASSWORD")
        return found.value

    def test_one_line_break_at_the_end_is_removed(self) -> None:
        for content, value in (
            (b"word", "word"),
            (b"word\n", "word"),
            (b"word\r\n", "word"),
            (b"word\n\n", "word\n"),
            (b"word\r", "word\r"),
            (b" word ", " word "),
            (b"", ""),
        ):
            self.assertEqual(self.read(content), value)

    def test_other_kinds_are_read_as_from_a_variable(self) -> None:
        self.path.write_text("8\n")
        [found] = read_environment({"QIS_HTTP_THREADS_FILE": str(self.path)}).values
        self.assertEqual(found.value, 8)

    def test_both_forms_at_once_are_a_fault(self) -> None:
        self.path.write_text("x")
        findings = read_environment({"QIS_SECRET_KEY": "a", "QIS_SECRET_KEY_FILE": str(self.path)})
        [(_, fault)] = findings.faults
        self.assertEqual(
            fault, "environment: QIS_SECRET_KEY_FILE: QIS_SECRET_KEY is set as well; only one of them may be"
        )

    def test_a_file_that_can_not_be_read_is_a_fault(self) -> None:
        for path, reason in (
            (str(self.path), f"can't read {self.path}: No such file or directory"),
            ("/", "can't read /: Is a directory"),
            ("", "can't read the file: Is a directory"),
            ("hidden word", "can't read the file: No such file or directory"),
        ):
            [(_, fault)] = read_environment({"QIS_SECRET_KEY_FILE": path}).faults
            self.assertEqual(fault, f"environment: QIS_SECRET_KEY_FILE: {reason}")

    def test_a_file_that_is_no_text_is_a_fault_that_does_not_show_it(self) -> None:
        self.path.write_bytes(b"hidden\xff")
        [(_, fault)] = read_environment({"QIS_SECRET_KEY_FILE": str(self.path)}).faults
        self.assertIn("does not hold UTF-8 text", fault)
        self.assertNotIn("hidden", fault)

    def test_a_secret_that_everybody_can_read_is_a_warning(self) -> None:
        self.path.write_text("password")
        self.path.chmod(0o644)
        findings = read_environment({"QIS_ADMIN_PASSWORD_FILE": str(self.path)})
        self.assertEqual(len(findings.warnings), 1)
        self.assertIn(str(self.path), findings.warnings[0])
        self.path.chmod(0o640)
        self.assertEqual(read_environment({"QIS_ADMIN_PASSWORD_FILE": str(self.path)}).warnings, [])

    def test_settings_whose_own_name_ends_in_file_are_values(self) -> None:
        findings = read_environment({"QIS_TLS_CERTIFICATE_FILE": "/c.pem", "QIS_STORE_CHECK_FILE": "x"})
        self.assertEqual([found.value for found in findings.values], ["x", "/c.pem"])
        self.path.write_text("/c.pem\n")
        [found] = read_environment({"QIS_TLS_CERTIFICATE_FILE_FILE": str(self.path)}).values
        self.assertEqual((found.name, found.value), ("TLS_CERTIFICATE_FILE", "/c.pem"))


class ReadingTests(SynchronousTestCase):
    """How the kinds read text."""

    def test_all_words_for_true_and_false(self) -> None:
        for text in ("true", "1", "yes", "on", "TRUE", " On "):
            self.assertIs(Boolean().read(text), True)
        for text in ("false", "0", "no", "off", "OFF"):
            self.assertIs(Boolean().read(text), False)
        for text in ("", "2", "wahr", "truefalse"):
            self.assertRaises(ValueError, Boolean().read, text)

    def test_numbers_are_decimal_and_nothing_else(self) -> None:
        for text, number in (("5", 5), (" 5 ", 5), ("-5", -5), ("+5", 5), ("1_000", 1000), ("007", 7)):
            self.assertEqual(Integer(0, 9).read(text), number)
        for text in ("", "5.0", "5e3", "0x5", "٥", "5 5", "60 * 60", "1__0", "_1", "nan", "9" * 5000):
            self.assertRaises(ValueError, Integer(0, 9).read, text)

    def test_broken_lists_and_tables_are_refused(self) -> None:
        for text in ('["a"', '["a", b]', "[a]", '["a"] x', '["a"]\nb = 1', "['a'", "[" * 5000 + "]"):
            self.assertRaises(ValueError, LIST.read, text)
        for text in ("", "a = 1", "{", "{a = }", "{a = 1}\nb = 2", "{a = " * 5000):
            self.assertRaises(ValueError, Formats().read, text)
        self.assertRaises(ValueError, Levels().read, '{web = "debug"')

    @hypothesis_settings(max_examples=100, deadline=None, derandomize=True)
    @given(st.integers())
    def test_any_integer_is_read_back(self, number: int) -> None:
        if len(str(number)) <= 40:
            self.assertEqual(Integer(0, 1).read(str(number)), number)

    @hypothesis_settings(max_examples=100, deadline=None, derandomize=True)
    @given(st.lists(st.text(st.characters(codec="utf-8"))))
    def test_any_list_is_read_back_from_toml(self, words: list[str]) -> None:
        self.assertEqual(LIST.read(toml_text(words)), words)

    @hypothesis_settings(max_examples=100, deadline=None, derandomize=True)
    @given(
        st.lists(WORDS.filter(lambda word: not word.startswith("[")), min_size=1), st.sampled_from([",", ", ", " ,"])
    )
    def test_any_words_are_read_back_from_a_list_with_commas(self, words: list[str], comma: str) -> None:
        self.assertEqual(LIST.read(comma.join(words)), words)

    @hypothesis_settings(max_examples=100, deadline=None, derandomize=True)
    @given(st.sampled_from(sorted(MODEL)), st.text(st.characters(exclude_characters="\0"), max_size=30))
    def test_any_text_is_a_value_or_a_fault_of_that_variable(self, name: str, text: str) -> None:
        findings = read_environment({f"QIS_{name}": text})
        self.assertEqual(len(findings.values) + len(findings.faults), 1)
        for found in findings.values:
            try:
                MODEL[name].kind.convert(found.value)
            except ValueError as error:
                self.assertTrue(str(error))
        for _, fault in findings.faults:
            self.assertTrue(fault.startswith(f"environment: QIS_{name}: "))
