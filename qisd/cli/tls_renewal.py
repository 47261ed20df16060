"""``qis tls renew``, and how renewal by ACME stands."""

from __future__ import annotations

import argparse
from typing import Any

from qisd.cli.console import CommandError, Console, Exit
from qisd.cli.moments import iso
from qisd.cli.tasks import Desk, at_desk, elsewhere, finished
from qisd.cli.working import Tools, run
from qisd.errors import AlreadyExists
from qisd.store import acme
from qisd.tasks.registry import TaskType
from qisd.tls.renewal import TASK, certificate_names, renewal_time

_KEPT = 3600
"""Seconds for which one can look at what has become of a renewal."""


def have_renewed(console: Console, options: argparse.Namespace) -> Exit:
    """``qis tls renew``."""
    settings = console.load().settings
    if not settings.acme:
        raise CommandError(
            "ACME is off: certificates are renewed where they come from, such as by certbot renew;"
            " qis tls self-sign makes a self-signed one"
        )

    async def work(desk: Desk) -> dict[str, object]:
        try:
            task = await desk.queue.add(TASK, {"now": True}, user_id=None, keep_for=_KEPT)
        except AlreadyExists as error:
            raise CommandError("a certificate is being got already") from error
        return await desk.facts(await finished(console, desk, task))

    facts = at_desk(console, work, [TaskType(name=TASK, title="Have a new certificate", run=elsewhere)])
    if facts["status"] == "complete":
        return console.done("there is a new certificate; the servers show it within seconds", facts)
    raise CommandError(str(facts["error"] or facts["status"]), exit_code=Exit.PARTLY_DONE)


def renewal_facts(console: Console) -> dict[str, Any]:
    """How it stands with the certificate that ACME is about: by the database, or why that can't tell."""

    async def work(tools: Tools) -> acme.State | None:
        settings = tools.settings
        return await acme.state(tools.database, settings.acme_directory, certificate_names(settings))

    found: acme.State | None = None
    unknown = ""
    try:
        found = run(console, work)
    except CommandError as error:
        unknown = str(error)
    due = (
        None
        if found is None or found.not_before is None or found.not_after is None
        else renewal_time(found.not_before, found.not_after)
    )
    return {
        "due": iso(due),
        "failures": 0 if found is None else found.failures,
        "error": unknown if found is None else found.error,
        "next_attempt": None if found is None else iso(found.next_attempt),
    }


def renewal_text(facts: dict[str, Any]) -> str:
    """The same for people."""
    if facts["next_attempt"] is not None:
        return f"renewal: the last attempt failed: {facts['error']}; the next one is at {facts['next_attempt']}"
    if facts["error"]:
        return f"renewal: {facts['error']}"
    return f"renewal: on {facts['due'][:10]}" if facts["due"] else "renewal: nobody has begun yet; does the server run?"
