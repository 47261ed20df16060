"""Webhooks: addresses that are told what happens."""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, Meta

from qisd.access.levels import Flag
from qisd.accounts.webhook_addresses import URL_MAX
from qisd.accounts.webhooks import SECRET_MAX, SECRET_MIN, Webhooks
from qisd.store.webhooks import EVENTS, Webhook
from qisd.web.api.endpoint import Call, Page, Versioned, endpoint
from qisd.web.api.models import NewWebhook, WebhookDelivery, WebhookObject
from qisd.web.api.reading import Form

TAG = "Webhooks"

_ALL = "/admin/webhooks/"
_ONE = f"{_ALL}<int:id>/"

_ABOUT = (
    f"Events: {', '.join(EVENTS)}. Each is a POST of a JSON object (`type`, `timestamp`, `data`) with the headers"
    " `webhook-id`, `webhook-timestamp` and `webhook-signature`: `v1,` and the base64 of an HMAC-SHA256 over id,"
    " timestamp and body with dots between. What is not answered with 2xx is sent again for a day."
)

Event = Annotated[str, Meta(extra_json_schema={"enum": list(EVENTS)})]
"""One of them; the webhooks look at it."""


class WebhookForm(Form):
    """Who is told of what."""

    url: Annotated[str, Meta(min_length=1, max_length=URL_MAX, extra={"trim": True}, description="https or http")]
    events: Annotated[list[Event], Meta(min_length=1, max_length=len(EVENTS), extra={"json_text": (2, 1000)})]
    secret: (
        Annotated[
            str,
            Meta(
                min_length=SECRET_MIN,
                max_length=SECRET_MAX,
                description="key of the signature, after whsec_ in base64; never shown; kept, or made, if not given",
            ),
        ]
        | None
    ) = None
    active: bool = True


class WebhookEndpoints:
    """The endpoints of webhooks."""

    def __init__(self, webhooks: Webhooks) -> None:
        self._webhooks = webhooks

    @endpoint(
        "GET",
        _ALL,
        summary="All webhooks",
        tag=TAG,
        login=True,
        flag=Flag.ADMIN_ALL,
        listing=True,
        answer=list[WebhookObject],
    )
    async def listed(self, call: Call) -> list[WebhookObject]:
        return [_object(webhook) for webhook in await self._webhooks.listed(call.visitor)]

    @endpoint(
        "POST",
        _ALL,
        summary="Register a webhook",
        tag=TAG,
        login=True,
        flag=Flag.ADMIN_ALL,
        form=WebhookForm,
        answer=NewWebhook,
        secret=True,
        errors=(400,),
        description=_ABOUT,
        example={"url": "https://hooks.example.com/images", "events": ["image.created", "image.replaced"]},
    )
    async def create(self, call: Call) -> NewWebhook:
        form = call.read(WebhookForm)
        webhook = await self._webhooks.create(
            call.visitor, url=form.url, events=form.events, secret=form.secret, active=form.active
        )
        shown = _object(webhook)
        return NewWebhook(
            id=shown.id,
            url=shown.url,
            events=shown.events,
            active=shown.active,
            created=shown.created,
            secret=UNSET if form.secret is not None else webhook.secret,
        )

    @endpoint("GET", _ONE, summary="A webhook", tag=TAG, login=True, flag=Flag.ADMIN_ALL, answer=WebhookObject)
    async def get(self, call: Call) -> Versioned:
        return _versioned(await self._webhooks.get(call.visitor, call.id()))

    @endpoint(
        "PUT",
        _ONE,
        summary="Change a webhook",
        tag=TAG,
        login=True,
        flag=Flag.ADMIN_ALL,
        form=WebhookForm,
        answer=WebhookObject,
        errors=(400,),
    )
    async def change(self, call: Call) -> Versioned:
        form = call.read(WebhookForm)
        webhook = await self._webhooks.update(
            call.visitor,
            call.id(),
            url=form.url,
            events=form.events,
            secret=form.secret,
            active=form.active,
            expected_version=call.version,
        )
        return _versioned(webhook)

    @endpoint("DELETE", _ONE, summary="Remove a webhook", tag=TAG, login=True, flag=Flag.ADMIN_ALL)
    async def delete(self, call: Call) -> None:
        await self._webhooks.delete(call.visitor, call.id(), expected_version=call.version)

    @endpoint(
        "GET",
        f"{_ONE}deliveries/",
        summary="What a webhook is yet to be told",
        tag=TAG,
        login=True,
        flag=Flag.ADMIN_ALL,
        listing=True,
        answer=list[WebhookDelivery],
    )
    async def deliveries(self, call: Call) -> Page:
        part = await self._webhooks.deliveries(call.visitor, call.id(), start=call.start, limit=call.limit)
        items = [
            WebhookDelivery(
                id=f"msg_{one.message_id.hex}",
                event=one.event,
                data=dict(one.data),
                created=one.created,
                attempts=one.attempts,
                next_attempt=one.next_attempt,
                error=one.error,
            )
            for one in part.items
        ]
        return Page(items=items, total=part.total)


def _versioned(webhook: Webhook) -> Versioned:
    return Versioned(data=_object(webhook), version=webhook.version)


def _object(webhook: Webhook) -> WebhookObject:
    return WebhookObject(
        id=webhook.id,
        url=webhook.url,
        events=list(webhook.events),
        active=webhook.active,
        created=webhook.created,
    )
