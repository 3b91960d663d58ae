"""Draw docs/architecture.svg: the rooms of the package, each above those that may import it, in their own words.

python docs/figures/architecture.py writes the file; a test checks that it is what the code says.
"""

import ast
import html
import textwrap
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[2] / "asc_tf"
FILE = Path(__file__).resolve().parents[1] / "architecture.svg"
FLOORS = (
    ("what all use", ("atomic", "internals", "extensions", "distributed")),
    ("sound and its batches", ("audio", "frontend", "layers", "augment", "data", "evaluation")),
    ("networks and their training", ("blocks", "models", "training", "translator")),
    ("small and on the device", ("compression", "complexity", "export", "micro", "runtime", "evidence", "serve")),
    ("experiments", ("experiment", "tracking", "search", "report", "submission", "stages", "cli")),
)
_WIDTH, _ROOM, _GAP, _TITLE = 960, 88, 12, 26
_STYLE = "font-family='sans-serif' fill='#1f2933'"


def draw():
    """The picture as SVG text."""
    shapes, top = [], 8
    for title, rooms in FLOORS:
        shapes.append(f"<text x='12' y='{top + 16}' font-size='14' font-weight='bold' {_STYLE}>{title}</text>")
        width = (_WIDTH - 24 - _GAP * (len(rooms) - 1)) / len(rooms)
        for index, room in enumerate(rooms):
            shapes += _room(room, 12 + index * (width + _GAP), top + _TITLE, width)
        top += _TITLE + _ROOM + _GAP
    head = f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {_WIDTH} {top}' width='{_WIDTH}' height='{top}'>"
    title = "<title>The rooms of asc_tf: each may import from its own floor and those above it</title>"
    return "\n".join([head, title, f"<rect width='{_WIDTH}' height='{top}' fill='#ffffff'/>", *shapes, "</svg>"]) + "\n"


def _room(name, left, top, width):
    """A box with the room's name and the first sentence of its docstring."""
    doc = ast.get_docstring(ast.parse((PACKAGE / name / "__init__.py").read_text(encoding="utf-8"))) or ""
    lines = textwrap.wrap(doc.split("\n\n")[0].replace("`", ""), int(width / 6.7))[:4]
    place = f"x='{left:.1f}' y='{top}' width='{width:.1f}' height='{_ROOM}'"
    yield f"<rect {place} rx='6' fill='#eef3f8' stroke='#7b8794'/>"
    yield f"<text x='{left + 8:.1f}' y='{top + 18}' font-size='13' font-weight='bold' {_STYLE}>{name}/</text>"
    for index, line in enumerate(lines):
        place = f"x='{left + 8:.1f}' y='{top + 36 + 15 * index}'"
        yield f"<text {place} font-size='11.5' {_STYLE}>{html.escape(line)}</text>"


if __name__ == "__main__":
    FILE.write_text(draw(), encoding="utf-8")
