"""The simple viewer and the lazy loader in pages that were written for them."""

from __future__ import annotations

from selenium.webdriver.common.keys import Keys

from tests.browser.embedding import Asked
from tests.browser.viewer_case import ViewerCase


class SimpleTest(ViewerCase):
    """A viewer in a container of 400 × 300 pixels, ``#v``."""

    def setUp(self) -> None:
        super().setUp()
        self.show("src=/viewers-large/large.jpg&flip=h")

    def show(self, query: str) -> None:
        url = f"{self.images.url}/image?{query}"
        self.images.forget()
        self.embed(
            '<div id="v" style="width:400px;height:300px"></div>'
            f"<script>var result = simple_view_init('v', '{url}')</script>",
            "simple_view.min.js",
        )
        self.wait_shown()

    def asked(self) -> list[Asked]:
        return self.images.asked("/image")

    def is_whole(self) -> bool:
        return "autocropfit" not in self.js("return document.querySelector('#v img').src")

    def wait_shown(self) -> None:
        self.wait_js("document.querySelector('#v img').complete && document.querySelector('#v img').naturalWidth")

    def click(self, x: float = 0.5, y: float = 0.5, key: str = "") -> Asked:
        """Click at a place; the request that follows."""
        before = len(self.asked())
        actions = self.point("#v img", x, y)
        (actions.key_down(key).click().key_up(key) if key else actions.click()).perform()
        self.wait(lambda: len(self.asked()) > before)
        self.wait_shown()
        return self.asked()[-1]

    def test_the_first_request_is_for_the_whole_picture(self) -> None:
        self.assertEqual(
            [asked.values for asked in self.asked()],
            [
                {
                    "src": "/viewers-large/large.jpg",
                    "flip": "h",
                    "width": "400",
                    "height": "300",
                    "top": "0",
                    "left": "0",
                    "bottom": "1",
                    "right": "1",
                    "format": "jpeg",
                }
            ],
        )
        self.assertIs(self.js("return result"), False)

    def test_a_click_shows_seven_tenths_around_it(self) -> None:
        values = self.click().values
        self.assertEqual((values["left"], values["right"]), ("0.15", "0.85"))
        self.assertEqual((values["top"], values["bottom"]), ("0.15", "0.85"))
        self.assertEqual((values["autocropfit"], values["stats"]), ("1", "0"))

    def test_it_stays_inside_the_picture_and_comes_back(self) -> None:
        values = self.click(0.99, 0.01).values
        self.assertEqual((values["right"], values["top"]), ("1", "0"))
        self.point("#v img").key_down(Keys.SHIFT).click().key_up(Keys.SHIFT).perform()
        self.wait(self.is_whole)

    def test_alt_moves_without_zooming(self) -> None:
        self.click()
        values = self.click(0.9, 0.5, key=Keys.ALT).values
        self.assertAlmostEqual(float(values["right"]) - float(values["left"]), 0.7, delta=1e-6)
        self.assertEqual(values["right"], "1")

    def test_nine_steps_are_the_most(self) -> None:
        for _ in range(9):
            last = self.click().values
        width = float(last["right"]) - float(last["left"])
        self.assertAlmostEqual(width, 0.7**9, delta=1e-6)
        self.assertLessEqual(max(len(last[name].partition(".")[2]) for name in ("left", "top", "right")), 8)
        self.point("#v img").click().perform()
        self.assertEqual(len(self.asked()), 10)

    def test_reset_shows_the_whole_picture(self) -> None:
        self.click()
        self.assertIs(self.js("return simple_view_reset('v')"), False)
        self.wait(self.is_whole)
        self.assertIs(self.js("return simple_view_reset('nothing')"), False)

    def test_a_picture_that_is_cut_is_zoomed_within_its_part(self) -> None:
        self.show("src=viewers-large/large.jpg&left=0.5&top=0.5")
        values = self.click(0.01, 0.01).values
        self.assertEqual((values["left"], values["right"]), ("0.5", "0.85"))

    def test_a_picture_smaller_than_its_container_is_not_zoomed(self) -> None:
        self.show("src=tiny.png")
        self.point("#v img").click().perform()
        self.assertEqual(len(self.asked()), 1)

    def test_keys(self) -> None:
        self.js("document.querySelector('#v img').focus()")
        self.keys("+")
        self.wait(lambda: self.asked()[-1].values["left"] == "0.15")
        self.wait_shown()
        self.keys(Keys.ARROW_LEFT)
        self.wait(lambda: self.asked()[-1].values["left"] == "0")
        self.keys("0")
        self.wait(self.is_whole)

    def test_private_and_missing_pictures_are_said_to_be_so(self) -> None:
        for src in ("viewers-private/secret.jpg", "viewers/none.jpg"):
            url = f"{self.images.url}/image?src={src}"
            self.js(f"simple_view_init('v', '{url}')")
            self.wait_js("document.querySelector('#v img').alt.includes('could not')")


class SimpleImageTest(ViewerCase):
    """A viewer made of a picture that is in the page already."""

    def test_the_picture_stays_until_it_is_zoomed(self) -> None:
        url = f"{self.images.url}/image?src=viewers-large/large.jpg&width=400"
        self.embed(
            f'<div style="width:400px;height:300px"><img id="i" src="{url}"></div>'
            "<script>window.onload = function () { simple_view_init_image('i'); }</script>",
            "simple_view.js",
        )
        self.wait_that("document.getElementById('i')._viewer")
        self.assertEqual(len(self.images.asked("/image")), 1)
        self.find("#i").click()
        self.wait(lambda: len(self.images.asked("/image")) == 2)
        self.assertEqual(self.images.asked("/image")[-1].values["autocropfit"], "1")
        self.js("simple_view_reset_image('i')")
        self.assertEqual(self.js("return document.getElementById('i').src"), url)


class TogetherTest(ViewerCase):
    """All viewers on one page, in any order of their scripts."""

    def test_none_disturbs_another(self) -> None:
        scripts = [
            "simple_view.min.js",
            "gallery_view.js",
            "common_view.js",
            "slideshow_view.min.js",
            "canvas_view.min.js",
        ]
        for order in (scripts, scripts[::-1]):
            url = f"//127.0.0.1:{self.images.port}/image?src=viewers-large/large.jpg"
            box = 'style="width:300px;height:200px"'
            self.embed(
                f'<div id="c" {box}></div><div id="s" {box}></div><div id="g" {box}></div><div id="w" {box}></div>'
                f"""<script>
                var methods = Object.getOwnPropertyNames(Math).length;
                QU.whenReady(function () {{
                  canvas_view_init('c', '{url}');
                  simple_view_init(QU.id('s'), '{url}');
                  gallery_view_init('g', {{server: '{self.images.url}', images: [{{src: 'viewers/one.jpg'}}]}});
                  slideshow_view_init('w', {{server: '{self.images.url}', images: [{{src: 'viewers/two.jpg'}}]}});
                }});
                </script>""",
                *order,
            )
            self.wait_js("document.getElementById('c')._cv_viewer && document.getElementById('c')._cv_viewer.loaded")
            self.wait_js("document.getElementById('w')._show.index === 0")
            self.wait_that("document.querySelector('#g .main_view')._cv_viewer")
            self.js("canvas_view_zoom_in('c'); document.querySelector('#s img').click()")
            self.wait_js(
                "document.getElementById('c')._cv_viewer.zoomed && document.getElementById('s')._viewer.steps === 1"
            )
            self.js("canvas_view_reset('c'); simple_view_reset('s')")
            self.wait_js(
                "!document.getElementById('c')._cv_viewer.zoomed && !document.getElementById('s')._viewer.steps"
            )

    def test_the_helper_does_what_pages_ask_of_it(self) -> None:
        self.embed('<div id="d" class="x" style="width:90px;height:50px;padding:5px"></div>', "common_view.min.js")
        self.assertEqual(self.js("QU.elSetClass('d', 'on'); return document.getElementById('d').className"), "x on")
        self.assertEqual(self.js("QU.elSetClass('d', 'on', false); return QU.elHasClass('d', 'on')"), False)
        self.assertEqual(self.js("return QU.elInnerSize('d')"), {"width": 90, "height": 50})
        self.assertEqual(self.js("return QU.ObjectToQueryString({src: '/a b&.jpg', n: 1})"), "src=/a%20b%26.jpg&n=1")
        self.assertEqual(self.js("return QU.QueryStringToObject('?a=1&b=', true)"), {"a": "1", "b": ""})
        self.assertEqual(self.js("return QU.QueryStringToObject('a=1&b=', false)"), {"a": "1"})
        self.assertEqual(self.js("return QU.merge({a: {b: 1, c: 2}}, {a: {b: 3}})"), {"a": {"b": 3, "c": 2}})
        url = f"{self.images.url}/api/v1/details/?src="
        self.js(f"QU.jsonRequest('{url}viewers/one.jpg', 'GET', function (xhr, o) {{ window.got = o.data.width; }})")
        self.wait_js("window.got === 1000")
        self.js(
            f"QU.jsonRequest('{url}viewers/none.jpg', 'GET', null, function (xhr, m) {{ window.failed = xhr.status; }})"
        )
        self.wait_js("window.failed === 404")


class DeferTest(ViewerCase):
    """The lazy loader."""

    def show(self, options: str = "") -> None:
        """A page with twenty pictures one below the other, 600 pixels apart."""
        url = f"{self.images.url}/image?src=viewers/one.jpg&amp;width="
        spacer = f"{self.images.url}/static/images/spacer.png"
        images = "".join(
            f'<p style="height:600px"><img src="{spacer}" data-defer-src="{url}{50 + number}" alt=""></p>'
            for number in range(20)
        )
        script = f'<script src="{self.images.url}/static/js/image-defer.min.js"></script>'
        self.embed(f"<script>{options}</script>{script}{images}")

    def widths(self) -> set[str]:
        return {asked.values["width"] for asked in self.images.asked("/image")}

    def test_pictures_come_when_they_come_near(self) -> None:
        self.show()
        self.wait(lambda: {"50", "51"} <= self.widths())
        self.assertNotIn("60", self.widths())
        self.js("document.querySelectorAll('img')[10].scrollIntoView()")
        self.wait(lambda: "60" in self.widths())
        self.assertGreaterEqual(self.js("return ImageDefer.imagesLoaded()"), 3)

    def test_single_pictures_can_be_loaded_unloaded_added_and_removed(self) -> None:
        self.show()
        self.wait(lambda: "50" in self.widths())
        self.js("window.last = document.querySelectorAll('img')[19]; ImageDefer.loadImage(last)")
        self.wait(lambda: "69" in self.widths())
        self.js("ImageDefer.unloadImage(last)")
        self.assertIn("spacer.png", self.js("return last.src"))
        self.js("ImageDefer.removeImage(last, true)")
        self.assertIn("width=69", self.js("return last.src"))
        self.js("last.dataset.deferSrc += '0'; ImageDefer.addImage(last); ImageDefer.loadImage(last)")
        self.wait(lambda: "690" in self.widths())
        self.assertTrue(self.js("return ImageDefer.supportedBrowser() && ImageDefer.version > 0"))

    def test_options_are_taken_over_and_far_pictures_are_given_up(self) -> None:
        self.show(
            "var told = []; ImageDefer = {options: {maxLoaded: 3, scrollingStopMillis: 100,"
            " onImageUnloaded: function (img) { told.push(img.src); }}}"
        )
        self.wait(lambda: "50" in self.widths())
        for number in (5, 10, 15):
            self.js(f"document.querySelectorAll('img')[{number}].scrollIntoView()")
            self.wait(lambda number=number: str(50 + number) in self.widths())
        self.wait_js("told.length > 0")
        self.assertIn("spacer.png", self.js("return document.querySelectorAll('img')[0].src"))
        self.assertLessEqual(self.js("return ImageDefer.imagesLoaded()"), 5)
