"""The settings of a QIS, as ours."""

from __future__ import annotations

from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from qisd.cli.qis_apache import ApacheFacts
from qisd.cli.qis_settings import QisSettings, read_qis_settings
from qisd.settings import load_settings

KEY = bytes.fromhex("9a016b21f05a715c00117fd353a8c40219ee37b0ce448f61")


class QisSettingsTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.root = Path(self.mktemp()).absolute()
        (self.root / "conf").mkdir(parents=True)

    def read(
        self, local: str, *, base: str = "", apache: ApacheFacts | None = None, keep_library: bool = False
    ) -> QisSettings:
        (self.root / "conf/local_settings.py").write_text(local)
        if base:
            path = self.root / "src/imageserver/conf/base_settings.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(base)
        return read_qis_settings(self.root, apache=apache or ApacheFacts(), keep_library=keep_library)

    def reasons(self, settings: QisSettings, *, expected: bool = False) -> dict[str, str]:
        return {one.name: one.reason for one in settings.omitted if one.expected is expected}

    def test_known_names_are_taken_in_our_order_and_read_back(self) -> None:
        settings = self.read(
            "MAX_CONTENT_LENGTH = 2 * 1024 * 1024 * 1024\n"
            "PUBLIC_HOST_NAME = 'images.' + 'example.com'\n"
            "IMAGES_FILE_MODE = 0o664\n"
            "IMAGES_DIR_MODE = 0o2775\n"
            "IMAGE_UPLOAD_DIRS = [('Today', '%Y-%m-%d'), ('Other', 'other')]\n"
            "LDAP_INTEGRATION = True\nLDAP_SERVER = 'ldap.example.com'\nLDAP_SERVER_TYPE = 'activedirectory'\n"
            "LDAP_QUERY_BASE = 'dc=example'\nLDAP_BIND_USER_DN = 'cn=qis'\nLDAP_BIND_PASSWORD = 'geheim'\n"
            "STATS_SERVER = ''\n"
            "IMAGE_RESIZE_QUALITY = 3\n"
        )
        self.assertEqual(self.reasons(settings), {})
        self.assertEqual(next(iter(settings.values)), "PUBLIC_HOST_NAME")
        self.assertNotIn("IMAGE_RESIZE_QUALITY", settings.values)  # as is our default
        path = self.root / "ours.toml"
        path.write_text(settings.toml(secrets=True))
        path.chmod(0o600)
        ours = load_settings(path, {}).settings
        self.assertEqual(ours.max_content_length, 2**31)
        self.assertEqual(ours.public_host_name, "images.example.com")
        self.assertEqual((ours.images_file_mode, ours.images_dir_mode), (0o664, 0o2775))
        self.assertEqual(ours.image_upload_dirs, (("Today", "%Y-%m-%d"), ("Other", "other")))
        self.assertEqual((ours.ldap_server_type, ours.ldap_bind_password), ("ActiveDirectory", "geheim"))
        self.assertFalse(ours.stats_enabled)

    def test_keys_of_bytes_become_hex(self) -> None:
        settings = self.read(f"SECRET_KEY = {KEY!r}\n")
        self.assertEqual(settings.values["SECRET_KEY"], f"hex:{KEY.hex()}")

    def test_secrets_are_shown_only_where_they_are_wanted(self) -> None:
        settings = self.read(f"SECRET_KEY = {KEY!r}\nPUBLIC_HOST_NAME = 'a.example'\n")
        shown = settings.toml(secrets=False)
        self.assertNotIn(KEY.hex(), shown)
        self.assertIn("# SECRET_KEY is not shown here\n", shown)
        self.assertIn(KEY.hex(), settings.toml(secrets=True))

    def test_a_key_that_others_know_or_that_is_too_short_is_not_taken(self) -> None:
        self.assertIn("characters", self.reasons(self.read("SECRET_KEY = 'short'\n"))["SECRET_KEY"])
        line = f"SECRET_KEY = {KEY!r}\n"
        self.assertIn("every QIS", self.reasons(self.read(line, base=line))["SECRET_KEY"])

    def test_what_has_no_meaning_here_is_told_as_expected(self) -> None:
        settings = self.read(
            "MGMT_DATABASE_CONNECTION = 'postgresql+psycopg2://u:p@h/qis'\nTASK_SERVER = 'x'\n"
            "INSTALL_DIR = '/opt/qis/'\nLOGGING_BASE_DIR = INSTALL_DIR + 'logs/'\nUSAGE_DATA_URL = 'http://a.example/'\n"
        )
        self.assertEqual(dict(settings.values), {})
        self.assertEqual(self.reasons(settings), {})
        self.assertEqual(
            list(self.reasons(settings, expected=True)),
            ["MGMT_DATABASE_CONNECTION", "TASK_SERVER", "INSTALL_DIR", "LOGGING_BASE_DIR", "USAGE_DATA_URL"],
        )
        self.assertEqual(settings.database_url, "postgresql+psycopg2://u:p@h/qis")

    def test_what_is_not_understood_or_not_known_is_told_with_its_line(self) -> None:
        settings = self.read(
            "import os\nHTTP_THREADS = os.cpu_count()\nSOMETHING_ELSE = 5\nHTTP_LISTEN = 'x'\nhelper = 1\n"
        )
        self.assertEqual(list(self.reasons(settings)), ["HTTP_THREADS", "SOMETHING_ELSE", "HTTP_LISTEN"])
        places = [one.place for one in settings.omitted]
        self.assertEqual(places, [f"{self.root}/conf/local_settings.py:{line}" for line in (2, 3, 4)])

    def test_a_name_that_the_original_does_not_know_either_is_nothing_to_miss(self) -> None:
        settings = self.read("MEGABYTE = 1024 * 1024\nMAX_CONTENT_LENGTH = 5 * MEGABYTE\n", base="DEBUG = False\n")
        self.assertEqual(self.reasons(settings), {})
        self.assertEqual(list(self.reasons(settings, expected=True)), ["MEGABYTE"])
        self.assertEqual(settings.values, {"MAX_CONTENT_LENGTH": 5 * 2**20})

    def test_a_value_that_does_not_fit_is_left_out_with_the_reason(self) -> None:
        settings = self.read("STATS_FREQUENCY = 1\nPREFERRED_URL_SCHEME = 'ftp'\n")
        self.assertEqual(settings.values, {})
        self.assertEqual(self.reasons(settings)["STATS_FREQUENCY"], "must be an integer from 5 to 1440")
        self.assertIn("https", self.reasons(settings)["PREFERRED_URL_SCHEME"])

    def test_values_that_do_not_fit_together_are_left_out(self) -> None:
        settings = self.read("LDAP_INTEGRATION = True\nPUBLIC_HOST_NAME = 'a.example'\n")
        self.assertEqual(settings.values, {"PUBLIC_HOST_NAME": "a.example"})
        self.assertIn("LDAP_INTEGRATION", self.reasons(settings))

    def test_formats_are_told_by_their_differences(self) -> None:
        base = "IMAGE_FORMATS = {'jpg': ('JPEG', 'image/jpeg'), 'tga': ('Targa', 'image/x-tga')}\n"
        local = "IMAGE_FORMATS = {'jpg': ('JPEG', 'image/jpeg'), 'jp9': ('New', 'image/jp9')}\n"
        settings = self.read(local, base=base)
        self.assertEqual(settings.values, {"IMAGE_FORMATS": {"jp9": ["New", "image/jp9"], "tga": False}})
        settings = self.read("IMAGE_FORMATS['jp9'] = ('New', 'image/jp9')\n", base=base)
        self.assertEqual(settings.values, {"IMAGE_FORMATS": {"jp9": ["New", "image/jp9"]}})

    def test_the_library_stays_where_it_is_or_not(self) -> None:
        settings = self.read("IMAGES_BASE_DIR = '/srv/pictures/'\n", keep_library=True)
        self.assertEqual(settings.values, {"IMAGES_BASE_DIR": "/srv/pictures"})
        settings = self.read("IMAGES_BASE_DIR = '/srv/pictures/'\nFOLIO_EXPORTS_DIR = '.zips'\n", keep_library=False)
        self.assertEqual(settings.values, {"FOLIO_EXPORTS_DIR": ".zips"})
        self.assertEqual((settings.images_dir, settings.exports_dir), (Path("/srv/pictures"), ".zips"))

    def test_a_library_inside_of_a_qis_that_was_moved_is_found(self) -> None:
        for local, base in (
            ("", ""),
            ("IMAGES_BASE_DIR = INSTALL_DIR + 'images'\n", "INSTALL_DIR = '/opt/qis/'\n"),
            ("INSTALL_DIR = '/usr/qis'\nIMAGES_BASE_DIR = '/usr/qis/images/'\n", ""),
        ):
            settings = self.read(local, base=base)
            self.assertEqual(settings.images_dir, self.root / "images")

    def test_without_a_settings_file_there_are_defaults(self) -> None:
        settings = read_qis_settings(self.root, apache=ApacheFacts(), keep_library=True)
        self.assertEqual(settings.values, {"IMAGES_BASE_DIR": str(self.root / "images")})
        self.assertEqual((settings.database_url, settings.exports_dir, settings.omitted), (None, ".folio_exports", ()))

    def test_the_web_servers_names_threads_and_certificates_are_taken(self) -> None:
        certificate = self.root / "certificate.pem"
        certificate.touch()
        apache = ApacheFacts(
            server_name="images.example.com",
            aliases=["img.example.com"],
            processes={"http": 4},
            threads={"http": 12},
            certificate=str(certificate),
            key=str(certificate),
            files=[Path("/etc/qis.conf")],
        )
        values = self.read("", apache=apache).values
        self.assertEqual(values["PUBLIC_HOST_NAME"], "images.example.com")
        self.assertEqual(values["SERVER_ALIASES"], ["img.example.com"])
        self.assertEqual(values["HTTP_THREADS"], 12)
        self.assertEqual(values["TLS_CERTIFICATE_FILE"], str(certificate))
        self.assertEqual(values["TLS_PRIVATE_KEY_FILE"], str(certificate))

    def test_the_settings_file_goes_before_the_web_server(self) -> None:
        apache = ApacheFacts(server_name="images.example.com")
        self.assertEqual(
            self.read("PUBLIC_HOST_NAME = 'a.example'\n", apache=apache).values["PUBLIC_HOST_NAME"], "a.example"
        )
        values = self.read("PUBLIC_HOST_NAME = ''\n", apache=apache).values
        self.assertEqual(values["PUBLIC_HOST_NAME"], "images.example.com")

    def test_no_python_names_the_file_and_the_line(self) -> None:
        with self.assertRaisesRegex(ValueError, "local_settings.py: line 1: "):
            self.read("this is no Python")
