"""Prints which Python packages are installed, with their licences: the Debian package says so what it brings along."""

from __future__ import annotations

import sys
import textwrap
from importlib.metadata import Distribution, distributions

_HEAD = (
    "Python packages in /usr/lib/qis, as published on PyPI, without their tests and what only builders need. Libraries "
    "in C that some of them bring lie in *.libs beside them. The texts of the licences are in the folders *.dist-info "
    "of /usr/lib/qis/lib/python3.11/site-packages."
)


def _licence(package: Distribution) -> str:
    data = package.metadata
    if expression := data.get("License-Expression"):
        return expression
    named = [line.rsplit(" :: ", 1)[1] for line in data.get_all("Classifier", []) if line.startswith("License :: ")]
    return ", ".join(named) or (data.get("License") or "see its folder").splitlines()[0]


def main() -> None:
    packages = sorted(distributions(), key=lambda package: package.metadata["Name"].lower())
    lines = [f"{package.metadata['Name']} {package.version}: {_licence(package)}" for package in packages]
    sys.stdout.write("\n".join([textwrap.fill(_HEAD, 100), "", *lines, ""]))


if __name__ == "__main__":
    main()
