"""Whether a library of a million images is slower than one of a thousand, as its visitors see it.

    python bench/library.py [IMAGES [SECONDS [ROUNDS]]]        # 1,000,000

Two daemons, each with a database of its own: one filled as seed.py does, with 20,000 folders, one with a thousand
images. They take turns at hits, and at renders of what nobody has asked for before.
"""

from __future__ import annotations

import statistics
import sys
import time
from pathlib import Path
from typing import Any

from daemon import Daemon, running
from steady import photos
from wrk import load

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from seed import seed

from tests.integration.database import TEMPLATE, server

FOLDERS = 20_000
SMALL = 1000
CLIENTS = 32
RENDERS = 36

_HIT = "/image?src=/photos/penguin.jpg&width=300"
_FEW = (
    "insert into images (src, folder_id, width, height) select 'photo' || n || '.jpg', 1, 600, 400"
    f" from generate_series(1, {SMALL}) n"
)


def measured(images: int, seconds: float, rounds: int) -> dict[str, Any]:
    """Hits per second and milliseconds of a first render, of the small and of the large one, by round."""
    for name in ("few", "many"):
        server().run_sql("postgres", f"create database {name} template {TEMPLATE}")
    server().run_sql("few", _FEW)
    seed(server().url("many"), images=images, folders=FOLDERS, users=200, groups=50)
    urls = {name: server().url(name) for name in ("few", "many")}
    common = {"TASKS_ENABLED": "false"}
    with (
        running(photos(), workers=1, MGMT_DATABASE_CONNECTION=urls["few"], **common) as few,
        running(photos(), workers=1, MGMT_DATABASE_CONNECTION=urls["many"], **common) as many,
    ):
        found: dict[str, Any] = {"hits": {"few": [], "many": []}, "renders": {"few": [], "many": []}}
        for daemon in (few, many):
            load(daemon.url(_HIT), clients=CLIENTS, seconds=1)
            _first_renders(daemon, 1)
        for turn in range(rounds):
            for name, daemon in (("few", few), ("many", many)):
                found["hits"][name].append(load(daemon.url(_HIT), clients=CLIENTS, seconds=seconds).rate)
                found["renders"][name].append(_first_renders(daemon, 100 * (turn + 1)))
    return {**found, **{f"{what}_ratio": _ratio(found[what]) for what in ("hits", "renders")}}


def _first_renders(daemon: Daemon, first: int) -> float:
    """Median milliseconds."""
    taken = []
    for number in range(RENDERS):
        photo = photos()[number % len(photos())].name
        began = time.perf_counter()
        daemon.get(f"/image?src=/photos/{photo}&width=400&left=0.0{first + number:04}")
        taken.append(1000 * (time.perf_counter() - began))
    return statistics.median(taken)


def _ratio(found: dict[str, list[float]]) -> float:
    """The large one's over the small one's: the median of the rounds."""
    return statistics.median(many / few for few, many in zip(found["few"], found["many"], strict=True))


def main(images: int, seconds: float, rounds: int) -> None:
    found = measured(images, seconds, rounds)
    for what, unit in (("hits", "/s"), ("renders", " ms")):
        few, many = (statistics.median(found[what][name]) for name in ("few", "many"))
        print(f"{what:8} {few:9.1f}{unit} of {SMALL}, {many:9.1f}{unit} of {images}: {found[f'{what}_ratio']:.3f}")


if __name__ == "__main__":
    given = [float(text) for text in sys.argv[1:]] + [1_000_000, 5.0, 5][len(sys.argv) - 1 :]
    main(int(given[0]), given[1], int(given[2]))
