"""The pages that no other test looks at, in a library in use: each is right for everybody."""

from __future__ import annotations

import functools

from tests.browser.case import BrowserCase
from tests.browser.furnished import PAGES, SETTINGS, Furnished
from tests.integration.live import Daemon

NAMES = frozenset(
    {
        *("folder-closed", "folder-forms", "folder-picker", "search-nothing", "image-reader", "image-rename"),
        *("image-delete", "upload-complete", "trash", "portfolio-edit", "portfolio-publish", "all-portfolios"),
        *("reports", "administration", "user-new", "trace", "maintenance", "playground"),
    }
)
"""Of all others there are tests that look at them."""

LOOKS = (("light", 320), ("dark", 1440))
"""Each page is seen in one of them: all of them in all looks take minutes."""


class OtherPagesTests(BrowserCase):
    settings = SETTINGS

    def test_they_keep_nobody_out_fit_and_complain_of_nothing(self) -> None:
        self.allow("status of 403")
        furnished = _furnished(self.daemon)
        for number, sight in enumerate(sight for sight in PAGES if sight.name in NAMES):
            self.driver.forget(self.root)
            theme, width = LOOKS[number % len(LOOKS)]
            self.theme(theme)
            self.width(width)
            self.open(furnished.address(sight), as_user=sight.user)
            self.wait(lambda css=sight.css: self.find(css).is_displayed(), sight.name)
            self.assert_fits()
            self.axe()
            self.assertEqual(self.console_errors(), [], sight.name)


@functools.cache
def _furnished(daemon: Daemon) -> Furnished:
    return Furnished(daemon)
