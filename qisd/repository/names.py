"""Which names new files and folders get: what clients send is cleaned, measured, and made free of clashes."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator

from qisd.errors import BadParameter
from qisd.repository.paths import MAX_COMPONENT_BYTES

MAX_PATH = 1024
"""Characters of a whole path."""

MIN_FILE_NAME, MAX_FILE_NAME = 5, 255
"""Characters of a file's name."""

_SUFFIXES = range(1, 1000)
_PUNCTUATION = frozenset(" _&@{}[],;$=!#()%+~.-")
_LEADING = re.compile(r"[ ._]*")


def check_target(path: str, *, parameter: str = "path") -> None:
    """Refuse paths of new things that lead upwards, or to hidden places.

    :raises BadParameter: it begins with a dot, has two of them in a row, or a component that begins with one.
    """
    if path.startswith(".") or ".." in path or "/." in path:
        raise BadParameter(parameter, "must not contain '..', nor names that begin with a dot")


def clean_name(name: str, *, unicode_names: bool, parameter: str = "path") -> str:
    """The name of a new file or folder that ``name`` becomes.

    Letters (with their marks), digits and harmless punctuation stay, in composed form; slashes become underscores. What
    would hide it, or confuse whoever reads it, goes: dots in front, dots, underscores and blanks at the ends.
    Underscores in front stay when there is no dot among them.

    :param unicode_names: otherwise all that is not ASCII goes, after accents were taken off.
    :raises BadParameter: nothing is left, or more than a file system takes.
    """
    if unicode_names:
        text = unicodedata.normalize("NFC", name)
    else:
        text = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode("ascii")
    text = "".join(character for character in text.replace("/", "_") if _is_kept(character)).rstrip(" ._")
    leading = _LEADING.match(text)
    assert leading is not None  # noqa: S101 - it matches the empty text
    kept = "" if "." in leading[0] else leading[0].strip(" ").replace(" ", "")
    text = kept + text[leading.end() :]
    if not text.strip("_"):
        raise BadParameter(parameter, f"no valid name is left of '{_shown(name)}'")
    if len(text.encode()) > MAX_COMPONENT_BYTES:
        raise BadParameter(parameter, f"Value is too long (max {MAX_COMPONENT_BYTES})")
    return text


def clean_file_name(name: str, *, unicode_names: bool, parameter: str = "path") -> str:
    """As :func:`clean_name`, for a file.

    :raises BadParameter: besides, it is too short, or has no proper extension.
    """
    text = clean_name(name, unicode_names=unicode_names, parameter=parameter)
    if len(text) < MIN_FILE_NAME:
        raise BadParameter(parameter, f"Value is too short (min {MIN_FILE_NAME})")
    extension = text.rpartition(".")[2]
    if "." not in text or not extension or " " in extension:
        raise BadParameter(parameter, "the file name has no valid extension")
    return text


def clean_folder_path(path: str, *, unicode_names: bool, exists: Callable[[str], bool], parameter: str = "path") -> str:
    """The path, without slashes around it, that a folder to be made or moved gets.

    :param exists: whether there is a folder at a path; names of those that are there are taken as they are.
    :raises BadParameter: it leads upwards or to hidden places, is empty or too long, or a name can't be cleaned.
    """
    check_target(path, parameter=parameter)
    parts: list[str] = []
    there = True
    for part in path.split("/"):
        if not part:
            continue
        there = there and not has_control_characters(part) and exists("/".join([*parts, part]))
        parts.append(part if there else clean_name(part, unicode_names=unicode_names, parameter=parameter))
    if not parts:
        raise BadParameter(parameter, "an empty path")
    cleaned = "/".join(parts)
    check_length(cleaned, parameter=parameter)
    return cleaned


def check_length(path: str, *, parameter: str = "path") -> None:
    """:raises BadParameter: ``path``, without leading slash, is longer than the database takes with one."""
    if len(path) >= MAX_PATH:
        raise BadParameter(parameter, f"Value is too long (max {MAX_PATH})")


def alternatives(name: str) -> Iterator[str]:
    """``name`` and what it becomes when it is taken: ``-001`` … ``-999`` before the extension.

    The name in front of it is shortened where it would be too long otherwise.
    """
    yield name
    stem, dot, extension = name.rpartition(".")
    if not stem:
        stem, dot, extension = name, "", ""
    for number in _SUFFIXES:
        end = f"-{number:03}{dot}{extension}"
        room = MAX_COMPONENT_BYTES - len(end.encode())
        yield stem.encode()[:room].decode(errors="ignore") + end


def has_control_characters(text: str) -> bool:
    return any(unicodedata.category(character) == "Cc" for character in text)


def _is_kept(character: str) -> bool:
    return character in _PUNCTUATION or unicodedata.category(character)[0] in "LMN"


def _shown(name: str) -> str:
    return "".join(character for character in name[:100] if character.isprintable())
