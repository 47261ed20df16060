import random

from PIL import Image, ImageDraw, ImageFilter, ImageOps
from twisted.trial.unittest import SynchronousTestCase

from qisd.imaging.saliency import guessed_focus
from qisd.imaging.spec import UNIT
from tests.imaging.pictures import PILLOW_WARNINGS, ramp


def meadow(size, *, spots=(), ground="#7c8a6a", colour="#d03020"):
    """A ground with some structure, and spots on it: x and y as parts of the size, and their radius in pixels."""
    coarse = (max(size[0] // 4, 1), max(size[1] // 4, 1))
    noise = Image.frombytes("L", coarse, random.Random(1).randbytes(coarse[0] * coarse[1])).resize(size).convert("RGB")
    picture = Image.blend(Image.new("RGB", size, ground), noise, 0.05)
    draw = ImageDraw.Draw(picture)
    for x, y, radius in spots:
        left, top = x * size[0], y * size[1]
        draw.ellipse((left - radius, top - radius, left + radius, top + radius), fill=colour)
    return picture.filter(ImageFilter.GaussianBlur(1))


class GuessedFocusTests(SynchronousTestCase):
    suppress = PILLOW_WARNINGS

    def near(self, image, x, y, *, within=0.06):
        focus = guessed_focus(image)
        self.assertLess(abs(focus.x - x * UNIT), within * UNIT, focus)
        self.assertLess(abs(focus.y - y * UNIT), within * UNIT, focus)

    def test_it_is_where_something_stands_out(self):
        for size in ((300, 200), (200, 300), (90, 90), (1000, 400)):
            for x, y in ((0.2, 0.3), (0.8, 0.25), (0.5, 0.8), (0.1, 0.9)):
                self.near(meadow(size, spots=[(x, y, min(size) // 12)]), x, y)

    def test_a_difference_in_light_alone_is_seen_too(self):
        self.near(meadow((300, 200), spots=[(0.7, 0.3, 18)], ground="#808080", colour="#ffffff"), 0.7, 0.3)
        self.near(meadow((300, 200), spots=[(0.7, 0.3, 18)], ground="#808080", colour="#000000").convert("L"), 0.7, 0.3)

    def test_the_larger_of_two_far_apart_counts(self):
        self.near(meadow((600, 200), spots=[(0.1, 0.5, 12), (0.85, 0.5, 34)]), 0.85, 0.5, within=0.1)

    def test_two_beside_each_other_count_together(self):
        self.near(meadow((300, 200), spots=[(0.4, 0.5, 20), (0.6, 0.5, 20)]), 0.5, 0.5)

    def test_transparent_parts_do_not_count(self):
        picture = meadow((300, 200), spots=[(0.2, 0.5, 20), (0.8, 0.5, 20)])
        mask = Image.new("L", picture.size, 0)
        mask.paste(255, (150, 0, 300, 200))
        picture.putalpha(mask)
        self.assertGreater(guessed_focus(picture).x, UNIT // 2)

    def test_where_nothing_stands_out_there_is_no_guess(self):
        for mode in ("RGB", "L", "RGBA", "P", "1", "CMYK"):
            self.assertIsNone(guessed_focus(Image.new(mode, (80, 60))), mode)
        self.assertIsNone(guessed_focus(Image.new("RGB", (1, 1), "red")))

    def test_a_mirrored_picture_has_the_mirrored_place(self):
        picture = meadow((240, 160), spots=[(0.3, 0.35, 16), (0.45, 0.6, 10)])
        focus, mirrored = guessed_focus(picture), guessed_focus(ImageOps.mirror(picture))
        self.assertLess(abs(focus.x + mirrored.x - UNIT), 2000)
        self.assertLess(abs(focus.y - mirrored.y), 2000)

    def test_the_size_of_the_picture_hardly_matters(self):
        small = meadow((160, 120), spots=[(0.3, 0.7, 12)])
        self.near(small.resize((1280, 960)), 0.3, 0.7)
        self.near(small.resize((64, 48)), 0.3, 0.7)

    def test_it_is_always_inside(self):
        for size in ((1, 1), (1, 300), (300, 1), (3, 2), (64, 64), (65, 64)):
            for picture in (ramp(size), meadow((max(size[0], 4), max(size[1], 4)), spots=[(0, 0, 2), (1, 1, 3)])):
                focus = guessed_focus(picture)
                if focus is not None:
                    self.assertTrue(0 <= focus.x <= UNIT and 0 <= focus.y <= UNIT)

    def test_it_is_the_same_each_time(self):
        self.assertEqual(guessed_focus(ramp()), guessed_focus(ramp()))
