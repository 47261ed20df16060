"""Paths that visitors give, before anything is looked up."""

from __future__ import annotations

import re

from qisd.access.levels import Level
from qisd.access.visitor import Visitor
from qisd.errors import BadParameter, NotAuthenticated, NotFound
from qisd.pools.files import FilePool
from qisd.repository import paths
from qisd.repository.tree import Tree
from qisd.store.images import folder_of

_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


def require_login(visitor: Visitor) -> None:
    """:raises NotAuthenticated: nobody has logged in."""
    if visitor.anonymous:
        raise NotAuthenticated


def check_text(text: str, *, parameter: str, most: int) -> str:
    """``text`` without blanks around it.

    :raises BadParameter: it is too long, or can't be stored.
    """
    stripped = text.strip()
    if len(stripped) > most:
        raise BadParameter(parameter, f"Value is too long (max {most})")
    if _UNSTORABLE.search(stripped):
        raise BadParameter(parameter, "not a text")
    return stripped


def normalised(path: str, *, parameter: str) -> str:
    """``path`` without slashes around it.

    :raises BadParameter: it can't be one. :raises Forbidden: it leads out of the library.
    """
    if _UNSTORABLE.search(path):
        raise BadParameter(parameter, "not a text")
    return paths.normalise(path, parameter=parameter)


async def viewable(visitor: Visitor, path: str, *, folder: bool, tree: Tree, files: FilePool) -> str:
    """``path`` as the disk spells it, for a visitor who may view it.

    :param folder: whether it's a folder's; else the folder counts that it is in.
    :raises Forbidden: the visitor may not, whether or not there is such a thing.
    :raises NotFound: it is hidden.
    """
    visitor.require(Level.VIEW, path if folder else folder_of(path))
    if paths.is_hidden(path):
        raise NotFound(f"'/{path}' was not found.")
    spelled = path if path.isascii() else await files.run(lambda: tree.spelling(path))
    if spelled != path:
        visitor.require(Level.VIEW, spelled if folder else folder_of(spelled))
    return spelled
