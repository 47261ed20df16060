"""What a shell completes."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.cli.runner import CommandCase

_TRY = """
source "$1"
shift
COMP_WORDS=("$@"); COMP_CWORD=$(( $# - 1 )); COMP_LINE="$*"; COMP_POINT=${#COMP_LINE}
$(complete -p qis | sed 's/.*-F \\([^ ]*\\).*/\\1/')
printf '%s\\n' "${COMPREPLY[@]}"
"""


class CompletionTests(CommandCase):
    def script(self, shell: str) -> str:
        outcome = self.qis("completion", shell)
        self.assertEqual((outcome.code, outcome.err), (0, ""))
        return outcome.out

    def completed(self, *words: str) -> list[str]:
        file = Path(self.mktemp()).absolute()
        file.write_text(self.script("bash"))
        done = subprocess.run(
            ["bash", "-c", _TRY, "bash", str(file), "qis", *words],
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        return done.stdout.split()

    def test_bash_completes_commands_actions_flags_and_choices(self) -> None:
        self.assertEqual(self.completed("us"), ["user"])
        self.assertEqual(self.completed("user", "d"), ["disable", "delete"])
        self.assertIn("--password-file", self.completed("user", "add", "--"))
        self.assertEqual(self.completed("tasks", "run", "roll"), ["roll_up_stats"])
        self.assertEqual(self.completed("settings", "get", "SNAP"), ["SNAPSHOT_GRACE"])

    def test_bash_completes_files_where_they_are_wanted(self) -> None:
        folder = Path(self.mktemp()).absolute()
        folder.mkdir()
        (folder / "backup.dump").touch()
        self.assertEqual(self.completed("database", "restore", f"{folder}/b"), [f"{folder}/backup.dump"])

    def test_every_shell_gets_every_command(self) -> None:
        for shell in ("bash", "zsh", "fish"):
            script = self.script(shell)
            for word in ("user", "database", "import-qis", "restore", "--anonymous", "purge_image_stats"):
                self.assertIn(word.lstrip("-"), script, shell)

    def test_other_shells_are_2(self) -> None:
        self.assertEqual(self.qis("completion", "cmd.exe").code, 2)
