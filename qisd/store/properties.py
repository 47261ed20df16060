"""Values of the installation as a whole, by their keys."""

from __future__ import annotations

import attrs

from qisd.store.queries import Queries

DEFAULT_TEMPLATE = "pubimage_default_template"
"""The key of the name of the template for images that ask for none."""

_LIBRARY_MARK = "library_mark"
"""The key of the mark that the image library has been given."""


@attrs.frozen(kw_only=True)
class Property:
    key: str
    value: str | None
    version: int


@attrs.frozen(kw_only=True)
class LibraryMark:
    """Whose mark the image library had when it was last there.

    :param installation: the id that the installation had then; empty: there has been no library so far.
    :param place: where it was; empty: where nothing can be mounted.
    """

    installation: str
    place: str

    def was_at(self, place: str) -> bool:
        """Whether a library has been there, so that the place can't be empty now."""
        return place != "" and self.place == place


async def by_key(db: Queries, key: str) -> Property | None:
    rows = await db.query("select key, value, version from properties where key = %s", (key,))
    return Property(key=rows[0][0], value=rows[0][1], version=rows[0][2]) if rows else None


async def save(db: Queries, key: str, value: str) -> Property:
    """Give a key that is there already another value."""
    rows = await db.query("update properties set value = %s where key = %s returning key, value, version", (value, key))
    return Property(key=rows[0][0], value=rows[0][1], version=rows[0][2])


async def is_default_template(db: Queries, name: str) -> bool:
    """Whether it is the template of this name, in any case, that applies where none is asked for."""
    chosen = await by_key(db, DEFAULT_TEMPLATE)
    return chosen is not None and (chosen.value or "").strip().lower() == name.lower()


async def library_mark(db: Queries) -> LibraryMark:
    found = await by_key(db, _LIBRARY_MARK)
    installation, _, place = ((found.value if found else None) or "").partition(" ")
    return LibraryMark(installation=installation, place=place)


async def note_library_mark(db: Queries, mark: LibraryMark) -> None:
    await db.execute(
        "insert into properties (key, value) values (%s, %s) on conflict (key) do update set value = excluded.value",
        (_LIBRARY_MARK, f"{mark.installation} {mark.place}"),
    )
