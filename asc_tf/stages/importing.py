"""A run made of a public PyTorch checkpoint."""

import dataclasses
from pathlib import Path

from asc_tf.atomic import exclusive
from asc_tf.data.clips import read_clips
from asc_tf.data.loader import label_indices
from asc_tf.data.tau import SCENES
from asc_tf.experiment.build import build_model
from asc_tf.experiment.dataset import Dataset
from asc_tf.experiment.named_networks import PUBLIC_RECIPES
from asc_tf.experiment.recipes import find_recipe
from asc_tf.experiment.run_folder import claim, write_settings
from asc_tf.models.public_checkpoints import load_public_weights
from asc_tf.training.fit import save_model

_DEVICES = ("a", "b", "c", "s1", "s2", "s3")  # of the training part of TAU 2022 Mobile


def import_checkpoint(checkpoint, network, run, data=None):
    """Make a run folder from a public checkpoint: it is evaluated, exported and used as a teacher like any other run.

    imported.json states the source of the weights. Their training clips are not known, so the run has no list of them;
    its scenes and devices are those of TAU 2022 Mobile's training part.

    Args:
        checkpoint: `Checkpoint`, as `check_import` returns it, of PyTorch or PyTorch Lightning; PyTorch is not needed.
        network: one of `PUBLIC_RECIPES`.
        run: folder to make.
        data: folder of a data set of the same scenes, for evaluating, calibrating, fine-tuning and compressing the run;
            without it these commands ask for one.

    Raises:
        AscError: tensors of another network, a data set of other scenes, or `run` holds
            something else or is being written.
    """
    run = Path(run)
    root = "" if data is None else str(Path(data).resolve())
    dataset = Dataset(root, SCENES, _DEVICES, 1.0, 0.0, 1.0)
    if root:
        label_indices(read_clips(root), SCENES)
    config = find_recipe(PUBLIC_RECIPES[network]).config
    config = dataclasses.replace(config, model=dataclasses.replace(config.model, network=network))
    model = build_model(config, dataset)
    load_public_weights(model, network, checkpoint.tensors, checkpoint.path)
    asked = {"checkpoint": checkpoint.path.name, "sha256": checkpoint.sha256, "network": network, "data": root}
    with exclusive(run):
        claim(run / "imported.json", asked, "import", "an import of another checkpoint or data set", flag="--run")
        if not (run / "last.keras").is_file():
            write_settings(run, config, dataset)
            save_model(model, run / "last.keras")
