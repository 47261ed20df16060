"""How large everything should be on a machine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs
from twisted.trial.unittest import SynchronousTestCase

from qisd.settings import default_settings, sizing
from qisd.settings.sizing import Machine, Plan


def plan(processors: int, memory_gb: float, *, here: bool = True, **settings: Any) -> Plan:
    machine = Machine(processors=processors, memory_mb=int(memory_gb * 1024), postgres_here=here, memcached_here=here)
    return sizing.plan(attrs.evolve(default_settings(), **settings), machine)


class PlanTests(SynchronousTestCase):
    def test_beside_database_and_cache_1_2_4_8_processors_have_2_2_2_6_workers(self) -> None:
        self.assertEqual([plan(count, 8).workers for count in (1, 2, 4, 8)], [2, 2, 2, 6])
        self.assertEqual([plan(count, 8, here=False).workers for count in (1, 2, 4, 8)], [2, 2, 4, 8])

    def test_all_memory_is_given_out_and_no_more(self) -> None:
        for processors, memory in ((4, 8), (8, 32), (10, 56)):
            made = plan(processors, memory)
            self.assertEqual(sum(made.shares.values()), memory * 1024)
            self.assertEqual((made.short_of, made.shares["memcached"]), (0, made.memcached_mb))
        self.assertEqual(plan(4, 8, here=False).memcached_mb, 0)

    def test_a_machine_that_is_too_small_is_told(self) -> None:
        made = plan(1, 1)
        self.assertGreater(made.short_of, 0)
        self.assertEqual((made.memcached_mb, made.memory_cache_mb, made.render_mb), (64, 16, 256))

    def test_the_preferred_scheme_has_the_workers(self) -> None:
        for scheme, expected in (("http", (6, 2)), ("https", (2, 6))):
            settings = attrs.evolve(default_settings(), preferred_url_scheme=scheme)
            found = sizing.by_setting(settings, plan(8, 32, preferred_url_scheme=scheme))
            self.assertEqual((found["HTTP_PROCESSES"], found["HTTPS_PROCESSES"]), expected)

    def test_the_only_scheme_that_is_served_has_the_workers_whichever_is_preferred(self) -> None:
        for unserved in ({"https_listen": ()}, {"https_processes": 0}):
            settings = attrs.evolve(default_settings(), preferred_url_scheme="https", **unserved)
            made = plan(8, 32, preferred_url_scheme="https", **unserved)
            found = sizing.by_setting(settings, made)
            self.assertEqual((found["HTTP_PROCESSES"], made.connections), (6, (5 + 2) * 6 + 5 + 5))
            self.assertFalse([name for name in found if name.startswith("HTTPS_")])

    def test_connections_are_those_of_all_processes_and_some_to_spare(self) -> None:
        self.assertEqual(plan(8, 32).connections, (5 + 2) * 8 + 5 + 5)
        self.assertEqual(plan(8, 32, https_listen=(), tasks_enabled=False).connections, (5 + 2) * 6 + 5)


class MachineTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.cgroup = Path(self.mktemp())
        self.cgroup.mkdir()

    def test_the_quota_of_a_container_counts_rounded_up(self) -> None:
        many = sizing.processors(cgroup=self.cgroup)
        for text, expected in (("100000 100000", 1), ("50000 100000", 1), ("max 100000", many), ("x", many)):
            (self.cgroup / "cpu.max").write_text(f"{text}\n")
            self.assertEqual(sizing.processors(cgroup=self.cgroup), expected, text)

    def test_the_limit_of_a_container_counts(self) -> None:
        all_of_it = sizing.memory_mb(cgroup=self.cgroup)
        for text, expected in (("536870912", 512), ("max", all_of_it), (str(2**62), all_of_it)):
            (self.cgroup / "memory.max").write_text(f"{text}\n")
            self.assertEqual(sizing.memory_mb(cgroup=self.cgroup), expected, text)

    def in_groups(self, text: str) -> dict[str, Path]:
        """Where a process is that is in these groups."""
        own = self.cgroup / "own"
        own.write_text(text)
        return {"cgroup": self.cgroup, "own": own}

    def limit(self, name: str, text: str) -> None:
        file = self.cgroup / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{text}\n")

    def test_the_limit_of_a_service_and_of_the_slice_around_it_count(self) -> None:
        self.limit("system.slice/memory.max", str(2**30))
        self.limit("system.slice/qis.service/memory.max", "max")
        self.limit("system.slice/qis.service/cpu.max", "10000 100000")
        groups = self.in_groups("0::/system.slice/qis.service\n")
        self.assertEqual((sizing.memory_mb(**groups), sizing.processors(**groups)), (1024, 1))
        self.limit("system.slice/qis.service/memory.max", str(2**29))
        self.assertEqual(sizing.memory_mb(**groups), 512)

    def test_limits_count_in_the_older_form_of_groups_too(self) -> None:
        self.limit("memory/small/memory.limit_in_bytes", str(2**29))
        self.limit("cpu/small/cpu.cfs_quota_us", "50000")
        self.limit("cpu/small/cpu.cfs_period_us", "100000")
        groups = self.in_groups("4:memory:/small\n1:cpu,cpuacct:/small\n0::/\n")
        self.assertEqual((sizing.memory_mb(**groups), sizing.processors(**groups)), (512, 1))

    def test_a_group_that_can_not_be_seen_from_the_container_is_none(self) -> None:
        self.limit("memory.max", str(2**28))
        self.assertEqual(sizing.memory_mb(**self.in_groups("0::/../../elsewhere\n")), 256)
