"""The frame of our own simple pages: one style, and a policy that lets nothing else in."""

from __future__ import annotations

import base64
import hashlib
import html
from typing import TYPE_CHECKING

import attrs

from qisd.web.headers import Header

if TYPE_CHECKING:
    from qisd.web.request import QisRequest

_STYLE = """
:root { color-scheme: light dark; --ink: #1d2733; --paper: #fbfbf9; --line: #d9dcd6; --link: #1d5fa8; --bad: #a11; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e4e7ea; --paper: #15191e; --line: #343b43; --link: #8dbdf2; --bad: #f99; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 62rem; padding: 2.5rem 1.25rem; color: var(--ink); background: var(--paper);
  font: 1rem/1.6 system-ui, sans-serif; }
h1 { margin: 0 0 1rem; font-size: 2rem; line-height: 1.2; }
p { max-width: 40rem; }
a { color: var(--link); }
form { max-width: 22rem; }
label { display: block; margin: 1rem 0; }
input { display: block; width: 100%; padding: .5rem; font: inherit; color: inherit; background: transparent;
  border: 1px solid var(--line); border-radius: .3rem; }
button { padding: .5rem 1.25rem; font: inherit; color: #fff; background: #1d5fa8; border: 0; border-radius: .3rem;
  cursor: pointer; }
.error { color: var(--bad); }
.pictures { display: flex; flex-wrap: wrap; gap: 1.25rem; margin: 1.5rem 0; padding: 0; list-style: none; }
.pictures li { flex: 1 1 16rem; max-width: 20rem; }
.pictures img { display: block; width: 100%; height: auto; border: 1px solid var(--line); border-radius: .4rem; }
.quiet { opacity: .75; font-size: .9rem; }
"""

_DIGEST = base64.b64encode(hashlib.sha256(_STYLE.encode("utf-8")).digest()).decode("ascii")
_POLICY = (
    f"default-src 'none'; img-src 'self'; style-src 'sha256-{_DIGEST}'; form-action 'self'; base-uri 'none';"
    " frame-ancestors 'self'"
)

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title} · qisd</title>
<link rel="icon" href="{root}favicon.ico">
<style>{style}</style>
</head>
<body>
<main>
<h1>{title}</h1>
{main}
</main>
</body>
</html>
"""


@attrs.frozen(kw_only=True)
class HtmlPage:
    """A page, ready to be sent."""

    headers: list[Header]
    html: bytes


def page(request: QisRequest, *, title: str, main: str) -> HtmlPage:
    """A page with a heading.

    :param title: plain text.
    :param main: HTML; whoever makes it escapes what is not theirs.
    """
    text = _PAGE.format(title=html.escape(title), root=html.escape(request.site.root), style=_STYLE, main=main)
    headers = [("Content-Type", "text/html; charset=utf-8"), ("Content-Security-Policy", _POLICY)]
    return HtmlPage(headers=headers, html=text.encode("utf-8", "replace"))
