"""Profile store, embedded profiles, tone curves."""

from __future__ import annotations

import importlib.util
import struct
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ImageCms
from twisted.trial.unittest import SynchronousTestCase

from qisd.errors import Unsupported
from qisd.imaging.icc import read_icc, tone_curves
from qisd.imaging.profiles import BUILT_IN, MAX_BYTES, Profile, ProfileStore, embedded_profile, parse_profile
from qisd.imaging.transfer import TransferCurve
from tests.imaging.pipelines import STORE

TOOL = Path(__file__).parent.parent.parent / "tools" / "make_profiles.py"


def tool() -> Any:
    spec = importlib.util.spec_from_file_location("make_profiles", TOOL)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def rgb_with(curve: bytes) -> bytes:
    """An RGB profile with these bytes as its curves."""
    make = tool()
    tags = make.texts("test") | {b"rXYZ": make.xyz_tag((0.4, 0.2, 0.0))}
    return bytes(make.profile(b"mntr", b"RGB ", b"XYZ ", tags | dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve)))


class StoreTests(SynchronousTestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.warnings: list[str] = []

    def load(self) -> ProfileStore:
        return ProfileStore.load(self.folder, self.warnings.append)

    def copy(self, name: str, to: str) -> None:
        (self.folder / to).write_bytes((BUILT_IN / f"{name}.icc").read_bytes())

    def test_the_name_is_the_files_without_suffix_in_lower_case(self) -> None:
        self.copy("srgb", "My sRGB.ICM.icc")
        self.copy("coatedfogra39", "Fogra.icm")
        self.assertEqual(self.load().names, {"my srgb.icm", "fogra"})
        self.assertEqual(self.warnings, [])

    def test_other_files_are_not_looked_at(self) -> None:
        (self.folder / "LICENSES").write_text("text")
        self.assertEqual(self.load().names, frozenset())
        self.assertEqual(self.warnings, [])

    def test_names_are_offered_by_colour_space(self) -> None:
        for name in ("srgb", "adobergb1998", "greyscale", "coatedfogra39", "fx-sepia"):
            self.copy(name, f"{name}.icc")
        expected = {
            "CMYK": ("coatedfogra39",), "GRAY": ("greyscale",), "LAB": ("fx-sepia",), "RGB": ("adobergb1998", "srgb"),
        }  # fmt: skip
        self.assertEqual(self.load().by_space(), expected)

    def test_a_file_of_128_bytes_is_logged_and_left_out(self) -> None:
        (self.folder / "short.icc").write_bytes(bytes(128))
        self.assertEqual(self.load().names, frozenset())
        self.assertIn("short.icc is left out: it is too short", self.warnings[0])

    def test_what_is_no_profile_is_logged_and_left_out(self) -> None:
        (self.folder / "a.icc").write_bytes(b"x" * 1000)
        (self.folder / "b.icc").write_bytes((BUILT_IN / "srgb.icc").read_bytes()[:140])
        (self.folder / "c.icc").mkdir()
        self.copy("srgb", "d.icc")
        self.assertEqual(self.load().names, {"d"})
        self.assertEqual(len(self.warnings), 2)

    def test_of_two_files_with_one_name_the_second_is_logged_and_left_out(self) -> None:
        self.copy("srgb", "x.icc")
        self.copy("adobergb1998", "x.icm")
        self.assertTrue(self.load().get("x").srgb)
        self.assertEqual(len(self.warnings), 1)

    def test_a_missing_folder_is_an_empty_store(self) -> None:
        store = ProfileStore.load(self.folder / "none", self.warnings.append)
        self.assertEqual(store.names, frozenset())

    def test_a_profile_above_5_mib_is_offered_but_refused_at_use(self) -> None:
        data = (BUILT_IN / "srgb.icc").read_bytes()
        (self.folder / "large.icc").write_bytes(data + bytes(MAX_BYTES + 1 - len(data)))
        store = self.load()
        self.assertEqual(store.by_space(), {"RGB": ("large",)})
        self.assertIn("too large", self.assertRaises(Unsupported, store.get, "large").message)

    def test_the_defaults_are_there_even_in_an_empty_store(self) -> None:
        store = self.load()
        self.assertEqual([store.default(space).space for space in ("RGB", "GRAY", "CMYK")], ["RGB", "GRAY", "CMYK"])

    def test_the_folders_own_default_comes_first(self) -> None:
        self.copy("coatedfogra39", "uswebcoatedswop.icc")
        self.copy("coatedfogra39", "srgb.icc")
        store = self.load()
        self.assertEqual(store.default("CMYK"), STORE.get("coatedfogra39"))
        self.assertTrue(store.default("RGB").srgb)

    def test_the_digest_follows_the_contents(self) -> None:
        self.copy("srgb", "a.icc")
        first = self.load().digest()
        self.assertEqual(self.load().digest(), first)
        self.copy("adobergb1998", "a.icc")
        self.assertNotEqual(self.load().digest(), first)


class ShippedProfileTests(SynchronousTestCase):
    def test_all_are_readable(self) -> None:
        warnings: list[str] = []
        store = ProfileStore.load(BUILT_IN, warnings.append)
        self.assertEqual(warnings, [])
        self.assertLessEqual({"srgb", "adobergb1998", "greyscale", "uswebcoatedswop", "coatedgracol2006",
                              "uncoatedfogra29", "fx-sepia"}, store.names)  # fmt: skip

    def test_those_that_are_computed_are_what_the_tool_makes(self) -> None:
        for name, data in tool().profiles().items():
            self.assertEqual((BUILT_IN / f"{name}.icc").read_bytes(), data, name)

    def test_every_file_is_named_in_the_licences(self) -> None:
        words = set((BUILT_IN / "LICENSES").read_text().split())
        self.assertEqual({path.stem for path in BUILT_IN.glob("*.icc")} - words, set())

    def test_only_srgb_is_taken_for_srgb(self) -> None:
        self.assertEqual([name for name, profile in STORE.profiles.items() if profile.srgb], ["srgb"])


class EmbeddedProfileTests(SynchronousTestCase):
    def test_a_fitting_profile_is_used(self) -> None:
        data = STORE.get("adobergb1998").data
        profile = embedded_profile(data, "RGB")
        assert profile is not None
        self.assertEqual((profile.data, profile.space, profile.srgb), (data, "RGB", False))

    def test_a_profile_of_another_space_is_ignored(self) -> None:
        self.assertIsNone(embedded_profile(STORE.get("coatedfogra39").data, "RGB"))
        self.assertIsNone(embedded_profile(STORE.get("srgb").data, "GRAY"))
        self.assertIsNone(embedded_profile(STORE.get("fx-sepia").data, "RGB"))

    def test_damaged_profiles_are_ignored(self) -> None:
        data = STORE.get("adobergb1998").data
        for bad in (None, b"", b"x", data[:128], data[:40], bytes(200), b"\xff" * 5000):
            self.assertIsNone(embedded_profile(bad, "RGB"))

    def test_a_profile_above_5_mib_is_ignored(self) -> None:
        data = STORE.get("srgb").data
        self.assertIsNone(embedded_profile(data + bytes(MAX_BYTES), "RGB"))

    def test_littlecms_own_srgb_is_srgb(self) -> None:
        data = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
        self.assertTrue(parse_profile(data).srgb)

    def test_srgb_with_its_curve_as_a_table_is_srgb(self) -> None:
        make = tool()
        curve = TransferCurve.srgb()
        self.assertTrue(parse_profile(make.rgb("x", make.REC709, curve.linear)).srgb)
        self.assertFalse(parse_profile(make.rgb("x", make.REC709, 2.2)).srgb)
        self.assertFalse(parse_profile(make.rgb("x", make.SMPTE_C, curve.linear)).srgb)

    @given(st.binary(max_size=400), st.integers(0, 500), st.binary(min_size=1, max_size=8))
    @settings(deadline=None, max_examples=100, derandomize=True)
    def test_no_bytes_do_harm(self, tail: bytes, place: int, patch: bytes) -> None:
        data = bytearray(STORE.get("srgb").data)
        data[place : place + len(patch)] = patch
        for damaged in (bytes(data), bytes(data[:132]) + tail):
            profile = embedded_profile(damaged, "RGB")
            self.assertTrue(profile is None or isinstance(profile, Profile))


class ToneCurveTests(SynchronousTestCase):
    def curves(self, tag: bytes) -> tuple[TransferCurve, ...]:
        return tone_curves(read_icc(rgb_with(tag)))

    def test_a_single_gamma(self) -> None:
        curves = self.curves(b"curv\0\0\0\0" + struct.pack(">IH", 1, 563))
        self.assertEqual(curves, (TransferCurve.gamma(563 / 256),) * 3)

    def test_no_entry_is_linear(self) -> None:
        self.assertTrue(self.curves(b"curv\0\0\0\0" + struct.pack(">I", 0))[0].is_identity)

    def test_a_table(self) -> None:
        curve = self.curves(b"curv\0\0\0\0" + struct.pack(">I3H", 3, 0, 10000, 65535))[0]
        self.assertAlmostEqual(curve.linear(0.5), 10000 / 65535)

    def test_a_formula(self) -> None:
        curve = self.curves(b"para\0\0\0\0" + struct.pack(">2Hi", 0, 0, round(1.8 * 65536)))[0]
        self.assertAlmostEqual(curve.linear(0.5), 0.5**1.8, places=5)

    def test_curves_that_cannot_be_used_are_taken_for_srgb(self) -> None:
        for tag in (
            b"",
            b"curv",
            b"text\0\0\0\0\0\0\0\0",
            b"curv\0\0\0\0" + struct.pack(">I", 2**32 - 1),
            b"curv\0\0\0\0" + struct.pack(">IH", 1, 0),
            b"curv\0\0\0\0" + struct.pack(">I3H", 3, 9, 9, 9),
            b"para\0\0\0\0" + struct.pack(">2H", 9, 0),
            b"para\0\0\0\0" + struct.pack(">2Hi", 3, 0, 1),
        ):
            self.assertEqual(self.curves(tag), (TransferCurve.srgb(),) * 3, tag)

    def test_grey_has_one_curve(self) -> None:
        self.assertEqual(STORE.get("greyscale").curves, (TransferCurve.gamma(round(2.2 * 256) / 256),))

    def test_a_tag_that_leaves_the_profile_is_as_good_as_none(self) -> None:
        data = bytearray(rgb_with(b"curv\0\0\0\0" + struct.pack(">IH", 1, 512)))
        count = struct.unpack_from(">I", data, 128)[0]
        for entry in range(count):
            struct.pack_into(">I", data, 132 + 12 * entry + 4, 2**32 - 8)
        self.assertEqual(tone_curves(read_icc(bytes(data))), (TransferCurve.srgb(),) * 3)
