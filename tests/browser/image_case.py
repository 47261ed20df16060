"""Tests of pages about images: a folder of three lamps for each."""

from __future__ import annotations

import itertools
import os
import shutil
from typing import Any
from urllib.parse import quote

from tests.browser.case import BrowserCase

_numbers = itertools.count(1)


class ImageCase(BrowserCase):
    """:ivar folder: of this test alone, with ``a.jpg``, ``b.jpg`` and ``c.jpg``. ``src`` is the path of ``b.jpg``."""

    def setUp(self) -> None:
        super().setUp()
        self.folder = f"/lamps-{next(_numbers)}"
        place = self.daemon.images / self.folder[1:]
        place.mkdir()
        for name, source in (("a", "a/b.jpg"), ("b", "meta.jpg"), ("c", "foo.jpg")):
            shutil.copy(self.daemon.images / source, place / f"{name}.jpg")
        owner = self.daemon.images.stat()
        for path in (place, *place.iterdir()):
            os.chown(path, owner.st_uid, owner.st_gid)
        self.src = f"{self.folder}/b.jpg"

    def show(self, name: str = "b.jpg", as_user: str = "admin") -> None:
        self.open(f"/details/?src={quote(f'{self.folder}/{name}')}", as_user=as_user)
        self.find("[role=tablist]")

    def image(self, name: str = "b.jpg") -> Any:
        """What the API says of an image."""
        return self.api("GET", f"details/?src={quote(f'{self.folder}/{name}')}")

    def permit(self, access: int) -> None:
        """Let those who log in do this much in the folder."""
        folder = self.image()["folder_id"]
        self.api("POST", "admin/permissions/", {"group_id": 2, "folder_id": folder, "access": access})

    def toast(self, text: str) -> None:
        self.wait_text(text, "#toasts")

    def more(self, label: str) -> None:
        """Choose from the menu of further deeds."""
        self.find("#more").click()
        self.button(label).click()
