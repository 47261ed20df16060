"""How busy this machine is, as the kernel tells."""

from __future__ import annotations

from pathlib import Path

import attrs


@attrs.frozen
class Load:
    """Use of processors and memory by everything on the machine, in percent."""

    cpu_pc: float
    memory_pc: float


class Hardware:
    """Samples the load. What the kernel doesn't tell, in a restricted container say, counts as 0.

    :param proc: where its files are; reading them never waits for a disk.
    """

    def __init__(self, proc: Path = Path("/proc")) -> None:
        self._proc = proc
        self._last = self._processor_times()

    def sample(self) -> Load:
        """The load of the processors since the last sample, and that of the memory now."""
        before, self._last = self._last, self._processor_times()
        total, idle = (new - old for new, old in zip(self._last, before, strict=True))
        busy = 100.0 * (total - idle) / total if total > 0 else 0.0
        return Load(cpu_pc=min(max(busy, 0.0), 100.0), memory_pc=self._memory())

    def _processor_times(self) -> tuple[int, int]:
        """The ticks of all processors so far, and how many of them were idle."""
        try:
            name, *fields = (self._proc / "stat").read_text(encoding="ascii").splitlines()[0].split()
            # user, nice, system, idle, waiting for disks, interrupts, soft interrupts, stolen; others are in user too
            ticks = [int(field) for field in fields[:8]]
            return (sum(ticks), ticks[3] + ticks[4]) if name == "cpu" else (0, 0)
        except (OSError, ValueError, IndexError):
            return 0, 0

    def _memory(self) -> float:
        try:
            lines = (self._proc / "meminfo").read_text(encoding="ascii").splitlines()
            sizes = {name: int(rest.split()[0]) for name, _, rest in (line.partition(":") for line in lines)}
            return 100.0 * (1 - sizes["MemAvailable"] / sizes["MemTotal"])
        except (OSError, ValueError, LookupError, ZeroDivisionError):
            return 0.0
