"""How much of an answer the other side has not taken yet."""

from __future__ import annotations

import fcntl
import socket
import sys
import termios

from twisted.protocols.policies import ProtocolWrapper


def outgoing_bytes(transport: object) -> int | None:
    """Bytes that the kernel holds for ``transport`` and the peer has not acknowledged; None where it can't be told.

    A program sees nothing of a slow reader's progress for as long as the kernel's buffer is full, which takes minutes
    for some megabytes on a thin line. This number moves with every packet that arrives.
    """
    while isinstance(transport, ProtocolWrapper):
        transport = transport.transport
    handle = getattr(transport, "socket", None)
    if not isinstance(handle, socket.socket):
        return None
    try:
        answer = fcntl.ioctl(handle.fileno(), termios.TIOCOUTQ, bytes(4))
    except (OSError, ValueError):
        # Closed meanwhile.
        return None
    return int.from_bytes(answer, sys.byteorder)
