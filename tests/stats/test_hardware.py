from __future__ import annotations

from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from qisd.stats.hardware import Hardware, Load


class HardwareTests(SynchronousTestCase):
    """The load of the machine, from the kernel's files."""

    def setUp(self) -> None:
        self.proc = Path(self.mktemp())
        self.proc.mkdir()

    def ticks(self, *numbers: int) -> None:
        (self.proc / "stat").write_text(f"cpu  {' '.join(map(str, numbers))}\ncpu0 1 2 3\n")

    def memory(self, text: str) -> None:
        (self.proc / "meminfo").write_text(text)

    def test_the_processors_are_busy_as_far_as_they_were_not_idle_since_the_last_sample(self) -> None:
        self.memory("MemTotal:  1000 kB\nMemFree: 1 kB\nMemAvailable:  250 kB\n")
        self.ticks(100, 0, 100, 1000, 0, 0, 0, 0, 50, 0)
        hardware = Hardware(self.proc)
        self.ticks(130, 0, 110, 1050, 10, 0, 0, 0, 80, 0)
        self.assertEqual(hardware.sample(), Load(cpu_pc=40.0, memory_pc=75.0))
        self.ticks(130, 0, 110, 1150, 10, 0, 0, 0, 80, 0)
        self.assertEqual(hardware.sample().cpu_pc, 0.0)

    def test_no_time_between_samples_is_no_load(self) -> None:
        self.ticks(1, 2, 3, 4, 5)
        self.assertEqual(Hardware(self.proc).sample(), Load(cpu_pc=0.0, memory_pc=0.0))

    def test_what_the_kernel_does_not_tell_is_0(self) -> None:
        self.assertEqual(Hardware(self.proc).sample(), Load(cpu_pc=0.0, memory_pc=0.0))
        self.memory("MemTotal: kB\n")
        (self.proc / "stat").write_text("intr 5\n")
        self.assertEqual(Hardware(self.proc).sample(), Load(cpu_pc=0.0, memory_pc=0.0))

    def test_this_machine_has_some_memory_in_use(self) -> None:
        load = Hardware().sample()
        self.assertTrue(0 < load.memory_pc < 100)
        self.assertTrue(0 <= load.cpu_pc <= 100)
