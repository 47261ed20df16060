"""What each endpoint needs, in one table: who has it may, and everybody else is told why not.

The requests are right, or ask for what isn't there, or lack something: so whoever may gets the status named here, and
with that most of them change nothing. Those that do (``fresh``) get something new to be done to each time.

Names in braces stand for things that the tests have made, or that belong to the caller.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import attrs

from qisd.access.levels import Flag, Level
from qisd.portfolios.permissions import Access

USERS = frozenset({Flag.ADMIN_USERS})
RIGHTS = frozenset({Flag.ADMIN_PERMISSIONS})
BOTH = USERS | RIGHTS
FILES = frozenset({Flag.ADMIN_FILES})
REPORTS = frozenset({Flag.REPORTS})
SUPER = frozenset({Flag.ADMIN_ALL})
TUS_TYPE = "application/offset+octet-stream"
NOTHING: Mapping[str, Any] = MappingProxyType({})


@attrs.frozen(kw_only=True)
class Row:
    """One request.

    :param path: its address below the API; below the root of the site if ``below`` is blank.
    :param query: of the address; ``form`` and ``file``, the name of a picture in the box, make the body; with
        ``raw`` it is the picture alone.
    :param plain: a success has no envelope.
    :param login: anonymous callers get 401, or the status that ``anonymous`` says.
    :param flags: the system permissions that the caller must have.
    :param levels: by folder, the level that the caller must have there.
    :param folio: what the caller must be allowed to do with the portfolio ``{folio}``.
    :param status: for those who may.
    :param fresh: what has to be made anew for each call that is a success: see the tests.
    """

    method: str
    path: str
    below: str = "/api/v1"
    query: Mapping[str, Any] | None = None
    form: Mapping[str, Any] | None = None
    file: str | None = None
    raw: bool = False
    plain: bool = False
    headers: Mapping[str, str] = NOTHING
    login: bool = True
    anonymous: int = 401
    flags: frozenset[Flag] = frozenset()
    levels: Mapping[str, Level] = NOTHING
    folio: Access | None = None
    status: int = 200
    fresh: str = ""

    @property
    def name(self) -> str:
        return f"{self.method} {self.path} {dict(self.query or self.form or {})}"


@attrs.define(kw_only=True)
class Caller:
    """Somebody who calls.

    :param flags: with all that they imply.
    :param levels: by folder; 0 where nothing is said.
    :param values: what the names in braces stand for that are the caller's own.
    """

    name: str
    token: str | None
    flags: frozenset[Flag] = frozenset()
    levels: Mapping[str, int] = NOTHING
    values: dict[str, object] = attrs.field(factory=dict)

    def level(self, folder: str) -> int:
        return Level.DELETE_FOLDER if Flag.ADMIN_FILES in self.flags else self.levels.get(folder, 0)


@attrs.frozen(kw_only=True)
class Folio:
    """What everybody, and who has logged in, may do with a portfolio."""

    public: int
    internal: int

    def access(self, caller: Caller) -> int:
        if Flag.ADMIN_FOLIOS in caller.flags:
            return Access.DELETE
        return self.public if caller.token is None else max(self.public, self.internal)


PRIVATE = Folio(public=0, internal=0)


def expected(row: Row, caller: Caller, folio: Folio = PRIVATE) -> int:
    """The status that the rules want."""
    if row.login and caller.token is None:
        return row.anonymous
    if not row.flags <= caller.flags:
        return 403
    if any(caller.level(folder) < level for folder, level in row.levels.items()):
        return 403
    if row.folio is not None and folio.access(caller) < row.folio:
        return 403
    return row.status


def get(path: str, status: int = 200, **more: Any) -> Row:
    return Row(method="GET", path=path, status=status, **more)


def post(path: str, status: int = 200, **more: Any) -> Row:
    return Row(method="POST", path=path, status=status, **{"form": {}, **more})


def put(path: str, status: int = 200, **more: Any) -> Row:
    return Row(method="PUT", path=path, status=status, **{"form": {}, **more})


def patch(path: str, status: int = 200, **more: Any) -> Row:
    return Row(method="PATCH", path=path, status=status, **{"form": {}, **more})


def delete(path: str, status: int = 200, **more: Any) -> Row:
    return Row(method="DELETE", path=path, status=status, **more)


def tus(method: str, path: str, status: int, **more: Any) -> Row:
    """Of a resumable upload."""
    headers = {"Tus-Resumable": "1.0.0", **more.pop("headers", {})}
    return Row(method=method, path=path, status=status, headers=headers, plain=True, **more)


def everybody(row: Row) -> Row:
    return attrs.evolve(row, login=False)


def in_box(level: Level) -> dict[str, Level]:
    return {"box": level}


ME = {"first_name": "", "last_name": "", "email": "", "username": "x" * 121, "auth_type": 1}
TOO_LONG = {"title": "x" * 256, "description": ""}

LOG_IN = [
    everybody(post("/token/", 400)),
    delete("/token/", fresh="token"),
    post("/ticket/"),
    everybody(get("/session/")),
    everybody(get("/version/")),
    get("/account/tokens/"),
    post("/account/tokens/", 400),
    delete("/account/tokens/4711/", 404),
    get("/account/preferences/"),
    put("/account/preferences/", 400),
    get("/account/sessions/"),
    delete("/account/sessions/4711/", 404),
    post("/batch/", 400),
]

LIBRARY = [
    everybody(get("/list/", query={"path": "/"})),
    everybody(get("/list/", query={"path": "/box"}, levels=in_box(Level.VIEW))),
    everybody(get("/list/", query={"path": "/box/none"}, levels=in_box(Level.VIEW), status=404)),
    get("/list/summary/", query={"path": "/box"}, levels=in_box(Level.VIEW)),
    get("/list/summary/", 404, query={"path": "/box/none"}, levels=in_box(Level.VIEW)),
    everybody(get("/details/", query={"src": "box/a.png"}, levels=in_box(Level.VIEW))),
    everybody(get("/details/", query={"src": "box/none.png"}, levels=in_box(Level.VIEW), status=404)),
    everybody(get("/imaging/")),
    everybody(get("/imaging/check/", query={"src": "box/a.png"}, levels=in_box(Level.VIEW))),
    everybody(get("/imaging/check/", query={"src": "box/none.png"}, levels=in_box(Level.VIEW), status=404)),
    everybody(get("/image", below="", query={"src": "box/a.png"}, levels=in_box(Level.VIEW))),
    everybody(get("/original", below="", query={"src": "box/a.png"}, levels=in_box(Level.DOWNLOAD))),
    post("/upload/", 400),
    post("/upload/", 409, file="a.png", form={"path": "/box"}, levels=in_box(Level.UPLOAD)),
    get("/upload/"),
    get("/upload/places/"),
    get("/upload/places/", query={"path": "/box"}, levels=in_box(Level.VIEW)),
    get("/upload/same/", query={"sha256": "0" * 64}),
    everybody(tus("OPTIONS", "/upload/resumable/", 204)),
    everybody(tus("OPTIONS", "/upload/resumable/4711/", 204)),
    # A picture that is called so is there.
    tus(
        "POST",
        "/upload/resumable/",
        409,
        headers={"Upload-Length": "10", "Upload-Metadata": "filename YS5wbmc=,path Ym94"},
        levels=in_box(Level.UPLOAD),
    ),
    tus("HEAD", "/upload/resumable/4711/", 404),
    tus("PATCH", "/upload/resumable/4711/", 404, headers={"Upload-Offset": "0", "Content-Type": TUS_TYPE}),
    tus("DELETE", "/upload/resumable/4711/", 404),
    put(
        "/admin/filesystem/files/box/a.png",
        412,
        file="a.png",
        raw=True,
        headers={"If-None-Match": "*"},
        levels=in_box(Level.UPLOAD),
    ),
    put(
        "/admin/filesystem/files/box/none/a.png",
        404,
        file="a.png",
        raw=True,
        levels=in_box(Level.UPLOAD),
    ),
    get("/admin/images/{image}/", levels=in_box(Level.VIEW)),
    put("/admin/images/{image}/", form={"title": "", "description": ""}, levels=in_box(Level.EDIT)),
    put("/admin/images/{image}/", 400, form=TOO_LONG),
    put("/admin/images/4711/", 404, form={"title": "A", "description": ""}),
    patch("/admin/images/{image}/", form={"title": ""}, levels=in_box(Level.EDIT)),
    get("/admin/images/{image}/history/", levels=in_box(Level.EDIT)),
    post("/admin/images/{image}/reset/", levels=in_box(Level.EDIT)),
    get("/admin/images/{image}/statistics/", levels=in_box(Level.VIEW)),
    get("/admin/images/{image}/usage/", levels=in_box(Level.VIEW)),
    get("/admin/images/{image}/focal/", levels=in_box(Level.VIEW)),
    put("/admin/images/{image}/focal/", form={"x": 0.5, "y": 0.5}, levels=in_box(Level.EDIT)),
    put("/admin/images/{image}/focal/", 400, form={"x": 2, "y": 0.5}),
    patch("/admin/images/{image}/focal/", form={"x": 0.5}, levels=in_box(Level.EDIT)),
    # That one has none: nothing changes.
    delete("/admin/images/{yard_image}/focal/", levels={"yard": Level.EDIT}),
    get("/admin/explain/", query={"query": "src=box/a.png"}, levels=in_box(Level.EDIT)),
    get("/admin/explain/", 404, query={"query": "src=box/none.png"}, levels=in_box(Level.VIEW)),
    get("/admin/images/{image}/metadata/", levels=in_box(Level.VIEW)),
    put("/admin/images/{image}/metadata/", levels=in_box(Level.EDIT)),
    put("/admin/images/{image}/metadata/", 400, form={"owner": "x" * 256}),
    patch("/admin/images/{image}/metadata/", levels=in_box(Level.EDIT)),
    get("/admin/duplicates/", flags=FILES),
    get("/admin/damaged/", flags=FILES),
    everybody(get("/search/images/", query={"q": "a"})),
    everybody(get("/search/images/", query={"q": "a", "folder": "/box"}, levels=in_box(Level.VIEW))),
    post("/admin/bulk/zip/", 400),
    post("/admin/bulk/zip/", form={"images": "[{image}]"}, levels=in_box(Level.DOWNLOAD), plain=True),
    post("/admin/bulk/zip/", 404, form={"images": "[4711]"}),
    post("/admin/bulk/delete/", 400),
    post("/admin/bulk/describe/", 400),
    post("/admin/bulk/copy/", 400),
    post("/admin/bulk/copy/", 404, form={"images": "[4711]", "folder": "/box/none"}, levels=in_box(Level.VIEW)),
    post("/admin/bulk/move/", 400),
    post("/admin/bulk/move/", 404, form={"images": "[4711]", "folder": "/box/none"}, levels=in_box(Level.VIEW)),
    # The file is no JPEG: that is found out when all may be done.
    put("/admin/filesystem/images/{image}/", 415, form={"path": "/box/a.jpg"}, levels=in_box(Level.UPLOAD)),
    put(
        "/admin/filesystem/images/{image}/",
        415,
        form={"path": "/yard/a.jpg"},
        levels={"box": Level.DELETE, "yard": Level.UPLOAD},
    ),
    put(
        "/admin/filesystem/images/{yard_image}/",
        415,
        form={"path": "/box/b.jpg"},
        levels={"box": Level.UPLOAD, "yard": Level.DELETE},
    ),
    put("/admin/filesystem/images/{image}/", 400),
    delete("/admin/filesystem/images/{gone}/", levels=in_box(Level.DELETE), fresh="file"),
    delete("/admin/filesystem/images/4711/", 404),
    get("/admin/filesystem/folders/", query={"path": "/box"}, levels=in_box(Level.VIEW)),
    get("/admin/filesystem/folders/", 400),
    get("/admin/filesystem/folders/{box}/", levels=in_box(Level.VIEW)),
    post(
        "/admin/filesystem/folders/",
        form={"path": "/box/new{number}"},
        levels=in_box(Level.CREATE_FOLDER),
        fresh="place",
    ),
    post("/admin/filesystem/folders/", 400),
    put(
        "/admin/filesystem/folders/{inner}/",
        form={"path": "/box/renamed{number}"},
        levels=in_box(Level.CREATE_FOLDER),
        fresh="folder",
    ),
    put(
        "/admin/filesystem/folders/{inner}/",
        form={"path": "/yard/moved{number}"},
        levels={"box": Level.DELETE_FOLDER, "yard": Level.CREATE_FOLDER},
        fresh="folder",
    ),
    put(
        "/admin/filesystem/folders/{yard_inner}/",
        form={"path": "/box/moved{number}"},
        levels={"box": Level.CREATE_FOLDER, "yard": Level.DELETE_FOLDER},
        fresh="yard_folder",
    ),
    put("/admin/filesystem/folders/{box}/", 400),
    delete("/admin/filesystem/folders/{inner}/", levels=in_box(Level.DELETE_FOLDER), fresh="folder"),
    get("/admin/trash/"),
    # Something else is there by now.
    post("/admin/trash/{old_file}/restore/", 409, levels=in_box(Level.DELETE)),
    post("/admin/trash/{old_folder}/restore/", 409, levels=in_box(Level.DELETE_FOLDER)),
    post("/admin/trash/4711/restore/", 404),
    delete("/admin/trash/{waste}/", levels=in_box(Level.DELETE), fresh="waste"),
    delete("/admin/trash/{waste_folder}/", levels=in_box(Level.DELETE_FOLDER), fresh="waste_folder"),
    delete("/admin/trash/", 409, flags=FILES),
]

PORTFOLIOS = [
    everybody(get("/portfolios/")),
    everybody(get("/portfolios/", query={"human_id": "{human_id}"}, folio=Access.VIEW)),
    everybody(post("/portfolios/", 400, flags=frozenset({Flag.FOLIOS}))),
    everybody(get("/portfolios/{folio}/", folio=Access.VIEW)),
    everybody(put("/portfolios/{folio}/", 400, folio=Access.EDIT)),
    everybody(patch("/portfolios/{folio}/", 400, form={"public_access": 15}, folio=Access.EDIT)),
    everybody(delete("/portfolios/{folio}/", folio=Access.DELETE, fresh="folio")),
    everybody(get("/portfolios/{folio}/images/", folio=Access.VIEW)),
    everybody(post("/portfolios/{folio}/images/", 400, folio=Access.EDIT)),
    everybody(post("/portfolios/{folio}/images/", 409, form={"image_src": "open.png"}, folio=Access.EDIT)),
    everybody(
        post(
            "/portfolios/{folio}/images/",
            404,
            form={"image_src": "box/none.png"},
            folio=Access.EDIT,
            levels=in_box(Level.VIEW),
        )
    ),
    everybody(
        post(
            "/portfolios/{folio}/images/",
            409,
            form={"image_id": "{image}"},
            folio=Access.EDIT,
            levels=in_box(Level.VIEW),
        )
    ),
    everybody(get("/portfolios/{folio}/images/{open_image}/", folio=Access.VIEW)),
    everybody(put("/portfolios/{folio}/images/{open_image}/", 400, form={"index": "x"}, folio=Access.EDIT)),
    everybody(patch("/portfolios/{folio}/images/{open_image}/", 400, form={"index": "x"}, folio=Access.EDIT)),
    everybody(delete("/portfolios/{folio}/images/{open_image}/", folio=Access.EDIT, fresh="folio_image")),
    everybody(put("/portfolios/{folio}/images/{open_image}/position/", 400, folio=Access.EDIT)),
    everybody(get("/portfolios/{folio}/exports/", folio=Access.VIEW)),
    everybody(get("/portfolios/{folio}/exports/4711/", 404, folio=Access.VIEW)),
    everybody(post("/portfolios/{folio}/exports/", 400, folio=Access.EDIT)),
    # It is being made.
    everybody(delete("/portfolios/{folio}/exports/{export}/", 503, folio=Access.EDIT)),
    everybody(get("/portfolios/{human_id}/", below="", folio=Access.VIEW)),
    everybody(get("/portfolios/{human_id}/downloads/none.zip", 404, below="", folio=Access.DOWNLOAD)),
]

ACCOUNTS = [
    get("/admin/users/", flags=USERS),
    post("/admin/users/", 400, flags=USERS),
    get("/admin/users/1/", flags=USERS),
    get("/admin/users/{me}/"),
    put("/admin/users/1/", 400, flags=USERS),
    put("/admin/users/{me}/", 400, form=ME),
    put("/admin/users/4711/", 404, form={**ME, "username": "x"}, flags=USERS),
    patch("/admin/users/4711/", 404, flags=USERS),
    patch("/admin/users/{me}/", 400, form={"username": "x" * 121}),
    delete("/admin/users/4711/", 404, flags=USERS),
    post("/admin/users/4711/password/", 404, flags=USERS),
    get("/admin/groups/", flags=USERS),
    post("/admin/groups/", 400, flags=BOTH),
    get("/admin/groups/2/", flags=USERS),
    put("/admin/groups/2/", 400, flags=USERS),
    patch("/admin/groups/2/", 400, form={"description": "x" * 5121}, flags=USERS),
    delete("/admin/groups/4711/", 404, flags=BOTH),
    post("/admin/groups/2/members/", 400, flags=USERS),
    delete("/admin/groups/4711/members/1/", 404, flags=USERS),
    post("/admin/groups/4711/members/change/", 404, flags=USERS),
    get("/admin/permissions/", flags=RIGHTS),
    post("/admin/permissions/", 400, flags=RIGHTS),
    get("/admin/permissions/1/", flags=RIGHTS),
    put("/admin/permissions/1/", 400, flags=RIGHTS),
    patch("/admin/permissions/1/", 400, form={"access": 15}, flags=RIGHTS),
    delete("/admin/permissions/4711/", 404, flags=RIGHTS),
    get("/admin/permissions/trace/", 400, flags=RIGHTS),
    get("/admin/permissions/matrix/", flags=RIGHTS),
    get("/admin/permissions/who/", query={"path": "/box"}, flags=RIGHTS),
    get("/admin/permissions/people/", flags=RIGHTS),
    post("/admin/permissions/changes/", 400, flags=RIGHTS),
    post("/admin/permissions/preview/", 400, flags=RIGHTS),
    get("/admin/templates/"),
    get("/admin/templates/1/"),
    get("/admin/templates/1/usage/"),
    post("/admin/templates/", 400, flags=SUPER),
    put("/admin/templates/1/", 400, flags=SUPER),
    patch("/admin/templates/1/", 400, form={"template": "[1]"}, flags=SUPER),
    delete("/admin/templates/4711/", 404, flags=SUPER),
    get("/admin/properties/cluster_id/", flags=SUPER),
    put("/admin/properties/cluster_id/", 400, flags=SUPER),
    patch("/admin/properties/cluster_id/", 403, form={"value": "x"}, flags=SUPER),
    get("/admin/audit/", flags=RIGHTS),
    get("/admin/audit/export/", 400, query={"from_time": "x"}, flags=RIGHTS),
]

TASKS = [
    get("/admin/tasks/"),
    get("/admin/tasks/{my_task}/"),
    get("/admin/tasks/{task}/", flags=SUPER),
    get("/admin/tasks/4711/", 404),
    get("/admin/webhooks/", flags=SUPER),
    post("/admin/webhooks/", 400, flags=SUPER),
    get("/admin/webhooks/4711/", 404, flags=SUPER),
    put("/admin/webhooks/4711/", 400, flags=SUPER),
    patch("/admin/webhooks/4711/", 404, flags=SUPER),
    delete("/admin/webhooks/4711/", 404, flags=SUPER),
    get("/admin/webhooks/4711/deliveries/", 404, flags=SUPER),
    get("/admin/tasks/{my_task}/events/", plain=True),
    get("/admin/tasks/{task}/events/", flags=SUPER, plain=True),
    delete("/admin/tasks/{my_task}/"),
    delete("/admin/tasks/{task}/", flags=SUPER),
    post("/admin/tasks/purge_image_stats/", 400, flags=SUPER),
    post("/admin/tasks/purge_image_stats/", 409, form={"date_to": "2020-01-01"}, flags=SUPER),
    post("/admin/tasks/nonsense/", 404, flags=SUPER),
    get("/admin/tasks/summary/"),
    get("/admin/space/", flags=REPORTS),
    post("/admin/tasks/over/forget/", 400, form={"status": "active"}),
    get("/admin/tasks/empty_trash/ahead/", flags=SUPER),
    get("/admin/tasks/nonsense/ahead/", 404, flags=SUPER),
    post("/admin/tasks/{my_task}/retry/", 400),
    post("/admin/tasks/{task}/retry/", 400, flags=SUPER),
    get("/reports/datafeed/system", 400, below="", flags=REPORTS, anonymous=302),
    get("/reports/datafeed/image", 400, below="", flags=REPORTS, anonymous=302),
    get("/reports/datafeed/top", below="", flags=REPORTS, anonymous=302),
    get("/reports/datafeed/summary", below="", flags=REPORTS, anonymous=302),
]

TABLE = [*LOG_IN, *LIBRARY, *PORTFOLIOS, *ACCOUNTS, *TASKS]


def filled(value: Any, values: Mapping[str, object]) -> Any:
    """``value`` with what the names in braces stand for."""
    if isinstance(value, str):
        return re.sub(r"\{(\w+)\}", lambda found: str(values[found[1]]), value)
    if isinstance(value, Mapping):
        return {name: filled(one, values) for name, one in value.items()}
    return value


def pattern_of(path: str) -> re.Pattern[str]:
    """What fits the path of an endpoint, as it is declared."""
    parts = re.split(r"<(\w+:)?\w+>", path)
    kinds = {"int:": r"(\d+|\{\w+\})", "word:": r"[a-z_]+", "path:": ".+", None: r"([^/{}]+|\{\w+\})"}
    text = re.escape(parts[0])
    for kind, rest in zip(parts[1::2], parts[2::2], strict=True):
        text += kinds[kind] + re.escape(rest)
    return re.compile(text)
