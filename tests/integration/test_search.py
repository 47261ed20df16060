"""Finding images: :mod:`qisd.library.search`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred

from qisd.access.visitor import Visitor
from qisd.errors import BadParameter, Forbidden, Unavailable
from qisd.library import search
from qisd.library.search import Search, visible
from qisd.store import image_search
from qisd.store.image_search import Hit, ImageQuery, Rule
from tests.integration.library_case import LibraryCase, admin, anonymous, picture, visitor


class VisibleTests(LibraryCase):
    async def test_only_where_something_else_holds_is_a_rule(self) -> None:
        who = visitor(root=10, a=0, a_b=20, a_b_c=40, d=30, e_f=0)
        expected = [Rule("", True), Rule("a", False), Rule("a/b", True), Rule("e/f", False)]
        self.assertEqual(visible(who), expected)
        self.assertEqual(visible(admin()), [Rule("", True)])
        self.assertEqual(visible(anonymous(0)), [Rule("", False)])


class SearchTests(LibraryCase):
    async def setUp(self) -> None:
        await super().setUp()
        self.search = Search(reactor, database=self.database)
        for number, path in enumerate(
            ("birds/king_penguin-01.jpg", "birds/sea-gull.jpg", "birds/secret/penguin.jpg", "cats/tiger.png")
        ):
            self.write(path, picture(10 + number, 10, "PNG" if path.endswith("png") else "JPEG"))
            image = await self.library.files.details(admin(), path)
            title = f"Title {number}" + (" penguin" if number == 1 else "")
            await self.library.files.edit(admin(), image.id, title=title, description="the zoo's 100% best")

    async def find(self, words: str = "", who: Visitor | None = None, **wanted: Any) -> list[str]:
        page = await self.search.images(who or admin(), ImageQuery(words=words, **wanted))
        return [image.filename for image in page.images]

    async def test_words_are_found_in_path_title_and_description_the_title_first(self) -> None:
        self.assertEqual(await self.find("penguin"), ["sea-gull.jpg", "penguin.jpg", "king_penguin-01.jpg"])
        self.assertEqual(await self.find("KING peng"), ["king_penguin-01.jpg"])
        self.assertEqual(await self.find("king_penguin-01.jpg"), ["king_penguin-01.jpg"])
        self.assertEqual(await self.find("sea-gull"), ["sea-gull.jpg"])
        self.assertEqual(await self.find('penguin -king -"title 2"'), ["sea-gull.jpg"])
        self.assertEqual(sorted(await self.find("tiger or gull")), ["sea-gull.jpg", "tiger.png"])
        self.assertEqual(len(await self.find("zoo")), 4)
        for words in ("nothing", "!!!", "' & | :*", "\\", "%", "';--", '"', "-", "pen'guin:*!"):
            self.assertEqual(await self.find(words), [], words)

    async def test_nothing_is_found_where_the_visitor_may_not_look(self) -> None:
        self.assertEqual(
            await self.find("penguin", visitor(root=10, birds_secret=0)), ["sea-gull.jpg", "king_penguin-01.jpg"]
        )
        self.assertEqual(await self.find("penguin", visitor(root=0, birds_secret=10)), ["penguin.jpg"])
        self.assertEqual(await self.find("penguin", anonymous(0)), [])
        self.assertEqual(await self.find("", visitor(root=0, cats=10)), ["tiger.png"])
        await self.refusal(Forbidden, self.find("", visitor(root=10, birds=0), folder="/birds/"))

    async def test_properties_narrow_it_down(self) -> None:
        self.assertEqual(await self.find(extensions=["png"]), ["tiger.png"])
        self.assertEqual(await self.find(min_width=11, max_width=12), ["penguin.jpg", "sea-gull.jpg"])
        self.assertEqual(await self.find(folder="birds", recursive=False), ["sea-gull.jpg", "king_penguin-01.jpg"])
        self.assertEqual(
            await self.find(folder="birds", words="penguin", max_width=11), ["sea-gull.jpg", "king_penguin-01.jpg"]
        )
        self.assertEqual(await self.find(folder="bir"), [])
        self.sql(
            "update image_metadata set tags = '{africa}', keywords = '{stripes}', taken = '2020-05-05Z',"
            " colour_space = 'gray' where image_id in (select id from images where src like 'cats/%%')"
        )
        self.assertEqual(await self.find(tags=["africa", "stripes"]), ["tiger.png"])
        self.assertEqual(await self.find("stripes"), ["tiger.png"])
        self.assertEqual(
            await self.find(colour_space="gray", taken_from=datetime(2020, 5, 5, tzinfo=UTC)), ["tiger.png"]
        )
        self.assertEqual(await self.find(taken_until=datetime(2020, 5, 5, tzinfo=UTC)), [])

    async def test_operators_among_the_words_narrow_it_down(self) -> None:
        self.assertEqual(await self.find("type:png"), ["tiger.png"])
        self.assertEqual(await self.find("penguin in:/birds/secret"), ["penguin.jpg"])
        self.assertEqual(await self.find("w>10 w<13"), ["penguin.jpg", "sea-gull.jpg"])
        self.assertEqual(await self.find("zoo w>=13"), ["tiger.png"])
        await self.refusal(Forbidden, self.find("in:/birds", visitor(root=10, birds=0)))

    async def test_the_date_is_that_of_the_picture_or_else_that_of_the_file(self) -> None:
        self.sql("update images set file_mtime_ns = 1600000000000000000")  # 13 September 2020
        self.sql(
            "update image_metadata set taken = '2010-05-05Z'"
            " where image_id in (select id from images where src like 'cats/%%')"
        )
        self.assertEqual(await self.find("before:2015"), ["tiger.png"])
        self.assertEqual(len(await self.find("after:2020-09-13 before:2020-09-14")), 3)
        self.assertEqual(await self.find("after:2020-09-14"), [])

    async def test_the_newest_come_first_if_they_are_to(self) -> None:
        self.assertEqual(
            await self.find("penguin", newest=True), ["penguin.jpg", "sea-gull.jpg", "king_penguin-01.jpg"]
        )

    async def test_all_that_may_be_seen_are_counted_up_to_a_bound(self) -> None:
        async def total(words: str, who: Visitor, limit: int) -> int | None:
            return (await self.search.images(who, ImageQuery(words=words), limit=limit, counted=True)).total

        self.assertEqual(await total("penguin", admin(), 1), 3)
        self.assertEqual(await total("penguin", visitor(root=10, birds_secret=0), 1), 2)
        self.assertEqual(await total("penguin", admin(), 10), 3)
        self.assertEqual(await total("!!!", admin(), 1), 0)
        self.patch(search, "COUNTED_TO", 2)
        self.assertEqual(await total("", admin(), 1), 2)
        self.assertIsNone((await self.search.images(admin(), ImageQuery())).total)

    async def test_images_whose_rights_have_ended_are_hidden_from_anonymous_visitors(self) -> None:
        self.sql(
            "update image_metadata set valid_until = now()"
            " where image_id in (select id from images where src like 'cats/%%')"
        )
        self.assertEqual(await self.find("tiger", anonymous()), [])
        self.assertEqual(await self.find("tiger", visitor(root=10)), ["tiger.png"])

    async def test_few_search_at_once_and_others_wait_or_are_told_to_come_again(self) -> None:
        self.patch(search, "WAITING_MAX", 1)
        slow: list[Deferred[list[Hit]]] = []

        def find(*args: object, **more: object) -> Deferred[list[Hit]]:
            slow.append(Deferred())
            return slow[-1]

        self.patch(image_search, "find", find)
        asked = [Deferred.fromCoroutine(self.find("tiger")) for _ in range(3)]
        self.assertEqual(len(slow), 2)
        await self.refusal(Unavailable, self.find("tiger"))
        asked[0].addErrback(lambda failure: [])
        asked[0].cancel()
        self.assertEqual(len(slow), 2)  # the database still works on it
        for number in range(3):
            slow[number].callback([])
        self.assertEqual([await one for one in asked], [[], [], []])

    async def test_deleted_images_are_not_found(self) -> None:
        image = await self.library.files.details(admin(), "cats/tiger.png")
        await self.library.files.delete(admin(), image.id)
        self.assertEqual(await self.find("tiger"), [])

    async def test_pages_follow_each_other_without_gap_or_overlap(self) -> None:
        for words in ("", "zoo", "penguin"):
            whole = await self.find(words)
            found: list[str] = []
            cursor: str | None = None
            while True:
                page = await self.search.images(admin(), ImageQuery(words=words), cursor=cursor, limit=1)
                found += [image.filename for image in page.images]
                cursor = page.cursor
                if cursor is None:
                    break
            self.assertEqual(found, whole)

    async def test_what_can_not_be_looked_for(self) -> None:
        for cursor in ("x", "1_", "nan_1", "-1_1", "0.5_99999999999999999999"):
            await self.refusal(BadParameter, self.search.images(admin(), ImageQuery(), cursor=cursor))
        for words in ("\0", "w" * 501, "\ud800"):
            await self.refusal(BadParameter, self.find(words))
