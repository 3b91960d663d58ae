"""Normalization of every frequency bin by statistics of the training set."""

from collections.abc import Iterable, Sequence

import numpy as np
import tensorflow as tf
import tf_keras as keras

from asc_tf.layers.contract import OWN


@keras.saving.register_keras_serializable("asc_tf")
class GlobalFrequencyNormalization(keras.layers.Layer):
    """Global FreqNorm: normalize every frequency bin by its mean and variance over the whole training set.

    The papers' baseline for FreqIN: the same treatment of every clip cannot remove the colouring of one device.

        y_bftc = (x_bftc - mu_f) / sqrt(sigma_f^2 + epsilon)

    mu and sigma^2 are fixed numbers of the configuration, not weights: pass them, or measure them by `adapt` before the
    layer is used. The layer computes in float32 under any precision policy.

    Input and output: [batch, frequency, time, channel], frequency static.

    Args:
        mean: mu, one number per frequency bin; None until `adapt`.
        variance: sigma^2, likewise.
        epsilon: added to the variance; keeps a bin that never changes finite.

    Raises:
        ValueError: only one of `mean` and `variance` is given, they differ in length, a variance is negative, the input
            has another number of bins, or the layer is used before it has statistics.

    Reference: Kim et al., DCASE Workshop 2021, section 3.1 and table 3 ("Global FreqNorm").
    """

    channel_paths = OWN

    def __init__(
        self,
        mean: Sequence[float] | None = None,
        variance: Sequence[float] | None = None,
        epsilon: float = 1e-5,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if (mean is None) != (variance is None):
            raise ValueError("mean or variance is None; expected both or neither")
        self.epsilon = epsilon
        self.input_spec = keras.layers.InputSpec(ndim=4)
        self.mean = self.variance = None
        if mean is not None:
            self._set(mean, variance)

    def _set(self, mean, variance):
        mean, variance = (np.array(values, np.float64).ravel() for values in (mean, variance))
        if len(mean) != len(variance):
            raise ValueError(f"mean is of {len(mean)} bins and variance of {len(variance)}; expected as many")
        if (variance < 0).any():
            raise ValueError(f"variance is {variance.min()} in bin {variance.argmin()}; expected 0 or more")
        self.mean, self.variance = mean, variance

    def adapt(self, batches: Iterable) -> None:
        """Measure mean and variance of every bin, in one pass and in float64.

        Args:
            batches: iterable of features [batch, frequency, time, channel], such as a `tf.data.Dataset`; the last
                batch may be smaller and clips may differ in length.

        Raises:
            ValueError: the layer has been used already, or there is no batch.
        """
        if self.built:
            raise ValueError(f"layer '{self.name}' is part of a model already; expected `adapt` before its first use")
        count, mean, squares = 0, 0.0, 0.0
        for batch in batches:
            values = np.asarray(batch, np.float64)
            size = values.size // values.shape[1]
            batch_mean = values.mean(axis=(0, 2, 3), keepdims=True)
            batch_squares = ((values - batch_mean) ** 2).sum(axis=(0, 2, 3))
            change = batch_mean.ravel() - mean
            squares = squares + batch_squares + change**2 * (count * size / (count + size))
            mean = mean + change * (size / (count + size))
            count += size
        if not count:
            raise ValueError("batches is empty; expected features to adapt to")
        self._set(mean, squares / count)

    def build(self, input_shape):
        if self.mean is None:
            raise ValueError(f"layer '{self.name}' has no statistics; expected mean and variance, or a call of `adapt`")
        if input_shape[1] != len(self.mean):
            raise ValueError(f"layer '{self.name}' got {input_shape[1]} frequency bins; expected {len(self.mean)}")
        super().build(input_shape)

    def call(self, inputs):
        scale = 1 / np.sqrt(self.variance + self.epsilon)
        mean, scale = (values.astype(np.float32)[:, None, None] for values in (self.mean, scale))
        return tf.cast((tf.cast(inputs, tf.float32) - mean) * scale, inputs.dtype)

    def get_config(self):
        mean, variance = (None if values is None else values.tolist() for values in (self.mean, self.variance))
        return {**super().get_config(), "mean": mean, "variance": variance, "epsilon": self.epsilon}
