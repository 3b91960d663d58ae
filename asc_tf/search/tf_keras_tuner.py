"""KerasTuner's tuners for models of tf_keras; its own want those of Keras 3.

`Hyperband(HyperBCResNetASC(shape, classes), objective="val_accuracy", max_epochs=20).search(batches, ...)`: arguments
are KerasTuner's, those of `search` go to `model.fit`. Its `get_best_models` gives the networks with the weights of
their best epoch.
"""

import keras_tuner
import numpy as np
import tf_keras as keras
from keras_tuner.src.utils import save_json


class _TfKerasTuner(keras_tuner.Tuner):
    """Stands after KerasTuner's tuner, so that Hyperband's way to go on with a trial comes first."""

    def _try_build(self, hp):
        keras.backend.clear_session()
        return self._build_hypermodel(hp)

    def run_trial(self, trial, *arguments, callbacks=(), **more):
        """Fit the network of a trial; returns {metric: value} of the epoch that is best in the objective."""
        model = self._try_build(trial.hyperparameters)
        objective = self.oracle.objective
        best = keras.callbacks.ModelCheckpoint(
            self._get_checkpoint_fname(trial.trial_id),
            monitor=objective.name,
            mode=objective.direction,
            save_best_only=True,
            save_weights_only=True,
        )
        # Hyperband's next trial reads it before it loads the weights.
        save_json(self._get_build_config_fname(trial.trial_id), model.get_build_config())
        fitted = self.hypermodel.fit(trial.hyperparameters, model, *arguments, callbacks=[*callbacks, best], **more)
        scores = fitted.history[objective.name]
        epoch = int(np.argmax(scores) if objective.direction == "max" else np.argmin(scores))
        return {name: float(values[epoch]) for name, values in fitted.history.items()}

    def load_model(self, trial):
        model = self._try_build(trial.hyperparameters)
        model.load_weights(self._get_checkpoint_fname(trial.trial_id))
        return model


class RandomSearch(keras_tuner.RandomSearch, _TfKerasTuner):
    """`keras_tuner.RandomSearch` of tf_keras models."""


class BayesianOptimization(keras_tuner.BayesianOptimization, _TfKerasTuner):
    """`keras_tuner.BayesianOptimization` of tf_keras models."""


class Hyperband(keras_tuner.Hyperband, _TfKerasTuner):
    """`keras_tuner.Hyperband` of tf_keras models."""
