"""The manager of services that has started this process: systemd, or whoever speaks as it does.

It is told things by datagrams to the socket that ``NOTIFY_SOCKET`` names, and keeps sockets for the one who comes after
us; those that it has kept so come as descriptors from 3 on. Where there is no manager nothing happens.
"""

from __future__ import annotations

import array
import contextlib
import os
import socket
from collections.abc import Mapping, MutableMapping
from urllib.parse import quote

import attrs
from twisted.logger import Logger

_log = Logger()

_VARIABLES = ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES")

_FIRST = 3
_MICROSECONDS = 1_000_000

# Its queue is never full for so long, unless it hangs itself.
_PATIENCE = 0.5


@attrs.define(kw_only=True, eq=False)
class Manager:
    """What it is told, and what it has given.

    :param address: of its socket; "" if there is nobody to be told anything.
    :param watchdog: seconds within which it wants to hear that all is well; 0 if it does not.
    :param sockets: those on which connections are to be accepted that it has handed over.
    """

    address: str = ""
    watchdog: float = 0.0
    sockets: list[socket.socket] = attrs.field(factory=list)
    _names: set[str] = attrs.field(factory=set)
    _stored: set[str] = attrs.field(factory=set)

    @classmethod
    def of(cls, environ: MutableMapping[str, str]) -> Manager:
        """The one that ``environ`` tells of. Its variables are taken out: processes that we start are not its own."""
        given = {name: environ.pop(name, "") for name in _VARIABLES}
        ours = str(os.getpid())
        watched = given["WATCHDOG_PID"] in ("", ours) and given["WATCHDOG_USEC"].isdecimal()
        # Twisted takes the number of those that are for this process, and the process, out of the environment as soon
        # as its endpoints are imported, and leaves their names.
        handed = given["LISTEN_PID"] in ("", ours) and given["LISTEN_FDNAMES"] != ""
        names = given["LISTEN_FDNAMES"].split(":") if handed else []
        return cls(
            address=given["NOTIFY_SOCKET"],
            watchdog=int(given["WATCHDOG_USEC"]) / _MICROSECONDS if watched else 0.0,
            sockets=_listening(len(names)),
            names=set(names) - {""},
        )

    def tell(self, **values: str | int) -> None:
        """Tell it some values, such as ``READY=1``. Texts are cut to one line."""
        self._send(values)

    def keep(self, sockets: Mapping[str, int]) -> None:
        """Have it keep these sockets for the one who comes after us, and no others.

        :param sockets: descriptors by any names.
        """
        wanted = {quote(name, safe=""): descriptor for name, descriptor in sockets.items()}
        for name in (self._names | self._stored) - wanted.keys():
            self._send({"FDSTOREREMOVE": 1, "FDNAME": name})
        for name in wanted.keys() - self._stored:
            self._send({"FDSTORE": 1, "FDNAME": name}, wanted[name])
        self._names, self._stored = set(), set(wanted)

    def close_the_rest(self) -> None:
        """Close the sockets that nobody has taken out of :attr:`sockets`."""
        while self.sockets:
            self.sockets.pop().close()

    def _send(self, values: Mapping[str, str | int], *descriptors: int) -> None:
        if not self.address:
            return
        message = "".join(f"{name}={' '.join(str(value).split())}\n" for name, value in values.items()).encode()
        address = f"\0{self.address[1:]}" if self.address.startswith("@") else self.address
        along = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))] if descriptors else []
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as wire:
                wire.settimeout(_PATIENCE)
                wire.sendmsg([message], along, 0, address)
        except OSError as error:
            _log.warn("the service manager can't be told {what}: {reason}", what=next(iter(values)), reason=str(error))


def _listening(count: int) -> list[socket.socket]:
    """Of the ``count`` descriptors that were handed over, those that are sockets for connections; others are closed."""
    found = []
    for descriptor in range(_FIRST, _FIRST + count):
        try:
            one = socket.socket(fileno=descriptor)
        except OSError:
            with contextlib.suppress(OSError):
                os.close(descriptor)
            continue
        accepting = one.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
        if accepting and one.family in (socket.AF_INET, socket.AF_INET6):
            one.set_inheritable(False)
            one.setblocking(False)
            found.append(one)
        else:
            one.close()
    return found
