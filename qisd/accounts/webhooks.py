"""Webhooks: addresses that super-users have told what happens."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable, Sequence
from typing import Any

import attrs

from qisd.access.levels import Flag
from qisd.access.visitor import Visitor
from qisd.accounts import checks
from qisd.accounts.changes import Change, Changes
from qisd.accounts.webhook_addresses import Network, check_url
from qisd.errors import BadParameter, NotFound
from qisd.store import webhooks
from qisd.store.part import Part
from qisd.store.pool import Database
from qisd.store.webhooks import EVENTS, Delivery, Webhook

SECRET_MIN, SECRET_MAX = 16, 255
SECRET_PREFIX = "whsec_"  # noqa: S105 - what secrets begin with is none
"""What follows is the key in base64; other secrets are keys as they are."""

_SECRET_BYTES = 32


class Webhooks:
    """All that can be done with webhooks; for super-users only.

    :param allowed: networks that may be reached besides public addresses.
    """

    def __init__(self, database: Database, changes: Changes, *, allowed: Callable[[], Sequence[Network]]) -> None:
        self._database = database
        self._changes = changes
        self._allowed = allowed

    async def listed(self, visitor: Visitor) -> list[Webhook]:
        checks.require_flag(visitor, Flag.ADMIN_ALL)
        return await webhooks.listed(self._database)

    async def get(self, visitor: Visitor, webhook_id: int) -> Webhook:
        """:raises NotFound: there is none."""
        checks.require_flag(visitor, Flag.ADMIN_ALL)
        return _found(await webhooks.by_id(self._database, webhook_id), webhook_id)

    async def deliveries(
        self, visitor: Visitor, webhook_id: int, *, start: int = 0, limit: int | None = None
    ) -> Part[Delivery]:
        """What one is yet to be told, the oldest first.

        :raises NotFound: there is no such webhook.
        """
        await self.get(visitor, webhook_id)
        items = await webhooks.deliveries(self._database, webhook_id, start=start, limit=limit)
        return Part(items=items, total=await webhooks.count_deliveries(self._database, webhook_id))

    async def create(
        self, visitor: Visitor, *, url: str, events: Sequence[str], secret: str | None, active: bool
    ) -> Webhook:
        """Register an address.

        :param secret: what messages are signed with; None: one is made.
        :raises BadParameter: the address can't be one, or there are no such events.
        """
        checks.require_flag(visitor, Flag.ADMIN_ALL)
        url, chosen = check_url(url.strip(), allowed=self._allowed()), _events(events)
        key = new_secret() if secret is None else _secret(secret)

        async def work(change: Change) -> Webhook:
            change.require(Flag.ADMIN_ALL)
            webhook = await webhooks.insert(change.db, url=url, events=chosen, secret=key, active=active)
            await change.record("webhook.created", webhook.id, after=_state(webhook))
            return webhook

        return await self._changes.run(visitor, work)

    async def update(
        self,
        visitor: Visitor,
        webhook_id: int,
        *,
        url: str,
        events: Sequence[str],
        secret: str | None,
        active: bool,
        expected_version: int | None = None,
    ) -> Webhook:
        """Change one.

        :param secret: None: it stays.
        :raises NotFound: there is none. :raises OutOfDate: it is not version ``expected_version`` any more.
        """
        checks.require_flag(visitor, Flag.ADMIN_ALL)
        url, chosen = check_url(url.strip(), allowed=self._allowed()), _events(events)
        key = None if secret is None else _secret(secret)

        async def work(change: Change) -> Webhook:
            change.require(Flag.ADMIN_ALL)
            old = _found(await webhooks.by_id(change.db, webhook_id), webhook_id)
            checks.version(f"webhook {webhook_id}", present=old.version, expected=expected_version)
            new = attrs.evolve(old, url=url, events=chosen, active=active, secret=key or old.secret)
            if (list(old.events), old.url, old.active, old.secret) == (chosen, new.url, new.active, new.secret):
                return old
            new = await webhooks.save(change.db, new)
            await change.record(
                "webhook.changed", webhook_id, before=_state(old), after=_state(new, new_key=new.secret != old.secret)
            )
            return new

        return await self._changes.run(visitor, work)

    async def delete(self, visitor: Visitor, webhook_id: int, *, expected_version: int | None = None) -> None:
        """Remove one; what it is yet to be told is dropped.

        :raises NotFound: there is none.
        """
        checks.require_flag(visitor, Flag.ADMIN_ALL)

        async def work(change: Change) -> None:
            change.require(Flag.ADMIN_ALL)
            old = _found(await webhooks.by_id(change.db, webhook_id), webhook_id)
            checks.version(f"webhook {webhook_id}", present=old.version, expected=expected_version)
            await webhooks.delete(change.db, webhook_id)
            await change.record("webhook.deleted", webhook_id, before=_state(old))

        await self._changes.run(visitor, work)


def new_secret() -> str:
    """A secret that nobody can guess."""
    return SECRET_PREFIX + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode("ascii")


def key_of(secret: str) -> bytes:
    """The key that a secret stands for.

    :raises ValueError: it has the prefix, but is not in base64.
    """
    if secret.startswith(SECRET_PREFIX):
        return base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    return secret.encode("utf-8")


def _secret(secret: str) -> str:
    checks.text("secret", secret, least=SECRET_MIN, most=SECRET_MAX)
    try:
        key_of(secret)
    except ValueError as error:
        raise BadParameter("secret", f"must be in base64 after {SECRET_PREFIX}") from error
    return secret


def _events(events: Sequence[str]) -> list[str]:
    if not events:
        raise BadParameter("events", "Value is too short (min 1)")
    for event in events:
        if event not in EVENTS:
            raise BadParameter("events", f"Value is not one of: {', '.join(EVENTS)}")
    return [event for event in EVENTS if event in events]


def _found(webhook: Webhook | None, webhook_id: int) -> Webhook:
    if webhook is None:
        raise NotFound(str(webhook_id))
    return webhook


def _state(webhook: Webhook, *, new_key: bool = False) -> dict[str, Any]:
    """For the audit log, which must not hold secrets."""
    state: dict[str, Any] = {"url": webhook.url, "events": list(webhook.events), "active": webhook.active}
    return {**state, "secret": "changed"} if new_key else state
