"""Hooks of schemathesis for :mod:`tests.fuzz.api`: ids that there are, and nothing that would end the run itself."""

from __future__ import annotations

import atexit
import json
import os
import re
from collections import defaultdict, deque
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import schemathesis
from schemathesis import Case, Response
from schemathesis.core.failures import AcceptedNegativeData, Failure
from schemathesis.hooks import HookContext

from tests.fuzz.api import FUZZER, PASSWORD, Api

_IDS_KEPT = 30
_MADE_UP = 4
"""One in so many ids stays as it was made up."""

_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
_WRITES = ("PUT", "PATCH", "DELETE")
_KINDS = {
    "image_id": "/admin/images/",
    "user_id": "/admin/users/",
    "group_id": "/admin/groups/",
    "folder_id": "/admin/filesystem/folders/",
    "permission_id": "/admin/permissions/",
}
_ADMINISTRATORS = 3

# The token of the run itself is another one: DELETE /token/ has one of its own, see the configuration.
_api = Api(os.environ["QISD_FUZZ_API"], FUZZER, PASSWORD)
_own_id = _api.ask("GET", "/session/")["user"]["id"]
_not_to_be_touched = {1, _own_id}
_ids: dict[str, deque[int]] = defaultdict(lambda: deque(maxlen=_IDS_KEPT))
_sent = 0


def _kind(path: str, parameter: str) -> str:
    """The address of the list that an id is in."""
    if parameter in _KINDS:
        return _KINDS[parameter]
    if path.startswith("/admin/filesystem/images/"):
        return "/admin/images/"
    return path.partition("{")[0]


@schemathesis.hook
def map_path_parameters(context: HookContext, path_parameters: dict[str, Any]) -> dict[str, Any]:
    """Ids of things that are there, mostly; the accounts that the run lives on are left alone."""
    operation = context.operation
    changed = dict(path_parameters or {})
    for name, value in changed.items():
        if isinstance(value, bool) or not isinstance(value, int):
            continue
        known = _ids[_kind(operation.path, name)]
        if known and value % _MADE_UP:
            changed[name] = known[value % len(known)]
    return changed


@schemathesis.hook
def before_call(context: HookContext, case: Case, kwargs: dict[str, Any]) -> None:
    """Nothing may take the run's own token, password, or rights away."""
    global _sent
    _sent += 1
    path, method = case.operation.path, case.method.upper()
    if method in _WRITES and path.startswith("/admin/users/{") and _number(case, "id") in _not_to_be_touched:
        case.path_parameters = {**case.path_parameters, "id": 2**31}
    if method in _WRITES and path.startswith("/admin/groups/{") and _number(case, "id") == _ADMINISTRATORS:
        case.path_parameters = {**case.path_parameters, "id": 2**31}


@schemathesis.hook
def after_call(context: HookContext, case: Case, response: Response) -> None:
    """Remember the ids that are answered."""
    path = re.sub(r"\{.*", "", case.operation.path)
    for found in _objects(response):
        number = found.get("id")
        if isinstance(number, int) and number not in _ids[path]:
            _ids[path].append(number)


@schemathesis.hook
def filter_failure(context: HookContext, failure: Failure, case: Case, response: Response) -> bool:
    """Drop the complaint that a form's text was something else before it became part of the form, and so a text."""
    if not isinstance(failure, AcceptedNegativeData) or case.media_type not in _FORMS:
        return True
    changes = re.findall(r"violates .*|[A-Z]\w+ (?:type|value).*", failure.message)
    return not changes or not all("`type`" in change and "was string" in change for change in changes)


def _objects(response: Response) -> list[Mapping[str, Any]]:
    if response.status_code not in (200, 202):
        return []
    try:
        data = json.loads(response.content)["data"]
    except (ValueError, KeyError, TypeError):
        return []
    found = data if isinstance(data, list) else [data]
    return [one for one in found if isinstance(one, dict)]


def _number(case: Case, name: str) -> int | None:
    try:
        return int((case.path_parameters or {}).get(name, ""))
    except (TypeError, ValueError):
        return None


for _path in ("/admin/users/", "/admin/groups/", "/admin/templates/", "/admin/permissions/", "/portfolios/"):
    _ids[_path].extend(one["id"] for one in _api.ask("GET", _path))
_ids["/admin/images/"].extend(one["id"] for one in _api.ask("GET", "/list/?path=/&attributes=1") if one["id"])
_root = _api.ask("GET", "/admin/filesystem/folders/?path=/")
_ids["/admin/filesystem/folders/"].extend(one["id"] for one in _root["children"])


@atexit.register
def _tell() -> None:
    Path(os.environ["QISD_FUZZ_COUNT"]).write_text(str(_sent))
