"""Finding images by words and properties, among those that somebody may view."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

import attrs

from qisd.store.queries import Queries
from qisd.store.subtree import like_below

_RANKED = 10_000
"""How many of the images that match are held against each other, at most."""

_COMMON = 2000
"""A word that more images have is of no use in ranking."""

_OPERATORS = re.compile(r'"|(?:^|\s)-|\sor\s', re.IGNORECASE)
_WORD = re.compile(r"[^\W_]+")
_NO_WORD = re.compile(r'[^\w"\s-]|_|(?<=\w)-(?=\w)')


@attrs.frozen
class Rule:
    """What holds for all below a folder, unless a longer rule says otherwise.

    :param folder: without slashes around it; empty is the root.
    """

    folder: str
    visible: bool


@attrs.frozen(kw_only=True)
class ImageQuery:
    """What is looked for; None and empty values mean all.

    :param words: all of them must occur, the last one at least as the beginning of a word, in path, title, description,
        keywords or tags. With quotes, a minus in front, or ``or`` between them: whole words, as search engines have it.
    :param folder: without slashes around it. ``recursive``: also what is deeper.
    :param extensions: lower case, without the dot.
    :param min_width: in pixels, as are the others; ``min_size`` in bytes.
    :param taken_from: the first moment; ``taken_until`` the first one after it.
    :param dated_from: likewise, of when it was taken, or if the file doesn't tell, of when that was last changed.
    :param tags: all of these, among what users and the file itself say.
    :param rules: what may be seen, beginning with the root.
    :param newest: these first, however well others fit.
    :param nothing: nothing fits: what is asked for excludes itself.
    :param at: images whose rights do not hold at this moment are left out; None: rights are of no interest.
    """

    words: str = ""
    folder: str = ""
    recursive: bool = True
    extensions: Sequence[str] = ()
    min_width: int | None = None
    max_width: int | None = None
    min_height: int | None = None
    max_height: int | None = None
    min_size: int | None = None
    max_size: int | None = None
    taken_from: datetime | None = None
    taken_until: datetime | None = None
    dated_from: datetime | None = None
    dated_until: datetime | None = None
    colour_space: str = ""
    profile: str = ""
    tags: Sequence[str] = ()
    newest: bool = False
    nothing: bool = False
    rules: Sequence[Rule] = (Rule("", True),)
    at: datetime | None = None


@attrs.frozen
class Hit:
    """An image that was found; together the values say where the next page begins. Without a rank, images are in the
    order of their age."""

    rank: float | None
    image_id: int


async def find(db: Queries, query: ImageQuery, *, after: Hit | None = None, limit: int) -> list[Hit]:
    """The best first, among equals the newest. Of words that very many images have, the newest first.

    :param after: the last one of the page before.
    """
    function, text = text_query(query.words)
    if query.nothing or (query.words and not text):
        return []
    conditions, parameters = _conditions(query)
    if query.words and not query.newest:
        # Pages go on as they began.
        common = await _is_common(db, query.words) if after is None else after.rank is None
        if not common:
            return await _by_rank(db, conditions, parameters, function, text, after=after, limit=limit)
    if after is not None:
        conditions.append("i.id < %s")
        parameters.append(after.image_id)
    rows = await db.query(
        f"select i.id from images i {_JOIN} where {' and '.join(conditions)} order by i.id desc limit %s",  # noqa: S608
        (*parameters, limit),
    )
    return [Hit(None, number) for (number,) in rows]


async def count(db: Queries, query: ImageQuery, *, most: int) -> int:
    """How many there are, counted up to ``most``."""
    if query.nothing or (query.words and not text_query(query.words)[1]):
        return 0
    conditions, parameters = _conditions(query)
    rows = await db.query(
        f"select count(*) from (select 1 from images i {_JOIN} where {' and '.join(conditions)} limit %s) found",  # noqa: S608
        (*parameters, most),
    )
    return int(rows[0][0])


async def _by_rank(
    db: Queries,
    conditions: Sequence[str],
    parameters: Sequence[object],
    function: str,
    text: str,
    *,
    after: Hit | None,
    limit: int,
) -> list[Hit]:
    found = f"select i.id, i.search from images i {_JOIN} where {' and '.join(conditions)} limit {_RANKED}"  # noqa: S608
    paged, page = ("", []) if after is None else (" where (rank, id) < (%s::real, %s)", [after.rank, after.image_id])
    rows = await db.query(
        f"select rank, id from (select ts_rank(i.search, {function})::real as rank, i.id from ({found}) i) ranked"  # noqa: S608
        f"{paged} order by rank desc, id desc limit %s",
        (text, *parameters, *page, limit),
    )
    return [Hit(rank, number) for rank, number in rows]


async def _is_common(db: Queries, words: str) -> bool:
    """Whether ``words`` is one that very many images have.

    By the statistics of the table, which hold the thousand commonest. Several words together may be rare however common
    each of them is.
    """
    found = _WORD.findall(words)
    if len(found) != 1 or _OPERATORS.search(words):
        return False
    rows = await db.query(
        "select coalesce(sum(freq), 0) * (select greatest(reltuples, 0) from pg_class where oid = 'images'::regclass)"
        " from (select unnest(most_common_elems::text::text[]) as word, unnest(most_common_elem_freqs) as freq"
        " from pg_stats where schemaname = current_schema() and tablename = 'images' and attname = 'search') commonest"
        " where starts_with(word, %s)",
        (found[0].lower(),),
    )
    return bool(rows[0][0] > _COMMON)


def text_query(words: str) -> tuple[str, str]:
    """SQL for a text-search query with one parameter, and that. The parameter is empty if no word is in it."""
    plain = _NO_WORD.sub(" ", words)
    if _OPERATORS.search(words):
        return "websearch_to_tsquery('simple', %s)", plain if _WORD.search(plain) else ""
    found = [f"'{word}'" for word in _WORD.findall(plain)]
    # The last one may be typed half. Beginnings of all would make the index read every image that has one of them.
    return "to_tsquery('simple', %s)", " & ".join([*found[:-1], *(f"{word}:*" for word in found[-1:])])


_JOIN = "left join image_metadata m on m.image_id = i.id"
_DATED = "coalesce(m.taken, to_timestamp(i.file_mtime_ns / 1000000000))"


def _conditions(query: ImageQuery) -> tuple[list[str], list[object]]:
    parts: list[tuple[str, list[object]]] = [("i.status = 1", [])]
    if query.words:
        function, text = text_query(query.words)
        parts.append((f"i.search @@ {function}", [text]))
    if query.folder:
        parts.append(("i.src like %s", [like_below(query.folder)]))
    if not query.recursive:
        parts.append(("i.folder_id = (select id from folders where path = %s)", [f"/{query.folder}"]))
    if query.extensions:
        # The extension is one of the words of a path, and words have an index.
        words = " | ".join(f"'{word}'" for one in query.extensions for word in _WORD.findall(one))
        parts.append(("lower(substring(i.src from '[^./]+$')) = any(%s)", [list(query.extensions)]))
        parts.append(("i.search @@ to_tsquery('simple', %s)", [words]))
    bounds = (
        ("i.width >= %s", query.min_width),
        ("i.width <= %s", query.max_width),
        ("i.height >= %s", query.min_height),
        ("i.height <= %s", query.max_height),
        ("i.file_size >= %s", query.min_size),
        ("i.file_size <= %s", query.max_size),
        ("m.taken >= %s", query.taken_from),
        ("m.taken < %s", query.taken_until),
        (f"{_DATED} >= %s", query.dated_from),
        (f"{_DATED} < %s", query.dated_until),
        ("m.colour_space = %s", query.colour_space or None),
        ("m.profile = %s", query.profile or None),
    )
    parts += [(text, [value]) for text, value in bounds if value is not None]
    if query.tags:
        parts.append(("(m.tags || m.keywords) @> %s::text[]", [list(query.tags)]))
        parts += [("i.search @@ plainto_tsquery('simple', %s)", [tag]) for tag in query.tags if _WORD.search(tag)]
    if query.at is not None:
        parts.append(("coalesce(m.valid_from <= %s, true) and coalesce(%s < m.valid_until, true)", [query.at] * 2))
    parts.append(_visible(query.rules))
    return [text for text, _ in parts], [value for _, values in parts for value in values]


def _visible(rules: Sequence[Rule]) -> tuple[str, list[object]]:
    """The longest rule whose folder an image is in decides."""
    deeper = sorted((rule for rule in rules if rule.folder), key=lambda rule: -len(rule.folder))
    root = any(rule.visible for rule in rules if not rule.folder)
    cases = " ".join(f"when starts_with(i.src, %s) then {str(rule.visible).lower()}" for rule in deeper)
    if not cases:
        return str(root).lower(), []
    return f"case {cases} else {str(root).lower()} end", [f"{rule.folder}/" for rule in deeper]


@attrs.frozen(kw_only=True)
class Indexed:
    """One step of writing the search index anew.

    :param last: id of the last image of it; None: there are no more.
    :param changed: how many of its ``images`` were not indexed as they should have been.
    """

    last: int | None
    images: int
    changed: int


async def index_anew(db: Queries, *, after: int, limit: int) -> Indexed:
    """Put right what the search index has of the next images after the one with the id ``after``."""
    rows = await db.query(
        "with page as (select id from images where id > %s order by id limit %s for update),"
        " put_right as (update images set search = qis_search_text(images) from page"
        " where images.id = page.id and images.search is distinct from qis_search_text(images) returning 1)"
        " select (select max(id) from page), (select count(*) from page), (select count(*) from put_right)",
        (after, limit),
    )
    last, images, changed = rows[0]
    return Indexed(last=last, images=images, changed=changed)
