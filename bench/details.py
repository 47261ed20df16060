"""Calls of ``/api/v1/details/`` per second: a hundred images, 16 clients with keep-alive, PostgreSQL on this machine.

    apt-get install wrk; python bench/details.py [SECONDS]

Printed besides: calls per second of the daemon's own processor time, which does not depend on what else goes on.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from daemon import running
from PIL import Image

IMAGES = 100

_SCRIPT = """
local number = 0
request = function()
    number = number % 100 + 1
    return wrk.format("GET", "/api/v1/details/?src=/photos/picture" .. number .. ".jpg")
end
"""


def main(seconds: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        photos = []
        for number in range(1, IMAGES + 1):
            photos.append(Path(folder, f"picture{number}.jpg"))
            Image.new("RGB", (600, 400), "red").save(photos[-1])
        script = Path(folder, "requests.lua")
        script.write_text(_SCRIPT)
        with running(photos) as daemon:
            for photo in photos:
                daemon.get(f"/api/v1/details/?src=/photos/{photo.name}")
            before = daemon.cpu()
            command = ["wrk", "-t1", "-c16", f"-d{seconds}s", "-s", str(script), "--latency", daemon.url("")]
            told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            used = daemon.cpu() - before
            print(told)
            count = int(next(line for line in told.splitlines() if "requests in" in line).split()[0])
            print(f"{count / used:.0f} calls per second of processor time")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10)
