"""Everything that the server keeps, so that tests can say that nothing has changed."""

from __future__ import annotations

from typing import Any

from qisd.repository.tree import STAGING
from tests.integration.api import ApiCase

TABLES = (
    *("users", "groups", "syspermissions", "usergroups", "folderpermissions", "imagetemplates", "properties"),
    *("folders", "images", "imagesaudit", "trash", "disk_operations", "tasks", "audit_log"),
    *("folios", "folioimages", "foliopermissions", "folioexports", "foliosaudit"),
)


class StateCase(ApiCase):
    """A test that looks at all of it."""

    def state(self) -> dict[str, Any]:
        """Rows by table, and what the library and the folders around it have in them."""
        kept: dict[str, Any] = {table: sorted(map(str, self.sql(f"select t::text from {table} t"))) for table in TABLES}
        kept["files"] = sorted(
            (str(place.relative_to(self.folder)), place.read_bytes() if place.is_file() else b"")
            for place in self.folder.rglob("*")
            if STAGING not in str(place) and not place.is_fifo()
        )
        return kept

    async def assert_same(self, before: dict[str, Any]) -> None:
        """All is as it was, and nothing that was received is left over."""
        for name, kept in self.state().items():
            self.assertEqual(kept, before[name], name)
        await self.nothing_is_left()

    async def nothing_is_left(self) -> None:
        """No half file stays anywhere."""
        await self.eventually(lambda: not [one for one in (self.root / STAGING).rglob("*") if one.is_file()])
