"""All endpoints that the modules of the API declare, without anything behind them."""

from __future__ import annotations

import functools
import importlib
import inspect
import pkgutil

from qisd.web import api
from qisd.web.api.endpoint import Endpoint, declared_by


@functools.cache
def endpoints() -> tuple[Endpoint, ...]:
    """In the order of modules and classes."""
    found: list[Endpoint] = []
    for module in pkgutil.iter_modules(api.__path__, "qisd.web.api."):
        loaded = importlib.import_module(module.name)
        for _, one in inspect.getmembers(loaded, inspect.isclass):
            if one.__module__ == module.name:
                found += [declared for declared, _ in declared_by(one)]
    return tuple(found)
