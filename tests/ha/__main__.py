"""Does to a site what happens to sites, under load, and prints what came of it as a table."""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections.abc import Callable

from tests.ha.load import Load
from tests.ha.site import Site

_IMAGES = 200

_NEW_RATE = 60.0
"""Requests a second for images that are new, each of which is asked for a few times."""

_LEASE = 10.0
"""Seconds after which the lease of a server that is gone is over at the latest."""


class Trial:
    """The steps, in the order in which they are taken; each returns what it has seen, or raises.

    :param rate: requests a second.
    :param seconds: that the load goes on before and after what happens.
    """

    def __init__(self, site: Site, *, rate: float, seconds: float) -> None:
        self._site = site
        self._rate = rate
        self._seconds = seconds

    def steps(self) -> dict[str, Callable[[], str]]:
        return {
            "one session holds on all servers": self.session,
            "a server is killed": self.server_killed,
            "a server is added": self.server_added,
            "a server is killed while all images are new": self.maker_killed,
            "a server is removed (SIGTERM)": self.server_removed,
            "a Memcached server is lost": self.cache_lost,
            "a Memcached server is added": self.cache_added,
            "the primary PostgreSQL is lost, the standby promoted": self.database_promoted,
        }

    def session(self) -> str:
        status, token = self._site.log_in()
        _expect(status == 200, f"log-in: {status}")
        for server in self._site.servers:
            status, _ = self._site.ask("GET", "/api/v1/session/", port=server.port, Authorization=f"Bearer {token}")
            _expect(status == 200, f"port {server.port}: {status}")
        return "a token of one is accepted by all three"

    def server_killed(self) -> str:
        with self._load() as load:
            time.sleep(self._seconds)
            self._site.servers[1].kill()
            out = _seconds_until(lambda: "web2" not in self._site.up())
            time.sleep(self._seconds)
        return _none_lost(load, f"; out after {out:.1f} s")

    def server_added(self) -> str:
        with self._load() as load:
            self._site.servers[1].start()
            took = _seconds_until(lambda: "web2" in self._site.up())
            time.sleep(self._seconds)
        return _none_lost(load, f"; in {took:.1f} s after its start")

    def maker_killed(self) -> str:
        """What the dead one was making the others make, once its leases are over."""
        with self._load(self._new_image, rate=_NEW_RATE) as load:
            time.sleep(self._seconds)
            self._site.servers[1].kill()
            time.sleep(self._seconds + _LEASE)
        self._site.servers[1].start()
        self._site.servers[1].run.ready()
        return _none_lost(load)

    @staticmethod
    def _new_image(number: int) -> str:
        """One that nobody has asked for; the same for a few requests in a row, so that servers wait for others."""
        return f"/image?src=/samples/penguin.jpg&width={1000 + number // 6}&format=png"

    def server_removed(self) -> str:
        with self._load() as load:
            time.sleep(self._seconds)
            self._site.servers[2].run.send(signal.SIGTERM)
            out = _seconds_until(lambda: "web3" not in self._site.up())
            status = self._site.servers[2].run.ended()
            time.sleep(self._seconds)
        _expect(status == 0, f"it ended with status {status}")
        self._site.servers[2].start()
        self._site.servers[2].run.ready()
        return _none_lost(load, f"; out after {out:.1f} s, ended in order")

    def cache_lost(self) -> str:
        return self._cache(lambda: self._site.stop_memcached(self._site.caches[0]))

    def cache_added(self) -> str:
        return self._cache(lambda: self._site.start_memcached(self._site.caches[0]))

    def _cache(self, happens: Callable[[], None]) -> str:
        ratio = self._site.hit_ratio()
        with self._load() as load:
            time.sleep(self._seconds)
            next(ratio)
            ratios = []
            for number in range(4):
                time.sleep(self._seconds / 2)
                ratios.append(f"{next(ratio):.0%}")
                if number == 0:
                    happens()
        return _none_lost(load, f"; found in Memcached: {ratios[0]} before, then {', '.join(ratios[1:])}")

    def database_promoted(self) -> str:
        site = self._site
        _, token = site.log_in()
        with self._load() as load:
            time.sleep(self._seconds)
            site.primary.stop(signal.SIGQUIT)
            refused, _ = site.log_in()
            known, _ = site.ask("GET", "/api/v1/session/", Authorization=f"Bearer {token}")
            began = time.monotonic()
            site.standby.promote()
            promoted = time.monotonic() - began
            writes = site.writes_again()
            time.sleep(self._seconds)
        _expect(refused == 503, f"a log-in meanwhile: {refused}")
        seen = (
            f"; meanwhile log-in {refused}, session {known}; promoted in {promoted:.1f} s, writes {writes:.1f} s later"
        )
        return _none_lost(load, seen)

    def _load(self, target: Callable[[int], str] | None = None, *, rate: float | None = None) -> Load:
        return Load(
            self._site.front,
            target or (lambda number: f"/image?src=/samples/penguin.jpg&width={50 + number % _IMAGES}"),
            rate=rate or self._rate,
        )


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.ha", description=__doc__)
    parser.add_argument("--rate", type=float, default=500.0, help="requests a second")
    parser.add_argument("--seconds", type=float, default=6.0, help="of load before and after what happens")
    parser.add_argument("--short", action="store_true", help="100 requests a second, and a second before and after")
    options = parser.parse_args()
    site = Site()
    failed = 0
    try:
        trial = Trial(
            site, rate=100.0 if options.short else options.rate, seconds=1.0 if options.short else options.seconds
        )
        for name, step in trial.steps().items():
            try:
                outcome, seen = "well", step()
            except AssertionError as error:
                outcome, seen, failed = "FAILED", str(error), failed + 1
            sys.stdout.write(f"| {name} | {outcome} | {seen} |\n")
            sys.stdout.flush()
    finally:
        site.close()
    return 1 if failed else 0


def _none_lost(load: Load, more: str = "") -> str:
    seen = load.line() + more
    _expect(not load.lost, f"{seen}; {[one.status for one in load.lost[:5]]}")
    return seen


def _seconds_until(holds: Callable[[], bool], *, within: float = 60.0) -> float:
    began = time.monotonic()
    while not holds():
        _expect(time.monotonic() < began + within, "waited in vain for the balancer to notice")
        time.sleep(0.1)
    return time.monotonic() - began


def _expect(holds: object, otherwise: str) -> None:
    if not holds:
        raise AssertionError(otherwise)


if __name__ == "__main__":
    sys.exit(main())
