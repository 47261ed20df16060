"""Every setting with its type, range, and the moment at which a change takes effect.

Defaults and explanations are in ``base_settings.toml``, once.
"""

# ruff: noqa: RUF009 -- the calls make attrs fields; the wrapper lets mypy compare each kind with its annotation

from __future__ import annotations

import enum
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar, cast

import attrs

from qisd.settings.addresses import (
    Ciphers,
    DatabaseUrl,
    DirectoryServer,
    HeaderName,
    HostName,
    IpNetwork,
    Listen,
    ListenAddress,
    MemcachedServer,
    Network,
    Origin,
    WebUrl,
)
from qisd.settings.keys import MASK, SecretKey
from qisd.settings.kinds import (
    Automatic,
    AutomaticInteger,
    Boolean,
    Choice,
    Directory,
    Integer,
    Kind,
    ListOf,
    Mode,
    OptionalPath,
    Text,
)
from qisd.settings.tables import FormatOverrides, Formats, Levels, LogLevels, UploadDirectories, UploadDirs

T = TypeVar("T")

_SECRET_ENDINGS = ("_PASSWORD", "_CONNECTION", "_TOKEN", "_SECRET_KEY")
_ROOT_PATH = r"/|(/[A-Za-z0-9._~-]*[A-Za-z0-9_~-])+"
_RELATIVE_PATH = r"(?!/)(?!.*(^|/)\.{1,2}(/|$)).+"
_LIBRARY_PATH = r"(?!.*(^|/)\.{1,2}(/|$)).+"
_COOKIE_NAME = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_ACCOUNT = r"[A-Za-z_][A-Za-z0-9_.-]{0,31}"


class Apply(enum.Enum):
    """When a changed setting takes effect; the value is how the documentation says it."""

    RELOAD = "on reload"
    RESTART = "after a restart"
    FIRST_RUN = "when the account is made"


class Who(enum.Enum):
    """Whom a setting is for."""

    OPERATOR = "every operator"
    TUNING = "tuning"
    INTEGRATION = "integration"
    SECURITY = "security policy"
    DEVELOPER = "developers and tests"


@attrs.frozen(kw_only=True)
class Setting:
    """What is known of one setting besides its default and explanation."""

    name: str
    kind: Kind[Any]
    apply: Apply
    who: Who

    @property
    def attribute(self) -> str:
        """Its name in :class:`Settings`."""
        return self.name.lower()

    @property
    def secret(self) -> bool:
        return is_secret(self.name)


def is_secret(name: str) -> bool:
    """Whether the value of the setting ``name`` is never shown; holds for settings that are not ours, too."""
    return name.startswith("SECRET_KEY") or name.endswith(_SECRET_ENDINGS)


def _represent(value: object) -> str:
    return repr(MASK) if value else repr(value)


def _setting(kind: Kind[T], who: Who, apply: Apply = Apply.RELOAD, *, secret: bool = False) -> T:
    field = attrs.field(metadata={"kind": kind, "apply": apply, "who": who}, repr=_represent if secret else True)
    return cast("T", field)


@attrs.frozen(kw_only=True)
class Settings:
    """The settings in force: one attribute per setting, named as it in lower case.

    Made by :func:`qisd.settings.loading.load_settings` and :func:`qisd.settings.loading.default_settings`.
    """

    # Identity and addresses
    public_host_name: str = _setting(HostName(port=True, empty=True), Who.OPERATOR)
    preferred_url_scheme: str = _setting(Choice(("http", "https")), Who.OPERATOR)
    server_aliases: tuple[str, ...] = _setting(ListOf(HostName(wildcard=True), "host names"), Who.OPERATOR)
    application_root: str = _setting(
        Text('a path that begins with "/" and does not end with it', _ROOT_PATH, empty=False),
        Who.INTEGRATION,
        Apply.RESTART,
    )
    secret_key: str = _setting(SecretKey(), Who.OPERATOR, secret=True)
    secret_key_old: tuple[str, ...] = _setting(
        ListOf(SecretKey(empty=False), f"keys, each {SecretKey(empty=False).describe()}"), Who.SECURITY, secret=True
    )
    admin_password: str = _setting(Text("8 to 120 characters", r".{8,120}"), Who.OPERATOR, Apply.FIRST_RUN, secret=True)
    http_listen: tuple[ListenAddress, ...] = _setting(ListOf(Listen(), Listen().describe()), Who.OPERATOR)
    https_listen: tuple[ListenAddress, ...] = _setting(ListOf(Listen(), Listen().describe()), Who.OPERATOR)
    metrics_listen: tuple[ListenAddress, ...] = _setting(ListOf(Listen(), Listen().describe()), Who.OPERATOR)
    internal_browsing_port: int = _setting(Integer(0, 65_535), Who.SECURITY)
    internal_browsing_ssl: bool = _setting(Boolean(), Who.SECURITY)
    proxy_servers: int = _setting(Integer(0, 16), Who.OPERATOR)
    proxy_addresses: tuple[IpNetwork, ...] = _setting(ListOf(Network(), "IP addresses or networks"), Who.SECURITY)
    proxy_protocol: bool = _setting(Boolean(), Who.INTEGRATION)
    http_processes: int | None = _setting(AutomaticInteger(0, 256), Who.TUNING)
    https_processes: int | None = _setting(AutomaticInteger(0, 256), Who.TUNING)
    http_threads: int = _setting(Integer(1, 64), Who.TUNING)
    https_threads: int = _setting(Integer(1, 64), Who.TUNING)
    keep_alive_timeout: int = _setting(Integer(1, 3600), Who.TUNING)
    request_timeout: int = _setting(Integer(1, 3600), Who.TUNING)
    shutdown_grace: int = _setting(Integer(0, 3600), Who.OPERATOR)
    shutdown_delay: int = _setting(Integer(0, 600), Who.OPERATOR)
    run_user: str = _setting(Text("the name of a user", _ACCOUNT), Who.OPERATOR, Apply.RESTART)
    run_group: str = _setting(Text("the name of a group", _ACCOUNT), Who.OPERATOR, Apply.RESTART)
    benchmarking: bool = _setting(Boolean(), Who.DEVELOPER)

    # Images
    image_backend: str = _setting(Choice(("auto", "pillow", "imagemagick")), Who.INTEGRATION)
    image_formats: FormatOverrides = _setting(Formats(), Who.INTEGRATION)
    image_resize_quality: int = _setting(Integer(1, 3), Who.TUNING)
    image_resize_gamma_correct: bool = _setting(Boolean(), Who.TUNING)
    image_auto_orient: bool = _setting(Boolean(), Who.OPERATOR)
    max_image_dimension: int = _setting(Integer(1, 100_000), Who.SECURITY)
    max_grid_tiles: int = _setting(Integer(4, 65_536), Who.SECURITY)
    public_max_image_width: int = _setting(Integer(0, 100_000), Who.SECURITY)
    public_max_image_height: int = _setting(Integer(0, 100_000), Who.SECURITY)
    auto_pyramid_threshold: int = _setting(Integer(0, 10**12), Who.TUNING)
    image_generation_wait_timeout: int = _setting(Integer(10, 120, clamped=True), Who.TUNING)
    image_generation_raise_too_busy: bool = _setting(Boolean(), Who.TUNING)
    max_source_pixels: int = _setting(Integer(1, 10**12), Who.SECURITY)
    max_source_bytes: int = _setting(Integer(1, 2**50), Who.SECURITY)
    render_memory_mb: int = _setting(Integer(16, 2**20), Who.TUNING)
    render_timeout: int = _setting(Integer(1, 3600), Who.TUNING)
    render_queue_max: int = _setting(Integer(0, 100_000), Who.TUNING)

    # Files
    install_dir: Path = _setting(Directory(), Who.INTEGRATION, Apply.RESTART)
    icc_base_dir: Path = _setting(Directory(empty=True), Who.INTEGRATION)
    images_base_dir: Path = _setting(Directory(), Who.OPERATOR, Apply.RESTART)
    logging_base_dir: Path = _setting(Directory(), Who.OPERATOR, Apply.RESTART)
    state_dir: Path = _setting(Directory(), Who.OPERATOR, Apply.RESTART)
    temp_dir: Path = _setting(Directory(empty=True), Who.TUNING)
    images_file_mode: int = _setting(Mode(0o600, 0o777), Who.OPERATOR)
    images_dir_mode: int = _setting(Mode(0o700, 0o7777), Who.OPERATOR)
    store_check_file: str = _setting(
        Text("the path of a file inside the image library", _RELATIVE_PATH), Who.OPERATOR, Apply.RESTART
    )
    folio_exports_dir: str = _setting(
        Text("a path inside the image library", _RELATIVE_PATH, empty=False), Who.INTEGRATION
    )
    allow_unicode_filenames: bool = _setting(Boolean(), Who.OPERATOR)
    image_upload_dirs: UploadDirs = _setting(UploadDirectories(), Who.OPERATOR)
    image_uploaded_template: str = _setting(Text("the name of a template"), Who.OPERATOR)
    logo_image_path: str = _setting(Text("a path inside the image library", _LIBRARY_PATH), Who.OPERATOR)
    demo_image_path: str = _setting(Text("a path inside the image library", _LIBRARY_PATH), Who.OPERATOR)
    demo_overlay_image_path: str = _setting(Text("a path inside the image library", _LIBRARY_PATH), Who.OPERATOR)
    max_content_length: int = _setting(Integer(1, 2**50), Who.OPERATOR)
    min_free_space_mb: int = _setting(Integer(0, 2**30), Who.OPERATOR)
    trash_days: int = _setting(Integer(0, 36_500), Who.OPERATOR)

    # Object storage
    s3_bucket: str = _setting(
        Text("the name of a bucket", r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]"), Who.OPERATOR, Apply.RESTART
    )
    s3_prefix: str = _setting(Text("a path inside the bucket", _LIBRARY_PATH), Who.OPERATOR, Apply.RESTART)
    s3_endpoint: str = _setting(WebUrl(), Who.OPERATOR, Apply.RESTART)
    s3_region: str = _setting(Text("the name of a region", r"[a-z0-9-]{1,40}"), Who.OPERATOR, Apply.RESTART)
    s3_access_key: str = _setting(Text("the name of an access key", r"[!-~]{1,200}"), Who.OPERATOR, Apply.RESTART)
    s3_secret_key: str = _setting(
        Text("the secret of the access key", r"[!-~]{1,200}"), Who.OPERATOR, Apply.RESTART, secret=True
    )
    s3_cache_mb: int = _setting(Integer(16, 2**30), Who.TUNING, Apply.RESTART)
    s3_cache_dir: Path = _setting(Directory(empty=True), Who.TUNING, Apply.RESTART)

    # Database and caches
    mgmt_database_connection: str = _setting(DatabaseUrl(), Who.OPERATOR, Apply.RESTART, secret=True)
    mgmt_database_pool_size: int = _setting(Integer(1, 100), Who.TUNING, Apply.RESTART)
    database_query_timeout: int = _setting(Integer(1, 600), Who.TUNING, Apply.RESTART)
    snapshot_grace: int = _setting(Integer(0, 604_800), Who.SECURITY)
    embedded_database_memory_mb: int = _setting(Integer(8, 65_536), Who.TUNING, Apply.RESTART)
    memcached_servers: tuple[str, ...] = _setting(
        ListOf(MemcachedServer(), "servers, each host:port or the path of a socket"), Who.OPERATOR
    )
    memcached_timeout_ms: int = _setting(Integer(10, 60_000), Who.TUNING)
    memcached_dead_timeout: int = _setting(Integer(1, 3600), Who.TUNING)
    memcached_prefix: str = _setting(
        Text("up to 40 letters, digits and marks, without blanks", r"[!-~]{0,40}"), Who.INTEGRATION
    )
    memcached_max_object_mb: int = _setting(Integer(1, 1024), Who.TUNING)
    memory_cache_mb: int = _setting(Integer(0, 2**20), Who.TUNING)
    disk_cache_mb: int = _setting(Integer(0, 2**30), Who.TUNING)
    disk_cache_dir: Path = _setting(Directory(empty=True), Who.TUNING)
    disk_cache_min_ms: int = _setting(Integer(0, 600_000), Who.TUNING)

    # Logs
    log_level: LogLevels = _setting(Levels(), Who.OPERATOR)
    log_format: str = _setting(Choice(("text", "json")), Who.OPERATOR)
    log_target: str = _setting(Choice(("file", "journal", "stdout")), Who.OPERATOR, Apply.RESTART)
    log_max_mb: int = _setting(Integer(0, 2**20), Who.OPERATOR)
    log_keep: int = _setting(Integer(0, 10_000), Who.OPERATOR)
    access_log: str = _setting(Choice(("qis", "combined", "json", "off")), Who.OPERATOR)

    # Statistics and tasks
    stats_enabled: bool = _setting(Boolean(), Who.OPERATOR)
    stats_frequency: int = _setting(Integer(5, 1440), Who.OPERATOR)
    stats_keep_days: int = _setting(Integer(0, 36_500), Who.OPERATOR)
    audit_keep_days: int = _setting(Integer(0, 36_500), Who.SECURITY)
    deleted_users_keep_days: int = _setting(Integer(0, 36_500), Who.SECURITY)
    task_server_threads: int = _setting(Integer(1, 64), Who.TUNING)
    tasks_enabled: bool = _setting(Boolean(), Who.OPERATOR)

    # Sessions and API
    session_cookie_name: str = _setting(
        Text("a name without spaces and separators", _COOKIE_NAME, empty=False), Who.SECURITY
    )
    session_cookie_httponly: bool = _setting(Boolean(), Who.SECURITY)
    session_cookie_secure: str = _setting(Automatic(), Who.SECURITY)
    session_cookie_samesite: str = _setting(Choice(("Lax", "Strict", "None")), Who.SECURITY)
    session_lifetime: int = _setting(Integer(60, 31_536_000), Who.SECURITY)
    session_idle: int = _setting(Integer(60, 31_536_000), Who.SECURITY)
    api_authentication_class: str = _setting(Choice(("TimedTokenBasicAuthentication",)), Who.INTEGRATION)
    api_token_expiry_time: int = _setting(Integer(1, 31_536_000), Who.SECURITY)
    api_max_list: int = _setting(Integer(1000, 10**7), Who.INTEGRATION)
    login_rate: int = _setting(Integer(1, 10_000), Who.SECURITY)
    hide_version: bool = _setting(Boolean(), Who.SECURITY)

    # Directory
    ldap_integration: bool = _setting(Boolean(), Who.INTEGRATION)
    ldap_server_type: str = _setting(
        Choice(("", "OpenLDAPPosix", "OpenLDAPOrganizational", "Apple", "ActiveDirectory"), any_case=True),
        Who.INTEGRATION,
    )
    ldap_server: str = _setting(DirectoryServer(), Who.INTEGRATION)
    ldap_query_base: str = _setting(Text("the name of an entry"), Who.INTEGRATION)
    ldap_bind_user_dn: str = _setting(Text("the name of an entry"), Who.INTEGRATION)
    ldap_bind_password: str = _setting(Text(), Who.INTEGRATION, secret=True)
    ldap_secure: bool = _setting(Boolean(), Who.SECURITY)
    ldap_start_tls: bool = _setting(Boolean(), Who.SECURITY)
    ldap_ca_file: Path | None = _setting(OptionalPath("a file"), Who.SECURITY)
    ldap_timeout: int = _setting(Integer(1, 60), Who.INTEGRATION)
    ldap_group_sync: bool = _setting(Boolean(), Who.INTEGRATION)

    # Other sites
    xref_tracking_url: str = _setting(WebUrl(), Who.INTEGRATION)
    webhook_networks: tuple[IpNetwork, ...] = _setting(ListOf(Network(), "IP addresses or networks"), Who.SECURITY)
    cors_allow_origin: tuple[str, ...] = _setting(ListOf(Origin(), Origin().describe()), Who.SECURITY)
    cors_allow_headers: tuple[str, ...] = _setting(ListOf(HeaderName(), "names of HTTP headers"), Who.INTEGRATION)
    cors_expose_headers: tuple[str, ...] = _setting(ListOf(HeaderName(), "names of HTTP headers"), Who.INTEGRATION)
    login_next_origins: tuple[str, ...] = _setting(
        ListOf(Origin(star=False), "origins such as https://www.example.com"), Who.SECURITY
    )
    picker_origins: tuple[str, ...] = _setting(
        ListOf(Origin(star=False), "origins such as https://www.example.com"), Who.SECURITY
    )

    # TLS
    tls_certificate_file: Path | None = _setting(OptionalPath("a file"), Who.OPERATOR)
    tls_private_key_file: Path | None = _setting(OptionalPath("a file"), Who.OPERATOR)
    tls_chain_file: Path | None = _setting(OptionalPath("a file"), Who.OPERATOR)
    tls_sites_dir: Path | None = _setting(OptionalPath("a directory"), Who.OPERATOR)
    tls_min_version: str = _setting(Choice(("1.2", "1.3")), Who.SECURITY)
    tls_ciphers: str = _setting(Ciphers(), Who.SECURITY)
    http_redirect: str = _setting(Choice(("internal", "all", "none")), Who.SECURITY)
    hsts_max_age: int = _setting(Integer(0, 126_144_000), Who.SECURITY)
    acme: bool = _setting(Boolean(), Who.OPERATOR)
    acme_directory: str = _setting(WebUrl(), Who.OPERATOR)
    acme_email: str = _setting(Text("an e-mail address", r"[^@\s]+@[^@\s]+"), Who.OPERATOR)
    acme_terms_agreed: bool = _setting(Boolean(), Who.OPERATOR)
    acme_webroot: Path | None = _setting(OptionalPath("a directory"), Who.OPERATOR)

    @property
    def secure_cookies(self) -> bool:
        """Whether browsers send the session's cookie by HTTPS only."""
        secure = self.session_cookie_secure
        return self.internal_browsing_ssl if secure == "auto" else secure == "true"


MODEL: Mapping[str, Setting] = {
    field.name.upper(): Setting(name=field.name.upper(), **field.metadata) for field in attrs.fields(Settings)
}
"""All settings by name, in the order of the base file."""

_DEFAULT_TEMPLATE = "part of the default image template now"
_NO_SERVER = "there is no such helper process any more"

DROPPED: Mapping[str, str] = {
    "CACHE_DATABASE_CONNECTION": "there is no cache control database any more",
    "CACHE_DATABASE_POOL_SIZE": "there is no cache control database any more",
    "LOGGING_SERVER": _NO_SERVER,
    "LOGGING_SERVER_PORT": _NO_SERVER,
    "STATS_SERVER": _NO_SERVER,
    "STATS_SERVER_PORT": _NO_SERVER,
    "TASK_SERVER": _NO_SERVER,
    "TASK_SERVER_PORT": _NO_SERVER,
    "FLASK_ENV": "use LOG_LEVEL",
    "DEBUG": "use LOG_LEVEL",
    "LDAP_AUTO_CREATE_USER_ACCOUNTS": "accounts are always made at the first login",
    "USAGE_DATA_URL": "no usage data is sent",
    "TEMPLATES_BASE_DIR": "templates are in the database",
    "IMAGE_FORMAT_DEFAULT": _DEFAULT_TEMPLATE,
    "IMAGE_QUALITY_DEFAULT": _DEFAULT_TEMPLATE,
    "IMAGE_COLORSPACE_DEFAULT": _DEFAULT_TEMPLATE,
    "IMAGE_DPI_DEFAULT": _DEFAULT_TEMPLATE,
    "IMAGE_STRIP_DEFAULT": _DEFAULT_TEMPLATE,
    "IMAGE_EXPIRY_TIME_DEFAULT": _DEFAULT_TEMPLATE,
}
"""Settings of earlier products that are accepted without effect, and why."""


def restart_required(old: Settings, new: Settings) -> tuple[str, ...]:
    """Names of the settings that differ and take effect only after a restart, in the order of the base file."""
    return tuple(
        setting.name
        for setting in MODEL.values()
        if setting.apply is Apply.RESTART and getattr(old, setting.attribute) != getattr(new, setting.attribute)
    )
