"""Where twistd comes in: :mod:`qisd.service.composition`, loaded faster."""

from __future__ import annotations

import gc

# Little of what is loaded is garbage; to look for it takes a tenth of a worker's start.
gc.disable()

from qisd.service.composition import Options, makeService  # noqa: E402

gc.freeze()
gc.enable()

__all__ = ["Options", "makeService"]
