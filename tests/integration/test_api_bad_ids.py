"""Numbers of what is not there, not one's own, or no more."""

from __future__ import annotations

from tests.integration.bad_input import BadCase
from tests.integration.test_api_matrix import MatrixCase

HUGE_IDS = (0, 4711, 2**31, 2**63 - 1, 2**63, 10**30)


class IdTests(MatrixCase, BadCase):
    async def setUp(self) -> None:
        await super().setUp()
        self.boss = await self.admin()

    ask = BadCase.ask

    async def test_ids_that_are_nobody_s_are_not_found(self) -> None:
        before = self.state()
        for declared, _ in self.domain.api.endpoints:
            if "<int:" not in declared.path or declared.plain:
                continue
            methods = self.methods(declared)
            for number in (*HUGE_IDS, "-1", "1.0", "1e3", "+1", "0x1", "1_0", "١", "abc", "%00", "1%20", "'"):
                path = declared.path
                for name in ("id", "image_id", "user_id", "export_id"):
                    path = path.replace(f"<int:{name}>", str(number))
                for method in methods:
                    reply = await self.ask(method, path, **({} if method in ("GET", "DELETE") else {"form": {}}))
                    allowed = {404}
                    if isinstance(number, int) and method in ("POST", "PUT"):
                        allowed.add(400)
                    if path.startswith("/admin/tasks/") and not isinstance(number, int):
                        # The name of a task, for all one can tell.
                        allowed.add(405)
                    self.assertIn(reply.status, allowed, f"{method} {path} {reply.body!r}")
        await self.assert_same(before)

    async def test_parts_of_other_things_are_not_found(self) -> None:
        mine, other = self.folio_values(), self.folio_values()
        for method, path in (
            ("GET", f"/portfolios/{mine['folio']}/exports/{other['export']}/"),
            ("DELETE", f"/portfolios/{mine['folio']}/exports/{other['export']}/"),
            ("GET", f"/portfolios/{mine['folio']}/images/{self.values['yard_image']}/"),
            ("PUT", f"/portfolios/{mine['folio']}/images/{self.values['yard_image']}/"),
            ("DELETE", f"/portfolios/{mine['folio']}/images/{self.values['yard_image']}/"),
            ("PUT", f"/portfolios/{mine['folio']}/images/{self.values['yard_image']}/position/"),
            ("DELETE", f"/admin/groups/2/members/{10**9}/"),
        ):
            reply = await self.ask(method, path, **({} if method != "PUT" else {"form": {"index": 0}}))
            self.assertIn(reply.status, (404, 200) if "members" in path else (404,), f"{method} {path}")

    def folio_values(self) -> dict[str, object]:
        from tests.integration.api_table import PRIVATE

        return self.folio(PRIVATE)

    async def test_what_is_deleted_takes_no_more_part(self) -> None:
        number = self.values["image"]
        await self.ask("DELETE", f"/admin/filesystem/images/{number}/")
        folio = self.folio_values()["folio"]
        self.sql("delete from folioimages")
        for form in ({"image_id": number}, {"image_src": "box/a.png"}):
            self.assertEqual((await self.ask("POST", f"/portfolios/{folio}/images/", form=form)).status, 404)
        self.assertEqual((await self.ask("DELETE", f"/admin/filesystem/images/{number}/")).status, 404)
        reply = await self.ask("PUT", f"/admin/filesystem/images/{number}/", form={"path": "/box/c.png"})
        self.assertEqual(reply.status, 404)
        maria = self.callers[1].values["me"]
        await self.ask("DELETE", f"/admin/users/{maria}/")
        reply = await self.ask(
            "PUT",
            f"/portfolios/{folio}/",
            form={"name": "", "description": "", "internal_access": 0, "public_access": 0, "owner_id": maria},
        )
        self.assertIn(reply.status, (400, 404))
