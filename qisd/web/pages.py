"""The welcome page, ``/robots.txt`` and ``/favicon.ico``."""

from __future__ import annotations

import base64
import functools
import hashlib
import html
from urllib.parse import quote

from qisd.web.icon import favicon
from qisd.web.request import QisRequest

_DAY = ("Cache-Control", "public, max-age=86400")

_STYLE = """
:root { color-scheme: light dark; --ink: #1d2733; --paper: #fbfbf9; --line: #d9dcd6; --link: #1d5fa8; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e4e7ea; --paper: #15191e; --line: #343b43; --link: #8dbdf2; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 62rem; padding: 2.5rem 1.25rem; color: var(--ink); background: var(--paper);
  font: 1rem/1.6 system-ui, sans-serif; }
h1 { margin: 0; font-size: 2rem; line-height: 1.2; }
h2 { margin: 2.5rem 0 .5rem; font-size: 1.2rem; }
p { max-width: 40rem; }
a { color: var(--link); }
.pictures { display: flex; flex-wrap: wrap; gap: 1.5rem; margin: 1.5rem 0 0; padding: 0; list-style: none; }
.pictures li { flex: 1 1 18rem; max-width: 25rem; }
.pictures img { display: block; width: 100%; height: auto; border: 1px solid var(--line); border-radius: .4rem; }
code { font-size: .9rem; overflow-wrap: anywhere; }
footer { margin-top: 3rem; padding-top: 1rem; border-top: 1px solid var(--line); }
"""

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>qisd</title>
<link rel="icon" href="{root}favicon.ico">
<style>{style}</style>
</head>
<body>
<header>
<h1>qisd</h1>
<p><a href="{root}login/">Sign In</a> · <a href="{root}api/help/">API</a></p>
<p>The image server is running. It keeps one original of each picture and makes every copy that is asked for: another
size, a part, another format.</p>
</header>
<main>
<h2>One picture, two requests</h2>
<ul class="pictures">
{pictures}
</ul>
<h2>Your own pictures</h2>
<p>Put image files into the image folder of the server; each can be asked for at once by its path. The picture as it
was stored is at <a href="{original}"><code>{original}</code></a>.</p>
</main>
<footer>
<p>How to go on is told in the documentation that comes with qisd: start with <code>README.md</code>, all parameters
are in <code>docs/</code>.</p>
</footer>
</body>
</html>
"""

_PICTURE = """<li><a href="{url}"><img src="{url}" alt="{alt}"></a>
<p>{text}<br><code>{url}</code></p></li>"""

_SAMPLE = "/samples/penguin.jpg"

_PICTURES = (
    ({"width": "400"}, "A penguin", "400 pixels wide"),
    (
        {"width": "400", "left": "0.2", "top": "0.3", "right": "0.8", "bottom": "0.8"},
        "A part of the same picture",
        "The same width, but only a part of the picture",
    ),
)

_STYLE_DIGEST = base64.b64encode(hashlib.sha256(_STYLE.encode("utf-8")).digest()).decode("ascii")
_POLICY = (
    f"default-src 'none'; img-src 'self'; style-src 'sha256-{_STYLE_DIGEST}'; base-uri 'none'; frame-ancestors 'self'"
)

_CLOSED_TO_ROBOTS = ("admin/", "list/", "reports/")


_ICON = favicon()


class PageHandlers:
    """The handlers of what people and browsers look for at a site."""

    def welcome(self, request: QisRequest) -> None:
        headers = [
            ("Content-Type", "text/html; charset=utf-8"),
            ("Content-Security-Policy", _POLICY),
            ("Referrer-Policy", "same-origin"),
            ("Cache-Control", "no-cache"),
        ]
        request.answer(200, headers, _welcome_page(request.site.root))

    def robots(self, request: QisRequest) -> None:
        closed = "".join(f"Disallow: {request.site.root}{folder}\n" for folder in _CLOSED_TO_ROBOTS)
        text = f"User-agent: *\n{closed}".encode()
        request.answer(200, [("Content-Type", "text/plain; charset=utf-8"), _DAY], text)

    def favicon(self, request: QisRequest) -> None:
        request.answer(200, [("Content-Type", "image/vnd.microsoft.icon"), _DAY], _ICON)


@functools.lru_cache(maxsize=2)
def _welcome_page(root: str) -> bytes:
    """The page for a site below ``root``, a path with a slash at both ends."""
    pictures = "\n".join(
        _PICTURE.format(url=html.escape(_image_url(root, options)), alt=html.escape(alt), text=html.escape(text))
        for options, alt, text in _PICTURES
    )
    original = html.escape(f"{root}original?src={_SAMPLE}")
    page = _PAGE.format(root=html.escape(root), style=_STYLE, pictures=pictures, original=original)
    return page.encode("utf-8")


def _image_url(root: str, options: dict[str, str]) -> str:
    return f"{root}image?src={quote(_SAMPLE)}" + "".join(f"&{name}={value}" for name, value in options.items())
