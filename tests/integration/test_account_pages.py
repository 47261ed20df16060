"""The pages about accounts as the server makes them."""

from __future__ import annotations

import attrs

from tests.integration.test_browse_pages import PageCase


class NewUserTests(PageCase):
    async def test_the_companys_directory_is_offered_where_there_is_one(self) -> None:
        offered = "By the company directory"
        self.assertNotIn(offered, (await self.get("/admin/users/0/")).body.decode())
        self.domain.settings = attrs.evolve(self.domain.settings, ldap_integration=True)
        self.assertIn(offered, (await self.get("/admin/users/0/")).body.decode())
