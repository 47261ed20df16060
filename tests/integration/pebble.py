"""A certificate authority for tests: ``pebble``, with a name server that leads every name to this machine."""

from __future__ import annotations

import json
import socket
import subprocess
import threading
from pathlib import Path

from tests.integration.process import until
from tests.tls.certificate_files import Issued, issue


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


class Names:
    """The name server."""

    def __init__(self, folder: Path) -> None:
        port = free_port()
        self.address = f"127.0.0.1:{port}"
        nothing = [f"-{kind}=" for kind in ("http01", "https01", "tlsalpn01", "defaultIPv6")]
        with (folder / "names.log").open("wb") as log:
            self._process = subprocess.Popen(
                [
                    "pebble-challtestsrv",
                    f"-dns01={self.address}",
                    f"-management=127.0.0.1:{free_port()}",
                    "-defaultIPv4=127.0.0.1",
                    *nothing,
                ],
                stdout=log,
                stderr=log,
            )
        until(lambda: _listens(port), "the name server")

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(30)


class Pebble:
    """The authority.

    :param http: the port at which it asks by HTTP.
    :param tls: the port at which it asks by TLS.
    :param certificate: its own, for ``localhost``.
    """

    def __init__(self, folder: Path, *, names: Names, http: int, tls: int, certificate: Issued) -> None:
        port = free_port()
        self.directory = f"https://localhost:{port}/dir"
        own, key = certificate.write(folder, "pebble")
        config = {
            "listenAddress": f"127.0.0.1:{port}",
            "managementListenAddress": f"127.0.0.1:{free_port()}",
            "certificate": str(own),
            "privateKey": str(key),
            "httpPort": http,
            "tlsPort": tls,
        }
        path = folder / f"pebble-{port}.json"
        path.write_text(json.dumps({"pebble": config}))
        with (folder / f"pebble-{port}.log").open("wb") as log:
            self._process = subprocess.Popen(
                ["pebble", "-config", str(path), "-dnsserver", names.address],
                stdout=log,
                stderr=log,
                env={"PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": "0", "PEBBLE_AUTHZREUSE": "0"},
            )
        until(lambda: _listens(port), "the authority")

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(30)


class Gate:
    """A port that leads to another one while it is open; comers find it shut otherwise."""

    def __init__(self) -> None:
        self.open = True
        self.to = 0
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listening.getsockname()[1])
        threading.Thread(target=self._work, daemon=True).start()

    def _work(self) -> None:
        while True:
            comer, _ = self._listening.accept()
            if self.open:
                other = socket.create_connection(("127.0.0.1", self.to))
                for one, another in ((comer, other), (other, comer)):
                    threading.Thread(target=_pass_on, args=(one, another), daemon=True).start()
            else:
                comer.close()


def _pass_on(one: socket.socket, another: socket.socket) -> None:
    try:
        while data := one.recv(65536):
            another.sendall(data)
        another.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def own_certificate() -> tuple[Issued, Issued]:
    """The certificate of an authority's address, and who has issued it."""
    root = issue(subject="of the authority's address", authority=True)
    return issue("localhost", issuer=root), root


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True
