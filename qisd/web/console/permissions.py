"""The pages of folder permissions: folders by groups, and why somebody may do something somewhere."""

from __future__ import annotations

from qisd.access.levels import Flag, Level
from qisd.accounts.trace import FolderTrace, Trace
from qisd.errors import QisError
from qisd.web.console.page import Page, PageCall, address, whole


class PermissionPages:
    """The pages about folder permissions."""

    def __init__(self, trace: Trace) -> None:
        self._trace = trace

    @address("/admin/permissions/", who=Flag.ADMIN_PERMISSIONS)
    async def matrix(self, call: PageCall) -> Page:
        """Folders by groups; ``path`` and ``group`` lead to one cell."""
        data = {
            "view": "matrix",
            "path": call.query.get("path", "/"),
            "group": whole(call.query.get("group") or "0", "group"),
            "levels": [int(level) for level in Level],
        }
        return Page(template="permissions.html", title="Folder permissions", area="permissions", data=data)

    @address("/admin/trace_permissions/", who=Flag.ADMIN_PERMISSIONS)
    async def trace(self, call: PageCall) -> Page:
        """How the access of one user, or of everybody (0), to one folder comes about. Works without script."""
        path, user_id = call.query.get("path", "/"), whole(call.query.get("user") or "0", "user")
        found: FolderTrace | None = None
        error: QisError | None = None
        try:
            found = await self._trace.folder(call.visitor, path, user_id=user_id or None)
        except QisError as fault:
            if fault.status not in (400, 404):
                raise
            error = fault
        values = {
            "path": path,
            "user_id": user_id,
            "trace": found,
            "error": error,
            "level_names": {int(level): level.name.lower() for level in Level},
        }
        data = {"view": "trace", "path": path, "user": user_id}
        return Page(
            template="trace.html",
            title="Trace permissions",
            area="permissions",
            values=values,
            data=data,
            status=200 if error is None else error.status,
        )
