"""A password that others know opens nothing but the way to another one."""

from __future__ import annotations

from qisd.store.users import MUST_CHANGE
from tests.integration.api import ApiCase

_TUS = {"Tus-Resumable": "1.0.0", "Upload-Length": "5", "Upload-Metadata": "filename YS5wbmc=,path Lw=="}


class FirstStepsTests(ApiCase):
    async def setUp(self) -> None:
        await super().setUp()
        self.paint("closed/a.png")
        token = await self.admin()
        await self.call("GET", "/details/", token=token, query={"src": "/closed/a.png"})
        self.permit("/closed", 1, 0)
        self.sql("update users set password_state = %s where id = 1", MUST_CHANGE)
        self.cookie, self.csrf = await self.session_of(1)

    async def test_it_opens_no_image_and_no_page_either(self) -> None:
        for path, status in (
            ("/image?src=/closed/a.png", 403),
            ("/original?src=/closed/a.png", 403),
            ("/reports/datafeed/top", 302),
        ):
            with self.subTest(path):
                reply = await self.call("GET", path, below="", cookie=self.cookie)
                self.assertEqual(reply.status, status, reply.body)

    async def test_nothing_is_taken_in(self) -> None:
        headers = {"X-CSRF-Token": self.csrf, "Content-Type": "application/offset+octet-stream", **_TUS}
        reply = await self.call("POST", "/upload/resumable/", cookie=self.cookie, headers=headers, body=b"12345")
        self.assertEqual(reply.status, 403)
        reply = await self.call(
            "PUT", "/admin/filesystem/files/b.png", cookie=self.cookie, headers={"X-CSRF-Token": self.csrf}, body=b"1"
        )
        self.assertEqual(reply.status, 403)
        self.assertEqual(self.sql("select count(*) from resumable_uploads"), [(0,)])

    async def test_another_password_opens_the_rest(self) -> None:
        self.assertEqual((await self.call("GET", "/session/", cookie=self.cookie)).data["user"]["id"], 1)
        self.assertEqual((await self.call("GET", "/admin/users/", cookie=self.cookie)).status, 403)
        self.sql("update users set password_state = 0 where id = 1")
        await self.refresh()
        self.assertEqual((await self.call("GET", "/admin/users/", cookie=self.cookie)).status, 200)
        reply = await self.call("GET", "/image?src=/closed/a.png", below="", cookie=self.cookie)
        self.assertEqual(reply.status, 200)

    async def test_one_can_log_out(self) -> None:
        reply = await self.call("POST", "/logout/", below="", cookie=self.cookie, form={"_csrf_token": self.csrf})
        self.assertEqual(reply.status, 302)
        self.assertIsNone((await self.call("GET", "/session/", cookie=self.cookie)).data["user"])
