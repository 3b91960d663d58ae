"""Teachers of a run: the settings of a teacher that a recipe names, and whether a run can be one."""

import dataclasses
from pathlib import Path

from asc_tf.errors import AscError
from asc_tf.experiment.recipes import find_recipe
from asc_tf.experiment.run_folder import read_run
from asc_tf.experiment.training_sections import DistillationConfig

OTHER_TEACHER = "has other scenes, clips or features than the run; expected a teacher that hears what the run hears"


def teacher_config(config):
    """Settings of the teacher in distillation.recipe: "self", or a recipe on the student's data.

    Frontend, seed and validation part are the student's, so that the teacher knows none of the student's validation
    clips.

    Raises:
        AscError: no such recipe, or settings that do not fit together.
    """
    if config.distillation.recipe == "self":
        return dataclasses.replace(config, distillation=DistillationConfig())
    recipe = find_recipe(config.distillation.recipe).config
    common = {name: getattr(config, name) for name in ("seed", "deterministic", "frontend", "data")}
    config = dataclasses.replace(recipe, **common)
    config.check()
    return config


def check_teachers(config):
    """Raise an AscError if distillation.recipe names no recipe, or leads back to an earlier one.

    A teacher may have its own teacher, whose recipe is read here too: before any of them is trained.
    """
    names = []
    while name := config.distillation.recipe:
        names.append(name)
        if _place(name) in map(_place, names[:-1]):
            raise AscError(
                f"setting distillation.recipe is {names[0]}, whose teacher is taught by itself "
                f"({' by '.join(names)}); expected recipes that end with one without a teacher"
            )
        config = teacher_config(config)


def hears_the_same(teacher, config, dataset):
    """Whether a teacher's run has the scenes, the length of clips and the features of a Config and Dataset."""
    theirs, taught = read_run(teacher)
    found = taught.scenes, taught.clip_seconds, theirs.frontend
    return found == (dataset.scenes, dataset.clip_seconds, config.frontend)


def _place(name):
    return str(Path(name).resolve()) if name.endswith(".json") else name
