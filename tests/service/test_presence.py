"""Which processes of this server are alive."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from qisd.errors import StartupError
from qisd.service.presence import FOLDER, Presence, anybody_lives
from qisd.service.server_id import server_id

_DIES = "import os, sys; from pathlib import Path; from qisd.service.presence import Presence; "
_DIES += "print(Presence(Path(sys.argv[1]), 's').id, flush=True); os._exit(1)"


class PresenceTests(SynchronousTestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def presence(self) -> Presence:
        made = Presence(self.folder, "s")
        self.addCleanup(lambda: os.close(made._lock) if made._lock >= 0 else None)
        return made

    def dead(self) -> str:
        run = subprocess.run([sys.executable, "-c", _DIES, str(self.folder)], capture_output=True, text=True)
        return run.stdout.strip()

    def test_whether_anybody_lives(self) -> None:
        self.assertFalse(anybody_lives(self.folder))
        self.dead()
        self.assertFalse(anybody_lives(self.folder))
        self.presence()
        self.assertTrue(anybody_lives(self.folder))

    def test_those_that_live_are_not_gone(self) -> None:
        one, other = self.presence(), self.presence()
        self.assertNotEqual(one.id, other.id)
        self.assertEqual((one.gone(), other.gone()), (["s"], ["s"]))

    def test_the_id_fits_into_the_journal(self) -> None:
        presence = Presence(self.folder, server_id(self.folder))
        self.addCleanup(presence.end)
        self.assertLessEqual(len(presence.id), 64)

    def test_one_that_was_killed_is_gone(self) -> None:
        dead = self.dead()
        self.assertRegex(dead, r"^s\.[0-9a-f]{16}$")
        self.assertEqual(self.presence().gone(), ["s", dead])

    def test_one_that_is_gone_is_seen_to_by_one(self) -> None:
        one, other, dead = self.presence(), self.presence(), self.dead()
        self.assertEqual(one.gone(), ["s", dead])
        self.assertEqual(other.gone(), ["s"])
        self.assertEqual(one.gone(), ["s", dead])
        one.forget()
        self.assertEqual((one.gone(), other.gone()), (["s"], ["s"]))
        self.assertEqual(len(os.listdir(self.folder / FOLDER)), 2)

    def test_who_sees_to_it_and_dies_leaves_it_to_others(self) -> None:
        one, dead = self.presence(), self.dead()
        one.gone()
        os.close(one._buried.popitem()[1])
        self.assertEqual(self.presence().gone(), ["s", dead])

    def test_one_that_has_ended_in_order_leaves_nothing(self) -> None:
        one = Presence(self.folder, "s")
        one.end()
        self.assertEqual(self.presence().gone(), ["s"])
        self.assertEqual(len(os.listdir(self.folder / FOLDER)), 1)

    def test_without_room_for_its_file_there_is_no_start(self) -> None:
        (self.folder / FOLDER).write_text("")
        self.assertRaises(StartupError, Presence, self.folder, "s")
