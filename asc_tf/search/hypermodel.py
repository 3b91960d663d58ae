"""BC-ResNet-ASC and BC-Res2Net as KerasTuner's HyperModels, for a user's own search."""

import dataclasses

import keras_tuner
import tf_keras as keras

from asc_tf.experiment.sections import ModelConfig
from asc_tf.experiment.settings import Config
from asc_tf.experiment.training_sections import TrainConfig
from asc_tf.extensions import NETWORKS
from asc_tf.search.space import Space
from asc_tf.training.optimizers import SGDWithL2


class _HyperNetwork(keras_tuner.HyperModel):
    network = None

    def __init__(
        self, input_shape, classes, space="lambda,width", feature_mean=0.0, feature_std=1.0, learning_rate=0.06, **model
    ):
        super().__init__(name=self.network)
        self._fixed = {
            "input_shape": tuple(input_shape), "classes": classes,
            "feature_mean": feature_mean, "feature_std": feature_std,
        }  # fmt: skip
        config = Config(
            model=ModelConfig(network=self.network, **model), train=TrainConfig(learning_rate=learning_rate)
        )
        self.space = Space(space, config)

    def build(self, hp):
        """The network of `hp`, a `keras_tuner.HyperParameters`, compiled for one-hot labels and logits."""
        config = self.space.configured({d.name: d.declare(hp) for d in self.space.dimensions})
        given = {name: value for name, value in dataclasses.asdict(config.model).items() if value is not None}
        del given["network"], given["standardization"]
        model = NETWORKS[self.network](**self._fixed, **given)
        model.compile(
            SGDWithL2(config.train.learning_rate, config.train.momentum, config.train.l2),
            keras.losses.CategoricalCrossentropy(from_logits=True),
            metrics=["accuracy"],
        )
        return model


class HyperBCResNetASC(_HyperNetwork):
    """BC-ResNet-ASC with hyperparameters, for the tuners of `asc_tf.search.tf_keras_tuner`.

    Args:
        input_shape: (frequency, time, 1).
        classes: number of scenes.
        space: the searched settings, as --space of `asc-tf search`: "lambda,width=4:40,learning_rate".
        feature_mean, feature_std: of the training features.
        learning_rate: of SGD with momentum and L2, if the space does not vary it; fixed over the epochs.
        model: other arguments of `asc_tf.bc_resnet_asc`.

    Raises:
        AscError: an invalid space.
    """

    network = "bc-resnet-asc"


class HyperBCRes2Net(_HyperNetwork):
    """BC-Res2Net with hyperparameters; arguments as for `HyperBCResNetASC` and `asc_tf.bc_res2net`."""

    network = "bc-res2net"
