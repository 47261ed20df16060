"""Resumable uploads, as a client of the tus protocol meets them."""

from __future__ import annotations

import base64
import hashlib
from types import MappingProxyType
from typing import Any
from unittest import mock
from urllib.parse import urlsplit

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import HostnameEndpoint
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import deferLater

from tests.integration.api import ApiCase, Reply
from tests.integration.library_case import picture

WHOLE = picture(60, 40)
HALF = len(WHOLE) // 2
BYTES = {"Content-Type": "application/offset+octet-stream"}


def metadata(**values: str) -> str:
    return ",".join(f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in values.items())


def checksum(data: bytes, kind: str = "sha1") -> dict[str, str]:
    return {"Upload-Checksum": f"{kind} {base64.b64encode(hashlib.new(kind, data).digest()).decode()}"}


class TusCase(ApiCase):
    async def setUp(self) -> None:
        await super().setUp()
        (self.root / "a").mkdir()
        self.token = await self.admin()

    async def ask(self, method: str, path: str, body: bytes | None = None, **headers: Any) -> Reply:
        token = headers.pop("token", self.token)
        sent = {"Tus-Resumable": "1.0.0", **headers}
        return await self.call(
            method, path, token=token, headers={k: str(v) for k, v in sent.items() if v is not None}, body=body
        )

    async def create(self, *, body: bytes | None = None, length: int = len(WHOLE), **headers: Any) -> Reply:
        given = {"Upload-Length": length, "Upload-Metadata": metadata(filename="x.jpg", path="/a"), **headers}
        return await self.ask("POST", "/upload/resumable/", body, **given)

    async def begun(self, **options: Any) -> str:
        reply = await self.create(**options)
        self.assertEqual((reply.status, reply.body), (201, b""), reply.body)
        return urlsplit(reply.headers["location"]).path

    async def patch(self, where: str, data: bytes, offset: int, **headers: Any) -> Reply:
        return await self.ask("PATCH", where, data, **{**BYTES, "Upload-Offset": offset, **headers})

    async def offset(self, where: str) -> int:
        reply = await self.ask("HEAD", where)
        self.assertEqual(reply.status, 200)
        self.assertEqual(reply.headers["upload-length"], str(len(WHOLE)))
        self.assertEqual(reply.headers["cache-control"], "no-store")
        return int(reply.headers["upload-offset"])

    def growing(self) -> dict[str, int]:
        folder = self.root / ".uploads" / "resumable"
        return {one.name: one.stat().st_size for one in folder.iterdir()} if folder.exists() else {}


class UploadTests(TusCase):
    async def test_a_file_comes_in_pieces(self) -> None:
        where = await self.begun()
        self.assertEqual(await self.offset(where), 0)
        first = await self.patch(where, WHOLE[:HALF], 0)
        self.assertEqual((first.status, first.headers["upload-offset"], first.body), (204, str(HALF), b""))
        self.assertNotIn("content-length", first.headers)
        self.assertIn("upload-expires", first.headers)
        self.assertEqual(await self.offset(where), HALF)
        last = await self.patch(where, WHOLE[HALF:], HALF)
        self.assertEqual((last.status, last.headers["upload-offset"]), (204, str(len(WHOLE))))
        self.assertEqual((self.root / "a/x.jpg").read_bytes(), WHOLE)
        details = urlsplit(last.headers["location"])
        found = await self.call("GET", f"{details.path}?{details.query}", token=self.token)
        self.assertEqual((found.data["src"], found.data["width"]), ("a/x.jpg", 60))
        self.assertEqual((await self.offset(where), self.growing()), (len(WHOLE), {}))

    async def test_one_that_is_done_is_there_for_all_even_before_whoever_did_it_lets_go_of_it(self) -> None:
        where = await self.begun(body=WHOLE, **BYTES)
        self.sql(
            "update resumable_uploads set held_by = gen_random_uuid(), held_until = now() + interval '1 minute'"
            " returning id"
        )
        self.assertEqual(await self.offset(where), len(WHOLE))

    async def test_the_first_piece_may_come_along_and_be_the_last(self) -> None:
        half = await self.create(body=WHOLE[:HALF], **BYTES)
        self.assertEqual((half.status, half.headers["upload-offset"]), (201, str(HALF)))
        whole = await self.create(
            body=WHOLE, **BYTES, **{"Upload-Metadata": metadata(filename="y.jpg", path="a")}, **checksum(WHOLE)
        )
        self.assertEqual((whole.status, whole.headers["upload-offset"]), (201, str(len(WHOLE))))
        self.assertEqual((self.root / "a/y.jpg").read_bytes(), WHOLE)

    async def test_equal_content_is_warned_of(self) -> None:
        first = await self.create(body=WHOLE, **BYTES)
        self.assertNotIn("upload-duplicates", first.headers)
        number = str(self.sql("select id from images")[0][0])
        where = await self.begun(**{"Upload-Metadata": metadata(filename="y.jpg", path="a")})
        half = await self.patch(where, WHOLE[:HALF], 0)
        self.assertNotIn("upload-duplicates", half.headers)
        for reply in (await self.patch(where, WHOLE[HALF:], HALF), await self.ask("HEAD", where)):
            self.assertEqual(reply.headers["upload-duplicates"], number)
            self.assertIn("Upload-Duplicates", reply.headers["access-control-expose-headers"])
        at_once = await self.create(body=WHOLE, **BYTES, **{"Upload-Metadata": metadata(filename="z.jpg", path="a")})
        self.assertEqual(len(at_once.headers["upload-duplicates"].split(", ")), 2)

    async def test_a_connection_that_breaks_leaves_what_has_come(self) -> None:
        where = await self.begun()
        credentials = base64.b64encode(f"{self.token}:".encode()).decode()
        head = (
            f"PATCH {where} HTTP/1.1\r\nHost: x\r\nTus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\n"
            f"Content-Type: application/offset+octet-stream\r\nContent-Length: {len(WHOLE)}\r\n"
            f"Authorization: Basic {credentials}\r\n\r\n"
        )
        endpoint = HostnameEndpoint(reactor, "127.0.0.1", self.port)
        client = await endpoint.connect(Factory.forProtocol(Protocol))
        client.transport.write(head.encode() + WHOLE[:HALF])
        client.transport.loseConnection()
        while HALF not in self.growing().values():
            await deferLater(reactor, 0.01)
        self.assertEqual(await self.offset(where), HALF)
        self.assertEqual((await self.patch(where, WHOLE[HALF:], HALF)).status, 204)
        self.assertEqual((self.root / "a/x.jpg").read_bytes(), WHOLE)

    async def test_a_client_that_comes_back_ends_what_it_had_begun(self) -> None:
        where = await self.begun()
        credentials = base64.b64encode(f"{self.token}:".encode()).decode()
        head = (
            f"PATCH {where} HTTP/1.1\r\nHost: x\r\nTus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\n"
            f"Content-Type: application/offset+octet-stream\r\nContent-Length: {len(WHOLE)}\r\n"
            f"Authorization: Basic {credentials}\r\nExpect: 100-continue\r\n\r\n"
        )
        client = await HostnameEndpoint(reactor, "127.0.0.1", self.port).connect(Factory.forProtocol(_Waiting))
        client.transport.write(head.encode())
        await client.heard
        client.transport.write(WHOLE[:10])
        offset = await self.offset(where)
        self.assertIn(offset, (0, 10))
        await client.over
        self.assertEqual((await self.patch(where, WHOLE[offset:], offset)).status, 204)

    async def test_another_server_that_is_at_it_is_not_disturbed(self) -> None:
        where = await self.begun()
        self.sql("update resumable_uploads set held_by = gen_random_uuid(), held_until = now() + interval '1 minute'")
        with mock.patch("qisd.library.resumable._PATIENCE", 0.0):
            reply = await self.patch(where, WHOLE, 0)
        self.assertEqual((reply.status, reply.headers["retry-after"]), (423, "1"))
        self.assertEqual(list(self.growing().values()), [0])

    async def test_a_wrong_offset_and_a_wrong_checksum_change_nothing(self) -> None:
        where = await self.begun()
        wrong = await self.patch(where, WHOLE, 1)
        self.assertEqual((wrong.status, wrong.headers["tus-resumable"]), (409, "1.0.0"))
        self.assertEqual((await self.patch(where, WHOLE[:HALF], 0, **checksum(WHOLE))).status, 460)
        self.assertEqual((await self.patch(where, WHOLE[:HALF], 0, **checksum(WHOLE, "md5"))).status, 400)
        self.assertEqual(await self.offset(where), 0)
        self.assertEqual((await self.patch(where, WHOLE[:HALF], 0, **checksum(WHOLE[:HALF], "sha256"))).status, 204)
        self.assertEqual((await self.patch(where, WHOLE[:HALF], 0)).status, 409)
        self.assertEqual((await self.patch(where, b"", HALF)).headers["upload-offset"], str(HALF))
        self.assertEqual((await self.patch(where, WHOLE, HALF)).status, 413)

    async def test_what_is_given_up_is_gone(self) -> None:
        where = await self.begun()
        reply = await self.ask("DELETE", where)
        self.assertEqual((reply.status, reply.body, self.growing()), (204, b"", {}))
        for method in ("HEAD", "DELETE"):
            self.assertEqual((await self.ask(method, where)).status, 404)
        self.assertEqual((await self.patch(where, WHOLE, 0)).status, 404)
        expired = await self.begun()
        self.sql("update resumable_uploads set expires = now()")
        self.assertEqual((await self.ask("HEAD", expired)).status, 410)
        self.assertEqual((await self.patch(expired, WHOLE, 0)).status, 410)

    async def test_it_must_be_said_that_it_is_tus(self) -> None:
        where = await self.begun()
        for headers in ({"Tus-Resumable": None}, {"Tus-Resumable": "0.2.2"}):
            for reply in (
                await self.create(**headers),
                await self.ask("HEAD", where, **headers),
                await self.ask("DELETE", where, **headers),
                await self.patch(where, WHOLE, 0, **headers),
                await self.patch(where, b"", 0, **headers),
            ):
                self.assertEqual((reply.status, reply.headers["tus-version"]), (412, "1.0.0"))
        self.assertEqual((await self.patch(where, WHOLE, 0, **{"Content-Type": "image/jpeg"})).status, 415)
        self.assertEqual((await self.patch(where, WHOLE, 0, **{"Upload-Offset": None})).status, 400)
        self.assertEqual(len(self.growing()), 1)

    async def test_what_can_not_be_taken_is_not_begun(self) -> None:
        self.paint("a/there.jpg")
        cases: list[tuple[int, dict[str, Any]]] = [
            (400, {"Upload-Length": None}),
            (400, {"Upload-Length": "x"}),
            (400, {"Upload-Metadata": None}),
            (400, {"Upload-Metadata": metadata(path="a")}),
            (400, {"Upload-Metadata": metadata(filename="x.jpg")}),
            (404, {"Upload-Metadata": metadata(filename="x.jpg", path="none")}),
            (409, {"Upload-Metadata": metadata(filename="there.jpg", path="a")}),
            (415, {"Upload-Metadata": metadata(filename="x.html", path="a")}),
            (413, {"Upload-Length": 2**31}),
            (401, {"token": None}),
        ]
        for status, headers in cases:
            self.assertEqual((await self.create(**headers)).status, status, headers)
        self.assertEqual((self.growing(), self.sql("select 1 from resumable_uploads")), ({}, []))
        for overwrite in ("yes", "rename"):
            given = metadata(filename="there.jpg", path="a", overwrite=overwrite)
            await self.begun(**{"Upload-Metadata": given})

    async def test_what_is_no_image_is_refused_in_the_end(self) -> None:
        where = await self.begun()
        self.assertEqual((await self.patch(where, b"x" * len(WHOLE), 0)).status, 415)
        self.assertEqual(((await self.ask("HEAD", where)).status, self.growing()), (404, {}))
        self.assertEqual((await self.create(length=0)).status, 415)

    async def test_it_is_its_owners_alone_and_the_level_counts_at_both_ends(self) -> None:
        group = self.group("uploaders")
        self.sql("insert into folders (name, path, parent_id) select 'a', '/a', id from folders where path = '/'")
        self.permit("/a", group, 40)
        one, other = await self.person(groups=[group]), await self.person(groups=[group])
        where = await self.begun(token=one)
        for method in ("HEAD", "DELETE"):
            self.assertEqual((await self.ask(method, where, token=other)).status, 404)
        self.assertEqual((await self.patch(where, WHOLE, 0, token=other)).status, 404)
        self.permit("/a", group, 30)
        await self.refresh()
        self.assertEqual((await self.create(token=one)).status, 403)
        self.assertEqual((await self.patch(where, WHOLE, 0, token=one)).status, 403)
        self.assertEqual((list((self.root / "a").iterdir()), self.growing()), ([], {}))

    async def test_by_cookie_it_needs_the_csrf_token(self) -> None:
        cookie, csrf = await self.session_of(1)
        headers = {
            "Tus-Resumable": "1.0.0",
            "Upload-Length": "9",
            "Upload-Metadata": metadata(filename="x.jpg", path="a"),
        }
        for more, status in (({}, 400), ({"X-CSRF-Token": csrf}, 201)):
            reply = await self.call("POST", "/upload/resumable/", cookie=cookie, headers={**headers, **more})
            self.assertEqual(reply.status, status)


class OptionsTests(TusCase):
    settings = MappingProxyType({"max_content_length": 12345})

    async def test_the_server_says_what_it_can_and_lets_browsers_do_it(self) -> None:
        for path, methods in (
            ("/upload/resumable/", {"POST", "OPTIONS"}),
            ("/upload/resumable/x/", {"PATCH", "HEAD", "DELETE", "OPTIONS"}),
        ):
            reply = await self.call("OPTIONS", path, token="nonsense", headers={"Origin": "https://example.com"})
            self.assertEqual((reply.status, reply.body), (204, b""))
            self.assertEqual(set(reply.headers["access-control-allow-methods"].split(", ")), methods)
            self.assertEqual(reply.headers["tus-resumable"], "1.0.0")
            self.assertEqual(reply.headers["tus-version"], "1.0.0")
            self.assertEqual(reply.headers["tus-max-size"], "12345")
            self.assertEqual(reply.headers["tus-checksum-algorithm"], "sha1,sha256")
            self.assertEqual(
                reply.headers["tus-extension"], "creation,creation-with-upload,termination,expiration,checksum"
            )
            allowed = {one.strip() for one in reply.headers["access-control-allow-headers"].split(",")}
            self.assertLessEqual({"Authorization", "Upload-Offset", "Tus-Resumable", "Content-Type"}, allowed)
            shown = {one.strip() for one in reply.headers["access-control-expose-headers"].split(",")}
            self.assertLessEqual({"ETag", "Location", "Upload-Offset", "Upload-Length"}, shown)

    async def test_errors_are_readable_for_browsers_too(self) -> None:
        where = await self.begun()
        for reply in (await self.patch(where, WHOLE, 1), await self.ask("HEAD", where, token=None)):
            self.assertIn("Upload-Offset", reply.headers["access-control-expose-headers"])


class _Waiting(Protocol):
    def __init__(self) -> None:
        self.heard: Deferred[None] = Deferred()
        self.over: Deferred[None] = Deferred()

    def dataReceived(self, data: bytes) -> None:
        if not self.heard.called:
            self.heard.callback(None)

    def connectionLost(self, reason: object = None) -> None:
        self.over.callback(None)
