"""Peak memory of the daemon while 15 renders of 24-megapixel sources run at once, against ``RENDER_MEMORY_MB``.

    python bench/memory.py

The sources are made here: JPEG (which can be decoded at reduced size) and PNG (which can't).
"""

from __future__ import annotations

import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from daemon import running
from PIL import Image

BUDGETS = (1024, 512)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        noise = Image.effect_noise((1500, 1000), 60).resize((6000, 4000), Image.Resampling.BICUBIC)
        picture = Image.merge("RGB", (noise, noise.transpose(Image.Transpose.FLIP_LEFT_RIGHT), noise))
        sources = [Path(folder) / "a.jpg", Path(folder) / "b.png"]
        picture.save(sources[0], quality=90)
        picture.save(sources[1], compress_level=1)
        print(f"{'budget MB':>9} {'source':8} {'idle MB':>8} {'peak MB':>8}")
        for budget in BUDGETS:
            for source in sources:
                with running(
                    [source], RENDER_MEMORY_MB=str(budget), MEMORY_CACHE_MB="1", BENCHMARKING="true"
                ) as daemon:
                    idle = daemon.peak_memory()
                    work = [f"/image?src=/photos/{source.name}&width={800 + n}&format=jpg" for n in range(30)]
                    with ThreadPoolExecutor(15) as clients:
                        list(clients.map(daemon.get, work))
                    print(f"{budget:9} {source.suffix[1:]:8} {idle / 1e6:8.0f} {daemon.peak_memory() / 1e6:8.0f}")


if __name__ == "__main__":
    main()
