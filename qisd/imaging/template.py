"""Templates: named sets of image options, and the JSON they are kept in."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import Any

import attrs

from qisd.errors import BadParameter
from qisd.imaging import rules, values
from qisd.imaging.rules import Choices
from qisd.imaging.spec import UNIT, Focus, ImageOptions, Position, Tile

_TEXTS = frozenset({"format", "flip", "overlay_pos", "icc_profile", "icc_intent", "colorspace", "overlay_src", "fill"})
_POSITIONS = {"align_h": "lcr", "align_v": "tcb"}
_INTEGERS = frozenset({"page", "quality", "width", "height", "sharpen", "dpi_x", "dpi_y", "expiry_secs"})
UNIT_FIELDS = frozenset({"rotation", "top", "left", "bottom", "right", "overlay_size", "overlay_opacity"})
_BOOLEANS = frozenset({"size_fit", "crop_fit", "icc_bpc", "strip", "attachment", "record_stats"})
FIELDS = _TEXTS | _INTEGERS | UNIT_FIELDS | _BOOLEANS | set(_POSITIONS) | {"focus", "tile"}
"""The names of all fields that a template can have."""

_IGNORED = frozenset({"filename", "template"})
"""Names that older programs put into templates and that never meant anything there."""

_MAX_EXPIRY = 31_536_000


@attrs.frozen(kw_only=True)
class TemplateValues:
    """What a template says; None where it is silent.

    :param expiry_secs: how long clients may keep an image: −1 not at all, 0 nothing is said, else seconds.
    """

    options: ImageOptions = attrs.field(factory=ImageOptions)
    expiry_secs: int | None = None
    attachment: bool | None = None
    record_stats: bool | None = None


@attrs.frozen(kw_only=True)
class TemplateSnapshot:
    """All templates at one moment, by lower-case name; ``names`` are the names as their owners wrote them."""

    templates: Mapping[str, TemplateValues]
    default: TemplateValues
    names: tuple[str, ...] = ()

    @property
    def default_name(self) -> str | None:
        """The name of the default template; None when that isn't valid, and its last good values hold."""
        return next((name for name in self.names if self.templates[name.lower()] is self.default), None)


@attrs.frozen(kw_only=True)
class Vocabulary(Choices):
    """What counts as a valid choice in a URL, and the templates behind the names; keys are lower-case."""

    templates: Mapping[str, TemplateValues]
    default_template: TemplateValues

    def applied(self, name: str | None) -> TemplateValues:
        """The template ``name``, in any case; None is the default template.

        :raises BadParameter: there is none of this name.
        """
        if name is None:
            return self.default_template
        rules.check_choice("tmp", name.lower(), self.templates, listed=False)
        return self.templates[name.lower()]


def parse_template(document: object, choices: Choices) -> TemplateValues:
    """Read and check the JSON of a template: ``{"<field>": {"value": <value or null>}, …}``.

    A missing field, null and the empty text all mean that the template is silent. Of the densities ``dpi_x`` counts.

    :raises BadParameter: names the field that is unknown, of the wrong type, or out of range.
    """
    read = typed_fields(document)
    rules.check_range("expiry_secs", read.get("expiry_secs") or 0, -1, _MAX_EXPIRY)
    rules.check_options(ImageOptions(dpi=read.pop("dpi_y", None)), ["dpi"], choices, names={"dpi": "dpi_y"})
    handling = {name: read.pop(name, None) for name in ("expiry_secs", "attachment", "record_stats")}
    options = ImageOptions(dpi=read.pop("dpi_x", None), **read)
    rules.check_options(options, [field.name for field in attrs.fields(ImageOptions)], choices, names={"dpi": "dpi_x"})
    rules.check_crop_edges(options, names={})
    return TemplateValues(options=options, **handling)


def typed_fields(document: object) -> dict[str, Any]:
    """What the JSON of a template gives, by field and in the program's own types and units; ranges aren't looked at.

    :raises BadParameter: names the field that is unknown or of the wrong type.
    """
    return {field: _read(field, value) for field, value in _given(document).items()}


def stored_form(document: object) -> dict[str, dict[str, object]]:
    """The JSON of a template as it is kept: what it gives and nothing else, each value in its one spelling.

    Texts are in lower case (but for the path of an overlay), fractions and angles have five decimals.

    :raises BadParameter: as :func:`typed_fields`, and for texts that can't be kept.
    """
    return {field: {"value": _stored(field, value)} for field, value in typed_fields(document).items()}


def document_of(template: TemplateValues) -> dict[str, dict[str, object]]:
    """The JSON that a template can be read from again."""
    handling = attrs.asdict(template, recurse=False)
    given = {**attrs.asdict(handling.pop("options"), recurse=False), **handling}
    given["dpi_x"] = given.pop("dpi")
    return {field: {"value": _stored(field, value)} for field, value in given.items() if value is not None}


def _stored(field: str, value: Any) -> object:
    match value:
        case Tile():
            return [value.number, value.grid]
        case Position():
            return f"{value.edge}{values.decimal_text(value.fraction)}"
        case Focus():
            return values.focus_text(value)
        case str() if any(unicodedata.category(character) in ("Cc", "Cs") for character in value):
            raise BadParameter(field, "control characters are not allowed")
    if field in UNIT_FIELDS:
        whole, rest = divmod(value, UNIT)
        return value / UNIT if rest else whole
    return value


def _given(document: object) -> dict[str, object]:
    if not isinstance(document, Mapping):
        raise BadParameter("template", "Bad template dictionary format")
    given: dict[str, object] = {}
    for field, entry in document.items():
        if field in _IGNORED:
            continue
        if field not in FIELDS:
            raise BadParameter("template", f"{values.shown(str(field))} is not the name of a field")
        if not isinstance(entry, Mapping) or "value" not in entry:
            raise BadParameter(field, 'Bad template dictionary format, must be {"value": …}')
        if entry["value"] is not None and entry["value"] != "":
            given[field] = entry["value"]
    return given


def _read(field: str, value: object) -> Any:
    if field in _INTEGERS:
        return _integer(field, value)
    if field in UNIT_FIELDS:
        return _units(field, value)
    if field in _BOOLEANS:
        if not isinstance(value, bool):
            raise BadParameter(field, "must be true or false")
        return value
    if field == "tile":
        if not isinstance(value, list) or len(value) != 2:
            raise BadParameter(field, "invalid format, must be [number, grid]")
        return Tile(number=_integer(field, value[0]), grid=_integer(field, value[1]))
    if not isinstance(value, str):
        raise BadParameter(field, "must be a text")
    if field == "overlay_src":
        return value
    if field == "focus":
        return values.focus(field, value.lower())
    if field in _POSITIONS:
        return values.position(field, value.lower(), edges=_POSITIONS[field])
    return values.without_blanks(value.lower()) if field == "fill" else value.lower()


def _integer(field: str, value: object) -> int:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        raise BadParameter(field, "must be a whole number")
    return value


def _units(field: str, value: object) -> int:
    if not isinstance(value, int | float) or isinstance(value, bool) or value != value:
        raise BadParameter(field, "must be a number")
    bounded = max(-values.HUGE, min(value, values.HUGE))
    return values.decimal_units(field, repr(bounded))
