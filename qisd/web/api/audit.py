"""The audit log."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Annotated

from msgspec import Meta

from qisd.access.levels import Flag
from qisd.accounts.audit import AuditLog
from qisd.store.audit import AuditEntry as Entry
from qisd.store.audit import AuditFilter
from qisd.web.api.endpoint import Call, Page, endpoint
from qisd.web.api.models import AuditEntry
from qisd.web.api.presenting import objects
from qisd.web.api.reading import Form

TAG = "Audit log"

Text = Annotated[str, Meta(max_length=120)]


class AuditFilterForm(Form):
    """Which entries."""

    actor_id: Annotated[int, Meta(ge=1, extra={"blank_absent": True})] | None = None
    actor_name: Text = ""
    action: Annotated[Text, Meta(description="one action, or all of an object: user, group, …")] = ""
    object_type: Text = ""
    object_id: Text = ""
    from_time: Annotated[datetime, Meta(extra={"blank_absent": True})] | None = None
    to_time: Annotated[datetime, Meta(description="the first moment after it", extra={"blank_absent": True})] | None = (
        None
    )


class AuditForm(AuditFilterForm):
    """Which entries, and which page of them."""

    below: (
        Annotated[
            int,
            Meta(ge=1, description="the id of the last entry of the page before", extra={"blank_absent": True}),
        ]
        | None
    ) = None


class AuditEndpoints:
    """The endpoints of the audit log."""

    def __init__(self, log: AuditLog) -> None:
        self._log = log

    @endpoint(
        "GET",
        "/admin/audit/",
        summary="Who changed what, the newest first",
        tag=TAG,
        login=True,
        flag=Flag.ADMIN_PERMISSIONS,
        form=AuditForm,
        listing=True,
        answer=list[AuditEntry],
        description="At most 1000 entries at a time. Pages by `below` lose and repeat nothing while the log grows.",
        errors=(400,),
    )
    async def listed(self, call: Call) -> Page:
        form = call.read(AuditForm)
        part = await self._log.listed(call.visitor, _filter(form), below=form.below, start=call.start, limit=call.limit)
        return Page(items=await objects(call, part.items, _object), total=part.total)

    @endpoint(
        "GET",
        "/admin/audit/export/",
        summary="All entries as JSON lines, the newest first",
        tag=TAG,
        login=True,
        flag=Flag.ADMIN_PERMISSIONS,
        form=AuditFilterForm,
        lines=True,
        answer=AuditEntry,
        errors=(400,),
    )
    async def export(self, call: Call) -> AsyncIterator[Sequence[AuditEntry]]:
        pages = self._log.export(call.visitor, _filter(call.read(AuditFilterForm)))
        return ([_object(entry) for entry in page] async for page in pages)


def _filter(form: AuditFilterForm) -> AuditFilter:
    return AuditFilter(
        actor_id=form.actor_id,
        actor_name=form.actor_name,
        action=form.action,
        object_type=form.object_type,
        object_id=form.object_id,
        since=form.from_time,
        until=form.to_time,
    )


def _object(entry: Entry) -> AuditEntry:
    return AuditEntry(
        id=entry.id,
        time=entry.time,
        actor_id=entry.actor.actor_id,
        actor_name=entry.actor.actor_name,
        actor_kind=entry.actor.actor_kind,
        address=entry.actor.address,
        request_id=entry.actor.request_id,
        action=entry.action,
        object_type=entry.object_type,
        object_id=entry.object_id,
        before=entry.before,
        after=entry.after,
    )
