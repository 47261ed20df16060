"""Rules that hold between settings."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from qisd.settings.model import Settings

Fault = tuple[str, str]
"""The setting at fault, and the reason."""

_PUBLIC_NAME = re.compile(r"([A-Za-z0-9-]+\.)+[A-Za-z][A-Za-z0-9-]*(:\d+)?")
"""Host names of more than one part, with or without port: no addresses, no wildcards."""


def _listeners(settings: Settings) -> Iterator[Fault]:
    if not settings.http_listen and not settings.https_listen:
        yield "HTTP_LISTEN", "HTTP_LISTEN and HTTPS_LISTEN are both empty, so nobody could connect"
    for address in settings.https_listen:
        if address in settings.http_listen and address.port:
            yield "HTTPS_LISTEN", f"{address} is in HTTP_LISTEN as well"


def _certificate(settings: Settings) -> Iterator[Fault]:
    if settings.tls_certificate_file is None:
        for name, value in (
            ("TLS_PRIVATE_KEY_FILE", settings.tls_private_key_file),
            ("TLS_CHAIN_FILE", settings.tls_chain_file),
        ):
            if value is not None:
                yield name, "is set, but TLS_CERTIFICATE_FILE is not"
    elif settings.tls_private_key_file is None:
        yield "TLS_CERTIFICATE_FILE", "holds no private key, so TLS_PRIVATE_KEY_FILE must be set"


def _acme(settings: Settings) -> Iterator[Fault]:
    if not settings.acme:
        return
    if settings.tls_certificate_file is not None:
        yield "ACME", "gets the certificate by itself, so TLS_CERTIFICATE_FILE must be empty"
    if not settings.acme_directory.startswith("https://"):
        yield "ACME_DIRECTORY", "must be an https:// URL"
    if not settings.acme_terms_agreed:
        yield "ACME", "needs ACME_TERMS_AGREED = true: read the terms of the authority first"
    if not settings.public_host_name:
        yield "ACME", "needs PUBLIC_HOST_NAME: what the certificate is to be for"
    for setting, names in (
        ("PUBLIC_HOST_NAME", [settings.public_host_name]),
        ("SERVER_ALIASES", settings.server_aliases),
    ):
        for name in names:
            if name and not _PUBLIC_NAME.fullmatch(name):
                yield setting, f"{name} is no name that an authority gives certificates for by ACME"


def _separate_directories(settings: Settings) -> Iterator[Fault]:
    for name, path in (("STATE_DIR", settings.state_dir), ("LOGGING_BASE_DIR", settings.logging_base_dir)):
        if _is_inside(path, settings.images_base_dir):
            yield name, "lies inside IMAGES_BASE_DIR, where its files could be asked for as images"


def _object_storage(settings: Settings) -> Iterator[Fault]:
    if bool(settings.s3_access_key) != bool(settings.s3_secret_key):
        yield "S3_ACCESS_KEY", "and S3_SECRET_KEY are needed both, or neither"


def _run_group(settings: Settings) -> Iterator[Fault]:
    if settings.run_group and not settings.run_user:
        yield "RUN_GROUP", "is set, but RUN_USER is not"


def _directory(settings: Settings) -> Iterator[Fault]:
    if not settings.ldap_integration:
        return
    needed = {
        "LDAP_SERVER_TYPE": settings.ldap_server_type,
        "LDAP_SERVER": settings.ldap_server,
        "LDAP_QUERY_BASE": settings.ldap_query_base,
    }
    if settings.ldap_server_type == "ActiveDirectory":
        # It lets nobody search who has not logged in.
        needed["LDAP_BIND_USER_DN"] = settings.ldap_bind_user_dn
        needed["LDAP_BIND_PASSWORD"] = settings.ldap_bind_password
    missing = [name for name, value in needed.items() if not value]
    if missing:
        yield "LDAP_INTEGRATION", f"needs {', '.join(missing)} as well"


def _same_site(settings: Settings) -> Iterator[Fault]:
    if settings.session_cookie_samesite == "None" and not settings.secure_cookies:
        yield (
            "SESSION_COOKIE_SAMESITE",
            '"None" needs SESSION_COOKIE_SECURE = true: browsers drop such cookies otherwise',
        )


CHECKS: Mapping[tuple[str, ...], Callable[[Settings], Iterator[Fault]]] = {
    ("HTTP_LISTEN", "HTTPS_LISTEN"): _listeners,
    ("TLS_CERTIFICATE_FILE", "TLS_PRIVATE_KEY_FILE", "TLS_CHAIN_FILE"): _certificate,
    (
        "ACME",
        "ACME_DIRECTORY",
        "ACME_TERMS_AGREED",
        "TLS_CERTIFICATE_FILE",
        "PUBLIC_HOST_NAME",
        "SERVER_ALIASES",
    ): _acme,
    ("IMAGES_BASE_DIR", "STATE_DIR", "LOGGING_BASE_DIR"): _separate_directories,
    ("S3_ACCESS_KEY", "S3_SECRET_KEY"): _object_storage,
    ("RUN_USER", "RUN_GROUP"): _run_group,
    (
        "LDAP_INTEGRATION",
        "LDAP_SERVER_TYPE",
        "LDAP_SERVER",
        "LDAP_QUERY_BASE",
        "LDAP_BIND_USER_DN",
        "LDAP_BIND_PASSWORD",
    ): _directory,
    ("SESSION_COOKIE_SAMESITE", "SESSION_COOKIE_SECURE", "INTERNAL_BROWSING_SSL"): _same_site,
}
"""The rules by the settings that they look at."""


def _is_inside(path: Path, directory: Path) -> bool:
    return path.resolve().is_relative_to(directory.resolve())
