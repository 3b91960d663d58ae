"""KerasTuner's tuners for models of tf_keras; the originals require Keras 3.

`Hyperband(HyperBCResNetASC(shape, classes), objective="val_accuracy", max_epochs=20).search(batches, ...)`: the
arguments are KerasTuner's; those of `search` go to `model.fit`. `get_best_models` returns the networks with the weights
of their best epochs.
"""

import keras_tuner
import numpy as np
import tf_keras as keras

from asc_tf.internals.keras_tuner import OpenTuner


class _TfKerasTuner(OpenTuner):
    """A base after KerasTuner's tuner, so that Hyperband's way to continue a trial comes first."""

    def build(self, hyperparameters):
        keras.backend.clear_session()
        return super().build(hyperparameters)

    def run_trial(self, trial, *arguments, callbacks=(), **more):
        """Fit the network of a trial; returns {metric: value} of the epoch with the best objective."""
        model = self.build(trial.hyperparameters)
        objective = self.oracle.objective
        best = keras.callbacks.ModelCheckpoint(
            self.weights_path(trial),
            monitor=objective.name,
            mode=objective.direction,
            save_best_only=True,
            save_weights_only=True,
        )
        self.keep_build_config(trial, model)
        fitted = self.hypermodel.fit(trial.hyperparameters, model, *arguments, callbacks=[*callbacks, best], **more)
        scores = fitted.history[objective.name]
        epoch = int(np.argmax(scores) if objective.direction == "max" else np.argmin(scores))
        return {name: float(values[epoch]) for name, values in fitted.history.items()}

    def load_model(self, trial):
        model = self.build(trial.hyperparameters)
        model.load_weights(self.weights_path(trial))
        return model


class RandomSearch(keras_tuner.RandomSearch, _TfKerasTuner):
    """`keras_tuner.RandomSearch` of tf_keras models."""


class BayesianOptimization(keras_tuner.BayesianOptimization, _TfKerasTuner):
    """`keras_tuner.BayesianOptimization` of tf_keras models."""


class Hyperband(keras_tuner.Hyperband, _TfKerasTuner):
    """`keras_tuner.Hyperband` of tf_keras models."""
