"""What the organizers would refuse in a folder of a submission."""

import ast
from pathlib import Path

from asc_tf.data.tau import SCENES
from asc_tf.errors import AscError
from asc_tf.submission.label import label_problem, meta_name, output_name
from asc_tf.submission.meta_file import FILL_IN, read_meta
from asc_tf.submission.output_file import output_problems
from asc_tf.submission.years import DEVICES

API = ("predict", "load_model", "load_inputs", "get_model_for_device")
_AUTHOR = ("lastname", "firstname", "email", "affiliation")
_MOST = 20  # sentences on one file


def submission_problems(folder, form):
    """Sentences on what a `Year`'s organizers would refuse in a folder that is named after its label."""
    folder = Path(folder)
    label = folder.resolve().name
    if problem := label_problem(label, form):
        return [f"{folder}: {problem}"]
    problems, expected = [], {meta_name(label)}
    for split in form.splits or (None,):
        name = output_name(label, form, split)
        expected.add(name)
        found = output_problems(folder / name, form)
        problems += found[:_MOST]
        if len(found) > _MOST:
            problems.append(f"{folder / name}: {len(found) - _MOST:,} more of such lines")
    try:
        problems += [f"{folder / meta_name(label)}: {problem}" for problem in
                     meta_problems(read_meta(folder / meta_name(label)), label, form)]  # fmt: skip
    except AscError as error:
        problems.append(str(error))
    others = sorted({path.name for path in folder.iterdir()} - expected)
    return problems + [
        f"{folder / name}: does not belong here; expected {', '.join(sorted(expected))}"
        for name in others
        if not name.startswith(".") and not name.endswith(".pdf")
    ]


def meta_problems(meta, label, form):
    """As `submission_problems`, of the content of a metadata file."""
    submission, system = _block(meta, "submission"), _block(meta, "system")
    problems = [f"{name} is missing" for name in ("submission", "system", "results") if not _block(meta, name)]
    problems += _missing(submission, "submission", ("label", "name", "abbreviation", "authors"))
    if submission.get("label") != label:
        problems.append(
            f"submission.label is {submission.get('label')}; expected {label}, the name of folder and files"
        )
    if len(str(submission.get("abbreviation", ""))) > 10:
        problems.append("submission.abbreviation has more than 10 characters")
    problems += _author_problems(submission.get("authors"))
    problems += _missing(system, "system", form.system)
    problems += _missing(_block(system, "description"), "system.description", form.description)
    problems += _complexity_problems(_block(system, "complexity"), form)
    external = system.get("external_datasets") or ()
    for number, each in enumerate([external] if isinstance(external, dict) else external):
        of = each if isinstance(each, dict) else {}
        problems += _missing(of, f"system.external_datasets[{number}]", ("name", "url", "total_audio_length"))
    development = _block(_block(meta, "results"), "development_dataset")
    for name in form.results:
        place = f"results.development_dataset{'.' if name else ''}{name}"
        problems += _result_problems(_block(development, name) if name else development, place)
    return problems + [f"{place} is not filled in" for place in _unfilled(meta)]


def package_problems(folder, label):
    """Sentences on what is missing in the inference package of 2025, which is read and not run."""
    name = label.rpartition("_")[0]
    module = Path(folder) / name / f"{label}.py"
    try:
        tree = ast.parse(module.read_text(encoding="utf-8"))
    except OSError as error:
        return [f"{module}: cannot be read ({error.strerror or error}); expected the module of the inference package"]
    except (SyntaxError, ValueError) as error:
        return [f"{module}: is no Python ({error})"]
    defined = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    problems = [f"{module}: has no function {each}" for each in API if each not in defined]
    dummy = Path(folder) / name / "resources" / "dummy.wav"
    return problems if dummy.is_file() else [*problems, f"{dummy}: is missing; the check of complexity reads it"]


def _block(mapping, name):
    found = mapping.get(name) if isinstance(mapping, dict) else None
    return found if isinstance(found, dict) else {}


def _missing(block, place, names):
    return [f"{place}.{name} is missing" for name in names if name not in block]


def _author_problems(authors):
    if not isinstance(authors, list) or not all(isinstance(author, dict) for author in authors):
        return ["submission.authors is no list of authors"]
    problems = []
    for number, author in enumerate(authors):
        problems += _missing(author, f"submission.authors[{number}]", _AUTHOR)
    marked = sum(bool(author.get("corresponding")) for author in authors)
    return problems if marked == 1 else [*problems, f"{marked} authors are marked as corresponding; expected 1"]


def _complexity_problems(found, form):
    problems = _missing(found, "system.complexity", form.complexity)
    for name, limit in form.complexity.items():
        value = found.get(name, 0)
        if isinstance(value, bool) or not isinstance(value, int | float):
            problems.append(f"system.complexity.{name} is {value}; expected a number")
        elif limit is not None and value > limit:
            problems.append(f"system.complexity.{name} is {value:,}; the rules of {form.year} allow {limit:,.0f}")
    return problems


def _result_problems(block, place):
    problems = _missing(block, place, ("overall", "class_wise", "device_wise"))
    parts = {f"{place}.overall": _block(block, "overall")}
    for name, members in (("class_wise", SCENES), ("device_wise", DEVICES)):
        part = _block(block, name)
        problems += _missing(part, f"{place}.{name}", members)
        parts |= {f"{place}.{name}.{each}": _block(part, each) for each in members if each in part}
    for where, numbers in parts.items():
        problems += _missing(numbers, where, ("accuracy", "logloss"))
        for name in ("accuracy", "logloss"):
            value = numbers.get(name)
            if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
                problems.append(f"{where}.{name} is {value}; expected a number or null")
    return problems


def _unfilled(value, place=""):
    """Places of the metadata that hold FILL_IN."""
    if isinstance(value, dict):
        for name, each in value.items():
            yield from _unfilled(each, f"{place}.{name}" if place else str(name))
    elif isinstance(value, list):
        for number, each in enumerate(value):
            yield from _unfilled(each, f"{place}[{number}]")
    elif isinstance(value, str) and FILL_IN in value:
        yield place
