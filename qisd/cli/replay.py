"""``qis replay``: asks a server for what is in an access log, and tells where it answers otherwise."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import attrs

from qisd.cli.bench import Aim, aim_at
from qisd.cli.console import CommandError, Console, Exit
from qisd.cli.numbers import within
from qisd.cli.progress import progress_bar, size_text
from qisd.cli.replay_ask import Asked, ask
from qisd.cli.replay_log import Logged, read

Subparsers = Any

_MOST, _CLIENTS = 10_000, 4
_MOST_ADDRESSES, _MOST_CLIENTS = 10**6, 100
_SILENT = 5
"""So many answers of a server missing in a row end it: it isn't there."""

_TIMES = 2
"""Other programs, other bytes: only an image that has become so many times as large or as small is told of."""

_REDIRECTS = range(300, 400)


def add_parser(commands: Subparsers, common: argparse.ArgumentParser) -> None:
    """Add the command to ``commands``."""
    parser = commands.add_parser(
        "replay", parents=[common], help="ask for what is in an access log, and tell what is answered otherwise"
    )
    parser.add_argument("url", metavar="URL", type=aim_at, help="of the server, such as https://127.0.0.1:8443")
    parser.add_argument("files", metavar="FILE", nargs="+", type=Path, help="access logs (.gz as well), or addresses")
    parser.add_argument(
        "--compare", metavar="URL", type=aim_at, help="of another server: ask it too, and compare the answers"
    )
    parser.add_argument(
        "--most",
        metavar="N",
        type=within(1, _MOST_ADDRESSES),
        default=_MOST,
        help=f"different addresses, beginning with those asked for most often (default: {_MOST})",
    )
    parser.add_argument(
        "--clients",
        metavar="N",
        type=within(1, _MOST_CLIENTS),
        default=_CLIENTS,
        help=f"so many at the same time (default: {_CLIENTS})",
    )
    parser.set_defaults(run=_replay)


@attrs.frozen(kw_only=True)
class _Outcome:
    """One address, and what came of it. ``there`` is None when no other server was asked."""

    logged: Logged
    here: Asked
    there: Asked | None

    @property
    def differences(self) -> dict[str, str]:
        """What is otherwise, in words, by what it is about."""
        if self.here.failure:  # a missing answer is like nothing, not even another one
            return {"status": self.here.answer}
        found = {} if self.logged.expected is None else _from_log(self.logged, self.here)
        # The other server is there to be looked at more closely: what it says now goes before what was logged.
        return found if self.there is None else {**found, **_from_other(self.here, self.there)}


def _replay(console: Console, options: argparse.Namespace) -> Exit:
    logged, without = read(options.files)
    if without:
        console.message(f"{without} lines without an address that can be asked for are left out")
    if options.compare is None and all(one.expected is None for one in logged):
        raise CommandError("no line tells what was answered: give --compare URL, of a server to compare with")
    if len(logged) > options.most:
        console.message(f"{len(logged)} different addresses: the {options.most} most wanted are asked for; see --most")
    chosen = logged[: options.most]
    outcomes = []
    with progress_bar(console, "replaying") as bar:
        for outcome in _asked(chosen, options):
            outcomes.append(outcome)
            bar("replaying", len(outcomes), len(chosen))
    return _tell(console, outcomes)


def _asked(logged: Sequence[Logged], options: argparse.Namespace) -> Iterator[_Outcome]:
    """What comes of each address, in order.

    :raises CommandError: one of the servers doesn't answer at all.
    """
    silent: Counter[Aim] = Counter()
    with ThreadPoolExecutor(options.clients) as pool:
        try:
            for outcome in pool.map(partial(_both, options.url, options.compare), logged):
                for aim, asked in ((options.url, outcome.here), (options.compare, outcome.there)):
                    if asked is None:
                        continue
                    silent[aim] = silent[aim] + 1 if asked.failure else 0
                    if silent[aim] >= _SILENT:
                        raise CommandError(f"{aim.text}: {asked.failure}", exit_code=Exit.UNREACHABLE)
                yield outcome
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _both(aim: Aim, other: Aim | None, logged: Logged) -> _Outcome:
    there = None if other is None else ask(other, logged.target)
    return _Outcome(logged=logged, here=ask(aim, logged.target), there=there)


def _from_log(logged: Logged, here: Asked) -> dict[str, str]:
    expected = logged.expected
    if expected is None:
        return {}
    if not _alike(expected.status, here.status):
        return {"status": f"{here.answer}; in the log {expected.status}"}
    if here.kind.startswith("image/") and _far_off(expected.size, here.size):
        return {"bytes": f"{size_text(here.size)}; in the log {size_text(expected.size or 0)}"}
    return {}


def _from_other(here: Asked, there: Asked) -> dict[str, str]:
    if not _alike(here.status, there.status):
        return {"status": f"{here.answer}; there {there.answer}"}
    if here.status != 200:  # pages that say so need not be the same
        return {}
    found = {}
    if here.kind != there.kind:
        found["type"] = f"{here.kind or 'no type'}; there {there.kind or 'none'}"
    if here.picture != there.picture:
        found["picture"] = f"{_picture(here)}; there {_picture(there)}"
    elif here.picture is not None and _far_off(there.size, here.size):
        found["bytes"] = f"{size_text(here.size)}; there {size_text(there.size)}"
    return found


def _alike(one: int | None, other: int | None) -> bool:
    """All redirects are alike: which of them it is has never mattered to a browser."""
    return one == other or (one in _REDIRECTS and other in _REDIRECTS)


def _far_off(one: int | None, other: int) -> bool:
    return bool(one) and one is not None and not one <= other * _TIMES <= one * _TIMES**2


def _picture(asked: Asked) -> str:
    return "no picture" if asked.picture is None else "{} × {}".format(*asked.picture)


# What is told


def _tell(console: Console, outcomes: Sequence[_Outcome]) -> Exit:
    differing = [(one, one.differences) for one in outcomes if one.differences]
    if console.as_json:
        console.result_json(
            {
                "addresses": len(outcomes),
                "alike": len(outcomes) - len(differing),
                "differing": [_facts(one, differences) for one, differences in differing],
            }
        )
    else:
        if differing:
            rows = [
                (str(one.logged.times), about, text, one.logged.target)
                for one, differences in differing
                for about, text in differences.items()
            ]
            console.table([("TIMES", "WHAT", "HERE", "ADDRESS"), *rows])
            console.result("")
        counted = Counter(about for _, differences in differing for about in differences)
        kinds = "".join(f"; {about}: {count}" for about, count in counted.most_common())
        console.result(f"{len(outcomes)} addresses, {len(outcomes) - len(differing)} alike{kinds}")
    return Exit.UNHEALTHY if differing else Exit.DONE


def _facts(outcome: _Outcome, differences: dict[str, str]) -> dict[str, object]:
    expected = outcome.logged.expected
    return {
        "address": outcome.logged.target,
        "times": outcome.logged.times,
        "differences": differences,
        "log": None if expected is None else {"status": expected.status, "bytes": expected.size},
        "here": outcome.here.facts(),
        "there": None if outcome.there is None else outcome.there.facts(),
    }
