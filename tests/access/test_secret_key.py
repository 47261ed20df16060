"""The key that signs sessions: :mod:`qisd.access.secret_key`."""

from __future__ import annotations

import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import attrs
from twisted.trial.unittest import SynchronousTestCase

from qisd.access.secret_key import FILE_NAME, generate_secret, resolve_secret_key
from qisd.errors import StartupError
from qisd.settings import default_settings

KEY = "q8Zt3LmVx0RbYc7NwPs2DfGh5JkA9eUi"

RESOLVE = """
import sys
from pathlib import Path
import attrs
from qisd.access.secret_key import resolve_secret_key
from qisd.settings import default_settings
settings = attrs.evolve(default_settings(), state_dir=Path(sys.argv[1]))
print("ready", flush=True)
sys.stdin.readline()
print(resolve_secret_key(settings).decode())
"""


class SecretKeyTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.state = Path(self.mktemp()).absolute() / "state"
        self.settings = attrs.evolve(default_settings(), state_dir=self.state)

    def test_a_secret_is_32_letters_and_digits_and_always_another(self) -> None:
        secrets = {generate_secret() for _ in range(20)}
        self.assertEqual(len(secrets), 20)
        for secret in secrets:
            self.assertTrue(re.fullmatch("[A-Za-z0-9]{32}", secret), secret)

    def test_a_key_that_is_set_is_used_and_nothing_is_written(self) -> None:
        self.assertEqual(resolve_secret_key(attrs.evolve(self.settings, secret_key=KEY)), KEY.encode())
        self.assertFalse(self.state.exists())

    def test_without_one_a_key_is_made_once_for_its_owner_only(self) -> None:
        key = resolve_secret_key(self.settings)
        self.assertEqual(resolve_secret_key(self.settings), key)
        self.assertEqual(len(key), 32)
        path = self.state / FILE_NAME
        self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o600)
        self.assertEqual(path.read_bytes(), key + b"\n")
        self.assertEqual(os.listdir(self.state), [FILE_NAME])

    def test_a_kept_key_is_used_whatever_line_end_it_has(self) -> None:
        self.state.mkdir(parents=True)
        for content in (KEY, KEY + "\n", KEY + "\r\n"):
            (self.state / FILE_NAME).write_text(content)
            self.assertEqual(resolve_secret_key(self.settings), KEY.encode())

    def test_a_kept_key_that_is_no_good_stops_the_start(self) -> None:
        self.state.mkdir(parents=True)
        for content in ("", "short", "x" * 40, "\xff" * 40):
            (self.state / FILE_NAME).write_text(content)
            with self.assertRaises(StartupError) as raised:
                resolve_secret_key(self.settings)
            self.assertIn(str(self.state / FILE_NAME), str(raised.exception))
            self.assertEqual((self.state / FILE_NAME).read_text(), content)

    def test_a_directory_that_can_not_be_written_stops_the_start(self) -> None:
        self.state.parent.mkdir()
        self.state.write_text("a file")
        with self.assertRaises(StartupError) as raised:
            resolve_secret_key(self.settings)
        self.assertIn("Not a directory", str(raised.exception))

    def test_ten_processes_starting_together_make_one_key(self) -> None:
        processes = [
            subprocess.Popen(
                [sys.executable, "-c", RESOLVE, str(self.state)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                cwd=Path(__file__).parents[2],
            )
            for _ in range(10)
        ]
        for process in processes:
            assert process.stdout is not None
            self.assertEqual(process.stdout.readline(), "ready\n")
        for process in processes:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        keys = [process.communicate(timeout=60)[0] for process in processes]
        self.assertEqual(len(set(keys)), 1, keys)
        self.assertEqual(len(keys[0]), 33)
        self.assertEqual(os.listdir(self.state), [FILE_NAME])
