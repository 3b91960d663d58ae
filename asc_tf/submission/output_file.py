"""The output file: a tab-separated table of file names, scenes and probabilities."""

import math
from pathlib import PurePosixPath

from asc_tf.atomic import write_text
from asc_tf.data.tables import read_table
from asc_tf.data.tau import SCENES
from asc_tf.errors import AscError

COLUMNS = ("filename", "scene_label", *SCENES)


def write_output(path, names, probabilities):
    """Write the table.

    Args:
        path: of the file.
        names: of the clips.
        probabilities: [clips, scenes], in the order of `SCENES`.
    """
    lines = ["\t".join(COLUMNS)]
    for name, row in zip(names, probabilities, strict=True):
        numbers = [f"{float(share):.8f}" for share in row]
        lines.append("\t".join([name, SCENES[int(row.argmax())], *numbers]))
    write_text(path, "\n".join(lines) + "\n")


def output_problems(path, form):
    """Sentences on what a `Year`'s organizers would refuse in an output file."""
    try:
        table = read_table(path, COLUMNS)
    except AscError as error:
        return [str(error)]
    problems, seen = [], set()
    for number, row in enumerate(zip(*(table.columns[name] for name in COLUMNS), strict=True)):
        found = _row_problem(row, seen, form)
        if found:
            problems.append(f"{table.at(number)}: {found}")
    if form.clips is not None and len(seen) != form.clips:
        problems.append(f"{path}: has {len(seen):,} clips; expected the {form.clips:,} of the evaluation set")
    return problems


def _row_problem(row, seen, form):
    filename, scene, *numbers = row
    name = PurePosixPath(filename).name
    if name in seen:
        return f"{name} is named twice"
    seen.add(name)
    stem, _, ending = name.rpartition(".")
    if ending != "wav":
        return f"{name} is no .wav file"
    if form.clips is not None and not (stem.isascii() and stem.isdigit() and int(stem) < form.clips):
        return f"{name} is not in the evaluation set; expected 0.wav to {form.clips - 1}.wav"
    if scene not in SCENES:
        return f"the scene is {scene}; expected one of {', '.join(SCENES)}"
    try:
        shares = [float(text) for text in numbers]
    except ValueError:
        return "a probability is no number"
    if not all(math.isfinite(share) and 0 <= share <= 1 for share in shares) or abs(sum(shares) - 1) > 1e-3:
        return f"the probabilities sum to {sum(shares):.4g}; expected numbers from 0 to 1 that sum to 1"
    return ""
