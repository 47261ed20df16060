"""The zoom viewer in pages that were written for it."""

from __future__ import annotations

import io
import time

from PIL import Image
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

from tests.browser.embedding import Asked
from tests.browser.viewer_case import ViewerCase

LOADED = "window.told && told.some((event) => event[0] === 'onload')"
EVENTS = """<script>
var told = [];
function note(name) {
  return function () { told.push([name].concat([].slice.call(arguments))); window.self_of = this; };
}
var events = {onload: note('onload'), oninfo: note('oninfo'), ondownload: note('ondownload'),
              onfullscreen: note('onfullscreen')};
</script>"""
BOX = '<div id="v" style="width:500px;height:400px"></div>'


class ZoomCase(ViewerCase):
    """A page with one viewer, ``#v``, of 500 × 400 pixels."""

    def show(self, query: str = "src=viewers-large/large.jpg", options: str = "null") -> None:
        url = f"{self.images.url}/image?{query}"
        call = f"<script>var result = canvas_view_init('v', '{url}', {options}, events);</script>"
        self.embed(BOX + call, "canvas_view.min.js", head=EVENTS)

    def show_loaded(self, query: str = "src=viewers-large/large.jpg", options: str = "null") -> None:
        self.show(query, options)
        self.wait_js(LOADED)

    def zoomed(self) -> float:
        return float(self.js("return document.getElementById('v')._cv_viewer.at.width"))

    def rested(self) -> float:
        """The width of the picture when it has stopped moving."""
        self.wait_js("document.getElementById('v')._cv_viewer.target === null")
        return self.zoomed()

    def colour(self, x: float) -> tuple[int, ...]:
        """The colour that is seen on the canvas, in the middle of its height."""
        picture = Image.open(io.BytesIO(self.find("#v canvas").screenshot_as_png)).convert("RGB")
        return picture.crop((int(x * picture.width), picture.height // 2, picture.width, picture.height)).getpixel(
            (0, 0)
        )

    def tiles(self, grid: int) -> list[Asked]:
        return [asked for asked in self.images.asked("/image") if asked.values.get("tile", "").endswith(f":{grid}")]


class RequestsTest(ZoomCase):
    """What is asked for."""

    def test_first_the_details_then_the_whole_picture_in_the_size_of_the_view(self) -> None:
        self.show_loaded("src=/viewers-large/large.jpg&width=77&height=&format=png&flip=h&tmp=default")
        details = self.images.asked("/api/v1/details/")
        self.assertEqual([asked.values for asked in details], [{"src": "/viewers-large/large.jpg"}])
        self.assertEqual(details[0].headers["Accept"], "application/json")
        self.assertNotIn("Cookie", details[0].headers)
        self.assertEqual(
            [asked.values for asked in self.images.asked("/image")],
            [
                {
                    "src": "/viewers-large/large.jpg",
                    "width": "500",
                    "height": "375",
                    "format": "jpg",
                    "flip": "h",
                    "tmp": "default",
                    "autosizefit": "0",
                    "strip": "1",
                    "stats": "1",
                }
            ],
        )

    def test_each_stop_has_its_size_and_tiles_and_the_last_is_the_full_size(self) -> None:
        self.show_loaded()
        sizes = self.js("return document.getElementById('v')._cv_viewer.levels")
        self.assertEqual(
            [(level["width"], level["height"], level["tiles"]) for level in sizes],
            [(500, 375, 1), (960, 720, 1), (1728, 1296, 16), (3600, 2700, 64)],
        )

    def test_only_tiles_that_are_seen_are_asked_for(self) -> None:
        self.show_loaded()
        for _ in range(2):
            self.js("canvas_view_zoom_in('v')")
            self.rested()
        tiles = self.wait(lambda: self.tiles(16))
        time.sleep(0.3)
        tiles = self.tiles(16)
        self.assertEqual({asked.values["tile"] for asked in tiles}, {"6:16", "7:16", "10:16", "11:16"})
        self.assertEqual({(asked.values["width"], asked.values["height"]) for asked in tiles}, {("1728", "1296")})
        self.assertEqual({asked.values["stats"] for asked in tiles}, {"0"})

    def test_maxtiles_1_asks_for_the_full_picture_in_one(self) -> None:
        self.show_loaded(options="{maxtiles: 1}")
        sizes = self.js("return document.getElementById('v')._cv_viewer.levels")
        self.assertEqual({level["tiles"] for level in sizes}, {1})

    def test_a_turned_and_cut_picture_has_the_size_of_what_is_left(self) -> None:
        self.show_loaded("src=viewers-large/large.jpg&angle=90&left=0.5&bottom=0.5")
        full = self.js("return document.getElementById('v')._cv_viewer.full")
        self.assertEqual(full, {"width": 1350, "height": 1800})
        first = self.images.asked("/image")[0].values
        self.assertEqual((first["angle"], first["left"], first["bottom"]), ("90", "0.5", "0.5"))
        self.assertEqual((first["width"], first["height"]), ("300", "400"))

    def test_aligns_are_dropped_if_wished(self) -> None:
        self.show_loaded("src=viewers/one.jpg&halign=L0&valign=T0", "{stripaligns: true}")
        self.assertNotIn("halign", self.images.asked("/image")[0].values)

    def test_the_details_are_asked_for_once_a_page(self) -> None:
        url = f"{self.images.url}/image?src=viewers/one.jpg"
        self.embed(
            '<div id="v" style="width:300px;height:200px"></div><div id="7" style="width:300px;height:200px"></div>'
            f"<script>canvas_view_init('v', '{url}', null, events);"
            f" canvas_view_init(7, '{url}', null, events);</script>",
            "canvas_view.js",
            head=EVENTS,
        )
        self.wait_js("told.length === 2")
        self.assertEqual(len(self.images.asked("/api/v1/details/")), 1)

    def test_a_picture_that_fails_twice_is_had_the_third_time(self) -> None:
        failures: list[Asked] = []

        def fails(asked: Asked) -> bool:
            failures.append(asked)
            return asked.path == "/image" and len([one for one in failures if one.path == "/image"]) <= 2

        self.images.refuses = fails
        self.show_loaded("src=viewers/one.jpg")
        self.assertEqual(len(self.images.asked("/image")), 3)

    def test_dense_screens_get_as_many_pixels_as_they_have(self) -> None:
        self.driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": 1200, "height": 900, "deviceScaleFactor": 2, "mobile": False},
        )
        self.addCleanup(self.driver.execute_cdp_cmd, "Emulation.clearDeviceMetricsOverride", {})
        self.show_loaded()
        self.assertEqual(self.images.asked("/image")[0].values["width"], "1000")
        self.assertEqual(self.js("return document.querySelector('#v canvas').width"), 1000)


class PrefixTest(ZoomCase):
    """The image server lies below a path."""

    prefix = "/pictures"

    def test_details_are_asked_for_below_the_same_path(self) -> None:
        self.show_loaded("src=viewers/one.jpg")
        self.assertEqual(len(self.images.asked("/api/v1/details/")), 1)


class RefusedTest(ZoomCase):
    """Pictures that can't be shown."""

    def text(self) -> str:
        return str(self.wait_js("(document.querySelector('#v .problem') || {}).innerText"))

    def test_a_private_picture_is_said_to_be_so(self) -> None:
        self.show("src=viewers-private/secret.jpg")
        self.assertIn("not public", self.text())
        self.assertEqual(self.images.asked("/image"), [])

    def test_a_missing_picture_is_said_to_be_so(self) -> None:
        self.show("src=viewers/none.jpg")
        self.assertIn("no such picture", self.text())

    def test_without_details_the_picture_is_shown_plainly_beside_a_text(self) -> None:
        self.images.refuses = lambda asked: asked.path == "/api/v1/details/"
        self.show("src=viewers/one.jpg")
        self.assertIn("could not be loaded", self.text())
        self.wait_js("document.querySelector('#v img.plain').naturalWidth")
        self.assertEqual(len(self.images.asked("/api/v1/details/")), 3)


class MouseTest(ZoomCase):
    """Clicks and drags."""

    def test_a_click_zooms_in_at_its_place_and_shift_out_again(self) -> None:
        self.show_loaded()
        self.point("#v canvas", 0.9, 0.9).click().perform()
        self.assertEqual(self.rested(), 960)
        at = self.js("return document.getElementById('v')._cv_viewer.at")
        self.assertLess(at["x"], -400)
        time.sleep(0.4)
        self.point("#v canvas").key_down(Keys.SHIFT).click().key_up(Keys.SHIFT).perform()
        self.assertEqual(self.rested(), 500)

    def test_a_double_click_shows_the_whole_picture(self) -> None:
        self.show_loaded()
        self.js("canvas_view_zoom_in('v')")
        self.rested()
        self.point("#v canvas").double_click().perform()
        self.assertEqual(self.rested(), 500)

    def test_without_doubleclickreset_it_is_two_clicks(self) -> None:
        self.show_loaded(options="{doubleclickreset: false}")
        self.point("#v canvas").double_click().perform()
        self.assertEqual(self.rested(), 1728)

    def test_a_drag_moves_the_picture_and_stops_at_its_edge(self) -> None:
        self.show_loaded()
        self.js("canvas_view_zoom_in('v')")
        self.rested()
        before = self.js("return document.getElementById('v')._cv_viewer.at.x")
        self.point("#v canvas").click_and_hold().move_by_offset(60, 0).pause(0.2).release().perform()
        self.assertEqual(self.js("return document.getElementById('v')._cv_viewer.at.x"), before + 60)
        self.assertEqual(self.zoomed(), 960)
        self.point("#v canvas", 0.1).click_and_hold().move_by_offset(300, 0).pause(0.2).release().perform()
        self.assertEqual(self.js("return document.getElementById('v')._cv_viewer.at.x"), 0)

    def test_what_is_let_go_while_moving_glides_on(self) -> None:
        self.show_loaded()
        self.js("canvas_view_zoom_in('v'); canvas_view_zoom_in('v')")
        self.rested()
        x = self.js("return document.getElementById('v')._cv_viewer.at.x")
        drag = ActionChains(self.driver, duration=10).move_to_element(self.find("#v canvas")).click_and_hold()
        drag.move_by_offset(20, 0).move_by_offset(20, 0).move_by_offset(20, 0).release().perform()
        self.wait_js(f"document.getElementById('v')._cv_viewer.at.x > {x} + 60")

    def test_the_wheel_zooms_with_ctrl_only(self) -> None:
        self.show_loaded()
        turn = """document.querySelector('#v canvas').dispatchEvent(new WheelEvent('wheel',
            {deltaY: -100, ctrlKey: arguments[0], cancelable: true, clientX: 100, clientY: 100}))"""
        self.assertTrue(self.js(f"return {turn}", False))
        self.assertEqual(self.zoomed(), 500)
        self.assertFalse(self.js(f"return {turn}", True))
        self.assertGreater(self.zoomed(), 600)

    def test_two_fingers_zoom_continuously(self) -> None:
        self.show_loaded()
        self.driver.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": True, "maxTouchPoints": 2})
        self.addCleanup(self.driver.execute_cdp_cmd, "Emulation.setTouchEmulationEnabled", {"enabled": False})
        for kind, spread in (("touchStart", 40), ("touchMove", 60), ("touchMove", 80)):
            points = [{"x": 250 - spread, "y": 200, "id": 0}, {"x": 250 + spread, "y": 200, "id": 1}]
            self.driver.execute_cdp_cmd("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
        self.driver.execute_cdp_cmd("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
        self.assertAlmostEqual(self.zoomed(), 1000, delta=60)

    def test_the_picture_itself_is_seen(self) -> None:
        self.show_loaded()
        self.wait(lambda: self.colour(0.5) != (255, 255, 255))
        self.assertGreater(abs(self.colour(0.9)[0] - self.colour(0.1)[0]), 40)


class KeysTest(ZoomCase):
    """Without a mouse."""

    def setUp(self) -> None:
        super().setUp()
        self.show_loaded("src=viewers-large/large.jpg", "{showcontrols: 'yes'}")
        self.js("document.querySelector('#v canvas').focus()")

    def test_zooming_and_moving(self) -> None:
        self.keys("+")
        self.assertEqual(self.rested(), 960)
        self.keys(Keys.HOME)
        self.rested()
        self.assertEqual(self.js("return document.getElementById('v')._cv_viewer.at.x"), 0)
        self.keys(Keys.ARROW_RIGHT)
        self.rested()
        self.assertEqual(self.js("return document.getElementById('v')._cv_viewer.at.x"), -60)
        self.keys("-")
        self.assertEqual(self.rested(), 500)
        self.keys("+", "+")
        self.rested()
        self.keys("0")
        self.assertEqual(self.rested(), 500)

    def test_help_and_title_are_shown_and_closed(self) -> None:
        self.keys("?")
        self.assertIn("Drag", self.find("#v .alertpanel.help").text)
        self.keys("i")
        self.assertIn("large.jpg", self.find("#v .alertpanel.info").text)
        self.assertEqual(self.js("return document.querySelectorAll('#v .alertpanel').length"), 1)
        self.keys(Keys.ESCAPE)
        self.assertEqual(self.js("return document.querySelectorAll('#v .alertpanel').length"), 0)
        self.assertIn(["oninfo", "viewers-large/large.jpg"], self.wait_js("told.length > 1 && told"))

    def test_the_buttons_are_reached_by_tab_and_have_names(self) -> None:
        names = []
        for _ in range(3):
            self.keys(Keys.TAB)
            names.append(self.js("return document.activeElement.getAttribute('aria-label')"))
        self.assertEqual(names, ["Help", "Zoom in", "Full screen"])
        ActionChains(self.driver).key_down(Keys.SHIFT).send_keys(Keys.TAB).key_up(Keys.SHIFT).perform()
        self.keys(Keys.ENTER)
        self.assertEqual(self.rested(), 960)

    def test_full_screen_holds_the_focus_and_gives_it_back(self) -> None:
        self.keys("f")
        self.assertTrue(self.js("return document.getElementById('v').classList.contains('fullscreen')"))
        seen = set()
        for _ in range(12):
            self.keys(Keys.TAB)
            seen.add(self.js("return document.activeElement.closest('#v, .close_button, body').tagName"))
        self.assertIn("DIV", seen)
        self.keys(Keys.ESCAPE)
        self.wait_js("!document.getElementById('v').classList.contains('fullscreen')")
        self.assertEqual(self.js("return document.activeElement.tagName"), "CANVAS")
        self.wait_js("told.filter((event) => event[0] === 'onfullscreen').length === 2")


class FunctionsTest(ZoomCase):
    """The global functions, options and events."""

    def test_all_functions_return_false_also_without_a_viewer(self) -> None:
        self.embed("", "canvas_view.min.js")
        for name in ("zoom_in", "zoom_out", "reset", "resize", "toggle_fullscreen", "toggle_help", "toggle_image_info"):
            self.assertIs(self.js(f"return canvas_view_{name}('nothing')"), False)
        self.assertIs(self.js("return canvas_view_init('nothing', '/image?src=a.jpg')"), False)
        self.assertIs(self.js("return canvas_view_init_image('nothing')"), False)
        self.assertIs(self.js("return canvas_view_init_all_images('nothing')"), False)
        self.assertIs(self.js("return haveCanvasSupport()"), True)
        self.assertEqual(self.js("return QU.version"), 1)

    def test_events_have_the_path_and_the_viewer(self) -> None:
        self.show_loaded("src=/viewers/one.jpg")
        self.assertEqual(self.js("return told"), [["onload", "/viewers/one.jpg"]])
        self.assertTrue(self.js("return self_of === document.getElementById('v')._cv_viewer"))

    def test_options_are_merged_deeply_and_the_callers_are_left_alone(self) -> None:
        self.show_loaded(
            "src=viewers/one.jpg", "(window.mine = Object.freeze({controls: Object.freeze({help: false})}))"
        )
        self.assertEqual(self.js("return mine"), {"controls": {"help": False}})
        controls = self.js("return document.getElementById('v')._cv_viewer.options.controls")
        self.assertEqual((controls["help"], controls["zoomin"], controls["download"]), (False, True, False))
        self.assertEqual(self.js("return document.querySelectorAll('#v .icon.help').length"), 0)

    def test_the_controls_are_in_their_order(self) -> None:
        self.show_loaded("src=viewers/one.jpg", "{showcontrols: 'yes', title: 'A picture', controls: {download: true}}")
        order = self.js(
            "return [...document.querySelectorAll('#v .controlpanel button')].map((b) => b.classList[1] || b.className)"
        )
        self.assertEqual(order, ["controltitle", "download", "help", "reset", "zoomin", "zoomout", "fulltoggle"])

    def test_the_panel_is_folded_away_unless_wished_otherwise(self) -> None:
        self.show_loaded("src=viewers/one.jpg")
        self.assertFalse(self.find("#v .controlpanel").is_displayed())
        self.find("#v .controltoggle").click()
        self.assertTrue(self.find("#v .controlpanel").is_displayed())
        self.show_loaded("src=viewers/one.jpg", "{showcontrols: 'no'}")
        self.assertEqual(self.js("return document.querySelectorAll('#v .controlpanel, #v .controltoggle').length"), 0)

    def test_title_and_description_are_texts(self) -> None:
        self.show_loaded(
            "src=viewers/one.jpg",
            "{showcontrols: 'yes', title: '<b>A very long title</b> of a picture that is',"
            " description: 'One<br>two <i>x</i>'}",
        )
        self.assertEqual(self.find("#v .controltitle").text, "A very long title of a…")
        self.js("canvas_view_toggle_image_info('v')")
        self.assertEqual(self.find("#v .alertpanel p").text, "One\ntwo x")
        self.assertEqual(
            self.find("#v canvas").get_attribute("aria-label"), "A very long title of a picture that is. One\ntwo x"
        )

    def test_a_download_asks_for_the_original_if_allowed(self) -> None:
        self.show_loaded("src=viewers/one.jpg", "{showcontrols: 'yes', controls: {download: true}}")
        self.find("#v .icon.download").click()
        self.wait(lambda: self.images.asked("/original"))
        self.assertEqual(self.images.asked("/original")[0].values, {"src": "viewers/one.jpg", "attach": "1"})
        self.wait_js("told.some((event) => event[0] === 'ondownload' && event[1] === 'viewers/one.jpg')")

    def test_a_second_init_replaces_the_first(self) -> None:
        self.show_loaded("src=viewers/one.jpg")
        self.js("window.first = document.getElementById('v')._cv_viewer")
        self.js("canvas_view_init('v', first.address.with({src: 'viewers/two.jpg'}), null, events)")
        self.wait_js("told.length === 2")
        self.assertTrue(self.js("return document.getElementById('v')._cv_viewer !== first"))
        self.assertEqual(self.js("return document.querySelectorAll('#v canvas').length"), 1)

    def test_a_resized_container_is_measured_anew_and_keeps_its_zoom(self) -> None:
        self.show_loaded()
        self.js("canvas_view_zoom_in('v')")
        self.rested()
        self.js("document.getElementById('v').style.width = '700px'; canvas_view_resize('v')")
        self.assertEqual(self.zoomed(), 960)
        self.assertEqual(self.js("return document.querySelector('#v canvas').width"), 700)

    def test_full_screen_is_a_layer_that_leaves_everything_as_it_was(self) -> None:
        self.show_loaded(options="{showcontrols: 'yes'}")
        before = self.js("return document.getElementById('v').getAttribute('style')")
        self.js("canvas_view_toggle_fullscreen('v')")
        self.assertEqual(self.js("return document.body.firstElementChild.id"), "v")
        self.assertEqual(self.js("return getComputedStyle(document.getElementById('v')).zIndex"), "1101")
        self.assertEqual(self.js("return getComputedStyle(document.querySelector('.fullscreen_mask')).zIndex"), "1100")
        self.assertEqual(self.js("return getComputedStyle(document.querySelector('.close_button')).zIndex"), "1102")
        self.assertGreater(self.rested(), 800)
        self.find(".close_button").click()
        self.wait_js("told.length === 3")
        self.assertEqual(
            self.js("return told.slice(1)"), [["onfullscreen", "viewers-large/large.jpg", on] for on in (True, False)]
        )
        self.assertEqual(self.js("return document.getElementById('v').getAttribute('style')"), before)
        self.assertEqual(self.rested(), 500)

    def test_a_click_on_the_mask_leaves_full_screen(self) -> None:
        self.show_loaded("src=viewers-large/large.jpg", "{fullScreenReal: false}")
        self.js("canvas_view_toggle_fullscreen('v')")
        actions = ActionChains(self.driver)
        actions.w3c_actions.pointer_action.move_to_location(2, 400).click()
        actions.perform()
        self.wait_js("document.querySelector('.fullscreen_mask') === null")

    def test_texts_can_be_replaced(self) -> None:
        self.show_loaded("src=viewers/one.jpg", "{showcontrols: 'yes', texts: {zoomIn: 'Näher'}}")
        self.assertEqual(self.find("#v .zoomin").get_attribute("aria-label"), "Näher")

    def test_texts_of_the_pages_language(self) -> None:
        url = f"{self.images.url}/image?src=viewers/one.jpg"
        self.embed(
            f'<script>QIS_TEXTS = {{de: {{zoomIn: "Näher heran"}}}}</script><div lang="de-AT">{BOX}</div>'
            f"<script>canvas_view_init('v', '{url}', {{showcontrols: 'yes'}})</script>",
            "canvas_view.js",
        )
        self.assertEqual(self.find("#v .zoomin").get_attribute("aria-label"), "Näher heran")


class ClickToOpenTest(ZoomCase):
    """Pictures of a page that open full screen."""

    def setUp(self) -> None:
        super().setUp()
        url = f"{self.images.url}/image?src=viewers/one.jpg&amp;width=120&amp;halign=L0"
        plain = url.replace("&amp;", "&")
        self.embed(
            f'<img id="a" class="open" src="{url}" alt="One picture">'
            f'<div id="b" class="open" title="Two"'
            f" style=\"width:90px;height:60px;background-image:url('{plain}')\"></div>"
            "<script>canvas_view_init_all_images('open', null, events)</script>",
            "canvas_view.min.js",
            head=EVENTS,
        )

    def test_a_click_opens_and_escape_closes(self) -> None:
        self.find("#a").click()
        self.wait_js(LOADED)
        viewer = "document.querySelector('.fullscreen')._cv_viewer"
        self.assertEqual(self.js("return document.querySelector('.fullscreen').id"), "_cv_fs_zoom_click_el")
        self.assertEqual(self.js(f"return {viewer}.levels[0]"), {"width": 500, "height": 375, "tiles": 1})
        self.assertEqual(self.js(f"return {viewer}.title"), "One picture")
        first = next(asked for asked in self.images.asked("/image") if asked.values.get("stats") == "1")
        self.assertNotIn("halign", first.values)
        self.keys(Keys.ESCAPE)
        self.wait_js("document.querySelector('.fullscreen, #_cv_fs_zoom_click_el') === null")

    def test_a_background_picture_opens_by_the_keyboard(self) -> None:
        self.js("document.getElementById('b').focus()")
        self.keys(Keys.ENTER)
        self.wait_js(LOADED)
        self.assertEqual(self.js("return document.querySelector('.fullscreen')._cv_viewer.title"), "Two")
        self.keys(Keys.ESCAPE)
        self.wait_js("document.activeElement.id === 'b'")
