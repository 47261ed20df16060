"""The page about the commands."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from qisd.cli.main import build_parser

PAGE = Path(__file__).parents[2] / "docs" / "commands.md"


def examples() -> list[list[str]]:
    """The arguments of every command that is shown as one to be typed."""
    lines = [line.strip() for line in PAGE.read_text().splitlines() if line.startswith("    qis ")]
    found = []
    for line in lines:
        typed = re.sub(r"\$\(.*?\)|[\[\]]| >.*", "", line).replace("--limit N", "--limit 5")
        found.append(shlex.split(typed, comments=True)[1:])
    return found


class PageTests(SynchronousTestCase):
    def test_every_example_is_understood(self) -> None:
        self.assertGreater(len(examples()), 50)
        for arguments in examples():
            try:
                options = build_parser().parse_args(arguments)
            except SystemExit as error:
                self.fail(f"qis {' '.join(arguments)}: {error}")
            self.assertTrue(callable(options.run))

    def test_every_command_with_all_its_actions_is_on_it(self) -> None:
        shown = {" ".join(arguments[:2]) for arguments in examples()} | {arguments[0] for arguments in examples()}
        (commands,) = [action for action in build_parser()._actions if action.metavar == "COMMAND"]
        for command, parser in commands.choices.items():  # type: ignore[union-attr]
            self.assertIn(command, shown)
            for actions in [action for action in parser._actions if action.metavar == "ACTION"]:
                for action in actions.choices:
                    self.assertIn(f"{command} {action}", shown)
