"""Bodies that are broken, too large, too deep, or of the wrong types."""

from __future__ import annotations

import base64
import json
import os
import socket
from collections.abc import Iterator
from typing import Any

from msgspec import inspect
from twisted.internet.threads import deferToThread

from qisd.web.api.endpoint import Endpoint
from qisd.web.api.reading import form_fields
from tests.integration import multipart
from tests.integration.api import Reply
from tests.integration.bad_input import BadCase
from tests.integration.test_api_matrix import MatrixCase
from tests.integration.test_api_uploads import PNG


class JsonTests(BadCase):
    GROUPS = "/admin/groups/"

    async def send(self, text: bytes, **given: Any) -> Reply:
        headers = {"Content-Type": "application/json"}
        return await self.ask("POST", self.GROUPS, body=text, headers=headers, **given)

    async def test_what_is_no_json_object_is_refused(self) -> None:
        before = self.state()
        for text in (
            b"", b"{", b"}", b"[]", b"null", b"1", b'"x"', b"{}x", b"{'a':1}", b"{a:1}", b'{"a":1,}', b'{"a":NaN}',
            b'{"a":Infinity}', b'{"a":-Infinity}', b'{"a":1e999}', b"\xff\xfe{\x00}\x00", b'{"\xff":1}',
            b'{"a":"\xed\xa0\x80"}',
            b'{"a":"\x00"}', b'{"a":"\\u0000"}', b'{"a":"\\ud800"}', b"\xef\xbb\xbf{}", b'{"a":1}{"a":1}', b"/*x*/{}",
            b'{"a":' + b"9" * 5000 + b"}", b'{"a":01}', b'{"a":.5}',
        ):  # fmt: skip
            reply = await self.send(text)
            self.assertEqual(reply.status, 400, f"{text[:50]!r} {reply.body!r}")
        await self.assert_same(before)

    async def test_names_that_come_twice_are_refused(self) -> None:
        for text in (b'{"name":"a","name":"b"}', b'{"x":{"name":"a","name":"b"}}', b'{"name":1,"n\\u0061me":2}'):
            reply = await self.send(text)
            self.assertEqual((reply.status, reply.json["parameter"]), (400, "name"), text)
        template = '{"width":{"value":1},"width":{"value":2}}'
        form = {"name": "x", "description": "", "template": template}
        self.assertEqual((await self.ask("POST", "/admin/templates/", form=form)).status, 400)

    async def test_nesting_and_numbers_have_limits(self) -> None:
        for text in (
            b"[" * 10_000 + b"]" * 10_000,
            b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
            b'{"a":' + b"[" * 10_000 + b"]" * 10_000 + b"}",
            b'{"a":' + b"[" * 1_000_000,
            b'{"a":[' + b"1," * 1_000_000 + b"1]}",
        ):
            self.assertEqual((await self.send(text)).status, 400)

    async def test_a_body_of_fifty_megabytes_is_not_waited_for(self) -> None:
        text = b'{"name":"' + b"x" * 50_000_000 + b'"}'
        for token in (self.boss, None):
            reply = await deferToThread(self.post_raw, len(text), token)
            self.assertRegex(reply, rb"^HTTP/1.1 413 ")
            self.assertIn(b"exceeds the capacity limit", reply)

    def post_raw(self, length: int, token: str | None) -> bytes:
        """Announce a large body, and begin to send it; what comes back."""
        credentials = base64.b64encode(f"{token}:".encode()).decode()
        head = (
            f"POST /api/v1{self.GROUPS} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            f"Content-Length: {length}\r\n" + (f"Authorization: Basic {credentials}\r\n" if token else "") + "\r\n"
        )
        with socket.create_connection(("127.0.0.1", self.port), timeout=30) as connection:
            connection.sendall(head.encode() + b'{"name":"')
            return connection.recv(65536)

    async def test_a_large_body_that_is_allowed_is_refused_by_its_fields(self) -> None:
        text = json.dumps({"name": "x" * 4_000_000}).encode()
        self.assertEqual((await self.send(text)).status, 400)


JSON_VALUES: tuple[Any, ...] = (
    None, True, 0, -1, 1.5, 2**31, 2**63, -(2**63), 10**30, 1e300, "", "x", "9" * 30, "\ud800", "x" * 20_000, [],
    [None], [[]], [1, "x", {}], {}, {"a": None}, {"a": {"b": [1]}}, {"width": {"value": "x"}}, "2026-02-30",
    "9999-12-31T23:59:59-14:00",
)  # fmt: skip
TEXT_VALUES = (
    "", " ", "x", "-1", "9" * 30, "1.5", "1e999", "NaN", "\0", "é" * 20_000, "[]", "{}", "null", "[1]", '{"a":1}',
    "0001-01-01", "9999-12-31T23:59:59-14:00", "true",
)  # fmt: skip


class TypeTests(MatrixCase, BadCase):
    """Values of wrong types in each parameter of each endpoint, the others being right."""

    async def setUp(self) -> None:
        await super().setUp()
        self.boss = await self.admin()
        self.values["me"] = self.callers[1].values["me"]
        # What may become of the caller's own account is another matter.
        self.values["user_id"] = self.values["me"]

    ask = BadCase.ask

    def endpoints(self, *methods: str) -> Iterator[Endpoint]:
        for declared, _ in self.domain.api.endpoints:
            if declared.form is not None and declared.method in methods and not declared.files:
                yield declared

    def address(self, declared: Endpoint) -> str:
        known: dict[str, object] = {
            "image_id": self.values["open_image"],
            "function": "purge_image_stats",
            **self.values,
        }
        kinds = {
            "users": "me", "groups": "group", "images": "image", "folders": "box", "portfolios": "folio",
            "trash": "old_file", "tasks": "task", "permissions": "permission", "templates": "template",
            "webhooks": "webhook",
        }  # fmt: skip
        path = declared.path.replace("<word:function>", "purge_image_stats").replace(
            "<key>", "pubimage_default_template"
        )
        for kind, name in kinds.items():
            path = path.replace(f"/{kind}/<int:id>/", f"/{kind}/{known.get(name, 4711)}/")
        path = path.replace("<int:image_id>", str(known["image_id"])).replace("<int:user_id>", str(known["me"]))
        self.assertNotIn("<", path)
        return path

    def right(self, declared: Endpoint) -> dict[str, Any]:
        """Parameters that are about right."""
        assert declared.form is not None
        return {field.name: _about_right(field.type) for field in form_fields(declared.form) if field.required}

    async def test_json_values(self) -> None:
        count = 0
        for declared in self.endpoints("POST", "PUT"):
            right, path = self.right(declared), self.address(declared)
            for field in form_fields(declared.form):
                asked = [
                    self.ask(declared.method, path, json={**right, field.name: value})
                    for value in JSON_VALUES
                    if declared.path != "/token/" or not isinstance(value, str)
                ]
                for reply in await self.together(*asked):
                    self.assertIn(
                        reply.status, (200, 202, 207, 400, 403, 404, 409), f"{path} {field.name} {reply.body!r}"
                    )
                    count += 1
        self.assertGreater(count, 1000)

    async def test_texts(self) -> None:
        for declared in self.endpoints("POST", "PUT", "GET"):
            right, path = self.right(declared), self.address(declared)
            kind = "query" if declared.method == "GET" else "form"
            if declared.path == "/token/":
                continue
            texts = {name: value if isinstance(value, str) else json.dumps(value) for name, value in right.items()}
            for field in form_fields(declared.form):
                asked = [
                    self.ask(declared.method, path, **{kind: {**texts, field.name: value}})
                    for value in TEXT_VALUES
                    if kind == "form" or len(value) < 1000
                ]
                for reply in await self.together(*asked):
                    self.assertIn(
                        reply.status, (200, 202, 207, 400, 403, 404, 409), f"{path} {field.name} {reply.body!r}"
                    )


def _about_right(kind: inspect.Type) -> Any:
    if isinstance(kind, inspect.UnionType):
        kind = kind.types[0]
    if isinstance(kind, inspect.IntType):
        return max(1, kind.ge or 1)
    if isinstance(kind, inspect.BoolType):
        return False
    if isinstance(kind, inspect.ListType):
        return [_about_right(kind.item_type)] if kind.min_length else []
    if isinstance(kind, inspect.DictType | inspect.AnyType):
        return {}
    if isinstance(kind, inspect.StructType):
        return {"method": "GET", "path": "/version/"}
    if isinstance(kind, inspect.DateType | inspect.DateTimeType):
        return "2190-01-01"
    if isinstance(kind, inspect.LiteralType):
        return kind.values[0]
    if isinstance(kind, inspect.Metadata):
        return _about_right(kind.type)
    return "x/yz.png"


class MultipartTests(BadCase):
    async def setUp(self) -> None:
        await super().setUp()
        (self.root / "a").mkdir()
        self.body = multipart.form([("one.png", PNG), ("two.png", PNG)], path="/a")

    async def send(self, body: bytes, content_type: str = multipart.CONTENT_TYPE) -> Reply:
        return await self.ask("POST", "/upload/", body=body, headers={"Content-Type": content_type})

    async def test_one_that_is_cut_anywhere_stores_nothing(self) -> None:
        for end in range(0, len(self.body) - 2, 7):
            reply = await self.send(self.body[:end])
            self.assertEqual((reply.status, reply.data), (400, None), f"{end} {reply.body!r}")
        self.assertEqual(os.listdir(self.root / "a"), [])
        self.assertEqual(self.sql("select count(*) from images"), [(0,)])
        await self.nothing_is_left()
        # What follows the last boundary does not matter.
        self.assertEqual((await self.send(self.body[:-2])).status, 200)

    async def test_many_parts_are_too_many(self) -> None:
        for part in (multipart.field("x", "y"), multipart.file("a.png", b"x"), multipart.file("", b"")):
            reply = await self.send(multipart.body(multipart.field("path", "/a"), *([part] * 10_000)))
            self.assertEqual(reply.status, 400, reply.body)
        self.assertEqual(os.listdir(self.root / "a"), [])
        await self.nothing_is_left()

    async def test_boundaries_must_be_there_and_right(self) -> None:
        for content_type in (
            "multipart/form-data", "multipart/form-data; boundary=", 'multipart/form-data; boundary=""',
            "multipart/form-data; boundary=other", "multipart/form-data; boundary=" + "x" * 71,
            "multipart/form-data; boundary=\xe9", "multipart/form-data; boundary=a b;", "multipart/mixed; boundary=x",
            "multipart/form-data; Boundary", "multipart", "multipart/form-data; boundary=" + multipart.BOUNDARY + "x",
        ):  # fmt: skip
            reply = await self.send(self.body, content_type)
            self.assertEqual((reply.status, reply.data), (400, None), f"{content_type} {reply.body!r}")
        self.assertEqual(os.listdir(self.root / "a"), [])
        await self.nothing_is_left()

    async def test_heads_of_parts_must_be_right(self) -> None:
        good = 'Content-Disposition: form-data; name="files"; filename="a.png"'
        for head in (
            "", "Content-Type: image/png", "Content-Disposition: form-data",
            'Content-Disposition: attachment; filename="a.png"',
            f"{good}\r\n{good}", f"{good}\r\nContent-Transfer-Encoding: base64", "X: " + "y" * 10_000,
            "X:y\r\n" * 30 + good,
            "no colon here", good.replace("a.png", "a\0.png"),
        ):  # fmt: skip
            reply = await self.send(multipart.body(multipart.field("path", "/a"), multipart.part(head, PNG)))
            self.assertEqual(reply.status, 400, f"{head[:60]!r} {reply.body!r}")
        self.assertEqual(os.listdir(self.root / "a"), [])
        await self.nothing_is_left()

    async def test_fields_have_limits(self) -> None:
        for body, status in (
            (multipart.body(multipart.field("path", "x" * 2_000_000)), 413),
            (multipart.body(*[multipart.field(f"f{number}", "x" * 900_000) for number in range(6)]), 413),
            (multipart.body(multipart.part('Content-Disposition: form-data; name="path"', b"\xff\xfe")), 400),
        ):
            self.assertEqual((await self.send(body)).status, status)

    async def test_lying_about_the_length_stores_nothing(self) -> None:
        # Less than was announced comes, and then nothing more.
        for end in (0, 10, len(self.body) // 2, len(self.body) - 1):
            await deferToThread(self.send_raw, len(self.body) + 1000, self.body[:end])
        # More than was announced comes.
        for announced in (0, 10, len(self.body) // 2):
            answer = await deferToThread(self.send_raw, announced, self.body)
            # The rest is taken for another request, a bad one; a hang-up may come before an answer is read.
            self.assertRegex(answer, rb"^(HTTP/1.1 400 |$)")
            self.assertNotIn(b"Traceback", answer)
        for announced in ("-1", "x", "1e3", "0x10", "9" * 30, "", "5, 6"):
            answer = await deferToThread(self.send_raw, announced, self.body)
            self.assertRegex(answer, rb"^(HTTP/1.1 4(00|13) |$)", announced)
        self.assertEqual(os.listdir(self.root / "a"), [])
        self.assertEqual(self.sql("select count(*) from images"), [(0,)])
        await self.nothing_is_left()

    def send_raw(self, announced: object, data: bytes) -> bytes:
        """Send ``data`` as a body of another length, and hang up; what came back."""
        credentials = base64.b64encode(f"{self.boss}:".encode()).decode()
        head = (
            f"POST /api/v1/upload/ HTTP/1.1\r\nHost: x\r\nContent-Type: {multipart.CONTENT_TYPE}\r\n"
            f"Authorization: Basic {credentials}\r\nContent-Length: {announced}\r\n\r\n"
        )
        with socket.create_connection(("127.0.0.1", self.port), timeout=30) as connection:
            connection.sendall(head.encode() + data)
            connection.shutdown(socket.SHUT_WR)
            received = bytearray()
            try:
                while piece := connection.recv(65536):
                    received += piece
            except ConnectionResetError:
                pass
            return bytes(received)
