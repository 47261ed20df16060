"""The slideshow in pages that were written for it."""

from __future__ import annotations

from selenium.webdriver.common.keys import Keys

from tests.browser.viewer_case import STILL, ViewerCase

EVENTS = """<script>
var told = [];
function note(name) { return function () { told.push([name].concat([].slice.call(arguments))); }; }
var events = {onchange: note('onchange'), onclick: note('onclick')};
</script>"""
BOX = '<div id="s" style="width:400px;height:300px"></div>'
QUICK = "delay: 0.2, duration: 50"


class SlideshowCase(ViewerCase):
    """A page with one slideshow, ``#s``."""

    def show(self, options: str) -> None:
        merged = f"Object.assign({{server: '{self.images.url}'}}, {options})"
        call = f"<script>slideshow_view_init('s', {merged}, events);</script>"
        self.embed(BOX + call, "slideshow_view.min.js", head=EVENTS)

    def order(self) -> list[int]:
        return list(self.js("return told.filter((event) => event[0] === 'onchange').map((event) => event[2])"))

    def begun(self) -> None:
        self.wait(self.order)

    def index(self) -> int:
        return int(self.js("return document.getElementById('s')._show.index"))


class RequestsTest(SlideshowCase):
    """What is asked for."""

    def test_pictures_in_the_size_of_the_container(self) -> None:
        self.show("{folder: '/viewers/', params: {quality: 60}, delay: 60}")
        self.begun()
        self.assertEqual([asked.values for asked in self.images.asked("/api/v1/list/")], [{"path": "/viewers/"}])
        self.assertEqual(
            self.images.asked("/image")[0].values,
            {
                "src": "/viewers/one.jpg",
                "quality": "60",
                "width": "400",
                "height": "300",
                "autosizefit": "1",
                "strip": "1",
                "format": "jpg",
            },
        )

    def test_only_the_first_and_the_next_are_loaded(self) -> None:
        self.show("{folder: '/viewers', delay: 60}")
        self.begun()
        self.wait(lambda: len(self.images.asked("/image")) == 2)
        self.assertEqual(
            [asked.values["src"] for asked in self.images.asked("/image")],
            ["/viewers/one.jpg", "/viewers/three & half.jpg"],
        )

    def test_arrows_come_from_the_image_server(self) -> None:
        self.show("{folder: '/viewers', delay: 60}")
        self.begun()
        self.wait(lambda: self.images.asked("/static/images/slideshow/arrow-left.png"))
        self.wait_js("document.querySelector('#s button img').naturalWidth === 32")

    def test_a_resized_container_gets_pictures_of_its_size(self) -> None:
        self.show("{images: [{src: 'viewers/one.jpg'}], delay: 60}")
        self.begun()
        self.js("document.getElementById('s').style.width = '640px'; slideshow_view_resize('s')")
        self.wait(lambda: [asked.values["width"] for asked in self.images.asked("/image")] == ["400", "640"])


class RunningTest(SlideshowCase):
    """By itself, and by hand."""

    def test_it_runs_and_begins_anew_at_the_end(self) -> None:
        self.show(f"{{folder: '/viewers', {QUICK}}}")
        self.wait(lambda: self.order()[:5] == [0, 1, 2, 0, 1])

    def test_missing_and_private_pictures_are_left_out(self) -> None:
        sources = ("viewers/none.jpg", "viewers/one.jpg", "viewers-private/secret.jpg", "viewers/two.jpg")
        images = ",".join(f"{{src: '{src}'}}" for src in sources)
        self.show(f"{{images: [{images}], {QUICK}}}")
        self.wait(lambda: self.order()[:4] == [1, 3, 1, 3])

    def test_functions_move_and_stop_it(self) -> None:
        self.show("{folder: '/viewers', delay: 0.2, duration: 20}")
        self.begun()
        self.assertIs(self.js("return slideshow_view_stop('s')"), False)
        self.wait_js("document.getElementById('s')._show.end === null || !document.getElementById('s')._show.end")
        self.js("told.length = 0; slideshow_view_index('s', 99)")
        self.wait_js("document.getElementById('s')._show.index === 2")
        self.js("slideshow_view_next('s')")
        self.wait_js("document.getElementById('s')._show.index === 0")
        self.js("slideshow_view_prev('s')")
        self.wait_js("document.getElementById('s')._show.index === 2")
        self.assertFalse(self.js("return document.getElementById('s')._show.running"))
        self.assertIs(self.js("return slideshow_view_start('s')"), False)
        self.wait_js("document.getElementById('s')._show.index !== 2")

    def test_without_a_slideshow_functions_give_nothing_back(self) -> None:
        self.embed("", "slideshow_view.js")
        for name in ("start", "stop", "prev", "next", "index"):
            self.assertIsNone(self.js(f"return slideshow_view_{name}('nothing')"))
        self.assertIs(self.js("return slideshow_view_init('nothing', {})"), False)

    def test_it_waits_while_the_mouse_is_over_it(self) -> None:
        self.show("{folder: '/viewers', delay: 0.3, duration: 20}")
        self.begun()
        self.point("#s").perform()
        shown = self.index()
        self.wait_js("document.getElementById('s')._show.holds.has('hover')")
        self.js("window.until = performance.now() + 800")
        self.wait_js("performance.now() > until")
        self.assertEqual(self.index(), shown)
        self.point("body", 0.9, 0.9).perform()
        self.wait(lambda: self.index() != shown)

    def test_the_pause_button_stops_and_starts_it(self) -> None:
        self.show("{folder: '/viewers', delay: 60}")
        self.begun()
        button = self.find("#s ._sls_pause")
        self.assertEqual(button.get_attribute("aria-label"), "Pause")
        button.click()
        self.assertEqual(button.get_attribute("aria-label"), "Play")
        self.assertFalse(self.js("return document.getElementById('s')._show.running"))

    def test_dots_keys_and_swipes(self) -> None:
        self.show("{folder: '/viewers', delay: 60, duration: 20, dotColor: 'rgb(1, 2, 3)'}")
        self.begun()
        self.assertEqual(self.js("return document.querySelectorAll('#s ._sls_dot').length"), 3)
        self.js("document.querySelectorAll('#s ._sls_dot')[2].click()")
        self.wait_js("document.getElementById('s')._show.index === 2")
        self.assertEqual(
            self.js("return getComputedStyle(document.querySelector('#s ._sls_dot')).backgroundColor"), "rgb(1, 2, 3)"
        )
        self.js("document.querySelectorAll('#s ._sls_dot')[2].focus()")
        self.keys(Keys.ARROW_LEFT)
        self.wait_js("document.getElementById('s')._show.index === 1")
        self.point("#s", 0.7).click_and_hold().move_by_offset(-150, 0).release().perform()
        self.wait_js("document.getElementById('s')._show.index === 2")
        self.assertNotIn("onclick", [event[0] for event in self.js("return told")])

    def test_a_click_tells_its_picture_and_follows_the_link(self) -> None:
        self.show("{images: [{src: 'viewers/one.jpg', url: '#there'}], delay: 60}")
        self.begun()
        self.point("#s", 0.5, 0.3).click().perform()
        self.wait_js("location.hash === '#there'")
        self.assertIn(["onclick", "viewers/one.jpg", 0], self.wait_js("told.length > 1 && told"))

    def test_stack_and_fade(self) -> None:
        for mode in ("stack", "fade"):
            self.show(f"{{folder: '/viewers', mode: '{mode}', bgColor: 'rgb(9, 8, 7)', {QUICK}}}")
            self.wait(lambda: self.order()[:3] == [0, 1, 2])

    def test_options_go_into_a_new_slideshow(self) -> None:
        self.show("{folder: '/viewers', delay: 60, easeFn: function (t, b, c, d) { return b + c * t / d; }}")
        self.begun()
        self.js(
            "told.length = 0; var o = document.getElementById('s')._show.options; slideshow_view_init('s', o, events)"
        )
        self.begun()
        self.assertEqual(self.js("return typeof document.getElementById('s')._show.options.easeFn"), "function")

    def test_with_reduced_motion_it_does_not_run_by_itself(self) -> None:
        self.media(STILL)
        self.show(f"{{folder: '/viewers', {QUICK}}}")
        self.begun()
        self.assertEqual(self.find("#s ._sls_pause").get_attribute("aria-label"), "Play")
        self.js("window.until = performance.now() + 700")
        self.wait_js("performance.now() > until")
        self.assertEqual(self.order(), [0])
