"""Schemas for the OpenAPI document, of the types that answer and of the forms that are read. Pure functions.

msgspec says what is true of a type. What is true besides of how :mod:`qisd.web.api.reading` reads it is said here: a
form has its fields in a JSON body and, all of them texts, in a query or a form.
"""

from __future__ import annotations

import datetime
import types
import typing
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec
from msgspec import inspect

from qisd.web.api.reading import LARGEST, Form, FormField, form_fields

Schema = dict[str, Any]

_REF = "#/components/schemas/{name}"
_TEXT_MAX = 102_400
_UNIONS = (typing.Union, types.UnionType)
_ABOUT = ("description", "default", "examples")


def ref(name: str) -> Schema:
    """A reference to a component."""
    return {"$ref": _REF.format(name=name)}


class Answers:
    """The schemas of types that are answered, and the components that they refer to."""

    def __init__(self, types: Iterable[Any]) -> None:
        single = {one: None for answer in types for one in _single(answer)}
        schemas, self.components = msgspec.json.schema_components(list(single), ref_template=_REF)
        for component in self.components.values():
            component.pop("title", None)
        self._by_type = dict(zip(single, schemas, strict=True))

    def of(self, answer: Any) -> Schema:
        """The schema of one of the types; of null for None."""
        if answer is None or answer is type(None):
            return {"type": "null"}
        origin, arguments = typing.get_origin(answer), typing.get_args(answer)
        if origin is list:
            return {"type": "array", "items": self.of(arguments[0])}
        if origin is dict:
            return {"type": "object", "additionalProperties": self.of(arguments[1])}
        if origin in _UNIONS:
            return {"anyOf": [self.of(one) for one in arguments]}
        return dict(self._by_type[answer])


def _single(answer: Any) -> Iterator[Any]:
    """The types that ``answer`` is made of: msgspec takes no choice of several objects."""
    if answer is None:
        return
    if typing.get_origin(answer) in (list, dict, *_UNIONS):
        for one in typing.get_args(answer):
            yield from _single(one)
    elif answer is not type(None):
        yield answer


def form_components(forms: Iterable[type[Form]]) -> dict[str, Schema]:
    """What the schemas of the fields of ``forms`` refer to."""
    found: dict[str, Schema] = {}
    for form in forms:
        _, components = msgspec.json.schema_components([form], ref_template=_REF)
        del components[form.__name__]
        found |= components
    return found


def json_schema(form: type[Form], *, changes: bool = False) -> Schema:
    """Of a JSON body.

    :param changes: all may be left out, and stays as it is then.
    """
    required = [field.name for field in form_fields(form) if field.required]
    return _object(form, json_properties(form), [] if changes else required, changes=changes)


def text_schema(form: type[Form], *, changes: bool = False) -> Schema:
    """Of the body of a form; see :func:`json_schema`."""
    required = [field.name for field in form_fields(form) if must_be_given(field)]
    return _object(form, text_properties(form), [] if changes else required, changes=changes)


def must_be_given(field: FormField) -> bool:
    """Whether a query or a form must have this field: a box that is not ticked is not sent at all."""
    return field.required and not isinstance(field.type, inspect.BoolType)


def json_properties(form: type[Form]) -> dict[str, Schema]:
    """The fields of a form in a JSON body."""
    return {field.name: _exact(_said(form)[field.name], field.type, field) for field in form_fields(form)}


def text_properties(form: type[Form]) -> dict[str, Schema]:
    """The fields of a form as texts."""
    return {field.name: _as_text(_said(form)[field.name], field) for field in form_fields(form)}


def as_texts(form: type[Form], values: Mapping[str, Any]) -> dict[str, Any]:
    """JSON values as a form has them: what has parts is JSON text there."""
    schemas = text_properties(form)
    return {
        name: _json_text(value) if "contentMediaType" in schemas.get(name, {}) else value
        for name, value in values.items()
    }


def _said(form: type[Form]) -> Mapping[str, Schema]:
    """What msgspec says of the fields."""
    _, components = msgspec.json.schema_components([form], ref_template=_REF)
    properties: Mapping[str, Schema] = components[form.__name__]["properties"]
    return properties


def _object(form: type[Form], properties: dict[str, Schema], required: list[str], *, changes: bool) -> Schema:
    if changes:
        for schema in properties.values():
            schema.pop("default", None)
    made: Schema = {"type": "object", "properties": properties}
    if form.__doc__:
        made["description"] = form.__doc__
    if required:
        made["required"] = required
    return made


def _exact(schema: Schema, kind: inspect.Type, field: FormField) -> Schema:
    """``schema`` with what the reader looks at besides."""
    if isinstance(kind, inspect.UnionType):
        value, *others = schema["anyOf"]
        return {**schema, "anyOf": [_exact(value, _not_null(kind), field), *others]}
    if isinstance(kind, inspect.IntType):
        return {"minimum": -LARGEST, "maximum": LARGEST, **schema, "format": "int64"}
    if isinstance(kind, inspect.FloatType):
        return {"minimum": -LARGEST, "maximum": LARGEST, **schema}
    if isinstance(kind, inspect.DateTimeType):
        return {**schema, "format": "date-time"}
    if isinstance(kind, inspect.DictType):
        about = {name: schema[name] for name in _ABOUT if name in schema}
        inner = {name: value for name, value in schema.items() if name not in about}
        return {"anyOf": [inner, {"type": "array", "maxItems": 0}], **about}
    if isinstance(kind, inspect.StrType) and field.extra.get("trim") and kind.min_length and "pattern" not in schema:
        return {**schema, "pattern": r"\S"}
    return schema


def _as_text(schema: Schema, field: FormField) -> Schema:
    schema = _without_null(dict(schema))
    kind = _not_null(field.type)
    about = {name: schema[name] for name in _ABOUT if name in schema}
    if isinstance(kind, inspect.BoolType):
        # Whatever is not one of the words for yes is no.
        return {"anyOf": [{"type": "boolean"}, {"type": "string"}], "default": False, **about}
    if _takes_blank(kind, field):
        exact = _exact({name: value for name, value in schema.items() if name not in about}, kind, field)
        return {"anyOf": [exact, {"type": "string", "maxLength": 0}], **about}
    if not isinstance(kind, _TEXTUAL):
        least, most = field.extra.get("json_text", (0, _TEXT_MAX))
        inner = {name: value for name, value in schema.items() if name not in about}
        text: Schema = {"type": "string", "contentMediaType": "application/json", "minLength": least, "maxLength": most}
        if "default" in about:
            about["default"] = _json_text(about["default"])
        if "examples" in about:
            about["examples"] = [_json_text(example) for example in about["examples"]]
        return {**text, **({"contentSchema": inner} if inner else {}), **about}
    return _exact(schema, kind, field)


_TEXTUAL = (
    inspect.StrType
    | inspect.IntType
    | inspect.FloatType
    | inspect.LiteralType
    | inspect.DateType
    | inspect.DateTimeType
)


def _takes_blank(kind: inspect.Type, field: FormField) -> bool:
    """Whether a text without anything in it is read: as 0, or as if it weren't there."""
    if field.extra.get("blank_absent"):
        return not field.required
    if isinstance(kind, inspect.LiteralType):
        return 0 in kind.values
    return isinstance(kind, inspect.IntType) and (kind.ge is None or kind.ge <= 0) and (kind.le is None or kind.le >= 0)


def _not_null(kind: inspect.Type) -> inspect.Type:
    if isinstance(kind, inspect.UnionType):
        return next(one for one in kind.types if not isinstance(one, inspect.NoneType))
    return kind


def _without_null(schema: Schema) -> Schema:
    if "anyOf" in schema:
        (value,) = (one for one in schema.pop("anyOf") if one != {"type": "null"})
        schema = {**value, **schema}
    if schema.get("default", "") is None:
        del schema["default"]
    return schema


def _json_text(value: Any) -> str:
    return msgspec.json.encode(msgspec.to_builtins(value, builtin_types=(datetime.date,))).decode("utf-8")
