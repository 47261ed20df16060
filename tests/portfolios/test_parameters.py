from __future__ import annotations

from typing import TypeVar

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from qisd.access.snapshot import PermissionSnapshot
from qisd.access.visitor import Visitor
from qisd.errors import BadParameter, Forbidden
from qisd.imaging.rules import Choices
from qisd.imaging.template import TemplateSnapshot, TemplateValues, parse_template
from qisd.portfolios.parameters import ParameterRules

E = TypeVar("E", bound=Exception)

SPELLINGS = {"gr\u00fcn/a.png": "gru\u0308n/a.png"}


async def spelling(path: str) -> str:
    return SPELLINGS.get(path, path)


CHOICES = Choices(write_formats=frozenset({"jpg", "png"}), profiles=frozenset({"srgb"}))
RULES = ParameterRules(
    parse=lambda document: parse_template(document, CHOICES),
    templates=lambda: TemplateSnapshot(templates={"smalljpeg": TemplateValues()}, default=TemplateValues()),
    spelling=spelling,
)
VISITOR = Visitor(
    snapshot=PermissionSnapshot(accounts={}, groups={}, rows={"": {1: 10}, "secret": {1: 0}, "gru\u0308n": {1: 0}})
)


class ParameterTests(SynchronousTestCase):
    def stored(self, document: object) -> dict[str, object]:
        return self.successResultOf(Deferred.fromCoroutine(RULES.stored(document, VISITOR)))

    def refused(self, document: object) -> BadParameter:
        return self.failure(document, BadParameter)

    def failure(self, document: object, kind: type[E]) -> E:
        failure = self.failureResultOf(Deferred.fromCoroutine(RULES.stored(document, VISITOR)), kind)
        error = failure.value
        assert isinstance(error, kind)
        return error

    def test_given_fields_are_kept_rounded_and_in_lower_case(self) -> None:
        self.assertEqual(
            self.stored({"width": {"value": 500}, "top": {"value": 0.1234567}, "format": {"value": "PNG"}}),
            {"width": {"value": 500}, "top": {"value": 0.12346}, "format": {"value": "png"}},
        )
        self.assertEqual(self.stored({"width": {"value": None}, "flip": {"value": ""}}), {})

    def test_an_empty_list_counts_as_nothing_and_no_other_thing_than_an_object_is_taken(self) -> None:
        self.assertEqual(self.stored([]), {})
        for document in ([1], "x", 7, True, ""):
            self.assertEqual(self.refused(document).parameter, "image_parameters")

    def test_a_template_may_be_named_if_there_is_one(self) -> None:
        self.assertEqual(self.stored({"template": {"value": "SmallJpeg"}}), {"template": {"value": "smalljpeg"}})
        self.assertEqual(self.stored({"template": {"value": None}}), {})
        for value in ({"value": "none"}, {"value": 7}, "SmallJpeg", {}):
            self.assertEqual(self.refused({"template": value}).parameter, "template")

    def test_another_source_may_not_be_named(self) -> None:
        for value in ({"value": "b.jpg"}, {"value": None}, "b.jpg"):
            self.assertIn("filename", self.refused({"filename": value}).message)
        for unknown in ("src", "xref", "nonsense"):
            self.refused({unknown: {"value": "b.jpg"}})

    def test_an_overlay_must_be_visible_to_the_one_who_saves_it(self) -> None:
        self.stored({"overlay_src": {"value": "logos/A.png"}})
        for path in ("secret/a.png", "/secret//a.png", "x/../secret/a.png"):
            self.failure({"overlay_src": {"value": path}}, Forbidden)
        self.failure({"overlay_src": {"value": "../a.png"}}, Forbidden)

    def test_an_overlay_in_a_closed_folder_is_closed_in_every_unicode_form(self) -> None:
        for path in (*SPELLINGS, *SPELLINGS.values()):
            self.failure({"overlay_src": {"value": path}}, Forbidden)

    def test_values_out_of_range_name_their_field(self) -> None:
        self.assertEqual(self.refused({"width": {"value": -1}}).parameter, "width")
        self.assertEqual(self.refused({"format": {"value": "xyz"}}).parameter, "format")
