"""From the parameters of a request to a typed value.

A request model is a :class:`Form`: its annotations say the types and ranges. The same names are read from a query
string, from a form or from a JSON object. Texts of forms are read as old clients send them (a blank number is 0, a word
that does not mean yes means no); JSON has types of its own, and they must be right.

What annotations can't say stands in ``Meta(extra=…)``:

- ``trim``: blanks around a text don't count;
- ``blank_absent``: a blank number counts as not given;
- ``json_text``: (least, most) characters of the JSON text that a form field holds.
"""

from __future__ import annotations

import datetime
import functools
import re
from collections.abc import Callable, Mapping, Sized
from typing import Any, TypeVar

import attrs
import msgspec
from msgspec import NODEFAULT, inspect

from qisd.errors import BadParameter, MissingParameter
from qisd.web.json_text import parse_value

LARGEST = 2**63 - 1
"""The largest whole number that is read; the smallest is its opposite."""

TEXT_MAX = 102_400
"""The longest text, in characters, where no other length is said."""

# Neither PostgreSQL nor UTF-8 knows these.
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
_INTEGER = re.compile(r"[+-]?[0-9]{1,30}")
_TRUE = frozenset({"1", "t", "y", "true", "yes"})
_TEXT_DATE = 10
_TEXT_SECONDS = 19
_SHOWN = 30


class Form(msgspec.Struct, kw_only=True):
    """Base of all request models. A field without default is mandatory; a bool only in JSON, as in HTML forms."""


F = TypeVar("F", bound=Form)


@attrs.frozen
class FormField:
    """What is known of a field.

    :param name: of the parameter; ``attribute`` is that of the model.
    :param type: without ``Annotated``; a union only for what may be null as well.
    :param extra: see above.
    """

    name: str
    attribute: str
    type: inspect.Type
    required: bool
    default: Callable[[], Any]
    extra: Mapping[str, Any]


def read_texts(model: type[F], given: Mapping[str, str], *, base: Mapping[str, Any] | None = None) -> F:
    """``given``, as it came in a query string or a form, as a ``model``.

    :param base: values of fields that are not given (for PATCH), instead of defaults.
    :raises BadParameter: names the parameter, and says what is allowed.
    """
    return _read(model, given, _from_text, base=base, texts=True)


def read_json(model: type[F], given: Mapping[str, Any], *, base: Mapping[str, Any] | None = None) -> F:
    """``given``, a JSON object, as a ``model``. See :func:`read_texts`."""
    return _read(model, given, _from_json, base=base, texts=False)


def _read(
    model: type[F],
    given: Mapping[str, Any],
    convert: Callable[[FormField, inspect.Type, Any], Any],
    *,
    base: Mapping[str, Any] | None,
    texts: bool,
) -> F:
    values: dict[str, Any] = {}
    faults: list[BadParameter] = []
    for field in form_fields(model):
        try:
            if _given(field, given, texts=texts):
                value = given[field.name]
                values[field.attribute] = convert(field, _without_none(field.type, value), value)
            elif base is not None and field.name in base:
                values[field.attribute] = base[field.name]
            elif not field.required:
                values[field.attribute] = field.default()
            elif texts and isinstance(field.type, inspect.BoolType):
                values[field.attribute] = False
            else:
                raise MissingParameter(field.name)
        except BadParameter as fault:
            faults.append(fault)
    if faults:
        faults[0].faults = tuple((fault.parameter or "", fault.reason) for fault in faults)
        raise faults[0]
    return model(**values)


def _given(field: FormField, given: Mapping[str, Any], *, texts: bool) -> bool:
    if field.name not in given:
        return False
    return not (texts and field.extra.get("blank_absent") and not given[field.name].strip())


@functools.cache
def form_fields(model: type[Form]) -> tuple[FormField, ...]:
    """The fields of a model in their order."""
    described = inspect.type_info(model)
    assert isinstance(described, inspect.StructType)  # noqa: S101 - a Form is one
    return tuple(_field(field) for field in described.fields)


def _field(field: inspect.Field) -> FormField:
    kind, extra = _unwrapped(field.type)
    if field.default_factory is not NODEFAULT:
        default = field.default_factory
    else:
        default = functools.partial(_same, field.default)
    return FormField(
        name=field.encode_name,
        attribute=field.name,
        type=kind,
        required=field.required,
        default=default,
        extra=extra,
    )


def _same(value: Any) -> Any:
    return value


def _unwrapped(kind: inspect.Type) -> tuple[inspect.Type, dict[str, Any]]:
    extra: dict[str, Any] = {}
    while True:
        if isinstance(kind, inspect.Metadata):
            extra.update(kind.extra or {})
            kind = kind.type
        elif isinstance(kind, inspect.UnionType):
            members = [one for one in kind.types if not isinstance(one, inspect.NoneType)]
            if len(members) != 1:
                return kind, extra
            inner, more = _unwrapped(members[0])
            extra.update(more)
            if len(members) == len(kind.types):
                return inner, extra
            return inspect.UnionType(types=(inner, inspect.NoneType())), extra
        else:
            return kind, extra


def _without_none(kind: inspect.Type, value: Any) -> inspect.Type:
    if isinstance(kind, inspect.UnionType):
        wanted = [one for one in kind.types if isinstance(one, inspect.NoneType) == (value is None)]
        return wanted[0] if wanted else kind.types[0]
    return kind


# Texts


def _from_text(field: FormField, kind: inspect.Type, text: str) -> Any:
    name = field.name
    if isinstance(kind, inspect.StrType):
        return _text(field, kind, text)
    if isinstance(kind, inspect.IntType):
        return _in_range(name, kind, _integer(name, text))
    if isinstance(kind, inspect.BoolType):
        return truth(text)
    if isinstance(kind, inspect.FloatType):
        return _in_range(name, kind, _number(name, text))
    if isinstance(kind, inspect.LiteralType):
        return _choice_of_text(name, kind, text)
    if isinstance(kind, inspect.DateType):
        return _date(name, text)
    if isinstance(kind, inspect.DateTimeType):
        return _date_time(name, text)
    return _from_json(field, kind, _json_of_text(field, text))


def truth(text: str) -> bool:
    """What a text means where yes or no is asked for; whatever does not mean yes means no."""
    return text.strip().lower() in _TRUE


def _text(field: FormField, kind: inspect.StrType, text: str) -> str:
    if field.extra.get("trim"):
        text = text.strip()
    if kind.min_length is not None and len(text) < kind.min_length:
        raise BadParameter(field.name, f"Value is too short (min {kind.min_length})")
    longest = TEXT_MAX if kind.max_length is None else kind.max_length
    if len(text) > longest:
        raise BadParameter(field.name, f"Value is too long (max {longest})")
    if _UNSTORABLE.search(text):
        raise BadParameter(field.name, "NUL characters and lone surrogates are not allowed")
    if kind.pattern is not None and re.search(kind.pattern, text) is None:
        raise BadParameter(field.name, "has characters that are not allowed there")
    return text


def _integer(name: str, text: str) -> int:
    stripped = text.strip(" \t\r\n")
    if not stripped:
        return 0
    if _INTEGER.fullmatch(stripped) is None:
        raise BadParameter(name, "must be a whole number")
    return int(stripped)


def _number(name: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if value != value or abs(value) == float("inf") or "_" in text or not text.isascii():
        raise BadParameter(name, "must be a number")
    return value


def _in_range(name: str, kind: inspect.IntType | inspect.FloatType, value: float) -> Any:
    least = kind.ge if kind.ge is not None else -LARGEST
    most = kind.le if kind.le is not None else LARGEST
    if not least <= value <= most:
        raise BadParameter(name, f"{str(value)[:_SHOWN]} is out of range{_range_text(kind)}")
    return value


def _range_text(kind: inspect.IntType | inspect.FloatType) -> str:
    if kind.ge is not None and kind.le is not None:
        return f" ({kind.ge} to {kind.le})"
    if kind.ge is not None:
        return f" (min {kind.ge})"
    return f" (max {kind.le if kind.le is not None else LARGEST})"


def _choice_of_text(name: str, kind: inspect.LiteralType, text: str) -> Any:
    if all(isinstance(one, int) for one in kind.values):
        return _choice(name, kind, _integer(name, text))
    return _choice(name, kind, {str(one): one for one in kind.values}.get(text, text))


def _choice(name: str, kind: inspect.LiteralType, value: Any) -> Any:
    for one in kind.values:
        if type(one) is type(value) and one == value:  # True is no 1
            return one
    raise BadParameter(name, f"Value is not one of: {', '.join(map(str, kind.values))}")


def _date(name: str, text: str) -> datetime.date:
    try:
        return datetime.date.fromisoformat(text.strip()[:_TEXT_DATE])
    except ValueError:
        raise BadParameter(name, "must be a date, yyyy-mm-dd") from None


def _date_time(name: str, text: str) -> datetime.datetime:
    """In UTC. A date alone is its midnight."""
    text = text.strip()
    try:
        read = datetime.datetime.fromisoformat(text)
    except ValueError:
        try:  # what follows the seconds never mattered
            read = datetime.datetime.fromisoformat(text[:_TEXT_SECONDS])
        except ValueError:
            raise BadParameter(name, "must be a date or a time, yyyy-mm-ddThh:mm:ss") from None
    if read.tzinfo is None:
        return read.replace(tzinfo=datetime.UTC)
    try:
        return read.astimezone(datetime.UTC)
    except OverflowError:
        raise BadParameter(name, "is out of range") from None


def _json_of_text(field: FormField, text: str) -> Any:
    least, most = field.extra.get("json_text", (0, 102400))
    if len(text) < least:
        raise BadParameter(field.name, f"Value is too short (min {least})")
    if len(text) > most:
        raise BadParameter(field.name, f"Value is too long (max {most})")
    return parse_value(text, parameter=field.name)


# JSON


def _from_json(field: FormField, kind: inspect.Type, value: Any) -> Any:
    for of, reader in _JSON_READERS:
        if isinstance(kind, of):
            return reader(field, kind, value)
    raise AssertionError(f"the type of {field.name} has no reader")


def _json_integer(field: FormField, kind: Any, value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():  # there is one kind of numbers in JSON
        value = int(value)
    return _in_range(field.name, kind, _of_type(field.name, value, int, "a whole number"))


def _json_number(field: FormField, kind: Any, value: Any) -> float:
    number = None if isinstance(value, bool) else value
    return float(_in_range(field.name, kind, _of_type(field.name, number, int | float, "a number")))


def _json_object(field: FormField, kind: Any, value: Any) -> Any:
    # An empty list is what some languages write for an empty table.
    return _of_type(field.name, {} if value == [] else value, dict, "an object")


def _json_list(field: FormField, kind: Any, value: Any) -> list[Any]:
    items = _of_type(field.name, value, list, "a list")
    _check_count(field.name, kind, items)
    inner, extra = _unwrapped(kind.item_type)
    of_item = attrs.evolve(field, extra=extra)
    return [_from_json(of_item, _without_none(inner, item), item) for item in items]


def _json_struct(field: FormField, kind: Any, value: Any) -> Any:
    return read_json(kind.cls, _of_type(field.name, value, dict, "an object"))


_JSON_READERS: tuple[tuple[Any, Callable[[FormField, Any, Any], Any]], ...] = (
    (inspect.NoneType | inspect.AnyType, lambda field, kind, value: value),
    (inspect.StrType, lambda field, kind, value: _text(field, kind, _of_type(field.name, value, str, "a text"))),
    (inspect.BoolType, lambda field, kind, value: _of_type(field.name, value, bool, "true or false")),
    (inspect.IntType, _json_integer),
    (inspect.FloatType, _json_number),
    (inspect.LiteralType, lambda field, kind, value: _choice(field.name, kind, value)),
    (inspect.DateType, lambda field, kind, value: _date(field.name, _of_type(field.name, value, str, "a date"))),
    (
        inspect.DateTimeType,
        lambda field, kind, value: _date_time(field.name, _of_type(field.name, value, str, "a time")),
    ),
    (inspect.DictType, _json_object),
    (inspect.ListType, _json_list),
    (inspect.StructType, _json_struct),
)


def _of_type(name: str, value: Any, wanted: Any, words: str) -> Any:
    if not isinstance(value, wanted) or (wanted is int and isinstance(value, bool)):
        raise BadParameter(name, f"must be {words}")
    return value


def _check_count(name: str, kind: inspect.ListType, items: Sized) -> None:
    if kind.min_length is not None and len(items) < kind.min_length:
        raise BadParameter(name, f"has too few entries (min {kind.min_length})")
    if kind.max_length is not None and len(items) > kind.max_length:
        raise BadParameter(name, f"has too many entries (max {kind.max_length})")
