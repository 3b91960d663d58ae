"""Pages that do not rot: links lead somewhere, commands parse, figures and reference are what the code says."""

import importlib.util
import re
import shlex
from pathlib import Path

import pytest

import asc_tf
from asc_tf.cli import parse
from asc_tf.cli.launch import separated

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *ROOT.glob("benchmarks/*.md")])


def anchors(text):
    """The names that a page's headings have in a link, as GitHub and MkDocs make them."""
    for title in re.findall(r"^#+ (.+)$", text, re.MULTILINE):
        yield re.sub(r"[^\w\- ]", "", re.sub(r"`", "", title).lower()).replace(" ", "-")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.exists(), f"{target} is not there"
        if anchor:
            assert anchor in set(anchors(file.read_text(encoding="utf-8"))), f"{target} has no such heading"


def commands(page):
    """The lines of a page that are commands asc-tf, without comments, joined where they go on."""
    text = page.read_text(encoding="utf-8").replace("\\\n", " ")
    for line in re.findall(r"^ +(?:arecord [^|]*\| )?(asc-tf .*)$", text, re.MULTILINE):
        for part in line.split(" && "):
            yield shlex.split(part.split(" #")[0])[1:]


COMMANDS = sorted(
    {tuple(c) for page in PAGES for c in commands(page) if not {"...", "…"} & set(c) and "--tyro" not in c[0]}
)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_commands_of_the_pages_parse(command):
    parse(separated(list(command)))


def test_there_are_commands():
    assert len(COMMANDS) > 40


def figure(name):
    spec = importlib.util.spec_from_file_location(name, ROOT / "docs" / "figures" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_picture_of_the_architecture_is_the_code():
    architecture = figure("architecture")
    assert architecture.FILE.read_text(encoding="utf-8") == architecture.draw(), "run docs/figures/architecture.py"
    rooms = {path.parent.name for path in architecture.PACKAGE.glob("*/__init__.py")}
    assert rooms == {room for _, floor in architecture.FLOORS for room in floor}


def test_no_room_imports_from_a_floor_below_its_own():
    architecture = figure("architecture")
    floors = {room: number for number, (_, rooms) in enumerate(architecture.FLOORS) for room in rooms}
    names = re.compile(r"^\s*(?:from|import) asc_tf\.(\w+)", re.MULTILINE)
    for path in architecture.PACKAGE.glob("*/**/*.py"):
        room = path.relative_to(architecture.PACKAGE).parts[0]
        below = {name for name in names.findall(path.read_text(encoding="utf-8")) if floors.get(name, 0) > floors[room]}
        assert not below, f"{path} imports {below}"


def test_the_reference_names_every_public_name():
    reference = figure("reference")
    assert reference.FILE.read_text(encoding="utf-8") == reference.page(), "run docs/figures/reference.py"
    assert reference.page().count("\n::: ") == len(asc_tf._HOMES)


def test_the_readme_fits():
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 150 and max(map(len, lines)) <= 100
