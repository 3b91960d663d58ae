"""SubSpectral Normalization: batch normalization of every frequency sub-band for itself."""

import tensorflow as tf
import tf_keras as keras

from asc_tf.layers.batch_statistics import (
    fused_batch_norm,
    is_slow,
    over_replicas,
    replicas,
    static_shape,
    statistics_over_replicas,
    values_of,
    without_bessel,
)
from asc_tf.layers.normalize_rows import normalize_rows


def normalize_bands(x, gamma, beta, epsilon):
    """Normalize each band and channel by its statistics over batch, the band's frequencies and time.

    Where TensorFlow's own operation is fast, it normalizes one band after the other. Elsewhere all bands are
    normalized together by sums over the batch, as matrix products, and sums of these; time and channel make one long
    row, as TensorFlow broadcasts rows as short as a small network's channels slowly. Where replicas of `tf.distribute`
    share a batch, the statistics are those of the whole batch.

    Args:
        x: float32 [batch, frequency, time, channel]; the static frequency is a multiple of the bands.
        gamma, beta: [band, channel].
        epsilon: added to the variance.

    Returns:
        (outputs, shaped as x; mean and variance without Bessel's correction, each [band, channel], through which no
        gradient flows).
    """
    fast = _one_by_one if replicas() == 1 else _by_rows
    normalize = _by_sums if is_slow(x.shape[3]) else fast
    outputs, mean, variance = normalize(x, tf.convert_to_tensor(gamma), tf.convert_to_tensor(beta), epsilon)
    return outputs, tf.stop_gradient(mean), tf.stop_gradient(variance)


def _one_by_one(x, gamma, beta, epsilon):
    # Frequency is the second axis: a band's bins lie together.
    weights = zip(tf.split(x, gamma.shape[0], axis=1), tf.unstack(gamma), tf.unstack(beta), strict=True)
    outputs, means, corrected = zip(*(fused_batch_norm(*band, epsilon) for band in weights), strict=True)
    variance = tf.stack(corrected) * without_bessel(values_of(x) / gamma.shape[0])
    return tf.concat(outputs, axis=1), tf.stack(means), variance


def _by_rows(x, gamma, beta, epsilon):
    outputs, mean, variance = normalize_rows(tf.split(x, gamma.shape[0], axis=1), gamma, beta, epsilon)
    return tf.concat(outputs, axis=1), mean, variance


def _by_sums(x, gamma, beta, epsilon):
    bands, count = gamma.shape[0], values_of(x) / gamma.shape[0]
    _, bins, time, channels = static_shape(x)

    def wide(values):
        """[band, channel] to [bins * time * channel], a clip."""
        rows = tf.expand_dims(tf.tile(values, (1, time)), 1)
        return tf.reshape(tf.tile(rows, (1, bins // bands, 1)), (-1,))

    def mean_of(clips):
        """[batch, bins * time * channel] to [band, channel]."""
        clip = tf.matmul(tf.ones((1, x.shape[0] or tf.shape(x)[0])), clips)
        rows = tf.reduce_sum(tf.reshape(clip, (bands, bins // bands, time * channels)), axis=1)
        return tf.reduce_sum(tf.reshape(rows, (bands, time, channels)), axis=1) / count

    @tf.custom_gradient
    def normalize(clips, gamma, beta):
        own = mean_of(clips)
        centred = clips - wide(own)
        mean, variance = statistics_over_replicas(own, mean_of(centred * centred))
        away = own - mean  # what `centred` lacks of the distance to the mean over all replicas
        inverse = tf.math.rsqrt(variance + epsilon)
        scale = gamma * inverse

        def gradients(upstream, *_):
            level = mean_of(upstream)
            slope = (mean_of(upstream * centred) + away * level) * inverse
            all_slopes, all_levels = over_replicas(slope, level)
            by_value = all_slopes * inverse * scale
            through = centred * wide(by_value) + wide(away * by_value + all_levels * scale)
            return upstream * wide(scale) - through, slope * count, level * count

        return (centred * wide(scale) + wide(away * scale + beta), mean, variance), gradients

    outputs, mean, variance = normalize(tf.reshape(x, (-1, bins * time * channels)), gamma, beta)
    return tf.reshape(outputs, static_shape(x)), mean, variance


@keras.saving.register_keras_serializable("asc_tf")
class SubSpectralNormalization(keras.layers.Layer):
    """Batch-normalize each of S contiguous frequency sub-bands with statistics and weights of its own.

    Low and high frequencies of a spectrogram have different statistics, which one normalization
    over all of them blurs. With B(f) = floor(f * S / F) the band of bin f:

        y_bftc = gamma_{B(f) c} * (x_bftc - mu_{B(f) c}) / sqrt(sigma^2_{B(f) c} + epsilon) + beta_{B(f) c}

    Training takes mu and sigma over batch, the bins of the band and time, and keeps moving averages
    of them for inference. Statistics are computed in float32 under any precision policy. Replicas of `tf.distribute`
    take them over the batch that they share.

    Input and output: [batch, frequency, time, channel], frequency static and a multiple of S.
    Weights: gamma, beta (trained), moving_mean, moving_variance, each [S, channel].

    Args:
        sub_bands: S, the number of bands.
        momentum: of the moving averages. Default 0.9, the papers' framework's 0.1 as Keras counts it.
        epsilon: added to the variance.

    Raises:
        ValueError: frequency is unknown or not a multiple of `sub_bands`.

    Reference: Chang et al., "SubSpectral Normalization for Neural Audio Data Processing", ICASSP 2021.
    """

    def __init__(self, sub_bands=4, momentum=0.9, epsilon=1e-5, **kwargs):
        super().__init__(**kwargs)
        self.sub_bands = sub_bands
        self.momentum = momentum
        self.epsilon = epsilon
        self.input_spec = keras.layers.InputSpec(ndim=4)

    def build(self, input_shape):
        bins, channels = input_shape[1], input_shape[3]
        if bins is None or bins % self.sub_bands:
            raise ValueError(
                f"SubSpectralNormalization '{self.name}' got {bins} frequency bins; "
                f"expected a multiple of sub_bands = {self.sub_bands}"
            )
        self.gamma = self._weight("gamma", "ones", channels, trainable=True)
        self.beta = self._weight("beta", "zeros", channels, trainable=True)
        self.moving_mean = self._weight("moving_mean", "zeros", channels, trainable=False)
        self.moving_variance = self._weight("moving_variance", "ones", channels, trainable=False)
        super().build(input_shape)

    def _weight(self, name, initializer, channels, trainable):
        moving = (
            {}
            if trainable
            else {
                "synchronization": tf.VariableSynchronization.ON_READ,
                "aggregation": tf.VariableAggregation.MEAN,
            }
        )
        return self.add_weight(
            name=name,
            shape=(self.sub_bands, channels),
            dtype=tf.float32,
            initializer=initializer,
            trainable=trainable,
            experimental_autocast=False,
            **moving,
        )

    def call(self, inputs, training=None):
        if training is None:
            training = keras.backend.learning_phase()
        if isinstance(training, (bool, int)):
            return self._train(inputs) if training and self.trainable else self._infer(inputs)
        return tf.cond(tf.cast(training, tf.bool), lambda: self._train(inputs), lambda: self._infer(inputs))

    def _train(self, inputs):
        x = tf.cast(inputs, tf.float32)
        outputs, mean, variance = normalize_bands(x, self.gamma, self.beta, self.epsilon)
        self._update(self.moving_mean, mean)
        self._update(self.moving_variance, variance)
        return tf.cast(outputs, inputs.dtype)

    def _infer(self, inputs):
        scale, offset = self._scale_and_offset(self.moving_mean, self.moving_variance)
        bins, channels = inputs.shape[1], inputs.shape[3]
        # A band's row repeated for each of its bins; `tf.repeat` says the same in ten times the operations.
        scale, offset = (
            tf.reshape(tf.tile(v, (1, bins // self.sub_bands)), (bins, 1, channels)) for v in (scale, offset)
        )
        return inputs * tf.cast(scale, inputs.dtype) + tf.cast(offset, inputs.dtype)

    def _scale_and_offset(self, mean, variance):
        scale = self.gamma * tf.math.rsqrt(variance + self.epsilon)
        return scale, self.beta - mean * scale

    def _update(self, moving, value):
        moving.assign_sub((moving - value) * (1.0 - self.momentum))

    def get_config(self):
        return {
            **super().get_config(),
            "sub_bands": self.sub_bands,
            "momentum": self.momentum,
            "epsilon": self.epsilon,
        }
