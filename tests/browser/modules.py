"""What several modules of tests need: functions of the scripts' modules, called in the browser, and the samples."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import qisd
from tests.browser.case import BrowserCase

MODULES = "/static/v-0/js/"
"""Where the modules are, whatever the present version is."""


def call(case: BrowserCase, module: str, code: str, *given: object) -> Any:
    """What ``code`` gives, a function's body in which ``m`` is the module and ``given`` are the arguments.

    :param module: below ``admin/js``.
    """
    case.open("/robots.txt")  # any page of this server will do, and this one is quick
    start = f"const m = await import({json.dumps(MODULES + module)}); const given = JSON.parse(args[0]);"
    return case.script(f"{start} {code}", json.dumps(given))  # the driver would sort the names of objects


def provide_samples(images: Path) -> None:
    """Put the pictures that come with the program into a library."""
    folder = images / "samples"
    if not folder.exists():
        shutil.copytree(Path(qisd.__file__).parent / "share/samples", folder)
        folder.chmod(0o755)
