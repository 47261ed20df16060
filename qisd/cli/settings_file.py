"""The local settings file, as commands change it."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path

from qisd.cli.console import CommandError, Console
from qisd.settings import LoadedSettings, loading
from qisd.settings.editing import replace_file, with_values


def local_file(console: Console) -> Path:
    """Where it is, or would be."""
    return console.settings_file or Path(console.environ.get("QIS_SETTINGS") or loading.DEFAULT_FILE)


def edited(path: Path, values: Mapping[str, object]) -> str:
    """The text of the file with ``values``; its comments stay.

    :raises CommandError: they can't be put in.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            text = file.read()
        before = tomllib.loads(text)
    except FileNotFoundError:
        text, before = "", {}
    except OSError as error:
        raise CommandError(f"{path} can't be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise CommandError(f"{path}: {error}; `qis check` tells more; nothing was done") from error
    new = with_values(text, values)
    if tomllib.loads(new) != {**before, **values}:
        raise CommandError(f"{path}: is in a form that this command can't change; nothing was done")
    return new


def write(path: Path, text: str) -> None:
    """Put ``text`` in the place of the file at ``path``.

    :raises CommandError: it can't be done.
    """
    try:
        replace_file(path, text)
    except OSError as error:
        raise CommandError(f"{path} can't be written: {error.strerror}") from error


def tell_of_environment(console: Console, loaded: LoadedSettings, changed: Mapping[str, object]) -> None:
    """Say which of the settings that are ``changed`` in the file don't count."""
    for name in changed:
        if loaded.origins[name] == "env":
            console.message(f"warning: {name} is given by the environment, which beats the file")
