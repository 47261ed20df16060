from __future__ import annotations

import json
from urllib.parse import urlencode

import attrs
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from qisd.errors import BadParameter
from qisd.imaging.request import Vocabulary, parse_image_request, parse_query_string
from qisd.imaging.spec import Focus, ImageOptions, Position, Tile
from qisd.imaging.template import TemplateValues, parse_template, stored_form
from qisd.imaging.urls import query_of
from tests.strategies import options

VOCABULARY = Vocabulary(
    write_formats=frozenset({"jpg", "jpeg", "pjpg", "pjpeg", "png", "tif"}),
    profiles=frozenset({"srgb", "coatedgrey"}),
    templates={"secret": TemplateValues()},
    default_template=TemplateValues(),
)


def document(**fields: object) -> dict[str, object]:
    return {name: {"value": value} for name, value in fields.items()}


def document_of(given_options: ImageOptions) -> dict[str, object]:
    """The JSON that says ``given_options``, written with fractions as plain floats."""
    fields: dict[str, object] = {}
    for field in attrs.fields(ImageOptions):
        value = getattr(given_options, field.name)
        if value is None:
            continue
        if isinstance(value, Position):
            value = f"{value.edge}{value.fraction / 100_000:.5f}"
        elif isinstance(value, Focus):
            word = "auto" if value.cover else "none"
            value = word if value.x is None else f"{value.x / 100_000:.5f},{value.y / 100_000:.5f}"
        elif isinstance(value, Tile):
            value = [value.number, value.grid]
        elif field.name in ("rotation", "top", "left", "bottom", "right", "overlay_size", "overlay_opacity"):
            value = value / 100_000
        fields["dpi_x" if field.name == "dpi" else field.name] = value
    return document(**fields)


printable = options.filter(lambda made: made.overlay_src is None or made.overlay_src.isprintable())


class StoredFormTests(SynchronousTestCase):
    def test_only_what_is_given_is_kept_rounded_and_in_lower_case(self) -> None:
        kept = stored_form(
            document(
                width=200.0,
                height=None,
                format="",
                top=0.123456789,
                left=1,
                align_h="L0.50",
                focus="0.62000, .4",
                fill="RGB(1, 2, 3)",
                overlay_src="Logos/A.png",
                strip=False,
                tile=[1, 4],
                filename="x",
            )
            | {"dpi_x": {"value": 300, "hint": "dropped"}}
        )
        self.assertEqual(
            kept,
            document(
                width=200,
                top=0.12346,
                left=1,
                align_h="l0.5",
                focus="0.62,0.4",
                fill="rgb(1,2,3)",
                overlay_src="Logos/A.png",
                strip=False,
                tile=[1, 4],
                dpi_x=300,
            ),
        )

    def test_texts_that_no_database_takes_are_refused(self) -> None:
        for text in ("a\0bc", "\ud800abc", "re\nd"):
            with self.assertRaises(BadParameter) as raised:
                stored_form(document(overlay_src=text))
            self.assertEqual(raised.exception.parameter, "overlay_src")

    @given(printable)
    def test_it_says_the_same_as_what_was_given_and_is_its_own_stored_form(self, given_options: ImageOptions) -> None:
        given_document = document_of(given_options)
        kept = stored_form(given_document)
        self.assertEqual(parse_template(kept, VOCABULARY), parse_template(given_document, VOCABULARY))
        self.assertEqual(stored_form(json.loads(json.dumps(kept))), kept)


class QueryTests(SynchronousTestCase):
    def test_fields_have_the_names_of_the_url(self) -> None:
        query = query_of(
            document(
                width=200,
                size_fit=True,
                align_h="L0.10",
                focus="AUTO",
                rotation=-45.5,
                left=0.00001,
                right=1,
                overlay_src="Logos/A.png",
                icc_bpc=False,
                dpi_x=300,
                dpi_y=72,
                tile=[3, 9],
                expiry_secs=60,
                attachment=True,
                record_stats=False,
                template="SmallJpeg",
            )
        )
        self.assertEqual(
            dict(query),
            {
                "width": "200",
                "autosizefit": "1",
                "halign": "l0.1",
                "focus": "auto",
                "angle": "-45.5",
                "left": "0.00001",
                "right": "1",
                "overlay": "Logos/A.png",
                "bpc": "0",
                "dpi": "300",
                "tile": "3:9",
                "attach": "1",
                "stats": "0",
                "tmp": "SmallJpeg",
            },
        )

    def test_a_document_that_is_silent_asks_for_nothing(self) -> None:
        self.assertEqual(query_of(document(width=None, format="", template="")), [])
        self.assertEqual(query_of({}), [])

    @given(printable, st.sampled_from([None, True, False]))
    def test_the_query_is_read_back_as_the_same_options(self, given_options: ImageOptions, attach: bool | None) -> None:
        kept = stored_form(document_of(given_options) | document(attachment=attach))
        raw = urlencode([("src", "a b.jpg"), *query_of(kept)], safe="/\\").encode()
        read = parse_image_request(parse_query_string(raw), VOCABULARY, public=None)
        self.assertEqual(read.options, parse_template(kept, VOCABULARY).options)
        fill = given_options.fill  # blanks in colours mean nothing
        meant = given_options if fill is None else attrs.evolve(given_options, fill=fill.replace(" ", ""))
        self.assertEqual((read.options, read.attach), (meant, attach))
