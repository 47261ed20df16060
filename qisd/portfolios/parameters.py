"""Image options of portfolios: of one image, or of everything in a zip."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import attrs

from qisd.access.levels import Level
from qisd.access.visitor import Visitor
from qisd.errors import BadParameter
from qisd.imaging.template import TemplateSnapshot, TemplateValues, stored_form
from qisd.imaging.values import shown
from qisd.repository import paths
from qisd.store.images import folder_of

PARAMETER = "image_parameters"

_TEMPLATE = "template"
_FORBIDDEN = "filename"
"""It would name another source."""


@attrs.frozen(kw_only=True)
class ParameterRules:
    """Reads and checks image options in the form of a template.

    :param parse: checks such a document; raises :class:`~qisd.errors.BadParameter`.
    :param templates: gives the templates as they are now.
    :param spelling: a path as the disk spells it, which may be in another Unicode form than it is asked for in.
    """

    parse: Callable[[object], TemplateValues]
    templates: Callable[[], TemplateSnapshot]
    spelling: Callable[[str], Awaitable[str]]

    async def stored(self, document: object, visitor: Visitor) -> dict[str, Any]:
        """What is to be kept of a document that ``visitor`` gives: what is given in it, in its one spelling.

        A list without entries counts as an empty document.

        :raises BadParameter: something in it is unknown, out of range, or not allowed.
        :raises Forbidden: the visitor may not see the overlay.
        """
        if document == []:
            document = {}
        if not isinstance(document, Mapping):
            raise BadParameter(PARAMETER, "must be an object")
        if _FORBIDDEN in document:
            raise BadParameter(PARAMETER, f"'{_FORBIDDEN}' is not allowed here")
        try:
            self.parse(document)
        except BadParameter as error:
            # Of the document as a whole it speaks by the name that it has elsewhere.
            if error.parameter == "template":
                raise BadParameter(PARAMETER, error.reason) from error
            raise
        kept: dict[str, Any] = stored_form(document)
        template = _template_of(document)
        if template is not None:
            if template not in self.templates().templates:
                raise BadParameter(_TEMPLATE, f"{shown(template)} is not a valid choice")
            kept[_TEMPLATE] = {"value": template}
        overlay = kept.get("overlay_src")
        if overlay is not None:
            path = paths.normalise(overlay["value"], parameter="overlay_src")
            visitor.require(Level.VIEW, folder_of(path))
            spelled = await self.spelling(path)
            if spelled != path:
                visitor.require(Level.VIEW, folder_of(spelled))
                kept["overlay_src"] = {"value": spelled}
        return kept


def _template_of(document: Mapping[str, Any]) -> str | None:
    """The name of the template in lower case.

    :raises BadParameter: it is no name.
    """
    if _TEMPLATE not in document:
        return None
    entry = document[_TEMPLATE]
    if not isinstance(entry, Mapping) or "value" not in entry:
        raise BadParameter(_TEMPLATE, 'Bad template dictionary format, must be {"value": …}')
    name = entry["value"]
    if name is None or name == "":
        return None
    if not isinstance(name, str):
        raise BadParameter(_TEMPLATE, "must be a text")
    return name.lower()
