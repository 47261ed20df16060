"""Lists in parts: what is asked for, and where the next part is."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlencode

from msgspec import Meta

from qisd.web.api.reading import Form
from qisd.web.headers import Header

if TYPE_CHECKING:
    from qisd.web.api.endpoint import Call

_SORT_MAX = 30


class PagingForm(Form):
    """Which part of a list."""

    start: Annotated[int, Meta(ge=0, le=999_999_999, description="first entry, counted from 0")] = 0
    limit: Annotated[int, Meta(ge=1, le=1000, description="entries at most")] | None = None


def sort_by(choices: Iterable[str]) -> Meta:
    """What is to be said of a field ``sort`` that takes one of ``choices``, after a minus downwards, or nothing."""
    names = [*choices]
    return Meta(
        max_length=_SORT_MAX,
        description="after a minus downwards",
        extra_json_schema={"enum": ["", *names, *(f"-{name}" for name in names)]},
    )


def page_links(call: Call, total: int) -> list[Header]:
    """The Link header (RFC 8288), when there are other parts."""
    if call.limit is None:
        return []
    links = []
    if call.start + call.limit < total:
        links.append(_link(call, call.start + call.limit, "next"))
    if call.start > 0:
        links.append(_link(call, max(0, call.start - call.limit), "prev"))
    return [("Link", ", ".join(links))] if links else []


def _link(call: Call, start: int, relation: str) -> str:
    others = [(name, value) for name, value in call.parameters.texts if name != "start"]
    path = call.request.path.decode("ascii", "replace")
    return f'<{path}?{urlencode([*others, ("start", str(start))])}>; rel="{relation}"'
