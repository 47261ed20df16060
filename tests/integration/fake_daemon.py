"""The process behind :class:`tests.integration.postgres.FakeDaemon`."""

from __future__ import annotations

import json
import os
import pwd
import signal
import socket
import sys
from pathlib import Path

from qisd.errors import StartupError
from qisd.store.binaries import find_binaries
from qisd.store.embedded import EmbeddedPostgres


def main() -> None:
    """Do what the lines on standard input say, as the user named in the arguments when started as root."""
    state, folder, user = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a Ctrl-C's second half: the daemon handles it, it doesn't die of it
    listening = socket.create_server(("127.0.0.1", 0))
    embedded = EmbeddedPostgres(
        state / "postgres",
        memory_mb=16,
        log_file=state / "postgres.log",
        find=lambda *, major: find_binaries(major=major, folders=[[folder]]),
    )
    if os.geteuid() == 0:
        entry = pwd.getpwnam(user)
        os.setgroups([])
        os.setgid(entry.pw_gid)
        os.setuid(entry.pw_uid)
    for line in sys.stdin:
        answer: dict[str, object] = {"port": listening.getsockname()[1]}
        try:
            if line.strip() == "start":
                answer["url"] = embedded.start()
                answer["pid"] = embedded.pid
            elif line.strip() == "stop":
                embedded.stop()
        except StartupError as error:
            answer["error"] = str(error)
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
