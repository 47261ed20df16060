from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from qisd.accounts.templates import stored_form
from qisd.errors import BadParameter
from qisd.imaging.rules import Choices
from qisd.imaging.template import parse_template

CHOICES = Choices(write_formats=frozenset({"jpg", "png"}), profiles=frozenset({"srgb"}))

_FIELDS = {
    "width": st.integers(0, 15000) | st.floats(0, 15000).map(lambda number: float(round(number))),
    "quality": st.integers(1, 100),
    "top": st.floats(0, 1),
    "rotation": st.floats(-360, 360),
    "format": st.sampled_from(["jpg", "JPG", "Png"]),
    "fill": st.sampled_from(["White", "#FFF", "# 00ff 00"]),
    "align_h": st.sampled_from(["L0", "c0.123456789", "R1"]),
    "overlay_src": st.sampled_from(["Logo.PNG", "a/b.png"]),
    "strip": st.booleans(),
    "tile": st.sampled_from([[1, 4], [9, 9]]),
    "expiry_secs": st.integers(-1, 31_536_000),
}
DOCUMENTS = st.fixed_dictionaries(
    {},
    optional={
        name: st.fixed_dictionaries({"value": values | st.none() | st.just("")}) for name, values in _FIELDS.items()
    },
)


class StoredFormTests(SynchronousTestCase):
    @given(DOCUMENTS)
    def test_it_means_the_same_and_is_its_own_stored_form(self, document: dict[str, dict[str, object]]) -> None:
        kept = stored_form(document)
        self.assertEqual(stored_form(kept), kept)
        self.assertEqual(parse_template(kept, CHOICES), parse_template(document, CHOICES))

    def test_numbers_are_rounded_as_they_are_understood(self) -> None:
        for given_, kept in ((0.000015, 0.00002), (0.000025, 0.00002), (0.123456789, 0.12346), (1.0, 1), (1e-9, 0)):
            self.assertEqual(stored_form({"top": {"value": given_}}), {"top": {"value": kept}})

    def test_what_says_nothing_is_dropped(self) -> None:
        document = {
            "width": {"value": None},
            "format": {"value": ""},
            "filename": {"value": "x"},
            "template": {"value": "y"},
        }
        self.assertEqual(stored_form(document), {})

    def test_false_and_zero_say_something(self) -> None:
        document = {"strip": {"value": False}, "width": {"value": 0}, "top": {"value": 0.0}}
        self.assertEqual(stored_form(document), document)

    def test_other_keys_beside_the_value_are_dropped(self) -> None:
        self.assertEqual(stored_form({"width": {"value": 1, "note": "x"}}), {"width": {"value": 1}})

    def test_texts_that_can_t_be_stored_are_refused(self) -> None:
        self.assertRaises(BadParameter, stored_form, {"overlay_src": {"value": "a\ud800"}})
