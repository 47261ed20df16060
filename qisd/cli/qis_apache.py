"""What the web server in front of a QIS was told that is a setting here: names, certificates, numbers of workers."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator
from pathlib import Path

import attrs

PLACES = (
    "etc/apache2/sites-enabled/*.conf",
    "etc/apache2/sites-available/*qis*.conf",
    "etc/httpd/conf.d/*qis*.conf",
    "etc/httpd/conf.d/ssl.conf",
)
"""Where distributions keep them, below the root of the file system; the first of these that has any counts."""

_MENTIONS = re.compile(r"wsgi\S*\s.*qis|imageserver", re.IGNORECASE)
_DUMMY = "ssl-cert-snakeoil"


@attrs.define
class ApacheFacts:
    """What was found; empty where nothing was.

    :param processes: by ``http`` or ``https``; ``threads`` likewise.
    """

    server_name: str = ""
    aliases: list[str] = attrs.field(factory=list)
    processes: dict[str, int] = attrs.field(factory=dict)
    threads: dict[str, int] = attrs.field(factory=dict)
    certificate: str = ""
    key: str = ""
    chain: str = ""
    files: list[Path] = attrs.field(factory=list)


def find_files(root: Path = Path("/")) -> list[Path]:
    """The files that speak of a QIS, each only once, however it is linked."""
    for place in PLACES:
        found = {path.resolve(): path for path in sorted(root.glob(place)) if _MENTIONS.search(_text(path))}
        if found:
            return sorted(found.values())
    return []


def read_files(paths: Iterable[Path]) -> ApacheFacts:
    """What the files at ``paths`` say; the first one counts where they differ."""
    facts = ApacheFacts()
    for path in paths:
        facts.files.append(path)
        for host in _hosts(_text(path)):
            _take(facts, host)
    return facts


@attrs.define
class _Host:
    """The directives of one virtual host, or of what stands outside of them all."""

    ports: str
    directives: list[tuple[str, list[str]]] = attrs.field(factory=list)

    def all(self, name: str) -> Iterator[list[str]]:
        return (words for directive, words in self.directives if directive == name and words)

    def first(self, name: str) -> str:
        return next((words[0] for words in self.all(name)), "")


def _take(facts: ApacheFacts, host: _Host) -> None:
    secure = ":443" in host.ports or host.first("sslengine").lower() == "on"
    protocol = "https" if secure else "http"
    facts.server_name = facts.server_name or _host_name(host.first("servername"))
    for words in host.all("serveralias"):
        facts.aliases += [name for name in words if name not in facts.aliases and name != facts.server_name]
    for words in host.all("wsgidaemonprocess"):
        options = dict(word.split("=", 1) for word in words if "=" in word)
        for name, numbers in (("processes", facts.processes), ("threads", facts.threads)):
            if options.get(name, "").isdecimal():
                numbers.setdefault(protocol, int(options[name]))
    if not facts.certificate and _DUMMY not in host.first("sslcertificatefile"):
        facts.certificate = host.first("sslcertificatefile")
        facts.key = host.first("sslcertificatekeyfile")
        facts.chain = host.first("sslcertificatechainfile")


def _hosts(text: str) -> list[_Host]:
    outside = _Host("")
    hosts, current = [outside], outside
    for line in re.sub(r"\\\r?\n", " ", text).splitlines():
        line = line.strip()
        if opened := re.match(r"<VirtualHost\s+([^>]*)>", line, re.IGNORECASE):
            current = _Host(opened[1])
            hosts.append(current)
        elif re.match(r"</VirtualHost>", line, re.IGNORECASE):
            current = outside
        elif line and line[0] not in "#<":
            name, *words = _words(line)
            current.directives.append((name.lower(), words))
    return hosts


def _words(line: str) -> list[str]:
    try:
        return shlex.split(line, posix=True) or [line]
    except ValueError:
        return line.split()


def _host_name(text: str) -> str:
    """A ServerName without the scheme and the usual ports that may be with it."""
    return re.sub(r":(80|443)$", "", re.sub(r"^https?://", "", text, flags=re.IGNORECASE))


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
