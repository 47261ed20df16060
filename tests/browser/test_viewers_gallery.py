"""The gallery in pages that were written for it."""

from __future__ import annotations

from selenium.webdriver.common.keys import Keys

from tests.browser.embedding import Asked
from tests.browser.viewer_case import ViewerCase

EVENTS = """<script>
var told = [];
function note(name) { return function () { told.push([name].concat([].slice.call(arguments))); }; }
var events = {onload: note('onload'), onchange: note('onchange'), onfullscreen: note('onfullscreen')};
</script>"""
BOX = '<div id="g" style="width:600px;height:500px"></div>'
NAMES = ["one.jpg", "three & half.jpg", "two.jpg"]


class GalleryCase(ViewerCase):
    """A page with one gallery, ``#g``."""

    def show(self, options: str = "{}", *scripts: str) -> None:
        merged = f"Object.assign({{server: '{self.images.url}'}}, {options})"
        call = f"<script>gallery_view_init('g', {merged}, events);</script>"
        self.embed(BOX + call, *(scripts or ("canvas_view.min.js", "gallery_view.min.js")), head=EVENTS)

    def loaded(self) -> None:
        self.wait_js("told.some((event) => event[0] === 'onload')")

    def thumbs(self) -> list[Asked]:
        return [asked for asked in self.images.asked("/image") if asked.values.get("format") == "png"]

    def changed(self) -> list[str]:
        return list(self.js("return told.filter((event) => event[0] === 'onchange').map((event) => event[1])"))

    def selected(self) -> str:
        return str(
            self.js("return (document.querySelector('.thumbnails img.selected') || {dataset: {}}).dataset.index")
        )


class RequestsTest(GalleryCase):
    """What is asked for."""

    def test_the_supported_files_of_a_folder(self) -> None:
        self.show("{folder: '/viewers'}")
        self.loaded()
        self.assertEqual([asked.values for asked in self.images.asked("/api/v1/list/")], [{"path": "/viewers/"}])
        self.wait(lambda: len(self.thumbs()) == 3)
        self.assertEqual(sorted(asked.values["src"] for asked in self.thumbs()), [f"/viewers/{name}" for name in NAMES])
        self.assertEqual(
            self.thumbs()[0].values,
            {
                "src": self.thumbs()[0].values["src"],
                "width": "120",
                "height": "120",
                "strip": "1",
                "format": "png",
                "fill": "none",
            },
        )

    def test_the_main_view_keeps_the_parameters_of_the_thumbnail(self) -> None:
        self.show(
            "{params: {quality: 70, flip: 'h'},"
            " images: [{src: 'viewers/one.jpg', flip: 'v', halign: 'L0', title: 'One'}]}"
        )
        self.loaded()
        main = [asked.values for asked in self.images.asked("/image") if asked.values.get("stats") == "1"]
        self.assertEqual(len(main), 1)
        expected = {"quality": "70", "flip": "v", "fill": "none", "format": "jpg", "strip": "1", "autosizefit": "0"}
        self.assertEqual({name: main[0].get(name) for name in expected}, expected)
        self.assertNotIn("halign", main[0])
        self.assertEqual(self.find("#g canvas").get_attribute("aria-label"), "One")

    def test_equal_pictures_are_there_once_and_numbers_agree(self) -> None:
        one, two = "{src: 'viewers/one.jpg'}", "{src: 'viewers/two.jpg'}"
        self.show(f"{{images: [{one}, {one}, {two}], startImage: 'viewers/two.jpg'}}")
        self.loaded()
        self.assertEqual(self.js("return document.querySelectorAll('.thumbnails img').length"), 2)
        self.assertEqual(self.selected(), "1")
        self.assertEqual(self.changed(), ["viewers/two.jpg"])

    def test_listed_pictures_come_before_those_of_the_folder(self) -> None:
        self.show("{folder: 'viewers', images: [{src: 'viewers-large/large.jpg'}], thumbsize: {width: 80}}")
        self.loaded()
        self.wait(lambda: len(self.thumbs()) == 4)
        self.assertEqual(self.changed(), ["viewers-large/large.jpg"])
        self.assertEqual({(asked.values["width"], asked.values["height"]) for asked in self.thumbs()}, {("80", "120")})

    def test_thumbnails_far_away_wait_until_they_come_near(self) -> None:
        self.show("{images: Array.from({length: 60}, (_, n) => ({src: 'viewers/one.jpg', quality: 30 + n}))}")
        self.loaded()
        self.assertLess(len(self.thumbs()), 20)

        def last_is_asked_for() -> bool:
            self.js("document.querySelector('#g .scroller_viewport').scrollLeft = 1e6")
            return any(asked.values["quality"] == "89" for asked in self.thumbs())

        self.wait(last_is_asked_for)

    def test_the_callers_options_are_left_alone(self) -> None:
        self.show("(window.mine = {images: [{src: 'viewers/one.jpg'}], viewer: {controls: {help: false}}})")
        self.loaded()
        self.assertEqual(
            self.js("return mine"), {"images": [{"src": "viewers/one.jpg"}], "viewer": {"controls": {"help": False}}}
        )
        self.assertEqual(self.js("return document.querySelectorAll('#g .icon.help').length"), 0)
        self.assertTrue(self.js("return document.getElementById('g')._gallery.options.stripaligns"))


class ProblemsTest(GalleryCase):
    """Pictures and folders that can't be shown."""

    def message(self) -> str:
        return str(self.js("return document.querySelector('#g .message').innerText"))

    def test_a_private_folder_is_said_to_be_so(self) -> None:
        self.show("{folder: '/viewers-private'}")
        self.wait(lambda: "not public" in self.message())

    def test_an_empty_gallery_says_so(self) -> None:
        self.show("{images: []}")
        self.wait(lambda: "no pictures" in self.message())

    def test_missing_and_private_pictures_keep_no_other_from_being_shown(self) -> None:
        self.show(
            "{images: [{src: 'viewers/none.jpg'}, {src: 'viewers-private/secret.jpg'}, {src: 'viewers/one.jpg'}]}"
        )
        self.wait_js("(document.querySelector('#g .problem') || {}).innerText")
        self.wait_js("document.querySelectorAll('.thumbnails img.broken').length === 2")
        self.js("document.querySelectorAll('.thumbnails img')[2].click()")
        self.loaded()
        self.assertEqual(self.js("return document.querySelectorAll('#g .problem').length"), 0)


class MovingTest(GalleryCase):
    """Clicks, keys and fingers."""

    def setUp(self) -> None:
        super().setUp()
        self.show("{folder: '/viewers'}", "gallery_view.js", "canvas_view.js")
        self.loaded()

    def test_a_click_on_a_thumbnail_shows_its_picture(self) -> None:
        self.js("told.length = 0")
        self.find(".thumbnails img[data-index='2']").click()
        self.wait_js("told.length === 2")
        self.assertEqual(self.js("return told"), [["onchange", "/viewers/two.jpg"], ["onload", "/viewers/two.jpg"]])

    def test_keys_go_from_one_to_the_next(self) -> None:
        self.find(".thumbnails img.selected").send_keys(Keys.ARROW_RIGHT)
        self.assertEqual(self.selected(), "1")
        self.keys(Keys.END)
        self.assertEqual(self.selected(), "2")
        self.keys(Keys.ARROW_RIGHT)
        self.assertEqual(self.selected(), "2")
        self.keys(Keys.HOME)
        self.assertEqual(self.selected(), "0")
        self.keys(Keys.ARROW_UP, Keys.ARROW_DOWN)
        self.assertEqual(self.selected(), "0")

    def test_what_is_passed_quickly_is_not_loaded(self) -> None:
        self.js("told.length = 0")
        self.js("[1, 2].forEach((n) => document.querySelectorAll('.thumbnails img')[n].click())")
        self.wait_js("told.length === 2")
        self.assertEqual(self.changed(), ["/viewers/two.jpg"])

    def test_a_swipe_shows_the_next_picture(self) -> None:
        self.js("told.length = 0")
        self.point(".main_view canvas", 0.7).click_and_hold().move_by_offset(-120, 5).release().perform()
        self.assertEqual(self.selected(), "1")
        self.wait_js("told.length === 2")  # the next one is there, with a canvas of its own
        self.point(".main_view canvas", 0.3).click_and_hold().move_by_offset(120, 5).release().perform()
        self.assertEqual(self.selected(), "0")

    def test_arrows_move_a_picture_that_is_zoomed(self) -> None:
        self.js("canvas_view_zoom_in(document.querySelector('.main_view'))")
        self.wait_js("document.querySelector('.main_view')._cv_viewer.target === null")
        self.js("document.querySelector('.main_view canvas').focus()")
        self.keys(Keys.ARROW_RIGHT)
        self.assertEqual(self.selected(), "0")

    def test_a_second_init_frees_the_first(self) -> None:
        self.js("window.first = document.getElementById('g')._gallery; told.length = 0")
        self.js(
            f"gallery_view_init('g', {{server: '{self.images.url}/', images: [{{src: 'viewers/two.jpg'}}]}}, events)"
        )
        self.wait_js("told.length === 2")
        self.assertTrue(self.js("return first.ending.signal.aborted"))
        self.assertEqual(self.js("return document.querySelectorAll('#g .main_view').length"), 1)
        self.assertIs(self.js("return gallery_view_resize('g')"), False)
        self.assertIs(self.js("return gallery_view_resize('nothing')"), False)


class LayerTest(GalleryCase):
    """The gallery over the page."""

    def setUp(self) -> None:
        super().setUp()
        images = "".join(
            f'<img class="open" alt="Picture {number}" src="{self.images.url}/image?src=viewers/{name}&amp;width=100">'
            for number, name in enumerate(("one.jpg", "two.jpg"))
        )
        self.embed(
            images + "<script>var mine = {viewer: {}}; gallery_view_init_all_fullscreen('open', mine, events)</script>",
            "canvas_view.min.js",
            "gallery_view.min.js",
            head=EVENTS,
        )

    def test_a_click_opens_all_beginning_with_that_one(self) -> None:
        self.js("document.querySelectorAll('img.open')[1].click()")
        self.loaded()
        self.assertEqual(self.changed(), ["viewers/two.jpg"])
        self.assertEqual(self.js("return mine"), {"viewer": {}})
        self.assertEqual(self.js("return document.querySelectorAll('.fullscreen .gallery .thumbnails img').length"), 2)
        self.assertEqual(self.js("return getComputedStyle(document.querySelector('.fullscreen')).zIndex"), "1001")
        self.assertEqual(self.js("return document.querySelectorAll('.fulltoggle').length"), 0)
        self.keys(Keys.ARROW_LEFT)
        self.wait(lambda: self.changed() == ["viewers/two.jpg", "viewers/one.jpg"])
        self.keys(Keys.ESCAPE)
        self.wait_js("document.querySelector('.fullscreen') === null")
        self.wait_js("told.filter((event) => event[0] === 'onfullscreen').length === 2")
        self.assertEqual(
            self.js("return told.filter((event) => event[0] === 'onfullscreen')"),
            [["onfullscreen", "", True], ["onfullscreen", "", False]],
        )
