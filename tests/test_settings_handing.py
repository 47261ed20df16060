"""Settings that are handed to another process."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from qisd.settings import default_settings, load_settings
from qisd.settings.handing import from_values, to_values

_SITE = """
PUBLIC_HOST_NAME = "images.example.com"
SECRET_KEY = "hex:8f3c61b7d2a94e05f7186ac3b92d40e1c55a7e9306bd1f28"
HTTP_LISTEN = ["127.0.0.1:8080", "[::1]:8081"]
HTTP_PROCESSES = "auto"
PROXY_ADDRESSES = ["10.0.0.0/8"]
IMAGES_FILE_MODE = "0640"
LOG_LEVEL = { default = "info", images = "debug" }
MGMT_DATABASE_CONNECTION = "postgresql://qis:secret@localhost/qis"
TLS_SITES_DIR = "/etc/qis/tls.d"
"""


class HandingTests(SynchronousTestCase):
    def test_they_arrive_as_they_were(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "local_settings.toml"
            file.write_text(_SITE)
            site = load_settings(file, {}).settings
        for settings in (default_settings(), site):
            self.assertEqual(from_values(json.loads(json.dumps(to_values(settings)))), settings)
