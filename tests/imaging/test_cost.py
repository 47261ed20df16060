"""The memory that a render is going to need."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from qisd.imaging.cost import BASE, estimate_memory
from qisd.imaging.geometry import Size, plan
from qisd.imaging.picture import SourceInfo
from qisd.imaging.spec import ImageSpec
from tests.imaging.pipelines import degrees

MEGA = 1024 * 1024


def info(width: int, height: int, *, format: str = "png", mode: str = "RGB", decoder: int = 0) -> SourceInfo:
    return SourceInfo(
        format=format,
        width=width,
        height=height,
        mode=mode,
        pages=1,
        has_alpha=mode in ("RGBA", "LA"),
        orientation=1,
        decoded_bytes=width * height * 4,
        decoder_bytes=decoder,
    )


def cost(source: SourceInfo, overlay: SourceInfo | None = None, **options: Any) -> int:
    spec = ImageSpec(**options)
    return estimate_memory(source, spec, plan(spec, Size(source.width, source.height)), overlay)


class CostTests(SynchronousTestCase):
    def test_a_sliver_to_be_turned_costs_terabytes(self) -> None:
        self.assertGreater(cost(info(6_356_992, 12, format="bmp"), rotation=degrees(30), width=50), 10 * 10**12)
        self.assertGreater(cost(info(12, 6_356_992, format="bmp"), rotation=degrees(30), width=50), 10 * 10**12)

    def test_a_sliver_to_be_padded_costs_its_canvas(self) -> None:
        self.assertGreater(cost(info(15000, 1), width=15000, height=1), 15000 * 4)
        self.assertGreater(cost(info(15000, 15000), width=15000, height=15000, rotation=degrees(1)), 15000**2 * 12)

    def test_the_decoded_picture_is_always_in_it(self) -> None:
        self.assertGreater(cost(info(6000, 4000), width=100), 6000 * 4000 * 4)
        self.assertLess(cost(info(6000, 4000), width=100), 6000 * 4000 * 4 * 3)

    def test_jpeg_costs_what_it_is_reduced_to(self) -> None:
        self.assertLess(cost(info(6000, 4000, format="jpg"), width=300), BASE + 24 * MEGA)
        self.assertGreater(cost(info(6000, 4000, format="jpg")), 6000 * 4000 * 8)

    def test_grey_costs_less_than_colour(self) -> None:
        grey = cost(info(6000, 4000, mode="L"), width=500)
        self.assertLess(grey, cost(info(6000, 4000), width=500) / 1.5)

    def test_palettes_cost_what_they_expand_to(self) -> None:
        self.assertGreater(cost(info(6000, 4000, mode="P"), width=500), 6000 * 4000 * 5)

    def test_the_decoders_own_needs_are_in_it(self) -> None:
        source = info(1000, 1000, decoder=500 * MEGA)
        self.assertGreater(cost(source, width=10), 500 * MEGA)
        self.assertGreater(cost(info(100, 100), source, overlay_src="x", width=10), 500 * MEGA)

    def test_an_overlay_costs_besides(self) -> None:
        alone = cost(info(2000, 2000))
        self.assertGreater(cost(info(2000, 2000), info(3000, 3000), overlay_src="x"), alone + 3000 * 3000 * 4)

    @given(
        st.integers(1, 20000), st.integers(1, 20000), st.sampled_from(["RGB", "L", "P", "I;16", "CMYK", "RGBA", "1"]),
        st.integers(0, 2000), st.integers(0, 2000), st.sampled_from([0, 90, 7.5]), st.sampled_from([0, 100]),
    )  # fmt: skip
    @settings(deadline=None, max_examples=100, derandomize=True)
    def test_it_is_at_least_every_picture_on_the_way(
        self, width: int, height: int, mode: str, wide: int, high: int, angle: float, sharpen: int
    ) -> None:
        spec = ImageSpec(width=wide or None, height=high or None, rotation=degrees(angle), sharpen=sharpen)
        sizes = plan(spec, Size(width, height))
        estimate = cost(info(width, height, mode=mode), width=spec.width, height=spec.height,
                        rotation=spec.rotation, sharpen=sharpen)  # fmt: skip
        stored = {"L": 1, "P": 1, "1": 1, "I;16": 2}.get(mode, 4)
        for size, pixel in ((Size(width, height), stored), (sizes.rotated, stored), (sizes.canvas, stored)):
            self.assertGreater(estimate, size.width * size.height * pixel)
