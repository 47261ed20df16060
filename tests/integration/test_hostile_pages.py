"""Every page of the console, asked for with whatever people, and programs, put into an address."""

from __future__ import annotations

import http.client
import inspect
import itertools
import re
from collections.abc import Iterator, Sequence
from html.parser import HTMLParser
from types import MappingProxyType
from urllib.parse import quote

from twisted.internet.threads import deferToThread

from tests.integration.api import ApiCase

MARKUP = "\"'><x7 onfocus=x7>"
PLAIN = MappingProxyType({"src": "/press/a.png", "path": "/press"})
"""What a page gets in the parameters that aren't tried."""

HOSTILE = (
    *map(quote, (MARKUP, "</script><x7>", "javascript:x7()", "//x7.example/a", "\\\\x7.example", "/\\x7.example/")),
    *("../../etc/passwd", "%", "%00", "%ff%fe", "%ed%a0%80", "%zz", "%0d%0ax7:%20a", "%e2%80%ae", "+", "/", "[]"),
    *("{%22a%22:1}", "a" * 3000, "-1", "0", "99999999999999999999", "1e309", "nan", "%d9%a1", "0000-00-00"),
    *("9999-12-31", "now", "true"),
)
ELSEWHERE = re.compile(r"\s*javascript:|//x7|\\\\x7|/\\x7", re.IGNORECASE)
"""Where no link may lead."""

_OTHERS = itertools.cycle(HOSTILE)

NAMES = re.compile(r"""quer(?:y|ies)(?:\.get\(|\[)"(\w+)"|"(\w+)" in call\.query""")


class _Markup(HTMLParser):
    """What of a page came out of an address as more than text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "x7":
            self.found.append(tag)
        for name, value in attrs:
            leads = name in ("href", "src", "action", "formaction") and ELSEWHERE.match(value or "")
            if leads or name == "onfocus":
                self.found.append(f"{tag} {name}={value}")


class HostilePageTests(ApiCase):
    settings = MappingProxyType({"demo_image_path": "/press/a.png"})
    timeout = 300

    async def setUp(self) -> None:
        await super().setUp()
        self.paint("press/a.png")
        self.cookie, _ = await self.session_of(1)

    async def test_whatever_stands_in_an_address_is_refused_or_shown_as_text(self) -> None:
        self.assertTrue(_Markup(f'<a href="{MARKUP}">').found)
        routes = self.domain.rooms().console
        assert routes is not None
        targets = []
        for declared, handler in routes.addresses:
            if not declared.post:
                targets += list(_targets(declared.path, _names(handler)))
        self.assertGreater(len(targets), 300)
        faults = await deferToThread(self.ask, targets)
        self.assertEqual(faults, [])

    def ask(self, targets: Sequence[str]) -> list[str]:
        """In a thread: what is wrong with the answers."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        found = []
        for target in targets:
            connection.request("GET", target, headers={"Cookie": f"session={self.cookie}", "Accept": "text/html"})
            answer = connection.getresponse()
            text = answer.read().decode("utf-8")
            fault = _fault(answer, text)
            if fault:
                found.append(f"{target[:200]}: {fault}")
        connection.close()
        return found


def _names(handler: object) -> list[str]:
    """The parameters that are read where a page is made."""
    module = inspect.getmodule(handler)
    assert module is not None
    read = {one or other for one, other in NAMES.findall(inspect.getsource(module))}
    return sorted({*read, *PLAIN, "embed", "onClose"})


def _targets(path: str, names: Sequence[str]) -> Iterator[str]:
    """A page with hostile values for all that it takes, and for each; parts of its path too."""
    parts = re.findall(r"<[^>]+>", path)
    known = re.sub(r"<[^>]+>", "1", path)
    yield from (f"{known}?" + "&".join(f"{name}={value}" for name in names) for value in _next(4))
    for name in names:
        plain = "".join(f"&{one}={value}" for one, value in PLAIN.items() if one != name)
        yield from (f"{known}?{name}={value}{plain}" for value in _next(2))
        yield f"{known}?{name}&{name}[]=1&{name}=a&{name}=b{plain}"
    for part in parts:
        yield from (path.replace(part, value.replace("/", "%2F"), 1) for value in _next(6))


def _next(count: int) -> list[str]:
    """Markup, and a few of the others, each time the next ones: all pages together get them all."""
    return [quote(MARKUP), *itertools.islice(_OTHERS, count - 1)]


def _fault(answer: http.client.HTTPResponse, text: str) -> str:
    if answer.status >= 500:
        return f"{answer.status}: {text[:200]}"
    if "x7" in (name.lower() for name, _ in answer.getheaders()):
        return "a header of the client's own"
    target = answer.headers["Location"] or "/"
    if not re.match(r"/(?![/\\])|https?://127\.0\.0\.1[:/]", target):
        return f"leads to {target[:100]}"
    return ", ".join(_Markup(text).found)
