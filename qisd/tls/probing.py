"""Shaking hands with a server, to see what it shows. Blocks."""

from __future__ import annotations

import socket
import struct

from cryptography import x509
from OpenSSL import SSL

PROXY_NOBODY = b"PROXY UNKNOWN\r\n"
"""What balancers say ahead of checks of their own, for a server that wants to hear something."""


def shown_chain(where: tuple[str, int], host: str, *, timeout: float, ahead: bytes = b"") -> list[x509.Certificate]:
    """All certificates that the server at ``where`` shows to those who ask for ``host``, believed or not, as sent.

    :param ahead: said before the handshake.
    :raises OSError: there is nobody, or it is not TLS that is spoken.
    """
    with socket.create_connection(where, timeout=timeout) as connection:
        connection.sendall(ahead)
        # OpenSSL reads and writes by itself, and knows nothing of Python's time-outs.
        connection.settimeout(None)
        limit = struct.pack("ll", int(timeout), 0)
        for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
            connection.setsockopt(socket.SOL_SOCKET, option, limit)
        tls = SSL.Connection(SSL.Context(SSL.TLS_CLIENT_METHOD), connection)
        tls.set_tlsext_host_name(host.encode("idna") if not host.isascii() else host.encode())
        tls.set_connect_state()
        try:
            tls.do_handshake()
        except SSL.WantReadError as error:
            raise TimeoutError("timed out") from error
        except SSL.SysCallError as error:
            raise ConnectionError(str(error.args[-1])) from error
        except SSL.Error as error:
            raise ConnectionError("no TLS is spoken there") from error
        return list(tls.get_peer_cert_chain(as_cryptography=True) or ())
