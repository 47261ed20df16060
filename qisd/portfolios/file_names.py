"""The rule for the names that people give to files in zips."""

from __future__ import annotations

from qisd.errors import BadParameter
from qisd.portfolios.texts import FILENAME_MAX
from qisd.repository.names import clean_name

_PARAMETER = "filename"


def checked(text: str) -> str:
    """A name for a file in a zip, as it is; empty means the image's own.

    :raises BadParameter: it is too long, or has characters in it that trouble some system; tells what would do.
    """
    if len(text) > FILENAME_MAX:
        raise BadParameter(_PARAMETER, f"Value is too long (max {FILENAME_MAX})")
    if text and clean_name(text, unicode_names=False, parameter=_PARAMETER) != text:
        fit = clean_name(text, unicode_names=False, parameter=_PARAMETER)
        raise BadParameter(_PARAMETER, f"filename not allowed, try: {fit}")
    return text
