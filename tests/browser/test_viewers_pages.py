"""The pages that show the viewers at work and explain them."""

from __future__ import annotations

from tests.browser.case import BrowserCase, Keys
from tests.browser.modules import provide_samples

VIEWERS = {
    "canvasview": "Zoom viewer",
    "gallery": "Gallery",
    "slideshow": "Slideshow",
    "simpleview": "Simple viewer",
}


class ViewerPagesTest(BrowserCase):
    """For whoever has logged in."""

    def setUp(self) -> None:
        super().setUp()
        provide_samples(self.daemon.images)
        self.person("ann")

    def shows(self, name: str) -> None:
        self.open(f"/{name}/", as_user="ann")
        self.assertEqual(self.heading, VIEWERS[name])

    def test_without_logging_in_one_is_asked_to(self) -> None:
        for name in VIEWERS:
            for address in (f"/{name}/", f"/{name}/help/"):
                self.open(address)
                self.assertTrue(self.path.startswith("/login/?next="), self.path)

    def test_the_zoom_viewer_at_work(self) -> None:
        self.shows("canvasview")
        self.wait_text("onload(", "#viewer-events")
        self.assertIn("canvas_view_init('viewer'", self.find("#viewer-code").text)
        self.button("Zoom in").click()
        self.wait(lambda: self.driver.execute_script("return document.getElementById('viewer')._cv_viewer.zoomed"))
        self.driver.execute_script("document.querySelectorAll('#viewer-options select')[1].focus()")
        self.press(Keys.ARROW_DOWN)
        self.wait(lambda: self.find("#viewer .controlpanel").is_displayed())
        self.assertIn('"showcontrols": "yes"', self.find("#viewer-code").text)
        self.shot("viewers-canvasview")
        self.axe()

    def test_a_picture_of_the_page_opens_full_screen(self) -> None:
        self.shows("canvasview")
        self.wait(lambda: self.all(".viewer-thumb"), "thumbnails")[0].click()
        self.find("#_cv_fs_zoom_click_el.fullscreen canvas")
        self.shot("viewers-canvasview-fullscreen")
        self.press(Keys.ESCAPE)
        self.wait(lambda: not self.all(".fullscreen"), "the layer to close")

    def test_the_gallery_at_work(self) -> None:
        self.shows("gallery")
        self.wait_text("onload(", "#viewer-events")
        self.wait(lambda: self.driver.execute_script("return document.querySelector('.thumbnails img').naturalWidth"))
        self.shot("viewers-gallery")
        self.axe()

    def test_the_slideshow_at_work(self) -> None:
        self.shows("slideshow")
        self.wait_text("onchange(", "#viewer-events")
        self.shot("viewers-slideshow")
        self.axe()

    def test_the_simple_viewer_at_work(self) -> None:
        self.shows("simpleview")
        look = "return document.querySelector('#viewer img').naturalWidth"
        self.wait(lambda: self.driver.execute_script(look))
        self.find("#viewer img").click()
        self.wait(lambda: "autocropfit" in str(self.find("#viewer img").get_attribute("src")))
        self.shot("viewers-simpleview")
        self.axe()

    def test_guides_lead_to_what_they_explain(self) -> None:
        for name, title in VIEWERS.items():
            self.open(f"/{name}/help/", as_user="ann")
            self.assertEqual(self.heading, title)
            self.assertIn(f"{self.root}/static/js/", self.find("#begin code").text)
            self.wait(lambda: len(self.all("#guide-contents a")) > 2, "the contents")
            self.axe()
            self.shot(f"viewers-{name}-guide")
            self.button("See it at work").click()
            self.wait(lambda name=name: self.path == f"/{name}/")

    def test_narrow_and_dark(self) -> None:
        self.width(320)
        self.theme("dark")
        for name in VIEWERS:
            for address in (f"/{name}/", f"/{name}/help/"):
                self.open(address, as_user="ann")
                self.find("h1")
                self.assert_fits()
                self.shot(f"viewers-{name}-320-{'guide' if 'help' in address else 'demo'}")
