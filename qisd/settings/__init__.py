"""Every setting, typed, in one place.

The order of reading: ``base_settings.toml`` in the package, the local file of the site, the environment. Later ones
win. All faults are found in one go, each with its place.
"""

from qisd.settings.addresses import ListenAddress
from qisd.settings.loading import DEFAULT_FILE, LoadedSettings, default_settings, load_settings
from qisd.settings.model import Settings, restart_required
from qisd.settings.tables import LogLevels

__all__ = [
    "DEFAULT_FILE",
    "ListenAddress",
    "LoadedSettings",
    "LogLevels",
    "Settings",
    "default_settings",
    "load_settings",
    "restart_required",
]
