"""The zips of portfolios in object storage, beside the library: any server of a site hands out what another has made.

They are made on the local disk, where they are gone as soon as they are in the bucket.
"""

from __future__ import annotations

import attrs

from qisd.portfolios.export_files import ExportFiles, FoundFile, OpenZip, is_zip_name
from qisd.repository.bucket import Bucket
from qisd.repository.bucket_files import SourceCopies


@attrs.frozen
class BucketExportFiles(ExportFiles):
    """The files of all zips.

    :param copies: on the local disk, of those that were handed out last.
    """

    bucket: Bucket
    copies: SourceCopies

    def keep(self, portfolio_id: int, filename: str) -> None:
        local = self._folder(portfolio_id) / filename
        self.bucket.put_file(bytes(local), self._path(portfolio_id, filename), token="")
        super().remove(portfolio_id, filename)

    def open(self, portfolio_id: int, filename: str) -> OpenZip | None:
        if not is_zip_name(filename):
            return None
        found = self.copies.open(self.bucket, self._path(portfolio_id, filename))
        if found is None:
            return None
        entry, stream = found
        return OpenZip(stream=stream, size=entry.size, modified=entry.version.mtime)

    def remove(self, portfolio_id: int, filename: str) -> None:
        super().remove(portfolio_id, filename)
        if is_zip_name(filename):
            self.bucket.delete(self._path(portfolio_id, filename))

    def remove_all(self, portfolio_id: int) -> None:
        super().remove_all(portfolio_id)
        self.bucket.delete_below(self._path(portfolio_id))

    def found(self) -> list[FoundFile]:
        there = []
        for name, entry in self.bucket.all_below(self._path()):
            portfolio, _, filename = name.partition("/")
            if portfolio.isdecimal() and is_zip_name(filename):
                there.append(FoundFile(portfolio_id=int(portfolio), name=filename, changed=entry.version.mtime))
        return there + super().found()

    def _path(self, *parts: object) -> str:
        return "/".join([self.place().folder.strip("/"), *map(str, parts)])
