"""What ``/image`` and ``/original`` accept and answer, over HTTP, against the real daemon."""

from __future__ import annotations

import functools
import http.server
import os
import re
import signal
import threading
import time
import unicodedata
from email.message import Message
from email.utils import formatdate, parsedate_to_datetime
from typing import ClassVar
from urllib.parse import quote, unquote

from tests.integration import library
from tests.integration.live import Answer, Daemon, LiveCase, Parameter, query, shared
from tests.integration.process import until

OUT_OF_RANGE = "out of range"
NOT_A_CHOICE = "not a valid choice"
INVALID_FORMAT = "invalid format"

PLAIN = {"tmp": "precache", "width": 0, "height": 0}
"""A template that says nothing once its size is cancelled."""


class OptionCase(LiveCase):
    """Adds what it takes to try values of one parameter."""

    def accept(self, name: str, *values: Parameter, src: str = "tiny.png", **others: Parameter) -> None:
        for value in values:
            answer = self.ask(**{"src": src, **others, name: value})
            self.assertEqual(answer.status, 200, f"{name}={value} {answer.body[:200]!r}")

    def refuse(self, name: str, text: str, *values: Parameter, src: str = "tiny.png", **others: Parameter) -> None:
        for value in values:
            answer = self.ask(**{"src": src, **others, name: value})
            self.assertEqual(answer.status, 400, f"{name}={value} {answer.body[:200]!r}")
            self.assertTrue(answer.message.startswith(f"{name}: "), f"{name}={value} {answer.message}")
            self.assertIn(text.lower(), answer.message.lower(), f"{name}={value}")

    def tag(self, src: str = "tiny.png", **parameters: Parameter) -> str:
        answer = self.ask(src=src, method="HEAD", **parameters)
        self.assertEqual(answer.status, 200, f"{src} {parameters}")
        return answer.headers["ETag"]

    def assert_no_effect(self, name: str, *values: Parameter, **others: Parameter) -> None:
        without = self.tag(**others)
        for value in values:
            self.assertEqual(self.tag(**{**others, name: value}), without, f"{name}={value} {others}")


class Options(OptionCase):
    """Each parameter: values that are taken, values that are not, values that change nothing."""

    def test_src(self) -> None:
        self.accept("src", "tiny.png", "/tiny.png")
        self.refuse("src", OUT_OF_RANGE, "", "x" * 1025, "ü" * 1025)
        self.assert_refused(self.ask(src="x" * 1024), 404)

    def test_page(self) -> None:
        self.accept("page", 0, 1, 2, 999_999, " 5 ", "+3", "")
        self.refuse("page", OUT_OF_RANGE, -1, 1_000_000, 1_024_768)
        self.refuse("page", "", "abc", "12.5", "1_000", "١٢", "0x10")
        self.assert_no_effect("page", 0, 1, 7, "")

    def test_format(self) -> None:
        self.accept("format", "gif", "jpg", "jpeg", "jpe", "jfif", "jif", "pjpg", "pjpeg", "png", "tif", "tiff")
        self.accept("format", "bmp", "ppm", "tga", "webp", "avif", "jp2", "pcx", "PNG", "Jpg", "auto", "")
        self.refuse("format", NOT_A_CHOICE, "eggs", "psd", "ico", "svg", "pdf", ".png", "image/png")
        self.assert_no_effect("format", "png", "PNG", "")

    def test_a_format_that_goes_by_what_the_browser_accepts(self) -> None:
        target, tags = "/image?src=tiny.png&width=8&format=auto", {}
        for _ in range(3):  # made; from the cache; in front of the whole way
            for accept, chosen in (("image/avif,image/webp,*/*", "AVIF"), ("image/webp,*/*", "WEBP"), ("*/*", "JPEG")):
                answer = self.daemon.get(target, {"Accept": accept})
                self.assertEqual((answer.status, answer.image.format), (200, chosen))
                self.assertIn("Accept", answer.headers["Vary"])
                self.assertEqual(tags.setdefault(chosen, answer.headers["ETag"]), answer.headers["ETag"])
        self.assertEqual(len(set(tags.values())), 3)
        for _ in range(2):
            for chosen, tag in tags.items():
                answer = self.daemon.get(target, {"Accept": "image/webp", "If-None-Match": tag})
                self.assertEqual(answer.status, 304 if chosen == "WEBP" else 200, chosen)
                self.assertIn("Accept", answer.headers["Vary"])

    def test_quality(self) -> None:
        self.accept("quality", 1, 100, 9, "080")
        self.refuse("quality", OUT_OF_RANGE, 0, 101, -5, "")
        self.refuse("quality", "", "good", "80%")

    def test_width_and_height(self) -> None:
        for name in ("width", "height"):
            self.accept(name, 0, 1, 15_000, "", "+8")
            self.refuse(name, OUT_OF_RANGE, -1, -10, 15_001, 99_999, "9" * 50)
            self.refuse(name, "", "abc", "12.5", "1e2", "nan", "１２")
            self.assert_no_effect(name, 0, "")

    def test_autosizefit(self) -> None:
        self.accept("autosizefit", 1, 0, "true", "YES", "nonsense", "")
        self.assert_no_effect("autosizefit", 1, width=8)
        self.assert_no_effect("autosizefit", 0, "nonsense", "", width=8, height=8)
        for true in ("1", "t", "Y", "true", "Yes", "TRUE"):
            self.assertEqual(self.image("tiny.png", width=8, height=8, autosizefit=true).size, (8, 6))

    def test_halign(self) -> None:
        self.accept("halign", "L0", "c0.5", "R1", "l0.25", "r1.0", "l0.123451234", "")
        self.refuse("halign", INVALID_FORMAT, "L1.1", "0", "T0", "LR0", "B0", "l", "l0.1.2", "l-0.1", "l.5", "l0.12x")
        self.assert_no_effect("halign", "l0", width=8)
        self.assert_no_effect("halign", "c0.5", "C0.50", width=8, height=8)

    def test_valign(self) -> None:
        self.accept("valign", "T0", "c0.5", "B1", "t0.25", "b1.00", "")
        self.refuse("valign", INVALID_FORMAT, "B1.01", "T0.1.2", "L0", "R1", "1", "TB0")
        self.assert_no_effect("valign", "t0", width=8, height=8, autosizefit=1)

    def test_angle(self) -> None:
        self.accept("angle", -360, 360, 12.5, "1e1", ".5", " 45 ", "")
        self.refuse("angle", OUT_OF_RANGE, 360.1, -361, "1e400", "-1e400")
        self.refuse("angle", "", "nan", "inf", "-Infinity", "1_0", "1,5", "٤٥", "45deg")
        self.assert_no_effect("angle", 0, 360, -360, "", "0.0000001")
        self.assertEqual(self.tag(angle=-90), self.tag(angle=270))

    def test_flip(self) -> None:
        self.accept("flip", "h", "v", "H", "")
        self.refuse("flip", NOT_A_CHOICE, "x", "hv", "1")
        self.assert_no_effect("flip", "")
        self.assertEqual(self.tag(flip="h"), self.tag(flip="v", angle=180))

    def test_crop_edges(self) -> None:
        for name in ("top", "left", "bottom", "right"):
            self.accept(name, 0, 1, 0.5, "5e-1", "")
            self.refuse(name, OUT_OF_RANGE, 1.1, -0.5, 1.00001, "1e99")
            self.refuse(name, "", "nan", "half", "50%")
            self.assert_no_effect(name, 0, 1, "", "0.0000001")
        self.assertEqual(self.tag(left=0.123456789), self.tag(left=0.12346))

    def test_crop_edges_that_overlap(self) -> None:
        for low, high in (("left", "right"), ("top", "bottom")):
            self.refuse(low, "", 0.6, **{high: 0.4})
            self.refuse(low, "", 0.5, **{high: 0.5})

    def test_autocropfit(self) -> None:
        self.accept("autocropfit", 1, 0, "")
        self.assert_no_effect("autocropfit", 1, width=8, height=8)
        self.assert_no_effect("autocropfit", 1, left=0.5, width=8)

    def test_fill(self) -> None:
        needed = {"src": "chart.png", "width": 60, "height": 60}
        for value in ("red", "ff0000", "#f00", "#ff0000", "rgb(255,0,0)", "none", "auto", "gray50", "grey7", ""):
            self.accept("fill", value, **needed)
        self.refuse("fill", OUT_OF_RANGE, "ab", "x" * 33)
        tags = {self.tag(**needed, fill=each) for each in ("red", "RED", "ff0000", "#f00", "rgb(255, 0, 0)")}
        self.assertEqual(len(tags), 1)
        self.assert_no_effect("fill", "white", "#fff", "ffffff", "rgb(255,255,255)", "", **needed)
        self.assertEqual(self.tag(**needed, fill="transparent"), self.tag(**needed, fill="none"))

    def test_fill_colours_that_there_are_not(self) -> None:
        for value in ("spam", "f00", "rgb(256,0,0)", "#ff00", "rgb(1,2)", "#gggggg"):
            answer = self.ask(src="chart.png", width=60, height=60, fill=value)
            self.assert_refused(answer, 415, "unsupported fill colour")
            self.assert_refused(self.ask(src="chart.png", angle=10, fill=value), 415, "unsupported fill colour")
        self.assert_no_effect("fill", "spam", "f00", width=8)

    def test_sharpen(self) -> None:
        self.accept("sharpen", -500, 0, 500, "")
        self.refuse("sharpen", OUT_OF_RANGE, -501, 501)
        self.refuse("sharpen", "", "1.5", "very")
        self.assert_no_effect("sharpen", 0, "")

    def test_overlay(self) -> None:
        self.accept("overlay", "logo.png", "/logo.png", "a//../logo.png", "")
        self.refuse("overlay", OUT_OF_RANGE, "x" * 1025, "é" * 1025)
        for missing in ("eggs_and_spam", "nowhere/logo.png", ".hidden.png", "folder.png", "link-out.png"):
            self.assert_refused(self.ask(src="tiny.png", overlay=missing), 404, missing, "not found")
        self.assert_refused(self.ask(src="tiny.png", overlay="document.pdf"), 415, "not supported")
        self.assert_refused(self.ask(src="tiny.png", overlay="../images/logo.png"), 403)
        self.assert_no_effect("overlay", "")

    def test_ovsize_and_ovopacity(self) -> None:
        for name in ("ovsize", "ovopacity"):
            self.accept(name, 0, 1, 0.5, "", overlay="logo.png")
            self.refuse(name, OUT_OF_RANGE, 1.1, -0.5, overlay="logo.png")
            self.refuse(name, "", "nan", "big", overlay="logo.png")
            self.assert_no_effect(name, 1, "1.0", overlay="logo.png")
            self.assert_no_effect(name, 0.5)
            self.assertEqual(self.tag(overlay="logo.png", **{name: 0}), self.tag())

    def test_ovpos(self) -> None:
        self.accept("ovpos", "c", "n", "ne", "e", "se", "s", "sw", "w", "nw", "NW", "", overlay="logo.png")
        self.refuse("ovpos", NOT_A_CHOICE, "x", "north", "en", overlay="logo.png")
        self.assert_no_effect("ovpos", "c", "", overlay="logo.png")

    def test_icc(self) -> None:
        self.accept("icc", "srgb", "SRGB", "AdobeRGB1998", "coatedfogra39", "greyscale", "fx-sepia", "")
        self.refuse("icc", NOT_A_CHOICE, "eggs", "srgb.icc", "../srgb")
        self.assert_no_effect("icc", "")

    def test_intent_and_bpc(self) -> None:
        self.accept("intent", "saturation", "perceptual", "absolute", "Relative", "", icc="adobergb1998")
        self.refuse("intent", NOT_A_CHOICE, "perceptive", "1", icc="adobergb1998")
        self.accept("bpc", 1, 0, "nonsense", "", icc="adobergb1998", intent="relative")
        self.assert_no_effect("intent", "relative", bpc=1)
        self.assert_no_effect("bpc", 1, icc="adobergb1998", intent="perceptual")

    def test_colorspace(self) -> None:
        self.accept("colorspace", "rgb", "sRGB", "cmyk", "gray", "grey", "")
        self.refuse("colorspace", NOT_A_CHOICE, "lab", "color", "1")
        self.assertEqual(self.tag(colorspace="srgb"), self.tag(colorspace="rgb"))
        self.assertEqual(self.tag(colorspace="grey"), self.tag(colorspace="gray"))
        self.assert_no_effect("colorspace", "", "rgb")

    def test_strip(self) -> None:
        self.accept("strip", 1, 0, "maybe", "")
        self.assert_no_effect("strip", 1)
        self.assertEqual(self.tag(strip=""), self.tag(strip=0))
        self.assertNotEqual(self.tag(strip=0), self.tag())

    def test_dpi(self) -> None:
        self.accept("dpi", 0, 72, 32_000, "")
        self.refuse("dpi", OUT_OF_RANGE, -1, 32_001)
        self.refuse("dpi", "", "72.5", "high")
        self.assert_no_effect("dpi", 0, "")

    def test_tile(self) -> None:
        self.accept("tile", "1:1", "1:4", "4:4", "9:9", "256:256", " 1 : 4 ", "", src="chart.png")
        self.refuse("tile", INVALID_FORMAT, "5", "1:2:4", "a:4", "1:", ":4", "1.5:4", "1;4")
        self.refuse("tile", "Tile grid size is out of range", "1:400", "1:99999", "1:0", "1:-4", "1:257")
        self.refuse("tile", "Tile number is out of range", "0:9", "10:9", "5:4", "0:4", "-1:4")
        self.refuse("tile", "Tile grid size is not square", "1:12", "1:5", "1:2")
        self.assert_no_effect("tile", "1:1", "")

    def test_tmp(self) -> None:
        self.accept("tmp", "Default", "default", "SMALLJPEG", "smalljpeg", "Precache", "")
        self.refuse("tmp", NOT_A_CHOICE, "eggs", "*", "Default ")
        self.assert_no_effect("tmp", "default", "")

    def test_handling_options_make_no_other_picture(self) -> None:
        for name, values in {"attach": (1, 0, "x"), "stats": (1, 0), "cache": (0, 1), "recache": (1, 0)}.items():
            self.accept(name, *values)
            self.assert_no_effect(name, *values)

    def test_xref(self) -> None:
        self.accept("xref", "page 1", "x" * 1024, "")
        self.refuse("xref", "", "x" * 1025)
        self.assert_no_effect("xref", "somewhere")

    def test_names_that_mean_nothing_are_ignored(self) -> None:
        for name in ("expires", "WIDTH", "Format", "SRC", "w", "unknown", "qual ity", "$", "[]"):
            self.accept(name, "nonsense")
            self.assert_no_effect(name, "nonsense", "-1")

    def test_of_several_values_the_first_counts(self) -> None:
        answer = self.daemon.get("/image?src=tiny.png&width=8&width=abc&src=nothing.png&format=jpg&format=eggs")
        self.assertEqual((answer.status, answer.image.size, answer.image.format), (200, (8, 6), "JPEG"))

    def test_equal_images_have_equal_tags_and_different_ones_have_not(self) -> None:
        self.assertEqual(self.tag(width=8, angle=360, format="png", left=0, right=1), self.tag(width=8))
        self.assertEqual(self.tag(width=8, fill="0000ff"), self.tag(width=8))
        self.assertEqual(self.tag(icc="", intent="relative", bpc=1), self.tag())
        different = [
            self.tag(),
            self.tag("chart.png"),
            self.tag("odd.png"),
            self.tag(width=8),
            self.tag(height=8),
            self.tag(width=8, height=8),
            self.tag(width=8, height=8, fill="0000ff"),
            self.tag(width=8, height=8, autosizefit=1),
            self.tag(width=8, height=8, valign="t0"),
            self.tag(format="jpg"),
            self.tag(format="pjpg"),
            self.tag(quality=79),
            self.tag(angle=90),
            self.tag(angle=91),
            self.tag(flip="h"),
            self.tag(flip="v"),
            self.tag(left=0.1),
            self.tag(right=0.9),
            self.tag(tile="1:4"),
            self.tag(tile="2:4"),
            self.tag(overlay="logo.png"),
            self.tag(overlay="oblong.png"),
            self.tag(overlay="logo.png", ovpos="n"),
            self.tag(overlay="logo.png", ovsize=0.5),
            self.tag(dpi=72),
            self.tag(strip=0),
            self.tag(colorspace="gray"),
            self.tag(icc="adobergb1998"),
            self.tag(sharpen=10),
        ]
        self.assertEqual(len(set(different)), len(different))


class Order(OptionCase):
    """Which of several faults is told."""

    def test_texts_are_read_in_a_fixed_order(self) -> None:
        numbers = ("page", "width", "height", "angle", "top", "left", "bottom", "right", "quality", "sharpen")
        faults = dict.fromkeys((*numbers, "ovsize", "ovopacity", "dpi", "tile"), "x")
        names = [*faults, "xref"]
        values = {**faults, "xref": "x" * 1025}
        for number, name in enumerate(names):
            wrong = {each: values[each] for each in reversed(names[number:])}
            answer = self.ask(**wrong)
            self.assertTrue(answer.message.startswith(f"{name}:"), f"{name} {answer.message}")

    def test_ranges_are_looked_at_in_a_fixed_order(self) -> None:
        faults: dict[str, Parameter] = {
            "src": "", "page": -1, "format": "x", "tmp": "x", "width": -1, "height": -1, "halign": "x", "valign": "x",
            "angle": 999, "flip": "x", "top": 2, "left": 2, "bottom": 2, "right": 2, "fill": "x", "quality": 0,
            "sharpen": 999, "overlay": "x" * 1025, "ovpos": "x", "ovsize": 2, "ovopacity": 2, "icc": "x",
            "intent": "x", "colorspace": "x", "dpi": -1, "tile": "1:5",
        }  # fmt: skip
        names = list(faults)
        for number, name in enumerate(names):
            wrong = {each: faults[each] for each in reversed(names[number:])}
            answer = self.ask(**{"src": "tiny.png", **wrong})
            self.assertEqual(answer.status, 400)
            self.assertTrue(answer.message.startswith(f"{name}:"), f"{name} {answer.message}")

    def test_bad_values_come_before_the_source(self) -> None:
        for src in ("nothing.png", "../../etc/passwd", "cut.png"):
            self.refuse("page", OUT_OF_RANGE, -1, src=src)

    def test_the_source_comes_before_conditions_and_colours(self) -> None:
        any_version = {"If-None-Match": "*"}
        self.assert_refused(self.ask(src="nothing.png", headers=any_version), 404)
        self.assert_refused(self.ask(src="nothing.png", angle=10, fill="spam"), 404)

    def test_original_checks_nothing_that_it_does_not_use(self) -> None:
        answer = self.ask("/original", src="tiny.png", width="abc", page=-1, tmp="eggs", tile="5")
        self.assertEqual(answer.status, 200)
        self.assert_refused(self.ask("/original", src="tiny.png", xref="x" * 1025), 400, "xref")


class Paths(OptionCase):
    def test_both_routes_need_a_source(self) -> None:
        for route in ("/image", "/original"):
            for target in (route, f"{route}?", f"{route}?src", f"{route}?src=", f"{route}?width=10"):
                answer = self.daemon.get(target, {"Accept": "application/json"})
                self.assert_refused(answer, 400, "src:")

    def test_paths_that_lead_out_are_forbidden(self) -> None:
        out = ("~root/../../../etc/passwd", "../../etc/passwd", "../../ëtc/pässwd", "..", "a/../..")
        for src in (*out, "../outside/secret.png", "../images-old/secret.png", "../images/tiny.png"):
            for route in ("/image", "/original"):
                answer = self.ask(route, src=src)
                self.assertEqual(answer.status, 403, f"{src} {answer.body!r}")
                self.assertNotIn("passwd", answer.text)

    def test_a_leading_slash_is_the_root_of_the_library(self) -> None:
        for raw in ("/etc/passwd", "//etc/passwd", "%2F%2Fetc%2Fpasswd", "%2fetc%2fpasswd"):
            for route in ("/image", "/original"):
                self.assertEqual(self.daemon.get(f"{route}?src={raw}").status, 404, raw)

    def test_a_missing_file_is_named_as_it_was_asked_for(self) -> None:
        for route in ("/image", "/original"):
            self.assert_refused(self.ask(route, src="swëdish/dørset.jpg"), 404, "swëdish/dørset.jpg")
            page = self.daemon.get(f"{route}?{query({'src': 'swëdish/dørset.jpg'})}")
            self.assertIn("swëdish/dørset.jpg", page.text)

    def test_different_spellings_of_a_path_are_one_image(self) -> None:
        spellings = ("/a/b.jpg", "/a//b.jpg", "a/./b.jpg", "./a/b.jpg", "a/x/../b.jpg", "a/b.jpg/", "//a/b.jpg")
        for route in ("/image", "/original"):
            wanted = self.ask(route, src="a/b.jpg")
            for src in spellings:
                answer = self.ask(route, src=src)
                self.assertEqual((answer.status, answer.headers["ETag"]), (200, wanted.headers["ETag"]), src)
                self.assertEqual(answer.body, wanted.body)

    def test_what_is_no_visible_file_is_not_there(self) -> None:
        hidden = (".hidden.png", ".folder/tiny.png", "a/.b.jpg", "link-hidden.png")
        odd = ("folder.png", "a", "a/", "/", "//", ".", "pipe.png", "tiny.png/x", "\\tiny.png", "a\\b.jpg")
        links = ("link-out.png", "exit/secret.png", "link-nowhere.png", "link-loop.png")
        for src in (*hidden, *odd, *links):
            for route in ("/image", "/original"):
                self.assertEqual(self.ask(route, src=src).status, 404, f"{route} {src}")

    def test_links_inside_the_library_are_followed(self) -> None:
        self.assertEqual(self.ask("/original", src="link.png").body, self.ask("/original", src="tiny.png").body)
        self.assertEqual(self.image("link.png").size, (16, 12))

    def test_unusual_names_are_served(self) -> None:
        for name in library.NAMES.values():
            for route in ("/image", "/original"):
                self.assertEqual(self.ask(route, src=name).status, 200, f"{route} {name!r}")

    def test_names_are_found_composed_and_decomposed(self) -> None:
        for name in ("composed-é.png", "decomposed-é.png", "Ünïcode/dørset.png"):
            for form in ("NFC", "NFD"):
                self.assertEqual(self.ask(src=unicodedata.normalize(form, name)).status, 200, f"{name} {form}")

    def test_a_blank_and_an_underscore_are_not_the_same(self) -> None:
        self.assertEqual(self.ask(src="with blank.png").status, 200)
        self.assertEqual(self.ask(src="with_blank.png").status, 404)

    def test_types_are_told_by_the_name(self) -> None:
        self.assert_refused(self.ask("/original", src="php.ini"), 415, "not a supported image")
        for src in ("picture.xyz", "picture", "document.pdf"):
            self.assert_refused(self.ask("/original", src=src), 415, "not a supported image")
            self.assertEqual(self.ask(src=src).status, 415, src)

    def test_a_file_that_is_gone_is_gone_from_the_cache_too(self) -> None:
        place = self.daemon.images / "passing.png"
        place.write_bytes((self.daemon.images / "tiny.png").read_bytes())
        self.assertEqual(self.ask(src="passing.png", width=8).status, 200)
        place.unlink()
        until(lambda: self.ask(src="passing.png", width=8).status == 404, "the file to be gone")
        place.write_bytes((self.daemon.images / "tiny.png").read_bytes())
        until(lambda: self.ask(src="passing.png", width=8).status == 200, "the file to be back")

    def test_a_file_that_is_replaced_is_served_anew(self) -> None:
        place = self.daemon.images / "changing.png"
        place.write_bytes((self.daemon.images / "tiny.png").read_bytes())
        self.addCleanup(place.unlink)
        before = self.ask(src="changing.png", width=8)
        place.write_bytes((self.daemon.images / "odd.png").read_bytes())
        until(lambda: self.tag("changing.png", width=8) != before.headers["ETag"], "another entity tag")
        self.assertNotEqual(self.ask(src="changing.png", width=8).body, before.body)


class Queries(OptionCase):
    def test_badly_escaped_links_work(self) -> None:
        good = self.daemon.get("/image?src=photo.jpg&width=100&height=100&format=png")
        bad = self.daemon.get("/image?src=photo.jpg&amp;width=100&amp;height=100&amp;format=png")
        self.assertEqual((bad.status, bad.body), (200, good.body))
        self.assertEqual(bad.headers["X-From-Cache"], "True")
        self.assertEqual(bad.headers["ETag"], good.headers["ETag"])

    def test_blank_values_are_taken_as_not_given_or_nothing(self) -> None:
        answer = self.daemon.get("/image?src=tiny.png&angle=45&width=&height=&fill=&left=&right=&bottom=&top=")
        self.assertEqual(answer.status, 200)
        self.assertEqual(answer.headers["ETag"], self.tag(angle=45))

    def test_pluses_and_percents_are_decoded(self) -> None:
        self.assertEqual(self.daemon.get("/image?src=with+blank.png").status, 200)
        self.assertEqual(self.daemon.get("/image?src=with%20blank%2Epng").status, 200)
        self.assertEqual(self.daemon.get("/image?src=a%2Bb.png").status, 200)
        self.assertEqual(self.daemon.get("/image?src=100%2541.png").status, 200)
        self.assertEqual(self.daemon.get("/image?%73rc=tiny.png&wi%64th=8").image.width, 8)

    def test_pinned_values_out_of_range(self) -> None:
        for target in ("width=99999", "height=-10", "top=1.1", "bottom=-0.5", "page=-1", "page=1024768"):
            self.assert_refused(self.json(target), 400, OUT_OF_RANGE)
        for target in ("overlay=logo.png&ovopacity=1.1", "overlay=logo.png&ovsize=-0.5", "ovsize=-0.5"):
            self.assert_refused(self.json(target), 400, OUT_OF_RANGE)

    def test_pinned_choices_that_there_are_not(self) -> None:
        for target in ("format=eggs", "flip=x", "icc=srgb&intent=perceptive", "tmp=eggs", "icc=eggs", "ovpos=eggs"):
            self.assert_refused(self.json(target), 400, NOT_A_CHOICE)

    def json(self, target: str) -> Answer:
        return self.daemon.get(f"/image?src=tiny.png&{target}", {"Accept": "application/json"})


class Templates(OptionCase):
    def test_the_default_template_strips_and_keeps_for_a_week(self) -> None:
        answer = self.ask(src="meta.jpg")
        self.assertNotIn("exif", answer.image.info)
        self.assertEqual(answer.headers["Cache-Control"], "public, max-age=604800")

    def test_small_jpeg(self) -> None:
        for name in ("SmallJpeg", "smalljpeg", "SMALLJPEG"):
            answer = self.ask(src="rgba.png", tmp=name)
            self.assertEqual(answer.headers["Content-Type"], "image/jpeg")
            self.assertEqual((answer.image.format, answer.image.size), ("JPEG", (200, 200)))

    def test_precache(self) -> None:
        self.assertEqual(self.image("photo.jpg", tmp="precache").size, (800, 600))
        self.assertEqual(self.image("portrait.jpg", tmp="precache").size, (450, 600))

    def test_the_url_beats_the_template(self) -> None:
        image = self.image("photo.jpg", tmp="smalljpeg", width=100, format="png")
        self.assertEqual((image.format, image.size), ("PNG", (100, 200)))
        self.assertEqual(self.image("photo.jpg", tmp="smalljpeg", width="").size, (267, 200))
        self.assertEqual(self.image("photo.jpg", tmp="smalljpeg", width=0).size, (267, 200))
        self.assertEqual(self.image("photo.jpg", tmp="precache", autosizefit=0, height=700).size, (800, 700))

    def test_blank_texts_leave_the_template_its_word(self) -> None:
        self.assertEqual(self.image("rgba.png", tmp="smalljpeg", format="").format, "JPEG")

    def test_a_named_template_replaces_the_default_one(self) -> None:
        answer = self.ask(src="meta.jpg", **PLAIN)
        self.assertEqual(answer.body, (self.daemon.images / "meta.jpg").read_bytes())
        self.assertEqual(answer.headers["Content-Type"], "image/jpeg")

    def test_formats_come_from_the_url_then_the_template_then_the_source(self) -> None:
        self.add("ours", format="webp")
        self.assertEqual(self.image("photo.jpg", tmp="ours", format="gif").format, "GIF")
        self.assertEqual(self.image("photo.jpg", tmp="OURS").format, "WEBP")
        self.assertEqual(self.image("photo.jpg", format="gif").format, "GIF")
        self.assertEqual(self.image("photo.jpg").format, "JPEG")

    def test_a_template_can_have_a_tile_and_an_overlay(self) -> None:
        self.add("part", tile=[1, 4], overlay_src="logo.png", overlay_size=0.25, width=400)
        self.assertEqual(self.image("photo.jpg", tmp="part").size, (200, 150))

    def test_templates_with_equal_values_give_one_image(self) -> None:
        self.add("twin1", width=44)
        self.add("twin2", width=44)
        self.assertEqual(self.tag("photo.jpg", tmp="twin1"), self.tag("photo.jpg", tmp="twin2"))

    def test_attachments_by_template(self) -> None:
        self.add("saved", attachment=True)
        self.assertIn("attachment", self.ask(src="tiny.png", tmp="saved").headers["Content-Disposition"])
        self.assertIsNone(self.ask(src="tiny.png", tmp="saved", attach=0).headers["Content-Disposition"])

    def test_expiry_by_template(self) -> None:
        self.add("brief", expiry_secs=60)
        self.add("unspoken", expiry_secs=0)
        self.add("fleeting", expiry_secs=-1)
        brief = self.ask(src="tiny.png", tmp="brief").headers
        self.assertEqual(brief["Cache-Control"], "public, max-age=60")
        self.assertEqual(seconds(brief["Expires"]) - seconds(brief["Date"]), 60)
        unspoken = self.ask(src="tiny.png", tmp="unspoken").headers
        self.assertEqual((unspoken["Cache-Control"], unspoken["Expires"]), (None, None))
        self.assertIsNotNone(unspoken["ETag"])
        fleeting = self.ask(src="tiny.png", tmp="fleeting").headers
        self.assertEqual(fleeting["Cache-Control"], "public, no-cache")
        self.assertEqual(fleeting["Expires"], "Thu, 01 Jan 1970 00:00:00 GMT")
        self.assertIsNone(fleeting["ETag"])

    def add(self, name: str, **values: object) -> None:
        self.daemon.add_template(name, values)


def seconds(date: str) -> int:
    """An HTTP date, which must be one, in seconds since 1970."""
    assert re.fullmatch(r"[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT", date), date
    return int(parsedate_to_datetime(date).timestamp())


class Headers(OptionCase):
    def test_an_image_comes_with_all_that_belongs_to_it(self) -> None:
        for route in ("/image", "/original"):
            answer = self.ask(route, src="photo.jpg")
            headers = answer.headers
            self.assertEqual(headers["Content-Type"], "image/jpeg")
            self.assertEqual(headers["Content-Length"], str(len(answer.body)))
            self.assertEqual(headers["Cache-Control"], "public, max-age=604800")
            self.assertEqual(seconds(headers["Expires"]) - seconds(headers["Date"]), 604800)
            self.assertRegex(headers["ETag"], r'^"[0-9a-f]{20,}"$')
            modified = int((self.daemon.images / "photo.jpg").stat().st_mtime)
            self.assertEqual(seconds(headers["Last-Modified"]), modified)
            self.assertEqual(headers["Accept-Ranges"], "bytes")
            self.assertEqual(headers["X-Content-Type-Options"], "nosniff")
            self.assertIn(headers["X-From-Cache"], ("True", "False"))
            self.assert_common(answer)

    def assert_common(self, answer: Answer) -> None:
        self.assertRegex(answer.headers["X-Time-Taken"], r"^\d+$")
        self.assertLessEqual(abs(seconds(answer.headers["Date"]) - time.time()), 5)
        self.assertEqual(answer.headers["Access-Control-Allow-Origin"], "*")
        allowed = "Origin, Authorization, If-None-Match, Cache-Control, X-Requested-With, X-Csrf-Token"
        allowed += ", Content-Type, If-Match, Idempotency-Key"
        self.assertEqual(answer.headers["Access-Control-Allow-Headers"], allowed)
        exposed = answer.headers["Access-Control-Expose-Headers"]
        for name in ("Content-Length", "X-From-Cache", "X-Time-Taken"):
            self.assertIn(name, exposed)
        self.assertNotIn(answer.headers["Cross-Origin-Resource-Policy"], ("same-origin", "same-site"))

    def test_errors_come_with_what_all_answers_have_but_nothing_to_keep_them(self) -> None:
        for target, status in (
            ("/image", 400),
            ("/image?src=../x", 403),
            ("/image?src=nothing.png", 404),
            ("/image?src=cut.png", 415),
            ("/original?src=php.ini", 415),
            ("/nothing", 404),
        ):
            answer = self.daemon.get(target)
            self.assertEqual(answer.status, status, target)
            self.assert_common(answer)
            for name in ("ETag", "Expires", "Last-Modified", "Content-Disposition", "X-From-Cache"):
                self.assertIsNone(answer.headers[name], f"{target} {name}")
            self.assertNotIn("max-age", answer.headers["Cache-Control"] or "")
            self.assertNotIn("public", answer.headers["Cache-Control"] or "")

    def test_errors_are_short_pages_with_escaped_texts(self) -> None:
        answer = self.daemon.get("/image?" + query({"src": "<script>alert(1)</script>&.png"}))
        self.assertEqual(answer.headers["Content-Type"], "text/html; charset=utf-8")
        self.assertIn("<title>404 Not Found</title>", answer.text)
        self.assertIn("<h1>Not Found</h1>", answer.text)
        self.assertNotIn("<script>", answer.text)
        self.assertIn("&lt;script&gt;", answer.text)

    def test_errors_are_json_for_those_who_prefer_it(self) -> None:
        answer = self.ask(src="tiny.png", width=-1)
        self.assertEqual(answer.headers["Content-Type"], "application/json")
        self.assertIn("width: ", answer.message)

    def test_original_sends_the_very_file(self) -> None:
        for src in ("photo.jpg", "meta.jpg", "pages.tif", "oriented-6.jpg", "cut.png", "empty.gif"):
            answer = self.ask("/original", src=src)
            self.assertEqual((answer.status, answer.headers["X-From-Cache"]), (200, "False"), src)
            self.assertEqual(answer.body, (self.daemon.images / src).read_bytes())

    def test_the_second_time_an_image_comes_from_the_cache(self) -> None:
        answers = [self.ask(src="photo.jpg", width=123) for _ in range(3)]
        self.assertEqual([each.headers["X-From-Cache"] for each in answers], ["False", "True", "True"])
        self.assertEqual(len({each.body for each in answers}), 1)

    def test_images_are_shown_and_originals_have_a_name(self) -> None:
        self.assertIsNone(self.ask(src="photo.jpg").headers["Content-Disposition"])
        self.assertIsNone(self.ask(src="photo.jpg", attach=0).headers["Content-Disposition"])
        shown = self.ask("/original", src="a/b.jpg").headers["Content-Disposition"]
        self.assertEqual(shown, 'inline; filename="b.jpg"')
        saved = self.ask("/original", src="a/b.jpg", attach=1).headers["Content-Disposition"]
        self.assertEqual(saved, 'attachment; filename="b.jpg"')

    def test_saved_images_have_the_extension_of_their_format(self) -> None:
        for src, parameters, name in (
            ("photo.jpg", {}, "photo.jpg"),
            ("photo.jpg", {"format": "pjpg"}, "photo.jpg"),
            ("photo.jpg", {"format": "pjpeg"}, "photo.jpg"),
            ("photo.jpg", {"format": "jpeg"}, "photo.jpg"),
            ("photo.tif", {"format": "png"}, "photo.png"),
            ("chart.png", {"format": "pjpg"}, "chart.jpg"),
            ("chart.png", {"format": "pjpeg"}, "chart.jpg"),
            ("chart.png", {"format": "jpg", "width": 10}, "chart.jpg"),
            ("LOUD.PNG", {}, "LOUD.PNG"),
            ("LOUD.PNG", {"format": "jpg"}, "LOUD.jpg"),
            ("v1.2.tif", {"format": "gif"}, "v1.2.gif"),
        ):
            answer = self.ask(src=src, attach=1, **parameters)
            disposition = answer.headers["Content-Disposition"]
            self.assertEqual(disposition, f'attachment; filename="{name}"', f"{src} {parameters}")
        progressive = self.ask(src="photo.jpg", format="pjpg", attach=1)
        self.assertEqual(progressive.headers["Content-Type"], "image/jpeg")

    def test_any_name_arrives_whole_and_cannot_break_the_header(self) -> None:
        for name in library.NAMES.values():
            wanted = unicodedata.normalize("NFC", name.rpartition("/")[2]).replace("\u202e", "")
            for route in ("/image", "/original"):
                disposition = self.ask(route, src=name, attach=1).headers["Content-Disposition"]
                self.assertTrue(disposition.isascii(), disposition)
                kind, plain, true = disposition_parts(disposition)
                self.assertEqual(kind, "attachment")
                self.assertIsNotNone(plain, disposition)
                self.assertEqual(plain if true is None else true, wanted, disposition)

    def test_mime_types_follow_the_output_or_the_name(self) -> None:
        types = {
            "photo.jpg": "image/jpeg", "chart.png": "image/png", "animated.gif": "image/gif",
            "pages.tif": "image/tiff", "photo.webp": "image/webp", "photo.bmp": "image/bmp",
        }  # fmt: skip
        for src, mime in types.items():
            for route in ("/image", "/original"):
                self.assertEqual(self.ask(route, src=src).headers["Content-Type"], mime, f"{route} {src}")
            self.assertEqual(self.ask(src=src, format="gif").headers["Content-Type"], "image/gif")


def disposition_parts(text: str) -> tuple[str, str | None, str | None]:
    """Kind, plain name and true name of a Content-Disposition, read as RFC 6266 says."""
    found = re.fullmatch(r'(\w+); filename="((?:[^"\\]|\\.)*)"(?:; filename\*=UTF-8\'\'(\S+))?', text)
    assert found is not None, text
    plain = re.sub(r"\\(.)", r"\1", found[2])
    return found[1], plain, None if found[3] is None else unquote(found[3], errors="strict")


class Methods(OptionCase):
    ROUTES = ("/image", "/original", "/erez/erez")

    def test_head_is_get_without_the_body(self) -> None:
        changing = {"date", "expires", "x-time-taken", "x-request-id", "x-from-cache", "server-timing"}
        for target in (
            "/image?src=photo.jpg&width=99",
            "/original?src=photo.jpg",
            "/image?src=nothing.png",
            "/image?src=tiny.png&width=-1",
            "/image?src=" + quote(library.NAMES["japanese"]) + "&attach=1",
        ):
            get, head = self.daemon.get(target), self.daemon.get(target, method="HEAD")
            self.assertEqual((head.status, head.body), (get.status, b""), target)
            self.assertEqual(set(get.headers), set(head.headers), target)
            for name in get.headers:
                if name.lower() not in changing:
                    self.assertEqual(get.headers[name], head.headers[name], target)

    def test_options_tells_the_methods(self) -> None:
        for route in self.ROUTES:
            answer = self.daemon.get(route, method="OPTIONS")
            self.assertEqual((answer.status, answer.body), (200, b""), route)
            self.assertEqual(answer.headers["Allow"], "OPTIONS, HEAD, GET")

    def test_browsers_may_ask_first(self) -> None:
        asked = {"Origin": "https://example.org", "Access-Control-Request-Method": "GET"}
        answer = self.daemon.get("/image?src=tiny.png", asked, method="OPTIONS")
        self.assertEqual((answer.status, answer.headers["Access-Control-Allow-Origin"]), (200, "*"))

    def test_other_methods_are_refused(self) -> None:
        for route in self.ROUTES:
            for method in ("POST", "PUT", "DELETE", "PATCH", "TRACE", "PROPFIND", "get"):
                answer = self.daemon.get(f"{route}?src=tiny.png", method=method)
                self.assertEqual(answer.status, 405, f"{method} {route}")
                self.assertEqual(answer.headers["Allow"], "OPTIONS, HEAD, GET", f"{method} {route}")

    def test_a_slash_at_the_end_is_another_address(self) -> None:
        for route in ("/image/", "/original/", "/erez/erez/", "/erez/", "/Image", "/image/tiny.png", "//image"):
            self.assertEqual(self.daemon.get(f"{route}?src=tiny.png").status, 404, route)

    def test_the_older_addresses_lead_to_images(self) -> None:
        wanted = self.ask(src="photo.jpg", width=50)
        for route in ("/erez/erez", "/erez1/erez", "/erez2/erez", "/erez3/erez", "/erez4/erez", "/erez5/erez"):
            answer = self.ask(route, src="photo.jpg", width=50)
            self.assertEqual((answer.body, answer.headers["ETag"]), (wanted.body, wanted.headers["ETag"]), route)
        self.assertEqual(self.ask("/erez6/erez", src="photo.jpg").status, 404)

    def test_a_suffix_is_cut_off_only_there_and_only_when_it_must_be(self) -> None:
        for src in ("foo.jpg.tif", "foo.jpg.tiff", "/a/b.jpg.tif"):
            self.assertEqual(self.ask("/erez/erez", src=src).status, 200, src)
            self.assertEqual(self.ask(src=src).status, 404, src)
        for route in ("/image", "/erez/erez", "/original"):
            self.assertEqual(self.ask(route, src="v1.2.tif").headers["Content-Type"], "image/tiff", route)

    def test_the_small_pages(self) -> None:
        welcome = self.daemon.get("/")
        self.assertEqual((welcome.status, welcome.headers["Content-Type"]), (200, "text/html; charset=utf-8"))
        robots = self.daemon.get("/robots.txt")
        self.assertEqual(robots.status, 200)
        for folder in ("/admin/", "/list/", "/reports/"):
            self.assertIn(f"Disallow: {folder}", robots.text)
        icon = self.daemon.get("/favicon.ico")
        self.assertEqual((icon.status, icon.image.format), (200, "ICO"))
        self.assertEqual(self.daemon.get("/health").status, 200)
        self.assertEqual(self.daemon.get("/ready").status, 200)


class Conditions(OptionCase):
    ROUTES = ("/image", "/original")

    def both(self, headers: dict[str, str], status: int, **parameters: Parameter) -> list[Answer]:
        answers = [self.ask(route, src="photo.jpg", headers=headers, **parameters) for route in self.ROUTES]
        for answer in answers:
            self.assertEqual(answer.status, status, f"{headers} {answer.headers.items()}")
        return answers

    def tags(self) -> dict[str, str]:
        return {route: self.ask(route, src="photo.jpg", method="HEAD").headers["ETag"] for route in self.ROUTES}

    def test_an_equal_tag_in_any_form_is_not_modified(self) -> None:
        for route, tag in self.tags().items():
            for text in (tag, f"W/{tag}", tag.strip('"'), "*", f'"x", {tag}', f'W/"y" , W/{tag},"z"', f" {tag} "):
                answer = self.ask(route, src="photo.jpg", headers={"If-None-Match": text})
                self.assertEqual((answer.status, answer.body), (304, b""), f"{route} {text}")

    def test_not_modified_carries_the_validators_and_nothing_else(self) -> None:
        for route, tag in self.tags().items():
            headers = self.ask(route, src="photo.jpg", attach=1, headers={"If-None-Match": tag}).headers
            self.assertEqual(headers["ETag"], tag)
            self.assertEqual(headers["Cache-Control"], "public, max-age=604800")
            self.assertIsNotNone(headers["Date"])
            self.assertIsNotNone(headers["Expires"])
            for name in ("Content-Length", "X-From-Cache", "Content-Disposition", "Content-Type"):
                self.assertIsNone(headers[name], f"{route} {name}")

    def test_other_tags_get_the_image(self) -> None:
        for text in ('"x"', "x", 'W/"x"', "", '"x", "y"', '"', "W/"):
            for answer in self.both({"If-None-Match": text}, 200):
                self.assertTrue(answer.body)

    def test_head_is_answered_alike(self) -> None:
        for route, tag in self.tags().items():
            answer = self.ask(route, src="photo.jpg", headers={"If-None-Match": tag}, method="HEAD")
            self.assertEqual(answer.status, 304)

    def test_dates_count_when_there_is_no_tag(self) -> None:
        modified = (self.daemon.images / "photo.jpg").stat().st_mtime
        since = {"same": formatdate(modified, usegmt=True), "later": formatdate(modified + 5, usegmt=True)}
        before = formatdate(modified - 5, usegmt=True)
        self.both({"If-Modified-Since": since["same"]}, 304)
        self.both({"If-Modified-Since": since["later"]}, 304)
        self.both({"If-Modified-Since": before}, 200)
        self.both({"If-Modified-Since": "yesterday"}, 200)
        self.both({"If-Modified-Since": since["same"], "If-None-Match": '"x"'}, 200)
        self.both({"If-Modified-Since": before, "If-None-Match": "*"}, 304)

    def test_another_version_than_meant_is_refused(self) -> None:
        modified = (self.daemon.images / "photo.jpg").stat().st_mtime
        self.both({"If-Match": '"x"'}, 412)
        self.both({"If-Unmodified-Since": formatdate(modified - 5, usegmt=True)}, 412)
        self.both({"If-Unmodified-Since": formatdate(modified + 5, usegmt=True)}, 200)
        self.both({"If-Match": "*"}, 200)
        for route, tag in self.tags().items():
            self.assertEqual(self.ask(route, src="photo.jpg", headers={"If-Match": tag}).status, 200)
            self.assertEqual(self.ask(route, src="photo.jpg", headers={"If-Match": f"W/{tag}"}).status, 412)

    def test_the_tag_is_known_before_anything_is_rendered(self) -> None:
        tag = self.ask(src="photo.jpg", width=241, method="HEAD").headers["ETag"]
        self.assertEqual(self.ask(src="photo.jpg", width=241).headers["ETag"], tag)
        self.assertEqual(self.ask(src="photo.jpg", width=241, cache=0).headers["ETag"], tag)


class Ranges(OptionCase):
    ROUTES = ("/image", "/original")

    def setUp(self) -> None:
        super().setUp()
        self.whole = {route: self.ask(route, src="photo.jpg") for route in self.ROUTES}

    def part(self, route: str, wanted: str, **headers: str) -> Answer:
        return self.ask(route, src="photo.jpg", headers={"Range": wanted, **headers})

    def test_one_range(self) -> None:
        for route, whole in self.whole.items():
            size = len(whole.body)
            for wanted, first, end in (
                ("bytes=0-9", 0, 10),
                ("bytes=100-", 100, size),
                ("bytes=-7", size - 7, size),
                ("bytes=0-0", 0, 1),
                (f"bytes={size - 1}-{size + 50}", size - 1, size),
                ("bytes=-99999999", 0, size),
                ("BYTES=5-6", 5, 7),
            ):
                answer = self.part(route, wanted)
                self.assertEqual(answer.status, 206, f"{route} {wanted}")
                self.assertEqual(answer.headers["Content-Range"], f"bytes {first}-{end - 1}/{size}")
                self.assertEqual(answer.headers["Content-Length"], str(end - first))
                self.assertEqual(answer.body, whole.body[first:end])
                self.assertEqual(answer.headers["ETag"], whole.headers["ETag"])
                self.assertEqual(answer.headers["Content-Type"], "image/jpeg")

    def test_several_ranges(self) -> None:
        for route, whole in self.whole.items():
            size = len(whole.body)
            answer = self.part(route, "bytes=0-4, 10-19,-3")
            self.assertEqual(answer.status, 206)
            self.assertEqual(answer.headers["Content-Length"], str(len(answer.body)))
            pieces = byteranges(answer)
            self.assertEqual(
                pieces,
                [
                    (f"bytes 0-4/{size}", whole.body[:5]),
                    (f"bytes 10-19/{size}", whole.body[10:20]),
                    (f"bytes {size - 3}-{size - 1}/{size}", whole.body[-3:]),
                ],
            )

    def test_ranges_beyond_the_end_are_refused(self) -> None:
        for route, whole in self.whole.items():
            size = len(whole.body)
            for wanted in (f"bytes={size}-", f"bytes={size + 5}-{size + 9}", "bytes=-0", "bytes=99999999999999999999-"):
                answer = self.part(route, wanted)
                self.assertEqual(answer.status, 416, f"{route} {wanted}")
                self.assertEqual(answer.headers["Content-Range"], f"bytes */{size}")

    def test_what_is_no_range_of_bytes_is_ignored(self) -> None:
        for route, whole in self.whole.items():
            for wanted in ("bytes=9-5", "items=0-1", "bytes", "bytes=", "bytes=a-b", "bytes=--5", "bytes=1-2-3", "0-9"):
                answer = self.part(route, wanted)
                self.assertEqual((answer.status, answer.body), (200, whole.body), f"{route} {wanted}")

    def test_a_range_counts_only_for_the_version_that_was_meant(self) -> None:
        for route, whole in self.whole.items():
            tag, modified = whole.headers["ETag"], whole.headers["Last-Modified"]
            older = formatdate(seconds(modified) - 100, usegmt=True)
            for version, status in (
                (tag, 206),
                ('"x"', 200),
                (f"W/{tag}", 200),
                (older, 200),
                ("nonsense", 200),
            ):
                answer = self.part(route, "bytes=0-9", **{"If-Range": version})
                self.assertEqual(answer.status, status, f"{route} {version}")
                self.assertEqual(len(answer.body), 10 if status == 206 else len(whole.body))

    def test_a_range_may_be_bound_to_a_date_that_is_past(self) -> None:
        os.utime(self.daemon.images / "a/b.jpg", (1_000_000_000, 1_000_000_000))
        date = formatdate(1_000_000_000, usegmt=True)
        for route in self.ROUTES:
            ask = functools.partial(self.ask, route, src="a/b.jpg")
            until(lambda ask=ask: ask(method="HEAD").headers["Last-Modified"] == date, "the new date")
            answer = ask(headers={"Range": "bytes=0-9", "If-Range": date})
            self.assertEqual((answer.status, len(answer.body)), (206, 10), route)

    def test_head_and_conditions_come_before_ranges(self) -> None:
        for route, whole in self.whole.items():
            head = self.ask(route, src="photo.jpg", method="HEAD", headers={"Range": "bytes=0-9"})
            self.assertEqual((head.status, head.headers["Content-Length"]), (200, str(len(whole.body))))
            same = {"If-None-Match": whole.headers["ETag"]}
            self.assertEqual(self.part(route, "bytes=0-9", **same).status, 304)


def byteranges(answer: Answer) -> list[tuple[str, bytes]]:
    """Content-Range and bytes of each part of a multipart answer."""
    message = Message()
    message["Content-Type"] = answer.headers["Content-Type"]
    assert message.get_content_type() == "multipart/byteranges", answer.headers["Content-Type"]
    boundary = b"--" + str(message.get_param("boundary")).encode()
    parts = answer.body.split(boundary)
    assert parts[-1].strip() == b"--", parts[-1]
    found = []
    for part in parts[1:-1]:
        head, _, body = part.partition(b"\r\n\r\n")
        fields = dict(line.split(b": ", 1) for line in head.strip().split(b"\r\n"))
        assert fields[b"Content-Type"] == b"image/jpeg"
        found.append((fields[b"Content-Range"].decode(), body.removesuffix(b"\r\n")))
    return found


class Together(OptionCase):
    def test_a_hundred_equal_requests_at_once_are_rendered_once(self) -> None:
        answers: list[Answer] = []
        gate = threading.Barrier(100)

        def fetch() -> None:
            gate.wait(30)
            answers.append(self.daemon.ask(src="photo.jpg", width=777, format="png"))

        threads = [threading.Thread(target=fetch, daemon=True) for _ in range(100)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        self.assertEqual([answer.status for answer in answers], [200] * 100)
        self.assertEqual([answer.headers["X-From-Cache"] for answer in answers].count("False"), 1)
        self.assertEqual(len({answer.body for answer in answers}), 1)

    def test_many_different_requests_at_once_all_get_their_own(self) -> None:
        sizes: dict[int, tuple[int, int]] = {}

        def fetch(width: int) -> None:
            sizes[width] = self.daemon.ask(src="progressive.jpg", width=width).image.size

        threads = [threading.Thread(target=fetch, args=(width,), daemon=True) for width in range(100, 140)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        self.assertEqual(sizes, {width: (width, -(-width * 3 // 4)) for width in range(100, 140)})


class OtherSettings(OptionCase):
    """A second daemon, whose settings are not the usual ones, and change."""

    settings: ClassVar = {
        "MAX_IMAGE_DIMENSION": "1000",
        "MAX_GRID_TILES": "16",
        "IMAGE_RESIZE_QUALITY": "1",
        "IMAGE_AUTO_ORIENT": "false",
        "IMAGE_FORMATS": "{gif = false}",
    }

    def limit(self, width: int, height: int) -> None:
        """Set the public limits, by a reload, and wait until they hold."""
        self.reload(f"PUBLIC_MAX_IMAGE_WIDTH = {width}\nPUBLIC_MAX_IMAGE_HEIGHT = {height}\n")
        until(lambda: self.limited(self.daemon, width, height), "the new limits")

    def reload(self, settings: str) -> None:
        """Make the daemon read other local settings; it does so in its own time."""
        self.daemon.settings_file.write_text(settings)
        os.kill(self.daemon.pid, signal.SIGHUP)

    @staticmethod
    def limited(daemon: Daemon, width: int, height: int) -> bool:
        return all(
            daemon.ask(src="tiny.png", **{name: value}).status == status
            for name, limit in (("width", width), ("height", height))
            for value, status in ((limit or 1000, 200), ((limit or 1000) + 1, 400))
        )

    def assert_limited(self, width: int, height: int, *rows: tuple[dict[str, Parameter], object]) -> None:
        self.limit(width, height)
        for parameters, wanted in rows:
            answer = self.ask(**{"src": "photo.jpg", **parameters})
            hint = f"{width}, {height}: {parameters} {answer.body[:200]!r}"
            if wanted == 400:
                self.assertEqual(answer.status, 400, hint)
                self.assertRegex(answer.message, r"^(width|height): exceeds public image limit")
            else:
                self.assertEqual(answer.status, 200, hint)
                self.assertEqual(answer.image.size, wanted, hint)

    def test_a_limit_of_the_width_alone(self) -> None:
        self.assert_limited(
            800,
            0,
            ({}, (800, 600)),
            ({"width": 800}, (800, 600)),
            ({"width": 900}, 400),
            ({"height": 680}, 400),
            ({"height": 680, "angle": 90}, (510, 680)),
            ({"tile": "1:4"}, 400),
            ({"tile": "1:4", "width": 800}, (400, 300)),
            ({"tile": "1:4", "width": 900}, 400),
            ({"tile": "1:1"}, (800, 600)),
            ({"src": "portrait.jpg", "width": 700}, (700, 934)),
        )

    def test_a_limit_of_the_height_alone(self) -> None:
        self.assert_limited(
            0, 600, ({}, (800, 600)), ({"height": 601}, 400), ({"width": 900}, 400), ({"width": 400}, (400, 300))
        )

    def test_limits_of_both(self) -> None:
        self.assert_limited(
            800,
            400,
            ({"width": 800, "height": 400}, (800, 400)),
            ({"width": 810, "height": 400}, 400),
            ({"width": 800, "height": 410}, 400),
            ({"width": 800}, 400),
            ({}, (534, 400)),
        )
        self.daemon.add_template("empty", {})
        self.assert_limited(
            800,
            800,
            ({}, (800, 600)),
            ({"autosizefit": 0}, (800, 800)),
            ({"src": "rgba.png"}, (470, 300)),
            ({"tmp": "empty"}, (800, 600)),
        )

    def test_limits_and_templates(self) -> None:
        small = {"tmp": "SmallJpeg"}
        self.assert_limited(
            100, 100, (small, (200, 200)), ({**small, "width": 150}, (150, 200)), ({**small, "width": 250}, 400)
        )
        self.assert_limited(
            500, 500, ({**small, "width": 400}, (400, 200)), ({**small, "width": 600}, 400), (small, (200, 200))
        )

    def test_originals_have_no_limit(self) -> None:
        self.limit(100, 100)
        self.assertEqual(self.ask("/original", src="photo.jpg").image.size, (1600, 1200))

    def test_limits_come_before_ranges(self) -> None:
        self.limit(100, 100)
        self.refuse("width", "exceeds public image limit", 101, page=-1)
        self.refuse("height", "", "x", width=101)

    def test_ranges_follow_the_settings(self) -> None:
        self.limit(0, 0)
        self.refuse("width", OUT_OF_RANGE, 1001)
        self.accept("width", 1000)
        self.refuse("tile", "Tile grid size is out of range", "1:25")
        self.accept("tile", "1:16")
        self.refuse("format", NOT_A_CHOICE, "gif")

    def test_a_format_that_is_switched_off_is_not_served(self) -> None:
        self.limit(0, 0)
        for route in ("/image", "/original"):
            self.assertEqual(self.ask(route, src="animated.gif").status, 415, route)

    def test_orientation_can_be_left_alone(self) -> None:
        self.limit(0, 0)
        self.assertEqual(self.image("oriented-6.jpg").size, (96, 160))

    def test_the_simplest_filter_makes_smaller_files(self) -> None:
        self.limit(0, 0)
        simple = self.ask(src="photo.jpg", width=500, format="png")
        best = shared(__name__).ask(src="photo.jpg", width=500, format="png")
        self.assertLess(len(simple.body), len(best.body))

    def test_xref_is_told_of_each_image_that_was_sent(self) -> None:
        heard: list[str] = []

        class Tracker(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                heard.append(self.path)
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Tracker)
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.reload(f'XREF_TRACKING_URL = "http://127.0.0.1:{server.server_port}/seen?by="\n')
        until(lambda: self.ask(src="tiny.png", xref="begin").status == 200 and heard, "the tracker to hear of an image")
        for xref in ("first", "cached", "a b&c=d/ü"):
            self.accept("xref", xref, width=9)
        tag = self.ask(src="tiny.png", width=9).headers["ETag"]
        self.ask(src="tiny.png", width=9, xref="unchanged", headers={"If-None-Match": tag})
        self.ask(src="nothing.png", xref="missing")
        self.ask("/original", src="tiny.png", xref="end")
        # The calls go out side by side and may arrive in any order.
        expected = {f"/seen?by={each}" for each in ("first", "cached", "a%20b%26c%3Dd%2F%C3%BC", "end")}
        until(lambda: expected <= set(heard), "the tracker to hear of all images")
        self.assertEqual(sorted(each for each in heard if each != "/seen?by=begin"), sorted(expected))
