"""Write docs/reference.md: every public name of the package, by its home.

python docs/figures/reference.py writes the file; a test checks that it is what the package says.
"""

from pathlib import Path

import asc_tf

FILE = Path(__file__).resolve().parents[1] / "reference.md"
GROUPS = {
    "Layers": ("layers", "blocks"),
    "Networks": ("models",),
    "Audio and frontends": ("audio", "frontend"),
    "Data": ("data",),
    "Augmentation": ("augment",),
    "Training": ("training", "distributed"),
    "Evaluation": ("evaluation",),
    "Device translator": ("translator",),
    "Compression": ("compression",),
    "Complexity": ("complexity",),
    "Export and runtime": ("export", "runtime"),
    "Search": ("search",),
    "Experiments": ("experiment", "extensions", "errors"),
}
_HEAD = """# Reference

Every public name, as `asc_tf.NAME`. Importing `asc_tf` loads no TensorFlow; a name loads what it needs when it is used.
"""


def page():
    """The page as text."""
    parts = [_HEAD]
    for title, rooms in GROUPS.items():
        names = [name for name, home in asc_tf._HOMES.items() if home.split(".")[0] in rooms]
        if names:
            parts.append(f"## {title}\n")
            parts += [f"::: asc_tf.{asc_tf._HOMES[name]}.{name}\n" for name in sorted(names, key=str.lower)]
    return "\n".join(parts)


if __name__ == "__main__":
    FILE.write_text(page(), encoding="utf-8")
