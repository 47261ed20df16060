"""Portfolios as clients and visitors meet them: over the API, as a page, as a download."""

from __future__ import annotations

import io
import json
import re
import zipfile
from types import MappingProxyType
from typing import Any
from urllib.parse import quote

import attrs
import treq
from PIL import Image
from twisted.internet.defer import Deferred

from qisd.access.levels import Flag
from qisd.errors import NotFound
from qisd.tasks.registry import TaskRun
from qisd.web.door import open_rooms
from tests.integration.api import ApiCase, Reply

FORM = {"name": "Spring", "description": "", "internal_access": 0, "public_access": 0}
FUTURE = "2190-01-01"


class PortfolioApiCase(ApiCase):
    """With a small library, whose owner of portfolios may download. Tasks are run by the tests."""

    settings = MappingProxyType({"tasks_enabled": False})

    async def setUp(self) -> None:
        await super().setUp()
        for src in ("shop/chair.png", "shop/old chair.png", "secret/plan.png"):
            self.paint(src)
            await self.domain.library.registrar.image(src)
        self.staff = self.group("Staff")
        self.permit("/shop", self.staff, 20)
        self.permit("/secret", 1, 0)
        self.permit("/secret", 2, 0)
        self.owner = await self.person(Flag.FOLIOS, groups=[self.staff], name="owner")
        self.stranger = await self.person(name="stranger")
        self.chief = await self.person(Flag.ADMIN_FOLIOS, name="chief")

    async def run_task(self, number: int) -> None:
        task = await self.domain.background.queue.get(number)
        await self.domain.background.types[task.funcname].run(TaskRun(task))
        self.sql("update tasks set status = 2 where id = %s", number)

    async def make(self, *srcs: str, token: str | None = None, **form: Any) -> int:
        reply = await self.call("POST", "/portfolios/", token=token or self.owner, form={**FORM, **form})
        self.assertEqual(reply.status, 200, reply.body)
        for src in srcs:
            added = await self.call(
                "POST", f"/portfolios/{reply.data['id']}/images/", token=token or self.owner, form={"image_src": src}
            )
            self.assertEqual(added.status, 200, added.body)
        return int(reply.data["id"])

    async def publish(self, number: int, **form: Any) -> dict[str, Any]:
        """A finished export."""
        given = {"description": "Web", "originals": "1", "expiry_time": FUTURE, **form}
        reply = await self.call("POST", f"/portfolios/{number}/exports/", token=self.owner, form=given)
        self.assertEqual((reply.status, reply.message), (202, "OK task accepted"), reply.body)
        await self.run_task(reply.data["task_id"])
        done = await self.call("GET", f"/portfolios/{number}/exports/{reply.data['id']}/", token=self.owner)
        return dict(done.data)

    async def get(self, address: str, *, method: str = "GET", token: str | None = None, **headers: str) -> Reply:
        """Ask for an address outside of the API."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if token is not None:
            sent["Authorization"] = f"Bearer {token}"
        response = await treq.request(
            method,
            f"http://127.0.0.1:{self.port}{address}",
            headers=sent,
            agent=self._agent,
            allow_redirects=False,
        )
        body = await response.content()
        found = {
            name.decode("ascii").lower(): b", ".join(values).decode("latin-1")
            for name, values in response.headers.getAllRawHeaders()
        }
        return Reply(status=response.code, headers=found, body=body)

    def events(self, number: int) -> list[int]:
        return [row[0] for row in self.sql("select action from foliosaudit where folio_id = %s order by id", number)]


class PortfolioTests(PortfolioApiCase):
    async def test_a_new_portfolio_is_answered_whole(self) -> None:
        form = {"human_id": " spring ", "name": "Spring", "description": "", "internal_access": 10, "public_access": 0}
        reply = await self.call("POST", "/portfolios/", token=self.owner, form=form)
        self.assertEqual((reply.status, reply.message), (200, "OK"))
        data = reply.data
        [event] = data.pop("history")
        self.assertEqual((event["action"], event["action_info"], event["folio_id"]), (1, "", data["id"]))
        self.assertRegex(data.pop("last_updated"), r"\A\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?Z\Z")
        self.assertEqual([(row["group_id"], row["access"]) for row in data.pop("permissions")], [(1, 0), (2, 10)])
        self.assertEqual(
            data,
            {
                "id": data["id"],
                "human_id": "spring",
                "name": "Spring",
                "description": "",
                "owner_id": event["user_id"],
                "downloads": [],
                "images": [],
                "images_hidden": 0,
                "images_closed": 0,
                "url": f"http://127.0.0.1:{self.port}/portfolios/spring/",
            },
        )

    async def test_a_summary_tells_owner_number_of_images_and_the_first_one(self) -> None:
        full = await self.make("shop/old chair.png", "shop/chair.png", human_id="a", internal_access=10)
        await self.make(human_id="b", name="Zero", internal_access=10)
        listed = (await self.call("GET", "/portfolios/?summary=true", token=self.owner)).data
        self.assertEqual(
            [(one["owner_name"], one["image_count"], one["cover"]) for one in listed],
            [("owner", 2, "shop/old chair.png"), ("owner", 0, "")],
        )
        self.permit("/shop", 1, 0)
        self.permit("/shop", 2, 0)
        await self.refresh()
        seen = (await self.call("GET", "/portfolios/?summary=true", token=self.stranger)).data[0]
        self.assertEqual((seen["id"], seen["owner_name"], seen["image_count"], seen["cover"]), (full, "", 2, ""))
        by_chief = (await self.call("GET", "/portfolios/?summary=true", token=self.chief)).data[0]
        self.assertEqual((by_chief["owner_name"], by_chief["cover"]), ("owner", ""))
        self.assertNotIn("owner_name", (await self.call("GET", "/portfolios/", token=self.owner)).data[0])

    async def test_one_can_list_only_ones_own(self) -> None:
        await self.make(human_id="mine", public_access=20)
        other = await self.person(Flag.FOLIOS)
        await self.make(human_id="other", public_access=20, token=other)
        for query, token, expected in (
            ("", self.owner, ["mine", "other"]),
            ("owned=true", self.owner, ["mine"]),
            ("owned=true", self.chief, []),
            ("owned=true", None, []),
        ):
            listed = (await self.call("GET", f"/portfolios/?sort=human_id&{query}", token=token)).data
            self.assertEqual([one["human_id"] for one in listed], expected)

    async def test_lists_leave_out_images_and_history_and_come_in_parts(self) -> None:
        for name in ("c", "a", "b"):
            await self.make(name=name, public_access=10)
        reply = await self.call("GET", "/portfolios/")
        self.assertEqual([item["name"] for item in reply.data], ["a", "b", "c"])
        self.assertNotIn("images", reply.data[0])
        self.assertNotIn("history", reply.data[0])
        part = await self.call("GET", "/portfolios/", query={"start": 1, "limit": 1, "sort": "-name"})
        self.assertEqual([item["name"] for item in part.data], ["b"])
        self.assertEqual(part.headers["x-total-count"], "3")
        self.assertIn('rel="next"', part.headers["link"])
        await self.make(name="Hundred % of it", public_access=10)
        found = await self.call("GET", "/portfolios/", query={"q": "d %"})
        self.assertEqual([item["name"] for item in found.data], ["Hundred % of it"])
        self.assertEqual((await self.call("GET", "/portfolios/", query={"sort": "owner"})).status, 400)

    async def test_one_is_found_by_its_human_id(self) -> None:
        number = await self.make(human_id="spring 2026", public_access=10)
        reply = await self.call("GET", "/portfolios/", query={"human_id": "spring 2026"})
        self.assertEqual((reply.status, reply.data["id"], reply.data["images"]), (200, number, []))
        for missing in ("Spring 2026", "x" * 500, "\ud800".encode("utf-8", "replace").decode()):
            self.assertEqual((await self.call("GET", "/portfolios/", query={"human_id": missing})).status, 404)
        self.assertEqual(len((await self.call("GET", "/portfolios/", query={"human_id": " "})).data), 1)

    async def test_faults_come_in_their_order(self) -> None:
        number = await self.make(human_id="spring")
        await self.make(human_id="taken")
        bad = {"name": "x" * 256}
        for method, path, token, form, status in (
            ("POST", "/portfolios/", None, bad, 403),
            ("POST", "/portfolios/", self.stranger, bad, 403),
            ("POST", "/portfolios/", self.owner, bad, 400),
            ("POST", "/portfolios/", self.owner, {**FORM, "human_id": "taken"}, 409),
            ("POST", "/portfolios/", self.owner, {**FORM, "public_access": 15}, 400),
            ("POST", "/portfolios/", self.owner, {**FORM, "human_id": "a/b"}, 400),
            ("PUT", f"/portfolios/{number + 100}/", None, bad, 404),
            ("PUT", f"/portfolios/{number}/", self.stranger, bad, 403),
            ("PUT", f"/portfolios/{number}/", self.owner, bad, 400),
            ("PUT", f"/portfolios/{number}/", self.owner, {**FORM, "human_id": "taken"}, 409),
            ("GET", f"/portfolios/{number}/", None, None, 403),
            ("GET", "/portfolios/0/", self.owner, None, 404),
            ("GET", f"/portfolios/{2**63}/", self.owner, None, 404),
            ("GET", "/portfolios/-1/", self.owner, None, 404),
            ("DELETE", f"/portfolios/{number}/", None, None, 403),
            ("DELETE", f"/portfolios/{number + 100}/", self.stranger, None, 404),
            ("POST", f"/portfolios/{number}/exports/", self.owner, {}, 400),
        ):
            reply = await self.call(method, path, token=token, form=form)
            self.assertEqual(reply.status, status, f"{method} {path} {form}: {reply.body!r}")

    async def test_a_change_keeps_the_human_id_unless_it_is_blank(self) -> None:
        number = await self.make(human_id="spring")
        reply = await self.call("PUT", f"/portfolios/{number}/", token=self.owner, form={**FORM, "name": "Summer"})
        self.assertEqual((reply.data["human_id"], reply.data["name"]), ("spring", "Summer"))
        self.assertEqual(reply.data["history"][-1]["action_info"], "Name changed")
        reply = await self.call("PUT", f"/portfolios/{number}/", token=self.owner, form={**FORM, "human_id": ""})
        self.assertGreater(len(reply.data["human_id"]), 10)

    async def test_a_patch_changes_what_it_names(self) -> None:
        number = await self.make(human_id="spring", description="old", internal_access=20)
        reply = await self.call("PATCH", f"/portfolios/{number}/", token=self.owner, json={"public_access": 10})
        self.assertEqual(reply.status, 200, reply.body)
        data = reply.data
        self.assertEqual((data["human_id"], data["name"], data["description"]), ("spring", "Spring", "old"))
        self.assertEqual([row["access"] for row in data["permissions"]], [10, 20])
        chief_id = self.sql("select id from users where username = 'chief'")[0][0]
        reply = await self.call("PATCH", f"/portfolios/{number}/", token=self.owner, json={"owner_id": chief_id})
        self.assertEqual((reply.status, reply.data["owner_id"]), (200, chief_id))

    async def test_a_change_of_what_somebody_else_has_changed_is_refused(self) -> None:
        number = await self.make()
        seen = await self.call("GET", f"/portfolios/{number}/", token=self.owner)
        await self.call("PUT", f"/portfolios/{number}/", token=self.chief, form={**FORM, "name": "Mine"})
        reply = await self.call(
            "PUT", f"/portfolios/{number}/", token=self.owner, form=FORM, headers={"If-Match": seen.headers["etag"]}
        )
        self.assertEqual((reply.status, reply.data["name"]), (412, "Mine"))

    async def test_deleting_is_answered_with_nothing(self) -> None:
        number = await self.make("shop/chair.png")
        reply = await self.call("DELETE", f"/portfolios/{number}/", token=self.owner)
        self.assertEqual((reply.status, reply.data), (200, None))
        self.assertEqual((await self.call("GET", f"/portfolios/{number}/", token=self.owner)).status, 404)

    async def test_strangers_see_no_users_no_zips_and_no_closed_folders(self) -> None:
        number = await self.make("shop/chair.png", human_id="spring", public_access=10, internal_access=20)
        self.sql(
            "insert into folioimages (folio_id, image_id) select %s, id from images where src = 'secret/plan.png'",
            number,
        )
        export = await self.publish_only_shop(number)
        anonymous = (await self.call("GET", f"/portfolios/{number}/")).data
        self.assertEqual({event["user_id"] for event in anonymous["history"]}, {None})
        self.assertEqual(anonymous["downloads"], [])
        self.assertEqual([one["image"]["src"] for one in anonymous["images"]], ["shop/chair.png"])
        self.assertEqual(anonymous["images_hidden"], 1)
        self.assertNotIn("images_closed", anonymous)
        owned = (await self.call("GET", f"/portfolios/{number}/", token=self.owner)).data
        self.assertEqual(owned["images_closed"], 1)
        self.assertNotIn("secret", json.dumps(anonymous))
        known = (await self.call("GET", f"/portfolios/{number}/", token=self.stranger)).data
        self.assertEqual([one["id"] for one in known["downloads"]], [export["id"]])

    async def publish_only_shop(self, number: int) -> dict[str, Any]:
        self.permit("/secret", self.staff, 20)
        await self.refresh()
        return await self.publish(number)


class ImageTests(PortfolioApiCase):
    async def test_an_image_is_answered_with_its_address(self) -> None:
        number = await self.make()
        options = {"width": {"value": 20}, "size_fit": {"value": True}, "template": {"value": "SmallJpeg"}}
        reply = await self.call(
            "POST",
            f"/portfolios/{number}/images/",
            token=self.owner,
            form={"image_src": "/shop/old chair.png", "image_parameters": json.dumps(options), "filename": "a.png"},
        )
        self.assertEqual(reply.status, 200, reply.body)
        data = reply.data
        image = data.pop("image")
        self.assertEqual(
            data,
            {
                "id": data["id"],
                "folio_id": number,
                "image_id": image["id"],
                "filename": "a.png",
                "order_num": 0,
                "parameters": {**options, "template": {"value": "smalljpeg"}},
                "url": f"http://127.0.0.1:{self.port}"
                "/image?src=shop/old+chair.png&width=20&autosizefit=1&tmp=smalljpeg",
            },
        )
        self.assertEqual((image["src"], image["supported"], image["download"]), ("shop/old chair.png", True, True))
        self.assertEqual(image["folder"]["path"], "/shop")
        shown = await self.get(data["url"].partition(str(self.port))[2], token=self.owner)
        self.assertEqual(shown.status, 200)
        # The size of the address wins over that of the template, which still says the format.
        self.assertEqual(Image.open(io.BytesIO(shown.body)).format, "JPEG")

    async def test_a_closed_folder_is_closed_in_every_unicode_form_of_its_name(self) -> None:
        spelled, other = "gru\u0308n", "gr\u00fcn"
        self.paint(f"{spelled}/plan.png")
        await self.domain.library.registrar.image(f"{spelled}/plan.png")
        self.permit(f"/{spelled}", 1, 0)
        self.permit(f"/{spelled}", 2, 0)
        await self.refresh()
        number = await self.make("shop/chair.png")
        path = f"/portfolios/{number}/images/"
        for src in (f"{other}/plan.png", f"{other}/none.png", f"{spelled}/plan.png"):
            reply = await self.call("POST", path, token=self.owner, form={"image_src": src})
            self.assertEqual(reply.status, 403, src)
        overlay = {"overlay_src": {"value": f"{other}/plan.png"}}
        reply = await self.call(
            "POST", path, token=self.owner, json={"image_src": "shop/old chair.png", "image_parameters": overlay}
        )
        self.assertEqual(reply.status, 403)
        self.assertEqual(self.sql("select src from images where src like 'gr%%'"), [(f"{spelled}/plan.png",)])

    async def test_faults_come_in_their_order(self) -> None:
        number = await self.make("shop/chair.png")
        chair = self.sql("select image_id from folioimages")[0][0]
        path = f"/portfolios/{number}/images/"
        one = f"{path}{chair}/"
        for method, address, token, form, status in (
            ("POST", f"/portfolios/{number + 1}/images/", None, {}, 404),
            ("POST", path, None, {}, 403),
            ("POST", path, self.owner, {}, 400),
            ("POST", path, self.owner, {"image_id": chair, "image_src": "shop/chair.png"}, 400),
            ("POST", path, self.owner, {"image_id": "x"}, 400),
            ("POST", path, self.owner, {"image_id": 0}, 400),
            ("POST", path, self.owner, {"image_src": "a.b"}, 400),
            ("POST", path, self.owner, {"image_src": "shop/none.png", "image_parameters": "7"}, 400),
            ("POST", path, self.owner, {"image_src": "shop/none.png", "image_parameters": "[1]"}, 400),
            ("POST", path, self.owner, {"image_src": "shop/none.png", "image_parameters": "{"}, 400),
            ("POST", path, self.owner, {"image_src": "shop/none.png", "image_parameters": "[]"}, 404),
            ("POST", path, self.owner, {"image_src": "shop/chair.png", "filename": "ä.png"}, 400),
            ("POST", path, self.owner, {"image_src": "shop/chair.png", "index": 1_000_000}, 400),
            ("POST", path, self.owner, {"image_id": 999_999}, 404),
            ("POST", path, self.owner, {"image_src": "secret/none.png"}, 403),
            ("POST", path, self.owner, {"image_src": "../secret/plan.png"}, 403),
            ("POST", path, self.owner, {"image_src": "shop/chair.png"}, 409),
            ("PUT", one, None, {"index": ""}, 403),
            ("PUT", one, self.owner, {"index": ""}, 400),
            ("PUT", f"{path}999999/", self.owner, {"index": ""}, 404),
            ("PUT", one, self.owner, {"image_parameters": ""}, 400),
            ("PUT", f"{one}position/", self.stranger, {}, 403),
            ("PUT", f"{one}position/", self.owner, {}, 400),
            ("DELETE", f"{path}999999/", self.owner, None, 404),
            ("DELETE", one, self.stranger, None, 403),
            ("GET", f"{path}999999/", self.owner, None, 404),
            ("GET", path, self.stranger, None, 403),
        ):
            reply = await self.call(method, address, token=token, form=form)
            self.assertEqual(reply.status, status, f"{method} {address} {form}: {reply.body!r}")
        self.sql("update foliopermissions set access = 10 where folio_id = %s and group_id = 2", number)
        for method, address, status in (
            ("PUT", one, 403), ("PUT", f"{path}999999/", 404), ("PUT", f"{path}999999/position/", 404),
            ("DELETE", one, 403), ("DELETE", f"{path}999999/", 404),
        ):  # fmt: skip
            form = {"index": ""} if method == "PUT" else None
            reply = await self.call(method, address, token=self.stranger, form=form)
            self.assertEqual(reply.status, status, f"{method} {address} of a viewer")
        reply = await self.call("POST", path, token=self.owner, form={"image_src": "x.png", "filename": "a*.png"})
        self.assertIn("filename not allowed, try: a.png", reply.message)

    async def test_json_is_as_good_as_a_form(self) -> None:
        number = await self.make()
        reply = await self.call(
            "POST",
            f"/portfolios/{number}/images/",
            token=self.owner,
            json={"image_src": "shop/chair.png", "index": -2, "image_parameters": {"flip": {"value": "H"}}},
        )
        self.assertEqual((reply.status, reply.data["parameters"]), (200, {"flip": {"value": "h"}}))
        image_id = reply.data["image_id"]
        one = f"/portfolios/{number}/images/{image_id}/"
        reply = await self.call("PUT", one, token=self.owner, json={"index": 3})
        self.assertEqual((reply.data["order_num"], reply.data["parameters"]), (3, {"flip": {"value": "h"}}))
        reply = await self.call("PUT", one, token=self.owner, json={"image_parameters": {}})
        self.assertEqual(reply.data["parameters"], {})
        reply = await self.call("PATCH", one, token=self.owner, json={"filename": "b.png"})
        self.assertEqual((reply.status, reply.data["order_num"], reply.data["filename"]), (200, 3, "b.png"))
        self.assertEqual((await self.call("GET", one, token=self.owner)).data, reply.data)

    async def test_a_new_order_is_answered_with_all_images(self) -> None:
        number = await self.make("shop/chair.png", "shop/old chair.png")
        path = f"/portfolios/{number}/images/"
        before = (await self.call("GET", path, token=self.owner)).data
        reply = await self.call("PUT", f"{path}{before[0]['image_id']}/position/", token=self.owner, form={"index": 99})
        self.assertEqual(
            [(one["image"]["src"], one["order_num"]) for one in reply.data],
            [("shop/old chair.png", 0), ("shop/chair.png", 1)],
        )
        self.assertEqual((await self.call("GET", path, token=self.owner)).data, reply.data)
        reply = await self.call("DELETE", f"{path}{before[0]['image_id']}/", token=self.owner)
        self.assertEqual((reply.status, reply.data), (200, None))
        self.assertEqual(len((await self.call("GET", path, token=self.owner)).data), 1)

    async def test_options_that_are_not_valid_any_more_do_no_harm(self) -> None:
        number = await self.make("shop/chair.png", public_access=10, human_id="spring")
        self.sql("""update folioimages set parameters = '{"nonsense": 7, "width": {"value": "x"}}'""")
        reply = await self.call("GET", f"/portfolios/{number}/")
        self.assertEqual((reply.status, reply.data["images"][0]["url"].partition("?")[2]), (200, "src=shop/chair.png"))
        self.assertEqual((await self.get("/portfolios/spring/")).status, 200)


class ExportTests(PortfolioApiCase):
    async def test_an_order_is_answered_at_once_and_the_zip_comes_later(self) -> None:
        number = await self.make("shop/chair.png", human_id="spring")
        options = {"width": {"value": 20}}
        reply = await self.call(
            "POST",
            f"/portfolios/{number}/exports/",
            token=self.owner,
            form={
                "description": "Web",
                "originals": "0",
                "expiry_time": FUTURE,
                "image_parameters": json.dumps(options),
            },
        )
        data = reply.data
        self.assertEqual((reply.status, reply.message), (202, "OK task accepted"))
        self.assertEqual((data["filename"], data["filesize"], data["url"], data["originals"]), ("", 0, "", False))
        self.assertEqual((data["keep_until"], data["parameters"]), ("2190-01-01T00:00:00Z", options))
        await self.run_task(data["task_id"])
        [done] = (await self.call("GET", f"/portfolios/{number}/exports/", token=self.owner)).data
        self.assertEqual((done["task_id"], done["state"]), (None, "ready"))
        self.assertEqual(done["url"], f"http://127.0.0.1:{self.port}/portfolios/spring/downloads/{done['filename']}")
        zip_file = await self.get(done["url"].partition(str(self.port))[2], token=self.owner)
        with zipfile.ZipFile(io.BytesIO(zip_file.body)) as made:
            self.assertEqual(Image.open(io.BytesIO(made.read("chair.png"))).size, (20, 15))

    async def test_faults_come_in_their_order(self) -> None:
        number, empty, other = await self.make("shop/chair.png"), await self.make(), await self.make("shop/chair.png")
        export = await self.publish(number)
        good = {"description": "", "originals": "1", "expiry_time": FUTURE}
        path = f"/portfolios/{number}/exports/"
        for method, address, token, form, status in (
            ("POST", f"/portfolios/{other + 100}/exports/", None, {}, 404),
            ("POST", path, self.stranger, {}, 403),
            ("POST", f"/portfolios/{empty}/exports/", self.owner, good, 400),
            ("POST", path, self.owner, {**good, "expiry_time": "2001-01-01"}, 400),
            ("POST", path, self.owner, {**good, "expiry_time": "soon"}, 400),
            ("POST", path, self.owner, {**good, "image_parameters": '{"src": {"value": "x"}}'}, 400),
            ("POST", path, self.chief, good, 403),
            ("GET", f"/portfolios/{other}/exports/{export['id']}/", self.owner, None, 404),
            ("DELETE", f"/portfolios/{other}/exports/{export['id']}/", self.owner, None, 404),
            ("DELETE", f"{path}{export['id']}/", None, None, 403),
            ("GET", path, None, None, 403),
        ):
            reply = await self.call(method, address, token=token, form=form)
            self.assertEqual(reply.status, status, f"{method} {address} {form}: {reply.body!r}")

    async def test_withdrawing_waits_for_the_zip_that_is_being_made(self) -> None:
        number = await self.make("shop/chair.png")
        form = {"description": "", "originals": "1", "expiry_time": FUTURE}
        ordered = (await self.call("POST", f"/portfolios/{number}/exports/", token=self.owner, form=form)).data
        one = f"/portfolios/{number}/exports/{ordered['id']}/"
        self.sql("update tasks set status = 1")
        reply = await self.call("DELETE", one, token=self.owner)
        self.assertEqual(reply.status, 503)
        self.assertTrue(reply.headers["retry-after"])
        self.sql("update tasks set status = 0")
        reply = await self.call("DELETE", one, token=self.owner)
        self.assertEqual((reply.status, reply.data), (200, None))
        self.assertEqual((await self.call("GET", one, token=self.owner)).status, 404)

    async def test_a_failed_one_says_why_and_holds_no_task(self) -> None:
        number = await self.make("shop/chair.png")
        form = {"description": "", "originals": "1", "expiry_time": FUTURE}
        ordered = (await self.call("POST", f"/portfolios/{number}/exports/", token=self.owner, form=form)).data
        (self.root / "shop/chair.png").unlink()
        with self.assertRaises(NotFound):
            await self.run_task(ordered["task_id"])
        [failed] = (await self.call("GET", f"/portfolios/{number}/exports/", token=self.owner)).data
        self.assertEqual((failed["state"], failed["task_id"], failed["url"]), ("failed", None, ""))
        self.assertIn("shop/chair.png", failed["error"])


class PageTests(PortfolioApiCase):
    def data_of(self, text: str) -> Any:
        """What a page has for its script."""
        found = re.search(r'<script type="application/json" id="page-data">(.*?)</script>', text)
        assert found is not None
        return json.loads(found[1])

    async def test_the_page_shows_the_images_in_their_order(self) -> None:
        number = await self.make(
            "shop/old chair.png", "shop/chair.png", human_id="spring", public_access=10, name="<Spring & Co>"
        )
        reply = await self.get("/portfolios/spring/")
        text = reply.body.decode()
        self.assertEqual((reply.status, reply.headers["content-type"]), (200, "text/html; charset=utf-8"))
        self.assertIn("<h1>&lt;Spring &amp; Co&gt;</h1>", text)
        self.assertNotIn("<Spring", text)
        urls = [
            f"/image?src=shop/{name}.png&amp;format=jpg&amp;colorspace=srgb&amp;width=800&amp;height=800&amp;autosizefit=1"
            for name in ("old+chair", "chair")
        ]
        self.assertLess(text.index(f'<img src="{urls[0]}"'), text.index(f'<img src="{urls[1]}"'))
        self.assertNotIn("Downloads", text)
        self.assertEqual((await self.get(urls[0].replace("&amp;", "&"))).headers["content-type"], "image/jpeg")
        self.assertEqual((await self.get("/portfolios/spring/", method="HEAD")).body, b"")
        self.assertEqual(self.events(number), [1, 3, 3])

    async def test_a_size_of_one_image_is_respected_for_all(self) -> None:
        number = await self.make("shop/chair.png", "shop/old chair.png", human_id="spring", public_access=10)
        image_id = self.sql("select image_id from folioimages order by id limit 1")[0][0]
        options = {"width": {"value": 20}, "format": {"value": "png"}, "attachment": {"value": True}}
        await self.call(
            "PUT", f"/portfolios/{number}/images/{image_id}/", token=self.owner, json={"image_parameters": options}
        )
        text = (await self.get("/portfolios/spring/")).body.decode()
        self.assertIn('src="/image?src=shop/chair.png&amp;width=20&amp;format=jpg&amp;colorspace=srgb"', text)
        self.assertIn('src="/image?src=shop/old+chair.png&amp;format=jpg&amp;colorspace=srgb"', text)

    async def test_images_that_may_not_be_seen_are_counted(self) -> None:
        number = await self.make("shop/chair.png", human_id="spring", public_access=10)
        self.sql(
            "insert into folioimages (folio_id, image_id) select %s, id from images where src = 'secret/plan.png'",
            number,
        )
        text = (await self.get("/portfolios/spring/")).body.decode()
        self.assertIn("One image is not shown", text)
        self.assertNotIn("plan", text)

    async def test_zips_are_linked_for_those_who_may_have_them(self) -> None:
        number = await self.make("shop/chair.png", human_id="Frühling 1", public_access=10, internal_access=20)
        export = await self.publish(number, description="For <print>")
        address = f"/portfolios/{quote('Frühling 1')}/"
        self.assertNotIn("downloads", (await self.get(address)).body.decode())
        reply = await self.get(address, token=self.stranger)
        text = reply.body.decode()
        self.assertIn(f'<a href="{address}downloads/{export["filename"]}">For &lt;print&gt;</a>', text)
        self.assertIn("until 2190-01-01", text)
        self.assertNotIn("has changed since", text)
        self.assertEqual(reply.headers["cache-control"], "no-store")
        await self.call(
            "POST", f"/portfolios/{number}/images/", token=self.owner, form={"image_src": "shop/old chair.png"}
        )
        self.assertIn("has changed since", (await self.get(address, token=self.stranger)).body.decode())

    async def test_what_is_not_there_or_not_open_is_an_error_page(self) -> None:
        await self.make(human_id="private")
        for address, status in (
            ("/portfolios/none/", 404),
            ("/portfolios/private/", 403),
            ("/portfolios/%00/", 404),
            ("/portfolios/%FF%FE/", 404),
        ):
            reply = await self.get(address)
            self.assertIn(reply.status, (status, 400) if "%" in address else (status,), address)
            self.assertTrue(reply.headers["content-type"].startswith("text/html"), address)

    async def test_there_are_three_ways_to_look_at_it(self) -> None:
        number = await self.make("shop/chair.png", human_id="spring", public_access=10)
        image_id = self.sql("select image_id from folioimages")[0][0]
        options = {"width": {"value": 20}, "flip": {"value": "h"}, "format": {"value": "png"}}
        await self.call(
            "PUT", f"/portfolios/{number}/images/{image_id}/", token=self.owner, json={"image_parameters": options}
        )
        for view, script in (("gallery", "gallery_view"), ("slideshow", "slideshow_view")):
            text = (await self.get(f"/portfolios/spring/?view={view}")).body.decode()
            self.assertIn(f"/static/js/{script}.min.js", text)
            (shown,) = self.data_of(text)["images"]
            self.assertEqual(shown, {**shown, "src": "shop/chair.png", "width": "20", "flip": "h"})
            self.assertNotIn("format", shown)
            self.assertNotIn('<img src="/image?', text)
        for view in ("", "page", "other"):
            text = (await self.get(f"/portfolios/spring/?view={view}")).body.decode()
            self.assertIn('<img src="/image?', text)
            self.assertNotIn("_view.min.js", text)

    async def test_only_the_owner_is_offered_changes_and_code_for_other_pages(self) -> None:
        await self.make("shop/chair.png", human_id="spring", public_access=10)
        for token, offered in ((self.owner, True), (self.chief, True), (self.stranger, False), (None, False)):
            text = (await self.get("/portfolios/spring/", token=token)).body.decode()
            self.assertEqual("/portfolios/spring/edit/" in text, offered)
            self.assertEqual("&lt;qis-gallery" in text, offered)

    async def test_the_workshop_is_for_those_who_may_change_the_portfolio(self) -> None:
        await self.make("shop/chair.png", human_id="Frühling 1", public_access=20)
        for place in ("edit", "publish"):
            address = f"/portfolios/{quote('Frühling 1')}/{place}/"
            for token, status in ((self.owner, 200), (self.chief, 200), (self.stranger, 403)):
                self.assertEqual((await self.get(address, token=token)).status, status)
            reply = await self.get(f"{address}?a=1")
            self.assertEqual((reply.status, reply.headers["location"]), (302, f"/login/?next={quote(address)}%3Fa%3D1"))
            self.assertEqual((await self.get(f"/portfolios/none/{place}/", token=self.owner)).status, 404)

    async def test_the_list_is_for_users_and_everybodys_for_those_who_administer_them(self) -> None:
        self.assertEqual((await self.get("/portfolios/")).headers["location"], "/login/?next=/portfolios/")
        for token, own, all_of_them in ((self.owner, True, 403), (self.stranger, False, 403), (self.chief, True, 200)):
            text = (await self.get("/portfolios/", token=token)).body.decode()
            self.assertEqual(self.data_of(text)["can_make"], own)
            self.assertEqual((await self.get("/admin/portfolios/", token=token)).status, all_of_them)

    async def test_without_the_slash_one_is_sent_to_the_page(self) -> None:
        await self.make(human_id="Frühling", public_access=10)
        reply = await self.get(f"/portfolios/{quote('Frühling')}?a=b&c=%22")
        self.assertEqual(
            (reply.status, reply.headers["location"]), (301, f"/portfolios/{quote('Frühling')}/?a=b&c=%22")
        )


class DownloadTests(PortfolioApiCase):
    async def setUp(self) -> None:
        await super().setUp()
        self.counted: list[int] = []
        self.noting: list[Deferred[None]] = []
        downloaded = self.domain.publishing.exports.downloaded

        async def noted(*args: Any) -> None:
            done: Deferred[None] = Deferred()
            self.noting.append(done)
            await downloaded(*args)
            done.callback(None)

        self.patch(self.domain.publishing.exports, "downloaded", noted)
        zips = self.domain.publishing.downloads(identity=self.domain.identity, count=self.counted.append)
        open_rooms(self._listening.factory, attrs.evolve(self.domain.rooms(), portfolios=zips))
        self.number = await self.make("shop/chair.png", "shop/old chair.png", human_id="spring", public_access=20)
        self.export = await self.publish(self.number)
        self.address = f"/portfolios/spring/downloads/{self.export['filename']}"

    async def downloads(self) -> int:
        """How many downloads the history tells of. It is begun to be told before a client has its answer."""
        while self.noting:
            await self.noting.pop()
        return self.events(self.number).count(5)

    async def test_a_zip_is_an_attachment_that_may_be_kept(self) -> None:
        reply = await self.get(self.address)
        self.assertEqual((reply.status, len(reply.body)), (200, self.export["filesize"]))
        self.assertEqual(reply.headers["content-type"], "application/zip")
        self.assertTrue(reply.headers["content-disposition"].startswith("attachment;"))
        self.assertEqual(reply.headers["cache-control"], "public, max-age=31536000")
        self.assertEqual(reply.headers["accept-ranges"], "bytes")
        with zipfile.ZipFile(io.BytesIO(reply.body)) as made:
            self.assertEqual(made.namelist(), ["chair.png", "old chair.png"])
            self.assertEqual(made.read("chair.png"), (self.root / "shop/chair.png").read_bytes())
        self.assertEqual(await self.downloads(), 1)
        self.assertEqual(self.counted, [self.export["filesize"]])

    async def test_a_private_one_is_for_the_caches_of_its_visitors_only(self) -> None:
        self.sql("update foliopermissions set access = 20 where group_id = 2")
        self.sql("update foliopermissions set access = 10 where group_id = 1")
        self.assertEqual((await self.get(self.address)).status, 403)
        reply = await self.get(self.address, token=self.stranger)
        self.assertEqual((reply.status, reply.headers["cache-control"]), (200, "private, max-age=31536000"))
        self.assertIn("Cookie", reply.headers["vary"])

    async def test_it_is_kept_no_longer_than_it_lives(self) -> None:
        self.sql("update folioexports set keep_until = now() + interval '1 hour'")
        seconds = int((await self.get(self.address)).headers["cache-control"].partition("max-age=")[2])
        self.assertTrue(3500 < seconds <= 3600, seconds)
        self.sql("update folioexports set keep_until = now()")
        self.assertEqual((await self.get(self.address)).status, 404)

    async def test_parts_and_repeated_looks_leave_no_trace(self) -> None:
        whole = (await self.get(self.address)).body
        count = await self.downloads()
        tag = (await self.get(self.address, method="HEAD")).headers["etag"]
        for headers, status, body in (
            ({"Range": "bytes=0-9"}, 206, whole[:10]),
            ({"Range": "bytes=-5"}, 206, whole[-5:]),
            ({"Range": "bytes=99999999-"}, 416, None),
            ({"If_None_Match": tag}, 304, b""),
            ({"If_Match": '"other"'}, 412, None),
            ({"Range": "bytes=0-9", "If_Range": tag}, 206, whole[:10]),
        ):
            reply = await self.get(self.address, **headers)
            self.assertEqual(reply.status, status, headers)
            if body is not None:
                self.assertEqual(reply.body, body)
        self.assertEqual(await self.downloads(), count)
        self.assertEqual((await self.get(self.address, Range="bytes=0-")).body, whole)
        self.assertEqual((await self.get(self.address, Range="bytes=0-9", If_Range='"other"')).status, 200)
        self.assertEqual(await self.downloads(), count + 2)

    async def test_other_names_are_not_found(self) -> None:
        for address in (
            f"/portfolios/none/downloads/{self.export['filename']}",
            "/portfolios/spring/downloads/" + "0" * 32 + ".zip",
            "/portfolios/spring/downloads/..%2F..%2Fshop%2Fchair.png",
            f"{self.address}/",
            f"{self.address}%00",
        ):
            self.assertIn((await self.get(address)).status, (400, 404), address)
        self.assertEqual(await self.downloads(), 0)
        self.assertEqual((await self.get(self.address, method="POST")).status, 405)
