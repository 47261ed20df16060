"""Which part of a list, and where the next is."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qsl

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from qisd.access.visitor import ANONYMOUS
from qisd.errors import BadParameter
from qisd.imaging.request import parse_query_string
from qisd.web.api.endpoint import Call, Parameters
from qisd.web.api.paging import PagingForm, page_links, sort_by


def call(query: str = "", *, start: int = 0, limit: int | None = None, path: bytes = b"/api/v1/things/") -> Call:
    texts = tuple(parse_query_string(query.encode()).items())
    request: Any = SimpleNamespace(path=path)
    return Call(visitor=ANONYMOUS, parameters=Parameters(texts=texts), start=start, limit=limit, request=request)


def links(made: Call, total: int) -> dict[str, str]:
    """By relation."""
    headers = dict(page_links(made, total))
    return {relation: target for target, relation in re.findall(r'<([^>]*)>; rel="(\w+)"', headers.get("Link", ""))}


class FormTests(SynchronousTestCase):
    def test_a_part_is_asked_for_by_where_it_begins_and_how_long_it_is(self) -> None:
        form = Parameters(texts=[("start", "5"), ("limit", "1000")]).read(PagingForm)
        self.assertEqual((form.start, form.limit), (5, 1000))
        self.assertEqual(Parameters().read(PagingForm), PagingForm())
        self.assertEqual(Parameters(texts=[("start", "")]).read(PagingForm).start, 0)

    def test_what_is_out_of_range_is_refused(self) -> None:
        for name, value in (("start", "-1"), ("start", "1000000000"), ("limit", "0"), ("limit", ""), ("limit", "1001")):
            self.assertRaises(BadParameter, Parameters(texts=[(name, value)]).read, PagingForm)

    def test_orders_are_told_with_both_directions(self) -> None:
        schema = sort_by(["name", "id"]).extra_json_schema
        self.assertEqual(schema, {"enum": ["", "name", "id", "-name", "-id"]})


class LinkTests(SynchronousTestCase):
    def test_the_whole_has_no_other_parts(self) -> None:
        self.assertEqual(page_links(call(limit=10), 10), [])
        self.assertEqual(page_links(call(limit=None), 10), [])
        self.assertEqual(page_links(call("limit=10", limit=10), 0), [])

    def test_parts_lead_to_their_neighbours_with_the_same_question(self) -> None:
        made = call("q=a+%26+b&limit=2&start=3", start=3, limit=2)
        self.assertEqual(
            links(made, 10),
            {
                "next": "/api/v1/things/?q=a+%26+b&limit=2&start=5",
                "prev": "/api/v1/things/?q=a+%26+b&limit=2&start=1",
            },
        )

    def test_there_is_nothing_before_the_first_and_behind_the_last(self) -> None:
        self.assertEqual(links(call("limit=2", limit=2), 4), {"next": "/api/v1/things/?limit=2&start=2"})
        self.assertEqual(links(call("limit=2", start=2, limit=2), 4), {"prev": "/api/v1/things/?limit=2&start=0"})

    def test_who_asked_for_everything_is_told_that_there_is_more(self) -> None:
        self.assertEqual(links(call("", limit=100), 101), {"next": "/api/v1/things/?start=100"})

    @settings(deadline=None, max_examples=200, derandomize=True)
    @given(st.text(max_size=20))
    def test_no_question_breaks_out_of_its_link(self, text: str) -> None:
        request: Any = SimpleNamespace(path=b"/api/v1/things/")
        made = Call(
            visitor=ANONYMOUS,
            parameters=Parameters(texts=[("q", text.encode("utf-8", "replace").decode())]),
            limit=1,
            request=request,
        )
        ((name, value),) = page_links(made, 2)
        self.assertEqual(name, "Link")
        self.assertTrue(value.isascii() and value.isprintable())
        ((target, _),) = re.findall(r'^<([^<>"]*)>; rel="(next)"$', value)
        self.assertEqual(
            parse_qsl(target.partition("?")[2], keep_blank_values=True),
            [("q", text.encode("utf-8", "replace").decode()), ("start", "1")],
        )
