"""The units of systemd, and that they go by what the program does."""

from __future__ import annotations

from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from qisd.errors import SettingsError
from qisd.settings import default_settings

UNITS = ("qis.service", "qis@.service")
_DEBIAN = Path(__file__).parent.parent / "debian"

# What a site has of its own.
_OWN = {
    "Environment",
    "EnvironmentFile",
    "ExecStart",
    "StateDirectory",
    "RuntimeDirectory",
    "LogsDirectory",
    "LogsDirectoryMode",
    "ReadWritePaths",
}


def service(name: str) -> list[tuple[str, str]]:
    """The lines of a unit's section of that name, in order: some directives add up."""
    section = (_DEBIAN / name).read_text().partition("[Service]\n")[2].partition("[Install]")[0]
    lines = [line for line in section.splitlines() if line and not line.startswith("#")]
    return [(name, value) for name, _, value in (line.partition("=") for line in lines)]


class Units(SynchronousTestCase):
    def test_a_site_is_run_as_the_only_server_is(self) -> None:
        alone, site = ([line for line in service(name) if line[0] not in _OWN] for name in UNITS)
        self.assertEqual(alone, site)

    def test_what_cannot_succeed_is_not_tried_again(self) -> None:
        for name in UNITS:
            self.assertEqual(dict(service(name))["RestartPreventExitStatus"], str(SettingsError.exit_code))

    def test_there_is_time_to_finish_requests(self) -> None:
        for name in UNITS:
            self.assertGreater(int(dict(service(name))["TimeoutStopSec"]), default_settings().shutdown_grace)

    def test_a_site_keeps_nothing_where_another_one_does(self) -> None:
        site = dict(service("qis@.service"))
        for name in _OWN - {"LogsDirectoryMode", "ReadWritePaths"}:
            self.assertIn("%i", site[name], name)
