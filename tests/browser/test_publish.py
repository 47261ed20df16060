"""The publisher: what its modules compute, and what people do with it."""

from __future__ import annotations

from typing import Any, ClassVar
from urllib.parse import parse_qs, quote, urlsplit

from selenium.webdriver import ActionChains
from selenium.webdriver.support.ui import Select

from qisd.imaging.template import FIELDS
from tests.browser.case import BrowserCase, Keys
from tests.browser.modules import MODULES, call

SERVER = "https://images.example.com/"
ABOUT: dict[str, Any] = {
    "server": SERVER,
    "src": "/a b/x&y.jpg",
    "parameters": {"width": "600", "format": "jpg"},
    "width": 600,
    "height": 450,
    "alt": 'A "red" lamp & <more>',
    "largest": 1000,
}
ADDRESS = "https://images.example.com/image?src=/a%20b/x%26y.jpg&width=600&format=jpg"


class CodeTests(BrowserCase):
    """The code that people paste."""

    def code(self, kind: str, **more: Any) -> str:
        return str(call(self, "publish/codes.js", "return m.code(given[0], given[1]);", kind, {**ABOUT, **more}))

    def shown(self, html: str) -> list[dict[str, str]]:
        """The elements of ``html`` as a browser reads them, each as its attributes with its name."""
        return list(
            self.script(
                "const page = new DOMParser().parseFromString(args[0], 'text/html');"
                "const found = page.querySelectorAll('img, source, picture, link, script[src], qis-image');"
                "return [...found].map(one => ({tag: one.localName,"
                " ...Object.fromEntries([...one.attributes].map(a => [a.name, a.value]))}));",
                html,
            )
        )

    def test_the_address_keeps_slashes_and_escapes_everything_else(self) -> None:
        self.assertEqual(self.code("plain"), ADDRESS)
        strange = '/ü/100%41 "it\'s" #1+(2).jpg'
        address = self.code("plain", src=strange)
        self.assertNotIn("'", address)
        self.assertNotIn("(", address)
        self.assertEqual(parse_qs(urlsplit(address).query)["src"], [strange])

    def test_an_img_has_its_size_and_text_and_is_read_as_it_was_meant(self) -> None:
        html = self.code("img_tag", loading="lazy", decoding="async")
        self.assertIn("&amp;width=600", html)
        self.assertEqual(
            self.shown(html),
            [
                {
                    "tag": "img", "src": ADDRESS, "alt": ABOUT["alt"], "width": "600", "height": "450",
                    "loading": "lazy", "decoding": "async",
                }
            ],
        )  # fmt: skip

    def test_the_most_important_picture_is_not_loaded_late(self) -> None:
        (img,) = self.shown(self.code("img_tag", loading="lazy", priority="high"))
        self.assertEqual((img.get("loading"), img["fetchpriority"]), (None, "high"))

    def test_srcset_offers_the_usual_widths_without_a_height(self) -> None:
        (img,) = self.shown(
            self.code("img_srcset_tag", largest=2000, parameters={"width": "600", "height": "400"}, free=True)
        )
        widths = [one.rsplit(" ", 1)[1] for one in img["srcset"].split(", ")]
        self.assertEqual((widths, img["sizes"]), (["480w", "800w", "1200w"], "100vw"))
        self.assertNotIn("height=", img["srcset"])

    def test_no_candidate_is_wider_than_the_original(self) -> None:
        (img,) = self.shown(self.code("img_srcset_tag", largest=1000))
        self.assertEqual([one.rsplit(" ", 1)[1] for one in img["srcset"].split(", ")], ["480w", "800w", "1000w"])

    def test_a_fixed_shape_stays_in_all_widths(self) -> None:
        parameters = {"width": "1000", "height": "500"}
        (img,) = self.shown(self.code("img_srcset_tag", parameters=parameters, widths=[400]))
        self.assertIn("width=400&height=200", img["srcset"])

    def test_a_picture_has_a_source_for_narrow_middle_and_wide_screens(self) -> None:
        sources = [one for one in self.shown(self.code("picture_tag", largest=2000)) if one["tag"] == "source"]
        self.assertEqual(
            [one["media"] for one in sources],
            ["(max-width: 480px)", "(min-width: 481px) and (max-width: 800px)", "(min-width: 801px)"],
        )

    def test_formats_come_best_first_and_the_last_is_the_fall_back(self) -> None:
        elements = self.shown(
            self.code("picture_formats", formats=["avif", "webp", "jpg"], widths=[300, 600], sizes="50vw")
        )
        self.assertEqual([one["tag"] for one in elements], ["picture", "source", "source", "img"])
        self.assertEqual([one.get("type") for one in elements[1:3]], ["image/avif", "image/webp"])
        self.assertEqual({one["sizes"] for one in elements[1:]}, {"50vw"})
        self.assertIn("format=jpg", elements[3]["src"])
        self.assertIn("format=avif", elements[1]["srcset"])

    def test_old_pages_get_the_code_that_they_know(self) -> None:
        lazy = self.shown(self.code("img_tag_lazy"))
        self.assertEqual((lazy[0]["src"], lazy[0]["data-defer-src"]), (f"{SERVER}static/images/spacer.png", ADDRESS))
        self.assertEqual(lazy[1]["src"], f"{SERVER}static/js/image-defer.min.js")
        zoom = self.code("img_tag_zoom")
        self.assertIn('class="click-to-zoom"', zoom)
        self.assertIn("canvas_view_init_all_images('click-to-zoom');", zoom)
        gallery = self.code("img_tag_gallery")
        for part in ("canvas_view.min.js", "gallery_view.min.js", "styles/canvas_view.css", "styles/gallery_view.css"):
            self.assertIn(part, gallery)
        self.assertIn("gallery_view_init_all_fullscreen('auto-gallery');", gallery)
        self.assertIn(f"canvas_view_init('zoom', '{ADDRESS}');", self.code("canvas_zoom"))

    def test_scripts_can_not_be_left_by_a_name(self) -> None:
        html = self.code("slideshow", images=[{"src": "/x'</script><script>alert(1)</script>.jpg"}])
        self.allow("Applying inline style")  # of the code that is only read here
        page = "return [...new DOMParser().parseFromString(args[0], 'text/html').scripts].length"
        self.assertEqual(self.script(page, html), 2)

    def test_a_slideshow_leaves_the_size_to_its_box(self) -> None:
        html = self.code(
            "slideshow", images=[{"src": "/1.jpg"}, {"src": "/2.jpg"}], parameters={"width": "9", "flip": "h"}
        )
        self.assertIn("params: {flip: 'h'}", html)
        self.assertEqual(html.count("{src: "), 2)

    def test_other_texts(self) -> None:
        self.assertEqual(self.code("markdown", alt="a [b]"), rf"![a \[b\]]({ADDRESS})")
        self.assertEqual(self.code("bbcode"), f"[img]{ADDRESS}[/img]")
        self.assertEqual(self.code("curl"), f"curl --fail --output 'x&y.jpg' '{ADDRESS}'")
        css = self.code("css", formats=["avif", "jpg"])
        self.assertIn(f'background-image: url("{ADDRESS}");', css)
        self.assertIn('type("image/avif")', css)

    def test_tables_of_addresses_are_safe_in_spreadsheets(self) -> None:
        rows = [["src", "url"], ['/a,"b".jpg', "https://x/1"], ["=1+1.jpg", "https://x/2"]]
        table = call(self, "core/csv.js", "return m.csv(given[0]);", rows)
        self.assertEqual(table, 'src,url\r\n"/a,""b"".jpg",https://x/1\r\n\'=1+1.jpg,https://x/2\r\n')


class ValueTests(BrowserCase):
    """From values to parameters and templates, and back."""

    def parameters(self, values: dict[str, str], base: dict[str, str] | None = None, **where: str) -> Any:
        code = "return m.parameters(given[0], given[1], given[2]);"
        return call(self, "publish/values.js", code, values, base or {}, where)

    def test_only_what_differs_from_the_template_is_sent(self) -> None:
        base = {"width": "400", "strip": "1", "quality": "80"}
        self.assertEqual(self.parameters(dict(base), base), {})
        self.assertEqual(self.parameters({**base, "width": "500"}, base), {"width": "500"})
        self.assertEqual(self.parameters({**base, "width": "0400.0", "fill": "#FFFFFF", "angle": "360"}, base), {})

    def test_what_the_template_sets_can_be_taken_away(self) -> None:
        base = {
            "width": "400", "strip": "1", "flip": "h", "icc": "srgb", "colorspace": "gray", "format": "jpg",
            "overlay": "a.png", "ovsize": "0.5", "fill": "red", "focus": "auto",
        }  # fmt: skip
        self.assertEqual(
            self.parameters({}, base, extension="png"),
            {
                "width": "0", "strip": "0", "flip": "none", "icc": "none", "colorspace": "none", "format": "png",
                "ovopacity": "0", "fill": "white", "focus": "none",
            },
        )  # fmt: skip

    def test_colours_are_sent_without_a_sign_that_would_have_to_be_escaped(self) -> None:
        self.assertEqual(self.parameters({"fill": "#204080"}), {"fill": "204080"})

    def test_statistics_are_on_unless_they_are_switched_off(self) -> None:
        self.assertEqual(self.parameters({"stats": "1"}), {})
        self.assertEqual(self.parameters({"stats": "0"}), {"stats": "0"})
        self.assertEqual(self.parameters({"stats": "1"}, {"stats": "0"}), {"stats": "1"})

    def test_a_template_goes_there_and_back(self) -> None:
        values = {
            "width": "400",
            "left": "0.25",
            "strip": "1",
            "overlay": "A/Logo.png",
            "halign": "l0.25",
            "expiry": "-1",
        }
        code = "const made = m.toTemplate(given[0]); return [made, m.fromTemplate(made)];"
        document, again = call(self, "publish/values.js", code, values)
        told = {field: entry["value"] for field, entry in document.items() if entry["value"] is not None}
        self.assertEqual(
            told,
            {
                "width": 400, "left": 0.25, "strip": True, "overlay_src": "A/Logo.png", "align_h": "l0.25",
                "expiry_secs": -1, "record_stats": True,
            },
        )  # fmt: skip
        self.assertEqual(again, {**values, "stats": "1"})

    def test_all_fields_of_templates_have_a_control(self) -> None:
        code = "return m.CONTROLS.flatMap(one => one.twin ? [one.field, one.twin] : [one.field]);"
        self.assertEqual(set(call(self, "publish/controls.js", code)), FIELDS - {"tile"})

    def test_numbers_are_checked_before_they_are_sent(self) -> None:
        code = (
            f"const {{control}} = await import('{MODULES}publish/controls.js');"
            " return given[0].map(([name, value]) => m.fault(control(name), value)?.key ?? '');"
        )
        cases = [
            ["width", "12.5"],
            ["width", "-1"],
            ["width", "99999"],
            ["left", "0.5"],
            ["left", "1.5"],
            ["angle", "x"],
        ]
        self.assertEqual(
            call(self, "publish/values.js", code, cases),
            ["fault_whole", "fault_range", "fault_range", "", "fault_range", "fault_number"],
        )


class CropArithmeticTests(BrowserCase):
    def box(self, code: str, *given: object) -> list[float]:
        made = call(self, "publish/rectangle.js", code, *given)
        return [round(made[edge], 5) for edge in ("left", "top", "right", "bottom")]

    def test_a_frame_never_leaves_the_picture(self) -> None:
        box = {"left": 0.1, "top": 0.2, "right": 0.5, "bottom": 0.6}
        self.assertEqual(self.box("return m.moved(given[0], 0.8, -0.5);", box), [0.6, 0, 1, 0.4])
        self.assertEqual(self.box("return m.resized(given[0], 'se', {x: 2, y: 2});", box), [0.1, 0.2, 1, 1])

    def test_a_fixed_shape_holds_at_every_handle(self) -> None:
        box = {"left": 0.1, "top": 0.1, "right": 0.5, "bottom": 0.5}
        for handle in ("se", "nw", "e", "s", "n", "w"):
            left, top, right, bottom = self.box(
                "return m.resized(given[0], given[1], {x: 0.7, y: 0.45}, {ratio: 2});", box, handle
            )
            self.assertAlmostEqual((right - left) / (bottom - top), 2, 3, handle)

    def test_a_frame_that_is_drawn_backwards_is_one_as_well(self) -> None:
        self.assertEqual(self.box("return m.drawn({x: 0.8, y: 0.9}, {x: 0.2, y: 0.3});"), [0.2, 0.3, 0.8, 0.9])

    def test_the_whole_picture_is_no_crop(self) -> None:
        self.assertEqual(
            call(self, "publish/rectangle.js", "return m.toEdges(m.WHOLE);"),
            {"left": "", "top": "", "right": "", "bottom": ""},
        )
        self.assertEqual(self.box("return m.fromEdges({left: '0.8', right: '0.2'});"), [0, 0, 1, 1])


class PublisherTests(BrowserCase):
    """What people do."""

    def publish(self, src: str = "/photo.jpg", more: str = "") -> None:
        self.open(f"/publish/?src={quote(src)}{more}", as_user="admin")
        self.find("#publisher .pub")

    def code(self) -> str:
        return self.find(".pub-code code").text

    def test_a_person_crops_a_banner_and_gets_its_code(self) -> None:
        self.publish()
        Select(self.field("Preset")).select_by_visible_text("Web banner")
        self.wait_text("1,600 × 500", ".pub-facts")
        self.wait_text("WebP", ".pub-facts")
        self.wait(lambda: "focus=auto" in self.code(), "the code")
        self.fill("Alternative text", 'The "sea"')
        self.wait(lambda: 'alt="The &quot;sea&quot;"' in self.code(), "the text in the code")
        self.wait(lambda: "width=1600" in self.path, "the state in the address")

    def test_every_change_rebuilds_code_facts_and_preview(self) -> None:
        self.publish()
        self.fill("Width", "400")
        self.wait_text("400 × 300", ".pub-facts")
        self.wait(lambda: "width=400" in self.code(), "the code")
        self.wait(lambda: "width=400" in (self.find(".pub-picture").get_attribute("src") or ""), "the result")
        self.wait(
            lambda: "made in" in self.find(".pub-facts").text or "cache" in self.find(".pub-facts").text, "the bytes"
        )

    def test_the_preview_asks_for_just_these_parameters(self) -> None:
        made = self._preview(
            {"width": "1200", "angle": "90", "format": "tif", "dpi": "300"}, {"width": 1200, "height": 1600}
        )
        self.assertEqual(
            made,
            {
                "width": "320", "height": "320", "autosizefit": "1", "angle": "90", "format": "png",
                "colorspace": "srgb", "stats": "0", "cache": "0",
            },
        )  # fmt: skip

    def test_the_preview_keeps_the_shape_of_a_fixed_size(self) -> None:
        made = self._preview(
            {"width": "1600", "height": "400", "format": "webp", "focus": "auto"}, {"width": 1600, "height": 400}
        )
        told = {name: made[name] for name in ("width", "height", "format", "focus")}
        self.assertEqual(told, {"width": "320", "height": "80", "format": "webp", "focus": "auto"})
        self.assertNotIn("autosizefit", made)

    def test_a_small_result_has_a_small_preview(self) -> None:
        made = self._preview({"width": "100"}, {"width": 100, "height": 75})
        self.assertEqual((made["width"], made["height"]), ("100", "75"))

    def _preview(self, values: dict[str, str], size: dict[str, int]) -> dict[str, str]:
        code = "return m.previewParameters(given[0], given[0], given[1]);"
        return dict(call(self, "publish/address.js", code, values, size))

    def test_a_template_fills_the_form_and_own_changes_are_marked(self) -> None:
        self.publish()
        Select(self.field("Template")).select_by_visible_text("SmallJpeg")
        self.assertEqual(self.field("Width").get_attribute("value"), "200")
        self.wait(lambda: "tmp=smalljpeg" in self.code(), "the template in the code")
        self.assertNotIn("width=", self.code().replace('width="', ""))
        self.fill("Width", "150")
        self.wait(lambda: self.find('[data-name="width"] .pub-mark').is_displayed(), "a mark")
        self.button("Undo changes").click()
        self.wait(lambda: self.field("Width").get_attribute("value") == "200", "the template's value")

    def test_undo_and_redo(self) -> None:
        self.publish()
        self.fill("Width", "400")
        self.find('[data-name="autosizefit"] input').click()
        self.button("Undo").click()
        self.assertFalse(self.find('[data-name="autosizefit"] input').is_selected())
        self.button("Undo").click()
        self.assertEqual(self.field("Width").get_attribute("value"), "")
        self.button("Redo").click()
        self.assertEqual(self.field("Width").get_attribute("value"), "400")

    def test_the_address_brings_a_colleague_to_the_same_state(self) -> None:
        self.publish(more="&width=333&flip=h&output=markdown&alt=A%20lamp")
        self.assertEqual(self.field("Width").get_attribute("value"), "333")
        self.wait(lambda: self.code().startswith("![A lamp]("), "the output")
        self.assertIn("flip=h", self.code())

    def test_warnings_stand_beside_their_field(self) -> None:
        self.publish()
        self.fill("Width", "5000")
        self.wait_text("never enlarged", '[data-name="width"]')
        self.fill("Width", "12.5")
        self.wait_text("whole number", '[data-name="width"] .error')

    def test_the_crop_is_drawn_by_pointer_and_moved_by_keys(self) -> None:
        self.publish()
        stage = self.find(".crop-stage")
        self.wait(lambda: stage.size["width"] > 200, "the picture")
        ActionChains(self.driver).move_to_element_with_offset(stage, -80, -60).click_and_hold().move_by_offset(
            100, 80
        ).release().perform()
        left = float(self.wait(lambda: self.field("Left").get_attribute("value"), "an edge"))
        self.assertAlmostEqual(left, 0.25, 1)
        frame = self.find(".crop-frame")
        frame.send_keys(Keys.ARROW_RIGHT)
        self.wait(lambda: round(float(self.field("Left").get_attribute("value") or 0) - left, 2) == 0.01, "a step")
        frame.send_keys(Keys.SHIFT, Keys.ARROW_DOWN)
        self.wait_text("pixels of the original", "#crop-state")

    def test_a_fixed_shape_is_kept(self) -> None:
        self.publish()
        Select(self.field("Shape")).select_by_visible_text("1:1")
        self.wait_text("1,200 × 1,200 pixels of the original, 1:1", "#crop-state")
        self.assertEqual(self.field("Left").get_attribute("value"), "0.125")

    def test_units_convert_by_the_density(self) -> None:
        self.publish(more="&dpi=300&width=600")
        Select(self.field("Units")).select_by_visible_text("Inches")
        self.assertEqual(self.field("Width").get_attribute("value"), "2")
        self.fill("Width", "1.5")
        self.wait(lambda: "width=450" in self.code(), "pixels in the code")

    def test_formats_are_compared_by_their_bytes(self) -> None:
        self.publish(more="&width=300")
        self.button("Compare formats").click()
        self.wait(lambda: len(self.all(".pub-formats tbody tr")) >= 4, "four formats")
        self.button("Use webp").click()
        self.wait(lambda: "format=webp" in self.code(), "the format in the code")

    def test_the_format_can_be_left_to_the_browser(self) -> None:
        self.publish(more="&width=300")
        Select(self.field("Format")).select_by_visible_text("The best that the browser shows (auto)")
        self.wait(lambda: "format=auto" in self.code(), "the format in the code")
        self.wait_text("AVIF", ".pub-facts")
        self.wait(lambda: "format=auto" in (self.find(".pub-picture").get_attribute("src") or ""), "the result")
        self.wait(lambda: self.script("return document.querySelector('.pub-picture').naturalWidth") == 300)

    def test_before_and_after_lie_over_each_other(self) -> None:
        self.publish(more="&width=600&sharpen=300")
        self.wait(
            lambda: "made in" in self.find(".pub-facts").text or "cache" in self.find(".pub-facts").text, "the result"
        )
        self.button("Before and after").click()
        self.wait(lambda: self.find(".pub-slide").is_displayed(), "the slider")

    def test_several_images_get_the_same_settings(self) -> None:
        self.publish(more=f"&width=100&more={quote('/portrait.jpg')}%0A{quote('/a/b.jpg')}")
        self.assertEqual(len(self.all(".pub-many li")), 3)
        self.script(
            "const make = URL.createObjectURL; URL.createObjectURL = blob => { window.made = blob;"
            " return make(blob); };"
        )
        self.fill("Width", "110")
        self.wait(lambda: "width=110" in self.code(), "the width")
        self.button("Save as CSV").click()
        table = self.wait(lambda: self.script("return window.made ? window.made.text() : '';"), "the table")
        self.assertEqual(
            [row.partition(",")[0] for row in table.split()], ["src", "/photo.jpg", "/portrait.jpg", "/a/b.jpg"]
        )
        self.assertEqual(table.count("width=110"), 3)
        self.button("/portrait.jpg").click()
        self.wait(lambda: "src=/portrait.jpg" in self.code(), "the other image")

    def test_own_presets_are_kept_for_the_user(self) -> None:
        self.publish(more="&width=123")
        self.button("More about presets").click()
        self.button("Keep as preset").click()
        self.field("Name").send_keys("Mine" + Keys.ENTER)
        self.wait_text("Mine", "#pub-preset")
        self.driver.execute_cdp_cmd(
            "Storage.clearDataForOrigin", {"origin": self.root, "storageTypes": "local_storage"}
        )
        self.publish()
        self.wait_text("Mine", "#pub-preset")
        Select(self.field("Preset")).select_by_visible_text("Mine")
        self.wait(lambda: "width=123" in self.code(), "its values")

    def test_a_super_user_keeps_the_settings_as_a_template(self) -> None:
        self.publish(more="&width=321&strip=0")
        self.button("Save as template").click()
        self.field("Name").send_keys("Made here")
        self.find("dialog .primary").click()
        self.wait_text("Made here", "#toasts")
        made = [one for one in self.api("GET", "admin/templates/?q=Made%20here") if one["name"] == "Made here"]
        self.assertEqual(made[0]["template"]["width"], {"value": 321})

    def test_the_help_mark_opens_the_guide_at_its_parameter(self) -> None:
        self.publish()
        self.find('[data-name="width"] .pub-help').click()
        frame = self.find("iframe.pub-guide")
        self.assertTrue((frame.get_attribute("src") or "").endswith("#option_width"))
        self.driver.switch_to.frame(frame)
        self.find("#option_width")
        self.driver.switch_to.default_content()

    def test_names_with_signs_of_all_kinds(self) -> None:
        for name in ("this&that.png", "100%41.png", "a+b.png", 'say "hello".png', "it's.png", "Ünïcode/dørset.png"):
            self.publish(f"/{name}")
            self.wait_text("16 × 12", ".pub-facts")
            src = parse_qs(urlsplit(self.find(".pub-actions a[download]").get_attribute("href") or "").query)["src"]
            self.assertEqual(src, [f"/{name}"])

    def test_it_is_for_those_who_may_download(self) -> None:
        self.person("viewer")
        self.daemon.sql("update folderpermissions set access = 10")
        try:
            self.allow("403", "404")
            self.wait(lambda: self.daemon.ask("/original", src="tiny.png").status == 403, "it to be closed")
            self.open("/publish/?src=/photo.jpg", as_user="viewer")
            self.assertEqual(self.all("#publisher"), [])
        finally:
            self.daemon.permit_downloads()
        self.open("/publish/?src=/none.jpg", as_user="admin")
        self.assertEqual(self.all("#publisher"), [])

    def test_nothing_keeps_people_out(self) -> None:
        self.publish(more="&width=600&overlay=logo.png")
        self.wait_text("600 × 450", ".pub-facts")
        for width in (1440, 320):
            for theme in ("light", "dark"):
                self.width(width)
                self.theme(theme)
                self.shot(f"publish-{theme}-{width}")
                self.axe()
                self.assert_fits()


class PlaygroundTests(BrowserCase):
    settings: ClassVar = {"DEMO_IMAGE_PATH": "/a", "DEMO_OVERLAY_IMAGE_PATH": "/logo.png"}

    def test_strangers_play_with_the_images_of_the_folder(self) -> None:
        self.open("/demo/")
        self.find(".pub")
        self.wait(lambda: "320 × 240" in self.find(".pub-facts").text, "the first image")
        self.assertEqual(self.all("#p-tmp"), [])
        self.fill("Width", "100")
        self.wait(lambda: "width=100" in self.find(".pub-code code").text, "the code")
        self.shot("demo-light-1280")
        self.axe()

    def test_what_the_default_template_does_can_be_taken_away(self) -> None:
        self.open("/demo/")
        box = self.find('[data-name="strip"] input')
        self.assertTrue(box.is_selected())
        box.click()
        self.wait(lambda: "strip=0" in self.find(".pub-code code").text, "the code")

    def test_the_state_at_the_start_and_back(self) -> None:
        self.open("/demo/")
        self.assertEqual(self.field("Width").get_attribute("value"), "500")
        self.fill("Width", "100")
        self.button("Start anew").click()
        self.wait(lambda: self.field("Width").get_attribute("value") == "500", "the start")


class NoPlaygroundTests(BrowserCase):
    def test_it_is_off_unless_an_operator_wants_it(self) -> None:
        self.allow("404")
        self.open("/demo/")
        self.assertEqual(self.daemon.get("/demo/").status, 404)


class WrongPlaygroundTests(BrowserCase):
    settings: ClassVar = {"DEMO_IMAGE_PATH": "/nothing/there"}

    def test_a_wrong_path_names_the_setting(self) -> None:
        self.open("/demo/")
        self.wait_text("DEMO_IMAGE_PATH")
        self.assertEqual(self.daemon.get("/demo/").status, 200)
