"""Operations on the library that fail half-way: :mod:`qisd.library.journal`."""

from __future__ import annotations

from typing import ClassVar

import attrs
from twisted.internet import reactor
from twisted.internet.defer import CancelledError, Deferred, gatherResults
from twisted.internet.task import deferLater

from qisd.errors import AlreadyExists, NotFound, StoreUnavailable, Unavailable
from qisd.library import journal
from qisd.library.journal import Journal, Operation
from qisd.repository.files import FileVersion
from qisd.repository.tree import Tree
from qisd.store import disk_operations
from qisd.store.audit import Actor
from qisd.store.queries import Queries
from tests.integration.library_case import LibraryCase

ACTOR = Actor(actor_id=1, actor_name="admin", actor_kind="session")


@attrs.frozen(kw_only=True)
class Rename(Operation[str]):
    """Renames a file; its record is made to fail as often as ``faults`` says."""

    kind: ClassVar[str] = "move_file"
    faults: ClassVar[list[Exception]] = []
    records: ClassVar[list[str]] = []
    source: str
    target: str

    def paths(self) -> tuple[str, ...]:
        return self.source, self.target

    def perform(self, tree: Tree, token: str) -> None:
        tree.move(self.source, self.target, token=token)

    def is_done(self, tree: Tree, token: str) -> bool:
        return tree.is_moved(self.source, self.target, token=token)

    def complete(self, tree: Tree, token: str) -> FileVersion | None:
        return tree.version(self.target)

    async def record(self, db: Queries, version: FileVersion | None) -> str:
        if self.faults:
            raise self.faults.pop(0)
        await db.query("select 1")
        self.records.append(self.target)
        return self.target

    def undo(self, tree: Tree, token: str) -> None:
        tree.move(self.target, self.source, token=token)


class JournalCase(LibraryCase):
    async def setUp(self) -> None:
        await super().setUp()
        self.patch(journal, "_TRY_AGAIN", 0.0)
        self.patch(journal, "_SETTLE_AGAIN", 0.0)
        self.patch(Rename, "faults", [])
        self.patch(Rename, "records", [])
        self.write("x.jpg")
        self.journal = self.make_journal("s1")
        self.addCleanup(lambda: self.journal.stop())

    def make_journal(self, name: str) -> Journal:
        return Journal(
            reactor,
            database=self.database,
            files=self.pool,
            tree=self.library.tree,
            server=name,
            kinds={"move_file": Rename},
            changed=self.changed.append,
        )

    def rename(self, source: str = "x.jpg", target: str = "y.jpg") -> Deferred[str]:
        return Deferred.fromCoroutine(self.journal.run(Rename(actor=ACTOR, source=source, target=target)))

    async def left_behind(self, *, done: bool, server: str, minutes: int = 0) -> None:
        """A row as a process that was killed leaves it, with its step taken or not."""
        operation = Rename(actor=ACTOR, source="x.jpg", target="y.jpg")
        entry = disk_operations.Entry(
            id=journal.uuid.uuid4(),
            kind=operation.kind,
            paths=operation.paths(),
            params=operation.params(),
            server=server,
        )
        await self.database.transaction(lambda db: disk_operations.claim(db, entry))
        self.sql("update disk_operations set heartbeat = now() - %s * interval '1 minute'", minutes)
        if done:
            operation.perform(self.library.tree, entry.id.hex)

    async def until_settled(self) -> None:
        while self.sql("select 1 from disk_operations"):
            await deferLater(reactor, 0.01)  # type: ignore[arg-type]


class FailureTests(JournalCase):
    async def test_a_change_that_the_database_refuses_is_undone_on_disk(self) -> None:
        Rename.faults.append(ValueError("refused"))
        await self.assertFailure(self.rename(), ValueError)
        self.assertEqual((self.disk(), self.left_over()), (["x.jpg"], []))
        self.assertEqual(await self.rename(), "y.jpg")
        self.assertEqual(self.disk(), ["y.jpg"])
        self.assertEqual(self.changed, ["x.jpg", "y.jpg"])

    async def test_a_passing_fault_of_the_database_is_outlived(self) -> None:
        Rename.faults += [StoreUnavailable(), StoreUnavailable()]
        self.assertEqual(await self.rename(), "y.jpg")
        self.assertEqual((self.disk(), self.left_over()), (["y.jpg"], []))

    async def test_what_is_not_there_or_taken_changes_nothing(self) -> None:
        self.write("y.jpg", b"other")
        await self.assertFailure(self.rename(), AlreadyExists)
        await self.assertFailure(self.rename("none.jpg", "y.jpg"), NotFound)
        self.assertEqual((self.disk(), self.left_over()), (["x.jpg", "y.jpg"], []))
        self.assertEqual((self.root / "y.jpg").read_bytes(), b"other")

    async def test_while_the_database_is_away_an_operation_waits_for_it_as_a_whole(self) -> None:
        Rename.faults += [StoreUnavailable()] * 3
        real, away = self.database.transaction, [True]

        async def transaction(work: object) -> object:
            if away[0] and Rename.records == [] and not Rename.faults:
                raise StoreUnavailable
            return await real(work)  # type: ignore[arg-type]

        self.patch(self.database, "transaction", transaction)
        await self.assertFailure(self.rename(), StoreUnavailable)
        self.assertEqual(self.disk(), ["y.jpg"])
        away[0] = False
        await self.until_settled()
        self.assertEqual((self.disk(), Rename.records), (["y.jpg"], ["y.jpg"]))

    async def test_a_commit_whose_answer_was_lost_is_a_success(self) -> None:
        real, lost = self.database.transaction, [True]

        async def transaction(work: object) -> object:
            result = await real(work)  # type: ignore[arg-type]
            if Rename.records and lost:
                lost.clear()
                raise StoreUnavailable
            return result

        self.patch(self.database, "transaction", transaction)
        self.assertEqual(await self.rename(), "y.jpg")
        self.assertEqual((self.disk(), Rename.records, self.left_over()), (["y.jpg"], ["y.jpg"], []))

    async def test_it_goes_on_when_nobody_waits_for_it(self) -> None:
        work = self.rename()
        work.cancel()
        await self.assertFailure(work, CancelledError)
        await self.journal.stop()
        self.assertEqual((self.disk(), Rename.records, self.left_over()), (["y.jpg"], ["y.jpg"], []))

    async def test_two_at_the_same_paths_come_one_after_the_other(self) -> None:
        outcomes = await gatherResults(
            [self.rename("x.jpg", f"{number}.jpg").addErrback(lambda failure: failure.type) for number in range(5)]
        )
        self.assertEqual(outcomes.count(NotFound), 4)
        self.assertEqual(len(self.disk()), 1)

    async def test_one_does_not_wait_for_ever(self) -> None:
        self.patch(journal, "_PATIENCE", 0.0)
        await self.left_behind(done=False, server="there")
        await self.assertFailure(self.rename(), Unavailable)
        self.assertEqual(self.disk(), ["x.jpg"])


class RecoveryTests(JournalCase):
    async def test_what_was_done_on_disk_is_finished(self) -> None:
        await self.left_behind(done=True, server="s1")
        self.assertEqual(await self.journal.recover(["s1"]), 1)
        self.assertEqual((self.disk(), Rename.records, self.left_over()), (["y.jpg"], ["y.jpg"], []))
        self.assertEqual(self.changed, ["x.jpg", "y.jpg"])

    async def test_what_was_not_is_dropped(self) -> None:
        await self.left_behind(done=False, server="s1")
        self.assertEqual(await self.journal.recover(["s1"]), 1)
        self.assertEqual((self.disk(), Rename.records, self.left_over()), (["x.jpg"], [], []))

    async def test_what_can_not_be_finished_is_undone(self) -> None:
        await self.left_behind(done=True, server="s1")
        Rename.faults.append(ValueError("refused"))
        await self.journal.recover(["s1"])
        self.flushLoggedErrors(ValueError)
        self.assertEqual((self.disk(), Rename.records, self.left_over()), (["x.jpg"], [], []))

    async def test_another_servers_is_left_alone_until_it_gives_no_sign_of_life(self) -> None:
        await self.left_behind(done=True, server="s2", minutes=4)
        self.assertEqual(await self.journal.recover(["s1"]), 0)
        self.sql("update disk_operations set heartbeat = now() - interval '6 minutes'")
        self.assertEqual(await self.journal.recover(["s1"]), 1)
        self.assertEqual(Rename.records, ["y.jpg"])

    async def test_two_who_recover_at_once_do_it_once(self) -> None:
        await self.left_behind(done=True, server="s1", minutes=9)
        other = self.make_journal("s2")
        await gatherResults([Deferred.fromCoroutine(one.recover(["s1"])) for one in (self.journal, other)])
        self.assertEqual((Rename.records, self.left_over()), (["y.jpg"], []))

    async def test_one_that_can_not_be_read_does_not_keep_the_others(self) -> None:
        await self.left_behind(done=True, server="s1")
        self.sql("insert into disk_operations (id, kind, paths, params, server, heartbeat)"
                 " values (gen_random_uuid(), 'upload', '{z}', '{}', 's1', now() - interval '1 day')")  # fmt: skip
        await self.journal.recover(["s1"])
        self.assertEqual(len(self.flushLoggedErrors(KeyError)), 1)
        self.assertEqual(Rename.records, ["y.jpg"])
