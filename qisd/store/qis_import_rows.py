"""What becomes of the single rows of a QIS on their way into our tables. No database here: rows in, rows out.

Whatever is put right or left out is counted in the :class:`~qisd.store.qis_import_findings.Findings`.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping

import attrs

from qisd.errors import BadParameter
from qisd.imaging.rules import Choices
from qisd.imaging.template import FIELDS, parse_template, stored_form
from qisd.store.first_run import ADMIN, ADMINISTRATORS, GROUPS, NORMAL_USERS, PUBLIC, SYSTEM_GROUP
from qisd.store.qis_import_findings import Findings
from qisd.store.queries import Row
from qisd.store.users import UNUSABLE_PASSWORD

SKIPPED_PROPERTIES = frozenset({"db_migration_version", "import_source"})

_PASSWORD, _DIRECTORY = 1, 2
_LOCAL_GROUP = 2
_LONGEST_INFO = 4096
_LEVELS = (70, 60, 50, 40, 30, 20, 10, 0)
_FOLIO_LEVELS = (50, 30, 20, 10, 0)
_STRAY = frozenset({"filename", "template"})
_UNFINISHED = "It was not ready when everything was taken over from QIS."

# Accounts


def users(rows: Iterable[Row], findings: Findings) -> list[Row]:
    """All users, and user 1 in any case."""
    made: list[Row] = []
    for number, first, last, email, name, password, kind, allow_api, status in rows:
        known = kind in (_PASSWORD, _DIRECTORY) and status in (0, 1)
        if not known:
            findings.add("user_fields", f"{number}: {name}")
        if not password:
            findings.add("user_password", f"{number}: {name}")
        kind = kind if kind in (_PASSWORD, _DIRECTORY) else _PASSWORD
        made.append(
            (number, first, last, email, name, password or UNUSABLE_PASSWORD, kind, allow_api, int(status == 1))
        )
    if all(row[0] != ADMIN for row in made):
        taken = {row[4].lower() for row in made}
        name = next(name for name in ("admin", "administrator", f"admin-{ADMIN}", "") if name not in taken)
        made.append((ADMIN, "Administrator", "", "", name, UNUSABLE_PASSWORD, _PASSWORD, True, 1))
        findings.add("missing_admin", name)
    return made


def groups(rows: Iterable[Row], findings: Findings) -> list[Row]:
    """All groups, and the system's in any case."""
    made: dict[int, Row] = {}
    system = {number: (name, description) for number, name, description in GROUPS}
    for number, name, description, kind in rows:
        possible = {SYSTEM_GROUP} if number in system else {_LOCAL_GROUP, 3}
        if kind not in possible:
            findings.add("group_type", f"{number}: {name}")
        made[number] = (number, name, description, kind if kind in possible else min(possible))
    for number, (name, description) in system.items():
        if number not in made:
            findings.add("missing_group", name)
            made[number] = (number, name, description, SYSTEM_GROUP)
    by_case: dict[str, list[str]] = {}
    for _, name, _, _ in made.values():
        by_case.setdefault(name.casefold(), []).append(name)
    for names in by_case.values():
        if len(set(names)) > 1:
            findings.add("group_case", ", ".join(names))
    return list(made.values())


def memberships(
    rows: Iterable[Row], user_ids: Collection[int], group_ids: Collection[int], findings: Findings, *, admin_made: bool
) -> list[Row]:
    """The memberships; ``admin_made`` says that user 1 is new and needs some."""
    made = set()
    for user, group in rows:
        if user in user_ids and group in group_ids:
            made.add((user, group))
        else:
            findings.add("orphan_usergroups", f"{user} in {group}")
    if admin_made:
        made |= {(ADMIN, ADMINISTRATORS), (ADMIN, NORMAL_USERS)}
    return sorted(made)


def flags(rows: Iterable[Row], group_ids: Collection[int], findings: Findings) -> list[Row]:
    """The system permissions: a row for each group."""
    made: dict[int, Row] = {}
    for group, *given in rows:
        if group not in group_ids:
            findings.add("orphan_syspermissions", group)
            continue
        if group == PUBLIC and any(given):
            findings.add("public_flags")
            given = [False] * len(given)
        made[group] = (group, *given)
    for group in sorted(set(group_ids) - made.keys()):
        findings.add("missing_flags", group)
        made[group] = (group, *[group == ADMINISTRATORS] * 7)
    return list(made.values())


# Folders


@attrs.define
class Folder:
    """One folder; ``made`` says that it had no row."""

    id: int
    status: int
    made: bool = False


class FolderTree:
    """All folders by path. Those that something is in are made when they are missing.

    :param rows: id, path, id of the parent, status.
    """

    def __init__(self, rows: Iterable[Row], findings: Findings) -> None:
        self._findings = findings
        self._by_path: dict[str, Folder] = {}
        self._kept: dict[int, int] = {}
        given = list(rows)
        self._last = max((number for number, *_ in given), default=0) or 1
        for number, path, _, status in sorted(given, key=lambda row: (row[3] != 1, row[0])):
            self._take(number, path, status)
        if "/" not in self._by_path:
            findings.add("missing_root")
            # Its usual id, unless another folder has it.
            self._add("/", 1, number=None if self._kept.get(1) else 1)
        elif self._by_path["/"].id != 1:
            findings.add("root_id", self._by_path["/"].id)
        for path, folder in list(self._by_path.items()):
            if path != "/":
                self.of(_above(path), active=folder.status == 1)
        self._compare_parents(given)

    def id_of(self, number: int) -> int | None:
        """The id that the folder ``number`` has here: another one only if it was there twice; None if it isn't here."""
        return self._kept.get(number)

    def of(self, path: str, *, active: bool) -> int:
        """The id of the folder at ``path``, which is made if it's missing, with all above it."""
        folder = self._by_path.get(path)
        if folder is None:
            self._findings.add("folder_made", path)
            folder = self._add(path, int(active))
            self.of(_above(path), active=active)
        elif active and folder.made and not folder.status:
            folder.status = 1
            self.of(_above(path), active=True)
        return folder.id

    def rows(self) -> list[Row]:
        """What is stored: id, name, path, id of the parent, status."""
        return [
            (
                folder.id,
                path.rpartition("/")[2],
                path,
                None if path == "/" else self._by_path[_above(path)].id,
                folder.status,
            )
            for path, folder in sorted(self._by_path.items())
        ]

    @property
    def root(self) -> int:
        return self._by_path["/"].id

    def _take(self, number: int, given: str, status: int) -> None:
        tidied = tidy(given)
        if tidied is None:
            self._findings.add("folder_path", f"{number}: {given}")
            return
        path = f"/{tidied}"
        if status not in (0, 1):
            self._findings.add("folder_status", f"{number}: {path}")
        if path in self._by_path:
            self._findings.add("folder_merged", f"{number}: {given}")
            self._kept[number] = self._by_path[path].id
            return
        if path != given and given != "":
            self._findings.add("folder_tidied", f"{number}: {given}")
        self._add(path, int(status == 1), number=number)

    def _add(self, path: str, status: int, *, number: int | None = None) -> Folder:
        made = number is None
        if number is None:
            self._last += 1
            number = self._last
        folder = self._by_path[path] = Folder(number, status, made)
        self._kept[number] = number
        return folder

    def _compare_parents(self, given: Iterable[Row]) -> None:
        paths = {folder.id: path for path, folder in self._by_path.items()}
        for number, _, parent, _ in given:
            path = paths.get(number)
            if path is None:
                continue
            right = None if path == "/" else self._by_path[_above(path)].id
            if (self._kept.get(parent, -1) if parent is not None else None) != right:
                self._findings.add("folder_parent", f"{number}: {path}")


def _above(path: str) -> str:
    return path.rpartition("/")[0] or "/"


def tidy(path: str) -> str | None:
    """``path`` in its one spelling, below the root, without slashes at the ends; None when it leaves the root."""
    if "//" not in path and "./" not in path and not path.endswith(("/", "/.", "/..")) and path not in (".", ".."):
        return path.removeprefix("/")
    parts: list[str] = []
    for part in path.split("/"):
        if part == "..":
            if not parts:
                return None
            parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts)


def folder_permissions(
    rows: Iterable[Row], tree: FolderTree, group_ids: Collection[int], findings: Findings
) -> list[Row]:
    """The folder permissions, with levels that there are; Public and Normal users have one at the root in any case."""
    made: dict[tuple[int, int], Row] = {}
    last = 0
    for number, folder, group, access in sorted(rows):
        last = max(last, number)
        here = tree.id_of(folder)
        if here is None or group not in group_ids:
            findings.add("orphan_folderpermissions", f"{number}: group {group} on folder {folder}")
            continue
        level = rounded_down(access, _LEVELS)
        if level != access:
            findings.add("odd_level", f"{number}: {access} → {level}")
        if (here, group) in made:
            findings.add("double_folderpermissions", f"{number}: group {group} on folder {folder}")
            continue
        made[here, group] = (number, here, group, level)
    for group in (PUBLIC, NORMAL_USERS):
        if (tree.root, group) not in made:
            last += 1
            findings.add("missing_root_level", f"group {group}")
            made[tree.root, group] = (last, tree.root, group, 0)
    return list(made.values())


def rounded_down(level: int, levels: tuple[int, ...]) -> int:
    """The highest of ``levels``, which fall, that isn't above ``level``; the lowest of all for less."""
    return next((one for one in levels if one <= level), levels[-1])


# Images


def images(rows: Iterable[Row], tree: FolderTree, findings: Findings) -> Iterator[Row]:
    """The images, each in the folder that its path names."""
    for number, given, folder, title, description, width, height, status, seen in rows:
        src = tidy(given)
        if not src:
            findings.add("image_path", f"{number}: {given}")
            continue
        if src != given:
            findings.add("image_tidied", f"{number}: {given}")
        if not src.isprintable() and any(character < " " or character == "\x7f" for character in src):
            findings.add("image_control", f"{number}: {src}")
        if width < 0 or height < 0 or status not in (0, 1):
            findings.add("image_fields", f"{number}: {src}")
        named = tree.of(_above(f"/{src}"), active=status == 1)
        if tree.id_of(folder) is None:
            findings.add("image_orphan", f"{number}: {src} in {folder}")
        elif tree.id_of(folder) != named:
            findings.add("image_folder", f"{number}: {src} in {folder}")
        yield number, src, named, title, description, max(width, 0), max(height, 0), int(status == 1), seen


def history(
    rows: Iterable[Row], actions: Collection[int], user_ids: Collection[int], findings: Findings, *, name: str
) -> Iterator[Row]:
    """The rows of ``imagesaudit`` or ``foliosaudit`` (``name``)."""
    for number, thing, user, action, info, time in rows:
        if action not in actions:
            findings.add(f"odd_{name}", f"{number}: {action}")
            continue
        if user is not None and user not in user_ids:
            findings.add(f"user_{name}", f"{number}: {user}")
            user = None
        if len(info) > _LONGEST_INFO:
            findings.add(f"cut_{name}", number)
            info = f"{info[: _LONGEST_INFO - 3]}..."
        yield number, thing, user, action, info, time


# Templates, and options in their form


@attrs.frozen(kw_only=True)
class Cleaned:
    """The JSON of options as it can be kept.

    :param document: what to keep.
    :param unknown: names of fields that mean nothing here, and are left out of it.
    :param fault: why it isn't valid, or None.
    """

    document: Mapping[str, object]
    unknown: tuple[str, ...] = ()
    fault: str | None = None


def clean(text: str, choices: Choices, *, stray: Collection[str] = _STRAY) -> Cleaned:
    """Check the JSON ``text`` of a template.

    :param stray: names of fields that are dropped without a word.
    """
    try:
        given = json.loads(text, parse_constant=_refuse)
        json.dumps(given, allow_nan=False).encode("ascii")
    except (ValueError, RecursionError):
        return Cleaned(document={}, fault="not readable as JSON")
    if not isinstance(given, dict):
        return Cleaned(document={}, fault="not an object")
    known = {field: entry for field, entry in given.items() if field in FIELDS}
    kept = {field: given[field] for field in given.keys() & _STRAY - set(stray)}
    unknown = tuple(sorted(given.keys() - FIELDS - _STRAY))
    try:
        parse_template(known, choices)
        return Cleaned(document={**stored_form(known), **_texts(kept)}, unknown=unknown)
    except BadParameter as error:
        return Cleaned(document=given if _storable(given) else {}, fault=error.message)


def _refuse(constant: str) -> object:
    raise ValueError(constant)


def _texts(fields: Mapping[str, object]) -> dict[str, object]:
    """Those of ``fields`` whose value is a text, and says something."""
    return {
        field: {"value": entry["value"]}
        for field, entry in fields.items()
        if isinstance(entry, dict) and isinstance(entry.get("value"), str) and entry["value"] and _storable(entry)
    }


def _storable(value: object) -> bool:
    """Whether PostgreSQL takes ``value`` as jsonb: no zero characters, no halves of surrogate pairs."""
    text = json.dumps(value, ensure_ascii=False)
    return "\\u0000" not in text and not any("\ud800" <= character <= "\udfff" for character in text)


def templates(rows: Iterable[Row], choices: Choices, findings: Findings) -> list[Row]:
    """The image templates; those that aren't valid are disabled."""
    made = []
    for number, name, description, text in rows:
        cleaned = clean(text, choices)
        if cleaned.fault:
            findings.add("template_invalid", f"{number}: {name}: {cleaned.fault}")
        for field in cleaned.unknown if not cleaned.fault else ():
            findings.add("template_field", f"{number}: {name}: {field}")
        made.append((number, name, description, json.dumps(cleaned.document), cleaned.fault is not None))
    return made


def _options(text: str, choices: Choices, findings: Findings, where: str) -> str:
    """The stored options of something in a portfolio; none when they aren't valid. They may name a template."""
    cleaned = clean(text, choices, stray=("filename",))
    if cleaned.fault or cleaned.unknown:
        reason = cleaned.fault or f"{', '.join(cleaned.unknown)}: not a field"
        findings.add("parameters_invalid", f"{where}: {reason}")
    return json.dumps({} if cleaned.fault else cleaned.document)


# Portfolios


def portfolios(rows: Iterable[Row], user_ids: Collection[int], findings: Findings) -> Iterator[Row]:
    for number, human_id, name, description, owner, updated in rows:
        if owner not in user_ids:
            findings.add("folio_owner", f"{number}: {human_id}")
            owner = ADMIN
        yield number, human_id, name, description, owner, updated


def portfolio_images(rows: Iterable[Row], choices: Choices, findings: Findings) -> Iterator[Row]:
    for number, folio, image, parameters, filename, order in rows:
        options = _options(parameters, choices, findings, f"image {image} of portfolio {folio}")
        yield number, folio, image, options, filename, order


def portfolio_permissions(rows: Iterable[Row], group_ids: Collection[int], findings: Findings) -> Iterator[Row]:
    for number, folio, group, access in rows:
        if group not in group_ids:
            findings.add("orphan_foliopermissions", number)
            continue
        level = rounded_down(access, _FOLIO_LEVELS)
        if level != access:
            findings.add("odd_folio_level", f"{number}: {access} → {level}")
        yield number, folio, group, level


def exports(rows: Iterable[Row], choices: Choices, findings: Findings) -> Iterator[Row]:
    """What was published; an export without a file name failed, or never came to its end."""
    for number, folio, description, originals, parameters, filename, size, created, until in rows:
        options = _options(parameters, choices, findings, f"export {number} of portfolio {folio}")
        state, reason = ("ready", "") if filename else ("failed", _UNFINISHED)
        if not filename:
            findings.add("export_unfinished", f"{number} of portfolio {folio}")
        yield number, folio, description, originals, options, state, reason, filename, size, created, until


def properties(rows: Iterable[Row]) -> list[Row]:
    return [(key, value) for key, value in rows if key not in SKIPPED_PROPERTIES and value is not None]
