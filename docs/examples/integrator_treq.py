#!/usr/bin/env python3
"""What an integrator does with the API, from the first token to the last clean-up, in asynchronous Python with treq.

    QIS_URL=https://images.example.com QIS_USER=admin QIS_PASSWORD=… python docs/examples/integrator_treq.py [PICTURE…]

The user must be a super-user. ``QIS_CA_FILE`` names the server's certificate, if nobody else vouches for it. Without
pictures it paints two. All that it makes has a name that begins with "example", and is removed at the end. It ends with
another status than 0 at the first answer that is not as it should be.
"""

from __future__ import annotations

import io
import os
import re
import secrets
import sys
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs
import treq
from twisted.internet import ssl
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.task import deferLater, react
from twisted.web.client import Agent, BrowserLikePolicyForHTTPS, HTTPConnectionPool
from twisted.web.http_headers import Headers
from twisted.web.iweb import IAgent

PUBLIC, NORMAL_USERS = 1, 2
CREATE_FOLDER = 60
PASSWORD_ACCOUNT = 1
LOCAL_GROUP = 2
COMPLETE = 2
UNDER_WAY = ("waiting", "running")

_LIMIT = 60.0


class Unexpected(Exception):
    """The server did not answer as it should have."""


@attrs.frozen
class Answer:
    """An answer; ``data`` is that of its envelope."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    data: Any = None


@attrs.frozen
class Api:
    """The API as one person sees it.

    :param site: where the server is, without a slash at its end.
    :param token: of the person; None for nobody in particular.
    """

    agent: IAgent
    site: str
    token: str | None = None

    async def log_in(self, username: str, password: str) -> Api:
        """The same for somebody who has a name and a password."""
        answer = await self.call("POST", "/token/", auth=(username, password))
        return attrs.evolve(self, token=answer.data["token"])

    async def call(
        self,
        method: str,
        path: str,
        *,
        status: int | Sequence[int] = 200,
        auth: tuple[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        **more: Any,
    ) -> Answer:
        """Call an endpoint.

        :param status: what the answer must have.
        :param more: ``params`` of a GET; ``json``, or ``data`` and ``files``, of all others.
        :raises Unexpected: it has another one.
        """
        answer = await self.ask(method, f"{self.site}/api/v1{path}", auth=auth, headers=headers, **more)
        if answer.status not in ([status] if isinstance(status, int) else status):
            raise Unexpected(f"{method} {path}: status {answer.status}\n{answer.body[:2000].decode(errors='replace')}")
        return answer

    async def get(self, path: str, /, **params: Any) -> Any:
        """What an endpoint tells."""
        return (await self.call("GET", path, params={name: str(value) for name, value in params.items()})).data

    async def post(self, path: str, /, **values: Any) -> Any:
        """What an endpoint answers to a JSON object."""
        return (await self.call("POST", path, json=values)).data

    async def ask(
        self,
        method: str,
        url: str,
        *,
        auth: tuple[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        **more: Any,
    ) -> Answer:
        """Ask for any address of the server."""
        sent = Headers({name: [value] for name, value in (headers or {}).items()})
        if self.token is not None:
            sent.setRawHeaders("Authorization", [f"Bearer {self.token}"])
        response = await treq.request(
            method, url, agent=self.agent, auth=auth, headers=sent, timeout=_LIMIT, allow_redirects=False, **more
        )
        body = await response.content()
        found = {
            name.decode("ascii").lower(): b", ".join(values).decode("latin-1")
            for name, values in response.headers.getAllRawHeaders()
        }
        data = None
        if found.get("content-type") == "application/json":
            data = (await response.json()).get("data")
        return Answer(response.code, found, body, data)

    async def pages(self, url: str, *, limit: int, **params: Any) -> list[list[Any]]:
        """A list, a page at a time, by the links from each page to the next."""
        answer = await self.call("GET", url, params={**params, "limit": str(limit)})
        pages = [answer.data]
        while link := re.search(r'<([^>]+)>; rel="next"', answer.headers.get("link", "")):
            answer = await self.ask("GET", self.site + link[1])
            expect(answer.status, 200)
            pages.append(answer.data)
        return pages


def expect(found: object, wanted: object) -> None:
    """:raises Unexpected: it is something else."""
    if found != wanted:
        raise Unexpected(f"it is {found!r}, not {wanted!r}")


def step(text: str) -> None:
    print(f"* {text}", flush=True)


@attrs.define
class Example:
    """The way, in steps.

    :param admin: the API, for a super-user.
    :param name: of all that is made.
    """

    reactor: Any
    stranger: Api
    admin: Api
    name: str
    pictures: Sequence[tuple[str, bytes]]

    async def run(self) -> None:
        password = secrets.token_urlsafe(18)
        group, user = await self.make_people(password)
        top = await self.make_closed_folder(group, user)
        editor = await self.stranger.log_in(self.name, password)
        images = await self.upload(editor)
        await self.describe(editor, images)
        await self.search(editor, images[0])
        await self.look(editor, images[0])
        await self.move(editor, images[1])
        template = await self.make_template(editor, images[0])
        portfolio = await self.make_portfolio(editor, images)
        await self.publish(editor, portfolio)
        await self.clean_up(editor, top=top, portfolio=portfolio, template=template, group=group, user=user)

    async def make_people(self, password: str) -> tuple[int, int]:
        step("A group that may make portfolios, and a user in it")
        flags = ("folios", "reports", "admin_users", "admin_files", "admin_folios", "admin_permissions", "admin_all")
        permissions = {f"access_{flag}": flag == "folios" for flag in flags}
        group = await self.admin.post(
            "/admin/groups/", name=self.name, description="", group_type=LOCAL_GROUP, **permissions
        )
        values = {
            "username": self.name,
            "password": password,
            "first_name": "Example",
            "last_name": "",
            "email": "",
            "auth_type": PASSWORD_ACCOUNT,
            "allow_api": True,
        }
        user = await self.admin.post("/admin/users/", **values)
        await self.admin.call("POST", "/admin/users/", json=values, status=409)
        await self.admin.post(f"/admin/groups/{group['id']}/members/", user_id=user["id"])
        return group["id"], user["id"]

    async def make_closed_folder(self, group: int, user: int) -> int:
        step("A folder that only this group may see")
        folder = await self.admin.post("/admin/filesystem/folders/", path=f"/{self.name}")
        for of, level in ((PUBLIC, 0), (NORMAL_USERS, 0), (group, CREATE_FOLDER)):
            await self.admin.post("/admin/permissions/", group_id=of, folder_id=folder["id"], access=level)
        trace = await self.admin.get("/admin/permissions/trace/", path=folder["path"], user_id=user)
        expect(trace["access"], CREATE_FOLDER)
        trace = await self.admin.get("/admin/permissions/trace/", path=folder["path"])
        expect(trace["access"], 0)
        return int(folder["id"])

    async def upload(self, editor: Api) -> list[dict[str, Any]]:
        step("Folders, and pictures in them, each with an outcome of its own; what is sent twice is done once")
        for _ in range(2):
            await editor.call(
                "POST",
                "/admin/filesystem/folders/",
                json={"path": f"/{self.name}/web/teasers"},
                headers={"Idempotency-Key": self.name},
            )
        form = {"path": f"/{self.name}/web", "overwrite": "no"}
        sent = streams([*self.pictures, ("notes.txt", b"not a picture")])
        answer = await editor.call("POST", "/upload/", data=form, files=sent, status=415)
        expect(answer.data["notes.txt"]["error"]["status"], 415)
        images = [answer.data[name] for name, _ in self.pictures]
        again = await editor.call("POST", "/upload/", data=form, files=streams(self.pictures), status=409)
        expect({entry["error"]["status"] for entry in again.data.values()}, {409})
        return images

    async def describe(self, editor: Api, images: Sequence[Mapping[str, Any]]) -> None:
        step("They are described; whoever comes second with an old version is refused")
        path = f"/admin/images/{images[0]['id']}/"
        seen = (await editor.call("GET", path)).headers["etag"]
        told = {"title": "One of two", "description": f"Painted for {self.name}"}
        await editor.call("PATCH", path, json=told, headers={"If-Match": seen})
        late = await editor.call("PATCH", path, json={"title": "?"}, headers={"If-Match": seen}, status=412)
        expect(late.data["title"], told["title"])
        operation = {"method": "PATCH", "path": f"/admin/images/{images[1]['id']}/", "body": {"title": "Two of two"}}
        batch = await editor.call("POST", "/batch/", json={"operations": [operation]}, status=207)
        expect([one["status"] for one in batch.data], [200])

    async def search(self, editor: Api, image: Mapping[str, Any]) -> None:
        step("They are found by words and tags, by those who may see them")
        await editor.call("PATCH", f"/admin/images/{image['id']}/metadata/", json={"tags": ["example", "red"]})
        found = await editor.get("/search/images/", q="painted", folder=f"/{self.name}", tags="red")
        expect([one["id"] for one in found], [image["id"]])
        expect(await self.stranger.get("/search/images/", q=f'"{self.name}"'), [])

    async def look(self, editor: Api, image: Mapping[str, Any]) -> None:
        step("Lists in pages; renditions, for the user but not for everybody")
        pages = await editor.pages("/list/", path=f"/{self.name}/web", attributes="1", limit=1)
        expect(sorted(one["title"] for page in pages for one in page), ["One of two", "Two of two"])
        expect((await editor.get("/details/", src=image["src"]))["title"], "One of two")
        # Asked for at once: each is rendered for itself.
        urls = [f"{image['url']}&width={width}&format=jpg" for width in (100, 200, 300)]
        made = await gatherResults([Deferred.fromCoroutine(editor.ask("GET", url)) for url in urls])
        expect([(one.status, one.headers["content-type"]) for one in made], [(200, "image/jpeg")] * 3)
        expect((await self.stranger.ask("GET", image["url"])).status, 403)

    async def move(self, editor: Api, image: Mapping[str, Any]) -> None:
        step("A file and a folder move, and keep their ids")
        target = f"/{self.name}/web/teasers/{image['filename']}"
        await editor.call("PUT", f"/admin/filesystem/images/{image['id']}/", json={"path": target})
        await editor.call("GET", "/details/", params={"src": image["src"]}, status=404)
        folder = await editor.get("/admin/filesystem/folders/", path=f"/{self.name}/web/teasers")
        answer = await editor.call(
            "PUT",
            f"/admin/filesystem/folders/{folder['id']}/",
            json={"path": f"/{self.name}/web/small"},
            headers={"Prefer": "wait=0"},  # otherwise it would wait for us, up to 30 seconds
            status=(200, 202),
        )
        if answer.status == 202:
            await self.until(editor, f"/admin/tasks/{answer.data['id']}/", lambda task: task["status"] == COMPLETE)
        moved = await editor.get(f"/admin/images/{image['id']}/")
        expect(moved["src"], f"{self.name}/web/small/{image['filename']}")

    async def make_template(self, editor: Api, image: Mapping[str, Any]) -> int:
        step("A template, which super-users make and everybody may use")
        values = {"width": {"value": 120}, "format": {"value": "png"}}
        template = await self.admin.post("/admin/templates/", name=self.name, description="", template=values)
        small = await editor.ask("GET", f"{image['url']}&tmp={self.name}")
        expect((small.status, small.headers["content-type"]), (200, "image/png"))
        return int(template["id"])

    async def make_portfolio(self, editor: Api, images: Sequence[Mapping[str, Any]]) -> int:
        step("A portfolio for everybody, with both pictures")
        portfolio = await editor.post(
            "/portfolios/",
            human_id=self.name,
            name="Example portfolio",
            description="",
            internal_access=20,
            public_access=20,
        )
        path = f"/portfolios/{portfolio['id']}/images/"
        first, second = (image["id"] for image in images)
        await editor.post(path, image_id=first)
        await editor.post(path, image_id=second, image_parameters={"flip": {"value": "h"}})
        ordered = await editor.call("PUT", f"{path}{second}/position/", json={"index": 0})
        expect([entry["image_id"] for entry in ordered.data], [second, first])
        return int(portfolio["id"])

    async def publish(self, editor: Api, portfolio: int) -> None:
        step("It is published as a zip, which a task makes")
        path = f"/portfolios/{portfolio}/exports/"
        order = {
            "description": "Web",
            "originals": False,
            "expiry_time": "2099-12-31",
            "image_parameters": {"width": {"value": 300}, "format": {"value": "jpg"}},
        }
        export = (await editor.call("POST", path, json=order, status=202)).data
        done = await self.until(
            editor, f"{path}{export['id']}/", lambda one: one["state"] not in ("waiting", "running")
        )
        expect(done["state"], "ready")
        download = await self.stranger.ask("GET", done["url"])
        expect(download.status, 200)
        expect(len(zipfile.ZipFile(io.BytesIO(download.body)).namelist()), 2)
        expect((await self.stranger.ask("GET", f"{self.stranger.site}/portfolios/{self.name}/")).status, 200)

    async def clean_up(self, editor: Api, *, top: int, portfolio: int, template: int, group: int, user: int) -> None:
        step("Everything is removed again; the trash is emptied of it")
        await editor.call("DELETE", f"/portfolios/{portfolio}/")
        await editor.call("DELETE", f"/admin/filesystem/folders/{top}/", status=403)
        await self.admin.call("DELETE", f"/admin/filesystem/folders/{top}/")
        for entry in await self.admin.get("/admin/trash/"):
            if entry["path"].startswith(f"/{self.name}"):
                await self.admin.call("DELETE", f"/admin/trash/{entry['id']}/")
        for path in (f"/admin/templates/{template}/", f"/admin/groups/{group}/", f"/admin/users/{user}/"):
            await self.admin.call("DELETE", path)
        step("The tokens end: the user's with the account, one's own on demand")
        await editor.call("GET", "/admin/templates/", status=401)
        await self.admin.call("DELETE", "/token/")
        await self.admin.call("GET", "/admin/templates/", status=401)

    async def until(self, api: Api, path: str, done: Callable[[Any], bool]) -> Any:
        """Ask again and again, once a second, until what is told is as wanted."""
        for _ in range(600):
            told = await api.get(path)
            if done(told):
                return told
            await deferLater(self.reactor, 1.0)
        raise Unexpected(f"{path}: it takes too long")


def streams(pictures: Sequence[tuple[str, bytes]]) -> list[tuple[str, tuple[str, io.BytesIO]]]:
    """The parts of an upload. They can be sent once."""
    return [("files", (name, io.BytesIO(content))) for name, content in pictures]


def paint(red: int) -> bytes:
    """A picture of 640 × 480 pixels."""
    pixels = bytes(value for y in range(480) for x in range(640) for value in (red, x * 255 // 640, y // 2))
    return b"P6 640 480 255\n" + pixels


def connections(reactor: Any, ca_file: str | None) -> IAgent:
    """Connections that are used again and again, and that check who is at the other end."""
    trusted = None
    if ca_file:
        trusted = ssl.trustRootFromCertificates([ssl.Certificate.loadPEM(Path(ca_file).read_bytes())])
    policy = BrowserLikePolicyForHTTPS(trustRoot=trusted)
    agent: IAgent = Agent(reactor, contextFactory=policy, pool=HTTPConnectionPool(reactor))
    return agent


async def main(reactor: Any, *paths: str) -> None:
    if len(paths) == 1:
        raise Unexpected("give two pictures, or none")
    files = [Path(path) for path in paths[:2]]
    pictures = [(f"{name}{file.suffix}", file.read_bytes()) for name, file in zip(("one", "two"), files, strict=False)]
    site = os.environ.get("QIS_URL", "https://127.0.0.1:8443")
    stranger = Api(connections(reactor, os.environ.get("QIS_CA_FILE")), site)
    version = await stranger.get("/version/")
    print(f"{version['name']} at {site}")
    admin = await stranger.log_in(os.environ["QIS_USER"], os.environ["QIS_PASSWORD"])
    example = Example(
        reactor,
        stranger,
        admin,
        f"example-{secrets.token_hex(6)}",
        pictures or [("red.ppm", paint(220)), ("green.ppm", paint(40))],
    )
    await example.run()
    print("All is as it should be.")


def start(reactor: Any, *paths: str) -> Deferred[None]:
    return Deferred.fromCoroutine(main(reactor, *paths))


if __name__ == "__main__":
    react(start, sys.argv[1:])
