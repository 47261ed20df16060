"""The OpenAPI 3.1 document of the API, made from the declarations of its endpoints. Pure functions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

import attrs

from qisd.access.levels import Flag
from qisd.web.api import openapi_parts as parts
from qisd.web.api.endpoint import WORD, Endpoint
from qisd.web.api.models import ErrorEnvelope, TaskObject
from qisd.web.api.openapi_schemas import (
    Answers,
    Schema,
    as_texts,
    form_components,
    json_schema,
    must_be_given,
    ref,
    text_properties,
    text_schema,
)
from qisd.web.api.paging import PagingForm
from qisd.web.api.reading import Form, form_fields

_PART = re.compile(r"<(?:(?P<kind>\w+):)?(?P<name>\w+)>")
_WRITES = ("POST", "PUT", "PATCH")

_PER_FILE = frozenset({400, 403, 404, 409, 415, 500})
"""What may be wrong with one file of several; the others are in the answer too."""

_FORM_TYPES = ("application/x-www-form-urlencoded", "multipart/form-data")


def document(endpoints: Sequence[Endpoint], *, version: str, server_url: str) -> dict[str, Any]:
    """The document of ``endpoints``.

    :param version: what ``info`` says.
    :param server_url: where the API is, relative to the server.
    """
    endpoints = list(_spelt_out(endpoints))
    names = _form_names(endpoints)
    answers = Answers([*_answer_types(endpoints), ErrorEnvelope])
    paths: dict[str, dict[str, Any]] = {}
    for method, declared in _operations(endpoints):
        operation = _operation(method, declared, names=names, answers=answers, twin=_twin(declared, endpoints))
        paths.setdefault(_template(declared.path), {})[method.lower()] = operation
    bodies = [one for one in endpoints if one.form is not None and one.method in _WRITES]
    schemas = {
        **answers.components,
        **form_components({one.form for one in bodies if one.form is not None}),
        **_form_schemas(endpoints, names),
        "Problem": parts.PROBLEM,
    }
    return {
        "openapi": "3.1.0",
        "info": {**parts.INFO, "version": version},
        "servers": [{"url": server_url}],
        "tags": [{"name": tag} for tag in dict.fromkeys(one.tag for one in endpoints)],
        "paths": paths,
        "components": {
            "schemas": dict(sorted(schemas.items())),
            "responses": parts.ERROR_RESPONSES,
            "parameters": parts.PARAMETERS,
            "headers": parts.HEADERS,
            "securitySchemes": parts.SECURITY_SCHEMES,
        },
    }


def operation_id(method: str, path: str) -> str:
    """A name for programs, such as ``put_admin_users_by_id``."""
    words = [_PART.sub(r"by_\g<name>", segment) for segment in path.strip("/").split("/")]
    return re.sub(r"\W", "_", "_".join([method.lower(), *words]))


def _spelt_out(endpoints: Iterable[Endpoint]) -> Iterable[Endpoint]:
    """``endpoints``, with one for each of the choices that an address has."""
    for one in endpoints:
        if not one.choices:
            yield one
        for value, text in one.choices.items():
            yield attrs.evolve(one, path=_PART.sub(value, one.path), summary=text, choices={})


def _answer_types(endpoints: Iterable[Endpoint]) -> list[Any]:
    found: list[Any] = [TaskObject]
    for one in endpoints:
        found.append(one.answer)
        if not isinstance(one.accepted, bool):
            found.append(one.accepted)
    return found


def _operations(endpoints: Iterable[Endpoint]) -> Iterable[tuple[str, Endpoint]]:
    """Each method at each address; PATCH comes with PUT where that has a GET beside it."""
    endpoints = list(endpoints)
    for one in endpoints:
        yield one.method, one
        if one.method == "PUT" and one.patch and _twin(one, endpoints) is not None:
            yield "PATCH", one


def _twin(declared: Endpoint, endpoints: Iterable[Endpoint]) -> Endpoint | None:
    """The GET that shows what an endpoint is about."""
    path = declared.state or declared.path
    return next((one for one in endpoints if one.method == "GET" and one.path == path), None)


def _form_names(endpoints: Sequence[Endpoint]) -> dict[type[Form], str]:
    """The names of the forms of bodies; two of one name get that of their module in front."""
    forms = list(dict.fromkeys(one.form for one in endpoints if one.form is not None and one.method in _WRITES))
    taken = [form.__name__ for form in forms]
    return {
        form: form.__name__
        if taken.count(form.__name__) == 1
        else f"{form.__module__.rpartition('.')[2].title()}{form.__name__}"
        for form in forms
    }


def _form_schemas(endpoints: Sequence[Endpoint], names: dict[type[Form], str]) -> dict[str, Schema]:
    found: dict[str, Schema] = {}
    for method, one in _operations(endpoints):
        if one.form in names:
            changes = method == "PATCH"
            json_name, text_name = _body_names(names[one.form], changes=changes)
            if not one.files:
                found[json_name] = json_schema(one.form, changes=changes)
            found[text_name] = text_schema(one.form, changes=changes)
            if one.files:
                parts.add_files(found[text_name])
    return found


def _body_names(name: str, *, changes: bool) -> tuple[str, str]:
    """What the JSON object and the form are called."""
    name = f"{name.removesuffix('Form')}Changes" if changes else name
    return name, f"{name}Fields"


def _template(path: str) -> str:
    return _PART.sub(r"{\g<name>}", path)


def _operation(
    method: str, declared: Endpoint, *, names: dict[type[Form], str], answers: Answers, twin: Endpoint | None
) -> dict[str, Any]:
    made: dict[str, Any] = {
        "operationId": operation_id(method, declared.path),
        "summary": declared.summary if method == declared.method else f"{declared.summary}: only what is given",
        "tags": [declared.tag],
        "description": _description(declared),
        "security": _security(method, declared),
        "parameters": _parameters(method, declared, twin=twin),
        "responses": _responses(method, declared, answers=answers, twin=twin),
    }
    if method in _WRITES and declared.form is not None:
        made["requestBody"] = _body(method, declared, declared.form, names[declared.form])
    if declared.raw:
        made["requestBody"] = parts.RAW
    if declared.pieces:
        made["requestBody"] = parts.PIECE
    return {name: value for name, value in made.items() if value not in ([], "")}


def _description(declared: Endpoint) -> str:
    return " ".join(text for text in (declared.description, _who(declared.login, declared.flag)) if text)


def _who(login: bool, flag: Flag | None) -> str:
    if flag is not None:
        return f"For those with the system permission *{flag.label}*."
    return "For those who have logged in." if login else ""


def _security(method: str, declared: Endpoint) -> list[dict[str, list[str]]]:
    if declared.path == "/token/" and method == "POST":
        return [{"password": []}, {}]
    session: dict[str, list[str]] = {"session": []}
    if method not in ("GET", "HEAD", "OPTIONS") and declared.csrf:
        session["csrf"] = []
    ways: list[dict[str, list[str]]] = [{"token": []}, {"bearer": []}, session]
    return ways if declared.login else [*ways, {}]


# Parameters


def _parameters(method: str, declared: Endpoint, *, twin: Endpoint | None) -> list[dict[str, Any]]:
    found = [_path_parameter(part["kind"], part["name"]) for part in _PART.finditer(declared.path)]
    if method == "GET":
        found += _query(declared)
    if method == "GET" and not declared.lines and not declared.plain:
        found.append(parts.parameter("IfNoneMatch"))
    if twin is not None and method not in ("GET", "POST"):
        found.append(parts.parameter("IfMatch"))
    if method == "POST" and declared.login and not declared.plain:
        found.append(parts.parameter("IdempotencyKey"))
    if declared.accepted is True:
        found.append(parts.parameter("Prefer"))
    found += [parts.parameter(name) for name in declared.takes]
    return found


def _path_parameter(kind: str | None, name: str) -> dict[str, Any]:
    schema: Schema = {"type": "string", "minLength": 1}
    if kind == "word":
        schema = {"type": "string", "pattern": f"^{WORD}$"}
    if kind == "int":
        schema = {"type": "integer", "format": "int64", "minimum": 1}
    return {"name": name, "in": "path", "required": True, "schema": schema}


def _query(declared: Endpoint) -> list[dict[str, Any]]:
    forms = [declared.form] if declared.form is not None else []
    if declared.listing:
        forms.append(PagingForm)
    found: dict[str, dict[str, Any]] = {}
    for form in forms:
        properties = text_properties(form)
        for field in form_fields(form):
            schema = dict(properties[field.name])
            made: dict[str, Any] = {"name": field.name, "in": "query"}
            if "description" in schema:
                made["description"] = schema.pop("description")
            if must_be_given(field):
                made["required"] = True
            if declared.example is not None and field.name in declared.example:
                made["example"] = as_texts(form, declared.example)[field.name]
            found.setdefault(field.name, {**made, "schema": schema})
    return list(found.values())


# Bodies


def _body(method: str, declared: Endpoint, form: type[Form], name: str) -> dict[str, Any]:
    json_name, text_name = _body_names(name, changes=method == "PATCH")
    example = declared.example
    content: dict[str, Any] = {}
    if declared.files:
        content["multipart/form-data"] = {"schema": ref(text_name)}
    else:
        content["application/json"] = {"schema": ref(json_name)}
        for media_type in _FORM_TYPES:
            content[media_type] = {"schema": ref(text_name)}
    if example is not None:
        for media_type, described in content.items():
            described["example"] = dict(example) if media_type == "application/json" else as_texts(form, example)
    may_be_missing = method == "PATCH" or not any(must_be_given(field) for field in form_fields(form))
    return {"required": declared.files or not may_be_missing, "content": content}


# Answers


def _responses(method: str, declared: Endpoint, *, answers: Answers, twin: Endpoint | None) -> dict[str, Any]:
    found: dict[str, Any] = {}
    data = answers.of(declared.answer)
    if declared.plain:
        headers = {name: parts.header(name) for name in declared.gives}
        with_headers = {"headers": headers} if headers else {}
        found |= {str(status): {"description": text, **with_headers} for status, text in declared.plain.items()}
    elif declared.lines:
        found["200"] = parts.lines(data)
    elif declared.several:
        found["207"] = parts.success(200, "OK", data, "Each has its own envelope, with its own status.")
    elif isinstance(declared.accepted, bool):
        found["200"] = parts.success(200, "OK", data, "Done.")
    if declared.accepted is not False:
        accepted = answers.of(TaskObject if declared.accepted is True else declared.accepted)
        found["202"] = parts.success(202, "OK task accepted", accepted, "A background task goes on.")
    if method == "GET" and not declared.lines and not declared.plain:
        given = ["ETag", "X-Total-Count", "Link"] if declared.listing else ["ETag", *declared.gives]
        found["200"]["headers"] = {name: parts.header(name) for name in given}
        found["304"] = {"description": "The caller has it already.", "headers": {"ETag": parts.header("ETag")}}
    for status in sorted(_errors(method, declared, twin)):
        found[str(status)] = {"$ref": f"#/components/responses/{parts.ERRORS[status][0]}"}
    if 400 in declared.errors:
        found["400"] = {"$ref": "#/components/responses/Refused"}
    if declared.files:
        for status in _PER_FILE & _errors(method, declared, twin):
            found[str(status)] = parts.partly(status, data)
    return found


def _errors(method: str, declared: Endpoint, twin: Endpoint | None) -> set[int]:
    """The error statuses of an operation."""
    found = {401, 500, 503, *declared.errors}
    if method != "GET" or declared.form is not None or declared.listing:
        found.add(400)
    if method in _WRITES:
        found.add(413)
    elif declared.form is not None or declared.listing:
        found.add(414)
    if declared.login or declared.flag is not None:
        found.add(403)
    if _PART.search(declared.path):
        found.add(404)
    if method == "POST" and declared.login:
        found.add(409)
    if twin is not None and method not in ("GET", "POST"):
        found.add(412)
    return found
