"""The command `asc-tf settings`."""

from dataclasses import dataclass

from tyro.conf import Positional


@dataclass
class Settings:
    """List all settings with default, values, unit and meaning: what --set and recipes change."""

    sections: Positional[tuple[str, ...]] = ()
    """such as train or augment; all if not given"""
    markdown: bool = False
    """print docs/settings.md"""

    def run(self):
        from asc_tf.experiment.settings_list import settings_markdown, settings_text

        print(settings_markdown() if self.markdown else settings_text(self.sections))


def asks_for_settings(arguments):
    """Whether a command line has `--set help`: it then asks for the list, whatever other arguments are missing."""
    return "--set=help" in arguments or ("--set", "help") in zip(arguments, arguments[1:], strict=False)
