"""Put the viewers together that other sites load: from the modules in ``admin/viewers`` to one file each.

Each script in ``admin/static/js`` holds all that it needs, in a scope of its own, so that any of them can be on a page
together, in any order. It is made of the modules that its entry imports, without their ``import`` and ``export`` lines,
comments and indentation. Nothing is translated or renamed: the same lines run here and there. The results are checked
in, so that the daemon serves plain files; ``--check`` (and a test) tells when they are not up to date.

What the modules keep to: imports on one line and without ``as``; ``export`` only before a declaration; names at the top
of a module that no other module has; no text that spans lines.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

ADMIN = Path(__file__).resolve().parents[1] / "admin"
SOURCES = ADMIN / "viewers"
STATIC = ADMIN / "static"
NOTICE = "/* A viewer of the qisd image server; MIT licence. Assembled from readable modules, see docs/viewers.md. */\n"
CHUNKS = (
    ("qis-zoom.js", ["zoom.js"]),
    ("qis-series.js", ["gallery.js", "slideshow.js"]),
    ("qis-viewers.js", ["qis-viewers.js"]),
)
"""The files of the module, none too large, and the modules that each of them has with all that these need and that is
in no file before."""

IMPORT = re.compile(r"^import \{ (.*) \} from '(\.[^']+)';$")
EXPORT = re.compile(r"^export (?=async |function|class|const|let)", re.MULTILINE)
DECLARED = re.compile(r"^(?:export )?(?:async )?(?:function\*?|class|const|let) (\w+)")


def icons() -> str:
    """A module with the icons that are drawn as files of their own."""
    paths = {
        path.stem.removeprefix("icon-"): re.findall(r' d="([^"]+)"', path.read_text())[-1]
        for path in sorted((STATIC / "images/viewer").glob("icon-*.svg"))
    }
    return _module("ICONS", paths)


def styles() -> str:
    """A module with the style sheets, for elements."""
    sheets = [STATIC / "styles/canvas_view.css", STATIC / "styles/gallery_view.css", SOURCES / "elements.css"]
    return _module("STYLES", {path.stem: _dense_css(path.read_text()) for path in sheets})


def _module(name: str, value: object) -> str:
    made = "/** Made by tools/assemble_viewers.py from icons and style sheets. */"
    return f"{made}\n\nexport const {name} = {json.dumps(value, indent=2)};\n"


def _dense_css(text: str) -> str:
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    text = re.sub(r"\s+", " ", text)
    return re.sub(r" ?([{};,]) ?", r"\1", text).replace(": ", ":").replace(";}", "}").strip()


def modules(entry: Path) -> list[Path]:
    """The entry and all that it imports, each after what it needs."""
    order: list[Path] = []

    def visit(path: Path) -> None:
        if path in order:
            return
        for needed in _imports(path):
            visit(needed)
        order.append(path)

    visit(entry)
    return order


def _imports(path: Path) -> Iterator[Path]:
    for line in path.read_text().splitlines():
        if found := IMPORT.match(line):
            yield (path.parent / found[2]).resolve()


def script(entry: Path) -> str:
    """The plain script that an entry becomes."""
    paths = modules(entry)
    _check_names(paths)
    body = "".join(_dense(path) for path in paths)
    return f"{NOTICE}(() => {{\n'use strict';\n{EXPORT.sub('', body)}}})();\n"


def chunks() -> Iterator[tuple[str, str]]:
    """The files of the module, by name."""
    homes: dict[Path, str] = {}
    for name, entries in CHUNKS:
        paths = [path for entry in entries for path in modules(_source(entry)) if path not in homes]
        paths = list(dict.fromkeys(paths))
        homes.update(dict.fromkeys(paths, name))
        _check_names(list(homes))
        body = "".join(_dense(path) for path in paths)
        is_last = name == CHUNKS[-1][0]
        yield name, NOTICE + _imports_from(paths, homes, name) + (EXPORT.sub("", body) if is_last else body)


def _source(name: str) -> Path:
    return next(path for path in (SOURCES / name, SOURCES / "entries" / name) if path.is_file())


def _imports_from(paths: list[Path], homes: dict[Path, str], own: str) -> str:
    """Lines that import what a file's modules have from the other files."""
    names: dict[str, set[str]] = {}
    for path in paths:
        for line in path.read_text().splitlines():
            found = IMPORT.match(line)
            if found and (home := homes[(path.parent / found[2]).resolve()]) != own:
                names.setdefault(home, set()).update(found[1].split(", "))
    return "".join(f"import {{ {', '.join(sorted(names[home]))} }} from './{home}';\n" for home in sorted(names))


def _check_names(paths: list[Path]) -> None:
    owners: dict[str, Path] = {}
    for path in paths:
        for line in path.read_text().splitlines():
            found = DECLARED.match(line)
            if found and found[1] in owners:
                raise SystemExit(f"{path.name} and {owners[found[1]].name} both have {found[1]} at the top")
            if found:
                owners[found[1]] = path


def _dense(path: Path) -> str:
    lines = []
    commented = False
    for line in path.read_text().splitlines():
        line = line.strip()
        commented = commented or line.startswith("/*")
        if not (commented or line == "" or line.startswith("//") or IMPORT.match(line)):
            lines.append(line + "\n")
        commented = commented and not line.endswith("*/")
    return "".join(lines)


def results() -> Iterator[tuple[Path, str]]:
    """Each file that is made, and what belongs into it."""
    yield SOURCES / "icon_paths.js", icons()
    yield SOURCES / "styles.js", styles()
    for entry in sorted((SOURCES / "entries").glob("*.js")):
        if entry.name not in dict(CHUNKS):
            yield STATIC / "js" / entry.name, script(entry)
    for name, text in chunks():
        yield STATIC / "js" / name, text


def main() -> int:
    """Write what has changed; with ``--check`` only tell."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="tell what is not up to date, and change nothing")
    check = parser.parse_args().check
    stale = []
    for path, text in results():
        if path.is_file() and path.read_text() == text:
            continue
        stale.append(path)
        if not check:
            path.write_text(text)
    for path in stale:
        sys.stdout.write(f"{'stale' if check else 'written'}: {path.relative_to(ADMIN.parent)}\n")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
