"""Portfolios as a whole, and their images, against a real database."""

from __future__ import annotations

from typing import Any

import attrs
from twisted.internet.defer import Deferred, DeferredList

from qisd.access.visitor import SYSTEM, Visitor
from qisd.errors import AlreadyExists, BadParameter, Forbidden, NotFound, OutOfDate, Refused
from qisd.portfolios.permissions import Access
from qisd.portfolios.portfolios import Header
from qisd.store.portfolio_history import Action
from tests.integration.portfolio_case import STAFF, PortfolioCase

HEADER = Header(human_id=None, name="Spring", description="", internal_access=0, public_access=0)


class HeaderTests(PortfolioCase):
    """Making, changing and deleting."""

    async def test_a_new_one_belongs_to_its_maker_and_has_rows_for_everybody(self) -> None:
        made = await self.make("spring", internal=10)
        portfolio = made.portfolio
        self.assertEqual((portfolio.human_id, portfolio.name, portfolio.version), ("spring", "Spring", 1))
        self.assertEqual(portfolio.owner_id, self.anna.user_id)
        self.assertEqual([(row.group_id, row.access) for row in portfolio.permissions], [(1, 0), (2, 10)])
        self.assertEqual([(event.action, event.user_id) for event in made.history], [(1, self.anna.user_id)])
        self.assertEqual((list(made.images.images), list(made.exports), made.owned), ([], [], True))

    async def test_a_blank_human_id_becomes_a_random_one(self) -> None:
        first, second = await self.make(" "), await self.make("")
        self.assertGreaterEqual(len(first.portfolio.human_id), 15)
        self.assertNotEqual(first.portfolio.human_id, second.portfolio.human_id)

    async def test_a_human_id_is_given_once(self) -> None:
        await self.make("spring")
        with self.assertRaises(AlreadyExists) as raised:
            await self.make("spring")
        self.assertIn("already exists", raised.exception.message)
        await self.make("Spring")
        made = await self.make("other")
        with self.assertRaises(AlreadyExists):
            await self.portfolios.update(self.anna, made.portfolio.id, attrs.evolve(HEADER, human_id="spring"))

    async def test_of_two_who_want_the_same_human_id_at_once_one_gets_it(self) -> None:
        results = await DeferredList(
            [Deferred.fromCoroutine(self.make("spring")) for _ in range(5)], consumeErrors=True
        )
        self.assertEqual(sum(success for success, _ in results), 1)
        for success, failure in results:
            if not success:
                self.assertIsInstance(failure.value, AlreadyExists)

    async def test_only_those_who_may_have_portfolios_make_one(self) -> None:
        for visitor in (self.bert, self.anyone):
            with self.assertRaises(Forbidden) as raised:
                await self.make(by=visitor)
            self.assertEqual(raised.exception.message, "Portfolio permission is required")
        await self.make(by=self.chief)
        with self.assertRaises(Refused):
            await self.make(by=SYSTEM)

    async def test_what_can_not_be_kept_is_refused(self) -> None:
        for parameter, value in (
            ("human_id", "a/b"),
            ("human_id", "a\nb"),
            ("name", "x" * 256),
            ("name", "a\0b"),
            ("description", "x" * 5121),
            ("description", "\ud800"),
            ("internal_access", 15),
            ("public_access", 30),
            ("public_access", -1),
        ):
            header = attrs.evolve(HEADER, **{parameter: value})
            with self.assertRaises(BadParameter, msg=f"{parameter} {value!r}") as raised:
                await self.portfolios.create(self.anna, header)
            self.assertEqual(raised.exception.parameter, parameter)
        self.assertEqual(self.sql("select count(*) from folios"), [(0,)])

    async def test_texts_come_back_as_they_were(self) -> None:
        name, description = "Frühling ' \" \\ % 🌷", "one\ntwo\t'; drop table folios; --"
        made = await self.portfolios.create(self.anna, attrs.evolve(HEADER, name=name, description=description))
        found = await self.portfolios.one(self.anna, made.portfolio.id)
        self.assertEqual((found.portfolio.name, found.portfolio.description), (name, description))

    async def test_a_change_says_in_the_history_what_is_other_now(self) -> None:
        number = (await self.make("spring")).portfolio.id
        before = self.last_updated(number)
        header = Header(human_id="summer", name="Summer", description="Sun", internal_access=20, public_access=10)
        changed = await self.portfolios.update(self.anna, number, header)
        self.assertEqual(
            self.history(number)[1:],
            [(2, "Short url changed, name changed, description changed, permissions changed", self.anna.user_id)],
        )
        self.assertEqual([row.access for row in changed.portfolio.permissions], [10, 20])
        self.assertEqual((changed.portfolio.human_id, changed.portfolio.name), ("summer", "Summer"))
        self.assertEqual(self.last_updated(number), before)
        await self.portfolios.update(self.anna, number, attrs.evolve(header, public_access=0))
        self.assertEqual(self.history(number)[2:], [(2, "Permissions changed", self.anna.user_id)])

    async def test_saying_the_same_again_changes_nothing(self) -> None:
        made = await self.make("spring")
        again = await self.portfolios.update(self.anna, made.portfolio.id, attrs.evolve(HEADER, human_id="spring"))
        self.assertEqual(again.portfolio, made.portfolio)
        self.assertEqual(len(self.history(made.portfolio.id)), 1)

    async def test_a_change_without_human_id_keeps_it_and_a_blank_one_makes_another(self) -> None:
        number = (await self.make("spring")).portfolio.id
        kept = await self.portfolios.update(self.anna, number, HEADER)
        self.assertEqual(kept.portfolio.human_id, "spring")
        other = await self.portfolios.update(self.anna, number, attrs.evolve(HEADER, human_id=" "))
        self.assertGreaterEqual(len(other.portfolio.human_id), 15)

    async def test_a_version_that_is_not_the_present_one_stops_a_change(self) -> None:
        made = await self.make("spring")
        number, seen = made.portfolio.id, made.portfolio.version
        renamed = attrs.evolve(HEADER, name="Summer")
        changed = await self.portfolios.update(self.anna, number, renamed, expected_version=seen)
        self.assertGreater(changed.portfolio.version, seen)
        for attempt in (
            self.portfolios.update(self.anna, number, HEADER, expected_version=seen),
            self.portfolios.delete(self.anna, number, expected_version=seen),
            self.portfolios.update(self.anna, number, HEADER, owner_id=self.carl.user_id, expected_version=seen),
        ):
            with self.assertRaises(OutOfDate):
                await attempt

    async def test_permissions_alone_are_another_version(self) -> None:
        made = await self.make("spring")
        changed = await self.portfolios.update(self.anna, made.portfolio.id, attrs.evolve(HEADER, public_access=10))
        self.assertGreater(changed.portfolio.version, made.portfolio.version)

    async def test_it_is_given_away_by_its_owner_or_an_administrator(self) -> None:
        number = (await self.make("spring", public=20)).portfolio.id
        header = attrs.evolve(HEADER, public_access=20)
        carl = self.carl.user_id or 0
        for visitor in (self.bert, self.anyone, self.carl):
            with self.assertRaises(Forbidden):
                await self.portfolios.update(visitor, number, header, owner_id=carl)
        for nobody in (999_999, 0, -1):
            with self.assertRaises(BadParameter):
                await self.portfolios.update(self.anna, number, header, owner_id=nobody)
        seen = await self.portfolios.update(self.anna, number, header, owner_id=carl)
        self.assertEqual((seen.portfolio.owner_id, seen.owned), (carl, False))
        self.assertEqual(self.history(number)[1:], [(2, "Owner changed", self.anna.user_id)])
        with self.assertRaises(Forbidden):
            await self.portfolios.update(self.anna, number, header)
        private = attrs.evolve(header, public_access=0)
        await self.portfolios.update(self.carl, number, private, owner_id=self.bert.user_id)
        with self.assertRaises(Forbidden):
            await self.portfolios.one(self.carl, number)
        await self.portfolios.update(self.chief, number, private, owner_id=carl)
        self.assertEqual(
            self.sql("select action, object_id, before, after from audit_log order by id")[0],
            ("portfolio.changed", str(number), {"owner_id": self.anna.user_id}, {"owner_id": carl}),
        )

    async def test_who_may_change_or_delete_it_may_not_give_it_away(self) -> None:
        number = (await self.make("spring")).portfolio.id
        self.sql("insert into foliopermissions (folio_id, group_id, access) values (%s, %s, 50)", number, STAFF)
        staff = attrs.evolve(self.bert, account=attrs.evolve(self.bert.account, groups=frozenset({STAFF})))
        with self.assertRaises(Forbidden):
            await self.portfolios.update(staff, number, HEADER, owner_id=staff.user_id)
        await self.portfolios.update(staff, number, HEADER, owner_id=self.anna.user_id)
        await self.portfolios.delete(staff, number)

    async def test_a_deleted_one_is_gone_with_all_that_it_had_and_the_audit_log_remembers(self) -> None:
        number = await self.make_with(human_id="spring")
        await self.ready(number)
        self.assertEqual(len(self.on_disk()), 2)
        await self.portfolios.delete(self.anna, number)
        for table in ("folios", "folioimages", "foliopermissions", "foliosaudit", "folioexports"):
            self.assertEqual(self.sql(f"select count(*) from {table}"), [(0,)], table)
        self.assertEqual(self.on_disk(), [])
        [entry] = self.sql("select actor_name, object_id, before from audit_log where action = 'portfolio.deleted'")
        self.assertEqual(entry[:2], ("anna", str(number)))
        self.assertEqual(entry[2]["human_id"], "spring")
        with self.assertRaises(NotFound):
            await self.portfolios.delete(self.anna, number)

    async def test_a_user_can_not_vanish_under_a_portfolio(self) -> None:
        number = (await self.make("spring")).portfolio.id
        self.sql("update users set status = 0 where username = 'anna'")
        await self.portfolios.update(self.chief, number, attrs.evolve(HEADER, name="Taken over"))


class VisibilityTests(PortfolioCase):
    """Who sees what."""

    async def names(self, visitor: Visitor, **options: Any) -> list[str]:
        listing = await self.portfolios.listed(visitor, **options)
        return [item.portfolio.human_id for item in listing.items]

    async def test_lists_hold_what_the_visitor_may_see_by_name(self) -> None:
        await self.make("private", name="c")
        await self.make("internal", name="B", internal=10)
        await self.make("public", name="a", public=20)
        await self.make("carls", name="d", by=self.carl)
        number = (await self.make("staff", name="e", by=self.carl)).portfolio.id
        self.sql("insert into foliopermissions (folio_id, group_id, access) values (%s, %s, 10)", number, STAFF)
        self.assertEqual(await self.names(self.anyone), ["public"])
        self.assertEqual(await self.names(self.bert), ["public", "internal"])
        self.assertEqual(await self.names(self.anna), ["public", "internal", "private", "staff"])
        self.assertEqual(await self.names(self.carl), ["public", "internal", "carls", "staff"])
        for visitor in (self.chief, SYSTEM):
            self.assertEqual(await self.names(visitor), ["public", "internal", "private", "carls", "staff"])
        for visitor in (self.anyone, self.bert, self.anna, self.carl, self.chief):
            self.assertEqual(
                {item.portfolio.id for item in (await self.portfolios.listed(visitor)).items},
                {number for number in self.all_ids() if await self.may_see(visitor, number)},
            )

    def all_ids(self) -> list[int]:
        return [row[0] for row in self.sql("select id from folios")]

    async def may_see(self, visitor: Visitor, number: int) -> bool:
        try:
            await self.portfolios.one(visitor, number)
        except Forbidden:
            return False
        return True

    async def test_lists_can_be_cut_searched_and_sorted(self) -> None:
        for number, name in enumerate(("100%", "1000", "a_b", "aXb", "Ärger")):
            await self.make(f"id{number}", name=name)
        self.assertEqual(await self.names(self.anna, order="-id"), ["id4", "id3", "id2", "id1", "id0"])
        self.assertEqual(await self.names(self.anna, text="0%"), ["id0"])
        self.assertEqual(await self.names(self.anna, text="A_B"), ["id2"])
        self.assertEqual(await self.names(self.anna, text="ärger"), ["id4"])
        self.assertEqual(await self.names(self.anna, text="ID3"), ["id3"])
        self.assertEqual(await self.names(self.anna, text="\\"), [])
        part = await self.portfolios.listed(self.anna, order="id", start=1, limit=2)
        self.assertEqual(([item.portfolio.human_id for item in part.items], part.total), (["id1", "id2"], 5))
        for start, limit, total in ((0, None, 5), (3, None, 5), (9, None, 5), (0, 5, 5), (4, 3, 5)):
            part = await self.portfolios.listed(self.anna, start=start, limit=limit)
            self.assertEqual(part.total, total, (start, limit))
        for bad in ({"order": "owner_id; drop table folios"}, {"text": "a\0b"}, {"text": "x" * 256}):
            with self.assertRaises(BadParameter):
                await self.portfolios.listed(self.anna, **bad)

    async def test_by_its_id_it_is_missing_or_forbidden_or_there(self) -> None:
        number = (await self.make("spring", internal=10)).portfolio.id
        for missing in (0, number + 1, 2**63 - 1):
            with self.assertRaises(NotFound):
                await self.portfolios.one(self.anna, missing)
        with self.assertRaises(Forbidden) as raised:
            await self.portfolios.one(self.anyone, number)
        self.assertEqual(raised.exception.message, "View permission is required for portfolio spring")
        self.assertEqual((await self.portfolios.one(self.bert, number)).portfolio.id, number)

    async def test_by_the_id_in_its_address_likewise(self) -> None:
        await self.make("Blütezeit", public=10)
        self.assertEqual((await self.portfolios.by_human_id(self.anyone, "Blütezeit")).portfolio.name, "Spring")
        for missing in ("blütezeit", "", "a\0b", "x" * 5000):
            with self.assertRaises(NotFound):
                await self.portfolios.by_human_id(self.anna, missing)
        await self.make("private")
        with self.assertRaises(Forbidden):
            await self.portfolios.by_human_id(self.anyone, "private")

    async def test_changes_ask_for_the_right_to_edit_or_delete(self) -> None:
        number = await self.make_with(internal=20, public=20)
        for visitor in (self.bert, self.anyone, self.files_admin):
            for attempt in (
                self.portfolios.update(visitor, number, HEADER),
                self.portfolios.delete(visitor, number),
                self.images.add(visitor, number, image_src="logo.png"),
                self.images.change(visitor, number, 1, index=3),
                self.images.remove(visitor, number, 1),
                self.images.move(visitor, number, 1, 0),
                self.publish(number, by=visitor),
                self.exports.unpublish(visitor, number, 1),
            ):
                with self.assertRaises(Forbidden):
                    await attempt
        await self.portfolios.check(self.bert, number, Access.DOWNLOAD)
        await self.portfolios.update(self.chief, number, HEADER)

    async def test_a_group_that_may_edit_edits_but_does_not_delete(self) -> None:
        number = await self.make_with()
        self.sql("insert into foliopermissions (folio_id, group_id, access) values (%s, %s, 30)", number, STAFF)
        staff = attrs.evolve(self.bert, account=attrs.evolve(self.bert.account, groups=frozenset({STAFF})))
        await self.portfolios.update(staff, number, attrs.evolve(HEADER, name="Edited"))
        await self.images.add(staff, number, image_src="logo.png")
        ordered = await self.publish(number, by=staff)
        self.assertEqual(await self.exports.one(staff, number, ordered.id), ordered)
        with self.assertRaises(Forbidden) as raised:
            await self.portfolios.delete(staff, number)
        self.assertIn("Delete permission", raised.exception.message)

    async def test_others_than_the_owner_do_not_see_who_did_it_nor_what_they_should_not_know(self) -> None:
        number = await self.make_with("shop/chair.png", "shop/table.png", human_id="spring", public=10)
        self.sql("delete from folioimages where image_id = (select id from images where src = 'shop/table.png')")
        await self.ready(number)
        download = await self.exports.download(self.anna, "spring", await self.zip_name(number))
        download.stream.close()
        await self.exports.downloaded(self.anna, download)
        seen = await self.portfolios.one(self.anyone, number)
        self.assertEqual({event.user_id for event in seen.history}, {None})
        infos = [(event.action, event.action_info) for event in seen.history]
        self.assertEqual(infos[:3], [(1, ""), (3, "shop/chair.png added"), (3, "")])
        self.assertEqual(infos[-1], (Action.DOWNLOADED, ""))
        own = await self.portfolios.one(self.anna, number)
        self.assertEqual(own.history[2].action_info, "shop/table.png added")
        self.assertEqual(own.history[-1].action_info, await self.zip_name(number))
        self.assertEqual({event.user_id for event in own.history}, {self.anna.user_id})

    async def zip_name(self, number: int) -> str:
        return (await self.exports.listed(self.anna, number))[0].filename

    async def test_images_in_closed_folders_are_left_out_and_counted(self) -> None:
        number = await self.make_with("shop/chair.png", public=10)
        await self.images.add(self.opened(self.anna), number, image_src="secret/plan.png")
        for visitor in (self.anyone, self.anna, self.chief):
            seen = await self.portfolios.one(visitor, number)
            self.assertEqual([one.image.src for one in seen.images.images], ["shop/chair.png"])
            self.assertEqual(seen.images.hidden, 1)
            listed = await self.images.listed(visitor, number)
            self.assertEqual((len(listed.images), listed.hidden), (1, 1))
        seen = await self.portfolios.one(self.opened(self.anna), number)
        self.assertEqual((len(seen.images.images), seen.images.hidden), (2, 0))
        self.assertEqual(seen.images.images[1].folder.path, "/secret")  # type: ignore[union-attr]

    def opened(self, visitor: Visitor) -> Visitor:
        return self.seen_by(visitor, secret={1: 0, 2: 20, STAFF: 20})


class ImageTests(PortfolioCase):
    """The images of a portfolio."""

    async def order(self, number: int) -> list[str]:
        return [one.image.src for one in (await self.images.listed(self.anna, number)).images]

    async def test_an_image_is_added_by_its_path_or_its_id(self) -> None:
        number = (await self.make()).portfolio.id
        first = await self.images.add(self.anna, number, image_src="/shop//chair.png")
        self.assertEqual((first.image.src, first.entry.filename, first.entry.order_num), ("shop/chair.png", "", 0))
        self.assertEqual((dict(first.entry.parameters), first.entry.folio_id), ({}, number))
        table = await self.library.image("shop/table.png")
        second = await self.images.add(
            self.anna,
            number,
            image_id=table.id,
            filename="desk.png",
            index=-5,
            parameters={"width": {"value": 20}, "format": {"value": "JPG"}, "height": {"value": None}},
        )
        self.assertEqual(second.entry.parameters, {"width": {"value": 20}, "format": {"value": "jpg"}})
        self.assertEqual(await self.order(number), ["shop/table.png", "shop/chair.png"])
        self.assertEqual(
            self.history(number)[1:],
            [(3, "shop/chair.png added", self.anna.user_id), (3, "shop/table.png added", self.anna.user_id)],
        )

    async def test_exactly_one_of_both_must_be_given(self) -> None:
        number = (await self.make()).portfolio.id
        for given in ({}, {"image_id": 1, "image_src": "shop/chair.png"}):
            with self.assertRaises(BadParameter):
                await self.images.add(self.anna, number, **given)

    async def test_an_image_is_in_it_once(self) -> None:
        number = await self.make_with("shop/chair.png")
        before = self.last_updated(number)
        with self.assertRaises(AlreadyExists) as raised:
            await self.images.add(self.anna, number, image_src="shop/chair.png")
        self.assertIn("already exists", raised.exception.message)
        self.assertEqual((len(self.history(number)), self.last_updated(number)), (2, before))

    async def test_what_is_not_there_is_not_found(self) -> None:
        number = await self.make_with("shop/chair.png")
        gone = await self.library.image("shop/table.png")
        self.sql("update images set status = 0 where id = %s", gone.id)
        unlinked = await self.library.image("logo.png")
        (self.root / "logo.png").unlink()
        for given in (
            {"image_id": 999_999},
            {"image_id": 0},
            {"image_id": gone.id},
            {"image_id": unlinked.id},
            {"image_src": "shop/none.png"},
            {"image_src": "shop/.hidden.png"},
            {"image_src": "shop"},
        ):
            with self.assertRaises((NotFound, BadParameter), msg=str(given)):
                await self.images.add(self.anna, number, **given)
        with self.assertRaises(NotFound):
            await self.images.add(self.anna, number + 1, image_src="shop/chair.png")

    async def test_a_closed_folder_is_forbidden_whether_or_not_the_image_exists(self) -> None:
        number = await self.make_with("shop/chair.png")
        plan = await self.library.image("secret/plan.png")
        for given in (
            {"image_src": "secret/plan.png"},
            {"image_src": "secret/none.png"},
            {"image_src": "shop/../secret/plan.png"},
            {"image_src": "../outside.png"},
            {"image_id": plan.id},
        ):
            with self.assertRaises(Forbidden, msg=str(given)):
                await self.images.add(self.anna, number, **given)

    async def test_what_can_not_be_kept_is_refused(self) -> None:
        number = await self.make_with("shop/chair.png")
        image_id = (await self.images.listed(self.anna, number)).images[0].image.id
        for given, parameter in (
            ({"filename": "a/b.jpg"}, "filename"),
            ({"filename": "x" * 256}, "filename"),
            ({"index": 1_000_000}, "index"),
            ({"index": -1_000_000}, "index"),
            ({"parameters": 7}, "image_parameters"),
            ({"parameters": {"filename": {"value": "b.jpg"}}}, "image_parameters"),
            ({"parameters": {"width": {"value": -1}}}, "width"),
        ):
            for attempt in (
                self.images.add(self.anna, number, image_src="logo.png", **given),
                self.images.change(self.anna, number, image_id, **given),
            ):
                with self.assertRaises(BadParameter, msg=str(given)) as raised:
                    await attempt
                self.assertEqual(raised.exception.parameter, parameter)
        for src in ("a.b", "x" * 1025, "sho\0p.png"):
            with self.assertRaises(BadParameter):
                await self.images.add(self.anna, number, image_src=src)

    async def test_a_change_leaves_alone_what_is_not_given(self) -> None:
        number = await self.make_with("shop/chair.png", "shop/table.png")
        image_id = (await self.images.listed(self.anna, number)).images[0].image.id
        await self.images.change(self.anna, number, image_id, parameters={"width": {"value": 20}})
        changed = await self.images.change(self.anna, number, image_id, filename="seat.png")
        self.assertEqual((changed.entry.parameters, changed.entry.filename), ({"width": {"value": 20}}, "seat.png"))
        changed = await self.images.change(self.anna, number, image_id, index=7, filename="")
        self.assertEqual((changed.entry.order_num, changed.entry.filename), (7, ""))
        self.assertEqual(await self.order(number), ["shop/table.png", "shop/chair.png"])
        self.assertEqual(
            [info for _, info, _ in self.history(number)[3:]],
            [
                "shop/chair.png updated: parameters",
                "shop/chair.png updated: file name",
                "shop/chair.png updated: file name, order",
            ],
        )

    async def test_the_same_again_is_no_change(self) -> None:
        number = await self.make_with("shop/chair.png")
        shown = (await self.images.listed(self.anna, number)).images[0]
        before = self.last_updated(number)
        again = await self.images.change(
            self.anna, number, shown.image.id, filename="", index=0, parameters={"width": {"value": None}}
        )
        self.assertEqual(again.entry, shown.entry)
        self.assertEqual((len(self.history(number)), self.last_updated(number)), (2, before))

    async def test_a_version_that_is_not_the_present_one_stops_a_change(self) -> None:
        number = await self.make_with("shop/chair.png")
        shown = (await self.images.listed(self.anna, number)).images[0]
        changed = await self.images.change(
            self.anna, number, shown.image.id, index=1, expected_version=shown.entry.version
        )
        self.assertGreater(changed.entry.version, shown.entry.version)
        for attempt in (
            self.images.change(self.anna, number, shown.image.id, index=2, expected_version=shown.entry.version),
            self.images.remove(self.anna, number, shown.image.id, expected_version=shown.entry.version),
        ):
            with self.assertRaises(OutOfDate):
                await attempt

    async def test_last_updated_moves_with_the_content_only(self) -> None:
        number = await self.make_with("shop/chair.png", "shop/table.png")
        chair, table = [one.image.id for one in (await self.images.listed(self.anna, number)).images]
        moments = [self.last_updated(number)]
        for changes, work in (
            (False, self.images.change(self.anna, number, chair, index=3)),
            (False, self.images.move(self.anna, number, chair, 0)),
            (False, self.portfolios.update(self.anna, number, attrs.evolve(HEADER, name="x"))),
            (True, self.images.change(self.anna, number, chair, filename="a.png")),
            (True, self.images.change(self.anna, number, chair, parameters={"width": {"value": 9}})),
            (True, self.images.add(self.anna, number, image_src="logo.png")),
            (True, self.images.remove(self.anna, number, table)),
        ):
            await work
            moments.append(self.last_updated(number))
            self.assertEqual(moments[-1] > moments[-2], changes, len(moments))

    async def test_a_purged_image_and_a_changed_file_count_as_changed_content(self) -> None:
        number = await self.make_with("shop/chair.png", "shop/table.png")
        before = self.last_updated(number)
        await self.library.image("shop/chair.png")
        self.assertEqual(self.last_updated(number), before)
        self.sql("update images set title = 'Chair' where src = 'shop/chair.png'")
        self.assertEqual(self.last_updated(number), before)
        (self.root / "shop/chair.png").write_bytes((self.root / "shop/chair.png").read_bytes() + b"\0")
        await self.library.image("shop/chair.png")
        changed = self.last_updated(number)
        self.assertGreater(changed, before)
        self.sql("delete from images where src = 'shop/chair.png'")
        self.assertGreater(self.last_updated(number), changed)
        self.assertEqual(await self.order(number), ["shop/table.png"])

    async def test_a_removed_image_is_out_of_it_even_if_its_folder_has_been_closed(self) -> None:
        number = await self.make_with("shop/chair.png", "shop/table.png")
        chair, table = [one.image.id for one in (await self.images.listed(self.anna, number)).images]
        await self.images.remove(self.anna, number, chair)
        self.assertEqual(await self.order(number), ["shop/table.png"])
        self.assertEqual(self.history(number)[-1], (3, "shop/chair.png removed", self.anna.user_id))
        with self.assertRaises(NotFound) as raised:
            await self.images.remove(self.anna, number, chair)
        self.assertEqual(raised.exception.message, f"{number}/{chair}")
        closed = self.seen_by(self.anna, shop={1: 0, 2: 0, STAFF: 0})
        for attempt in (
            self.images.one(closed, number, table),
            self.images.change(closed, number, table, index=1),
            self.images.move(closed, number, table, 1),
        ):
            with self.assertRaises(NotFound):
                await attempt
        await self.images.remove(closed, number, table)
        self.assertEqual(await self.order(number), [])

    async def test_a_place_is_brought_into_range_and_all_are_numbered_anew(self) -> None:
        srcs = ["shop/chair.png", "shop/table.png", "shop/old/chair.png", "logo.png"]
        number = await self.make_with(*srcs)
        ids = {one.image.src: one.image.id for one in (await self.images.listed(self.anna, number)).images}
        for src, index, expected in (
            ("logo.png", 1, [0, 3, 1, 2]),
            ("logo.png", -7, [3, 0, 1, 2]),
            ("logo.png", 99, [0, 1, 2, 3]),
            ("shop/chair.png", 2, [1, 2, 0, 3]),
            ("shop/chair.png", 2, [1, 2, 0, 3]),
        ):
            shown = await self.images.move(self.anna, number, ids[src], index)
            self.assertEqual([one.image.src for one in shown.images], [srcs[place] for place in expected])
            self.assertEqual([one.entry.order_num for one in shown.images], [0, 1, 2, 3])
        moves = [info for action, info, _ in self.history(number) if "moved" in info]
        self.assertEqual(
            moves,
            [
                "logo.png moved to position 2",
                "logo.png moved to position 1",
                "logo.png moved to position 4",
                "shop/chair.png moved to position 3",
            ],
        )

    async def test_many_moves_at_once_lose_no_image(self) -> None:
        srcs = ["shop/chair.png", "shop/table.png", "shop/old/chair.png", "logo.png"]
        number = await self.make_with(*srcs)
        ids = [one.image.id for one in (await self.images.listed(self.anna, number)).images]
        await DeferredList(
            [
                Deferred.fromCoroutine(self.images.move(self.anna, number, image_id, place))
                for place in (3, 0, 2)
                for image_id in ids
            ],
            fireOnOneErrback=True,
        )
        shown = (await self.images.listed(self.anna, number)).images
        self.assertEqual(sorted(one.image.src for one in shown), sorted(srcs))
        self.assertEqual([one.entry.order_num for one in shown], [0, 1, 2, 3])

    async def test_one_is_found_by_the_id_of_the_image(self) -> None:
        number = await self.make_with("shop/chair.png", public=10)
        image_id = (await self.images.listed(self.anna, number)).images[0].image.id
        self.assertEqual((await self.images.one(self.anyone, number, image_id)).image.src, "shop/chair.png")
        with self.assertRaises(NotFound):
            await self.images.one(self.anna, number, image_id + 1)
