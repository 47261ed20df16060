"""Runs ``qis`` inside a test."""

from __future__ import annotations

import io
import json
import os
import pwd
import sys
from pathlib import Path
from typing import Any

import attrs
from twisted.trial.unittest import SynchronousTestCase

from qisd.cli.main import main
from qisd.settings import loading


@attrs.frozen(kw_only=True)
class Outcome:
    code: int
    out: str
    err: str

    def json(self) -> Any:
        return json.loads(self.out)


class Terminal(io.StringIO):
    """Somebody who answers."""

    def isatty(self) -> bool:
        return True


class CommandCase(SynchronousTestCase):
    """A machine without settings, except those in ``self.environ`` and in the file ``self.path``."""

    def setUp(self) -> None:
        self.directory = Path(self.mktemp()).absolute()
        self.directory.mkdir()
        self.path = self.directory / "local.toml"
        self.environ = {
            f"QIS_{name}": str(self.directory / name.lower())
            for name in ("STATE_DIR", "LOGGING_BASE_DIR", "IMAGES_BASE_DIR")
        } | {"QIS_TLS_SITES_DIR": ""}
        # Also when root runs the tests: whom root would become is not what they are about.
        self.environ["QIS_RUN_USER"] = pwd.getpwuid(os.geteuid()).pw_name
        self.patch(loading, "DEFAULT_FILE", self.path)

    def settings(self, text: str) -> None:
        self.path.write_text(text)
        self.path.chmod(0o640)

    def qis(self, *arguments: str, stdin: str | io.StringIO = "") -> Outcome:
        """Give a command with ``stdin`` as its input; only a :class:`Terminal` counts as somebody who answers."""
        out, err = io.StringIO(), io.StringIO()
        self.patch(sys, "stdin", io.StringIO(stdin) if isinstance(stdin, str) else stdin)
        self.patch(sys, "stdout", out)
        self.patch(sys, "stderr", err)
        self.patch(os, "environ", self.environ)
        code = main(arguments)
        return Outcome(code=code, out=out.getvalue(), err=err.getvalue())
