"""What an import of a QIS meets on its way: counted, with a few examples, for the report at its end."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator, Mapping

import attrs

MOST_EXAMPLES = 10


class Weight(enum.StrEnum):
    """What became of the thing that was found."""

    LEFT_OUT = "left_out"
    """It isn't here, or doesn't work here: somebody should look."""
    CHANGED = "changed"
    """It is here, put right."""
    NOTE = "note"
    """It is here as it was."""


LEFT_OUT, CHANGED, NOTE = Weight.LEFT_OUT, Weight.CHANGED, Weight.NOTE

CODES: Mapping[str, tuple[Weight, str]] = {
    # What every installation has
    "missing_group": (CHANGED, "system groups that were missing: made as for a new installation"),
    "missing_admin": (CHANGED, "user 1 was missing: made without a usable password (see `qis user password`)"),
    "missing_flags": (CHANGED, "groups without a row of system permissions: they get none, Administrators all"),
    "public_flags": (CHANGED, "system permissions of Public: taken away, visitors can't have any"),
    "missing_root": (CHANGED, "the root folder was missing: made"),
    "root_id": (NOTE, "the root folder hasn't the id 1"),
    "missing_root_level": (CHANGED, "root permissions of Public or Normal users were missing: made with level 0"),
    # Accounts
    "user_renamed": (CHANGED, "user names that were empty or taken by an earlier user: changed"),
    "user_fields": (CHANGED, "users with a kind of log-in or a status that there isn't: password, disabled"),
    "user_password": (CHANGED, "users without a password: they can't log in until they get one"),
    "group_renamed": (CHANGED, "group names that were empty or taken: changed"),
    "group_case": (NOTE, "groups whose names differ only in case"),
    "group_type": (CHANGED, "groups of another type than they can have: put right"),
    "orphan_usergroups": (LEFT_OUT, "memberships without their user or group"),
    "orphan_syspermissions": (LEFT_OUT, "system permissions without their group"),
    # Folders and their permissions
    "folder_path": (LEFT_OUT, "folders whose path leaves the image library"),
    "folder_tidied": (CHANGED, "folders whose path was not in its one spelling"),
    "folder_merged": (CHANGED, "folders that were there twice: one of them"),
    "folder_parent": (CHANGED, "folders that did not hang on the folder above them: put right by their path"),
    "folder_made": (CHANGED, "folders without a row of their own, though something is in them: made"),
    "folder_status": (CHANGED, "folders with a status that there isn't: deleted"),
    "odd_level": (CHANGED, "folder permissions with a level that there isn't: rounded down"),
    "orphan_folderpermissions": (LEFT_OUT, "folder permissions without their folder or group"),
    "double_folderpermissions": (LEFT_OUT, "folder permissions of a folder that was there twice"),
    # Images
    "image_path": (LEFT_OUT, "images whose path is empty or leaves the image library"),
    "image_tidied": (CHANGED, "images whose path was not in its one spelling"),
    "image_double": (LEFT_OUT, "images whose path, in its one spelling, another image has"),
    "image_similar": (NOTE, "images whose paths differ only in how Unicode composes characters"),
    "image_control": (NOTE, "images with control characters in their path: they can't be asked for"),
    "image_orphan": (CHANGED, "images whose folder had no row: put into the folder that their path names"),
    "image_folder": (CHANGED, "images in another folder than their path names: put into that one"),
    "image_fields": (CHANGED, "images with a size below zero or a status that there isn't: 0, deleted"),
    "orphan_imagesaudit": (LEFT_OUT, "image history without its image"),
    "odd_imagesaudit": (LEFT_OUT, "image history of a kind that there isn't"),
    "cut_imagesaudit": (CHANGED, "texts of image history that were too long: cut"),
    "user_imagesaudit": (CHANGED, "image history by a user who isn't there: nobody's"),
    "orphan_imagestats": (LEFT_OUT, "image statistics without their image"),
    # Templates
    "template_invalid": (LEFT_OUT, "templates that are not valid here: kept, and not used"),
    "template_field": (LEFT_OUT, "fields of templates that mean nothing here"),
    "template_renamed": (CHANGED, "template names that were empty or taken: changed"),
    "default_template": (LEFT_OUT, "the default template is missing or not valid: the built-in one is used instead"),
    # Portfolios
    "folio_owner": (CHANGED, "portfolios whose owner isn't there: they go to user 1"),
    "folio_renamed": (CHANGED, "short names of portfolios that were empty or taken: changed"),
    "orphan_folioimages": (LEFT_OUT, "portfolio images without their portfolio or image"),
    "parameters_invalid": (LEFT_OUT, "options of portfolio images or exports that are not valid here"),
    "odd_folio_level": (CHANGED, "portfolio permissions with a level that there isn't: rounded down"),
    "orphan_foliopermissions": (LEFT_OUT, "portfolio permissions without their portfolio or group"),
    "orphan_foliosaudit": (LEFT_OUT, "portfolio history without its portfolio"),
    "odd_foliosaudit": (LEFT_OUT, "portfolio history of a kind that there isn't"),
    "cut_foliosaudit": (CHANGED, "texts of portfolio history that were too long: cut"),
    "user_foliosaudit": (CHANGED, "portfolio history by a user who isn't there: nobody's"),
    "orphan_folioexports": (LEFT_OUT, "exports without their portfolio"),
    "export_unfinished": (CHANGED, "exports that never got ready: failed"),
    # Here
    "made_here": (CHANGED, "made here since the last import, in the way of what is imported: removed"),
    "records_here": (
        CHANGED,
        "records of images and folders made here since the last import: they come back",
    ),
    # On disk, and over there
    "library_missing": (NOTE, "the image library could not be looked at"),
    "file_missing": (NOTE, "active images without a file"),
    "zip_missing": (NOTE, "exports without their zip"),
    "zip_unknown": (NOTE, "zips that no export knows of"),
    "file_not_copied": (LEFT_OUT, "files that could not be copied"),
    "file_newer": (NOTE, "files that are newer here: kept"),
    "link_left_out": (LEFT_OUT, "links that lead out of the image library"),
    "compare_differs": (LEFT_OUT, "images of another size than on the other server"),
    "compare_turned": (NOTE, "images that stand upright here, and lie on the other server"),
    "compare_hidden": (NOTE, "images that the other server doesn't show to everybody: not compared"),
    "compare_failed": (LEFT_OUT, "images that the other server gave no answer for"),
}
"""What can be found, with its weight, in the order of the report."""


@attrs.define
class Finding:
    """Things of one kind."""

    code: str
    weight: Weight
    text: str
    count: int = 0
    examples: list[str] = attrs.field(factory=list)


class Findings:
    """All that was found so far."""

    def __init__(self) -> None:
        self._found: dict[str, Finding] = {}

    def add(self, code: str, example: object = None, *, count: int = 1) -> None:
        """Count something of the kind ``code``, one of :data:`CODES`; keep the example, if there are few as yet."""
        finding = self._of(code)
        finding.count += count
        if example is not None and len(finding.examples) < MOST_EXAMPLES:
            finding.examples.append(visible(str(example)))

    def add_many(self, code: str, count: int, examples: Iterable[object]) -> None:
        """Count ``count`` things at once, some of which are the ``examples``."""
        if count:
            self.add(code, count=count)
            for example in examples:
                self.add(code, example, count=0)

    def __iter__(self) -> Iterator[Finding]:
        """In the order of :data:`CODES`."""
        return (self._found[code] for code in CODES if code in self._found)

    @property
    def left_out(self) -> bool:
        """Whether something was left out."""
        return any(finding.weight is LEFT_OUT for finding in self)

    def _of(self, code: str) -> Finding:
        if code not in self._found:
            self._found[code] = Finding(code, *CODES[code])
        return self._found[code]


def visible(text: str) -> str:
    """``text`` on one line and without characters that a terminal would act upon."""
    return "".join(one if one.isprintable() else f"\\u{ord(one):04x}" for one in text)
