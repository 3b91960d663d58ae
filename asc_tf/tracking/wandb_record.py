"""A training's record in Weights & Biases."""

import os
import secrets


class WandbRecord:
    """A run of Weights & Biases, by the package's own variables (WANDB_MODE, WANDB_ENTITY ...).

    The project is WANDB_PROJECT or "asc-tf"; local files are in RUN/wandb unless WANDB_DIR says otherwise.

    Args:
        id: of the W&B run to go on with; None begins one.
        folder: of the run, its name.
        settings: {name: value}, its config.
    """

    def __init__(self, id, folder, settings):
        os.environ.setdefault("WANDB_ERROR_REPORTING", "false")
        import wandb

        self.id = id or secrets.token_hex(4)
        self._run = wandb.init(
            project=os.environ.get("WANDB_PROJECT", "asc-tf"),
            id=self.id,
            resume=None if os.environ.get("WANDB_MODE") in ("offline", "disabled") else "allow",
            name=folder.name,
            config=settings,
            dir=os.environ.get("WANDB_DIR", str(folder)),
            settings=wandb.Settings(console="off"),
        )

    def log(self, metrics, step):
        """Add {name: number} of an epoch."""
        self._run.log({**metrics, "epoch": step})

    def finish(self, metrics):
        """Add the results of the whole run."""
        self._run.summary.update(metrics)

    def close(self, finished):
        """Say that this process ends, and whether the run is finished."""
        self._run.finish(exit_code=0 if finished else 1)
