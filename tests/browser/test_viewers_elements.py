"""The viewers as elements of a module, under a strict policy of the page."""

from __future__ import annotations

from selenium.webdriver.common.keys import Keys

from tests.browser.viewer_case import ViewerCase


class ElementsTest(ViewerCase):
    """A page without any inline script or style."""

    def show(self, body: str) -> None:
        base = self.images.url
        page = (
            f'<!DOCTYPE html><html lang="en"><head><title>A page</title>'
            f'<link rel="stylesheet" href="/page.css"><link rel="icon" href="{base}/favicon.ico">'
            f'<script type="module" src="{base}/static/js/qis-viewers.js"></script></head><body>{body}</body></html>'
        )
        names = "qis-zoom, qis-gallery, qis-slideshow, qis-compare"
        self.site.put("/page.css", f"{names} {{width: 500px; height: 400px}}", Content_Type="text/css")
        policy = f"default-src 'none'; style-src 'self'; script-src {base}; img-src {base}; connect-src {base}"
        self.driver.get(self.site.put("/page.html", page, Content_Security_Policy=policy))

    def test_zoom(self) -> None:
        self.show(f'<qis-zoom src="{self.images.url}/image?src=viewers-large/large.jpg" showcontrols="yes"></qis-zoom>')
        self.wait_that("document.querySelector('qis-zoom').viewer && document.querySelector('qis-zoom').viewer.loaded")
        self.assertEqual(self.images.asked("/image")[0].values["width"], "500")
        self.js("document.querySelector('qis-zoom').zoomIn()")
        self.wait_js("document.querySelector('qis-zoom').viewer.zoomed")
        button = "document.querySelector('qis-zoom').shadowRoot.querySelector('[part~=fullscreen]')"
        self.js(f"{button}.click()")
        self.wait_js("document.body.firstElementChild.tagName === 'QIS-ZOOM'")
        self.assertTrue(self.js("return document.querySelector('qis-zoom').viewer.layer !== null"))
        self.keys(Keys.ESCAPE)
        self.wait_js("document.querySelector('qis-zoom').viewer.layer === null")
        self.assertTrue(self.js("return document.querySelector('qis-zoom').viewer.loaded"))

    def test_another_src_shows_another_picture(self) -> None:
        self.show(f'<qis-zoom src="{self.images.url}/image?src=viewers/one.jpg"></qis-zoom>')
        self.wait_js("document.querySelector('qis-zoom').viewer && document.querySelector('qis-zoom').viewer.loaded")
        self.js(
            f"document.querySelector('qis-zoom').setAttribute('src', '{self.images.url}/image?src=viewers/two.jpg')"
        )
        self.wait_js("document.querySelector('qis-zoom').viewer.src === 'viewers/two.jpg'")

    def test_a_removed_element_ends_its_viewer(self) -> None:
        self.show(f'<qis-zoom src="{self.images.url}/image?src=viewers/one.jpg"></qis-zoom>')
        self.wait_that("document.querySelector('qis-zoom').viewer")
        self.js(
            "window.viewer = document.querySelector('qis-zoom').viewer; document.querySelector('qis-zoom').remove()"
        )
        self.wait_js("viewer.ending.signal.aborted")

    def test_gallery_of_a_folder_on_the_scripts_own_server(self) -> None:
        self.show('<qis-gallery folder="/viewers" start="/viewers/two.jpg" thumb-width="60"></qis-gallery>')
        self.js("addEventListener('qis-change', (event) => (window.changed = event.detail.src))")
        self.wait_js("window.changed === '/viewers/two.jpg'")
        self.wait(lambda: [one for one in self.images.asked("/image") if one.values["width"] == "60"])

    def test_gallery_of_a_portfolio_has_its_order_and_parameters(self) -> None:
        name = {"human_id": "spring", "name": "Spring", "description": "", "internal_access": 10, "public_access": 10}
        number = self.api("POST", "portfolios/", name)["id"]
        for src in ("viewers/two.jpg", "viewers/one.jpg"):
            form = {"image_src": src, "image_parameters": '{"flip": {"value": "h"}}'}
            self.api("POST", f"portfolios/{number}/images/", form)
        self.show('<qis-gallery portfolio="spring"></qis-gallery>')
        self.wait(lambda: len([one for one in self.images.asked("/image") if one.values["width"] == "120"]) == 2)
        order = "document.querySelector('qis-gallery').viewer.entries.map((entry) => entry.src)"
        self.assertEqual(self.js(f"return {order}"), ["viewers/two.jpg", "viewers/one.jpg"])
        self.assertEqual({asked.values["flip"] for asked in self.images.asked("/image")}, {"h"})

    def test_slideshow(self) -> None:
        self.show('<qis-slideshow folder="/viewers" delay="0.3" duration="20"></qis-slideshow>')
        self.js("window.shown = []; addEventListener('qis-change', (event) => shown.push(event.detail.index))")
        self.wait_js("shown.length > 2")

    def test_image_in_several_widths(self) -> None:
        src = f"{self.images.url}/image?src=viewers/one.jpg"
        self.show(f'<qis-image src="{src}" widths="200 400" sizes="150px" focal="62% 40%" alt="One"></qis-image>')
        image = "document.querySelector('qis-image').shadowRoot.querySelector('img')"
        self.wait_js(f"{image}.naturalWidth")
        self.assertEqual([asked.values["width"] for asked in self.images.asked("/image")], ["200"])
        self.assertEqual(self.js(f"return getComputedStyle({image}).objectPosition"), "62% 40%")
        self.assertEqual(self.js(f"return {image}.alt"), "One")

    def test_compare_by_keys(self) -> None:
        a, b = (f"{self.images.url}/image?src=viewers/one.jpg&amp;quality={quality}" for quality in (20, 90))
        self.show(f'<qis-compare a="{a}" b="{b}"></qis-compare>')
        over = "document.querySelector('qis-compare').shadowRoot.querySelector('img[part=a]')"
        self.wait_js(f"{over}.style.clipPath")
        self.assertIn("50%", self.js(f"return {over}.style.clipPath"))
        self.js("document.querySelector('qis-compare').shadowRoot.querySelector('input').focus()")
        self.keys(Keys.HOME)
        self.wait_js(f"{over}.style.clipPath.includes('100%')")
