"""Makes the page about settings: ``python -m qisd.cli.settings_page >docs/settings.md``."""

from __future__ import annotations

import itertools

from qisd.settings.base import BaseEntry, base_entries
from qisd.settings.kinds import toml_text
from qisd.settings.model import DROPPED, MODEL

_HEAD = """\
# Settings

<!-- Made by `python -m qisd.cli.settings_page`; change qisd/base_settings.toml or qisd/settings/model.py instead. -->

Settings come from three places; later ones win, per setting:

1. `base_settings.toml` in the package has every default. Don't edit it.
2. `/etc/qis/local_settings.toml`, or the file that `--settings` or the variable `QIS_SETTINGS` names. Copy the lines
   that you want to change into it.
3. The environment: `QIS_` and the name, such as `QIS_HTTP_THREADS=8`. Booleans may be `true/false/1/0/yes/no/on/off`,
   lists a TOML array or words with commas between, tables inline TOML. `QIS_<NAME>_FILE` takes the value from a file,
   without its last line break; that suits secrets.

An unknown name, a wrong type or a value out of range stops the start, with every fault and its place; `qis check`
finds the same without starting anything. `qis settings show` lists what is in force, `qis settings explain NAME` says
where it comes from. Secrets are shown as `********`.

"On reload" means `systemctl reload qis` (or SIGHUP).
"""


def settings_page() -> str:
    """The page, in Markdown."""
    parts = [_HEAD]
    for group, entries in itertools.groupby(base_entries().values(), key=lambda entry: entry.group):
        parts.append(f"## {group}\n")
        parts += [_section(entry) for entry in entries]
    parts.append("## Ignored\n")
    parts.append("These settings of QIS are accepted without effect, with a warning, so that a converted file loads:\n")
    parts.append("\n".join(f"- `{name}`: {reason}" for name, reason in DROPPED.items()) + "\n")
    return "\n".join(parts)


def _section(entry: BaseEntry) -> str:
    setting = MODEL[entry.name]
    return (
        f"### {entry.name}\n\n{entry.comment}\n\n"
        f"- Default: `{toml_text(entry.default)}`\n"
        f"- Value: {setting.kind.describe()}\n"
        f"- Takes effect {setting.apply.value}; for {setting.who.value}\n"
    )


if __name__ == "__main__":
    print(settings_page(), end="")
