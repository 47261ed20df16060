"""``qis check --network``: names, addresses, ports, Memcached servers, the clock."""

from __future__ import annotations

import http.client
import ipaddress
import shutil
import socket
import ssl
import subprocess
from collections.abc import Sequence

from pymemcache.exceptions import MemcacheError

from qisd.cache.room import node_version
from qisd.cli.health import Report
from qisd.settings import ListenAddress, Settings

_WITHIN = 5.0
_HTTP, _HTTPS = 80, 443


def probe_network(settings: Settings, report: Report) -> None:
    """Add to ``report`` whether people, and we, get where the settings say. Asks nobody but those named there."""
    for name, addresses, secure in (
        ("HTTP_LISTEN", settings.http_listen, False),
        ("HTTPS_LISTEN", settings.https_listen, True),
        ("METRICS_LISTEN", settings.metrics_listen, False),
    ):
        for address in addresses if not settings.proxy_protocol or name == "METRICS_LISTEN" else ():
            _listener(report, name, address, secure=secure)
    if settings.public_host_name:
        for name, host in (
            ("PUBLIC_HOST_NAME", settings.public_host_name),
            *(("SERVER_ALIASES", one) for one in settings.server_aliases),
        ):
            _host(report, name, host, secure=not settings.http_listen)
    else:
        report.warnings.append(
            "PUBLIC_HOST_NAME: is not set, so that links carry whatever name somebody has come by:"
            " `qis setup --host images.example.com` sets it"
        )
    for server in settings.memcached_servers:
        _memcached(report, server)
    _clock(report)


def near(address: ListenAddress) -> tuple[str, int]:
    """Host and port by which this machine reaches itself at ``address``."""
    anywhere = {"": "127.0.0.1", "*": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - it is compared
    return anywhere.get(address.host, address.host), address.port


def _listener(report: Report, name: str, address: ListenAddress, *, secure: bool) -> None:
    try:
        server = _who_answers(*near(address), secure=secure)
    except (OSError, http.client.HTTPException) as error:
        report.problems.append(
            f"{name}: nothing answers at {address} ({_reason(error)}): does the server run (`systemctl status qis`)?"
        )
        return
    if server == "qisd":
        report.facts.append(f"{name}: {address} answers")
    else:
        report.problems.append(
            f"{name}: another program answers at {address} ({server or 'of unknown name'}): `ss -ltnp` names it"
        )


def _who_answers(host: str, port: int, *, secure: bool, name: str | None = None) -> str:
    """The ``Server`` of the answer to ``/health``."""
    connection: http.client.HTTPConnection
    if secure:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # that is for --tls
        connection = http.client.HTTPSConnection(host, port, timeout=_WITHIN, context=context)
    else:
        connection = http.client.HTTPConnection(host, port, timeout=_WITHIN)
    try:
        connection.request("GET", "/health", headers={} if name is None else {"Host": name})
        answer = connection.getresponse()
        answer.read()
        return answer.headers.get("Server", "")
    finally:
        connection.close()


def _host(report: Report, name: str, host: str, *, secure: bool) -> None:
    plain, _, port = host.partition(":")
    try:
        found = {str(info[4][0]) for info in socket.getaddrinfo(plain, None, type=socket.SOCK_STREAM)}
    except OSError:
        report.problems.append(
            f"{name}: nobody knows {plain}: make an A (and AAAA) record for it, with the public address of this machine"
        )
        return
    for address in sorted(found):
        if _is_ours(address):
            report.facts.append(f"{name}: {plain} leads to {address}, which is this machine's")
            continue
        try:
            number = int(port) if port.isdecimal() else _HTTPS if secure else _HTTP
            server = _who_answers(address, number, secure=secure, name=host)
        except (OSError, http.client.HTTPException) as error:
            server = _reason(error)
        if server == "qisd":
            report.facts.append(f"{name}: {plain} leads to {address}, where an image server answers")
        else:
            report.problems.append(
                f"{name}: {plain} leads to {address}, which is not this machine, and no image server answers there"
                f" ({server or 'another program does'}): correct the record, or let 80 and 443 through the firewall"
            )


def _is_ours(address: str) -> bool:
    """Whether an interface of this machine has it: nobody else can bind it."""
    family = socket.AF_INET6 if ipaddress.ip_address(address.partition("%")[0]).version == 6 else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((address, 0))
        except OSError:
            return False
        return True


def _memcached(report: Report, server: str) -> None:
    try:
        version = node_version(server, timeout=_WITHIN)
    except (OSError, MemcacheError) as error:
        report.problems.append(
            f"MEMCACHED_SERVERS: {server} does not answer ({_reason(error)}):"
            " does it run (`systemctl status memcached`), does it listen there (`-l` in /etc/memcached.conf)?"
        )
    else:
        report.facts.append(f"MEMCACHED_SERVERS: {server} answers, version {version}")


def _clock(report: Report) -> None:
    program = shutil.which("timedatectl")
    if program is None:
        return
    told = _output([program, "show", "--property=NTPSynchronized", "--value"])
    if told == "no":
        report.warnings.append(
            "the clock is set by nobody, while tokens and certificates depend on it: `timedatectl set-ntp true`"
        )


def _output(command: Sequence[str]) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=_WITHIN, check=False).stdout.strip()  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return ""


def _reason(error: Exception) -> str:
    return (isinstance(error, OSError) and error.strerror) or str(error) or type(error).__name__
