"""``qis tls``: the certificates that HTTPS is served with, and what a server shows to those who come."""

from __future__ import annotations

import argparse
import socket
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography import x509

from qisd.access.certificates import CertificateError
from qisd.cli.console import CommandError, Console, Exit
from qisd.settings import Settings
from qisd.tls import self_signed
from qisd.tls.certificates import Pair, load_pair

Subparsers = Any

_TIMEOUT = 10.0
_VERSIONS = (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)
_MOST_PORT = 65_535


def add_parser(commands: Subparsers, common: argparse.ArgumentParser) -> None:
    """Add the command to ``commands``."""
    parser = commands.add_parser("tls", parents=[common], help="the certificates of HTTPS")
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    status = actions.add_parser("status", parents=[common], help="which there are, by whom, and until when they hold")
    status.set_defaults(run=_status)
    test = actions.add_parser("test", parents=[common], help="shake hands with a server as a browser would")
    test.add_argument("host", metavar="HOST", help="host name, or host:port")
    test.add_argument("--at", metavar="ADDRESS", help="connect with this address instead of looking the name up")
    test.add_argument("--ca", metavar="FILE", type=Path, help="trust the authorities in this PEM file instead")
    test.set_defaults(run=_test)


def _status(console: Console, options: argparse.Namespace) -> Exit:
    settings = console.load().settings
    found = [_facts(*files) for files in _files(settings)]
    if console.as_json:
        console.result_json({"certificates": found})
    else:
        head = ("certificate", "names", "issuer", "key", "until", "days left")
        console.table([head, *(_row(one) for one in found)])
    return Exit.DONE if all(one["fault"] is None for one in found) else Exit.UNHEALTHY


def _files(settings: Settings) -> Iterator[tuple[str, Path, Path, Path | None]]:
    """Name, certificate, key and chain of each pair that the server would load."""
    certificate, key = settings.tls_certificate_file, settings.tls_private_key_file
    if certificate is not None and key is not None:
        yield "default", certificate, key, settings.tls_chain_file
    else:
        own = settings.state_dir / "tls" / self_signed.FILE_NAME
        yield "default", own, own, None
    try:
        sites = sorted(settings.tls_sites_dir.glob("*.crt")) if settings.tls_sites_dir is not None else []
    except OSError as error:
        raise CommandError(f"{settings.tls_sites_dir}: can't be read: {error.strerror}") from error
    for file in sites:
        yield file.stem, file, file.with_suffix(".key"), None


def _facts(name: str, certificate: Path, key: Path, chain: Path | None) -> dict[str, Any]:
    now = datetime.now(UTC)
    try:
        pair = load_pair(certificate, key, chain, now=now)
    except CertificateError as error:
        return {"name": name, "file": str(certificate), "fault": str(error)}
    return {"name": name, "file": str(certificate), "fault": None, **_pair_facts(pair, now)}


def _pair_facts(pair: Pair, now: datetime) -> dict[str, Any]:
    return {
        "hosts": list(pair.facts.names),
        "issuer": "itself" if pair.self_signed else _short(pair.chain[0].issuer),
        "self_signed": pair.self_signed,
        "key": pair.kind,
        "not_before": pair.chain[0].not_valid_before_utc.isoformat(),
        "not_after": pair.facts.not_after.isoformat(),
        "days_left": (pair.facts.not_after - now).days,
    }


def _row(one: dict[str, Any]) -> tuple[str, ...]:
    if one["fault"] is not None:
        return (one["name"], one["fault"], "", "", "", "")
    hosts = ", ".join(one["hosts"])
    return (one["name"], hosts, one["issuer"], one["key"], one["not_after"][:10], str(one["days_left"]))


def _short(name: x509.Name) -> str:
    found = name.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    return str(found[0].value) if found else name.rfc4514_string()


def _test(console: Console, options: argparse.Namespace) -> Exit:
    host, port = _host_and_port(options.host)
    where = (options.at or host, port)
    try:
        context = ssl.create_default_context(cafile=options.ca)
    except OSError as error:
        raise CommandError(f"{options.ca}: can't be used: {error.strerror or error}") from error
    faults: list[str] = []
    try:
        shown = _shaken(context, where, host)
    except ssl.SSLCertVerificationError as error:
        faults.append(error.verify_message)
        shown = _shaken(_trusting(), where, host)
    certificate = x509.load_der_x509_certificate(shown["der"])
    facts = {
        "host": host,
        "version": shown["version"],
        "cipher": shown["cipher"],
        "protocol": shown["protocol"],
        "versions": [version.name.replace("v1_", " 1.") for version in _VERSIONS if _speaks(version, where, host)],
        "subject": _short(certificate.subject),
        "issuer": _short(certificate.issuer),
        "not_after": certificate.not_valid_after_utc.isoformat(),
        "days_left": (certificate.not_valid_after_utc - datetime.now(UTC)).days,
        "faults": faults,
    }
    if console.as_json:
        console.result_json(facts)
    else:
        for name, value in facts.items():
            text = ", ".join(value) if isinstance(value, list) else str(value)
            console.result(f"{name.replace('_', ' ')}: {text or 'none'}")
    return Exit.UNHEALTHY if faults else Exit.DONE


def _shaken(context: ssl.SSLContext, where: tuple[str, int], host: str) -> dict[str, Any]:
    """What a handshake has brought.

    :raises ssl.SSLCertVerificationError: the certificate is not one that this machine trusts.
    :raises CommandError: there is nobody, or it is not TLS that is spoken.
    """
    context.set_alpn_protocols(["http/1.1"])
    try:
        with (
            socket.create_connection(where, timeout=_TIMEOUT) as connection,
            context.wrap_socket(connection, server_hostname=host) as tls,
        ):
            return {
                "version": tls.version(),
                "cipher": (tls.cipher() or ("", "", 0))[0],
                "protocol": tls.selected_alpn_protocol() or "not said",
                "der": tls.getpeercert(binary_form=True),
            }
    except ssl.SSLCertVerificationError:
        raise
    except OSError as error:
        reason = error.strerror or str(error)
        raise CommandError(f"{where[0]}:{where[1]}: {reason}", exit_code=Exit.UNREACHABLE) from error


def _speaks(version: ssl.TLSVersion, where: tuple[str, int], host: str) -> bool:
    context = _trusting()
    context.minimum_version = context.maximum_version = version
    try:
        _shaken(context, where, host)
    except CommandError:
        return False
    return True


def _trusting() -> ssl.SSLContext:
    """A client that looks at no certificate: it is only to be shown."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _host_and_port(text: str) -> tuple[str, int]:
    """:raises CommandError: it is neither a host nor a host with a port."""
    host, separator, port = text.rpartition(":")
    if not separator or (":" in host and not host.startswith("[")):
        host, port = text, "443"
    host = host.removeprefix("[").removesuffix("]")
    if not host or not (port.isascii() and port.isdecimal() and 0 < int(port) <= _MOST_PORT):
        raise CommandError(f"{text}: must be a host name, or host:port with a port from 1 to {_MOST_PORT}")
    return host, int(port)
