"""Kinds of settings that speak of the network: addresses, host names, URLs, header names, ciphers."""

from __future__ import annotations

import ipaddress
import re
import ssl
from urllib.parse import urlsplit

import attrs

from qisd.settings.kinds import Kind

_LABEL = r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_HOST = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(\.{_LABEL})*")
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VISIBLE = re.compile(r"[\x21-\x7e]*")
_NETWORK = re.compile(r"[0-9A-Fa-f.:]+(/[0-9]{1,3})?")

IpNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network


@attrs.frozen
class ListenAddress:
    """Where to accept connections. ``host`` is an IP address without brackets or a host name; port 0: any free one."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@attrs.frozen
class Listen(Kind[ListenAddress]):
    """An address with port."""

    def convert(self, value: object) -> ListenAddress:
        host, port = _split_port(value) if isinstance(value, str) else ("", None)
        if host.startswith("["):
            host = host[1:-1] if _is_ipv6(host[1:-1]) else ""
        elif not _is_host(host):
            host = ""
        if not host or port is None:
            raise ValueError(f"must be {self.describe()}")
        return ListenAddress(host, port)

    def describe(self) -> str:
        return '"host:port" or "[IPv6 address]:port", such as "[::]:80" or "0.0.0.0:80"'

    def plain(self, value: ListenAddress) -> object:
        return str(value)


@attrs.frozen
class MemcachedServer(Kind[str]):
    """A Memcached server: an address with port, or the absolute path of its socket."""

    def convert(self, value: object) -> str:
        if isinstance(value, str) and re.fullmatch(r"/[!-~]{1,100}", value):
            return value
        try:
            address = Listen().convert(value)
        except ValueError:
            raise ValueError(f"must be {self.describe()}") from None
        if not address.port:
            raise ValueError(f"must be {self.describe()}")
        return str(address)

    def describe(self) -> str:
        return '"host:port", or the path of a socket, such as "127.0.0.1:11211" or "/run/memcached/socket"'


@attrs.frozen
class HostName(Kind[str]):
    """A host name as in a URL.

    :param port: whether ``:port`` may follow.
    :param wildcard: whether the first label may be ``*``.
    """

    port: bool = attrs.field(default=False, kw_only=True)
    wildcard: bool = attrs.field(default=False, kw_only=True)
    empty: bool = attrs.field(default=False, kw_only=True)

    def convert(self, value: object) -> str:
        if value == "" and self.empty:
            return ""
        if not isinstance(value, str) or not self.fits(value):
            raise ValueError(f"must be a {self.describe()}, without scheme or path")
        return value

    def fits(self, text: str) -> bool:
        """Whether ``text`` is such a name."""
        if self.wildcard:
            text = text.removeprefix("*.")
        if self.port and not text.endswith("]") and ":" in text:
            text, port = _split_port(text)
            if not port:
                return False
        if text.startswith("[") and text.endswith("]"):
            return _is_ipv6(text[1:-1])
        return _is_host(text)

    def describe(self) -> str:
        form = "host name or host:port" if self.port else "host name"
        return f"{form}, or empty" if self.empty else form


@attrs.frozen
class WebUrl(Kind[str]):
    """An ``http`` or ``https`` URL, or empty."""

    def convert(self, value: object) -> str:
        if value == "":
            return ""
        if not isinstance(value, str) or not _VISIBLE.fullmatch(value) or not _is_web_url(value):
            raise ValueError(f"must be an {self.describe()}")
        return value

    def describe(self) -> str:
        return "http:// or https:// URL, or empty"


@attrs.frozen
class Origin(Kind[str]):
    """An origin in the sense of CORS; with ``star``, also ``*`` for all of them."""

    star: bool = attrs.field(default=True, kw_only=True)

    def convert(self, value: object) -> str:
        if value == "*" and self.star:
            return "*"
        if isinstance(value, str) and _VISIBLE.fullmatch(value) and _is_web_url(value):
            parts = urlsplit(value)
            if value == f"{parts.scheme}://{parts.netloc}" and "@" not in parts.netloc:
                return value
        raise ValueError(f"must be {self.describe()}")

    def describe(self) -> str:
        origin = 'an origin such as "https://www.example.com"'
        return f'"*" or {origin}' if self.star else origin


@attrs.frozen
class HeaderName(Kind[str]):
    """The name of an HTTP header."""

    def convert(self, value: object) -> str:
        if not isinstance(value, str) or not _TOKEN.fullmatch(value):
            raise ValueError(f"must be {self.describe()}")
        return value

    def describe(self) -> str:
        return "the name of an HTTP header"


@attrs.frozen
class Network(Kind[IpNetwork]):
    """An IP network, or one address, which is the network that holds nothing else."""

    def convert(self, value: object) -> IpNetwork:
        try:
            if not isinstance(value, str) or not _NETWORK.fullmatch(value):
                raise ValueError
            return ipaddress.ip_network(value)
        except ValueError:
            raise ValueError(f"must be {self.describe()}, with no bits after the prefix") from None

    def describe(self) -> str:
        return 'an IP address or network, such as "10.0.0.0/8" or "::1"'

    def plain(self, value: IpNetwork) -> object:
        return str(value)


@attrs.frozen
class DirectoryServer(Kind[str]):
    """Where an LDAP server is, or empty."""

    def convert(self, value: object) -> str:
        if value == "":
            return ""
        if isinstance(value, str) and HostName(port=True).fits(_without_ldap(value)):
            return value
        raise ValueError(f"must be a {self.describe()}")

    def describe(self) -> str:
        return "host name, host:port, ldap:// or ldaps:// URL without path, or empty"


@attrs.frozen
class DatabaseUrl(Kind[str]):
    """The address of a PostgreSQL database; the spellings of its scheme become ``postgresql://``."""

    def convert(self, value: object) -> str:
        if value == "":
            return ""
        if isinstance(value, str) and _VISIBLE.fullmatch(value):
            scheme, separator, rest = value.partition("://")
            if separator and scheme in {"postgresql", "postgres", "postgresql+psycopg2"}:
                return f"postgresql://{rest}"
        raise ValueError(f"must be a {self.describe()}")

    def describe(self) -> str:
        return "postgresql:// URL, or empty"


@attrs.frozen
class Ciphers(Kind[str]):
    """A list of TLS ciphers as OpenSSL writes it."""

    def convert(self, value: object) -> str:
        try:
            if not isinstance(value, str):
                raise ValueError
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).set_ciphers(value)
        except (ssl.SSLError, ValueError):
            raise ValueError(f"must be {self.describe()} that OpenSSL knows") from None
        return value

    def describe(self) -> str:
        return "names of ciphers with colons between"


def _split_port(text: str) -> tuple[str, int | None]:
    """Host and port of ``host:port``; the port is None when it is missing or not 0 to 65535."""
    host, _, digits = text.rpartition(":")
    if not re.fullmatch(r"[0-9]{1,5}", digits) or int(digits) > 65535:
        return host, None
    return host, int(digits)


def _without_ldap(text: str) -> str:
    """Host and port of an LDAP URL; other text as it is."""
    scheme, separator, rest = text.partition("://")
    return rest.removesuffix("/") if separator and scheme.lower() in {"ldap", "ldaps"} else text


def _is_ipv6(text: str) -> bool:
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return True


def _is_host(text: str) -> bool:
    if re.fullmatch(r"[0-9.]+", text):
        try:
            ipaddress.IPv4Address(text)
        except ValueError:
            return False
        return True
    return _HOST.fullmatch(text) is not None


def _is_web_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
