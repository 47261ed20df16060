"""From the results of ``all.py`` to a page with plots, and whether the targets are met."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import attrs

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from qisd import __version__
from qisd.cli.chart import COLOURS, Bar, Curve, Panel, write_bars, write_panels

PLOTS = "performance"
"""The folder of the plots, beside the page."""

Results = Mapping[str, Any]


@attrs.frozen(kw_only=True)
class Target:
    """One row of the table.

    :param value: from the results of its part; to be ``at_least`` or ``at_most`` so much, in ``unit``.
    :param shown: the same, for people.
    """

    part: str
    what: str
    at_least: float = float("-inf")
    at_most: float = float("inf")
    unit: str = ""
    value: Callable[[Any], float]
    shown: Callable[[Any], str]

    @property
    def wanted(self) -> str:
        """The bound, for people."""
        if self.at_most == 0:
            return "0"
        sign, bound = ("≥", self.at_least) if self.at_most == float("inf") else ("≤", self.at_most)
        return f"{sign} {bound:,g} {self.unit}".rstrip()

    def met(self, found: Any) -> bool:
        return self.at_least <= self.value(found) <= self.at_most


TARGETS = (
    Target(
        part="hits",
        what="Cached hit, one worker, 20 kB, 32 clients with keep-alive, against one nginx with a static file",
        at_least=0.42,
        value=lambda found: found["to_static"],
        shown=lambda found: f"{found['to_static']:.2f} ({found['to_memcached']:.2f} × nginx with Memcached)",
    ),
    Target(
        part="hits",
        what="The same over HTTPS",
        at_least=0.45,
        value=lambda found: found["to_static_tls"],
        shown=lambda found: f"{found['to_static_tls']:.2f}",
    ),
    Target(
        part="memcached",
        what="Hit that is in Memcached only, a second of processor time",
        at_least=3000,
        value=lambda found: found["per_core"],
        shown=lambda found: f"{found['per_core']:,.0f}",
    ),
    Target(
        part="memcached",
        what="Its time, 99 %, 32 clients",
        at_most=15,
        unit="ms",
        value=lambda found: found["p99"],
        shown=lambda found: f"{found['p99']:.1f} ms",
    ),
    Target(
        part="bases",
        what="Render from a base in linear light, 6 megapixels to 400 px, mean of the photos, processor time",
        at_most=8,
        unit="ms",
        value=lambda found: found["from_base"],
        shown=lambda found: f"{found['from_base']:.1f} ms ({found['from_source']:.1f} ms from the source)",
    ),
    Target(
        part="bases",
        what="Its quality, the worst of the photos at 100 … 600 pixels (SSIMULACRA2)",
        at_least=88,
        value=lambda found: found["worst_score"],
        shown=lambda found: f"{found['worst_score']:.1f}",
    ),
    Target(
        part="cold",
        what="Render from the source in linear light with HTTP, against vipsthumbnail, processor time",
        at_most=1.15,
        value=lambda found: found["linear_to_vips"],
        shown=lambda found: f"{found['linear_to_vips']:.2f}",
    ),
    Target(
        part="mix",
        what="90 % hits, 10 % first renders from bases, 50 clients, two workers, requests a second",
        at_least=1389,
        value=lambda found: found["rate"],
        shown=lambda found: f"{found['rate']:,.0f} ({found['rate'] * 3600 / 1e6:.1f} million an hour)",
    ),
    Target(
        part="mix",
        what="Time of its hits, 99 %",
        at_most=50,
        unit="ms",
        value=lambda found: found["p99_hits"],
        shown=lambda found: f"{found['p99_hits']:.1f} ms",
    ),
    Target(
        part="mix",
        what="Its errors",
        at_most=0,
        value=lambda found: float(sum(found["errors"].values())),
        shown=lambda found: str(sum(found["errors"].values())),
    ),
    Target(
        part="mix",
        what="Growth of the workers' memory in its second half",
        at_most=5,
        unit="%",
        value=lambda found: found["memory_growth_percent"],
        shown=lambda found: f"{found['memory_growth_percent']:.1f} %",
    ),
    Target(
        part="growth",
        what="Memory of an idle worker (PSS)",
        at_most=90,
        unit="MB",
        value=lambda found: found["idle_mb"],
        shown=lambda found: f"{found['idle_mb']:.1f} MB",
    ),
    Target(
        part="growth",
        what="Its growth by a million hits",
        at_most=5,
        unit="%",
        value=lambda found: found["growth_percent"],
        shown=lambda found: f"{found['growth_percent']:.1f} % ({found['requests']:,} hits)",
    ),
    Target(
        part="library",
        what="Hits with a large library against a thousand images",
        at_least=0.95,
        value=lambda found: found["hits_ratio"],
        shown=lambda found: f"{found['hits_ratio']:.3f} ({found['images']:,} images)",
    ),
    Target(
        part="library",
        what="Time of a first render, likewise",
        at_most=1.05,
        value=lambda found: found["renders_ratio"],
        shown=lambda found: f"{found['renders_ratio']:.3f}",
    ),
    Target(
        part="busy",
        what="Time of hits while 15 threads render, 99 %",
        at_most=30,
        unit="ms",
        value=lambda found: found["p99"],
        shown=lambda found: f"{found['p99']:.1f} ms ({found['p99_alone']:.1f} ms without)",
    ),
    Target(
        part="reload",
        what="Failed requests of 2,000 a second while all workers are exchanged three times",
        at_most=0,
        value=lambda found: found["failed"] if found["reloads"] >= 3 else float("inf"),
        shown=lambda found: f"{found['failed']} ({found['reloads']} reloads, {found['rate']:,.0f} a second)",
    ),
)


def machine() -> dict[str, str]:
    """What the figures were measured on, and with."""
    found = {
        "processor": _processor(),
        "processors": str(len(os.sched_getaffinity(0))),
        "memory": f"{os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') / 2**30:.1f} GiB",
        "kernel": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "qisd": f"{__version__} {_told('git', 'rev-parse', '--short', 'HEAD')}".strip(),
        "nginx": _told("nginx", "-v").rpartition("/")[2],
        "memcached": _told("memcached", "-V").rpartition(" ")[2],
        "vips": _told("vipsthumbnail", "--version").partition("-")[2].partition("-")[0],
        "load_before": f"{os.getloadavg()[0]:.2f}",
    }
    return {name: value for name, value in found.items() if value}


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _told(*command: str) -> str:
    places = os.environ | {"PATH": f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/bin"}
    try:
        outcome = subprocess.run(
            command, capture_output=True, text=True, check=False, env=places, cwd=Path(__file__).parent
        )
    except OSError:
        return ""
    return (outcome.stdout or outcome.stderr).strip().partition("\n")[0] if outcome.returncode == 0 else ""


def rows(parts: Results) -> list[tuple[str, str, str, str]]:
    """Of each target: what, what is wanted, what it is, and whether that is met."""
    found = []
    for target in TARGETS:
        part = parts.get(target.part)
        if part is None or "error" in part:
            why = "not measured" if part is None else f"not measured: {part['error']}"
            found.append((target.what, target.wanted, why, "–"))
        else:
            found.append((target.what, target.wanted, target.shown(part), "yes" if target.met(part) else "**no**"))
    return found


def write(results: Results, page: Path) -> None:
    """Write the page, and its plots into the folder :data:`PLOTS` beside it."""
    folder = page.parent / PLOTS
    folder.mkdir(parents=True, exist_ok=True)
    plots = _draw(results["parts"], folder)
    lines = ["# Performance", "", _said(results), ""]
    lines += ["| what | target | measured | met |", "| --- | --- | --- | --- |"]
    lines += [f"| {' | '.join(_cell(text) for text in row)} |" for row in rows(results["parts"])]
    lines += ["", "## On what", "", "| | |", "| --- | --- |"]
    lines += [f"| {name.replace('_', ' ')} | {_cell(value)} |" for name, value in results["machine"].items()]
    for name, title in plots:
        lines += ["", f"## {title}", "", f"![{title}]({PLOTS}/{name})"]
    page.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _said(results: Results) -> str:
    how = "in a few minutes, which is too short to conclude anything" if results["quick"] else "in one go"
    return (
        f"Measured by `make bench` on {results['date']}, {how}. Peers (nginx, Memcached, libvips) were measured in the"
        " same run, in turns: ratios say more than rates, since machines differ. The load comes from the same machine."
        " `bench/` has the programs, and `bench/results/` the figures of this page."
    )


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _draw(parts: Results, folder: Path) -> list[tuple[str, str]]:
    """The plots of what there is: file and title of each."""
    drawn = []
    for name, part, title, draw in (
        ("hits.svg", "hits", "Hits a second", _draw_hits),
        ("renders.svg", "cold", "Processor time of a render", _draw_renders),
        ("mix.svg", "mix", "Hits and first renders together", _draw_course),
        ("memory.svg", "mix", "Memory of the workers meanwhile", _draw_memory),
        ("reload.svg", "reload", "Three reloads under 2,000 requests a second", _draw_course),
    ):
        if part in parts and "error" not in parts[part]:
            draw(folder / name, title, parts[part])
            drawn.append((name, title))
    return drawn


def _draw_hits(path: Path, title: str, found: Any) -> None:
    marks = {"qisd": ("nginx, static", 0.42), "qisd, TLS": ("nginx, static, TLS", 0.45)}
    bars = []
    for name, rate in found["rates"].items():
        peer = marks.get(name)
        bars.append(
            Bar(
                name=name,
                value=rate,
                text=f"{rate:,.0f}",
                colour=COLOURS[0] if name.startswith("qisd") else COLOURS[5],
                mark=None if peer is None else found["rates"][peer[0]] * peer[1],
            )
        )
    write_bars(path, f"{title}; the lines are the targets", bars)


def _draw_renders(path: Path, title: str, found: Any) -> None:
    bars = []
    for photo in found["photos"]:
        for name, key, colour in (
            ("qisd, linear light", "linear", COLOURS[0]),
            ("qisd, gamma-coded", "coded", COLOURS[2]),
            ("vipsthumbnail", "vips", COLOURS[5]),
        ):
            bars.append(
                Bar(name=f"{photo['photo']}: {name}", value=photo[key], text=f"{photo[key]:.1f} ms", colour=colour)
            )
    write_bars(path, f"{title}, 6 megapixels to 400 px", bars)


def _draw_course(path: Path, title: str, found: Any) -> None:
    course = found["by_second"][1:-1] or found["by_second"]
    across = float(max(1, len(course) - 1))
    shares = ("p50", "p99", "p99.9")
    write_panels(
        path,
        title,
        [
            Panel(
                title="a second",
                curves=[Curve(name="answers", values=[one["count"] for one in course])],
                across=across,
            ),
            Panel(
                title="milliseconds",
                curves=[Curve(name=f"{share[1:]} %", values=[one[share] for one in course]) for share in shares],
                across=across,
                logarithmic=True,
            ),
        ],
    )


def _draw_memory(path: Path, title: str, found: Any) -> None:
    samples = [size / 1e6 for size in found["memory"]]
    curve = Curve(name="all workers", values=samples)
    write_panels(path, title, [Panel(title="MB", curves=[curve], across=5.0 * max(1, len(samples) - 1))])
