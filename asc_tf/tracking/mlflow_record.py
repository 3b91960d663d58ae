"""A training's record in MLflow."""

import logging
import os
import re
import time

_MOST_PARAMS = 100  # of one call


class MlflowRecord:
    """A run of MLflow, at the server or in the data base that MLflow's own variables name.

    MLFLOW_TRACKING_URI and MLFLOW_EXPERIMENT_NAME are read; the experiment is "asc-tf" if none is named.

    Args:
        id: of the MLflow run to go on with; None begins one.
        folder: of the run, as a tag.
        settings: {name: value}, logged when a run begins.
    """

    def __init__(self, id, folder, settings):
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
        import mlflow
        from mlflow.entities import Metric, Param

        logging.getLogger("mlflow").setLevel(logging.WARNING)  # it tells of each table of a new data base
        self._metric = Metric
        self._client = mlflow.MlflowClient()
        if id is None:
            name = os.environ.get("MLFLOW_EXPERIMENT_NAME", "asc-tf")
            known = self._client.get_experiment_by_name(name)
            experiment = known.experiment_id if known else self._client.create_experiment(name)
            tags = {"run folder": str(folder.resolve())}
            id = self._client.create_run(experiment, run_name=folder.name, tags=tags).info.run_id
            params = [Param(_allowed(key), str(value)) for key, value in settings.items()]
            for part in _parts(params, _MOST_PARAMS):
                self._client.log_batch(id, params=part)
        else:
            self._client.update_run(id, status="RUNNING")
        self.id = id

    def log(self, metrics, step):
        """Add {name: number} of an epoch."""
        now = int(1000 * time.time())
        self._client.log_batch(
            self.id, metrics=[self._metric(_allowed(key), value, now, step) for key, value in metrics.items()]
        )

    def finish(self, metrics):
        """Add the results of the whole run."""
        self.log(metrics, 0)

    def close(self, finished):
        """Say that this process ends, and whether the run is finished."""
        self._client.set_terminated(self.id, "FINISHED" if finished else "KILLED")


def _allowed(name):
    """MLflow takes letters, digits and a few signs in names."""
    return re.sub(r"[^\w\-. /]", "_", name)


def _parts(items, size):
    return [items[start : start + size] for start in range(0, len(items), size)]
