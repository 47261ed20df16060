from __future__ import annotations

import attrs
from twisted.trial.unittest import SynchronousTestCase

from qisd.web.console.targets import origin_of, safe_target


@attrs.frozen
class Asked:
    """As much of a request as matters here."""

    root: str = "/"
    login_next_origins: tuple[str, ...] = ()

    @property
    def site(self) -> Asked:
        return self

    @property
    def settings(self) -> Asked:
        return self


class TargetTests(SynchronousTestCase):
    FOREIGN = ("https://evil.example/", "//evil.example", "/\\evil", "javascript:1", "\t//x", "/a\r\nX: y")

    def target(self, wanted: str | None, *origins: str, root: str = "/") -> str:
        return safe_target(Asked(root, origins), wanted)  # type: ignore[arg-type]

    def test_addresses_of_this_server_are_kept_with_all_they_have(self) -> None:
        for wanted in ("/", "/list/?path=/a%26b&x=1#c", "/details/?src=a+b.jpg"):
            self.assertEqual(self.target(wanted), wanted)
        self.assertEqual(self.target("/list/?path=/a b ü"), "/list/?path=/a%20b%20%C3%BC")

    def test_all_others_lead_to_the_images(self) -> None:
        for wanted in (None, "", *self.FOREIGN):
            self.assertEqual(self.target(wanted), "/list/", wanted)
            self.assertEqual(self.target(wanted, root="/qis/"), "/qis/list/", wanted)

    def test_a_site_that_was_named_for_it_is_as_good_as_this_one(self) -> None:
        named = "https://your.app"
        for wanted in ("https://your.app", "https://your.app/", "HTTPS://Your.App/in?a=b", "https://your.app?x"):
            self.assertEqual(self.target(wanted, named), wanted)
        for wanted in (
            "https://your.app.evil.example/",
            "https://your.app@evil.example/",
            "https://your.app:8443/",
            "http://your.app/",
            "https://evil.example/https://your.app/",
            *self.FOREIGN,
        ):
            self.assertEqual(self.target(wanted, named), "/list/", wanted)

    def test_it_is_known_which_site_that_is(self) -> None:
        for target, origin in (("/list/", ""), ("https://Your.App/x", "https://your.app"), ("//x", "")):
            self.assertEqual(origin_of(target), origin)
