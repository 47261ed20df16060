from __future__ import annotations

import attrs
from twisted.trial.unittest import SynchronousTestCase

from qisd.web.console.targets import safe_target


@attrs.frozen
class Asked:
    """As much of a request as matters here."""

    root: str

    @property
    def site(self) -> Asked:
        return self


class TargetTests(SynchronousTestCase):
    def target(self, wanted: str | None, root: str = "/") -> str:
        return safe_target(Asked(root), wanted)  # type: ignore[arg-type]

    def test_addresses_of_this_server_are_kept_with_all_they_have(self) -> None:
        for wanted in ("/", "/list/?path=/a%26b&x=1#c", "/details/?src=a+b.jpg"):
            self.assertEqual(self.target(wanted), wanted)
        self.assertEqual(self.target("/list/?path=/a b ü"), "/list/?path=/a%20b%20%C3%BC")

    def test_all_others_lead_to_the_images(self) -> None:
        foreign = ("https://evil.example/", "//evil.example", "/\\evil", "javascript:1", "\t//x", "/a\r\nX: y")
        for wanted in (None, "", *foreign):
            self.assertEqual(self.target(wanted), "/list/", wanted)
            self.assertEqual(self.target(wanted, "/qis/"), "/qis/list/", wanted)
