"""What an image library should look like after each of a row of random changes, worked out without it."""

from __future__ import annotations

import random
from typing import Any

import attrs

Size = tuple[int, int]
"""Width and height of a picture, which tell it from all others."""


@attrs.define
class Trashed:
    """What was deleted: the files and folders that it consists of."""

    path: str
    file: bool
    files: dict[str, Size]
    folders: set[str]


@attrs.define
class State:
    """Files by path, folders (without the root), and the trash, oldest first."""

    files: dict[str, Size] = attrs.field(factory=dict)
    folders: set[str] = attrs.field(factory=set)
    trash: list[Trashed] = attrs.field(factory=list)

    def copy(self) -> State:
        trash = [Trashed(one.path, one.file, dict(one.files), set(one.folders)) for one in self.trash]
        return State(dict(self.files), set(self.folders), trash)


@attrs.frozen
class Change:
    """One change, and what it makes of the state before."""

    verb: str
    arguments: dict[str, Any]
    after: State


FIRST = State(
    files={
        "a/1.jpg": (1, 1),
        "a/2.jpg": (2, 1),
        "a/b/3.jpg": (3, 1),
        "c/4.jpg": (4, 1),
        "5.jpg": (5, 1),
    },
    folders={"a", "a/b", "c", "d"},
)


def changes(seed: int, count: int) -> list[Change]:
    """The row of changes that belongs to ``seed``, beginning from :data:`FIRST`."""
    dice = random.Random(seed)
    state, found = FIRST, []
    while len(found) < count:
        verb = dice.choice(list(_VERBS))
        after = state.copy()
        arguments = _VERBS[verb](after, dice, 10 + len(found))
        if arguments is not None:
            found.append(Change(verb, arguments, after))
            state = after
    return found


def _folder(state: State, dice: random.Random) -> str:
    return dice.choice(["", *sorted(state.folders)])


def _join(folder: str, name: str) -> str:
    return f"{folder}/{name}".lstrip("/")


def _upload(state: State, dice: random.Random, number: int) -> dict[str, Any]:
    folder, size = _folder(state, dice), (number, dice.randint(2, 9))
    path = _join(folder, f"n{number}.jpg")
    state.files[path] = size
    return {"folder": folder, "name": f"n{number}.jpg", "size": size, "overwrite": "no"}


def _overwrite(state: State, dice: random.Random, number: int) -> dict[str, Any] | None:
    if not state.files:
        return None
    path, size = dice.choice(sorted(state.files)), (number, dice.randint(2, 9))
    state.files[path] = size
    folder, _, name = path.rpartition("/")
    return {"folder": folder, "name": name, "size": size, "overwrite": "yes"}


def _upload_renamed(state: State, dice: random.Random, number: int) -> dict[str, Any] | None:
    if not state.files:
        return None
    path, size = dice.choice(sorted(state.files)), (number, dice.randint(2, 9))
    folder, _, name = path.rpartition("/")
    stem = name.removesuffix(".jpg")
    new = next(new for n in range(1, 999) if (new := _join(folder, f"{stem}-{n:03}.jpg")) not in state.files)
    state.files[new] = size
    return {"folder": folder, "name": name, "size": size, "overwrite": "rename"}


def _move_file(state: State, dice: random.Random, number: int) -> dict[str, Any] | None:
    if not state.files:
        return None
    path = dice.choice(sorted(state.files))
    target = _join(_folder(state, dice), f"m{number}.jpg")
    state.files[target] = state.files.pop(path)
    return {"path": path, "target": target}


def _delete_file(state: State, dice: random.Random, number: int) -> dict[str, Any] | None:
    if not state.files:
        return None
    path = dice.choice(sorted(state.files))
    state.trash.append(Trashed(path, True, {path: state.files.pop(path)}, set()))
    return {"path": path}


def _create_folder(state: State, dice: random.Random, number: int) -> dict[str, Any]:
    path = _join(_folder(state, dice), f"f{number}")
    state.folders.add(path)
    if dice.random() < 0.5:
        path = f"{path}/g"
        state.folders.add(path)
    return {"path": path}


def _move_folder(state: State, dice: random.Random, number: int) -> dict[str, Any] | None:
    if not state.folders:
        return None
    path = dice.choice(sorted(state.folders))
    above = [one for one in ["", *sorted(state.folders)] if one != path and not one.startswith(f"{path}/")]
    target = _join(dice.choice(above), f"r{number}")

    def moved(one: str) -> str:
        return target + one[len(path) :] if one == path or one.startswith(f"{path}/") else one

    state.files = {moved(one): size for one, size in state.files.items()}
    state.folders = {moved(one) for one in state.folders}
    for entry in state.trash:
        new = moved(entry.path)
        entry.files = {new + one[len(entry.path) :]: size for one, size in entry.files.items()}
        entry.folders = {new + one[len(entry.path) :] for one in entry.folders}
        entry.path = new
    return {"path": path, "target": target}


def _delete_folder(state: State, dice: random.Random, number: int) -> dict[str, Any] | None:
    if not state.folders:
        return None
    path = dice.choice(sorted(state.folders))
    files = {one: size for one, size in state.files.items() if one.startswith(f"{path}/")}
    folders = {one for one in state.folders if one == path or one.startswith(f"{path}/")}
    state.files = {one: size for one, size in state.files.items() if one not in files}
    state.folders -= folders
    state.trash.append(Trashed(path, False, files, folders))
    return {"path": path}


def _restore(state: State, dice: random.Random, number: int) -> dict[str, Any] | None:
    found = [
        entry
        for entry in state.trash
        if entry.path not in state.files
        and entry.path not in state.folders
        and (entry.path.rpartition("/")[0] or "") in {"", *state.folders}
    ]
    if not found:
        return None
    entry = dice.choice(found)
    state.trash.remove(entry)
    state.files |= entry.files
    state.folders |= entry.folders
    return {"path": entry.path}


_VERBS = {
    "upload": _upload,
    "overwrite": _overwrite,
    "upload_renamed": _upload_renamed,
    "move_file": _move_file,
    "delete_file": _delete_file,
    "create_folder": _create_folder,
    "move_folder": _move_folder,
    "delete_folder": _delete_folder,
    "restore": _restore,
}
