"""The table of settings: base file, model, and the page made from both, setting by setting."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Any

import attrs
from twisted.trial.unittest import SynchronousTestCase

from qisd.cli.settings_page import settings_page
from qisd.settings import default_settings, restart_required
from qisd.settings.addresses import ListenAddress
from qisd.settings.base import base_entries
from qisd.settings.kinds import Boolean, Integer, toml_text
from qisd.settings.model import DROPPED, MODEL, Apply, is_secret
from qisd.settings.tables import LogLevels

NAMES = """
    PUBLIC_HOST_NAME PREFERRED_URL_SCHEME SERVER_ALIASES APPLICATION_ROOT SECRET_KEY SECRET_KEY_OLD ADMIN_PASSWORD
    HTTP_LISTEN HTTPS_LISTEN INTERNAL_BROWSING_PORT INTERNAL_BROWSING_SSL PROXY_SERVERS PROXY_ADDRESSES HTTP_PROCESSES
    HTTPS_PROCESSES HTTP_THREADS HTTPS_THREADS
    KEEP_ALIVE_TIMEOUT REQUEST_TIMEOUT SHUTDOWN_GRACE SHUTDOWN_DELAY RUN_USER RUN_GROUP BENCHMARKING
    IMAGE_BACKEND IMAGE_FORMATS IMAGE_RESIZE_QUALITY IMAGE_RESIZE_GAMMA_CORRECT IMAGE_AUTO_ORIENT MAX_IMAGE_DIMENSION
    MAX_GRID_TILES PUBLIC_MAX_IMAGE_WIDTH PUBLIC_MAX_IMAGE_HEIGHT AUTO_PYRAMID_THRESHOLD IMAGE_GENERATION_WAIT_TIMEOUT
    IMAGE_GENERATION_RAISE_TOO_BUSY MAX_SOURCE_PIXELS MAX_SOURCE_BYTES RENDER_MEMORY_MB RENDER_TIMEOUT RENDER_QUEUE_MAX
    INSTALL_DIR ICC_BASE_DIR IMAGES_BASE_DIR LOGGING_BASE_DIR STATE_DIR TEMP_DIR IMAGES_FILE_MODE IMAGES_DIR_MODE
    STORE_CHECK_FILE FOLIO_EXPORTS_DIR ALLOW_UNICODE_FILENAMES IMAGE_UPLOAD_DIRS IMAGE_UPLOADED_TEMPLATE
    LOGO_IMAGE_PATH DEMO_IMAGE_PATH DEMO_OVERLAY_IMAGE_PATH
    MAX_CONTENT_LENGTH MIN_FREE_SPACE_MB TRASH_DAYS
    S3_BUCKET S3_PREFIX S3_ENDPOINT S3_REGION S3_ACCESS_KEY S3_SECRET_KEY S3_CACHE_MB S3_CACHE_DIR
    MGMT_DATABASE_CONNECTION MGMT_DATABASE_POOL_SIZE DATABASE_QUERY_TIMEOUT SNAPSHOT_GRACE
    EMBEDDED_DATABASE_MEMORY_MB MEMCACHED_SERVERS MEMCACHED_TIMEOUT_MS MEMCACHED_DEAD_TIMEOUT MEMCACHED_PREFIX
    MEMCACHED_MAX_OBJECT_MB MEMORY_CACHE_MB DISK_CACHE_MB DISK_CACHE_DIR DISK_CACHE_MIN_MS
    LOG_LEVEL LOG_FORMAT LOG_TARGET LOG_MAX_MB LOG_KEEP ACCESS_LOG
    STATS_ENABLED STATS_FREQUENCY STATS_KEEP_DAYS AUDIT_KEEP_DAYS DELETED_USERS_KEEP_DAYS
    TASK_SERVER_THREADS TASKS_ENABLED
    SESSION_COOKIE_NAME SESSION_COOKIE_HTTPONLY SESSION_COOKIE_SECURE SESSION_COOKIE_SAMESITE SESSION_LIFETIME
    SESSION_IDLE API_AUTHENTICATION_CLASS API_TOKEN_EXPIRY_TIME API_MAX_LIST LOGIN_RATE HIDE_VERSION
    LDAP_INTEGRATION LDAP_SERVER_TYPE LDAP_SERVER LDAP_QUERY_BASE LDAP_BIND_USER_DN LDAP_BIND_PASSWORD LDAP_SECURE
    LDAP_START_TLS LDAP_CA_FILE LDAP_TIMEOUT LDAP_GROUP_SYNC
    XREF_TRACKING_URL WEBHOOK_NETWORKS CORS_ALLOW_ORIGIN CORS_ALLOW_HEADERS CORS_EXPOSE_HEADERS
    LOGIN_NEXT_ORIGINS PICKER_ORIGINS
    TLS_CERTIFICATE_FILE TLS_PRIVATE_KEY_FILE TLS_CHAIN_FILE TLS_SITES_DIR TLS_MIN_VERSION TLS_CIPHERS
    HTTP_REDIRECT HSTS_MAX_AGE ACME ACME_DIRECTORY ACME_EMAIL ACME_TERMS_AGREED ACME_WEBROOT PROXY_PROTOCOL
    METRICS_LISTEN
""".split()  # noqa: SIM905 -- a list literal would be 100 lines

DEFAULTS = {
    "PUBLIC_HOST_NAME": "",
    "APPLICATION_ROOT": "/",
    "HTTP_LISTEN": ["[::]:80"],
    "HTTPS_LISTEN": ["[::]:443"],
    "METRICS_LISTEN": ["127.0.0.1:9009"],
    "HTTP_PROCESSES": 2,
    "HTTPS_PROCESSES": 2,
    "HTTP_THREADS": 15,
    "HTTPS_THREADS": 15,
    "KEEP_ALIVE_TIMEOUT": 15,
    "REQUEST_TIMEOUT": 60,
    "SHUTDOWN_GRACE": 30,
    "IMAGE_RESIZE_QUALITY": 3,
    "IMAGE_RESIZE_GAMMA_CORRECT": True,
    "MAX_IMAGE_DIMENSION": 15000,
    "MAX_GRID_TILES": 256,
    "IMAGE_GENERATION_WAIT_TIMEOUT": 30,
    "MAX_SOURCE_PIXELS": 250_000_000,
    "MAX_SOURCE_BYTES": 2**31,
    "RENDER_MEMORY_MB": 1024,
    "RENDER_QUEUE_MAX": 200,
    "IMAGES_FILE_MODE": "0644",
    "MGMT_DATABASE_POOL_SIZE": 5,
    "MEMORY_CACHE_MB": 64,
    "DISK_CACHE_MB": 2048,
    "DISK_CACHE_DIR": "",
    "PREFERRED_URL_SCHEME": "http",
    "SECRET_KEY_OLD": [],
    "INTERNAL_BROWSING_PORT": 0,
    "INTERNAL_BROWSING_SSL": True,
    "PROXY_SERVERS": 0,
    "PROXY_ADDRESSES": ["127.0.0.0/8", "::1/128", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"],
    "TEMP_DIR": "",
    "FOLIO_EXPORTS_DIR": ".folio_exports",
    "ALLOW_UNICODE_FILENAMES": True,
    "IMAGE_UPLOAD_DIRS": [["Today's images", "%Y-%m-%d"], ["Sample images", "samples"]],
    "IMAGE_UPLOADED_TEMPLATE": "",
    "LOGO_IMAGE_PATH": "",
    "DEMO_IMAGE_PATH": "",
    "DEMO_OVERLAY_IMAGE_PATH": "",
    "MAX_CONTENT_LENGTH": 2**30,
    "MIN_FREE_SPACE_MB": 512,
    "TRASH_DAYS": 30,
    "SNAPSHOT_GRACE": 900,
    "STATS_ENABLED": True,
    "STATS_FREQUENCY": 60,
    "STATS_KEEP_DAYS": 365,
    "AUDIT_KEEP_DAYS": 400,
    "TASK_SERVER_THREADS": 5,
    "TASKS_ENABLED": True,
    "SESSION_COOKIE_NAME": "session",
    "SESSION_COOKIE_HTTPONLY": True,
    "SESSION_COOKIE_SECURE": "auto",
    "SESSION_COOKIE_SAMESITE": "Lax",
    "SESSION_LIFETIME": 14 * 86_400,
    "SESSION_IDLE": 8 * 3600,
    "API_AUTHENTICATION_CLASS": "TimedTokenBasicAuthentication",
    "API_TOKEN_EXPIRY_TIME": 3600,
    "API_MAX_LIST": 100_000,
    "LOGIN_RATE": 10,
    "HIDE_VERSION": False,
    "LDAP_INTEGRATION": False,
    "LDAP_SERVER_TYPE": "",
    "LDAP_SERVER": "",
    "LDAP_SECURE": False,
    "LDAP_START_TLS": True,
    "LDAP_CA_FILE": "",
    "LDAP_TIMEOUT": 5,
    "LDAP_GROUP_SYNC": False,
    "CORS_EXPOSE_HEADERS": [
        "Content-Length",
        "X-From-Cache",
        "X-Time-Taken",
        "ETag",
        "Link",
        "Retry-After",
        "X-Total-Count",
    ],
    "LOGIN_NEXT_ORIGINS": [],
    "PICKER_ORIGINS": [],
    "TLS_MIN_VERSION": "1.2",
    "HTTP_REDIRECT": "internal",
    "HSTS_MAX_AGE": 0,
    "PROXY_PROTOCOL": False,
}

HOST = ["http://a.example", "a b", "a/b", "-a", "a:b", "a:99999", "1.2.3.400", "[::zz]", "ü.example", "a\nb", 7]
PATH = ["relative/path", "~/x", "/a\nb", 5, ["/a"]]
ORIGINS = ["*", ["example.com"], ["https://a.example/path"], ["https://user@a.example"], ["ftp://a.example"], [1]]
HEADERS = ["Origin", ["a b"], ["a:"], [""], ["X-A", "X-A"], [1]]
LISTEN = [
    "[::]:80",
    ["80"],
    [":80"],
    ["::1:80"],
    ["[::1]"],
    ["a:-1"],
    ["a:65536"],
    ["a:"],
    ["1.2.3.4.5:80"],
    [80],
    ["a:1", "a:1"],
]

KEY = "q8Zt3LmVx0RbYc7NwPs2DfGh5JkA9eUi"

# What each setting accepts besides its default (value, typed value), and what it refuses.
OTHERS: dict[str, tuple[list[tuple[Any, Any]], list[Any]]] = {
    "PUBLIC_HOST_NAME": (
        [(text, text) for text in ("a.example", "a.example:8080", "127.0.0.1:8443", "[::1]", "[::1]:80", "localhost")],
        HOST,
    ),
    "SERVER_ALIASES": (
        [(["a.example", "*.b.example"], ("a.example", "*.b.example"))],
        ["a", [1], ["a", "a"], ["a:80"]],
    ),
    "APPLICATION_ROOT": ([("/qis", "/qis"), ("/a/b", "/a/b")], ["", "qis", "/qis/", "//", "/a//b", "/a/..", "/a?b", 1]),
    "SECRET_KEY": ([("", "")], ["short", "x" * 40, "hex:00", "base64:!", 12345678901234567890123456789012]),
    "ADMIN_PASSWORD": ([("", ""), ("qisadmin", "qisadmin")], ["1234567", "x" * 121, "12345678\n", 12345678]),
    "MEMCACHED_SERVERS": (
        [
            ([], ()),
            (["127.0.0.1:11211", "cache.example.com:1"], ("127.0.0.1:11211", "cache.example.com:1")),
            (["[::1]:11211", "/run/memcached/socket"], ("[::1]:11211", "/run/memcached/socket")),
        ],
        ["127.0.0.1:1", ["127.0.0.1"], ["127.0.0.1:0"], ["a b:1"], ["socket"], [1], ["a:1", "a:1"], ["/a b"]],
    ),
    "MEMCACHED_PREFIX": ([("", ""), ("qis:", "qis:")], ["a b", "x" * 41, "\u00e9", 1]),
    "HTTP_PROCESSES": ([(0, 0), (256, 256), ("auto", None)], [-1, 257, True, "2", "", "all", 1.5, None]),
    "HTTPS_PROCESSES": ([(0, 0), (256, 256), ("auto", None)], [-1, 257, True, "2", "", "all", 1.5, None]),
    "HTTP_LISTEN": (
        [
            ([], ()),
            (["127.0.0.1:0", "[::1]:8080"], (ListenAddress("127.0.0.1", 0), ListenAddress("::1", 8080))),
            (["localhost:80"], (ListenAddress("localhost", 80),)),
        ],
        LISTEN,
    ),
    "HTTPS_LISTEN": ([(["0.0.0.0:443"], (ListenAddress("0.0.0.0", 443),))], LISTEN),
    "METRICS_LISTEN": ([(["127.0.0.1:9009"], (ListenAddress("127.0.0.1", 9009),)), ([], ())], LISTEN),
    "RUN_USER": ([("qis", "qis"), ("www-data", "www-data")], ["a b", "0", "-x", 1000]),
    "RUN_GROUP": ([("qis", "qis")], ["a b", "0", 1000]),
    "PREFERRED_URL_SCHEME": ([("https", "https")], ["HTTP", "ftp", "", 1]),
    "SECRET_KEY_OLD": ([([KEY], (KEY,))], [KEY, [""], ["short"], ["x" * 40], [KEY, KEY], [1], {}]),
    "PROXY_ADDRESSES": (
        [
            ([], ()),
            (["10.1.2.3", "fe80::/10"], (IPv4Network("10.1.2.3/32"), IPv6Network("fe80::/10"))),
            (["0.0.0.0/0", "::1"], (IPv4Network("0.0.0.0/0"), IPv6Network("::1/128"))),
        ],
        [
            "10.0.0.0/8",
            ["10.0.0.1/8"],
            ["10.0.0.0/33"],
            ["10.0.0.0/255.0.0.0"],
            ["10.0.0"],
            ["localhost"],
            ["fe80::1%eth0"],
            ["[::1]"],
            [""],
            [1],
            ["::1", "::1/128"],
        ],
    ),
    "IMAGE_BACKEND": ([("pillow", "pillow"), ("imagemagick", "imagemagick")], ["gd", "", 1]),
    "IMAGE_FORMATS": (
        [({"webp": ["WebP", "image/webp"], "tga": False}, {"webp": ("WebP", "image/webp"), "tga": False})],
        [{"webp": "image/webp"}, {"webp": ["WebP"]}, {"tga": True}, {".a": False}, {"A": False}, {"a": ["A", "b"]}, []],
    ),
    "INSTALL_DIR": ([("/opt/qis", Path("/opt/qis"))], ["", *PATH]),
    "ICC_BASE_DIR": ([("/opt/icc/", Path("/opt/icc"))], PATH),
    "IMAGES_BASE_DIR": ([("/srv/images", Path("/srv/images"))], ["", *PATH]),
    "LOGGING_BASE_DIR": ([("/srv/logs", Path("/srv/logs"))], ["", *PATH]),
    "STATE_DIR": ([("/srv/state", Path("/srv/state"))], ["", *PATH]),
    "IMAGES_FILE_MODE": ([("0600", 0o600), ("664", 0o664), ("0o640", 0o640)], ["0400", "1644", "0888", "rw", "", 644]),
    "IMAGES_DIR_MODE": ([("0700", 0o700), ("2775", 0o2775)], ["0600", "10755", "0888", "", 755]),
    "STORE_CHECK_FILE": ([("mounted", "mounted"), ("a/.b", "a/.b")], ["/a", "../a", "a/../b", "..", "a/.", 1]),
    "TEMP_DIR": ([("/srv/temp", Path("/srv/temp")), ("", Path())], PATH),
    "DISK_CACHE_DIR": ([("/srv/cache", Path("/srv/cache")), ("", Path())], PATH),
    "S3_BUCKET": ([("", ""), ("my.pictures-1", "my.pictures-1")], ["a", "Pictures", "-pictures", "a_b", "a/b", 1]),
    "S3_PREFIX": ([("sites/one", "sites/one"), ("", "")], ["../a", "a/../b", "a\n", 1]),
    "S3_ENDPOINT": ([("http://s3.example:9000", "http://s3.example:9000"), ("", "")], ["s3.example", "ftp://a", 1]),
    "S3_REGION": ([("eu-west-1", "eu-west-1"), ("", "")], ["eu west", "EU", 1]),
    "S3_ACCESS_KEY": ([("AKIA1", "AKIA1"), ("", "")], ["a b", "a\n", 1]),
    "S3_SECRET_KEY": ([("a/b+c", "a/b+c"), ("", "")], ["a b", "a\n", 1]),
    "S3_CACHE_DIR": ([("/srv/copies", Path("/srv/copies")), ("", Path())], PATH),
    "FOLIO_EXPORTS_DIR": (
        [("folios", "folios"), ("a/.b", "a/.b")],
        ["", "/a", "../a", "a/../b", "..", "a/.", "a\n", 1],
    ),
    "IMAGE_UPLOAD_DIRS": (
        [
            ([], ()),
            ([["Tag", "in/%Y/%m %d"], ["100 %", "100 %%"]], (("Tag", "in/%Y/%m %d"), ("100 %", "100 %%"))),
        ],
        [
            "in",
            {"Tag": "in"},
            ["in"],
            [["Tag"]],
            [["Tag", 1]],
            [["", "in"]],
            [["Tag", ""]],
            [["Tag", "in"], ["Tag", "out"]],
            [["Tag", "in", "out"]],
            *([["Tag", path]] for path in ("/in", "in/", "a//b", "../a", "a/../b", ".a", "a/.b", "a\nb", ".%Y")),
            *([["Tag", path]] for path in ("%", "%D", "%n", "%t", "%-d", "%%%", "a%", "%c")),
        ],
    ),
    "IMAGE_UPLOADED_TEMPLATE": ([("large", "large")], ["a\nb", 1]),
    "LOGO_IMAGE_PATH": ([("/logo.png", "/logo.png")], ["../a", 1]),
    "DEMO_IMAGE_PATH": ([("/samples", "/samples"), ("a/b.jpg", "a/b.jpg")], ["../a", "a/./b", "a\nb", 1]),
    "DEMO_OVERLAY_IMAGE_PATH": ([("", ""), ("/samples/qisd110.png", "/samples/qisd110.png")], ["..", "a\nb", 1]),
    "MGMT_DATABASE_CONNECTION": (
        [
            ("postgresql:///qis-mgmt", "postgresql:///qis-mgmt"),
            ("postgres://u:p@h/d", "postgresql://u:p@h/d"),
            ("postgresql+psycopg2://u:p@h1:5432,h2:5432/d?x=y", "postgresql://u:p@h1:5432,h2:5432/d?x=y"),
        ],
        ["mysql://h/d", "host=h dbname=d", "postgresql:/h", "postgresql://h/a b", 1],
    ),
    "LOG_LEVEL": (
        [
            ("debug", LogLevels("debug")),
            ("warning", LogLevels("warn")),
            ({"render": "debug"}, LogLevels("info", {"render": "debug"})),
            ({"default": "error", "web.access": "warn"}, LogLevels("error", {"web.access": "warn"})),
        ],
        ["loud", "", "INFO", {"render": 1}, {"Render": "debug"}, {"render": "loud"}, 10, ["debug"]],
    ),
    "LOG_FORMAT": ([("json", "json")], ["xml", "", 1]),
    "LOG_TARGET": ([("journal", "journal"), ("stdout", "stdout")], ["stderr", "", 1]),
    "ACCESS_LOG": ([(word, word) for word in ("combined", "json", "off")], ["common", "", False]),
    "SESSION_COOKIE_NAME": ([("__Host-qis", "__Host-qis")], ["", "a b", "a=b", "a;b", "a,b", 'a"', "é", "a\n", 1]),
    "SESSION_COOKIE_SECURE": (
        [(True, "true"), (False, "false"), ("true", "true"), ("false", "false")],
        ["yes", "", "True", 1, 0, []],
    ),
    "SESSION_COOKIE_SAMESITE": ([("Strict", "Strict"), ("None", "None")], ["lax", "", False]),
    "API_AUTHENTICATION_CLASS": ([], ["BasicAuthentication", "", 1]),
    "LDAP_SERVER_TYPE": (
        [
            ("OpenLDAPPosix", "OpenLDAPPosix"),
            ("openldaporganizational", "OpenLDAPOrganizational"),
            ("APPLE", "Apple"),
            ("activeDirectory", "ActiveDirectory"),
        ],
        ["OpenLDAP", "Active Directory", 1, None],
    ),
    "LDAP_SERVER": (
        [
            (text, text)
            for text in (
                "ldap.example",
                "ldap.example:3890",
                "10.0.0.1",
                "[::1]:389",
                "ldap://ldap.example",
                "ldaps://ldap.example:6360/",
                "LDAPS://[::1]",
            )
        ],
        ["ldap://", "ldap://a/dc=b", "http://a", "a b", "a:b", "a:0", "a:99999", "a/", "ldap://u@a", "ldap://a?b", 1],
    ),
    "LDAP_QUERY_BASE": ([("dc=a,dc=example", "dc=a,dc=example")], ["dc=a\n", 1]),
    "LDAP_BIND_USER_DN": ([("cn=qis,dc=a", "cn=qis,dc=a")], ["cn=a\0", 1]),
    "LDAP_BIND_PASSWORD": ([(" x y ", " x y ")], ["a\nb", 1]),
    "LDAP_CA_FILE": ([("/c.pem", Path("/c.pem")), ("", None)], PATH),
    "WEBHOOK_NETWORKS": (
        [([], ()), (["10.0.0.0/8"], (IPv4Network("10.0.0.0/8"),))],
        ["10.0.0.0/8", ["10.0.0.1/8"], ["host"], [1]],
    ),
    "XREF_TRACKING_URL": (
        [("https://a.example/t?x=", "https://a.example/t?x="), ("http://a.example:80/", "http://a.example:80/")],
        ["a.example", "ftp://a.example", "http://", "http://a:x/", "http://a b/", 1],
    ),
    "CORS_ALLOW_ORIGIN": ([([], ()), (["https://a.example:8443"], ("https://a.example:8443",))], ORIGINS),
    "CORS_ALLOW_HEADERS": ([([], ()), (["X-A"], ("X-A",))], HEADERS),
    "CORS_EXPOSE_HEADERS": ([([], ())], HEADERS),
    "LOGIN_NEXT_ORIGINS": ([(["https://a.example"], ("https://a.example",))], [["*"], *ORIGINS[1:]]),
    "PICKER_ORIGINS": ([(["https://a.example:8443"], ("https://a.example:8443",))], [["*"], *ORIGINS[1:]]),
    "TLS_CERTIFICATE_FILE": ([("/c.pem", Path("/c.pem")), ("", None)], PATH),
    "TLS_PRIVATE_KEY_FILE": ([("/k.pem", Path("/k.pem")), ("", None)], PATH),
    "TLS_CHAIN_FILE": ([("/c.pem", Path("/c.pem")), ("", None)], PATH),
    "TLS_SITES_DIR": ([("", None), ("/tls", Path("/tls"))], PATH),
    "TLS_MIN_VERSION": ([("1.3", "1.3")], ["1.1", "", 1.2]),
    "TLS_CIPHERS": ([("ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-RSA-AES128-GCM-SHA256")], ["NO-SUCH-CIPHER", "", 1]),
    "HTTP_REDIRECT": ([("all", "all"), ("none", "none")], ["ALL", "", True]),
    "ACME_DIRECTORY": ([("https://acme.example/directory", "https://acme.example/directory")], ["acme.example", 1]),
    "ACME_EMAIL": ([("a@b.example", "a@b.example"), ("", "")], ["a", "a b@c", "a@b@c", 1]),
    "ACME_WEBROOT": ([("", None), ("/a", Path("/a"))], PATH),
}


class ModelTests(SynchronousTestCase):
    def test_the_model_has_exactly_these_settings(self) -> None:
        self.assertEqual(sorted(MODEL), sorted(NAMES))

    def test_the_base_file_has_the_settings_of_the_model_in_its_order(self) -> None:
        self.assertEqual(list(base_entries()), list(MODEL))

    def test_the_base_file_states_type_and_range_as_the_model_has_them(self) -> None:
        for name, entry in base_entries().items():
            setting = MODEL[name]
            expected = f"{setting.kind.describe()}. Takes effect {setting.apply.value}."
            self.assertEqual(entry.value_line, expected, name)

    def test_every_setting_is_explained_and_in_a_group(self) -> None:
        for name, entry in base_entries().items():
            self.assertTrue(entry.comment.endswith("."), name)
            self.assertTrue(entry.group, name)

    def test_the_base_file_has_the_documented_defaults(self) -> None:
        for name, default in DEFAULTS.items():
            self.assertEqual(base_entries()[name].default, default, name)

    def test_no_setting_ends_in_what_orchestrators_inject(self) -> None:
        # The one is as old as QIS; what an orchestrator would put there is an address, and that is told apart.
        self.assertEqual([name for name in MODEL if name.endswith("_PORT")], ["INTERNAL_BROWSING_PORT"])

    def test_no_setting_is_dropped_as_well(self) -> None:
        self.assertEqual(MODEL.keys() & DROPPED.keys(), set())

    def test_the_page_about_settings_is_current(self) -> None:
        page = Path(__file__).parent.parent / "docs" / "settings.md"
        self.assertEqual(page.read_text("utf-8"), settings_page())


class ValueTests(SynchronousTestCase):
    """Each setting with values that it takes and that it refuses."""

    def assert_refused(self, name: str, value: object) -> None:
        try:
            typed = MODEL[name].kind.convert(value)
        except ValueError:
            return
        self.fail(f"{name} = {value!r} was taken as {typed!r}")

    def test_every_default_is_valid_and_survives_being_written(self) -> None:
        for name, entry in base_entries().items():
            kind = MODEL[name].kind
            typed = kind.convert(entry.default)
            self.assertEqual(kind.convert(kind.plain(typed)), typed, name)

    def test_integers_end_where_they_say(self) -> None:
        integers = [(name, setting.kind) for name, setting in MODEL.items() if isinstance(setting.kind, Integer)]
        self.assertGreater(len(integers), 20)
        for name, kind in integers:
            self.assertEqual(kind.convert(kind.minimum), kind.minimum, name)
            self.assertEqual(kind.convert(kind.maximum), kind.maximum, name)
            if not kind.clamped:
                self.assert_refused(name, kind.minimum - 1)
                self.assert_refused(name, kind.maximum + 1)
            for value in (True, float(kind.minimum), str(kind.minimum), [kind.minimum], {}, float("nan")):
                self.assert_refused(name, value)

    def test_the_wait_timeout_is_clamped(self) -> None:
        kind = MODEL["IMAGE_GENERATION_WAIT_TIMEOUT"].kind
        self.assertEqual([kind.convert(value) for value in (-5, 9, 10, 60, 120, 121)], [10, 10, 10, 60, 120, 120])

    def test_booleans_are_nothing_but_booleans(self) -> None:
        booleans = [name for name, setting in MODEL.items() if isinstance(setting.kind, Boolean)]
        self.assertGreater(len(booleans), 3)
        for name in booleans:
            self.assertIs(MODEL[name].kind.convert(True), True)
            self.assertIs(MODEL[name].kind.convert(False), False)
            for value in (1, 0, "true", "", [], None):
                self.assert_refused(name, value)

    def test_every_other_setting_has_examples_here(self) -> None:
        rest = [name for name, setting in MODEL.items() if not isinstance(setting.kind, Integer | Boolean)]
        self.assertEqual(sorted(OTHERS), sorted(rest))

    def test_other_settings_take_what_they_should(self) -> None:
        for name, (taken, _) in OTHERS.items():
            kind = MODEL[name].kind
            for value, typed in taken:
                self.assertEqual(kind.convert(value), typed, f"{name} = {value!r}")
                self.assertEqual(kind.convert(kind.plain(typed)), typed, f"{name} = {value!r}")

    def test_other_settings_refuse_what_they_should(self) -> None:
        for name, (_, refused) in OTHERS.items():
            for value in refused:
                self.assert_refused(name, value)

    def test_a_log_level_holds_for_the_areas_below(self) -> None:
        levels = LogLevels("warn", {"web": "info", "web.access": "debug"})
        areas = ("web.access.x", "web.access", "web.x", "web", "website", "")
        self.assertEqual([levels.of(area) for area in areas], ["debug", "debug", "info", "info", "warn", "warn"])


class SettingsTests(SynchronousTestCase):
    def test_settings_are_equal_by_value_and_can_not_be_changed(self) -> None:
        one, other = default_settings(), default_settings()
        self.assertEqual(one, other)
        self.assertNotEqual(one, attrs.evolve(one, http_threads=3))
        with self.assertRaises(attrs.exceptions.FrozenInstanceError):
            one.http_threads = 3  # type: ignore[misc]
        with self.assertRaises(TypeError):
            one.image_formats["a"] = False  # type: ignore[index]

    def test_secrets_are_not_in_the_representation(self) -> None:
        secrets = {
            "secret_key": "hidden-1",
            "secret_key_old": ("hidden-2",),
            "admin_password": "hidden-3",
            "mgmt_database_connection": "hidden-4",
            "ldap_bind_password": "hidden-5",
            "s3_secret_key": "hidden-6",
        }
        self.assertEqual({name.lower() for name in MODEL if is_secret(name)}, set(secrets))
        text = repr(attrs.evolve(default_settings(), **secrets))
        self.assertNotIn("hidden", text)
        self.assertEqual(text.count("********"), 6)

    def test_secrets_are_told_by_name(self) -> None:
        for name in ("SECRET_KEY", "SECRET_KEY_OLD", "LDAP_BIND_PASSWORD", "CACHE_DATABASE_CONNECTION", "X_TOKEN"):
            self.assertTrue(is_secret(name), name)
        for name in ("TLS_PRIVATE_KEY_FILE", "PUBLIC_HOST_NAME", "API_TOKEN_EXPIRY_TIME"):
            self.assertFalse(is_secret(name), name)

    def test_cookies_are_secure_as_browsing_is_unless_it_is_said(self) -> None:
        for cookie, browsing, secure in (
            ("auto", True, True),
            ("auto", False, False),
            ("true", False, True),
            ("false", True, False),
        ):
            settings = attrs.evolve(default_settings(), session_cookie_secure=cookie, internal_browsing_ssl=browsing)
            self.assertIs(settings.secure_cookies, secure)

    def test_only_changes_that_need_it_ask_for_a_restart(self) -> None:
        old = default_settings()
        self.assertEqual(restart_required(old, old), ())
        self.assertEqual(restart_required(old, attrs.evolve(old, render_timeout=3, admin_password="x" * 8)), ())
        new = attrs.evolve(old, log_target="stdout", state_dir=Path("/x"), render_timeout=3)
        self.assertEqual(restart_required(old, new), ("STATE_DIR", "LOG_TARGET"))

    def test_what_needs_a_restart_is_what_the_start_alone_can_do(self) -> None:
        names = {name for name, setting in MODEL.items() if setting.apply is Apply.RESTART}
        self.assertEqual(
            names,
            {
                "RUN_USER",
                "RUN_GROUP",
                "INSTALL_DIR",
                "LOGGING_BASE_DIR",
                "STATE_DIR",
                "EMBEDDED_DATABASE_MEMORY_MB",
                "LOG_TARGET",
                "APPLICATION_ROOT",
                "IMAGES_BASE_DIR",
                "STORE_CHECK_FILE",
                "S3_BUCKET",
                "S3_PREFIX",
                "S3_ENDPOINT",
                "S3_REGION",
                "S3_ACCESS_KEY",
                "S3_SECRET_KEY",
                "S3_CACHE_MB",
                "S3_CACHE_DIR",
                "MGMT_DATABASE_CONNECTION",
                "MGMT_DATABASE_POOL_SIZE",
                "DATABASE_QUERY_TIMEOUT",
            },
        )


class TomlTextTests(SynchronousTestCase):
    def test_values_are_written_as_toml(self) -> None:
        for value, text in (
            ('a "b"\\\n', '"a \\"b\\"\\\\\\n"'),
            ("é\x7f", '"é\\u007f"'),
            (True, "true"),
            (5, "5"),
            (["a", 1], '["a", 1]'),
            ({"a": ["b"], "c d": False}, '{ a = ["b"], "c d" = false }'),
            ({}, "{}"),
        ):
            self.assertEqual(toml_text(value), text)
