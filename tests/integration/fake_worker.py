"""The process of a worker that begins a task, says so, and hangs in it until it's killed."""

from __future__ import annotations

import sys

from twisted.internet import reactor
from twisted.internet.defer import Deferred

from qisd.store.pool import Database
from qisd.tasks.queue import TaskQueue
from qisd.tasks.registry import TaskRun, TaskType, TaskTypes
from qisd.tasks.worker import TaskWorker


async def hang(run: TaskRun) -> None:
    print("begun", flush=True)
    await Deferred()


async def main() -> None:
    database = Database(sys.argv[1], reactor=reactor)
    await database.start()
    types = TaskTypes([TaskType(name=sys.argv[2], title="Hang", run=hang, repeatable=True)])
    queue = TaskQueue(database, types, reactor=reactor)
    queue.start()
    TaskWorker(database, queue, types, reactor=reactor).start()


if __name__ == "__main__":
    Deferred.fromCoroutine(main())
    reactor.run()
