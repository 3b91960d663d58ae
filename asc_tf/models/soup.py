"""One network whose weights are the mean of those of several."""

from collections.abc import Sequence

import numpy as np
import tf_keras as keras


def soup(models: Sequence[keras.Model]) -> keras.Model:
    """Average networks of one architecture weight by weight: a network as small and as fast as each of them.

    That works for networks that went different ways from the same weights, such as fine-tunings of one run; networks
    trained from different initial weights have no common valley, and their mean is none of them. The moving statistics
    of batch normalizations do not average: `asc_tf.training.moving_statistics.measure` takes them anew.

    Args:
        models: functional models with the same layers; they stay as they are.

    Returns:
        A new `keras.Model`.

    Raises:
        ValueError: fewer than two models, or other layers or shapes.

    Reference: Wortsman et al., "Model soups: averaging weights of multiple fine-tuned models improves accuracy without
    increasing inference time", ICML 2022.
    """
    if len(models) < 2:
        raise ValueError(f"a soup of {len(models)} was asked for; expected 2 networks or more")
    first, *others = [_structure(model) for model in models]
    for number, other in enumerate(others, start=2):
        if other != first:
            raise ValueError(f"network {number} has other layers than the first one; expected the same layers")
    mixed = keras.models.clone_model(models[0])
    weights = zip(*(model.get_weights() for model in models), strict=True)
    mixed.set_weights([np.mean(values, axis=0, dtype=np.float64).astype(values[0].dtype) for values in weights])
    return mixed


def _structure(model):
    """Class, name and shapes of weights of each layer."""
    return [(type(layer), layer.name, [tuple(weight.shape) for weight in layer.weights]) for layer in model.layers]
