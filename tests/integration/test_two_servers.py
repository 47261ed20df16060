"""What one server does holds on another one that shares database and library, and either goes on without the other."""

from __future__ import annotations

import io
from base64 import b64encode
from collections import Counter
from collections.abc import Awaitable
from functools import partial
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

import attrs
from PIL import Image
from twisted.internet.defer import CancelledError, Deferred, gatherResults

from qisd.access import login
from qisd.access.levels import Flag
from qisd.errors import AlreadyExists, StoreUnavailable
from qisd.service import background
from qisd.store import disk_operations, folders, server_status
from qisd.store.listener import CHANNEL
from qisd.store.pool import Database
from qisd.store.queries import Queries
from qisd.store.tasks import TaskStatus
from qisd.tasks.registry import TaskRun, TaskType
from qisd.tasks.worker import TaskWorker, Timings
from tests.integration import multipart
from tests.integration.api import ApiCase, Reply
from tests.integration.database import ADMIN_PASSWORD
from tests.integration.servers import BELIEVED, KEY, Ear, TwoServersCase

GRACE = 900


def width(reply: Reply) -> int:
    """Of the picture that was answered."""
    return int(Image.open(io.BytesIO(reply.body)).width)


def colour(reply: Reply) -> str:
    """Of the picture that was answered: its strongest channel."""
    return "rgb"[max(range(3), key=Image.open(io.BytesIO(reply.body)).convert("RGB").getpixel((5, 5)).__getitem__)]  # type: ignore[index,union-attr]


def png(named: str) -> bytes:
    data = io.BytesIO()
    Image.new("RGB", (40, 30), named).save(data, "PNG")
    return data.getvalue()


async def both(*calls: Awaitable[Any]) -> list[Any]:
    """The results of calls that are made at the same time."""
    return list(await gatherResults([Deferred.fromCoroutine(call) for call in calls]))  # type: ignore[arg-type]


class AgreementTests(TwoServersCase):
    """Each server says what has to be the same on all of them."""

    async def beat(self) -> list[str]:
        """What the first one knows after both have said it."""
        await self.other.domain.membership.beat()
        await self.domain.membership.beat()
        return self.domain.membership.faults()

    async def test_servers_that_agree_know_of_one_another_and_have_nothing_to_say(self) -> None:
        self.assertEqual(await self.beat(), [])
        self.assertEqual(len(self.domain.membership.servers), 2)

    async def test_another_key_and_other_settings_are_found_and_forgotten_when_they_are_mended(self) -> None:
        before = self.other.domain.settings
        self.other.domain.membership.configure(attrs.evolve(before, memcached_prefix="other:"), b"o" * 32)
        found = await self.beat()
        self.assertEqual([line.partition(":")[0] for line in found], ["SECRET_KEY", "MEMCACHED_PREFIX"])
        self.other.domain.membership.configure(before, KEY)
        self.assertEqual(await self.beat(), [])

    async def test_a_clock_that_goes_wrong_is_found(self) -> None:
        await self.beat()
        self.sql("update server_status set clock_ahead = -61 where server_id = %s", "b" * 32)
        await self.domain.membership.beat()
        self.assertRegex(self.domain.membership.faults()[0], r"the clock of .*\(bbbbbb\) is -61 s off")

    async def test_one_that_has_said_nothing_for_a_minute_counts_no_more(self) -> None:
        await self.beat()
        self.sql("update server_status set seen = seen - interval '61 seconds' where server_id = %s", "b" * 32)
        await self.domain.membership.beat()
        self.assertEqual(len(self.domain.membership.servers), 1)

    async def test_while_the_database_is_away_nothing_else_fails(self) -> None:
        await self.beat()
        self.patch(server_status, "beat", self.away)
        self.assertEqual(await self.beat(), [])

    async def away(self, *_: object, **__: object) -> None:
        raise StoreUnavailable(detail="away")


class ChangeTests(TwoServersCase):
    """What is changed through one server is so for the other."""

    async def test_the_permission_of_a_folder(self) -> None:
        admin = await self.admin()
        await self.image_file("a.png")
        self.assertEqual(await self.image("a.png"), 200)
        for access, status in ((0, 403), (10, 200)):
            reply = await self.call("PATCH", "/admin/permissions/1/", token=admin, form={"access": access})
            self.assertEqual(reply.status, 200, reply.body)

            async def holds(status: int = status) -> bool:
                return await self.image("a.png") == status

            await self.soon(holds)

    async def test_what_a_group_may(self) -> None:
        admin, group = await self.admin(), self.group("staff")
        token = await self.person(groups=[group])

        async def status() -> int:
            return (await self.ask("GET", "/admin/users/1/", token=token)).status

        async def may() -> bool:
            return await status() == 200

        async def may_not() -> bool:
            return await status() == 403

        await self.soon(may_not)
        path = f"/admin/groups/{group}/"
        for given, holds in (("true", may), ("false", may_not)):
            reply = await self.call("PATCH", path, token=admin, form={"access_admin_users": given})
            self.assertEqual(reply.status, 200, reply.body)
            await self.soon(holds)

    async def test_a_user_who_is_disabled_and_one_who_is_let_in_again_without_the_old_token(self) -> None:
        admin = await self.admin()
        token = await self.person(name="maria")
        ((number,),) = self.sql("select id from users where username = 'maria'")

        async def known() -> bool:
            return (await self.ask("GET", "/session/", token=token)).data["user"] is not None

        async def unknown() -> bool:
            return not await known()

        await self.soon(known)
        self.assertEqual((await self.call("DELETE", f"/admin/users/{number}/", token=admin)).status, 200)
        await self.soon(unknown)
        form = {"status": 1}
        self.assertEqual((await self.call("PATCH", f"/admin/users/{number}/", token=admin, form=form)).status, 200)

        async def listed() -> bool:
            return number in self.other.domain.permissions.snapshot.accounts

        await self.soon(listed)
        self.other.clock.by += BELIEVED
        self.assertFalse(await known())

    async def test_the_focal_point_of_an_image_and_what_is_remembered_of_it(self) -> None:
        admin = await self.admin()
        picture = Image.new("RGB", (40, 10), "blue")
        picture.paste((255, 0, 0), (0, 0, 10, 10))
        picture.save(self.root / "a.png")
        number = (await self.domain.library.registrar.image("a.png")).id
        square = {"src": "a.png", "width": "10", "height": "10", "focus": "auto", "format": "png"}

        for x, wanted in ((0.9, "b"), (0.1, "r"), (0.9, "b")):

            async def shows(wanted: str = wanted) -> bool:
                return colour(await self.ask("GET", "/image", query=square)) == wanted

            form = {"x": x, "y": 0.5}
            reply = await self.call("PUT", f"/admin/images/{number}/focal/", token=admin, form=form)
            self.assertEqual(reply.status, 200, reply.body)
            await self.soon(shows)
            for _ in range(3):
                self.assertTrue(await shows())

    async def test_a_template_and_which_one_is_the_default(self) -> None:
        admin = await self.admin()
        await self.image_file("a.png")
        wanted = 0

        async def shows(**query: str) -> int:
            return width(await self.ask("GET", "/image", query={"src": "a.png", **query}))

        async def holds_by_name() -> bool:
            return await shows(tmp="smalljpeg") == wanted

        async def holds_by_default() -> bool:
            return await shows() == wanted

        wanted = 200
        await self.soon(holds_by_name)
        ((number,),) = self.sql("select id from imagetemplates where name = 'SmallJpeg'")
        form = {"template": '{"width": {"value": 120}, "format": {"value": "jpg"}}'}
        reply = await self.call("PATCH", f"/admin/templates/{number}/", token=admin, form=form)
        self.assertEqual(reply.status, 200, reply.body)
        wanted = 120
        await self.soon(holds_by_name)
        wanted = 400
        await self.soon(holds_by_default)
        path = "/admin/properties/pubimage_default_template/"
        reply = await self.call("PUT", path, token=admin, form={"value": "SmallJpeg"})
        self.assertEqual(reply.status, 200, reply.body)
        wanted = 120
        await self.soon(holds_by_default)

    async def test_news_that_were_missed_are_caught_up_on(self) -> None:
        admin = await self.admin()
        await self.image_file("a.png")
        self.cut_off(pools=False)
        await self.deaf()
        await self.call("PATCH", "/admin/permissions/1/", token=admin, form={"access": 0})
        self.assertEqual(await self.image("a.png"), 200)
        self.rejoin()
        await self.hearing()
        self.assertEqual(await self.image("a.png"), 403)


class CredentialTests(TwoServersCase):
    """Who has logged in at one server is known to the other, until they leave."""

    async def test_a_token(self) -> None:
        who = {"username": "admin", "password": ADMIN_PASSWORD}
        token = (await self.call("POST", "/token/", form=who)).data["token"]
        self.assertEqual((await self.ask("GET", "/admin/users/1/", token=token)).status, 200)
        self.assertEqual((await self.call("DELETE", "/token/", token=token)).status, 200)
        self.other.clock.by += BELIEVED
        self.assertEqual((await self.ask("GET", "/admin/users/1/", token=token)).status, 401)

    async def test_a_session_with_the_token_of_its_pages(self) -> None:
        cookie, csrf = await self.session_of(1)
        headers = {"X-CSRF-Token": csrf}
        reply = await self.ask("POST", "/admin/filesystem/folders/", cookie=cookie, form={"path": "/a"})
        self.assertEqual(reply.status, 400)
        reply = await self.ask(
            "POST", "/admin/filesystem/folders/", cookie=cookie, headers=headers, form={"path": "/a"}
        )
        self.assertEqual(reply.status, 200, reply.body)
        reply = await self.call("POST", "/logout/", cookie=cookie, headers=headers, form={})
        self.assertEqual(reply.status, 302)
        self.other.clock.by += BELIEVED
        self.assertEqual((await self.ask("GET", "/admin/users/1/", cookie=cookie)).status, 401)

    async def test_a_token_of_an_account_that_this_server_has_not_heard_of_yet(self) -> None:
        admin = await self.admin()
        self.cut_off(pools=False)
        await self.deaf()
        who = {"username": "maria", "password": "long enough"}
        form = {**who, "first_name": "", "last_name": "", "email": "", "auth_type": 1, "allow_api": 1}
        number = (await self.call("POST", "/admin/users/", token=admin, form=form)).data["id"]
        token = (await self.call("POST", "/token/", form=who)).data["token"]
        own = f"/admin/users/{number}/"
        self.assertEqual((await self.ask("GET", own, token=token)).status, 200)
        # What takes tokens away is known with the next look at the token, and what gives them again by a new one.
        await self.call("PUT", own, token=admin, form={**form, "password": "", "allow_api": 0})
        self.other.clock.by += BELIEVED
        self.assertEqual((await self.ask("GET", own, token=token)).status, 401)
        await self.call("PUT", own, token=admin, form={**form, "password": ""})
        token = (await self.call("POST", "/token/", form=who)).data["token"]
        self.assertEqual((await self.ask("GET", own, token=token)).status, 200)

    async def test_a_session_that_goes_on_after_a_new_password_of_its_own(self) -> None:
        who = {"username": "admin", "password": ADMIN_PASSWORD}
        cookie, csrf = await self.session_of(1)
        self.assertEqual((await self.ask("GET", "/admin/users/1/", cookie=cookie)).status, 200)
        self.cut_off(pools=False)
        await self.deaf()
        changes = {"password": "another one", "current_password": who["password"]}
        headers = {"X-CSRF-Token": csrf}
        reply = await self.call("PATCH", "/admin/users/1/", cookie=cookie, headers=headers, form=changes)
        self.assertEqual(reply.status, 200, reply.body)
        await self.other.domain.permissions.refresh()  # so that it knows of the user's change, and not of the session's
        self.assertEqual((await self.ask("GET", "/admin/users/1/", cookie=cookie)).status, 200)

    async def test_a_ticket_is_good_once_at_all_servers_together(self) -> None:
        token = await self.admin()
        ticket = (await self.call("POST", "/ticket/", token=token)).data["ticket"]
        form = {"ticket": ticket}
        replies = await both(
            self.ask("POST", "/api/tokenlogin/", form=form), self.call("POST", "/api/tokenlogin/", form=form)
        )
        self.assertEqual(sorted(reply.status for reply in replies), [200, 403])

    async def test_what_was_sent_twice_because_of_a_lost_answer_is_done_once(self) -> None:
        token, headers = await self.admin(), {"Idempotency-Key": "k1"}
        form = {"path": "/a"}
        first = await self.call("POST", "/admin/filesystem/folders/", token=token, headers=headers, form=form)
        again = await self.ask("POST", "/admin/filesystem/folders/", token=token, headers=headers, form=form)
        self.assertEqual((first.status, again.status, again.data), (200, 200, first.data))


class OtherKeyTests(TwoServersCase):
    key = b"x" * 32

    async def test_what_is_signed_with_another_key_opens_nothing(self) -> None:
        token = await self.admin()
        cookie, _ = await self.session_of(1)
        self.assertEqual((await self.call("GET", "/admin/users/1/", token=token)).status, 200)
        for given in ({"token": token}, {"cookie": cookie}):
            self.assertEqual((await self.ask("GET", "/admin/users/1/", **given)).status, 401)
        who = {"username": "admin", "password": ADMIN_PASSWORD}
        own = (await self.ask("POST", "/token/", form=who)).data["token"]
        self.assertEqual((await self.ask("GET", "/admin/users/1/", token=own)).status, 200)
        self.assertEqual((await self.call("GET", "/admin/users/1/", token=own)).status, 401)


class ThrottleTests(TwoServersCase):
    settings = MappingProxyType({"login_rate": 2})

    async def test_failures_count_together(self) -> None:
        self.patch(login, "_PAUSE", 0.0)
        form = {"username": "admin", "password": "wrong"}
        tries = (self.call, self.ask, self.call, self.ask)
        self.assertEqual(
            [(await one("POST", "/token/", form=form)).status for one in tries],
            [403, 403, 429, 429],
        )


class LibraryTests(TwoServersCase):
    """What happens to files through one server is seen at the other, as soon as it has been told."""

    async def setUp(self) -> None:
        await super().setUp()
        self.boss = await self.admin()
        self.news = await self.ear(disk_operations.CHANNEL)

    async def upload(self, name: str, named: str, **fields: object) -> int:
        """The id of what was uploaded through the first server, once the other one knows."""
        reply = await self.call(
            "POST",
            "/upload/",
            token=self.boss,
            body=multipart.form([(name, png(named))], path="/", **fields),
            headers={"Content-Type": multipart.CONTENT_TYPE},
        )
        self.assertEqual(reply.status, 200, reply.body)
        await self.news.hears(name)
        return int(reply.data[name]["id"])

    async def seen(self, src: str) -> tuple[int, int, int, list[str]]:
        """The other server's statuses for image, original and details, and its list."""
        statuses = [
            (await self.ask("GET", path, query={"src": src})).status for path in ("/image", "/original", "/details/")
        ]
        reply = await self.ask("GET", "/list/", query={"path": "/"})
        return (statuses[0], statuses[1], statuses[2], [entry["filename"] for entry in reply.data])

    async def test_a_file_that_is_uploaded_replaced_renamed_and_deleted(self) -> None:
        self.permit("/", 1, 20)
        await self.other.permissions.refresh()
        self.assertEqual(await self.seen("a.png"), (404, 404, 404, []))
        number = await self.upload("a.png", "red")
        self.assertEqual(await self.seen("a.png"), (200, 200, 200, ["a.png"]))
        self.assertEqual(colour(await self.ask("GET", "/image", query={"src": "a.png"})), "r")

        await self.upload("a.png", "blue", overwrite="yes")
        for path in ("/image", "/original"):
            self.assertEqual(colour(await self.ask("GET", path, query={"src": "a.png"})), "b")

        path = f"/admin/filesystem/images/{number}/"
        reply = await self.call("PUT", path, token=self.boss, form={"path": "/b.png"})
        self.assertEqual(reply.status, 200, reply.body)
        await self.news.hears("b.png")
        self.assertEqual(await self.seen("a.png"), (404, 404, 404, ["b.png"]))
        self.assertEqual(await self.seen("b.png"), (200, 200, 200, ["b.png"]))
        self.assertEqual((await self.ask("GET", "/details/?src=b.png")).data["id"], number)

        self.assertEqual((await self.call("DELETE", path, token=self.boss)).status, 200)
        await self.news.hears("b.png")
        self.assertEqual(await self.seen("b.png"), (404, 404, 404, []))

    async def test_what_is_said_of_an_image(self) -> None:
        number = await self.upload("a.png", "red")
        self.assertEqual((await self.ask("GET", "/details/?src=a.png")).data["title"], "")
        reply = await self.call("PATCH", f"/admin/images/{number}/", token=self.boss, form={"title": "Penguin"})
        self.assertEqual(reply.status, 200, reply.body)
        await self.news.hears("a.png")
        self.assertEqual((await self.ask("GET", "/details/?src=a.png")).data["title"], "Penguin")

    async def test_what_was_being_looked_up_while_it_changed_is_not_remembered(self) -> None:
        number = await self.upload("a.png", "red")
        registrar = self.other.domain.library.registrar
        real = registrar.images

        async def overtaken(srcs: list[str]) -> object:
            found = await real(srcs)
            reply = await self.call("PATCH", f"/admin/images/{number}/", token=self.boss, form={"title": "Penguin"})
            self.assertEqual(reply.status, 200, reply.body)
            await self.news.hears("a.png")
            return found

        self.patch(registrar, "images", overtaken)
        self.assertEqual((await self.ask("GET", "/details/?src=a.png")).data["title"], "")
        self.patch(registrar, "images", real)
        self.assertEqual((await self.ask("GET", "/details/?src=a.png")).data["title"], "Penguin")

    async def test_nor_is_the_folder_that_it_is_in(self) -> None:
        made = await self.call("POST", "/admin/filesystem/folders/", token=self.boss, form={"path": "/old"})
        await self.image_file("old/a.png")
        records, real = self.other.domain.library.folder_records, folders.by_id

        async def overtaken(db: Queries, number: int) -> object:
            found = await real(db, number)
            self.patch(folders, "by_id", real)
            path = f"/admin/filesystem/folders/{number}/"
            reply = await self.call("PUT", path, token=self.boss, form={"path": "/new"})
            self.assertEqual(reply.status, 200, reply.body)
            await self.news.hears("new")
            return found

        self.patch(folders, "by_id", overtaken)
        for name in ("/old", "/new"):
            folder = await records.by_id(made.data["id"])
            self.assertEqual(folder and folder.path, name)

    async def test_who_has_seen_an_older_state_at_another_server_is_told(self) -> None:
        number = await self.upload("a.png", "red")
        path = f"/admin/images/{number}/"
        tag = (await self.ask("GET", path, token=self.boss)).headers["etag"]
        replies = await both(
            *(
                one("PATCH", path, token=self.boss, form={"title": title}, headers={"If-Match": tag})
                for one, title in ((self.call, "A"), (self.ask, "B"))
            )
        )
        self.assertEqual(sorted(reply.status for reply in replies), [200, 412])

    async def test_an_upload_in_pieces_may_go_on_at_another_server(self) -> None:
        data = png("red")
        tus = {"Tus-Resumable": "1.0.0"}
        named = ",".join(
            f"{key} {b64encode(value).decode()}" for key, value in (("filename", b"a.png"), ("path", b"/"))
        )
        given = {**tus, "Upload-Length": str(len(data)), "Upload-Metadata": named}
        begun = await self.call("POST", "/upload/resumable/", token=self.boss, headers=given)
        self.assertEqual(begun.status, 201, begun.body)
        where = urlsplit(begun.headers["location"]).path
        for one, start, end in ((self.call, 0, 50), (self.ask, 50, len(data))):
            given = {**tus, "Content-Type": "application/offset+octet-stream", "Upload-Offset": str(start)}
            reply = await one("PATCH", where, token=self.boss, headers=given, body=data[start:end])
            self.assertEqual((reply.status, reply.headers["upload-offset"]), (204, str(end)), reply.body)
        for one in (self.call, self.ask):
            self.assertEqual(colour(await one("GET", "/image", query={"src": "a.png"})), "r")

    async def test_of_two_uploads_to_one_place_one_gets_it(self) -> None:
        body = multipart.form([("a.png", png("red"))], path="/")
        headers = {"Content-Type": multipart.CONTENT_TYPE}
        replies = await both(
            *(one("POST", "/upload/", token=self.boss, body=body, headers=headers) for one in (self.call, self.ask))
        )
        self.assertEqual(sorted(reply.status for reply in replies), [200, 409])


class FolderTests(TwoServersCase):
    settings = MappingProxyType({"tasks_enabled": False})

    async def test_a_folder_that_the_other_server_moves_is_moved_here_with_the_answer(self) -> None:
        await self.other.domain.background.configure(enabled=True, at_once=5)
        boss = await self.admin()
        made = await self.call("POST", "/admin/filesystem/folders/", token=boss, form={"path": "/closed"})
        self.assertEqual(made.status, 200, made.body)
        self.permit("/closed", 1, 0)
        await self.refresh()
        await self.image_file("closed/a.png")
        here = self.port
        self.assertEqual(await self.image("closed/a.png", port=here), 403)
        self.assertEqual(await self.image("closed/a.png", port=here, token=boss), 200)
        self.assertEqual(await self.image("open/a.png", port=here, token=boss), 404)
        path = f"/admin/filesystem/folders/{made.data['id']}/"
        reply = await self.call("PUT", path, token=boss, form={"path": "/open"})
        self.assertEqual((reply.status, reply.data["path"]), (200, "/open"), reply.body)
        self.assertEqual(await self.image("open/a.png", port=here), 403)
        self.assertEqual(await self.image("open/a.png", port=here, token=boss), 200)
        self.assertEqual(await self.image("closed/a.png", port=here, token=boss), 404)


class WorkCase(TwoServersCase):
    """Tasks that are held up until :attr:`gate` opens, and tell who is at them."""

    async def setUp(self) -> None:
        self.patch(background, "TaskWorker", partial(TaskWorker, timings=Timings(poll=0.05, beat=0.05)))
        await super().setUp()
        self.gate: Deferred[None] = Deferred()
        self.begun: list[tuple[str, int]] = []
        self.cut_short: list[str] = []
        for name, domain in (("first", self.domain), ("other", self.other.domain)):
            domain.background.types.add(
                [TaskType(name="work", title="Work", run=partial(self.work, name), repeatable=True, keep_for=60)]
            )

    async def work(self, server: str, run: TaskRun) -> str:
        self.begun.append((server, run.params["n"]))
        waiting: Deferred[None] = Deferred()
        self.gate.addCallback(lambda _: None if waiting.called else waiting.callback(None))
        try:
            await waiting
        except CancelledError:
            self.cut_short.append(server)
            raise
        return server


class TaskTests(WorkCase):
    async def test_each_is_done_once_and_both_servers_take_part(self) -> None:
        queues = (self.domain.background.queue, self.other.domain.background.queue)
        added = [await queues[n % 2].add("work", {"n": n}, user_id=None) for n in range(8)]
        for queue in queues:
            with self.assertRaises(AlreadyExists):
                await queue.add("work", {"n": 0}, user_id=None)
        # Each server does five at once, and none is over yet: the others can only be the other one's.
        await self.eventually(lambda: len(self.begun) >= 8)
        self.assertEqual(Counter(n for _, n in self.begun), Counter(range(8)))
        self.assertEqual({server for server, _ in self.begun}, {"first", "other"})
        self.gate.callback(None)
        done = [await queues[1 - n % 2].wait(task.id, 30) for n, task in enumerate(added)]
        self.assertEqual({(task.status, task.attempts) for task in done}, {(TaskStatus.COMPLETE, 1)})
        self.assertEqual(sorted(self.begun), sorted((task.result, task.params["n"]) for task in done))

    async def test_a_job_that_is_due_is_begun_once(self) -> None:
        schedules = [domain.background._schedule for domain in (self.domain, self.other.domain)]
        self.gate.callback(None)
        for schedule in schedules:
            assert schedule is not None
            await schedule.look()
        self.sql("delete from tasks")
        self.sql("update schedules set next_run = now() - interval '1 second'")
        await both(*(schedule.look() for schedule in schedules for _ in range(3) if schedule is not None))
        ((jobs,),) = self.sql("select count(*) from schedules")
        counts = self.sql("select funcname, count(*) from tasks group by 1 having count(*) > 1")
        self.assertEqual(counts, [])
        ((begun,),) = self.sql("select count(last_run) from schedules where next_run > now()")
        self.assertEqual((begun, jobs > 5), (jobs, True))


class DeathTests(WorkCase):
    settings = MappingProxyType({"tasks_enabled": False})

    async def test_the_task_of_a_lost_server_goes_to_another_one_which_alone_decides_how_it_ended(self) -> None:
        await self.other.domain.background.configure(enabled=True, at_once=5)
        queue = self.domain.background.queue
        task = await queue.add("work", {"n": 1}, user_id=None)
        await self.eventually(lambda: self.begun == [("other", 1)])
        await self.domain.background.configure(enabled=True, at_once=5)
        self.cut_off()
        await self.deaf()
        self.sql("update tasks set heartbeat = now() - interval '61 seconds'")
        await self.eventually(lambda: self.begun == [("other", 1), ("first", 1)])
        self.rejoin()
        await self.eventually(lambda: self.cut_short == ["other"])
        self.gate.callback(None)
        done = await queue.wait(task.id, 30)
        self.assertEqual((done.status, done.result, done.attempts), (TaskStatus.COMPLETE, "first", 2))
        self.assertEqual(len(self.begun), 2)


class AnonymousTests(ApiCase):
    """Image requests of strangers ask the database nothing."""

    settings = MappingProxyType({"tasks_enabled": False})

    async def test_no_query(self) -> None:
        self.paint("a.png", size=(400, 300))
        self.paint("closed/a.png")
        await self.domain.library.registrar.folder("closed")
        self.permit("/closed", 1, 0)
        self.permit("/", 1, 20)
        await self.refresh()
        # What was changed is read again, too, once the news of it is here.
        ear = Ear(self.store)
        self.addCleanup(ear.close)
        await ear.opened()
        self.sql("select pg_notify(%s, 'that was all')", CHANNEL)
        await ear.hears("that was all")
        await self.eventually(lambda: not self.domain.permissions._held._busy)
        # What image requests come across, and what is counted, is written by itself: not now.
        library = self.domain.library
        for loop in (
            library.registrar._clock,
            library.journal._clock,
            self.domain.statistics._loop,
            *self.domain._loops,
        ):
            await self.eventually(lambda loop=loop: loop.call is not None)
            loop.call.delay(3600)
        asked: list[object] = []
        take = Database._take

        async def counted(database: Database) -> object:
            asked.append(database)
            return await take(database)

        self.patch(Database, "_take", counted)
        first = await self.call("GET", "/image?src=a.png&width=100")
        tag = {"If-None-Match": first.headers["etag"]}
        for path, status in (
            ("/image?src=a.png&width=100", 200),
            ("/image?src=a.png&width=90&format=webp", 200),
            ("/image?src=a.png&tmp=smalljpeg", 200),
            ("/image?src=a.png&tile=1:4", 200),
            ("/image?src=closed/a.png", 403),
            ("/image?src=none.png", 404),
            ("/image?src=a.png&width=x", 400),
            ("/original?src=a.png", 200),
        ):
            self.assertEqual((await self.call("GET", path)).status, status, path)
        self.assertEqual((await self.call("GET", "/image?src=a.png&width=100", headers=tag)).status, 304)
        self.assertEqual(asked, [])
        # The one who counts does see it when somebody asks.
        await self.call("GET", "/details/?src=a.png")
        self.assertNotEqual(asked, [])


class CutOffCase(TwoServersCase):
    """A server without database, a public folder, a closed one, and somebody who may see that."""

    async def setUp(self) -> None:
        await super().setUp()
        await self.image_file("public.png")
        await self.image_file("closed/a.png")
        self.paint("new.png", "blue")
        self.paint("closed/new.png", "blue")
        members = self.group("members")
        self.permit("/closed", 1, 0)
        self.permit("/closed", 2, 0)
        self.permit("/closed", members, 10)
        self.token = await self.person(Flag.ADMIN_USERS, groups=[members])
        self.cookie, _ = await self.session_of(1)
        await self.other.domain.permissions.refresh()

    async def seen(self) -> None:
        """Have the other server know those who are about to come."""
        self.assertEqual(await self.image("closed/a.png", token=self.token), 200)
        self.assertEqual(await self.image("closed/a.png", cookie=self.cookie), 200)
        self.assertEqual(await self.image("public.png"), 200)

    async def assert_public_goes_on(self) -> None:
        """Images that are made already and others, for strangers; nothing else for these."""
        self.assertEqual([await self.image(src) for src in ("public.png", "new.png")], [200, 200])
        self.assertEqual([await self.image(src) for src in ("closed/a.png", "closed/new.png")], [403, 403])

    async def assert_no_answers(self) -> None:
        """All that needs the database says that it is away, whoever asks."""
        who = {"username": "admin", "password": ADMIN_PASSWORD}
        for method, path, more in (
            ("POST", "/token/", {"form": who}),
            ("GET", "/details/?src=public.png", {}),
            ("GET", "/admin/users/1/", {"token": self.token}),
            ("GET", "/admin/users/1/", {"cookie": self.cookie}),
            ("PATCH", "/admin/users/1/", {"token": self.token, "form": {"first_name": "A"}}),
        ):
            reply = await self.ask(method, path, **more)
            self.assertEqual((reply.status, reply.headers.get("retry-after")), (503, "5"), (path, reply.body))


class CutOffTests(CutOffCase):
    async def test_within_the_grace_all_that_is_known_goes_on(self) -> None:
        unseen = await self.admin()
        await self.seen()
        self.cut_off()
        await self.deaf()
        self.other.clock.by += GRACE - 10
        await self.assert_public_goes_on()
        for given in ({"token": self.token}, {"cookie": self.cookie}):
            self.assertEqual([await self.image(f"closed/{name}.png", **given) for name in ("a", "new")], [200, 200])
        self.assertEqual(await self.image("closed/a.png", token=unseen), 403)
        await self.assert_no_answers()
        self.rejoin()
        await self.hearing()
        self.assertEqual((await self.ask("GET", "/admin/users/1/", token=self.token)).status, 200)

    async def test_after_it_everybody_is_a_stranger_until_it_is_back(self) -> None:
        await self.seen()
        self.cut_off()
        await self.deaf()
        self.other.clock.by += GRACE + 10
        await self.assert_public_goes_on()
        for given in ({"token": self.token}, {"cookie": self.cookie}):
            self.assertEqual([await self.image(f"closed/{name}.png", **given) for name in ("a", "new")], [403, 403])
        await self.assert_no_answers()
        self.rejoin()
        await self.hearing()
        await self.seen()
        self.assertEqual((await self.ask("GET", "/admin/users/1/", cookie=self.cookie)).status, 200)

    async def test_what_the_other_server_has_changed_meanwhile_holds_when_it_is_back(self) -> None:
        await self.seen()
        boss = await self.admin()
        self.cut_off()
        await self.deaf()
        ((root,),) = self.sql("select id from folderpermissions where folder_id = 1 and group_id = 1")
        reply = await self.call("PATCH", f"/admin/permissions/{root}/", token=boss, form={"access": 0})
        self.assertEqual(reply.status, 200, reply.body)
        ((number,),) = self.sql("select id from images where src = 'closed/a.png'")
        path = f"/admin/filesystem/images/{number}/"
        moved = await self.call("PUT", path, token=boss, form={"path": "/closed/b.png"})
        self.assertEqual(moved.status, 200, moved.body)
        self.assertEqual((await self.call("DELETE", "/token/", token=self.token)).status, 200)
        self.other.clock.by += BELIEVED
        self.assertEqual(await self.image("public.png"), 200)
        self.assertEqual(await self.image("closed/a.png", token=self.token), 404)
        self.rejoin()
        await self.hearing()
        self.assertEqual(await self.image("public.png"), 403)
        self.assertEqual(await self.image("closed/b.png", token=self.token), 403)
        self.assertEqual((await self.ask("GET", "/details/?src=closed/a.png", token=boss)).status, 404)
        self.assertEqual((await self.ask("GET", "/details/?src=closed/b.png", token=boss)).data["id"], number)

    async def test_who_hears_no_news_any_more_knows_nobody_after_the_grace_though_the_database_answers(self) -> None:
        await self.seen()
        self.cut_off(pools=False)
        await self.deaf()
        self.assertEqual(await self.image("closed/a.png", token=self.token), 200)
        self.assertEqual((await self.ask("GET", "/admin/users/1/", token=self.token)).status, 200)
        self.other.clock.by += GRACE + 10
        await self.assert_public_goes_on()
        self.assertEqual(await self.image("closed/a.png", token=self.token), 403)
        for given in ({"token": self.token}, {"cookie": self.cookie}):
            reply = await self.ask("GET", "/admin/users/1/", **given)
            self.assertEqual((reply.status, reply.headers.get("retry-after")), (503, "5"), reply.body)
        self.rejoin()
        await self.hearing()
        self.assertEqual((await self.ask("GET", "/admin/users/1/", token=self.token)).status, 200)


class NoGraceTests(CutOffCase):
    settings = MappingProxyType({"snapshot_grace": 0})

    async def test_without_grace_nobody_is_known_at_once(self) -> None:
        await self.seen()
        self.cut_off()
        await self.deaf()
        await self.assert_public_goes_on()
        for given in ({"token": self.token}, {"cookie": self.cookie}):
            self.assertEqual(await self.image("closed/a.png", **given), 403)
        await self.assert_no_answers()
        self.rejoin()
        await self.hearing()
        await self.seen()
