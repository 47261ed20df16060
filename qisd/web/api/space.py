"""How much room there is where the server keeps things."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated

from msgspec import Meta

from qisd.access.levels import Flag
from qisd.pools.files import FilePool
from qisd.web.api.endpoint import Call, endpoint
from qisd.web.api.models import Model


class FileSystem(Model):
    """A file system that something of the server lies on."""

    names: Annotated[list[str], Meta(description="what lies there: images, state, logs, temp")]
    total: Annotated[int, Meta(description="bytes")]
    free: Annotated[int, Meta(description="bytes that the server may still use")]


class SpaceEndpoints:
    """The endpoint.

    :param places: where things lie, by what they are.
    """

    def __init__(self, files: FilePool, *, places: Callable[[], Mapping[str, Path]]) -> None:
        self._files = files
        self._places = places

    @endpoint(
        "GET",
        "/admin/space/",
        summary="How much room there is where the server keeps things",
        tag="Tasks",
        login=True,
        flag=Flag.REPORTS,
        answer=list[FileSystem],
    )
    async def space(self, call: Call) -> list[FileSystem]:
        places = self._places()
        return await self._files.run(lambda: _file_systems(places))


def _file_systems(places: Mapping[str, Path]) -> list[FileSystem]:
    """In a thread. What lies on one file system is told once; what isn't there is left out."""
    found: dict[int, FileSystem] = {}
    for name, place in places.items():
        try:
            device, usage = os.stat(place).st_dev, shutil.disk_usage(place)  # noqa: PTH116
        except OSError:
            continue
        known = found.setdefault(device, FileSystem(names=[], total=usage.total, free=usage.free))
        known.names.append(name)
    return list(found.values())
