"""Templates and properties on a real database."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import DeferredList

from qisd.accounts.properties import Properties
from qisd.accounts.templates import Templates
from qisd.errors import AlreadyExists, BadParameter, Forbidden, NotAuthenticated, NotFound, OutOfDate, Refused
from qisd.imaging.rules import Choices
from qisd.imaging.template import parse_template
from tests.integration.accounts import COMMAND, NASTY, AccountsCase, together

IDS_OF_NOTHING = (0, -1, 4711, 2**31, 2**63, 10**30)
DEFAULT, SMALL, PRECACHE = 1, 2, 3
CHOICES = Choices(
    max_dimension=10_000, max_grid_tiles=256, write_formats=frozenset({"jpg", "png"}), profiles=frozenset({"srgb"})
)
BAD_DOCUMENTS: tuple[Any, ...] = (
    [],
    [1],
    1,
    None,
    "{}",
    {"width": 1},
    {"width": {}},
    {"width": {"value": "1"}},
    {"width": {"value": 1.5}},
    {"width": {"value": True}},
    {"width": {"value": -1}},
    {"width": {"value": 10**30}},
    {"top": {"value": float("nan")}},
    {"strip": {"value": 1}},
    {"format": {"value": "exe"}},
    {"format": {"value": 7}},
    {"unknown": {"value": 1}},
    {"src": {"value": "a.jpg"}},
    {"xref": {"value": "a"}},
    {"tile": {"value": [1, 5]}},
    {"overlay_src": {"value": "a\0.png"}},
)


class TemplatesCase(AccountsCase):
    async def setUp(self) -> None:
        await super().setUp()
        self.templates = Templates(
            self.database, self.changes, parse=lambda document: parse_template(document, CHOICES)
        )
        self.properties = Properties(self.database, self.changes)

    async def create(self, name: str, document: Any = None, description: str = "") -> Any:
        return await self.templates.create(COMMAND, name=name, description=description, document=document or {})

    async def update(self, number: int, name: str, document: Any = None, **more: Any) -> Any:
        return await self.templates.update(COMMAND, number, name=name, description="", document=document or {}, **more)

    def default(self) -> str:
        return str(self.sql("select value from properties where key = 'pubimage_default_template'")[0][0])


class ReadingTests(TemplatesCase):
    async def test_everybody_who_has_logged_in_may_read(self) -> None:
        maria = await self.visitor((await self.user("maria")).id)
        part = await self.templates.listed(maria)
        self.assertEqual([one.name for one in part.items], ["Default", "Precache", "SmallJpeg"])
        self.assertEqual((await self.templates.get(maria, SMALL)).document["width"], {"value": 200})
        await self.fails(NotAuthenticated, self.templates.listed(await self.visitor(None)))
        await self.fails(NotAuthenticated, self.templates.get(await self.visitor(None), SMALL))

    async def test_lists_are_searched_sorted_and_cut(self) -> None:
        await self.create("zebra", description="100% striped")
        listed = self.templates.listed
        self.assertEqual([one.id for one in (await listed(COMMAND, sort="-id")).items], [4, 3, 2, 1])
        self.assertEqual([one.id for one in (await listed(COMMAND, start=1, limit=1)).items], [PRECACHE])
        for q in ("ZEBRA", "0% S"):
            self.assertEqual([one.id for one in (await listed(COMMAND, q=q)).items], [4], q)
        self.assertEqual((await listed(COMMAND, q=NASTY)).total, 0)
        await self.fails(BadParameter, listed(COMMAND, sort="template"))

    async def test_an_id_of_nothing_is_not_found(self) -> None:
        for nothing in IDS_OF_NOTHING:
            await self.fails(NotFound, self.templates.get(COMMAND, nothing), str(nothing))
            await self.fails(NotFound, self.update(nothing, "x"), str(nothing))
            await self.fails(NotFound, self.templates.delete(COMMAND, nothing), str(nothing))


class WritingTests(TemplatesCase):
    async def test_only_super_users_write(self) -> None:
        maria = await self.user("maria", "admin_users", "admin_files", "admin_permissions", "admin_folios")
        before = self.everything()
        for visitor, error in ((await self.visitor(None), NotAuthenticated), (await self.visitor(maria.id), Forbidden)):
            fields: dict[str, Any] = {"name": "", "description": "", "document": []}
            await self.fails(error, self.templates.create(visitor, **fields))
            await self.fails(error, self.templates.update(visitor, 4711, **fields))
            await self.fails(error, self.templates.delete(visitor, 4711))
        self.assertEqual(self.everything(), before)

    async def test_only_what_says_something_is_kept_in_its_standard_form(self) -> None:
        document = {
            "format": {"value": "JPG"},
            "overlay_src": {"value": "Logos/Mine.PNG"},
            "top": {"value": 0.123456789},
            "left": {"value": 0.5},
            "width": {"value": 320.0},
            "height": {"value": None},
            "flip": {"value": ""},
            "strip": {"value": False},
            "tile": {"value": [1, 4]},
            "filename": {"value": "x"},
            "template": {"value": "y"},
        }
        made = await self.templates.create(await self.visitor(1), name=" Teaser ", description=" d", document=document)
        kept = {
            "format": {"value": "jpg"},
            "overlay_src": {"value": "Logos/Mine.PNG"},
            "top": {"value": 0.12346},
            "left": {"value": 0.5},
            "width": {"value": 320},
            "strip": {"value": False},
            "tile": {"value": [1, 4]},
        }
        self.assertEqual((made.name, made.description, made.document), ("Teaser", " d", kept))
        self.assertEqual(await self.templates.get(COMMAND, made.id), made)
        after = {"name": "Teaser", "description": " d", "template": kept}
        self.assertEqual(self.audit(), [(1, "template.created", str(made.id), None, after)])

    async def test_values_are_checked(self) -> None:
        before = self.everything()
        for document in BAD_DOCUMENTS:
            await self.fails(BadParameter, self.templates.create(COMMAND, name="x", description="", document=document))
            await self.fails(
                BadParameter, self.templates.update(COMMAND, SMALL, name="x", description="", document=document)
            )
        for name, description in ((" ", ""), ("x" * 121, ""), ("\0", ""), ("x", "x" * 5121), ("x", "\ud800")):
            await self.fails(BadParameter, self.create(name, description=description))
        self.assertEqual(self.everything(), before)

    async def test_a_name_is_taken_in_any_case(self) -> None:
        await self.fails(AlreadyExists, self.create("DEFAULT"), "already exists")
        await self.fails(AlreadyExists, self.update(SMALL, "precache"), "already exists")
        results = await DeferredList(together(*(self.create("x") for _ in range(4))), consumeErrors=True)
        self.assertEqual([good for good, _ in results].count(True), 1)

    async def test_texts_are_kept_as_they_are(self) -> None:
        made = await self.create(NASTY, description=NASTY)
        self.assertEqual((made.name, made.description), (NASTY.strip(), NASTY))

    async def test_a_change_replaces_and_does_not_merge(self) -> None:
        old = await self.templates.get(COMMAND, SMALL)
        new = await self.update(SMALL, "SmallJpeg", {"width": {"value": 100}})
        self.assertEqual((new.document, new.version), ({"width": {"value": 100}}, old.version + 1))
        before = self.everything()
        self.assertEqual(await self.update(SMALL, "SmallJpeg", {"width": {"value": 100}}), new)
        self.assertEqual(self.everything(), before)

    async def test_an_imported_one_that_was_not_valid_is_used_once_it_is(self) -> None:
        self.sql("update imagetemplates set disabled = true where id = %s", SMALL)
        old = await self.templates.get(COMMAND, SMALL)
        new = await self.templates.update(
            COMMAND, SMALL, name=old.name, description=old.description, document=dict(old.document)
        )
        self.assertEqual((old.disabled, new.disabled), (True, False))

    async def test_a_change_of_another_version_is_out_of_date(self) -> None:
        await self.update(SMALL, "a", expected_version=1)
        await self.fails(OutOfDate, self.update(SMALL, "b", expected_version=1))
        await self.fails(OutOfDate, self.templates.delete(COMMAND, SMALL, expected_version=1))
        await self.templates.delete(COMMAND, SMALL, expected_version=2)
        self.assertEqual(self.audit()[-1][:3], (None, "template.deleted", str(SMALL)))

    async def test_the_default_template_stays_it_under_another_name(self) -> None:
        await self.update(DEFAULT, "Standard")
        self.assertEqual(self.default(), "standard")
        await self.fails(Refused, self.templates.delete(COMMAND, DEFAULT))
        await self.update(SMALL, "Default")
        self.assertEqual(self.default(), "standard")
        await self.templates.delete(COMMAND, SMALL)

    async def test_the_chosen_default_stays(self) -> None:
        await self.properties.put(COMMAND, "pubimage_default_template", " smallJPEG ")
        await self.fails(Refused, self.templates.delete(COMMAND, SMALL), "default template")
        await self.templates.delete(COMMAND, DEFAULT)

    async def test_a_default_that_is_chosen_while_it_is_deleted_is_there_or_was_refused(self) -> None:
        for round_ in range(6):
            made = await self.create(f"t{round_}")
            work = [
                self.properties.put(COMMAND, "pubimage_default_template", made.name),
                self.templates.delete(COMMAND, made.id),
            ]
            results = await DeferredList(together(*work[:: -1 if round_ % 2 else 1]), consumeErrors=True)
            self.assertEqual([good for good, _ in results].count(True), 1)
            names = {name.lower() for (name,) in self.sql("select name from imagetemplates")}
            self.assertIn(self.default(), names)


class PropertyTests(TemplatesCase):
    async def test_only_super_users_see_them(self) -> None:
        maria = await self.user("maria", "admin_users", "admin_files", "admin_permissions", "admin_folios")
        for visitor, error in ((await self.visitor(None), NotAuthenticated), (await self.visitor(maria.id), Forbidden)):
            for key in ("cluster_id", "unknown", "a\0"):
                await self.fails(error, self.properties.get(visitor, key))
                await self.fails(error, self.properties.put(visitor, key, "x"))
        self.assertEqual((await self.properties.get(await self.visitor(1), "fp_version")).value, "1")

    async def test_unknown_keys_are_not_found(self) -> None:
        for key in ("unknown", "", "a\0", "\ud800", "CLUSTER_ID", NASTY):
            await self.fails(NotFound, self.properties.get(COMMAND, key))
            await self.fails(NotFound, self.properties.put(COMMAND, key, "x"))

    async def test_the_default_template_must_be_one(self) -> None:
        new = await self.properties.put(await self.visitor(1), "pubimage_default_template", " SMALLJPEG ")
        self.assertEqual((new.key, new.value, new.version), ("pubimage_default_template", "SMALLJPEG", 2))
        self.assertEqual(
            self.audit(),
            [(1, "property.changed", "pubimage_default_template", {"value": "default"}, {"value": "SMALLJPEG"})],
        )
        before = self.everything()
        self.assertEqual(await self.properties.put(COMMAND, "pubimage_default_template", "SMALLJPEG"), new)
        self.sql("update imagetemplates set disabled = true where id = %s", PRECACHE)
        before = self.everything()
        for value in ("", "nothing", "Precache", "x" * 10_001, "\0", NASTY):
            await self.fails(BadParameter, self.properties.put(COMMAND, "pubimage_default_template", value))
        self.assertEqual(self.everything(), before)

    async def test_the_server_s_own_can_t_be_changed(self) -> None:
        before = self.everything()
        for key in ("cluster_id", "db_migration_version", "fp_version", "foliop_version", "template_version"):
            await self.fails(Forbidden, self.properties.put(COMMAND, key, "7"))
        self.assertEqual(self.everything(), before)

    async def test_a_change_of_another_version_is_out_of_date(self) -> None:
        put = self.properties.put
        await put(COMMAND, "pubimage_default_template", "precache", expected_version=1)
        await self.fails(OutOfDate, put(COMMAND, "pubimage_default_template", "default", expected_version=1))
