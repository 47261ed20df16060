"""``qis check --database``: does the database let us in, and does its schema fit this program?"""

from __future__ import annotations

import time

from qisd.cli.console import CommandError, Exit
from qisd.cli.database_access import reach_database
from qisd.cli.health import Report
from qisd.errors import StoreUnavailable
from qisd.settings import Settings
from qisd.store.schema_status import database_status

_REMEDY = (
    "does it run there (`systemctl status postgresql`), does the URL name server, database and user rightly,"
    " does pg_hba.conf let this machine in?"
)


def probe_database(settings: Settings, report: Report) -> None:
    """Add to ``report`` how the database fares. A process of root becomes the account of the server by that."""
    name = "MGMT_DATABASE_CONNECTION"
    began = time.monotonic()
    try:
        with reach_database(settings, log=report.facts.append, prepare=False, missing="refuse") as url:
            reached = time.monotonic()
            found = database_status(url)
    except (CommandError, StoreUnavailable) as error:
        if isinstance(error, CommandError) and error.exit_code != Exit.UNREACHABLE:
            report.warnings.append(f"{name}: {error}")
        else:
            remedy = _REMEDY if settings.mgmt_database_connection else "its own log is postgres.log beside the others"
            report.problems.append(f"{name}: {error}: {remedy}")
        return
    kind = "" if settings.mgmt_database_connection else "embedded, "
    report.facts.append(
        f"database: {found.database} ({kind}PostgreSQL {found.server} at {found.host}),"
        f" has answered in {(time.monotonic() - reached) * 1000:.1f} ms, connected in {(reached - began) * 1000:.0f} ms"
    )
    if found.refusal:
        report.problems.append(f"{name}: {found.refusal}")
        return
    if found.pending:
        report.facts.append(f"database: the next start does {', '.join(found.pending)}")
    if found.unknown and found.usable:
        report.facts.append(
            f"database: a newer program has done {', '.join(found.unknown)}, which this one can do with"
        )
    elif found.unknown:
        report.problems.append(
            f"{name}: the schema is newer than this program (it has had {found.unknown[-1]}):"
            " install the version that was here before, or restore a backup of this one"
        )
