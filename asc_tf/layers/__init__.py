"""Leaf layers: one idea of the papers a file."""

from asc_tf.internals.tensorflow import spare_autograph
from asc_tf.layers.adaptive_residual_norm import AdaptiveResidualNormalization
from asc_tf.layers.batch_norm import BatchNormalization
from asc_tf.layers.channel_shuffle import ChannelShuffle
from asc_tf.layers.channel_split import ChannelSplit
from asc_tf.layers.device_response import DeviceResponse
from asc_tf.layers.frequency_pooling import FrequencyAveragePooling
from asc_tf.layers.global_freq_norm import GlobalFrequencyNormalization
from asc_tf.layers.global_response_norm import GlobalResponseNormalization
from asc_tf.layers.mean_probability import LogMeanProbability
from asc_tf.layers.pixel_shuffle import PixelShuffle
from asc_tf.layers.relaxed_ifn import RelaxedInstanceFrequencyNormalization
from asc_tf.layers.residual_norm import FrequencyInstanceNormalization, ResidualNormalization
from asc_tf.layers.strided_depthwise import StridedDepthwiseConv2D
from asc_tf.layers.sub_spectral_instance_norm import SubSpectralInstanceNormalization
from asc_tf.layers.sub_spectral_norm import SubSpectralNormalization
from asc_tf.layers.time_pooling import TimeAveragePooling

spare_autograph()

__all__ = [
    "AdaptiveResidualNormalization",
    "BatchNormalization",
    "ChannelShuffle",
    "ChannelSplit",
    "DeviceResponse",
    "FrequencyAveragePooling",
    "FrequencyInstanceNormalization",
    "GlobalFrequencyNormalization",
    "GlobalResponseNormalization",
    "LogMeanProbability",
    "PixelShuffle",
    "RelaxedInstanceFrequencyNormalization",
    "ResidualNormalization",
    "StridedDepthwiseConv2D",
    "SubSpectralInstanceNormalization",
    "SubSpectralNormalization",
    "TimeAveragePooling",
]
