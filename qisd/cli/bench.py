"""``qis bench``: how many requests a server answers, and how quickly."""

from __future__ import annotations

import argparse
import ssl
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import attrs

from qisd.cli import bench_urls
from qisd.cli.chart import Curve, Panel, write_panels
from qisd.cli.console import CommandError, Console, Exit
from qisd.cli.load import Amount, Server, load
from qisd.cli.numbers import within
from qisd.cli.tally import PERCENTILES, Tally, Times

Subparsers = Any

REFERER = "qis/benchmark"

_REQUESTS, _SHARE, _CLIENTS = 1000, 90, 4
_MOST_REQUESTS, _MOST_CLIENTS, _MOST_SECONDS, _MOST_RATE = 10**9, 1000, 7 * 86_400, 10**6
_TIMEOUT = 60.0
_PERCENT = 100
_FAR_FROM = 3
"""Percent by which the share of hits may be off from what was asked for without a word."""

_PLOTS = (".svg", ".png")


def add_parser(commands: Subparsers, common: argparse.ArgumentParser) -> None:
    """Add the command to ``commands``."""
    parser = commands.add_parser("bench", parents=[common], help="load a server, and tell how it fares")
    parser.add_argument("url", metavar="URL", type=aim_at, help="of the server, such as https://127.0.0.1:8443")
    parser.add_argument(
        "count", metavar="N", nargs="?", type=within(1, _MOST_REQUESTS), help=f"requests (default: {_REQUESTS})"
    )
    parser.add_argument(
        "share",
        metavar="PCT",
        nargs="?",
        type=within(0, _PERCENT),
        help=f"of them, percent that may come from a cache (default: {_SHARE}); less than 100 needs BENCHMARKING",
    )
    parser.add_argument(
        "clients",
        metavar="CLIENTS",
        nargs="?",
        type=within(1, _MOST_CLIENTS),
        default=_CLIENTS,
        help=f"at the same time (default: {_CLIENTS})",
    )
    parser.add_argument(
        "--duration", metavar="SECONDS", type=within(1, _MOST_SECONDS), help="for so long, instead of N requests"
    )
    parser.add_argument(
        "--rate",
        metavar="N",
        type=within(1, _MOST_RATE),
        help="so many requests a second, however long answers take (default: each client as soon as it has an answer)",
    )
    parser.add_argument("--keep-alive", action="store_true", help="use connections for many requests, as browsers do")
    parser.add_argument("--urls", metavar="FILE", type=Path, help="ask for these: addresses, or an access log")
    parser.add_argument("--plot", metavar="FILE", type=_plot, help="draw rate and times into a .svg or .png file")
    warmth = parser.add_mutually_exclusive_group()
    warmth.add_argument("--only-warm", action="store_true", help="only ask once for each address")
    warmth.add_argument("--skip-warm", action="store_true", help="don't do that first")
    parser.set_defaults(run=_bench)


@attrs.frozen(kw_only=True)
class Aim:
    """A server that is to be asked.

    :param root: the path below which it lies, without a slash at the end.
    """

    text: str
    host: str
    port: int
    tls: bool
    root: str


def aim_at(text: str) -> Aim:
    """An argument that is the address of a server.

    :raises argparse.ArgumentTypeError: it is none.
    """
    try:
        parts = urlsplit(text if "//" in text else f"http://{text}")
        port = parts.port
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no address: {error}") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise argparse.ArgumentTypeError(f"{text!r} is no address such as http://127.0.0.1:8080")
    tls = parts.scheme == "https"
    return Aim(text=text, host=parts.hostname, port=port or (443 if tls else 80), tls=tls, root=parts.path.rstrip("/"))


def _plot(text: str) -> Path:
    path = Path(text)
    if path.suffix.lower() not in _PLOTS:
        raise argparse.ArgumentTypeError(f"{text!r} ends neither with .svg nor with .png")
    return path


@attrs.frozen(kw_only=True)
class Outcome:
    """What came of it.

    :param seconds: from the first request to the last answer.
    :param stopped: whether somebody has ended it.
    """

    tally: Tally
    seconds: float
    stopped: bool

    @property
    def rate(self) -> float:
        return self.tally.count / self.seconds if self.seconds else 0.0


def _bench(console: Console, options: argparse.Namespace) -> Exit:
    aim: Aim = options.url
    targets = _targets(console, options)
    share = options.share if options.share is not None else _PERCENT if options.urls else _SHARE
    warm = None if options.skip_warm else _warmed(console, options, targets)
    if warm is not None and (warm.stopped or options.only_warm):
        return _tell(console, options, None, warm, share)
    count = None if options.duration else options.count or (len(targets) if options.urls else _REQUESTS)
    amount = Amount(count=count, seconds=options.duration, rate=options.rate)
    how_long = f"{options.duration} s" if options.duration else f"{count} requests"
    console.message(f"{aim.text}: {how_long}, {share} % from the cache, {options.clients} clients")
    outcome = _run(aim, bench_urls.mixed(targets, share), amount, options)
    return _tell(console, options, outcome, warm, share)


def _targets(console: Console, options: argparse.Namespace) -> list[str]:
    if options.urls is None:
        return list(bench_urls.SAMPLES)
    targets, without = bench_urls.read(options.urls)
    if without:
        console.message(f"{options.urls}: {without} lines without an address are left out")
    return targets


def _warmed(console: Console, options: argparse.Namespace, targets: Sequence[str]) -> Outcome:
    once = list(dict.fromkeys(targets))
    console.message(f"warming up: {len(once)} addresses")
    outcome = _run(options.url, once, Amount(count=len(once)), options)
    if not outcome.tally.count and not outcome.stopped:
        reason = outcome.tally.errors.most_common(1)[0][0]
        refused = reason.startswith("status ")
        code = Exit.PARTLY_DONE if refused else Exit.UNREACHABLE
        raise CommandError(f"{options.url.text} answers none of the requests: {reason}", exit_code=code)
    return outcome


def _run(aim: Aim, targets: Sequence[str], amount: Amount, options: argparse.Namespace) -> Outcome:
    server = Server(host=aim.host, port=aim.port, context=_context() if aim.tls else None)
    tally = Tally()
    began = time.perf_counter()
    stopped = False
    try:
        began, ended = load(
            server,
            [_request(aim, target, keep_alive=options.keep_alive) for target in targets],
            amount,
            tally,
            clients=options.clients,
            keep_alive=options.keep_alive,
            timeout=_TIMEOUT,
        )
    except KeyboardInterrupt:
        stopped, ended = True, time.perf_counter()
    except OSError as error:
        raise CommandError(f"{aim.host}: {error.strerror or error}", exit_code=Exit.UNREACHABLE) from error
    return Outcome(tally=tally, seconds=ended - began, stopped=stopped)


def _request(aim: Aim, target: str, *, keep_alive: bool) -> bytes:
    host = f"[{aim.host}]" if ":" in aim.host else aim.host
    if aim.port != (443 if aim.tls else 80):
        host = f"{host}:{aim.port}"
    end = "" if keep_alive else "Connection: close\r\n"
    return f"GET {aim.root}{target} HTTP/1.1\r\nHost: {host}\r\nReferer: {REFERER}\r\n{end}\r\n".encode("ascii")


def _context() -> ssl.SSLContext:
    """For servers of one's own: whose certificate it is doesn't matter here."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


# What is told


def _tell(
    console: Console, options: argparse.Namespace, outcome: Outcome | None, warm: Outcome | None, share: int
) -> Exit:
    shown = outcome or warm
    if shown is None:
        raise CommandError("there is nothing to be done")
    if console.as_json:
        console.result_json(
            {
                "url": options.url.text,
                "clients": options.clients,
                "keep_alive": options.keep_alive,
                "rate_wanted": options.rate,
                "share_wanted": share,
                "warm_up": None if warm is None else _facts(warm, series=False),
                "result": None if outcome is None else _facts(outcome, series=True),
            }
        )
    else:
        _print(console, shown)
    if outcome is not None and not outcome.stopped:
        _warn(console, outcome.tally, share)
    if options.plot is not None and outcome is not None:
        _draw(options.plot, options.url.text, outcome)
    if shown.stopped:
        return Exit.INTERRUPTED
    failed = sum(one.tally.errors.total() for one in (outcome, warm) if one is not None)
    return Exit.PARTLY_DONE if failed else Exit.DONE


def _facts(outcome: Outcome, *, series: bool) -> dict[str, object]:
    tally = outcome.tally
    times = {"all": tally.times(), "hits": tally.times(others=False), "others": tally.times(hits=False)}
    facts: dict[str, object] = {
        "requests": tally.count + tally.errors.total(),
        "errors": dict(tally.errors),
        "seconds": round(outcome.seconds, 3),
        "rate": round(outcome.rate, 1),
        "bytes": tally.bytes,
        "hits": tally.hits,
        "hits_percent": round(_share_of(tally), 2),
        "milliseconds": {name: _times_facts(one) for name, one in times.items()},
    }
    return {**facts, "by_second": tally.series()} if series else facts


def _times_facts(times: Times) -> dict[str, float]:
    shown = {f"p{share:g}": round(value, 3) for share, value in times.percentiles.items()}
    return {"count": times.count, "mean": round(times.mean, 3), **shown, "worst": round(times.worst, 3)}


def _print(console: Console, outcome: Outcome) -> None:
    tally = outcome.tally
    megabytes = tally.bytes / outcome.seconds / 1e6 if outcome.seconds else 0.0
    console.result(
        f"{tally.count} answers in {outcome.seconds:.2f} s: {outcome.rate:.1f}/s, {megabytes:.1f} MB/s;"
        f" {_share_of(tally):.1f} % from the cache"
    )
    console.result("")
    head = ("milliseconds", "answers", "mean", *(f"{share:g} %" for share in PERCENTILES), "worst")
    groups = (
        ("all", tally.times()),
        ("from the cache", tally.times(others=False)),
        ("others", tally.times(hits=False)),
    )
    console.table([head, *(_row(name, times) for name, times in groups if times.count or name == "all")])
    console.result("")
    console.result(f"errors: {tally.errors.total()}")
    for reason, count in tally.errors.most_common():
        console.result(f"  {count} x {reason}")


def _row(name: str, times: Times) -> tuple[str, ...]:
    figures = (times.mean, *times.percentiles.values(), times.worst)
    return (name, str(times.count), *(f"{figure:.2f}" for figure in figures))


def _share_of(tally: Tally) -> float:
    return _PERCENT * tally.hits / tally.told if tally.told else 0.0


def _warn(console: Console, tally: Tally, share: int) -> None:
    if share < _PERCENT and tally.told and _share_of(tally) > share + _FAR_FROM:
        console.message(
            f"warning: {_share_of(tally):.0f} % came from the cache, not {share} %: is BENCHMARKING on at the server?"
        )


def _draw(path: Path, title: str, outcome: Outcome) -> None:
    series = outcome.tally.series()
    if len(series) > 2:  # the first and the last second aren't whole
        series = series[1:-1]
    across = float(max(1, len(series) - 1))
    rates = [Curve(name="answers", values=[one["count"] for one in series])]
    if outcome.tally.errors:
        rates.append(Curve(name="errors", values=[one["errors"] for one in series]))
    times = [Curve(name=f"{share:g} %", values=[one[f"p{share:g}"] for one in series]) for share in PERCENTILES]
    panels = [
        Panel(title="a second", curves=rates, across=across),
        Panel(title="milliseconds", curves=times, across=across, logarithmic=True),
    ]
    try:
        write_panels(path, title, panels)
    except OSError as error:
        raise CommandError(f"{path} can't be written: {error.strerror}", exit_code=Exit.PARTLY_DONE) from error
