"""What users like, as their programs remember it."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred, gatherResults

from qisd.accounts.preferences import NAME_MAX, NAMES_MAX, TEXT_MAX
from tests.integration.api import ApiCase, Reply

ADDRESS = "/account/preferences/"


class PreferenceTests(ApiCase):
    async def setUp(self) -> None:
        await super().setUp()
        self.token = await self.person()

    async def liked(self, token: str | None = None) -> Any:
        return (await self.call("GET", ADDRESS, token=token or self.token)).data["preferences"]

    async def put(self, values: Any, *, merge: bool = False, **more: Any) -> Reply:
        return await self.call("PUT", ADDRESS, token=self.token, json={"preferences": values, "merge": merge}, **more)

    async def test_there_are_none_at_first_and_then_those_that_were_put_there(self) -> None:
        self.assertEqual(await self.liked(), {})
        values = {"theme": "dark", "presets": [{"name": "Banner", "width": 1200}], "ratio": 1.5, "seen": True}
        reply = await self.put(values)
        self.assertEqual((reply.status, reply.data), (200, {"preferences": values}))
        self.assertEqual(await self.liked(), values)
        await self.put({"lang": "de"})
        self.assertEqual(await self.liked(), {"lang": "de"})

    async def test_a_form_gives_them_as_json_text(self) -> None:
        reply = await self.call("PUT", ADDRESS, token=self.token, form={"preferences": '{"theme": "dark"}'})
        self.assertEqual(reply.data, {"preferences": {"theme": "dark"}})

    async def test_merged_they_leave_other_names_alone(self) -> None:
        await self.put({"theme": "dark", "lang": "de"})
        await self.put({"theme": None, "grid": 4}, merge=True)
        self.assertEqual(await self.liked(), {"lang": "de", "grid": 4})

    async def test_merged_at_once_none_of_them_is_lost(self) -> None:
        names = [f"n{number}" for number in range(6)]
        await gatherResults([Deferred.fromCoroutine(self.put({name: 1}, merge=True)) for name in names])
        self.assertEqual(await self.liked(), dict.fromkeys(names, 1))

    async def test_nobody_sees_those_of_others(self) -> None:
        await self.put({"theme": "dark"})
        self.assertEqual(await self.liked(await self.person()), {})
        self.assertEqual((await self.call("GET", ADDRESS)).status, 401)

    async def test_who_was_second_is_told_what_the_first_has_put_there(self) -> None:
        for values in ({"a": 1}, {"a": 2}):
            seen = (await self.call("GET", ADDRESS, token=self.token)).headers["etag"]
            self.assertEqual((await self.put(values, headers={"If-Match": seen})).status, 200)
        late = await self.put({"a": 3}, headers={"If-Match": seen})
        self.assertEqual((late.status, late.data), (412, {"preferences": {"a": 2}}))

    async def test_there_is_a_bound(self) -> None:
        most = {f"n{number}": 1 for number in range(NAMES_MAX)}
        self.assertEqual((await self.put(most)).status, 200)
        for values in (
            {**most, "more": 1},
            {"n" * (NAME_MAX + 1): 1},
            {"": 1},
            {"n": "x" * TEXT_MAX},
            {"n": "\0"},
            {"n\0": 1},
            [1],
            "x",
        ):
            self.assertEqual((await self.put(values)).status, 400, str(values)[:40])
        self.assertEqual((await self.put({"one": "x"}, merge=True)).status, 400)
        self.assertEqual(await self.liked(), most)

    async def test_they_go_with_the_user(self) -> None:
        await self.put({"theme": "dark"})
        self.sql("delete from users where id > 1")
        self.assertEqual(self.sql("select count(*) from user_preferences"), [(0,)])
