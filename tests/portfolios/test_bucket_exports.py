"""The zips of portfolios in object storage."""

from __future__ import annotations

from qisd.portfolios.bucket_exports import BucketExportFiles
from qisd.portfolios.export_files import ExportPlace, FoundFile, new_name
from qisd.repository.bucket_files import SourceCopies
from tests.repository.test_bucket import BucketCase


class BucketExportTests(BucketCase):
    def setUp(self) -> None:
        super().setUp()
        (self.root / "here").touch()
        self.zips = self.zips_of("one")
        self.name = new_name()

    def zips_of(self, server: str) -> BucketExportFiles:
        """As a server sees them."""
        folder = self.root / server
        folder.mkdir()
        (folder / "here").touch()
        place = ExportPlace(root=folder, folder=".folio_exports")
        return BucketExportFiles(lambda: place, self.bucket, SourceCopies(folder / "copies", most=10**6))

    def make(self) -> None:
        writer = self.zips.create(7)
        writer.add("a.txt", b"content", modified=0)
        writer.finish(self.name)
        self.zips.keep(7, self.name)

    def test_what_one_server_has_made_any_other_hands_out(self) -> None:
        self.make()
        found = self.zips_of("other").open(7, self.name)
        assert found is not None
        with found.stream:
            self.assertEqual(len(found.stream.read()), found.size)
        self.assertEqual(self.keys(), [f".folio_exports/7/{self.name}"])
        self.assertEqual(list((self.root / "one" / ".folio_exports").rglob("*.zip")), [])

    def test_what_is_gone_is_not_handed_out(self) -> None:
        self.assertIsNone(self.zips.open(7, self.name))
        self.assertIsNone(self.zips.open(7, "../7/x.zip"))

    def test_all_that_there_are_are_found_from_anywhere_and_can_be_removed(self) -> None:
        self.make()
        self.put(".folio_exports/7/other.txt")
        [found] = self.zips_of("other").found()
        self.assertEqual((found.portfolio_id, found.name), (7, self.name))
        self.assertIsInstance(found, FoundFile)
        self.zips_of("third").remove(7, self.name)
        self.assertEqual(self.keys(), [".folio_exports/7/other.txt"])
        self.make()
        self.zips.remove_all(7)
        self.assertEqual(self.keys(), [])

    def test_one_that_could_not_be_kept_is_left_here_to_be_cleared_up(self) -> None:
        self.zips.create(7).finish(self.name)
        self.assertEqual([one.name for one in self.zips.found()], [self.name])
        self.zips.remove(7, self.name)
        self.assertEqual(self.zips.found(), [])
