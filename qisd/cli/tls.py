"""``qis tls``: the certificates that HTTPS is served with, and what a server shows to those who come."""

from __future__ import annotations

import argparse
import os
import socket
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from qisd.access.certificates import CertificateError
from qisd.cli.console import CommandError, Console, Exit, plain
from qisd.cli.database_access import become_daemon_account
from qisd.cli.status import ask
from qisd.cli.tls_renewal import have_renewed, renewal_facts, renewal_text
from qisd.settings import Settings
from qisd.tls import self_signed
from qisd.tls.certificates import Pair, acme_file, load_pair, own_names
from qisd.tls.chains import AuthoritiesError, authorities, common_name, faults
from qisd.tls.probing import shown_chain

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
    own = actions.add_parser(
        "self-sign", parents=[common], help="make a new self-signed certificate, and have the server show it"
    )
    own.set_defaults(run=_self_sign)
    renew = actions.add_parser(
        "renew",
        parents=[common],
        help="have a new certificate now from the authority that ACME speaks to; 4 if it refuses",
    )
    renew.set_defaults(run=have_renewed)
    test = actions.add_parser("test", parents=[common], help="shake hands with a server as a browser would")
    test.add_argument("host", metavar="HOST", help="host name, or host:port")
    test.add_argument("--at", metavar="ADDRESS", help="connect with this host or host:port, not with HOST")
    test.add_argument("--ca", metavar="FILE", type=Path, help="trust the authorities in this PEM file instead")
    test.set_defaults(run=_test)


def _status(console: Console, options: argparse.Namespace) -> Exit:
    settings = console.load().settings
    found = [_facts(*files) for files in _files(settings)]
    renewal = renewal_facts(console) if settings.acme else None
    if console.as_json:
        console.result_json({"certificates": found, "renewal": renewal})
    else:
        head = ("certificate", "names", "issuer", "key", "until", "days left")
        console.table([head, *(_row(one) for one in found)])
        if renewal is not None:
            console.result(plain(renewal_text(renewal)))
    fine = all(one["fault"] is None for one in found) and (renewal is None or not renewal["error"])
    return Exit.DONE if fine else Exit.UNHEALTHY


def _files(settings: Settings) -> Iterator[tuple[str, Path, Path, Path | None]]:
    """Name, certificate, key and chain of each pair that the server would load."""
    certificate, key = settings.tls_certificate_file, settings.tls_private_key_file
    if certificate is not None and key is not None:
        yield "default", certificate, key, settings.tls_chain_file
    else:
        given = acme_file(settings)
        own = (
            given if settings.acme and os.access(given, os.F_OK) else settings.state_dir / "tls" / self_signed.FILE_NAME
        )
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


def _self_sign(console: Console, options: argparse.Namespace) -> Exit:
    settings = console.load().settings
    if settings.tls_certificate_file is not None or settings.acme:
        which = "ACME is on" if settings.acme else "TLS_CERTIFICATE_FILE is set"
        console.message(f"warning: {which}, so the server shows another one as long as that is of use")
    become_daemon_account(settings)
    directory, now = settings.state_dir / "tls", datetime.now(UTC)
    try:
        file = self_signed.renew(directory, names=own_names(settings), now=now)
    except OSError as error:
        raise CommandError(f"{error.filename}: {error.strerror}") from error
    shown = shown_by_server(settings)
    facts = {"file": str(file), "shown": shown, **_pair_facts(load_pair(file, file, None, now=now), now)}
    told = "the server shows it" if shown else "no server runs that could show it"
    return console.done(f"made {file} for {', '.join(facts['hosts'])}; {told}", facts)


def shown_by_server(settings: Settings) -> bool:
    """Have the server look at its certificates again; False when there is none that could."""
    try:
        ask(settings, command="certificates")
    except CommandError as error:
        if error.exit_code == Exit.UNREACHABLE:
            return False
        raise
    return True


def _pair_facts(pair: Pair, now: datetime) -> dict[str, Any]:
    return {
        "hosts": list(pair.facts.names),
        "issuer": "itself" if pair.self_signed else common_name(pair.chain[0].issuer),
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


def _test(console: Console, options: argparse.Namespace) -> Exit:
    host, port = _host_and_port(options.host)
    where = _host_and_port(options.at, port=port) if options.at else (host, port)
    try:
        trusted = authorities(options.ca)
    except AuthoritiesError as error:
        raise CommandError(str(error)) from error
    shaken = _shaken(_trusting(), where, host)
    try:
        chain = shown_chain(where, host, timeout=_TIMEOUT)
    except OSError as error:
        raise _unreachable(where, error) from error
    now = datetime.now(UTC)
    found = faults(chain, hosts=[host], now=now, trusted=trusted)
    facts = {
        "host": host,
        **shaken,
        "versions": [version.name.replace("v1_", " 1.") for version in _VERSIONS if _speaks(version, where, host)],
        "subject": common_name(chain[0].subject),
        "issuer": common_name(chain[0].issuer),
        "chain": [common_name(one.subject) for one in chain],
        "not_after": chain[0].not_valid_after_utc.isoformat(),
        "days_left": (chain[0].not_valid_after_utc - now).days,
        "faults": [str(fault) for fault in found],
    }
    if console.as_json:
        console.result_json(facts)
    else:
        _print(console, facts)
    return Exit.UNHEALTHY if found else Exit.DONE


def _print(console: Console, facts: dict[str, Any]) -> None:
    for name, value in facts.items():
        text = ", ".join(value) if isinstance(value, list) else str(value)
        if name == "faults" and value:
            for fault in value:
                console.result(f"fault: {plain(fault)}")
        else:
            console.result(plain(f"{name.replace('_', ' ')}: {text or 'none'}"))


def _shaken(context: ssl.SSLContext, where: tuple[str, int], host: str) -> dict[str, Any]:
    """What a handshake has brought.

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
            }
    except OSError as error:
        raise _unreachable(where, error) from error


def _unreachable(where: tuple[str, int], error: OSError) -> CommandError:
    reason = error.strerror or str(error)
    return CommandError(f"{where[0]}:{where[1]}: {reason}", exit_code=Exit.UNREACHABLE)


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


def _host_and_port(text: str, *, port: int = 443) -> tuple[str, int]:
    """The two of them; ``port`` where there is none.

    :raises CommandError: it is neither a host nor a host with a port.
    """
    host, separator, given = text.rpartition(":")
    if not separator or (":" in host and not host.startswith("[")) or text.endswith("]"):
        host, given = text, str(port)
    host = host.removeprefix("[").removesuffix("]")
    if not host or not (given.isascii() and given.isdecimal() and 0 < int(given) <= _MOST_PORT):
        raise CommandError(f"{text}: must be a host name, or host:port with a port from 1 to {_MOST_PORT}")
    return host, int(given)
