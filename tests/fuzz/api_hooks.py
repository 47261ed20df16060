"""Hooks of schemathesis for :mod:`tests.fuzz.api`: values that mean something, and nothing that would end the run."""

from __future__ import annotations

import atexit
import base64
import itertools
import json
import os
import re
import zlib
from collections import Counter, defaultdict, deque
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import schemathesis
from schemathesis import Case, Response
from schemathesis.core.failures import AcceptedNegativeData, Failure
from schemathesis.hooks import HookContext

from tests.fuzz.api import FUZZER, PASSWORD, PIXEL, Api

_KEPT = 30
_MADE_UP = 4
"""One in so many values stays as it was made up."""

_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
_WRITES = ("PUT", "PATCH", "DELETE")
_ADMINISTRATORS = 3

_LISTS = {
    "image_id": "/admin/images/",
    "user_id": "/admin/users/",
    "group_id": "/admin/groups/",
    "folder_id": "/admin/filesystem/folders/",
    "owner_id": "/admin/users/",
}
"""Where the things are that a parameter names."""

_WORDS = {
    "key": ("pubimage_default_template", "cluster_id", "fp_version"),
}
_TEXTS = {
    "password": "",
    "current_password": "",
    "expiry_time": "2222-01-01T00:00:00Z",
    "cursor": "",
    "value": "default",
    "url": "https://hooks.example.com/",
}
_NOTHING_WRONG = re.compile(
    "object with unexpected properties|positive test case|(all|only) required|optional properties"
)
_DOCUMENTS = ("template", "image_parameters")

schemathesis.serializer.alias("application/offset+octet-stream", "application/octet-stream")

_api = Api(os.environ["QISD_FUZZ_API"], FUZZER, PASSWORD)
_own_id = _api.ask("GET", "/session/")["user"]["id"]
_untouchable = {1, _own_id}
_ids: dict[str, deque[int]] = defaultdict(lambda: deque(maxlen=_KEPT))
_in_portfolios: dict[str, deque[tuple[int, int]]] = defaultdict(lambda: deque(maxlen=_KEPT))
_numbers = itertools.count(1)
_answers: dict[str, Counter[int]] = defaultdict(Counter)


@schemathesis.hook
def map_case(context: HookContext, case: Case) -> Case:
    """Ids of things that are there, mostly, and texts that are not refused at the first look."""
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return case
    parts = case.path_parameters or {}
    for name, value in list(parts.items()):
        if isinstance(value, int) and value > 0:
            parts[name] = _known(_list_of(case.operation.path, name), value)
        elif name in _WORDS and isinstance(value, str) and _chance(value):
            parts[name] = _WORDS[name][len(value) % len(_WORDS[name])]
    _pair(case, parts)
    key = (case.headers or {}).get("Idempotency-Key")
    if key and _chance(case.id):
        case.headers["Idempotency-Key"] = case.id
    if "Upload-Metadata" in (case.headers or {}) and _chance(case.id):
        name = base64.b64encode(f"{case.id}.png".encode()).decode("ascii")
        case.headers["Upload-Metadata"] = f"filename {name},path L3ByZXNz"  # /press
        case.headers.pop("Upload-Checksum", None)
    if isinstance(case.body, dict):
        case.body = {name: _meant(name, value) for name, value in case.body.items()}
        if case.operation.path == "/admin/filesystem/images/{id}/" and "path" in case.body:
            case.body["path"] = f"/web/{len(case.body['path'])}.png"
    elif case.operation.path == "/admin/filesystem/files/{path}" and _chance(parts["path"]):
        case.body = PIXEL
        parts["path"] = f"press/{len(parts['path'])}.png"
    return case


def _list_of(path: str, parameter: str) -> str:
    """The address of the list that an id in an address is in."""
    if parameter in _LISTS:
        return _LISTS[parameter]
    if path.startswith("/admin/filesystem/images/"):
        return "/admin/images/"
    return path.partition("{")[0]


def _known(kind: str, value: int) -> int:
    known = _ids[kind]
    return known[value % len(known)] if known and _chance(str(value)) else value


def _chance(value: str) -> bool:
    """The same for the same value."""
    return bool(zlib.crc32(value.encode("utf-8", "replace")) % _MADE_UP)


def _pair(case: Case, parts: dict[str, Any]) -> None:
    """A portfolio that has images, an image or a zip that its portfolio has."""
    full = _in_portfolios["image_id"]
    if case.operation.path == "/portfolios/{id}/exports/" and full and isinstance(parts["id"], int):
        parts["id"] = full[parts["id"] % len(full)][0]
    for name in ("image_id", "export_id"):
        known = _in_portfolios[name]
        if name in parts and known and isinstance(parts[name], int) and _chance(str(parts[name])):
            parts["id"], parts[name] = known[parts[name] % len(known)]


def _meant(name: str, value: Any) -> Any:
    if name in _LISTS and isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return _known(_LISTS[name], value)
    if name in _TEXTS and isinstance(value, str) and _chance(value):
        return _TEXTS[name]
    if name == "username" and isinstance(value, str) and not value.strip():
        return f"user{next(_numbers)}"
    if name == "events":
        return ["image.created"] if isinstance(value, list) else '["image.created"]'
    if name in _DOCUMENTS and _chance(str(value)):
        return {} if isinstance(value, dict) else "{}"
    return value


@schemathesis.hook
def before_call(context: HookContext, case: Case, kwargs: dict[str, Any]) -> None:
    """Nothing may take the run's own password or rights away."""
    path, method = case.operation.path, case.method.upper()
    if case.media_type == "multipart/form-data" and isinstance(case.body, dict):
        # The client that schemathesis uses does not escape them, as it should.
        case.body = {name: value for name, value in case.body.items() if "\\" not in name and '"' not in name}
    if method in _WRITES and path.startswith("/admin/users/{") and _number(case, "id") in _untouchable:
        case.path_parameters = {**case.path_parameters, "id": 2**31}
    if method in _WRITES and path.startswith("/admin/groups/{") and _number(case, "id") == _ADMINISTRATORS:
        case.path_parameters = {**case.path_parameters, "id": 2**31}


def _number(case: Case, name: str) -> int | None:
    try:
        return int((case.path_parameters or {}).get(name, ""))
    except (TypeError, ValueError):
        return None


@schemathesis.hook
def after_call(context: HookContext, case: Case, response: Response) -> None:
    """Count the answer, and remember the ids in it."""
    _answers[f"{case.method.upper()} {case.operation.path}"][response.status_code] += 1
    kind = case.operation.path.partition("{")[0]
    for found in _objects(response):
        number, portfolio = found.get("id"), found.get("folio_id")
        if isinstance(number, int) and number not in _ids[kind]:
            _ids[kind].append(number)
        if portfolio is not None and "image_id" in found:
            _in_portfolios["image_id"].append((portfolio, found["image_id"]))
        if portfolio is not None and "keep_until" in found:
            _in_portfolios["export_id"].append((portfolio, number))


def _objects(response: Response) -> list[Mapping[str, Any]]:
    if response.status_code not in (200, 202):
        return []
    try:
        data = json.loads(response.content)["data"]
    except (ValueError, KeyError, TypeError):
        return []
    found = data if isinstance(data, list) else [data]
    return [one for one in found if isinstance(one, dict)]


@schemathesis.hook
def filter_failure(context: HookContext, failure: Failure, case: Case, response: Response) -> bool:
    """Drop complaints about what is no fault.

    Names that are not known are ignored, wherever they are; what has a file in it counts as invalid although the
    description of it says nothing of the kind; and a form's text that was something else before it became
    part of the form is a text.
    """
    if not isinstance(failure, AcceptedNegativeData):
        return True
    if _NOTHING_WRONG.search(failure.message):
        return False
    changes = re.findall(r"violates .*", failure.message)
    texts = [change for change in changes if "`type`" in change and "was string" in change]
    return case.media_type not in _FORMS or not changes or texts != changes


def _begin() -> None:
    """Find out what is there."""
    for path in ("/admin/users/", "/admin/groups/", "/admin/templates/", "/admin/permissions/", "/admin/trash/"):
        _ids[path].extend(one["id"] for one in _api.ask("GET", path))
    for portfolio in _api.ask("GET", "/portfolios/"):
        _ids["/portfolios/"].append(portfolio["id"])
        for image in _api.ask("GET", f"/portfolios/{portfolio['id']}/images/"):
            _in_portfolios["image_id"].append((portfolio["id"], image["image_id"]))
    _ids["/admin/images/"].extend(one["id"] for one in _api.ask("GET", "/list/?path=/&attributes=1") if one["id"])
    root = _api.ask("GET", "/admin/filesystem/folders/?path=/")
    _ids["/admin/filesystem/folders/"].extend(one["id"] for one in root["children"])


@atexit.register
def _tell() -> None:
    Path(os.environ["QISD_FUZZ_COUNT"]).write_text(json.dumps(_answers))


_begin()
