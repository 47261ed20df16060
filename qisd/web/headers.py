"""Headers of answers, as name and value pairs: caching, cross-origin access, file names. Pure functions."""

from __future__ import annotations

import unicodedata
from urllib.parse import quote

from qisd.web.dates import THE_PAST, format_date
from qisd.web.rules import WebSettings

Header = tuple[str, str]

# How long a browser may believe a preflight answer.
_PREFLIGHT_SECONDS = 600

_METHODS = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"

# RFC 8187 attr-char, less what quote() leaves alone by itself.
_ATTR_CHARS = "!#$&+-.^_`|~"

# An SVG is a document that can carry scripts. Opened by itself it gets no rights and loads nothing.
_SVG_POLICY = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:"


def caching(expiry_secs: int, *, etag: str, now: float, public: bool = True, by_accept: bool = False) -> list[Header]:
    """Cache-Control, Expires and ETag for an answer that may be kept for ``expiry_secs``.

    :param expiry_secs: more than 0: so many seconds; 0: clients are told nothing; −1: not at all.
    :param etag: without quotes.
    :param public: whether everybody may have it; else only the caches of those who asked may keep it.
    :param by_accept: whether those who accept other formats get another answer.
    """
    tag = ("ETag", f'"{etag}"')
    who = "public" if public else "private"
    varying = [*(["Accept"] if by_accept else []), *([] if public else ["Cookie", "Authorization"])]
    others = [("Vary", ", ".join(varying))] if varying else []
    if expiry_secs > 0:
        expires = ("Expires", format_date(now + expiry_secs))
        return [("Cache-Control", f"{who}, max-age={expiry_secs}"), expires, tag, *others]
    if expiry_secs == 0:
        return [*([] if public else [("Cache-Control", "private")]), tag, *others]
    return [("Cache-Control", f"{who}, no-cache"), ("Expires", THE_PAST), *others]


def content(media_type: str) -> list[Header]:
    """Content-Type, and what keeps a document that can carry scripts harmless."""
    if not media_type.endswith("+xml"):
        return [("Content-Type", media_type)]
    return [("Content-Type", f"{media_type}; charset=utf-8"), ("Content-Security-Policy", _SVG_POLICY)]


def content_disposition(filename: str, *, attachment: bool) -> Header:
    """Content-Disposition after RFC 6266: an ASCII name for all, and the true one where that is not the same.

    Control and invisible formatting characters are removed: they break headers, or turn an extension around.
    """
    name = "".join(
        character
        for character in unicodedata.normalize("NFC", filename)
        if unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Zl", "Zp") and character != "/"
    )
    name = name.strip() or "image"
    plain = "".join(_ascii(character) for character in name)
    escaped = plain.replace("\\", "\\\\").replace('"', '\\"')
    value = f'{"attachment" if attachment else "inline"}; filename="{escaped}"'
    # Some browsers take %xx in the plain form for an escape, and some a backslash for a folder.
    if plain != name or any(character in plain for character in '%\\"'):
        value += f"; filename*=UTF-8''{quote(name, safe=_ATTR_CHARS)}"
    return "Content-Disposition", value


def cross_origin(origin: str | None, settings: WebSettings) -> list[Header]:
    """What lets pages of other sites read the answer, and its headers."""
    allowed = settings.cors_allow_origin
    if not allowed:
        return []
    headers = []
    if "*" in allowed:
        headers.append(("Access-Control-Allow-Origin", "*"))
    else:
        headers.append(("Vary", "Origin"))
        if origin is None or origin not in allowed:
            return headers
        headers.append(("Access-Control-Allow-Origin", origin))
    headers.append(("Access-Control-Allow-Methods", _METHODS))
    if settings.cors_allow_headers:
        headers.append(("Access-Control-Allow-Headers", ", ".join(settings.cors_allow_headers)))
    if settings.cors_expose_headers:
        headers.append(("Access-Control-Expose-Headers", ", ".join(settings.cors_expose_headers)))
    return headers


def preflight(methods: str, settings: WebSettings) -> list[Header]:
    """What a browser wants to know before it sends an unusual request; the rest is in :func:`cross_origin`."""
    if not settings.cors_allow_origin:
        return []
    return [("Access-Control-Allow-Methods", methods), ("Access-Control-Max-Age", str(_PREFLIGHT_SECONDS))]


def _ascii(character: str) -> str:
    if character.isascii():
        return character
    decomposed = "".join(part for part in unicodedata.normalize("NFKD", character) if part.isascii())
    return "".join(part for part in decomposed if part.isprintable() and part not in '/\\"') or "_"
