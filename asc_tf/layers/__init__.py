"""Leaf layers: one idea of the papers a file."""

import asc_tf.autograph  # noqa: F401
from asc_tf.layers.frequency_pooling import FrequencyAveragePooling
from asc_tf.layers.residual_norm import FrequencyInstanceNormalization, ResidualNormalization
from asc_tf.layers.sub_spectral_norm import SubSpectralNormalization

__all__ = [
    "FrequencyAveragePooling",
    "FrequencyInstanceNormalization",
    "ResidualNormalization",
    "SubSpectralNormalization",
]
