"""What several modules of tests need: functions of the scripts' modules, called in the browser, and the samples."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import qisd
from tests.browser.case import BrowserCase

_LOOK = "JSON.parse(document.getElementById('page-about').textContent).static"


def call(case: BrowserCase, module: str, code: str, *given: object) -> Any:
    """What ``code`` gives, a function's body in which ``m`` is the module and ``given`` are the arguments.

    :param module: below ``admin/js``; some page of the console must be open.
    """
    start = f"const m = await import({_LOOK} + {json.dumps('js/' + module)}); const given = JSON.parse(args[0]);"
    return case.script(f"{start} {code}", json.dumps(given))  # the driver would sort the names of objects


def provide_samples(images: Path) -> None:
    """Put the pictures that come with the program into a library."""
    folder = images / "samples"
    if not folder.exists():
        shutil.copytree(Path(qisd.__file__).parent / "share/samples", folder)
        folder.chmod(0o755)
