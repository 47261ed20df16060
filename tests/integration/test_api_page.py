"""The page about the API."""

from __future__ import annotations

from tests.integration.api import ApiCase
from tests.integration.postgres import REPOSITORY

PAGE = REPOSITORY / "docs" / "api.md"


class PageTests(ApiCase):
    async def test_it_names_everything_that_there_is(self) -> None:
        page = PAGE.read_text(encoding="utf-8")
        families = {family(declared.path) for declared, _ in self.domain.api.endpoints}
        self.assertEqual({name for name in families if f"`{name}" not in page}, set())


def family(path: str) -> str:
    """What the addresses of one kind of thing begin with."""
    parts = path.partition("<")[0].strip("/").split("/")
    return "/".join(parts[:2] if parts[0] == "admin" else parts[:1]) + "/"
