"""``Idempotency-Key``: what is sent twice is done once."""

from __future__ import annotations

from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.task import deferLater

from qisd.access.levels import Flag
from qisd.store import idempotency
from qisd.web.api import idempotency as answers
from tests.integration.api import ApiCase, Reply

GROUP = {"name": "Press", "description": "", "group_type": 2}
MAKES_GROUPS = (Flag.ADMIN_USERS, Flag.ADMIN_PERMISSIONS)


class IdempotencyTests(ApiCase):
    async def make(self, key: str, token: str, form: dict[str, Any] = GROUP) -> Reply:
        return await self.call("POST", "/admin/groups/", token=token, form=form, headers={"Idempotency-Key": key})

    def made(self) -> int:
        ((count,),) = self.sql("select count(*) from groups where name = 'Press'")
        return int(count)

    def kept(self) -> int:
        ((count,),) = self.sql("select count(*) from idempotency_keys")
        return int(count)

    async def test_the_same_request_again_gets_the_first_answer_and_does_nothing(self) -> None:
        token = await self.person(*MAKES_GROUPS)
        first = await self.make("one", token)
        again = await self.make("one", token)
        self.assertEqual((first.status, again.status), (200, 200))
        self.assertEqual(first.body, again.body)
        self.assertNotIn("idempotency-replayed", first.headers)
        self.assertEqual(again.headers["idempotency-replayed"], "true")
        self.assertEqual(again.headers["cache-control"], first.headers["cache-control"])
        self.assertEqual(again.headers["vary"], first.headers["vary"])
        self.assertEqual(again.headers["content-type"], "application/json")
        self.assertEqual(self.made(), 1)

    async def test_forms_and_json_with_another_key_are_other_requests(self) -> None:
        token = await self.person(*MAKES_GROUPS)
        await self.make("one", token)
        self.assertEqual((await self.make("two", token)).status, 409)

    async def test_a_key_belongs_to_its_user(self) -> None:
        await self.make("one", await self.person(*MAKES_GROUPS))
        other = await self.make("one", await self.person(*MAKES_GROUPS), {**GROUP, "name": "Others"})
        self.assertEqual(other.status, 200)

    async def test_a_key_is_good_for_one_request_only(self) -> None:
        token = await self.person(*MAKES_GROUPS)
        await self.make("one", token)
        for form in ({**GROUP, "name": "Others"}, {**GROUP, "access_folios": "1"}):
            reply = await self.make("one", token, form)
            self.assertEqual(reply.status, 409)
            self.assertEqual(reply.message, "Conflict (This Idempotency-Key was used for another request)")
        elsewhere = await self.call(
            "POST", "/admin/groups/1/members/", token=token, form={"user_id": 1}, headers={"Idempotency-Key": "one"}
        )
        self.assertEqual(elsewhere.status, 409)
        self.assertEqual(self.made(), 1)

    async def test_what_failed_may_be_tried_again_with_the_same_key(self) -> None:
        token = await self.person(*MAKES_GROUPS)
        self.assertEqual((await self.make("one", token, {**GROUP, "name": ""})).status, 400)
        self.assertEqual(self.kept(), 0)
        self.assertEqual((await self.make("one", token)).status, 200)

    async def test_who_may_not_is_told_so_before_any_key_is_looked_at(self) -> None:
        self.assertEqual((await self.make("one", await self.person())).status, 403)
        self.assertEqual((await self.make("x" * 200, await self.person())).status, 403)
        self.assertEqual(self.kept(), 0)

    async def test_a_key_is_printable_ascii_of_at_most_128_characters(self) -> None:
        token = await self.person(*MAKES_GROUPS)
        for key in ("", "a b", "x" * 129, "é"):
            reply = await self.make(key, token)
            self.assertEqual((reply.status, reply.json["parameter"]), (400, "Idempotency-Key"))
        self.assertEqual((await self.make("x" * 128, token)).status, 200)

    async def test_requests_at_the_same_time_are_done_once(self) -> None:
        token = await self.person(*MAKES_GROUPS)
        replies = await gatherResults([Deferred.fromCoroutine(self.make("one", token)) for _ in range(8)])
        for reply in replies:
            if reply.status == 409:
                self.assertEqual(reply.headers["retry-after"], "1")
                self.assertIn("under way", reply.message)
        self.assertIn(200, [reply.status for reply in replies])
        self.assertEqual({reply.status for reply in replies} - {200, 409}, set())
        self.assertEqual(self.made(), 1)

    async def test_one_that_was_cut_off_is_under_way_for_five_minutes_and_then_forgotten(self) -> None:
        token = await self.person(*MAKES_GROUPS)
        await self.make("one", token)
        self.sql("update idempotency_keys set status = null, body = null")
        self.assertEqual((await self.make("one", token)).status, 409)
        self.sql("delete from groups where name = 'Press'")
        self.sql("update idempotency_keys set created = now() - interval '301 seconds'")
        self.assertEqual((await self.make("one", token)).status, 200)
        self.assertEqual(self.made(), 1)

    async def test_after_a_day_a_key_is_as_good_as_new(self) -> None:
        token = await self.person(*MAKES_GROUPS)
        await self.make("one", token)
        self.sql("update idempotency_keys set created = now() - interval '25 hours'")
        self.assertEqual((await self.make("one", token, {**GROUP, "name": "Others"})).status, 200)
        self.sql("update idempotency_keys set created = now() - interval '25 hours'")
        await idempotency.purge(self.database)
        self.assertEqual(self.kept(), 0)

    async def test_the_work_goes_on_when_the_client_goes_away(self) -> None:
        token = await self.person(*MAKES_GROUPS)
        self.sql(
            "create function tarry() returns trigger language plpgsql as"
            " $$ begin perform pg_sleep(0.3); return new; end $$"
        )
        self.sql("create trigger tarry before insert on groups for each row execute function tarry()")
        call = Deferred.fromCoroutine(self.make("one", token))
        while not self.kept():
            await deferLater(reactor, 0.01)
        call.addErrback(lambda failure: None)
        call.cancel()
        await call
        while not self.made():
            await deferLater(reactor, 0.01)
        reply = await self.make("one", token)
        while reply.status == 409:
            await deferLater(reactor, 0.01)
            reply = await self.make("one", token)
        self.assertEqual((reply.status, self.made()), (200, 1))

    async def test_a_long_answer_is_not_kept(self) -> None:
        self.patch(answers, "_BODY_KEPT", 10)
        token = await self.admin()
        self.assertEqual((await self.make("one", token)).status, 200)
        again = await self.make("one", token)
        self.assertEqual((again.status, self.made()), (409, 1))
        self.assertIn("not kept", again.message)

    async def test_the_answer_that_holds_a_secret_is_not_kept(self) -> None:
        await self.person(name="maria")
        ((number,),) = self.sql("select id from users where username = 'maria'")
        cookie, csrf = await self.session_of(number)
        headers = {"Idempotency-Key": "one", "X-CSRF-Token": csrf}
        json = {"label": "script", "scopes": ["read"]}
        first = await self.call("POST", "/account/tokens/", cookie=cookie, json=json, headers=headers)
        self.assertEqual(first.status, 200)
        again = await self.call("POST", "/account/tokens/", cookie=cookie, json=json, headers=headers)
        self.assertEqual(again.status, 409)
        self.assertIn("shown once", again.message)
        self.assertNotIn(first.data["token"], str(self.sql("select k::text from idempotency_keys k")))
