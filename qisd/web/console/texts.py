"""The texts of the pages: catalogues of one language and one area each, files in ``admin/texts``.

A text has its values in braces; one that depends on a number has a form for each plural of the language.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import attrs

Text = str | Mapping[str, str]
Catalogue = Mapping[str, Text]

COMMON = "common"
_FIRST = "en"


@attrs.frozen
class Texts:
    """The texts of one page in one language."""

    catalogue: Catalogue

    def __call__(self, key: str, **values: object) -> str:
        """The text of ``key``, with ``values`` in their places; the number that decides about its form is ``n``.

        :raises KeyError: there is none.
        """
        text = self.catalogue[key]
        if not isinstance(text, str):
            text = text["one" if values.get("n") == 1 and "one" in text else "other"]
        for name, value in values.items():
            text = text.replace(f"{{{name}}}", str(value))
        return text


class Catalogues:
    """All texts in all languages, read once.

    :param folder: has a folder for each language. What one lacks is in English.
    """

    def __init__(self, folder: Path) -> None:
        self._areas = {
            language.name: {path.stem: _read(path) for path in sorted(language.glob("*.json"))}
            for language in sorted(folder.iterdir())
            if language.is_dir()
        }

    @property
    def languages(self) -> Sequence[str]:
        return list(self._areas)

    def areas(self, language: str) -> Sequence[str]:
        """The names of the catalogues of a language."""
        return list(self._areas[language])

    def of(self, language: str, area: str) -> Texts:
        """The common texts and those of ``area``."""
        found: dict[str, Text] = {}
        for tongue in (_FIRST, language):
            for name in (COMMON, area):
                found.update(self._areas[tongue].get(name, {}))
        return Texts(found)


def _read(path: Path) -> Catalogue:
    catalogue: Catalogue = json.loads(path.read_text(encoding="utf-8"))
    return catalogue
