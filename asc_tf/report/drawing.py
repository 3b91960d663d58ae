"""Charts as SVG that takes its colours from the page, so that one drawing is right in dark and in light."""

import html
import io
import re
from pathlib import Path

import matplotlib
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

# Matplotlib draws with these, `svg_of` puts the page's variables (page.html) in their place.
INK, GRID = "#010203", "#010204"
SERIES = tuple(f"#0102{number:02x}" for number in range(0x10, 0x18))
"""Colours of the first, the second ... thing of a chart; each comes with a hatch, a dash or a marker as well."""
HATCHES = ("", "////", "....", "xxxx", "\\\\\\\\", "++++", "oo", "--")
MARKERS = "osD^vPX*"

_VARIABLES = {INK: "currentColor", GRID: "var(--grid)"} | {
    colour: f"var(--series-{number})" for number, colour in enumerate(SERIES, start=1)
}
_STYLE = {
    "axes.axisbelow": True,
    "axes.edgecolor": INK,
    "axes.grid": True,
    "axes.labelcolor": INK,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans", "Arial", "Helvetica"],
    "font.size": 9,
    "grid.color": GRID,
    "hatch.linewidth": 0.8,
    "legend.frameon": False,
    "svg.fonttype": "none",
    "text.color": INK,
    "text.parse_math": False,  # a device may be called $a$
    "xtick.color": INK,
    "ytick.color": INK,
}


def drawn(draw, name, title, size, *arguments):
    """The SVG that a function draws, as text to stand in a page.

    Args:
        draw: function (figure, *arguments) of a `matplotlib.figure.Figure`.
        name: of the chart, unlike those of the other charts of the page: it goes into the SVG's ids.
        title: one sentence that says what is seen, for those who do not see it.
        size: (width, height) in inches of 72 points.
    """
    with matplotlib.rc_context({**_STYLE, "svg.hashsalt": name}):
        figure = Figure(figsize=size, layout="constrained")
        FigureCanvasSVG(figure)
        draw(figure, *arguments)
        content = io.StringIO()
        figure.savefig(content, format="svg", metadata={"Date": None, "Creator": None})
    return svg_of(content.getvalue(), title)


def svg_of(text, title):
    """An SVG file of Matplotlib's as an element of a page: its colours the page's, no id that nothing refers to."""
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    used = set(re.findall(r"[\"(]#([\w.-]+)[\")]", text))
    text = re.sub(r' id="([^"]*)"', lambda found: found[0] if found[1] in used else "", text)
    text = re.sub(r"#0102[0-9a-f]{2}", lambda found: _VARIABLES.get(found[0], found[0]), text)
    # Matplotlib says nothing where text is black.
    begin = f'<svg role="img" aria-label="{html.escape(title)}" fill="currentColor"'
    return re.sub(r"<svg", begin, text, count=1).strip()


def standalone(svg):
    """The SVG of `drawn` as a file of its own, dark or light as what shows it is."""
    palette = (Path(__file__).parent / "palette.css").read_text(encoding="utf-8")
    style = f"<style>{palette} svg {{ color: var(--ink); background: var(--paper); }}</style>"
    namespaces = "" if "xmlns=" in svg else ' xmlns="http://www.w3.org/2000/svg"'
    head, _, rest = svg.partition(">")
    return f"{head}{namespaces}>{style}{rest}\n"


def shortened(name, length=18):
    """A name that fits beside an axis."""
    return name if len(name) <= length else f"{name[: length - 1]}…"
