"""Conditional requests (RFC 9110, 13): is the client's copy still good, and is this the version it means?

Pure functions over header texts. Entity tags are kept here without their quotes; all of ours are strong.
"""

from __future__ import annotations

import re

import attrs

from qisd.web.dates import parse_date

_ENTITY_TAG = re.compile(r'(?P<weak>W/)?"(?P<quoted>[^"]*)"|(?P<bare>[^\s,"]+)')

# A list longer than this names versions that nobody holds.
_TAGS_READ = 100


@attrs.frozen(kw_only=True)
class Validators:
    """What tells one version from another.

    :param etag: entity tag without quotes; None when the answer carries none.
    :param last_modified: time of the last change in seconds since 1970; parts of a second don't count.
    """

    etag: str | None
    last_modified: float


@attrs.frozen(kw_only=True)
class Conditions:
    """The conditional headers of one request; None = not sent."""

    if_match: str | None = None
    if_none_match: str | None = None
    if_modified_since: str | None = None
    if_unmodified_since: str | None = None
    if_range: str | None = None


@attrs.frozen
class EntityTag:
    """One tag of a list; ``any`` tag is what ``*`` stands for."""

    text: str
    weak: bool = False
    any: bool = False


def parse_tags(header: str) -> list[EntityTag]:
    """The entity tags of a list.

    Old clients of this kind of server send back what they were once given, without quotes: ``If-None-Match: 1a2b``.
    Such a tag counts as strong. What is no tag at all is passed over.
    """
    tags = []
    for found in _ENTITY_TAG.finditer(header):
        bare = found["bare"]
        if bare == "*":
            tags.append(EntityTag("", any=True))
        elif bare is not None:
            tags.append(EntityTag(bare))
        else:
            tags.append(EntityTag(found["quoted"], weak=found["weak"] is not None))
        if len(tags) == _TAGS_READ:
            break
    return tags


def precondition_status(conditions: Conditions, validators: Validators) -> int | None:
    """304 or 412 when that is the answer, else None; in the order of RFC 9110, 13.2.2.

    Only for GET and HEAD of something that exists.
    """
    if conditions.if_match is not None:
        if not _matches(conditions.if_match, validators, strong=True):
            return 412
    elif conditions.if_unmodified_since is not None:
        since = parse_date(conditions.if_unmodified_since)
        if since is not None and int(validators.last_modified) > since:
            return 412
    if conditions.if_none_match is not None:
        return 304 if _matches(conditions.if_none_match, validators, strong=False) else None
    if conditions.if_modified_since is not None:
        since = parse_date(conditions.if_modified_since)
        if since is not None and int(validators.last_modified) <= since:
            return 304
    return None


def range_applies(conditions: Conditions, validators: Validators, *, now: float) -> bool:
    """Whether a Range header counts: without If-Range always, else only for the very version that If-Range names.

    A date is as good as a tag only when the file did not change twice in that second, which is certain once the
    second has passed (RFC 9110, 8.8.2.2).
    """
    if conditions.if_range is None:
        return True
    since = parse_date(conditions.if_range)
    if since is not None:
        return since == int(validators.last_modified) and now - since >= 1
    tags = parse_tags(conditions.if_range)
    return len(tags) == 1 and not tags[0].any and _same(tags[0], validators, strong=True)


def _matches(header: str, validators: Validators, *, strong: bool) -> bool:
    return any(tag.any or _same(tag, validators, strong=strong) for tag in parse_tags(header))


def _same(tag: EntityTag, validators: Validators, *, strong: bool) -> bool:
    return validators.etag is not None and tag.text == validators.etag and not (strong and tag.weak)
