"""A process that counts and writes 1000 answers, counts some more, and waits to be killed."""

from __future__ import annotations

import sys

from twisted.internet import reactor
from twisted.internet.defer import Deferred

from qisd.stats.counting import Statistics
from qisd.store.pool import Database


def count(counting: Statistics, number: int) -> None:
    for _ in range(number):
        counting.served("a.jpg", kind="cached", body_bytes=1, seconds=0.1, record=True)


async def main() -> None:
    database = Database(sys.argv[1], reactor=reactor)
    await database.start()
    counting = Statistics(database, reactor=reactor)
    count(counting, 1000)
    print(1000 if await counting.flush() else 0, flush=True)
    count(counting, 500)
    print("counted more", flush=True)


if __name__ == "__main__":
    Deferred.fromCoroutine(main())
    reactor.run()
