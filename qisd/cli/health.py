"""Whether the machine has what the settings speak of: directories, files, accounts, certificates."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path

import attrs

from qisd.access.account import account_for
from qisd.access.certificates import CertificateError, CertificateFacts, check_pair
from qisd.access.secret_key import FILE_NAME as SECRET_KEY_FILE
from qisd.errors import StartupError, StoreUnavailable
from qisd.repository.stores import bucket_of
from qisd.settings import Settings
from qisd.settings.keys import decode_key

BUCKET_REMEDY = (
    "are S3_ENDPOINT, S3_REGION and the keys right, and do they give s3:ListBucket, s3:GetObject, s3:PutObject"
    " and s3:DeleteObject there?"
)

_RENEW_WITHIN = timedelta(days=14)


@attrs.define
class Report:
    """What was found: each line begins with the setting that it is about.

    :ivar facts: what is well.
    """

    problems: list[str] = attrs.field(factory=list)
    warnings: list[str] = attrs.field(factory=list)
    facts: list[str] = attrs.field(factory=list)


LEAST_ROOM = 100 * 2**20
"""Bytes that are to be free for what the server writes besides images; the embedded database wants some at once."""


@attrs.frozen(kw_only=True)
class Account:
    """The user that the server runs as."""

    user: int
    groups: frozenset[int]

    def may(self, path: Path, rights: int) -> bool:
        """Whether this account has ``rights`` (``os.R_OK`` and the like) on ``path``, by its mode."""
        if self.user == os.geteuid():
            return os.access(path, rights, effective_ids=True)
        try:
            facts = path.stat()
        except OSError:
            return False
        shift = 6 if facts.st_uid == self.user else 3 if facts.st_gid in self.groups else 0
        return (facts.st_mode >> shift) & rights == rights


def examine(settings: Settings, report: Report, *, now: datetime, file: Path | None = None) -> None:
    """Add to ``report`` what on this machine does not fit ``settings``. Blocks on file access; changes nothing.

    :param file: that the settings were read from.
    """
    account = _account(settings, report)
    if file is not None and not account.may(file, os.R_OK):
        report.warnings.append(
            f"{file}: the account of the server (RUN_USER) may not read it, so that each reload is refused: give the"
            " file to its group (`chgrp`), with mode 0640"
        )
    _directories(settings, report, account)
    _kept_key(settings, report)
    if settings.https_listen:
        _certificates(settings, report, now)


def _account(settings: Settings, report: Report) -> Account:
    """The account that the server will have; the present one where it can't be found."""
    try:
        account = account_for(settings)
    except StartupError as error:
        report.problems.append(str(error))
        return _present()
    return _present() if account is None else Account(user=account.uid, groups=frozenset(account.groups))


def _present() -> Account:
    return Account(user=os.geteuid(), groups=frozenset({os.getegid(), *os.getgroups()}))


def _directories(settings: Settings, report: Report, account: Account) -> None:
    if not _is_directory(settings.install_dir):
        report.problems.append(f"INSTALL_DIR: there is no directory {settings.install_dir}")
    if not _is_directory(settings.icc_base_dir):
        report.problems.append(f"ICC_BASE_DIR: there is no directory {settings.icc_base_dir}")
    writable = [("STATE_DIR", settings.state_dir)]
    if settings.log_target == "file":
        writable.append(("LOGGING_BASE_DIR", settings.logging_base_dir))
    for name, path in writable:
        _directory(report, account, name, path, os.R_OK | os.W_OK | os.X_OK, "written")
        _has_room(report, name, path)
    _directory(report, account, "IMAGES_BASE_DIR", settings.images_base_dir, os.R_OK | os.X_OK, "read")
    _bucket(settings, report)
    check_file = settings.images_base_dir / settings.store_check_file
    if settings.store_check_file and _mode(check_file) is None:
        report.problems.append(f"STORE_CHECK_FILE: {check_file} is missing; is the image library mounted?")


def _bucket(settings: Settings, report: Report) -> None:
    try:
        bucket = bucket_of(settings)
        if bucket is not None:
            bucket.check_there()
    except StartupError as error:
        report.problems.append(f"S3_BUCKET: {error}")
    except StoreUnavailable as error:
        report.problems.append(f"S3_BUCKET: {error.detail}: {BUCKET_REMEDY}")


def _directory(report: Report, account: Account, name: str, path: Path, rights: int, verb: str) -> None:
    """The directory must give ``rights``; one that is missing is made at the start, if that can be done."""
    existing = next(one for one in (path, *path.parents) if _mode(one) is not None)
    if not _is_directory(existing):
        report.problems.append(f"{name}: {existing} is not a directory")
    elif existing != path and not _present().may(existing, os.X_OK):
        report.problems.append(f"{name}: {path} can't be reached: {existing} can't be entered")
    elif existing != path:
        # It is made before root's rights are given up, and given to the account then.
        if not _present().may(existing, os.W_OK | os.X_OK):
            report.problems.append(f"{name}: {path} is missing and can't be made")
    elif not account.may(path, rights):
        report.problems.append(f"{name}: {path} can't be {verb}")


def _has_room(report: Report, name: str, path: Path) -> None:
    """A full disk is no reason not to start or reload, and so is only warned of."""
    try:
        free = shutil.disk_usage(path).free
    except OSError:  # what is not there has been told, or is made at the start
        return
    if free < LEAST_ROOM:
        report.warnings.append(f"{name}: only {free / 2**20:.0f} MiB are free in {path}: make room, `df -h` shows it")


def _is_directory(path: Path) -> bool:
    mode = _mode(path)
    return mode is not None and stat.S_ISDIR(mode)


def _mode(path: Path) -> int | None:
    """None when there is nothing, or when that can't be seen from here."""
    try:
        return path.stat().st_mode
    except OSError:
        return None


def _kept_key(settings: Settings, report: Report) -> None:
    path = settings.state_dir / SECRET_KEY_FILE
    if settings.secret_key:
        return
    try:
        mode = path.stat().st_mode
        decode_key(path.read_text("ascii").strip())
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        report.problems.append(f"SECRET_KEY: {path}: {error.strerror}")
    except ValueError:
        report.problems.append(f"SECRET_KEY: {path} holds no usable key")
    else:
        if mode & (stat.S_IRWXG | stat.S_IRWXO):
            report.warnings.append(f"SECRET_KEY: others than its owner may use {path}; its mode should be 0600")


def _certificates(settings: Settings, report: Report, now: datetime) -> None:
    certificate, key = settings.tls_certificate_file, settings.tls_private_key_file
    if certificate and key:
        facts = _pair(report, "TLS_CERTIFICATE_FILE", certificate, key, settings.tls_chain_file, now)
        hosts = [name for name in (settings.public_host_name, *settings.server_aliases) if name]
        for host in hosts if facts else ():
            if facts and not facts.covers(host):
                report.warnings.append(f"TLS_CERTIFICATE_FILE: {certificate} is not for {host}")
    for certificate in _sites(settings, report):
        _pair(report, "TLS_SITES_DIR", certificate, certificate.with_suffix(".key"), None, now)


def _pair(
    report: Report, name: str, certificate: Path, key: Path, chain: Path | None, now: datetime
) -> CertificateFacts | None:
    try:
        facts = check_pair(certificate, key, chain, now=now)
        public = bool(key.stat().st_mode & stat.S_IROTH)
    except CertificateError as error:
        report.problems.append(f"{name}: {error}")
        return None
    if public:
        report.warnings.append(f"{name}: everybody on this machine can read the private key in {key}")
    if facts.not_after - now < _RENEW_WITHIN:
        report.warnings.append(f"{name}: {certificate} expires on {facts.not_after:%Y-%m-%d}")
    return facts


def _sites(settings: Settings, report: Report) -> Iterable[Path]:
    if settings.tls_sites_dir is None:
        return []
    try:
        if not settings.tls_sites_dir.is_dir():
            return []
        return sorted(settings.tls_sites_dir.glob("*.crt"))
    except OSError as error:
        report.problems.append(f"TLS_SITES_DIR: {settings.tls_sites_dir}: {error.strerror}")
        return []
