"""The image templates, as those who change them see them. Those who render hold :mod:`qisd.store.templates`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs
import psycopg2.errors
from psycopg2.extras import Json

from qisd.errors import AlreadyExists
from qisd.store.part import Part
from qisd.store.queries import Queries, Row

SORTS = {"name": ("lower(name)", "id"), "id": ("id",)}
"""What a list may be sorted by."""

_COLUMNS = "id, name, description, template, disabled, version"


@attrs.frozen(kw_only=True)
class Template:
    """A named set of image options.

    :param document: ``{"<field>": {"value": …}, …}``.
    :param disabled: imported, but not valid here: kept, and not used.
    """

    id: int
    name: str
    description: str
    document: Mapping[str, Any]
    disabled: bool
    version: int


async def by_id(db: Queries, template_id: int) -> Template | None:
    rows = await db.query(f"select {_COLUMNS} from imagetemplates where id = %s", (template_id,))  # noqa: S608
    return _template(rows[0]) if rows else None


async def by_name(db: Queries, name: str) -> Template | None:
    """The template of that name in any case."""
    rows = await db.query(f"select {_COLUMNS} from imagetemplates where lower(name) = lower(%s)", (name,))  # noqa: S608
    return _template(rows[0]) if rows else None


async def with_overlay(db: Queries, src: str) -> list[Template]:
    """The templates that lay the image at ``src``, a path without leading slash, over others; by name."""
    rows = await db.query(
        f"select {_COLUMNS} from imagetemplates where ltrim(template->'overlay_src'->>'value', '/') = %s"  # noqa: S608
        " order by lower(name)",
        (src,),
    )
    return [_template(row) for row in rows]


async def listed(
    db: Queries,
    *,
    q: str = "",
    sort: str = "name",
    descending: bool = False,
    start: int = 0,
    limit: int | None = None,
) -> Part[Template]:
    """Templates whose name or description contains ``q`` in any case.

    :param sort: a key of :data:`SORTS`.
    """
    condition = "position(lower(%s) in lower(name || ' ' || description)) > 0"
    order = ", ".join(f"{key}{' desc' if descending else ''}" for key in SORTS[sort])
    rows = await db.query(
        f"select {_COLUMNS} from imagetemplates where {condition} order by {order} offset %s limit %s",  # noqa: S608
        (q, start, limit),
    )
    total = await db.query(f"select count(*) from imagetemplates where {condition}", (q,))  # noqa: S608
    return Part([_template(row) for row in rows], total[0][0])


async def insert(db: Queries, *, name: str, description: str, document: Mapping[str, Any]) -> Template:
    """Make a template.

    :raises AlreadyExists: the name is taken, in any case.
    """
    try:
        rows = await db.query(
            f"insert into imagetemplates (name, description, template) values (%s, %s, %s) returning {_COLUMNS}",  # noqa: S608
            (name, description, Json(dict(document))),
        )
    except psycopg2.errors.UniqueViolation as error:
        raise _taken(name) from error
    return _template(rows[0])


async def save(db: Queries, template: Template) -> Template:
    """Write all of a template.

    :raises AlreadyExists: the name is taken, in any case.
    """
    try:
        rows = await db.query(
            "update imagetemplates set name = %s, description = %s, template = %s, disabled = %s where id = %s"  # noqa: S608
            f" returning {_COLUMNS}",
            (template.name, template.description, Json(dict(template.document)), template.disabled, template.id),
        )
    except psycopg2.errors.UniqueViolation as error:
        raise _taken(template.name) from error
    return _template(rows[0])


async def delete(db: Queries, template_id: int) -> None:
    await db.execute("delete from imagetemplates where id = %s", (template_id,))


def _taken(name: str) -> AlreadyExists:
    return AlreadyExists(f"template {name} already exists", parameter="name")


def _template(row: Row) -> Template:
    template_id, name, description, document, disabled, version = row
    return Template(
        id=template_id, name=name, description=description, document=document, disabled=disabled, version=version
    )
