"""The main job: :mod:`qisd.images`, with real files, real rendering and a clock of the test's own."""

from __future__ import annotations

import gc
import io
import os
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar
from unittest import mock

import attrs
from PIL import Image, ImageColor
from twisted.internet import reactor
from twisted.internet.defer import CancelledError, Deferred, gatherResults
from twisted.internet.task import Clock, deferLater
from twisted.trial.unittest import TestCase

from qisd import images as images_module
from qisd.access.snapshot import Account, PermissionSnapshot, Validity
from qisd.access.visitor import Visitor
from qisd.cache.interfaces import CachedRendition
from qisd.cache.memory import MemoryCache
from qisd.errors import BadParameter, Forbidden, NotFound, RenderTimeout, SourceTooLarge, StoreUnavailable, Unsupported
from qisd.images import ImageBytes, ImageFile, ImageRules, Images, download_name
from qisd.imaging import pieces
from qisd.imaging.formats import FORMATS
from qisd.imaging.limits import PublicLimits
from qisd.imaging.render import RenderSettings
from qisd.imaging.spec import Focus, ImageOptions
from qisd.imaging.template import TemplateSnapshot, TemplateValues
from qisd.pools.files import FilePool
from qisd.pools.render import RenderPool
from qisd.repository.files import Repository
from qisd.store.focal_points import Guess

T = TypeVar("T")

THREADS = 4

RULES = ImageRules(
    rendering=RenderSettings(),
    public_limits=PublicLimits(),
    max_dimension=15000,
    max_grid_tiles=256,
    wait_timeout=30,
    raise_too_busy=True,
    benchmarking=False,
)
SNAPSHOT = PermissionSnapshot(
    accounts={},
    groups={},
    rows={"": {1: 20}, "closed": {1: 0, 2: 20}, "shown": {1: 10}},
    validity={
        "shop/early.png": Validity(begins=1001.0, ends=None),
        "shop/late.png": Validity(begins=None, ends=1000.0),
    },
)
STRANGER = Visitor(snapshot=SNAPSHOT)
ANNA = Visitor(
    account=Account(
        id=7, username="anna", active=True, allow_api=False, stamp=1, groups=frozenset({2}), flags=frozenset()
    ),
    by="session",
    snapshot=SNAPSHOT,
)
DEFAULT = TemplateValues(options=ImageOptions(quality=80, strip=True, colorspace="rgb"), expiry_secs=604800)


class FakeWitness:
    def __init__(self) -> None:
        self.seen: list[str] = []
        self.gone: list[str] = []

    def saw(self, path: str, facts: object) -> None:
        self.seen.append(path)

    def missed(self, path: str) -> None:
        self.gone.append(path)


class FakeFocalPoints:
    """What people have set, and what was guessed, by path."""

    def __init__(self) -> None:
        self.places: dict[str, Focus] = {}
        self.guesses: dict[str, Guess] = {}
        self.asked = 0

    def chosen(self) -> dict[str, Focus]:
        return self.places

    async def guess(self, src: str, **version: int) -> Guess:
        self.asked += 1
        return self.guesses.get(src, Guess(focus=None, final=False))


def pictures_alive() -> int:
    gc.collect()
    return sum(isinstance(each, Image.Image) for each in gc.get_objects())


class SlowLeases:
    """Gives all leases; to give back one of what is given up takes until ``given_back``."""

    of_use = True

    def __init__(self, given_back: Deferred[None]) -> None:
        self._given_back = given_back

    async def once(self, key: str, *, look: object, make: Callable[[], Awaitable[T]], patience: float) -> T:
        try:
            return await make()
        except CancelledError:
            await self._given_back
            raise


class ImagesTests(TestCase):
    timeout = 60

    def setUp(self) -> None:
        self.root = Path(self.mktemp()).resolve()
        (self.root / "shop").mkdir(parents=True)
        self.paint("shop/chair.png", "red")
        self.clock = Clock()
        self.files = FilePool(reactor)
        self.renders = RenderPool(reactor, threads=4, memory=10**9, queue_max=200, timeout=30)
        self.cache = MemoryCache(capacity=10**7)
        self.tracked: list[str] = []
        self.templates = TemplateSnapshot(templates={"silent": TemplateValues()}, default=DEFAULT)
        for pool in (self.files, self.renders):
            pool.start()
            self.addCleanup(pool.stop)
        self.witness = FakeWitness()
        self.focal_points = FakeFocalPoints()
        self.images = self.make()
        self.rendered = 0
        render = images_module.render

        def counted(*args: object, **kwargs: object) -> object:
            self.rendered += 1
            self.with_base.append(kwargs["base"] is not None)
            self.with_pieces.append(kwargs["pieces"] is not None)
            return render(*args, **kwargs)

        self.with_base: list[bool] = []
        self.with_pieces: list[bool] = []
        self.patch(images_module, "render", counted)

    def make(self, leases: object = None, **rules: object) -> Images:
        return Images(
            self.clock,
            rules=attrs.evolve(RULES, **rules),
            repository=Repository(self.root),
            files=self.files,
            renders=self.renders,
            cache=self.cache,
            leases=leases,
            templates=lambda: self.templates,
            track=self.tracked.append,
            witness=self.witness,
            focal_points=self.focal_points,
            now=lambda: 1000.0,
        )

    def paint(self, path: str, colour: str, size: tuple[int, int] = (40, 30)) -> None:
        Image.new("RGB", size, colour).save(self.root / path)

    def prepare(self, visitor: Visitor = STRANGER, *, erez: bool = False, **query: str):
        return self.images.prepare({"src": "shop/chair.png", **query}, visitor, erez=erez)

    async def get(self, **query: str) -> ImageBytes:
        answer = await self.images.fetch(await self.prepare(**query))
        assert isinstance(answer, ImageBytes)
        return answer

    # One image, one render

    async def test_an_image_is_rendered_and_the_second_time_comes_from_the_cache(self) -> None:
        first, second = await self.get(width="20"), await self.get(width="20")
        self.assertEqual(Image.open(io.BytesIO(first.data)).size, (20, 15))
        self.assertEqual((first.content_type, first.from_cache, second.from_cache), ("image/png", False, True))
        self.assertEqual(first.data, second.data)
        self.assertEqual(self.rendered, 1)

    async def test_who_had_it_made_is_told_what_took_how_long_and_others_where_it_was(self) -> None:
        first, second = await self.get(width="20"), await self.get(width="20")
        self.assertEqual((first.origin, second.origin, second.stages), ("made", "memory", ()))
        names = [name for name, _ in first.stages]
        self.assertEqual((names[:3], names[-2:]), (["wait", "open", "decode"], ["encode", "keep"]))
        self.assertIn("resize_and_pad", names)
        self.assertTrue(all(seconds >= 0 for _, seconds in first.stages))

    async def test_the_cache_is_told_how_long_an_image_took(self) -> None:
        began = time.perf_counter()
        await self.get(width="20")
        taken = time.perf_counter() - began
        kept = self.cache.look((await self.prepare(width="20")).etag)
        assert kept is not None
        self.assertTrue(0 < kept.seconds <= taken, (kept.seconds, taken))

    async def test_a_hundred_at_once_are_one_render_and_one_of_them_made_it(self) -> None:
        prepared = await self.prepare(width="20")
        answers = await gatherResults([Deferred.fromCoroutine(self.images.fetch(prepared)) for _ in range(100)])
        self.assertEqual(self.rendered, 1)
        self.assertEqual(len({answer.data for answer in answers}), 1)
        self.assertEqual([answer.from_cache for answer in answers].count(False), 1)

    async def test_equal_images_share_a_tag_however_they_are_asked_for(self) -> None:
        tags = {
            (await self.prepare(**query)).etag
            for query in (
                {"width": "20"},
                {"width": "20", "angle": "360", "format": "PNG", "left": "0", "right": "1"},
                {"width": " +20", "fill": "0000ff", "nonsense": "1"},
                {"width": "20", "src": "/shop//chair.png"},
                {"width": "20", "attach": "1", "xref": "x"},
            )
        }
        self.assertEqual(len(tags), 1)
        self.assertNotEqual((await self.prepare(width="21")).etag, tags.pop())

    # A format that goes by who asks

    async def test_each_viewer_gets_the_format_that_they_can_show_and_equal_images_are_one(self) -> None:
        query = {"src": "shop/chair.png", "width": "20", "format": "auto"}
        for _ in range(2):
            for accepts, named in ((("avif", "webp"), "avif"), (("webp",), "webp"), ((), "jpg")):
                prepared = await self.images.prepare(query, STRANGER, accepts=accepts)
                self.assertEqual((prepared.output, prepared.accepts), (named, accepts))
                self.assertEqual(prepared.etag, (await self.prepare(width="20", format=named)).etag)
                made = await self.images.fetch(prepared)
                assert isinstance(made, ImageBytes)
                self.assertEqual(Image.open(io.BytesIO(made.data)).get_format_mimetype(), prepared.content_type)
        self.assertEqual(self.rendered, 3)

    async def test_what_is_asked_again_is_known_for_each_viewer(self) -> None:
        query = {"src": "shop/chair.png", "width": "20", "format": "auto"}
        first = [await self.images.prepare(query, STRANGER, accepts=one) for one in ((), ("webp",))]
        again = [await self.images.prepare(query, STRANGER, accepts=one) for one in ((), ("webp",))]
        for one, other in zip(first, again, strict=True):
            self.assertIs(one, other)

    async def test_a_template_may_leave_the_format_to_the_viewer(self) -> None:
        auto = TemplateValues(options=ImageOptions(format="auto"))
        self.templates = TemplateSnapshot(templates={"web": auto}, default=DEFAULT)
        query = {"src": "shop/chair.png", "width": "20", "tmp": "web"}
        self.assertEqual((await self.images.prepare(query, STRANGER, accepts=("webp",))).output, "webp")
        fixed = await self.images.prepare({**query, "format": "gif"}, STRANGER, accepts=("webp",))
        self.assertEqual((fixed.output, fixed.accepts), ("gif", None))

    async def test_a_file_of_the_format_that_is_chosen_is_sent_as_it_is(self) -> None:
        self.paint("shop/chair.jpg", "red")
        prepared = await self.prepare(src="shop/chair.jpg", tmp="silent", format="auto")
        made = await self.images.fetch(prepared)
        assert isinstance(made, ImageFile)
        made.stream.close()
        self.assertEqual((made.content_type, self.rendered), ("image/jpeg", 0))

    async def test_the_last_one_to_leave_takes_the_render_off_the_queue(self) -> None:
        self.renders.configure(memory=10**9, queue_max=10, timeout=30)
        self.patch(self.renders, "_threads", 0)
        prepared = await self.prepare(width="20")
        waiting = [Deferred.fromCoroutine(self.images.fetch(prepared)) for _ in range(2)]
        self.assertEqual(self.renders.waiting, 1)
        for each in waiting:
            each.cancel()
            self.failureResultOf(each, CancelledError)
        self.assertEqual(self.renders.waiting, 0)
        self.assertEqual(self.rendered, 0)

    # Versions of files

    async def test_what_is_made_goes_on_while_the_library_is_not_mounted(self) -> None:
        self.paint("shop/table.png", "blue")
        before = await self.get(width="20")
        await self.get(src="shop/table.png", width="20")
        aside = self.root.with_name("aside")
        self.root.rename(aside)
        self.root.mkdir()
        self.clock.advance(60)
        looked = mock.Mock(side_effect=Repository.open)
        self.patch(Repository, "open", lambda *given: looked(*given))
        for src in ("shop/chair.png", "shop/table.png", "shop/chair.png"):
            self.assertTrue((await self.get(src=src, width="20")).from_cache)
        self.assertEqual(looked.call_count, 1)  # a library that hangs holds nobody up for long
        with self.assertRaises(StoreUnavailable):
            await self.get(width="21")
        with self.assertRaises(StoreUnavailable):
            await self.get(src="shop/bench.png", width="20")
        self.assertEqual(self.witness.gone, [])
        self.root.rmdir()
        aside.rename(self.root)
        self.paint("shop/chair.png", "green")
        self.clock.advance(60)
        self.assertNotEqual((await self.get(width="20")).data, before.data)

    async def test_a_replaced_file_is_another_image(self) -> None:
        before = await self.get(width="20")
        self.paint("shop/new.png", "blue")
        os.replace(self.root / "shop/new.png", self.root / "shop/chair.png")
        self.clock.advance(1.1)
        after = await self.get(width="20")
        self.assertNotEqual(before.data, after.data)
        self.assertFalse(after.from_cache)

    async def test_a_deleted_file_is_gone_and_a_restored_one_is_back_at_once(self) -> None:
        await self.get(width="20")
        (self.root / "shop/chair.png").rename(self.root / "shop/away.png")
        self.clock.advance(1.1)
        with self.assertRaises(NotFound):
            await self.get(width="20")
        (self.root / "shop/away.png").rename(self.root / "shop/chair.png")
        self.assertTrue((await self.get(width="20")).from_cache)

    async def test_a_changed_overlay_is_another_image(self) -> None:
        self.paint("logo.png", "white", (10, 10))
        before = await self.prepare(overlay="logo.png")
        self.paint("logo.png", "black", (12, 10))
        self.clock.advance(1.1)
        self.assertNotEqual((await self.prepare(overlay="logo.png")).etag, before.etag)

    async def test_other_settings_of_the_renderer_make_another_image(self) -> None:
        before = (await self.prepare(width="20")).etag
        self.images.configure(attrs.evolve(RULES, rendering=attrs.evolve(RULES.rendering, resize_quality=1)))
        self.assertNotEqual((await self.prepare(width="20")).etag, before)

    # Focal points: the picture has 40 × 30 pixels

    def choose(self, x: float, y: float, path: str = "shop/chair.png") -> None:
        place = Focus(x=round(x * 100_000), y=round(y * 100_000))
        self.focal_points.places = {**self.focal_points.places, path: place}

    async def crop(self, **query: str) -> tuple[int, int, int, int] | None:
        box = (await self.prepare(**query)).plan.crop
        return None if box is None else (box.left, box.top, box.right, box.bottom)

    async def test_a_picture_is_cut_where_somebody_has_said_or_a_guess_does_or_in_the_middle(self) -> None:
        square = {"width": "10", "height": "10", "focus": "auto"}
        self.assertEqual(await self.crop(**square), (5, 0, 35, 30))
        self.focal_points.guesses["shop/chair.png"] = Guess(focus=Focus(x=0, y=0), final=True)
        self.assertEqual(await self.crop(**square), (0, 0, 30, 30))
        self.choose(1, 0)
        self.assertEqual(await self.crop(**square), (10, 0, 40, 30))
        self.assertEqual(await self.crop(**square | {"focus": "0.45,0"}), (3, 0, 33, 30))
        self.assertIsNone(await self.crop(**square | {"focus": "none"}))

    async def test_what_was_not_cut_before_is_not_cut_because_of_a_focal_point(self) -> None:
        queries = (
            {"width": "10", "height": "10"},
            {"left": "0.5", "width": "10"},
            {"left": "0.5", "height": "9", "width": "9"},
        )
        before = [(await self.prepare(**query)).etag for query in queries]
        self.choose(0, 1)
        self.assertEqual([(await self.prepare(**query)).etag for query in queries], before)

    async def test_a_crop_that_is_widened_grows_towards_what_somebody_has_set_and_nothing_else(self) -> None:
        widened = {"left": "0.4", "right": "0.6", "width": "10", "height": "10", "autocropfit": "1"}
        before = await self.prepare(**widened)
        self.focal_points.guesses["shop/chair.png"] = Guess(focus=Focus(x=0, y=0), final=True)
        self.assertEqual((await self.prepare(**widened)).etag, before.etag)
        self.choose(0, 0)
        self.assertEqual(await self.crop(**widened), (0, 0, 30, 30))
        self.assertEqual((await self.prepare(**widened, focus="none")).etag, before.etag)

    async def test_only_images_that_are_cut_elsewhere_change_with_a_focal_point(self) -> None:
        queries = (
            {"width": "10", "height": "10", "focus": "auto"},
            {"width": "20", "height": "10", "focus": "auto"},  # its height is cut
            {"width": "8", "height": "6", "focus": "auto"},  # nothing is
            {"width": "10"},
        )
        self.choose(0.2, 0.2)
        before = [(await self.prepare(**query)).etag for query in queries]
        self.choose(0.9, 0.2)
        after = [(await self.prepare(**query)).etag for query in queries]
        self.assertEqual([one == other for one, other in zip(before, after, strict=True)], [False, True, True, True])
        self.choose(0.99, 0.2)  # both too near the edge to make a difference
        self.assertEqual([(await self.prepare(**query)).etag for query in queries], after)

    async def test_a_picture_of_the_shape_is_the_same_image_with_and_without(self) -> None:
        plain, cut = ({"width": "20", "height": "15"}, {"width": "20", "height": "15", "focus": "0.1,0.1"})
        self.assertEqual((await self.prepare(**plain)).etag, (await self.prepare(**cut)).etag)

    async def test_until_a_guess_is_made_clients_are_to_ask_again_soon(self) -> None:
        square = {"width": "10", "height": "10", "focus": "auto"}
        self.assertEqual((await self.prepare(**square)).expiry_secs, 60)
        self.focal_points.guesses["shop/chair.png"] = Guess(focus=None, final=True)
        self.assertEqual((await self.prepare(**square)).expiry_secs, 604800)
        asked = self.focal_points.asked
        await self.prepare(**square)
        self.assertEqual(self.focal_points.asked, asked)

    async def test_nobody_is_asked_for_a_guess_that_makes_no_difference(self) -> None:
        await self.prepare(width="10", height="10", focus="0.2,0.2")
        await self.prepare(width="10", focus="auto")
        await self.prepare(width="10", height="10")
        self.choose(0.5, 0.5)
        await self.prepare(width="10", height="10", focus="auto")
        self.assertEqual(self.focal_points.asked, 0)

    async def test_an_answer_does_not_stand_once_a_focal_point_is_another(self) -> None:
        before = self.images.standing()
        self.assertIs(self.images.standing(), before)
        self.choose(0.1, 0.1)
        self.assertIsNot(self.images.standing(), before)

    async def test_the_picture_has_what_is_around_the_place(self) -> None:
        picture = Image.new("RGB", (40, 30), "red")
        picture.paste((0, 0, 255), (30, 0, 40, 30))
        picture.save(self.root / "shop/chair.png")
        self.choose(0.9, 0.5)
        made = await self.get(width="10", height="30", focus="auto", format="png")
        image = Image.open(io.BytesIO(made.data)).convert("RGB")
        self.assertEqual((image.size, set(image.getdata())), ((10, 30), {(0, 0, 255)}))

    # What is sent as it is

    async def test_a_source_that_nothing_changes_is_sent_as_it_is(self) -> None:
        answer = await self.images.fetch(await self.prepare(tmp="silent"))
        assert isinstance(answer, ImageFile)
        with answer.stream as stream:
            self.assertEqual(stream.read(), (self.root / "shop/chair.png").read_bytes())
        self.assertEqual(answer.content_type, "image/png")

    async def test_the_original_is_opened_unread(self) -> None:
        original = await self.images.original({"src": "/shop/chair.png", "attach": "1", "width": "x"}, STRANGER)
        with original.stream as stream:
            self.assertEqual(stream.tell(), 0)
        self.assertEqual((original.filename, original.attachment), ("chair.png", True))
        self.assertEqual(original.size, (self.root / "shop/chair.png").stat().st_size)

    async def test_an_original_that_is_no_image_by_name_is_refused(self) -> None:
        (self.root / "php.ini").write_text("x")
        with self.assertRaises(Unsupported) as raised:
            await self.images.original({"src": "php.ini"}, STRANGER)
        self.assertIn("not a supported image", raised.exception.message)

    # Refusals

    async def test_what_can_not_be_made_is_told_in_the_right_way(self) -> None:
        (self.root / "text.jpg").write_text("no image")
        (self.root / "empty.png").write_bytes(b"")
        for error, query in (
            (BadParameter, {"width": "-1"}),
            (BadParameter, {"src": ""}),
            (BadParameter, {"src": "a\0b.png"}),
            (BadParameter, {"tile": "1:4096"}),
            (Forbidden, {"src": "../x.png"}),
            (NotFound, {"src": "none.png"}),
            (NotFound, {"src": "shop"}),
            (NotFound, {"overlay": "none.png"}),
            (Unsupported, {"src": "text.jpg"}),
            (Unsupported, {"src": "empty.png"}),
        ):
            with self.assertRaises(error, msg=str(query)):
                await self.prepare(**query)

    async def test_a_file_of_an_unknown_kind_is_unsupported_and_a_missing_one_not_found(self) -> None:
        (self.root / "a.xyz").write_text("x")
        with self.assertRaises(Unsupported):
            await self.prepare(src="a.xyz")
        with self.assertRaises(NotFound):
            await self.prepare(src="b.xyz")

    async def test_a_render_that_would_take_too_much_memory_never_starts(self) -> None:
        self.renders.configure(memory=1000, queue_max=10, timeout=30)
        with self.assertRaises(SourceTooLarge):
            await self.get(width="20")
        self.assertEqual(self.rendered, 0)

    async def test_a_failure_is_believed_for_a_while(self) -> None:
        query = {"width": "20", "height": "20", "fill": "spam"}
        for _ in range(3):
            with self.assertRaises(Unsupported) as raised:
                await self.get(**query)
            self.assertIn("unsupported fill colour", raised.exception.message)
        self.assertEqual(self.rendered, 1)
        self.clock.advance(31)
        with self.assertRaises(Unsupported):
            await self.get(**query)
        self.assertEqual(self.rendered, 2)

    async def test_failures_are_remembered_without_the_pictures_that_they_met(self) -> None:
        whole = io.BytesIO()
        Image.effect_noise((300, 200), 60).save(whole, "PNG")
        (self.root / "cut.png").write_bytes(whole.getvalue()[:20_000])
        (self.root / "headless.png").write_bytes(whole.getvalue()[:20])
        before = pictures_alive()
        for _ in range(2):
            for query in (
                {"src": "cut.png", "width": "20"},
                {"src": "headless.png", "width": "20"},
                {"overlay": "cut.png", "width": "20"},
                {"overlay": "headless.png", "width": "20"},
            ):
                try:
                    await self.get(**query)
                except Unsupported:
                    pass
                else:
                    self.fail(f"{query} gave a picture")
        await deferLater(reactor, 0)  # type: ignore[arg-type]
        self.assertEqual(pictures_alive(), before)

    async def test_visitors_are_held_to_the_public_limits_and_users_are_not(self) -> None:
        self.images = self.make(public_limits=PublicLimits(max_width=10, max_height=10))
        with self.assertRaises(BadParameter):
            await self.prepare(width="20")
        self.assertEqual((await self.prepare(ANNA, width="20")).plan.output.width, 20)

    # Permissions

    async def test_a_folder_that_is_closed_to_visitors_says_nothing_of_what_is_in_it(self) -> None:
        (self.root / "closed").mkdir()
        self.paint("closed/chair.png", "red")
        for src in ("closed/chair.png", "closed/nothing.png", "closed/no/folder.png"):
            with self.subTest(src=src), self.assertRaises(Forbidden):
                await self.prepare(src=src, width="20")
            with self.subTest(original=src), self.assertRaises(Forbidden):
                await self.images.original({"src": src}, STRANGER)
        prepared = await self.prepare(ANNA, src="closed/chair.png", width="20")
        self.assertFalse(prepared.public)
        self.assertTrue((await self.prepare(width="20")).public)
        self.assertEqual((self.witness.seen[0], self.witness.gone), ("closed/chair.png", []))

    async def test_another_spelling_of_a_closed_folder_does_not_open_it(self) -> None:
        composed, decomposed = "\u00e9t\u00e9", "e\u0301te\u0301"
        (self.root / decomposed).mkdir()
        self.paint(f"{decomposed}/chair.png", "red")
        closed = attrs.evolve(SNAPSHOT, rows={"": {1: 20}, decomposed: {1: 0}})
        visitor = Visitor(snapshot=closed)
        for folder in (composed, decomposed):
            with self.subTest(folder=folder):
                with self.assertRaises(Forbidden):
                    await self.prepare(visitor, src=f"{folder}/chair.png", width="20")
                with self.assertRaises(Forbidden):
                    await self.images.original({"src": f"{folder}/chair.png"}, visitor)
                with self.assertRaises(Forbidden):
                    await self.prepare(visitor, overlay=f"{folder}/chair.png")

    async def test_who_may_only_view_gets_no_original(self) -> None:
        (self.root / "shown").mkdir()
        self.paint("shown/chair.png", "red")
        self.assertTrue((await self.prepare(src="shown/chair.png", width="20")).public)
        with self.assertRaises(Forbidden):
            await self.images.original({"src": "shown/chair.png"}, STRANGER)

    async def test_an_overlay_of_the_url_needs_permission_and_one_of_a_template_does_not(self) -> None:
        (self.root / "closed").mkdir()
        self.paint("closed/mark.png", "blue")
        with self.assertRaises(Forbidden):
            await self.prepare(overlay="closed/mark.png")
        marked = TemplateValues(options=ImageOptions(overlay_src="closed/mark.png"))
        self.templates = TemplateSnapshot(templates={"marked": marked}, default=DEFAULT)
        self.assertIsNotNone((await self.prepare(tmp="marked")).overlay)

    async def test_an_image_is_for_strangers_only_while_its_rights_hold(self) -> None:
        for name in ("early", "late"):
            self.paint(f"shop/{name}.png", "red")
            with self.subTest(name), self.assertRaises(Forbidden):
                await self.prepare(src=f"shop/{name}.png")
            self.assertFalse((await self.prepare(ANNA, src=f"shop/{name}.png")).public)

    async def test_a_file_that_is_not_there_is_told_of(self) -> None:
        for ask in (self.prepare(src="shop/gone.png"), self.images.original({"src": "shop/gone2.png"}, STRANGER)):
            with self.assertRaises(NotFound):
                await ask
        self.assertEqual(self.witness.gone, ["shop/gone.png", "shop/gone2.png"])

    # Bases

    async def test_renditions_of_a_large_source_are_made_from_one_base(self) -> None:
        self.images = self.make(bases_from=1_000_000)
        self.paint("shop/chair.png", "red", (1600, 1200))
        first = await self.get(width="100")
        self.assertEqual(len(self.cache), 2)
        await self.get(width="101")
        self.assertEqual(self.with_base, [False, True])
        await self.cache.clear()
        self.assertEqual((await self.get(width="100")).data, first.data)

    async def test_a_replaced_file_has_another_base(self) -> None:
        self.images = self.make(bases_from=1_000_000)
        for colour in ("red", "blue"):
            self.paint("shop/chair.png", colour, (1600, 1200))
            self.clock.advance(2)
            made = Image.open(io.BytesIO((await self.get(width="100", format="png")).data))
            self.assertEqual(made.convert("RGB").getpixel((5, 5)), ImageColor.getrgb(colour))
        self.assertEqual(self.with_base, [False, False])

    async def test_small_sources_have_none(self) -> None:
        self.images = self.make(bases_from=2_000_000)
        self.paint("shop/chair.png", "red", (1600, 1200))
        await self.get(width="100")
        self.assertEqual(len(self.cache), 1)

    # Pieces

    def zoomable(self, path: str = "shop/large.png", size: tuple[int, int] = (2400, 1800)) -> None:
        """Paint something with many colours, and count how often it is cut up."""
        gradient = Image.linear_gradient("L").resize(size)
        noise = Image.effect_noise(size, 40)
        Image.merge("RGB", (gradient, noise, gradient.transpose(Image.Transpose.ROTATE_180))).save(
            self.root / path, compress_level=1
        )
        self.cache.resize(capacity=10**8)
        self.images = self.make(bases_from=10_000_000, sheets_room=10**9)
        self.cuts = 0
        cut = pieces.make

        def counted(*args: object, **kwargs: object) -> None:
            self.cuts += 1
            cut(*args, **kwargs)  # type: ignore[arg-type]

        self.patch(pieces, "make", counted)

    async def tile(self, number: int, grid: int, **query: str) -> bytes:
        return (await self.get(src="shop/large.png", tile=f"{number}:{grid}", **query)).data

    async def test_all_tiles_of_all_sizes_asked_for_at_once_take_one_decoding(self) -> None:
        self.zoomable()
        asked = [
            Deferred.fromCoroutine(self.tile(number, grid, width=width))
            for width, grid in (("600", 4), ("1200", 16), ("2400", 16))
            for number in range(1, grid + 1)
        ]
        await gatherResults(asked)
        self.assertEqual(self.cuts, 1)
        await self.tile(3, 9, width="1800")
        await self.tile(3, 9, width="1800", flip="h")
        self.assertEqual((self.cuts, self.with_pieces), (1, [True] * 38))

    async def test_tiles_are_the_same_bytes_whatever_is_cached(self) -> None:
        self.zoomable()
        first = [await self.tile(6, 16, width=width) for width in ("700", "2400")]
        await self.cache.clear()
        self.images = self.make(bases_from=10_000_000, sheets_room=10**9)
        for width in ("1000", "300", "2000"):
            await self.get(src="shop/large.png", width=width)
            await self.tile(2, 4, width=width)
        self.assertEqual([await self.tile(6, 16, width=width) for width in ("700", "2400")], first)

    async def test_sizes_are_those_of_the_source_whatever_is_cached(self) -> None:
        self.zoomable(size=(2401, 1799))
        for query, size in (
            ({"width": "1000"}, (1000, 750)),
            ({"width": "900", "angle": "90"}, (900, 1202)),
            ({"width": "900", "angle": "90", "tile": "1:4"}, (450, 601)),
            ({"width": "333", "left": "0.1", "right": "0.63"}, (333, 471)),
            ({"tile": "4:9"}, (800, 599)),
        ):
            made = await self.get(src="shop/large.png", **query)
            self.assertEqual(Image.open(io.BytesIO(made.data)).size, size, query)

    async def test_a_replaced_file_is_cut_up_anew(self) -> None:
        self.zoomable()
        before = await self.tile(1, 16)
        self.paint("shop/large.png", "blue", (2400, 1800))
        self.clock.advance(2)
        after = await self.tile(1, 16)
        self.assertEqual(Image.open(io.BytesIO(after)).getextrema(), ((0, 0), (0, 0), (255, 255)))
        self.assertNotEqual(before, after)
        self.assertEqual(self.cuts, 2)

    async def test_the_disk_is_told_to_keep_all_pieces_however_quickly_they_were_made(self) -> None:
        self.zoomable()
        kept: list[CachedRendition] = []
        put = self.cache.put

        async def noted(key: str, rendition: CachedRendition) -> None:
            kept.append(rendition)
            await put(key, rendition)

        self.patch(self.cache, "put", noted)
        await self.tile(1, 4, width="300")
        while self.renders.active:
            await deferLater(reactor, 0.01)
        sheets = [each for each in kept if each.format == "sheet"]
        self.assertEqual(len(sheets), 6 + 2 + 1 + 1)  # 2400, 1200, 600, 300 wide
        self.assertTrue(all(each.seconds >= 1 for each in sheets))

    async def test_where_pieces_do_not_stay_a_source_is_not_cut_up_for_each_tile(self) -> None:
        self.zoomable()
        self.cache.resize(capacity=0)
        await self.tile(1, 16)
        while self.renders.active:
            await deferLater(reactor, 0.01)
        for number in range(2, 6):
            await self.tile(number, 16)
        self.assertEqual((self.cuts, self.with_pieces), (1, [True] + [False] * 4))
        self.clock.advance(61)
        await self.tile(6, 16)
        self.assertEqual(self.cuts, 2)

    async def test_a_source_too_large_to_be_cut_up_is_rendered_itself(self) -> None:
        self.zoomable()
        self.patch(pieces, "making_memory", lambda info: 10**10)
        await self.tile(1, 16)
        self.assertEqual((self.cuts, self.with_pieces), (0, [False]))

    async def test_a_source_that_takes_too_long_to_be_cut_up_is_not_tried_again_for_an_hour(self) -> None:
        self.zoomable()
        tried = self.endless_cutting()
        for number, later in ((1, 61), (2, 3600), (3, 0)):
            await self.tile(number, 16)
            self.clock.advance(later)
        self.assertEqual((len(tried), self.with_pieces), (2, [False] * 3))

    async def test_who_leaves_before_the_first_piece_is_there_does_not_keep_others_from_cutting_up(self) -> None:
        self.zoomable()
        with self.no_threads():
            (await self.begun(1)).cancel()
        await self.tile(2, 16)
        self.assertEqual((self.cuts, self.with_pieces), (1, [True]))

    async def test_who_comes_while_it_is_being_given_up_has_it_cut_up_anew(self) -> None:
        self.zoomable()
        tried = self.endless_cutting()
        given_back: Deferred[None] = Deferred()
        self.images = self.make(SlowLeases(given_back), bases_from=10_000_000, sheets_room=10**9)
        with self.no_threads():
            (await self.begun(1)).cancel()
            comes = await self.begun(2)
            given_back.callback(None)
        await comes
        self.assertEqual((len(tried), self.with_pieces), (1, [False]))

    def endless_cutting(self) -> list[bool]:
        """Cutting up takes too long; what is returned grows with each time."""
        tried = []

        def endless(*args: object, **kwargs: object) -> None:
            tried.append(True)
            raise RenderTimeout

        self.patch(pieces, "make", endless)
        return tried

    @contextmanager
    def no_threads(self) -> Iterator[None]:
        """Renders wait while this lasts."""
        over = threading.Event()
        for _ in range(THREADS):
            self.renders.run(lambda checkpoint: over.wait(), memory=1, label="something else")
        try:
            yield
        finally:
            over.set()

    async def begun(self, number: int) -> Deferred[bytes | None]:
        """A tile that somebody waits for, and the cutting up for it is in the queue."""
        asked = Deferred.fromCoroutine(self.tile(number, 16))
        asked.addErrback(lambda failure: failure.trap(CancelledError) and None)
        while not self.renders.waiting:
            await deferLater(reactor, 0.01)
        return asked

    async def test_a_damaged_source_is_decoded_once_for_all_who_want_tiles(self) -> None:
        self.zoomable()
        path = self.root / "shop/large.png"
        path.write_bytes(path.read_bytes()[:200_000])
        for number in (1, 1, 1):
            with self.assertRaises(Unsupported):
                await self.tile(number, 16)
        self.assertEqual(self.cuts, 1)

    # What a query means is found out once

    async def test_a_query_that_comes_again_is_not_read_again(self) -> None:
        read: list[object] = []
        parse = images_module.parse_image_request

        def counted(query: object, *args: object, **options: object) -> object:
            read.append(query)
            return parse(query, *args, **options)

        self.patch(images_module, "parse_image_request", counted)
        first = await self.prepare(width="20")
        self.clock.advance(2)
        second = await self.prepare(width="20")
        self.assertEqual((second.etag, len(read)), (first.etag, 1))
        self.assertGreater(second.source.until, first.source.until)
        self.assertEqual(self.witness.seen, ["shop/chair.png"] * 2)

    async def test_who_asks_is_looked_at_each_time(self) -> None:
        (self.root / "closed").mkdir()
        self.paint("closed/chair.png", "red")
        bob = attrs.evolve(ANNA, snapshot=attrs.evolve(SNAPSHOT, rows={"": {}}))
        for query in ({"src": "closed/chair.png"}, {"overlay": "closed/chair.png"}):
            await self.prepare(ANNA, **query)
            for visitor in (bob, STRANGER):
                with self.assertRaises(Forbidden):
                    await self.prepare(visitor, **query)

    async def test_what_it_depends_on_is_looked_at_each_time(self) -> None:
        first = await self.prepare(width="20", overlay="shop/chair.png")
        self.templates = TemplateSnapshot(templates={}, default=TemplateValues())
        self.assertNotEqual((await self.prepare(width="20", overlay="shop/chair.png")).etag, first.etag)
        self.paint("shop/chair.png", "blue", (50, 30))
        self.clock.advance(2)
        self.assertEqual((await self.prepare(width="20", overlay="shop/chair.png")).plan.natural.width, 50)
        (self.root / "shop/chair.png").unlink()
        self.clock.advance(2)
        with self.assertRaises(NotFound):
            await self.prepare(width="20", overlay="shop/chair.png")
        self.assertEqual(self.witness.gone, ["shop/chair.png"])

    # Options for handling

    async def test_visitors_can_not_keep_an_image_out_of_the_cache(self) -> None:
        await self.get(width="20", cache="0")
        self.assertTrue((await self.get(width="20", recache="1")).from_cache)

    async def test_benchmarks_can(self) -> None:
        self.images = self.make(benchmarking=True)
        await self.get(width="20", cache="0")
        self.assertFalse((await self.get(width="20")).from_cache)
        self.assertFalse((await self.get(width="20", recache="1")).from_cache)
        self.assertEqual(self.rendered, 3)

    async def test_what_was_handed_out_is_tracked_if_the_url_says_so(self) -> None:
        self.images.handed_out(await self.prepare(width="20", xref="campaign 1"))
        self.images.handed_out(await self.prepare(width="20"))
        self.assertEqual(self.tracked, ["campaign 1"])

    async def test_an_attachment_is_named_after_its_source_and_its_format(self) -> None:
        self.assertIsNone((await self.prepare()).filename)
        self.assertEqual((await self.prepare(attach="1", format="jpg")).filename, "chair.jpg")

    async def test_an_erez_address_may_hang_tif_on_another_name(self) -> None:
        self.assertEqual((await self.prepare(src="shop/chair.png.tif", erez=True)).path, "shop/chair.png")
        with self.assertRaises(NotFound):
            await self.prepare(src="shop/chair.png.tif")
        Image.new("RGB", (9, 9)).save(self.root / "v1.2.tif")
        self.assertEqual((await self.prepare(src="v1.2.tif", erez=True)).path, "v1.2.tif")


class DownloadNameTests(TestCase):
    def test_the_extension_follows_the_format(self) -> None:
        formats = {row.name: row for row in FORMATS}
        for path, output, asked, name in (
            ("a/photo.tif", "png", "png", "photo.png"),
            ("a.jpeg", "jpg", None, "a.jpeg"),
            ("a.jpeg", "pjpg", "pjpg", "a.jpeg"),
            ("a.png", "pjpg", "pjpg", "a.jpg"),
            ("a.png", "jpg", "jpeg", "a.jpeg"),
            ("dorset.jpg", "pjpg", "pjpeg", "dorset.jpg"),
        ):
            self.assertEqual(download_name(path, formats[output], asked=asked), name, path)
