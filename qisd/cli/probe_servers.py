"""``qis check --network``: do all servers of the site agree, and go their clocks right?"""

from __future__ import annotations

from qisd.agreement import differences, titles_of, wrong_clocks
from qisd.cli.console import CommandError
from qisd.cli.database_access import reach_database
from qisd.cli.health import Report
from qisd.errors import StoreUnavailable
from qisd.settings import Settings
from qisd.store.server_status import living_at


def probe_servers(settings: Settings, report: Report) -> None:
    """Add to ``report`` what servers have said of themselves. Says nothing where nobody has, and leaves it to
    ``--database`` to tell of one that can't be asked. A process of root becomes the account of the server by that.
    """
    try:
        with reach_database(settings, log=lambda line: None, prepare=False, missing="refuse") as url:
            servers = living_at(url)
    except (CommandError, StoreUnavailable):
        return
    titles = titles_of(servers)
    if servers:
        report.facts.append(f"servers of the site: {', '.join(titles.values())}")
    report.problems.extend(
        f"{one.setting}: has to be the same on all servers of the site, and differs between"
        f" {' and '.join(', '.join(camp) for camp in one.camps)}"
        for one in differences(servers)
    )
    report.warnings.extend(
        f"the clock of {titles[one.server_id]} is {one.clock_ahead:+.0f} s off, while sessions and tokens depend on it:"
        " `timedatectl set-ntp true` there"
        for one in wrong_clocks(servers)
    )
