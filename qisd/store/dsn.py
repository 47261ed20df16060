"""Where the database is: from the setting's URL to libpq's parameters."""

from __future__ import annotations

import re
from collections.abc import Mapping

import psycopg2
from psycopg2.extensions import parse_dsn

from qisd.errors import SettingsError

Parameters = Mapping[str, str]
"""Keyword parameters of libpq, as ``psycopg2.connect`` takes them."""

# ``+psycopg2`` is how SQLAlchemy, and with it the older settings files, name the driver.
_SCHEME = re.compile(r"\Apostgres(?:ql)?(?:\+psycopg2)?://", re.IGNORECASE)

# A peer that vanishes without a word is noticed after 10 + 3 × 5 seconds, a query sent to it after 20.
_DEFAULTS = {
    "application_name": "qisd",
    "connect_timeout": "5",
    "gssencmode": "disable",
    "keepalives": "1",
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "20000",
}


def parameters_of(url: str, *, query_timeout: float) -> Parameters:
    """The libpq parameters of a URL ``postgresql://user:password@host1:5432,host2:5432/name?option=value``.

    ``postgres://`` and ``postgresql+psycopg2://`` are accepted too. What the URL leaves open gets defaults: time-outs,
    keep-alives, a limit for each statement, and of several hosts the one that can be written to. The URL's own values
    win.

    :param query_timeout: seconds after which the server gives up a statement.
    :raises SettingsError: the URL can't be used; the text doesn't repeat it, since it may hold a password.
    """
    given = given_parameters(url)
    parameters = _DEFAULTS | given
    limits = f"-c statement_timeout={round(query_timeout * 1000)} -c idle_in_transaction_session_timeout=60000"
    # Times come back in the session's zone, and days begin in it: whatever the server is set to, ours is UTC.
    parameters["options"] = f"{limits} -c TimeZone=UTC {given.get('options', '')}".strip()
    if not parameters["connect_timeout"].isdecimal():
        raise SettingsError(["MGMT_DATABASE_CONNECTION: connect_timeout must be a number of seconds"])
    if len(hosts_of(parameters)) > 1:
        parameters.setdefault("target_session_attrs", "read-write")
    return parameters


def given_parameters(url: str) -> dict[str, str]:
    """What a URL says, and nothing more.

    :raises SettingsError: as :func:`parameters_of`.
    """
    scheme = _SCHEME.match(url)
    if scheme is None:
        raise SettingsError(["MGMT_DATABASE_CONNECTION: must be a URL that begins with postgresql://"])
    try:
        return dict(parse_dsn("postgresql://" + url[scheme.end() :]))
    except (psycopg2.Error, UnicodeError):
        # libpq quotes parts of the URL in its error texts; with a misplaced "@" that part is the password.
        raise SettingsError(["MGMT_DATABASE_CONNECTION: is not a valid PostgreSQL URL"]) from None


def hosts_of(parameters: Parameters) -> list[Parameters]:
    """One set of parameters for each host that ``parameters`` name, in their order.

    :raises SettingsError: the lists of hosts, addresses and ports don't have the same length.
    """
    lists = {key: parameters[key].split(",") for key in ("host", "hostaddr", "port") if parameters.get(key)}
    count = max((len(lists[key]) for key in ("host", "hostaddr") if key in lists), default=1)
    if len(lists.get("port", ())) == 1:
        lists["port"] *= count
    if any(len(values) != count for values in lists.values()):
        raise SettingsError(["MGMT_DATABASE_CONNECTION: must give one port, or one for each host"])
    return [{**parameters, **{key: values[i] for key, values in lists.items()}} for i in range(count)]
