"""A real LDAP server for tests: OpenLDAP's ``slapd``, with a directory of its own on ports of the loopback.

Where it is not installed that is a failure, as with all services. When the tests run as root it runs as ``nobody``.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import ldap3
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from ldap3.utils.dn import escape_rdn

from qisd.access.directory import DirectorySettings
from tests.integration.postgres import as_unprivileged, private_directory

BASE = "dc=example,dc=com"
ROOT_DN = f"cn=root,{BASE}"
ROOT_PASSWORD = "root-of-all-entries"
READER_DN = f"cn=reader,{BASE}"
READER_PASSWORD = "reads-the-directory"

_SCHEMAS = Path("/etc/ldap/schema")

# What the tests need of the schemas of Apple and Microsoft: classes and attributes by these names.
_OUR_SCHEMA = r"""
attributetype ( 1.3.6.1.4.1.99999.1.1 NAME 'sAMAccountName' EQUALITY caseIgnoreMatch
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 SINGLE-VALUE )
attributetype ( 1.3.6.1.4.1.99999.1.2 NAME 'primaryGroupID' EQUALITY integerMatch
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.27 SINGLE-VALUE )
attributetype ( 1.3.6.1.4.1.99999.1.3 NAME 'objectSid' EQUALITY octetStringMatch
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.40 SINGLE-VALUE )
attributetype ( 1.3.6.1.4.1.99999.1.4 NAME 'apple-generateduid' EQUALITY caseIgnoreMatch
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 SINGLE-VALUE )
attributetype ( 1.3.6.1.4.1.99999.1.5 NAME 'apple-group-memberguid' EQUALITY caseIgnoreMatch
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )
objectclass ( 1.3.6.1.4.1.99999.2.1 NAME 'user' SUP top STRUCTURAL MUST ( cn $ sAMAccountName )
  MAY ( givenName $ sn $ userPassword $ primaryGroupID $ objectSid ) )
objectclass ( 1.3.6.1.4.1.99999.2.2 NAME 'group' SUP top STRUCTURAL MUST cn MAY ( member $ objectSid ) )
objectclass ( 1.3.6.1.4.1.99999.2.3 NAME 'apple-user' SUP top AUXILIARY MAY apple-generateduid )
objectclass ( 1.3.6.1.4.1.99999.2.4 NAME 'apple-group' SUP top AUXILIARY MAY apple-group-memberguid )
"""

_PERSON_CLASSES = {
    "OpenLDAPPosix": ["inetOrgPerson", "posixAccount"],
    "OpenLDAPOrganizational": ["inetOrgPerson"],
    "Apple": ["inetOrgPerson", "apple-user"],
    "ActiveDirectory": ["user"],
}


class DirectoryServer:
    """A server whose directory is empty but for an account to search with, :data:`READER_DN`.

    People and groups of each kind are added below an entry of their own, ``base(kind)``. Those of Active Directory are
    seen by the account for searching only, all others by everybody.

    As many servers refuse to do, and many don't, it takes a bind without a password for that of a nobody.

    :param hosts: names and addresses that its certificate is for; empty: it has none, and speaks plain text only.
    :param requires_tls: it answers nothing in plain text but a request for TLS.
    """

    def __init__(self, *, hosts: tuple[str, ...] = ("localhost", "127.0.0.1"), requires_tls: bool = False) -> None:
        self.home = private_directory()
        self.ca_file = self.home / "ca.pem"
        self._tls = bool(hosts)
        self._requires_tls = requires_tls
        self._process: subprocess.Popen[bytes] | None = None
        self._ports = (0, 0)
        self._number = 0
        if hosts:
            self._make_certificate(hosts)
        (self.home / "db").mkdir()
        (self.home / "ours.schema").write_text(_OUR_SCHEMA)
        (self.home / "slapd.conf").write_text(self._configuration())
        (self.home / "first.ldif").write_text(_first_entries())
        if os.geteuid() == 0:
            owner = self.home.stat()
            for path in self.home.iterdir():
                os.chown(path, owner.st_uid, owner.st_gid)
        self._run("-T", "add", "-l", f"{self.home}/first.ldif")

    @property
    def url(self) -> str:
        """Where it speaks plain text, until asked for TLS."""
        return f"ldap://127.0.0.1:{self._ports[0]}"

    @property
    def tls_url(self) -> str:
        """Where it speaks TLS from the first byte."""
        return f"ldaps://127.0.0.1:{self._ports[1]}"

    def base(self, kind: str) -> str:
        """The entry below which those of a kind (as in ``LDAP_SERVER_TYPE``) are."""
        return f"ou={kind},{BASE}"

    def settings(self, kind: str = "OpenLDAPPosix", **more: Any) -> DirectorySettings:
        """Those to log in here with, by StartTLS if it can that; ``more`` replaces some of them."""
        values: dict[str, Any] = {
            "server_type": kind,
            "server": self.url,
            "query_base": self.base(kind),
            "start_tls": self._tls,
            "ca_file": self.ca_file if self._tls else None,
            "timeout": 20.0,
        }
        if kind == "ActiveDirectory":
            values |= {"bind_user_dn": READER_DN, "bind_password": READER_PASSWORD}
        return DirectorySettings(**(values | more))

    def start(self) -> None:
        """Start, and wait until it answers. After a stop it comes back with what it had, on the same ports."""
        for _ in range(5):
            if not self._ports[0]:
                self._ports = _free_ports()
            if self._answers_after_start():
                return
            self._ports = (0, 0)  # somebody else was faster
        raise RuntimeError(f"the test's slapd doesn't start: {(self.home / 'log').read_text()[-2000:]}")

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(30)
            self._process = None

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self.home, ignore_errors=True)

    def add_user(
        self, username: str, password: str, *, kind: str = "OpenLDAPPosix", cn: str = "Some Body", **more: object
    ) -> str:
        """Add somebody who may log in; the name of the entry.

        :param more: other attributes, an underscore for each ``-`` of their names; None: without that one.
        """
        self._number += 1
        attributes: dict[str, object] = {"cn": cn, "userPassword": password, "sn": "Body"}
        if kind == "ActiveDirectory":
            attributes["sAMAccountName"] = username
        else:
            attributes["uid"] = username
        if kind == "OpenLDAPPosix":
            number = str(10_000 + self._number)
            attributes |= {"uidNumber": number, "gidNumber": number, "homeDirectory": "/"}
        attributes |= {name.replace("_", "-"): value for name, value in more.items()}
        dn = f"cn={escape_rdn(cn)},ou={self._number},{self.base(kind)}"
        self.add(f"ou={self._number},{self.base(kind)}", ["organizationalUnit"], {})
        self.add(dn, _PERSON_CLASSES[kind], {name: value for name, value in attributes.items() if value is not None})
        return dn

    def add(self, dn: str, classes: list[str], attributes: dict[str, object]) -> None:
        """Add any entry."""
        with self._as_root() as connection:
            connection.add(dn, classes, attributes)

    def replace(self, dn: str, **attributes: list[str]) -> None:
        """Give an entry other values of some attributes; an empty list takes one away."""
        changes = {name: [(ldap3.MODIFY_REPLACE, values)] for name, values in attributes.items()}
        with self._as_root() as connection:
            connection.modify(dn, changes)

    def disable(self, dn: str) -> None:
        """Lock an account: its password is right no more."""
        self.replace(dn, pwdAccountLockedTime=["000001010000Z"])

    @contextmanager
    def _as_root(self) -> Iterator[ldap3.Connection]:
        server = ldap3.Server(self.tls_url if self._tls else self.url, get_info=ldap3.NONE, connect_timeout=20)
        connection = ldap3.Connection(server, ROOT_DN, ROOT_PASSWORD, auto_bind=True, raise_exceptions=True)
        try:
            yield connection
        finally:
            connection.unbind()

    def _answers_after_start(self) -> bool:
        urls = f"{self.url} {self.tls_url}" if self._tls else self.url
        with (self.home / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [_program(), "-f", f"{self.home}/slapd.conf", "-h", urls, "-d", "0"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.home,
                **as_unprivileged(),
            )
        for _ in range(600):
            try:
                socket.create_connection(("127.0.0.1", self._ports[0]), 20).close()
                return True
            except ConnectionRefusedError:
                if self._process.poll() is not None:
                    break
                time.sleep(0.02)
        self.stop()
        return False

    def _run(self, *arguments: str) -> None:
        done = subprocess.run(
            [_program(), *arguments, "-f", f"{self.home}/slapd.conf"],
            capture_output=True,
            text=True,
            cwd=self.home,
            **as_unprivileged(),
        )
        if done.returncode:
            raise RuntimeError(f"slapd {arguments} failed: {done.stdout}{done.stderr}")

    def _configuration(self) -> str:
        tls = f"""
            TLSCertificateFile {self.home}/server.pem
            TLSCertificateKeyFile {self.home}/server.key
            """
        lines = f"""
            include {_SCHEMAS}/core.schema
            include {_SCHEMAS}/cosine.schema
            include {_SCHEMAS}/inetorgperson.schema
            include {_SCHEMAS}/nis.schema
            include {self.home}/ours.schema
            modulepath /usr/lib/ldap
            moduleload back_mdb
            moduleload ppolicy
            allow bind_anon_cred bind_anon_dn
            {tls if self._tls else ""}
            {"security tls=1" if self._requires_tls else ""}
            access to attrs=userPassword by anonymous auth by * none
            access to dn.subtree="{self.base("ActiveDirectory")}" by dn.exact="{READER_DN}" read by * none
            access to * by * read
            database mdb
            suffix "{BASE}"
            rootdn "{ROOT_DN}"
            rootpw {ROOT_PASSWORD}
            directory {self.home}/db
            maxsize 16777216
            dbnosync
            index objectClass,uid,sAMAccountName eq
            overlay ppolicy
            ppolicy_default "cn=policy,{BASE}"
            """
        return "".join(f"{line.strip()}\n" for line in lines.splitlines() if line.strip())

    def _make_certificate(self, hosts: tuple[str, ...]) -> None:
        ca_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
        ca = _certificate("test authority", ca_key, issuer="test authority", signed_by=ca_key, hosts=())
        certificate = _certificate("test server", key, issuer="test authority", signed_by=ca_key, hosts=hosts)
        self.ca_file.write_bytes(ca)
        (self.home / "server.pem").write_bytes(certificate)
        (self.home / "server.key").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def _program() -> str:
    found = shutil.which("slapd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if found is None:
        raise RuntimeError("slapd must be installed for the tests: apt-get install slapd")
    return found


def _free_ports() -> tuple[int, int]:
    with socket.socket() as one, socket.socket() as other:
        one.bind(("127.0.0.1", 0))
        other.bind(("127.0.0.1", 0))
        return one.getsockname()[1], other.getsockname()[1]


def _first_entries() -> str:
    entries = [f"dn: {BASE}\nobjectClass: domain\ndc: example\n"]
    entries += [f"dn: ou={kind},{BASE}\nobjectClass: organizationalUnit\nou: {kind}\n" for kind in _PERSON_CLASSES]
    entries.append(
        f"dn: {READER_DN}\nobjectClass: organizationalRole\nobjectClass: simpleSecurityObject\ncn: reader\n"
        f"userPassword: {READER_PASSWORD}\n"
    )
    entries.append(
        f"dn: cn=policy,{BASE}\nobjectClass: organizationalRole\nobjectClass: pwdPolicy\ncn: policy\n"
        "pwdAttribute: userPassword\npwdLockout: TRUE\n"
    )
    return "\n".join(entries)


def _certificate(
    name: str,
    key: ec.EllipticCurvePrivateKey,
    *,
    issuer: str,
    signed_by: ec.EllipticCurvePrivateKey,
    hosts: tuple[str, ...],
) -> bytes:
    """A certificate in PEM form: of an authority when it is for no hosts."""
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(_common_name(name))
        .issuer_name(_common_name(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=not hosts, path_length=None), critical=True)
    )
    if hosts:
        names = [_general_name(host) for host in hosts]
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(signed_by, hashes.SHA256()).public_bytes(Encoding.PEM)


def _common_name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)
