"""Kills a library in the middle of its work, again and again, and looks what is left after the next start.

Run as a program by :mod:`tests.integration.test_crashes`: ``crash_rounds URL ROOT FIRST_SEED ROUNDS``. Each begins
from the same library. A child process makes random changes and kills itself at a random call of the system or the
database, or is killed at a random moment. Another one starts the library, sometimes to be killed as well. Then disk and
database must both be as before or after the change that was under way.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg2
from twisted.internet import selectreactor

selectreactor.install()

from twisted.internet import reactor  # noqa: E402 - the one that can be used after a fork
from twisted.internet.defer import Deferred  # noqa: E402
from twisted.python.failure import Failure  # noqa: E402
from txpostgres import txpostgres  # noqa: E402

from qisd.library.library import Library  # noqa: E402
from qisd.library.rules import LibraryRules  # noqa: E402
from qisd.pools.files import FilePool  # noqa: E402
from qisd.repository import moving  # noqa: E402
from qisd.repository.stores import folder_store  # noqa: E402
from qisd.store import folders, images  # noqa: E402
from qisd.store.folders import stored  # noqa: E402
from qisd.store.pool import Database  # noqa: E402
from tests.integration.crash_model import FIRST, Change, Size, State, changes  # noqa: E402
from tests.integration.library_case import admin, picture  # noqa: E402

CHANGES = 4
"""How many a child makes before it is killed at the latest."""

_POINTS = 130
"""About as many calls as those changes take."""

_IMAGE_IDS = {size: 100 + number for number, size in enumerate(FIRST.files.values())}
_FOLDER_IDS = {path: 200 + number for number, path in enumerate(sorted(FIRST.folders))}


class Wrong(Exception):
    """The library is not what it should be."""


# The children


def in_child(work: Callable[[], object]) -> int:
    """Fork, run ``work`` in the child; returns its process id."""
    pid = os.fork()
    if pid:
        return pid
    try:
        work()
        code = 0
    except BaseException:
        Failure().printTraceback(sys.stderr)
        code = 1
    finally:
        sys.stderr.flush()
    os._exit(code)


def run_library(url: str, root: Path, use: Callable[[Library, Database], Any]) -> None:
    """In a child: a started library, until ``use`` is done with it."""
    reactor.removeReader(reactor.waker)  # type: ignore[attr-defined]
    reactor.waker = None  # type: ignore[attr-defined]
    reactor.installWaker()  # type: ignore[attr-defined]
    failures: list[Failure] = []

    async def work() -> None:
        database = Database(url, reactor=reactor, size=2)
        files = FilePool(reactor)
        files.start()
        await database.start()
        library = Library(
            reactor,
            database=database,
            patient=database,
            files=files,
            uploads=files,
            store=folder_store(root),
            server="crashing",
            rules=LibraryRules(trash_days=30),
        )
        await library.start(["crashing"])
        await use(library, database)

    def begin() -> None:
        done = Deferred.fromCoroutine(work())
        done.addErrback(failures.append)
        done.addBoth(lambda _: reactor.stop())  # type: ignore[attr-defined]

    reactor.callWhenRunning(begin)  # type: ignore[attr-defined]
    reactor.run(installSignalHandlers=False)  # type: ignore[attr-defined]
    if failures:
        failures[0].raiseException()


def die_at(point: int) -> None:
    """Have this process killed at its so-many-th call of something that changes disk or database."""
    count = 0

    def pass_by() -> None:
        nonlocal count
        count += 1
        if count == point:
            os.kill(os.getpid(), signal.SIGKILL)

    def counted(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            pass_by()
            result = function(*arguments, **options)
            pass_by()
            return result

        return call

    for name in ("rename", "link", "unlink", "mkdir", "rmdir", "chmod", "fchmod", "fsync", "open"):
        setattr(os, name, counted(getattr(os, name)))
    moving._renameat2 = counted(moving._renameat2)
    for name in ("runQuery", "runOperation"):
        setattr(txpostgres.Connection, name, counted(getattr(txpostgres.Connection, name)))


async def apply(library: Library, database: Database, change: Change) -> None:
    """Make one change as a visitor would."""
    who, given = admin(), change.arguments
    if change.verb in ("upload", "overwrite", "upload_renamed"):
        incoming = library.staging.open(given["name"])
        incoming.write(picture(*given["size"]))
        incoming.finish()
        (outcome,) = await library.uploads.store(who, [incoming], folder=given["folder"], overwrite=given["overwrite"])
        if outcome.error is not None:
            raise outcome.error
    elif change.verb in ("move_file", "delete_file"):
        image = await images.by_src(database, given["path"])
        assert image is not None
        if change.verb == "move_file":
            await library.files.move(who, image.id, given["target"])
        else:
            await library.files.delete(who, image.id)
    elif change.verb == "create_folder":
        await library.folders.create(who, given["path"])
    elif change.verb in ("move_folder", "delete_folder"):
        folder = await folders.by_path(database, stored(given["path"]))
        assert folder is not None
        if change.verb == "move_folder":
            await library.folders.move(who, folder.id, given["target"])
        else:
            await library.folders.delete(who, folder.id)
    else:
        entry = next(one for one in await library.trash.entries(who) if one.path == given["path"])
        await library.trash.restore(who, entry.id)


# The rounds


class Rounds:
    def __init__(self, url: str, root: Path) -> None:
        self.url = url
        self.root = root
        self.connection = psycopg2.connect(url)
        self.connection.autocommit = True

    def sql(self, sql: str, parameters: object = None) -> list[tuple[Any, ...]]:
        with self.connection.cursor() as cursor:
            cursor.execute(sql, parameters)
            return cursor.fetchall() if cursor.description else []

    def play(self, seed: int) -> str:
        """One round; returns what was killed. Raises :class:`Wrong`."""
        dice = random.Random(f"kill {seed}")
        plan = changes(seed, CHANGES)
        self.begin()
        timed = seed % 5 == 0
        point = 0 if timed else dice.randint(1, _POINTS)
        done = self.kill_one(plan, point, dice.uniform(0.01, 0.15) if timed else None)
        if dice.random() < 0.3:
            self.start_library(dice.randint(1, 60))
        self.start_library(0)
        before = plan[done - 1].after if done else FIRST
        after = plan[done].after if done < len(plan) else before
        verb = plan[done].verb if done < len(plan) else "nothing"
        story = f"killed {'in time' if timed else f'at {point}'} in {verb} after {[one.verb for one in plan[:done]]}"
        try:
            seen = self.look()
            if seen not in (_comparable(before), _comparable(after)):
                raise Wrong(f"found {seen}\nbefore {_comparable(before)}\nafter {_comparable(after)}")
        except Wrong as wrong:
            raise Wrong(f"seed {seed}: {story}\n{wrong}") from None
        return verb

    def begin(self) -> None:
        """The library as it is at first."""
        self.wait_for_others()
        for entry in self.root.iterdir():
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
        for folder in sorted(FIRST.folders):
            (self.root / folder).mkdir()
        for path, size in FIRST.files.items():
            (self.root / path).write_bytes(picture(*size))
        self.sql("truncate disk_operations, trash, images, imagesaudit, audit_log, folderpermissions cascade")
        self.sql("delete from folders where path <> '/'")
        for path, number in sorted(_FOLDER_IDS.items()):
            self.sql(
                "insert into folders (id, name, path, parent_id) select %s, %s, %s, id from folders where path = %s",
                (number, path.rpartition("/")[2], f"/{path}", "/" + path.rpartition("/")[0]),
            )
        for path, size in FIRST.files.items():
            status = (self.root / path).stat()
            self.sql(
                "insert into images (id, src, folder_id, width, height, file_size, file_mtime_ns, file_inode)"
                " select %s, %s, id, %s, %s, %s, %s, %s from folders where path = %s",
                (_IMAGE_IDS[size], path, *size, status.st_size, status.st_mtime_ns, status.st_ino,
                 "/" + path.rpartition("/")[0]),
            )  # fmt: skip

    def kill_one(self, plan: list[Change], point: int, seconds: float | None) -> int:
        """Run a child that makes the changes and is killed; how many it had completed."""
        reading, writing = os.pipe()

        async def use(library: Library, database: Database) -> None:
            if point:
                die_at(point)
            for change in plan:
                await apply(library, database, change)
                os.write(writing, b".")
            os.kill(os.getpid(), signal.SIGKILL)

        pid = in_child(lambda: run_library(self.url, self.root, use))
        os.close(writing)
        if seconds is not None:
            time.sleep(seconds)
            os.kill(pid, signal.SIGKILL)
        status = os.waitpid(pid, 0)[1]
        with os.fdopen(reading, "rb") as pipe:
            done = len(pipe.read())
        if not os.WIFSIGNALED(status):
            raise Wrong(f"the child ended by itself in {plan[min(done, len(plan) - 1)]}")
        return done

    def start_library(self, point: int) -> None:
        """Start the library anew in a child, which is killed at ``point`` if that isn't 0."""

        async def use(library: Library, database: Database) -> None:
            await library.stop()
            await database.stop()

        def work() -> None:
            if point:
                die_at(point)
            run_library(self.url, self.root, use)

        status = os.waitpid(in_child(work), 0)[1]
        if status and not (point and os.WIFSIGNALED(status)):
            raise Wrong(f"the library can't be started: {status}")

    def wait_for_others(self) -> None:
        """Wait until the database has done with what killed processes had asked for."""
        while self.sql("select 1 from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"):
            time.sleep(0.005)

    # What is found

    def look(self) -> tuple[dict[str, Size], set[str], list[tuple[str, dict[str, Size]]]]:
        """Files, folders and trash, the same on disk and in the database."""
        self.wait_for_others()
        left = [*self.sql("select kind, params from disk_operations"), *self.hidden()]
        if left:
            raise Wrong(f"left behind: {left}")
        files, places = self.disk(self.root)
        rows = {
            src: (width, height)
            for src, width, height in self.sql("select src, width, height from images where status = 1")
        }
        if files != rows:
            raise Wrong(f"files on disk {files}\nin the database {rows}")
        known = {path[1:] for (path,) in self.sql("select path from folders where status = 1 and path <> '/'")}
        if places != known:
            raise Wrong(f"folders on disk {places}\nin the database {known}")
        wrong = self.sql(
            "select i.src, f.path from images i join folders f on f.id = i.folder_id where i.status = 1"
            " and f.path <> '/' || regexp_replace(i.src, '/?[^/]*$', '')"
            " union all select f.path, p.path from folders f join folders p on p.id = f.parent_id where f.status = 1"
            " and f.path <> rtrim(p.path, '/') || '/' || f.name"
        )
        if wrong:
            raise Wrong(f"in other folders than their paths say: {wrong}")
        self.check_ids(rows)
        return files, places, self.trash()

    def check_ids(self, rows: dict[str, Size]) -> None:
        """What was there at first, and has not been replaced, has its id wherever it is."""
        ids = dict(self.sql("select src, id from images where status = 1"))
        for src, size in rows.items():
            if size in _IMAGE_IDS and ids[src] != _IMAGE_IDS[size]:
                raise Wrong(f"{src} {size} has the id {ids[src]}, not {_IMAGE_IDS[size]}")

    def trash(self) -> list[tuple[str, dict[str, Size]]]:
        found = []
        places = set()
        for path, place, images_ in self.sql("select path, trash_path, image_ids from trash order by id"):
            places.add(place)
            where = self.root / place
            if where.is_file():
                files = {path: _size(where)}
            else:
                files = {f"{path}/{one}": size for one, size in self.disk(where)[0].items()}
            if len(images_) != len(files):
                raise Wrong(f"{path} is in the trash with {files}, but with images {images_}")
            found.append((path, files))
        here = {f".trash/{day.name}/{one.name}" for day in self.root.glob(".trash/*") for one in day.iterdir()}
        if here != places:
            raise Wrong(f"in the trash on disk {here}\nin the database {places}")
        return sorted(found, key=lambda one: (one[0], sorted(one[1].items())))

    def hidden(self) -> list[str]:
        """Whatever is hidden and has no business to be there."""
        found = [str(path.relative_to(self.root)) for path in self.root.rglob("*") if not path.is_dir()]
        return [
            path for path in found if path.startswith(".uploads/") or path.endswith((".part", ".moved")) or "/." in path
        ]

    def disk(self, folder: Path) -> tuple[dict[str, Size], set[str]]:
        files, places = {}, set()
        for path in folder.rglob("*"):
            relative = path.relative_to(folder)
            if relative.parts[0].startswith("."):
                continue
            if path.is_dir():
                places.add(str(relative))
            else:
                files[str(relative)] = _size(path)
        return files, places


def _size(path: Path) -> Size:
    from PIL import Image

    data = path.read_bytes()
    with Image.open(path) as image:
        size = image.size
    if data != picture(*size):
        raise Wrong(f"{path} is not what was sent")
    return size


def _comparable(state: State) -> tuple[dict[str, Size], set[str], list[tuple[str, dict[str, Size]]]]:
    trash = [(one.path, one.files) for one in state.trash]
    return state.files, state.folders, sorted(trash, key=lambda one: (one[0], sorted(one[1].items())))


def main() -> int:
    url, root, first, count = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
    rounds = Rounds(url, root)
    verbs: dict[str, int] = {}
    for seed in range(first, first + count):
        try:
            verb = rounds.play(seed)
        except Wrong as wrong:
            print(wrong)
            return 1
        verbs[verb] = verbs.get(verb, 0) + 1
    print(f"{count} kills: {dict(sorted(verbs.items()))}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
