"""A network whose logits are scaled, by new weights of its classifier."""

import numpy as np
import tensorflow as tf
import tf_keras as keras

from asc_tf.errors import AscError

_BOUND = 1e-3  # of the logits' range


def scale_logits(model: keras.Model, factor: np.ndarray, offset: np.ndarray, source) -> None:
    """Change a network's last weights so that it gives factor * z + offset in place of its logits z.

    The last layer with weights is a convolution or dense layer with a bias, or a batch normalization; all layers after
    it are linear, such as averages. So the network keeps its layers, parameters and operations. The result is checked
    on noise.

    Args:
        model: network from features to logits; it is changed.
        factor, offset: of each class, [classes].
        source: of the network, for the error.

    Raises:
        AscError: the network's end cannot take the scaling, as that of an ensemble or of 8-bit training.
    """
    noise = tf.random.stateless_normal((4, *(size or 64 for size in model.input_shape[1:])), (0, 0))
    expected = np.asarray(factor) * model(noise).numpy() + np.asarray(offset)
    layer = next((each for each in reversed(model.layers) if each.weights), None)
    names = ("gamma", "beta") if isinstance(layer, keras.layers.BatchNormalization) else ("kernel", "bias")
    gain, shift = (getattr(layer, name, None) for name in names)
    if gain is not None and shift is not None and gain.shape[-1] == shift.shape[0] == len(factor):
        gain.assign(gain * np.asarray(factor, np.float32))
        shift.assign(shift * np.asarray(factor, np.float32) + np.asarray(offset, np.float32))
    if np.abs(model(noise).numpy() - expected).max() > _BOUND * np.ptp(expected):
        found = f"{type(layer).__name__} '{layer.name}'" if layer is not None else "no layer with weights"
        raise AscError(
            f"{source}: its logits come from {found} and cannot be scaled; expected a classifier with a bias: "
            "calibrate before 'asc-tf compress' or 'asc-tf ensemble'"
        )
