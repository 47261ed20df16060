"""From settings to what the image floor goes by. Blocks: it reads the colour profiles."""

from __future__ import annotations

from twisted.logger import Logger

from qisd.images import ImageRules
from qisd.imaging.formats import FormatTable
from qisd.imaging.limits import PublicLimits
from qisd.imaging.profiles import ProfileStore
from qisd.imaging.render import RenderSettings
from qisd.imaging.rules import Choices
from qisd.imaging.source import DecodeLimits
from qisd.settings import Settings

_log = Logger()

_MEGABYTE = 1024 * 1024

_LEAST_AREA = 1_000_000


def image_rules(settings: Settings) -> ImageRules:
    """The rules that ``settings`` make."""
    profiles = ProfileStore.load(settings.icc_base_dir, lambda text: _log.warn("{text}", text=text))
    return ImageRules(
        rendering=RenderSettings(
            resize_quality=settings.image_resize_quality,
            gamma_correct=settings.image_resize_gamma_correct,
            auto_orient=settings.image_auto_orient,
            limits=DecodeLimits(max_pixels=settings.max_source_pixels, max_bytes=settings.max_source_bytes),
            formats=FormatTable().merged(settings.image_formats),
            profiles=profiles,
        ),
        public_limits=PublicLimits(
            max_width=settings.public_max_image_width, max_height=settings.public_max_image_height
        ),
        max_dimension=settings.max_image_dimension,
        max_grid_tiles=settings.max_grid_tiles,
        wait_timeout=float(settings.image_generation_wait_timeout),
        raise_too_busy=settings.image_generation_raise_too_busy,
        benchmarking=settings.benchmarking,
        bases_from=settings.auto_pyramid_threshold if settings.auto_pyramid_threshold >= _LEAST_AREA else 0,
        sheets_room=max(settings.disk_cache_mb, settings.memory_cache_mb) * _MEGABYTE,
    )


def choices(rules: ImageRules) -> Choices:
    """What templates may choose from under ``rules``."""
    return Choices(
        write_formats=rules.rendering.formats.write_names(),
        profiles=rules.rendering.profiles.names,
        max_dimension=rules.max_dimension,
        max_grid_tiles=rules.max_grid_tiles,
    )
