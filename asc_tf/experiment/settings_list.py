"""A list of all settings, made from their fields: text for `asc-tf settings`, Markdown for docs/settings.md."""

import dataclasses
import textwrap

from asc_tf.errors import AscError, nearest
from asc_tf.experiment.command_settings import Compression, Search, Translation
from asc_tf.experiment.setting import fields_of, number
from asc_tf.experiment.settings import PRESETS, Config

WIDTH = 100
_COLUMN = 48  # of the values
COMMANDS = {"compress": Compression, "translate train": Translation, "search": Search}
INTRODUCTION = """\
Settings of a run: `--set NAME=VALUE ...` of `asc-tf train`, `finetune`, `search` and `translate train`, and the JSON of
recipes and run folders. The same ranges hold for all of them. A list is written with commas: `model.depth=2,2,2,3`.
What is the network's own is the default of its function in `asc_tf.models`. Below them stand the flags of commands
that have settings of their own."""


def sections():
    """{name: (title, presets, `Field`s)} of a Config's sections, then of commands that have further settings."""
    fields, found = fields_of(Config), {}
    found["general"] = "Of the whole run", (), [each for each in fields if "." not in each.key]
    for item in dataclasses.fields(Config):
        if dataclasses.is_dataclass(item.type):
            own = [each for each in fields if each.key.startswith(f"{item.name}.")]
            found[item.name] = _title(item.type), tuple(PRESETS.get(item.name, ())), own
    for command, cls in COMMANDS.items():
        found[command] = _title(cls), (), fields_of(cls)
    return found


def settings_text(names=()):
    """The list of the named sections (all if none is named), at most `WIDTH` columns wide.

    Raises:
        AscError: no such section.
    """
    known, lines = sections(), []
    for name in names or known:
        if name not in known:
            raise AscError(f"{name}: no such section of settings; {nearest(name, list(known))}")
        title, presets, fields = known[name]
        lines += _wrapped(f"{_heading(name)}: {title}")
        if presets:
            lines += _wrapped(f"--set {name}=PRESET sets all of them: {', '.join(presets)}", 2)
        for field in fields:
            first = " = ".join(filter(None, (_name(field, name), _default(field))))
            values = textwrap.wrap(field.values, WIDTH - _COLUMN, break_on_hyphens=False)
            lines += [f"  {first:{_COLUMN - 3}} {values[0]}", *(" " * _COLUMN + more for more in values[1:])]
            lines += _wrapped(_help(field), 6)
        lines.append("")
    return "\n".join(lines).rstrip()


def settings_markdown():
    """The list as a page of the documentation."""
    generated = "<!-- Written by `asc-tf settings --markdown`. Change the fields, not this page. -->"
    lines = ["# Settings", "", generated, "", INTRODUCTION, ""]
    for name, (title, presets, fields) in sections().items():
        lines += [f"## {_heading(name)}", "", f"{title}."]
        if presets:
            lines.append(f"`--set {name}=PRESET` sets all of them: {', '.join(f'`{preset}`' for preset in presets)}.")
        lines += ["", "| setting | default | values | what |", "|---|---|---|---|"]
        for field in fields:
            cells = f"`{_name(field, name)}`", _default(field) or "-", field.values, _help(field)
            lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
        lines.append("")
    return "\n".join(lines).rstrip()


def _heading(name):
    return f"Flags of asc-tf {name}" if name in COMMANDS else name


def _name(field, section):
    return field.flag if section in COMMANDS else field.key


def _help(field):
    setting = field.setting
    text = f"{setting.help} ({setting.symbol})" if setting.symbol else setting.help
    if (searched := setting.searched) is None:
        return text
    values = "|".join(searched.choices) or f"{number(searched.low)}:{number(searched.high)}"
    return f"{text}; `--space {searched.name}` of asc-tf search tries {values}"


def _default(field):
    value = field.default
    if value is dataclasses.MISSING or isinstance(value, str):
        return "" if value is dataclasses.MISSING else value
    if value is None:
        return field.setting.unset
    return str(value).lower() if isinstance(value, bool) else f"{value:g}" if isinstance(value, float) else str(value)


def _title(cls):
    return cls.__doc__.split("\n")[0].rstrip(".")


def _wrapped(text, indent=0):
    spaces = " " * indent
    return textwrap.wrap(text, WIDTH, initial_indent=spaces, subsequent_indent=spaces, break_on_hyphens=False)
